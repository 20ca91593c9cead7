/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/hex.h"

static int digit(char c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;
}

int hex_read(uint8_t *out, size_t cap, const char *text)
{
	size_t n = 0;
	if (!text)
		return PF_E_BAD_PACKET;
	for (; text[0]; text += 2) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);
		if (low < 0 || n == cap)
			return PF_E_BAD_PACKET;
		out[n++] = (uint8_t)(high << 4 | low);
	}
	return (int)n;
}

int hex_read_exact(uint8_t *out, size_t len, const char *text)
{
	int n = hex_read(out, len, text);
	return n >= 0 && (size_t)n == len ? PF_OK : PF_E_BAD_PACKET;
}

void hex_write(char *out, const uint8_t *data, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	for (size_t i = 0; i < len; i++) {
		*out++ = digits[data[i] >> 4];
		*out++ = digits[data[i] & 15];
	}
	*out = '\0';
}
