/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/nv_gf.h"

#include <string.h>

#define MAX_LOST 255u

uint8_t nv_gf_mul(uint8_t a, uint8_t b)
{
	unsigned v = 0, x = a;
	for (; b; b >>= 1) {
		if (b & 1)
			v ^= x;
		x <<= 1;
		if (x & 0x100)
			x ^= 0x11D;
	}
	return (uint8_t)v;
}

static uint8_t inverse(uint8_t a)
{
	uint8_t v = 1; /* a^254 */
	for (int i = 0; i < 254; i++)
		v = nv_gf_mul(v, a);
	return v;
}

uint8_t nv_cauchy_row(size_t p, size_t j, size_t i)
{
	static uint8_t inverses[256];
	const uint8_t x = (uint8_t)((p + i) ^ j);
	if (!inverses[x])
		inverses[x] = inverse(x);
	return inverses[x];
}

uint8_t nv_audio_row(size_t p, size_t j, size_t i)
{
	static const uint8_t rows[2][4] = {{0x77, 0x40, 0x38, 0x0e}, {0xc7, 0xa7, 0x0d, 0x6c}};
	(void)p;
	return rows[j][i];
}

static void add_product(uint8_t *out, const uint8_t *in, uint8_t c, size_t len)
{
	uint8_t table[256];
	for (unsigned v = 0; v < 256; v++)
		table[v] = nv_gf_mul(c, (uint8_t)v);
	for (size_t b = 0; b < len; b++)
		out[b] ^= table[in[b]];
}

static void scale(uint8_t *out, uint8_t c, size_t len)
{
	for (size_t b = 0; b < len; b++)
		out[b] = nv_gf_mul(c, out[b]);
}

static uint8_t matrix[MAX_LOST][MAX_LOST];

/* Gauss and Jordan, the right side are the shards themselves. */
static bool solve(uint8_t *const *right, size_t n, size_t len)
{
	for (size_t c = 0; c < n; c++) {
		size_t pivot = c;
		while (pivot < n && !matrix[pivot][c])
			pivot++;
		if (pivot == n)
			return false;
		if (pivot != c) /* exchange by adding */
			for (size_t i = 0; i < n; i++)
				matrix[c][i] ^= matrix[pivot][i];
		if (pivot != c)
			add_product(right[c], right[pivot], 1, len);
		uint8_t by = inverse(matrix[c][c]);
		scale(matrix[c], by, n);
		scale(right[c], by, len);
		for (size_t r = 0; r < n; r++) {
			uint8_t f = matrix[r][c];
			if (r == c || !f)
				continue;
			add_product(matrix[r], matrix[c], f, n);
			add_product(right[r], right[c], f, len);
		}
	}
	return true;
}

bool nv_repair(
	uint8_t **shards, uint8_t *const *fresh, size_t d, size_t p, size_t len, nv_row_fn row)
{
	size_t lost[MAX_LOST], n = 0, used = 0;
	for (size_t i = 0; i < d; i++) {
		if (shards[i])
			continue;
		if (n == p || n == MAX_LOST)
			return false;
		lost[n++] = i;
	}
	for (size_t j = 0; j < p && used < n; j++) {
		if (!shards[d + j])
			continue;
		uint8_t *right = fresh[lost[used]];
		memcpy(right, shards[d + j], len);
		for (size_t i = 0; i < d; i++)
			if (shards[i])
				add_product(right, shards[i], row(p, j, i), len);
		for (size_t e = 0; e < n; e++)
			matrix[used][e] = row(p, j, lost[e]);
		used++;
	}
	uint8_t *right[MAX_LOST];
	for (size_t e = 0; e < n; e++)
		right[e] = fresh[lost[e]];
	if (used < n || !solve(right, n, len))
		return false;
	for (size_t e = 0; e < n; e++)
		shards[lost[e]] = right[e];
	return true;
}
