/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Returns 0, whatever the input. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Stays in release builds and ends the run: what must hold for every input. */
#define FUZZ_CHECK(condition) \
	do { \
		if (!(condition)) \
			abort(); \
	} while (0)

#endif
