/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/kernels.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push( \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,gfni"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,gfni")
#endif
#include <immintrin.h>

#define SOURCES 16 /* their prepared factors and the data of a pass stay in the first cache */

/* A factor is a bit matrix: one instruction multiplies 64 bytes. */
struct c8 {
	uint64_t matrix;
};

struct f8 {
	__m512i matrix;
};

struct s8 {
	__m512i v;
};

static inline struct c8 c8_make(const struct pf_gf8_tables *t, uint16_t c)
{
	return (struct c8){t->matrix[c & 255]};
}

static inline struct c8 c8_delta(const struct pf_gf8_tables *t)
{
	return (struct c8){t->delta_matrix};
}

static inline struct f8 f8_make(struct c8 c)
{
	__m512i m = _mm512_set1_epi64((long long)c.matrix);
#if defined(__clang__)
	/*
	 * Kept in a register: clang 14 encodes the displacement of this instruction's broadcast
	 * operand in bytes, where the processor counts in units of 8 (objdump shows 0x40 for 8).
	 */
	__asm__("" : "+v"(m));
#endif
	return (struct f8){m};
}

static inline struct f8 f8_halves(struct c8 lo, struct c8 hi)
{
	return (struct f8){_mm512_mask_set1_epi64(
		_mm512_set1_epi64((long long)lo.matrix), 0xf0, (long long)hi.matrix)};
}

static inline struct s8 s8_make(__m512i v)
{
	return (struct s8){v};
}

static inline __m512i mul8(struct s8 x, struct f8 f)
{
	return _mm512_gf2p8affine_epi64_epi8(x.v, f.matrix, 0);
}

#include "core/fec/x86/zmm.h"

#include "core/fec/kernels_vec.h"

void pf_fec_kernels_init_gfni(struct pf_fec_kernels *k)
{
	fill(k);
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
