/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_FFT_H
#define PF_FEC_FFT_H

#include <stddef.h>
#include <stdint.h>

#include "core/fec/kernels.h"

/*
 * The additive transform of Lin, Chung and Han over a coset of n = 2^log points, base..base+n-1:
 * values at the points to coefficients (pf_fft_inverse) and back (pf_fft_forward). A transform works
 * on one stripe of all shards at a time, so that its rows stay in the caches.
 */
#define PF_FFT_WIDTH_MAX 2048u /* bytes of one row */
#define PF_FFT_LOG_MIN	 2u    /* the smallest transform: the kernels take four rows */

struct pf_fft {
	const struct pf_fec_kernels *kernels;
	const struct pf_gf8_tables *tables;
	/*
	 * Twiddle factor of a step over distance 2^level at point p; NULL: that of the Cantor
	 * basis of GF(2^16), p >> level.
	 */
	const uint8_t (*skew)[256];
	uint8_t *zero,
		*discard; /* rows of PF_FFT_WIDTH_MAX bytes: read for absent shards, written */
	/* The stripe at hand: bytes at..at+len-1 of each shard; width is len in whole chunks. */
	size_t at, len, width;
	unsigned flags; /* PF_FEC_TOWER when shards are elements of GF(2^16) in wire form */
};

/* What to read: shards[0..n-1], absent ones NULL, zero beyond n; or, with shards NULL, the rows. */
struct pf_fft_input {
	const uint8_t *const *shards;
	size_t n;
	uint8_t scale; /* 8-bit factor of each value, 1 = none; not with PF_FEC_TOWER */
};

/*
 * What to write: shards[0..n-1], not where NULL; or, with shards NULL, the rows. Rows for which
 * wanted is 0 (wanted NULL: none) and rows from n on may be left undone.
 */
struct pf_fft_output {
	uint8_t *const *shards;
	const uint8_t *wanted;
	size_t n;
};

/* rows: 2^log rows of width bytes. With sum, the result is added to its rows and rows is scratch. */
void pf_fft_inverse(const struct pf_fft *f, const struct pf_fft_input *in, uint8_t *rows,
	uint8_t *sum, unsigned log, uint32_t base);

/* from: 2^log rows, left alone unless they are rows, which is scratch. */
void pf_fft_forward(const struct pf_fft *f, const struct pf_fft_output *out, uint8_t *rows,
	const uint8_t *from, unsigned log, uint32_t base);

/*
 * What it costs to transform n shards coset by coset, and their sum once, in units that the callers
 * compare with the products of a matrix: 3/4 for each of the log steps, and 2 for reading, writing
 * and adding up, a row, times 4. The factors at the callers were fitted to measurements on a machine
 * with GFNI (docs/performance.md); transforms gain more where products cost more.
 */
size_t pf_fft_cost(unsigned log, size_t n);

/* The row width for transforms of 2^log rows over shards of len bytes. */
size_t pf_fft_width(unsigned log, size_t len);
/* Bytes that 2^log rows take at most, for any len. */
size_t pf_fft_size(unsigned log);

/*
 * Steps through shards of len bytes: start with f->at = f->len = 0; false at the end. A rest of
 * less than a chunk is a stripe of its own.
 */
int pf_fft_next_stripe(struct pf_fft *f, unsigned log, size_t len);

/* Between a shard's stripe and a row where they differ in form or length. */
void pf_fft_copy_in(const struct pf_fft *f, uint8_t *row, const uint8_t *shard);
void pf_fft_copy_out(const struct pf_fft *f, uint8_t *shard, const uint8_t *row);

#endif
