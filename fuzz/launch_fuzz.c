/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* The arguments of /launch: lines of name=value. What is accepted is within its bounds; what is not is named. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/gamestream/launch_args.h"

#define MAX_LEN 4096

static const char *find(const void *source, const char *name)
{
	static char value[MAX_LEN + 1];
	const char *at = source;
	size_t len = strlen(name);
	while (at && *at) {
		if (!strncmp(at, name, len) && at[len] == '=') {
			size_t n = strcspn(at + len + 1, "\n");
			memcpy(value, at + len + 1, n);
			value[n] = '\0';
			return value;
		}
		at = strchr(at, '\n');
		at = at ? at + 1 : NULL;
	}
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char text[MAX_LEN + 1];
	struct launch_request r;
	char why[200] = "";
	size_t n = size < MAX_LEN ? size : MAX_LEN;
	memcpy(text, data, n);
	text[n] = '\0';
	if (launch_args_read(&r, find, text, why, sizeof(why)) < 0) {
		FUZZ_CHECK(why[0]);
		return 0;
	}
	FUZZ_CHECK(pf_mode_valid(&r.mode));
	FUZZ_CHECK(r.channels == 2 || r.channels == 6 || r.channels == 8);
	FUZZ_CHECK(r.pads <= 0xffff);
	return 0;
}
