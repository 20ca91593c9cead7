/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/text.h"

#include <string.h>

#include "core/base/error.h"

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

/* Bytes of the character at p, at most len; 0 = none begins there. */
static size_t character(const uint8_t *p, size_t len)
{
	uint8_t low, high;
	int n = sequence(p[0], &low, &high);
	if (n < 0 || len - 1 < (size_t)n)
		return 0;
	for (int i = 1; i <= n; i++) {
		if (p[i] < low || p[i] > high)
			return 0;
		low = 0x80;
		high = 0xBF;
	}
	return (size_t)n + 1;
}

bool pf_text_valid(const uint8_t *p, size_t len)
{
	while (len) {
		size_t n = character(p, len);
		if (!n)
			return false;
		p += n;
		len -= n;
	}
	return true;
}

bool pf_text_printable(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (p[i] < 0x20 || p[i] > 0x7E)
			return false;
	return true;
}

/* What would move a terminal's cursor, end a line, or show the text behind it in another order. */
static bool is_harmless(const uint8_t *p, size_t n)
{
	if (n == 1)
		return p[0] >= 0x20 && p[0] != 0x7F;
	if (n == 2) /* C1 is C2 80 to C2 9F; the Arabic letter mark */
		return !(p[0] == 0xC2 && p[1] < 0xA0) && !(p[0] == 0xD8 && p[1] == 0x9C);
	if (n != 3 || p[0] != 0xE2)
		return true;
	if (p[1] == 0x80) /* U+200E, U+200F marks, U+2028 to U+202E ends of lines and embeddings */
		return !(p[2] == 0x8E || p[2] == 0x8F || (p[2] >= 0xA8 && p[2] <= 0xAE));
	return !(p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9); /* U+2066 to U+2069 isolates */
}

size_t pf_text_clean(char *out, size_t cap, const void *text, size_t len)
{
	const uint8_t *p = text;
	size_t at = 0;
	pf_check(cap > 0);
	while (len) {
		size_t n = character(p, len);
		bool keep = n && is_harmless(p, n);
		size_t put = keep ? n : 1;
		if (at + put >= cap)
			break;
		if (keep)
			memcpy(out + at, p, n);
		else
			out[at] = '?';
		at += put;
		p += n ? n : 1;
		len -= n ? n : 1;
	}
	out[at] = '\0';
	return at;
}
