/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* What a program that calls itself gamescope prints: numbers stay within their four digits. */
#include "fuzz/fuzz.h"
#include "host/vdisplay/gamescope_probe.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gamescope_version v;
	char text[48];
	gamescope_read_help(&v, (const char *)data, size);
	FUZZ_CHECK(v.major >= 0 && v.major <= 9999);
	FUZZ_CHECK(v.minor >= 0 && v.minor <= 9999 && v.patch >= 0 && v.patch <= 9999);
	FUZZ_CHECK(v.major || (!v.minor && !v.patch));
	gamescope_version_text(&v, text, sizeof(text));
	FUZZ_CHECK(text[0]);
	return 0;
}
