/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/kernels.h"

#include <string.h>

#include "core/fec/gf16.h"

static void dot8_c(const struct pf_gf8_tables *t, uint8_t *const *out, size_t n_out,
	const uint8_t *const *src, size_t n_src, const uint8_t *coef, size_t len, int add)
{
	for (size_t r = 0; r < n_out; r++) {
		if (!add)
			memset(out[r], 0, len);
		for (size_t i = 0; i < n_src; i++) {
			const uint8_t *nib = t->nibble[coef[r * n_src + i]];
			for (size_t b = 0; b < len; b++)
				out[r][b] ^= nib[src[i][b] & 15] ^ nib[16 + (src[i][b] >> 4)];
		}
	}
}

static void mul_add16_c(uint8_t *out, const uint8_t *src, uint16_t c, size_t len)
{
	uint16_t nib[4][16] = {{0}};
	for (unsigned n = 0; n < 4; n++)
		for (unsigned bit = 0; bit < 4; bit++) {
			nib[n][1u << bit] = pf_gf16_mul(c, (uint16_t)(1u << (4 * n + bit)));
			for (unsigned v = 1; v < 1u << bit; v++)
				nib[n][v | 1u << bit] = nib[n][v] ^ nib[n][1u << bit];
		}
	while (len) {
		size_t half = len < 64 ? len / 2 : 32;
		for (size_t b = 0; b < half; b++) {
			uint8_t lo = src[b], hi = src[half + b];
			uint16_t p = nib[0][lo & 15] ^ nib[1][lo >> 4] ^ nib[2][hi & 15] ^
				nib[3][hi >> 4];
			out[b] ^= (uint8_t)p;
			out[half + b] ^= (uint8_t)(p >> 8);
		}
		out += 2 * half;
		src += 2 * half;
		len -= 2 * half;
	}
}

static void dot16_c(uint8_t *const *out, size_t n_out, const uint8_t *const *src, size_t n_src,
	const uint16_t *coef, size_t len)
{
	for (size_t r = 0; r < n_out; r++) {
		memset(out[r], 0, len);
		for (size_t i = 0; i < n_src; i++)
			mul_add16_c(out[r], src[i], coef[r * n_src + i], len);
	}
}

void pf_fec_kernels_init(struct pf_fec_kernels *k)
{
	k->dot8 = dot8_c;
	k->dot16 = dot16_c;
}
