/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_GF8_H
#define PF_FEC_GF8_H

#include <stdint.h>

#define PF_GF8_ORDER 255u /* elements of the multiplicative group */

/*
 * GF(2^8) by logarithms. Two representations are used: bits as coefficients of powers of x modulo
 * 0x11D (GameStream), and bits as coordinates in the Cantor basis of the Leopard family, where the
 * field is the subfield of GF(2^16) that the first 256 points lie in.
 */
struct pf_gf8_field {
	uint8_t exp[512]; /* two periods, so that a sum of two logarithms needs no reduction */
	uint8_t log[256]; /* log[0] is not meaningful */
};

extern const struct pf_gf8_field pf_gf8_poly;	/* polynomial 0x11D */
extern const struct pf_gf8_field pf_gf8_cantor; /* Cantor basis */

static inline uint8_t pf_gf8_mul(const struct pf_gf8_field *f, uint8_t a, uint8_t b)
{
	return a && b ? f->exp[f->log[a] + f->log[b]] : 0;
}

/* a must not be 0. */
static inline uint8_t pf_gf8_inv(const struct pf_gf8_field *f, uint8_t a)
{
	return f->exp[PF_GF8_ORDER - f->log[a]];
}

/*
 * What kernels need to multiply a vector by a constant, and to change between the wire form and the
 * tower form of GF(2^16) (gf16.h): any linear map of bytes fits.
 */
struct pf_gf8_tables {
	_Alignas(64) uint8_t nibble[256][32]; /* [c][0..15] = c * v, [c][16..31] = c * (v << 4) */
	uint64_t matrix[256]; /* c as a bit matrix, in the order of the GFNI instructions */
	_Alignas(64) uint8_t delta_nibble[32];
	uint64_t delta_matrix;
	uint8_t cantor7[256]; /* c * B7, for products of tower form */
};

/* delta: the map of gf16.h, or NULL when no kernel of GF(2^16) will be called. */
void pf_gf8_tables_init(
	struct pf_gf8_tables *t, const struct pf_gf8_field *f, const uint8_t *delta);

#endif
