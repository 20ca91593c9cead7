/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* What a server of EIS says first: whatever is let through begins with messages of the handshake, and is whole. */
#include <string.h>

#include "fuzz/fuzz.h"
#include "host/inject/libei_gate.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int got = libei_gate_check(data, size);
	uint64_t object;
	uint32_t len, opcode;
	FUZZ_CHECK(got == LIBEI_GATE_QUIET || got == LIBEI_GATE_GREETING ||
		got == LIBEI_GATE_PASSED || got == PF_E_BAD_PACKET);
	FUZZ_CHECK((got == LIBEI_GATE_QUIET) == (size == 0));
	if (got <= 0)
		return 0;
	for (size_t at = 0; at < size; at += len) {
		FUZZ_CHECK(size - at >= 16);
		memcpy(&object, data + at, 8);
		memcpy(&len, data + at + 8, 4);
		memcpy(&opcode, data + at + 12, 4);
		FUZZ_CHECK(!object && opcode <= 2 && len > 16 && len <= size - at);
		if (opcode == 2) {
			FUZZ_CHECK(got == LIBEI_GATE_PASSED);
			return 0;
		}
	}
	FUZZ_CHECK(got == LIBEI_GATE_GREETING);
	return 0;
}
