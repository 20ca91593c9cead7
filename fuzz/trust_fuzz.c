/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The reader of punktfunk1-paired.json: what it accepts is within its bounds, and the same after it was written
 * and read again.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/trust/trust_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trust_list a, b;
	char why[200] = "";
	if (trust_json_read(&a, (const char *)data, size, why, sizeof(why)) < 0) {
		FUZZ_CHECK(!a.n && why[0]);
		return 0;
	}
	FUZZ_CHECK(a.n <= TRUST_MAX);
	char *text = trust_json_write(&a);
	FUZZ_CHECK(text);
	FUZZ_CHECK(trust_json_read(&b, text, strlen(text), why, sizeof(why)) == PF_OK);
	FUZZ_CHECK(a.n == b.n);
	for (size_t i = 0; i < a.n; i++)
		FUZZ_CHECK(!memcmp(&a.clients[i].fp, &b.clients[i].fp, PF_FINGERPRINT_LEN) &&
			!strcmp(a.clients[i].name, b.clients[i].name) && a.clients[i].name[0] &&
			a.clients[i].grants == b.clients[i].grants &&
			a.clients[i].expires_s == b.clients[i].expires_s &&
			a.clients[i].paired_s == b.clients[i].paired_s);
	free(text);
	return 0;
}
