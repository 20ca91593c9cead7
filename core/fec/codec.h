/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_CODEC_H
#define PF_FEC_CODEC_H

#include <stddef.h>
#include <stdint.h>

#include "core/fec/cauchy.h"
#include "core/fec/fec.h"
#include "core/fec/fft.h"
#include "core/fec/gf16.h"
#include "core/fec/gf8.h"
#include "core/fec/kernels.h"
#include "core/fec/locator.h"

#define PF_FEC_ROWS 6u /* outputs computed in one pass over the sources */

/* Which way to compute: what the block's shape says is cheaper, or (tests, benchmarks) one always. */
enum pf_fec_path {
	PF_FEC_PATH_AUTO,
	PF_FEC_PATH_MATRIX,
	PF_FEC_PATH_TRANSFORM, /* where it can be used at all */
};

/* Where a block's shards lie in the field, and which of them carry a weight (cauchy.h). */
struct pf_fec_layout {
	uint32_t data, parity;	      /* points of the first data and the first parity shard */
	unsigned log;		      /* transforms are over cosets of 2^log points */
	int weigh_data, weigh_parity; /* the weight of point p is p >> log */
};

/* A decode, sorted (fec.c). Shards are those of the caller; present says which hold bytes. */
struct pf_fec_job {
	uint8_t *const *shards;
	const uint8_t *present;
	size_t k, m, len, n_lost;
	struct pf_fec_layout layout;
};

struct pf_fec {
	struct pf_fec_params limits;
	enum pf_fec_path path;
	struct pf_fec_kernels kernels;
	struct pf_gf8_tables *tables;
	struct pf_gf16_logs logs16;
	uint8_t (*skew)[256];		/* rs8 */
	uint8_t inverse[256];		/* rs8 */
	uint8_t exp3[3 * PF_GF8_ORDER]; /* rs8: three periods, for sums that are not reduced */
	uint16_t *log; /* of the XOR of any two points of a block within the limits */
	uint32_t order;
	/* Scratch of one call; cauchy points into it. */
	struct pf_cauchy cauchy;
	const uint8_t **src;
	uint16_t *lost, *used, *known, *weight, *lost_weight, *lost_gain, *known_gain;
	uint32_t *lost_index;
	void *coef; /* PF_FEC_ROWS rows of coefficients, or one coefficient a point */
	/* For the transforms. */
	struct pf_fft fft;
	struct pf_locator locator;
	uint8_t *rows[2], *wanted;
	unsigned max_log;
};

/* GF(2^8), rs8.c */
int pf_rs8_init(struct pf_fec *fec) PF_MUST_CHECK;
struct pf_fec_layout pf_rs8_layout(size_t k, size_t m);
/* out[0..n-1] = rows first..first+n-1 of fec->cauchy times fec->src; n <= PF_FEC_ROWS */
void pf_rs8_matrix(struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len);
/* PF_E_UNSUPPORTED: not by transforms, or not worth it. */
int pf_rs8_encode(struct pf_fec *fec, const uint8_t *const *data, size_t k, uint8_t *const *parity,
	size_t m, size_t len) PF_MUST_CHECK;
int pf_rs8_decode(struct pf_fec *fec, const struct pf_fec_job *job) PF_MUST_CHECK;

/* GF(2^16), leopard16.c: the same */
int pf_leopard16_init(struct pf_fec *fec) PF_MUST_CHECK;
struct pf_fec_layout pf_leopard16_layout(size_t k, size_t m);
void pf_leopard16_matrix(
	struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len);
int pf_leopard16_encode(struct pf_fec *fec, const uint8_t *const *data, size_t k,
	uint8_t *const *parity, size_t m, size_t len) PF_MUST_CHECK;
int pf_leopard16_decode(struct pf_fec *fec, const struct pf_fec_job *job) PF_MUST_CHECK;

/* Memory for transforms of up to 2^log rows and a locator of up to max_points (0: none). */
int pf_fec_transform_init(struct pf_fec *fec, unsigned log, size_t max_points) PF_MUST_CHECK;

/* The smallest power of two that is >= n >= 1, and its logarithm. */
static inline size_t pf_fec_pow2(size_t n)
{
	size_t p = 1;
	while (p < n)
		p <<= 1;
	return p;
}

static inline unsigned pf_fec_log2(size_t n)
{
	unsigned log = 0;
	while ((size_t)1 << log < n)
		log++;
	return log;
}

#endif
