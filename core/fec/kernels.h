/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_KERNELS_H
#define PF_FEC_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "core/fec/gf8.h"

/*
 * Elements of GF(2^16) lie in chunks of 64 bytes, 32 low bytes then 32 high bytes; in a shard, a
 * short last chunk of t bytes is t/2 low bytes, then t/2 high bytes. Shards are in wire form, work
 * rows in tower form (gf16.h): there a factor below 256 multiplies every byte alike, so one kernel
 * over bytes serves GF(2^8) and most of GF(2^16). Work rows are whole chunks, 64-byte aligned.
 * No kernel keeps state; no argument is checked.
 */
#define PF_FEC_CHUNK 64u

enum pf_fec_kernel_flag {
	PF_FEC_ADD = 1,	  /* add to what the destination holds instead of replacing it */
	PF_FEC_TOWER = 2, /* shards on this side are in wire form: convert */
	PF_FEC_SCALE = 4, /* multiply what is read by scale */
};

/*
 * out[r] = sum over i of coef[r * n_src + i] * src[i], any length and alignment, outputs apart from
 * sources. dot8 has factors of one byte, and with PF_FEC_TOWER is over GF(2^16) (even length);
 * dot16 is over GF(2^16). n_out >= 1, n_src >= 1. Factors of dot16 are in tower form.
 */
struct pf_fec_dot {
	const struct pf_gf8_tables *tables;
	uint8_t *const *out;
	const uint8_t *const *src;
	size_t n_out, n_src, len;
	const void *coef; /* uint8_t for dot8, uint16_t for dot16 */
	size_t coef_stride;
	unsigned flags; /* PF_FEC_ADD; dot8 also PF_FEC_TOWER */
};

/*
 * Two steps of the additive transform over four blocks of len bytes (a multiple of PF_FEC_CHUNK).
 * Inverse: b1 += b0, b0 += skew[0] * b1; b3 += b2, b2 += skew[1] * b3; then (b0, b2) and (b1, b3)
 * with skew[2]. Forward: the same backwards. Blocks may be read where they are written.
 * PF_FEC_TOWER and PF_FEC_SCALE apply to what ifft reads and TOWER to what fft writes, which then
 * need no alignment; ADD to what ifft writes.
 */
struct pf_fec_fft4 {
	const struct pf_gf8_tables *tables;
	uint8_t *dst[4];
	const uint8_t *src[4];
	size_t len;
	uint16_t skew[3]; /* tower form; below 256 for the 8-bit kernels */
	uint8_t scale;
	unsigned flags;
};

/*
 * Four steps over sixteen blocks: all of a transform's lowest levels in one pass. skew: 8 factors of
 * the first step (pairs 0-1, 2-3, ..), 4 of the second, 2, 1. Flags as for the 8-bit fft4.
 */
struct pf_fec_fft16 {
	const struct pf_gf8_tables *tables;
	uint8_t *dst[16];
	const uint8_t *src[16];
	size_t len;
	uint8_t skew[15];
	uint8_t scale;
	unsigned flags;
};

typedef void (*pf_fec_dot_fn)(const struct pf_fec_dot *d);
typedef void (*pf_fec_fft16_fn)(const struct pf_fec_fft16 *f);
typedef void (*pf_fec_fft4_fn)(const struct pf_fec_fft4 *f);
/* One step: dst[0..1], src[0..1], skew[0]. Only PF_FEC_ADD, only in ifft2. */
typedef void (*pf_fec_fft2_fn)(const struct pf_fec_fft4 *f);
/* row = c * (row + tower form of src), a work row and a shard; c in tower form, len as fft4. */
typedef void (*pf_fec_syndrome_fn)(
	const struct pf_gf8_tables *t, uint8_t *row, const uint8_t *src, uint16_t c, size_t len);
/* out = wire form of c * row. */
typedef void (*pf_fec_repair_fn)(
	const struct pf_gf8_tables *t, uint8_t *out, const uint8_t *row, uint16_t c, size_t len);

struct pf_fec_kernels {
	pf_fec_dot_fn dot8, dot16;
	/* [0]: bytes with factors below 256; [1]: GF(2^16) */
	pf_fec_fft4_fn ifft4[2], fft4[2];
	pf_fec_fft2_fn ifft2[2], fft2[2];
	pf_fec_fft16_fn ifft16, fft16; /* bytes only; both NULL where they are no gain */
	pf_fec_syndrome_fn syndrome;
	pf_fec_repair_fn repair;
};

/* cpu: flags of core/base/cpu.h. The plain C kernels first, then each level over them. */
void pf_fec_kernels_init(struct pf_fec_kernels *k, uint32_t cpu);

void pf_fec_kernels_init_ssse3(struct pf_fec_kernels *k);
void pf_fec_kernels_init_avx2(struct pf_fec_kernels *k);
void pf_fec_kernels_init_avx512(struct pf_fec_kernels *k);
void pf_fec_kernels_init_gfni(struct pf_fec_kernels *k);
void pf_fec_kernels_init_neon(struct pf_fec_kernels *k);

#endif
