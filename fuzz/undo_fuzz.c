/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The reader of what a killed host left: what it accepts is within its bounds, and the same after it was written. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/vdisplay/undo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct undo_record a, b;
	if (undo_record_read(&a, (const char *)data, size) < 0) {
		FUZZ_CHECK(!a.n_outputs && !a.socket[0]);
		return 0;
	}
	FUZZ_CHECK(a.n_outputs && a.n_outputs <= UNDO_MAX_OUTPUTS && a.socket[0] == '/');
	for (size_t i = 0; i < a.n_outputs; i++)
		FUZZ_CHECK(a.outputs[i][0] && memchr(a.outputs[i], 0, UNDO_NAME_LEN));
	char *text = undo_record_write(&a);
	FUZZ_CHECK(text);
	FUZZ_CHECK(undo_record_read(&b, text, strlen(text)) == PF_OK);
	FUZZ_CHECK(!memcmp(&a, &b, sizeof(a)));
	free(text);
	return 0;
}
