/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_GF16_H
#define PF_FEC_GF16_H

#include <stddef.h>
#include <stdint.h>

#include "core/fec/gf8.h"

#define PF_GF16_ORDER 65535u

/*
 * GF(2^16) modulo x^16+x^5+x^3+x^2+1, elements given by their coordinates in the Cantor basis (the
 * "wire" form, wire 7.4). The low 8 coordinates span the subfield GF(2^8), so an element is also
 * lo + hi * B with B the ninth basis vector and B^2 = B + B7; in that "tower" form a product is a
 * few products in GF(2^8) and no table has 65,536 entries. Wire and tower form have the same high
 * byte; their low bytes differ by a linear map of the high byte.
 */
extern const uint8_t pf_gf16_delta[256];

/* Wire to tower form and back: the map is its own inverse. */
static inline uint16_t pf_gf16_swap_form(uint16_t v)
{
	return (uint16_t)(v ^ pf_gf16_delta[v >> 8]);
}

uint16_t pf_gf16_mul_tower(uint16_t a, uint16_t b);

static inline uint16_t pf_gf16_mul(uint16_t a, uint16_t b)
{
	return pf_gf16_swap_form(pf_gf16_mul_tower(pf_gf16_swap_form(a), pf_gf16_swap_form(b)));
}

/* Logarithms of the first n values, and powers of the same generator in two factors. */
struct pf_gf16_logs {
	uint16_t exp_low[256], exp_high[256]; /* tower form */
	uint8_t exp_subfield[255];
	size_t n;
	uint16_t *log; /* n entries, owned by the caller; log[0] is left alone */
};

/* log must have room for n <= 65536 entries and live as long as the object. */
void pf_gf16_logs_init(struct pf_gf16_logs *t, uint16_t *log, size_t n);

/* The power of the generator; e < PF_GF16_ORDER. */
static inline uint16_t pf_gf16_exp_tower(const struct pf_gf16_logs *t, uint32_t e)
{
	return pf_gf16_mul_tower(t->exp_high[e >> 8], t->exp_low[e & 255]);
}

static inline uint16_t pf_gf16_exp(const struct pf_gf16_logs *t, uint32_t e)
{
	return pf_gf16_swap_form(pf_gf16_exp_tower(t, e));
}

/* Of an element of the subfield: its logarithm is a multiple of (2^16 - 1) / (2^8 - 1). */
static inline uint8_t pf_gf16_exp_subfield(const struct pf_gf16_logs *t, uint32_t e)
{
	return t->exp_subfield[e / 257];
}

#endif
