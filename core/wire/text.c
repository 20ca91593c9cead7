/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/text.h"

/* Bytes that follow this first byte, and the range of the first of them; -1 = no first byte. */
static int sequence(uint8_t c, uint8_t *low, uint8_t *high)
{
	*low = 0x80;
	*high = 0xBF;
	if (c < 0x80)
		return c ? 0 : -1;
	if (c < 0xC2 || c > 0xF4)
		return -1;
	if (c < 0xE0)
		return 1;
	if (c == 0xE0)
		*low = 0xA0;
	else if (c == 0xED)
		*high = 0x9F;
	else if (c == 0xF0)
		*low = 0x90;
	else if (c == 0xF4)
		*high = 0x8F;
	return c < 0xF0 ? 2 : 3;
}

bool pf_text_valid(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len;) {
		uint8_t low, high;
		int n = sequence(p[i++], &low, &high);
		if (n < 0 || len - i < (size_t)n)
			return false;
		for (; n > 0; n--, i++) {
			if (p[i] < low || p[i] > high)
				return false;
			low = 0x80;
			high = 0xBF;
		}
	}
	return true;
}
