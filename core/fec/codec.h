/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_CODEC_H
#define PF_FEC_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "core/fec/cauchy.h"
#include "core/fec/fec.h"
#include "core/fec/gf16.h"
#include "core/fec/gf8.h"
#include "core/fec/kernels.h"

#define PF_FEC_ROWS 6u /* outputs computed in one pass over the sources */

/* Where a block's shards lie in the field, and which of them carry a weight (cauchy.h). */
struct pf_fec_layout {
	uint32_t data, parity; /* points of the first data and the first parity shard */
	unsigned shift;	       /* the weight of point p is p >> shift */
	int weigh_data, weigh_parity;
};

struct pf_fec {
	struct pf_fec_params limits;
	struct pf_fec_kernels kernels;
	struct pf_gf8_tables *tables;
	struct pf_gf16_logs logs16;
	uint16_t *log; /* of the XOR of any two points of a block within the limits */
	uint32_t order;
	/* Scratch of one call; cauchy points into it. */
	struct pf_cauchy cauchy;
	const uint8_t **src;
	uint16_t *lost, *used, *known, *weight, *lost_weight, *lost_gain, *known_gain;
	uint32_t *lost_index;
	void *coef; /* PF_FEC_ROWS rows of coefficients */
};

/* GF(2^8), rs8.c */
int pf_rs8_init(struct pf_fec *fec) PF_MUST_CHECK;
struct pf_fec_layout pf_rs8_layout(size_t k, size_t m);
void pf_rs8_rows(struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len);

/* GF(2^16), leopard16.c */
int pf_leopard16_init(struct pf_fec *fec) PF_MUST_CHECK;
struct pf_fec_layout pf_leopard16_layout(size_t k, size_t m);
/* out[0..n-1] = rows first..first+n-1 of fec->cauchy times fec->src; n <= PF_FEC_ROWS */
void pf_leopard16_rows(struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len);

/* The smallest power of two that is >= n >= 1. */
static inline size_t pf_fec_pow2(size_t n)
{
	size_t p = 1;
	while (p < n)
		p <<= 1;
	return p;
}

#endif
