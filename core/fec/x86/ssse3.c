/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/kernels.h"

#if defined(__x86_64__)

#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("ssse3"))), apply_to = function)
#else
#pragma GCC target("ssse3")
#endif
#include <immintrin.h>

#define VEC	  __m128i
#define VEC_BYTES 16
#define MAX_ROWS  3
#define SOURCES	  32

#include "core/fec/vec_shuffle.h"

static inline VEC load(const uint8_t *p)
{
	return _mm_loadu_si128((const VEC *)(const void *)p);
}

static inline void store(uint8_t *p, VEC v)
{
	_mm_storeu_si128((VEC *)(void *)p, v);
}

static inline VEC zero(void)
{
	return _mm_setzero_si128();
}

static inline VEC xor2(VEC a, VEC b)
{
	return _mm_xor_si128(a, b);
}

static inline struct f8 f8_make(struct c8 c)
{
	const __m128i *p = (const __m128i *)(const void *)c.nibble;
	return (struct f8){_mm_load_si128(p), _mm_load_si128(p + 1)};
}

static inline struct s8 s8_make(VEC v)
{
	const VEC mask = _mm_set1_epi8(15);
	return (struct s8){_mm_and_si128(v, mask), _mm_and_si128(_mm_srli_epi64(v, 4), mask)};
}

static inline VEC mul8(struct s8 x, struct f8 f)
{
	return xor2(_mm_shuffle_epi8(f.lo, x.lo), _mm_shuffle_epi8(f.hi, x.hi));
}

#include "core/fec/kernels_pair.h"

#include "core/fec/kernels_vec.h"

void pf_fec_kernels_init_ssse3(struct pf_fec_kernels *k)
{
	fill(k);
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
