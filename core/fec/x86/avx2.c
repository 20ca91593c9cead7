/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/kernels.h"

#if defined(__x86_64__)

#include <string.h>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif
#include <immintrin.h>

#define VEC	  __m256i
#define VEC_BYTES 32
#define MAX_ROWS  3
#define SOURCES	  32

#include "core/fec/vec_shuffle.h"

static inline VEC load(const uint8_t *p)
{
	return _mm256_loadu_si256((const VEC *)(const void *)p);
}

static inline void store(uint8_t *p, VEC v)
{
	_mm256_storeu_si256((VEC *)(void *)p, v);
}

static inline VEC zero(void)
{
	return _mm256_setzero_si256();
}

static inline VEC xor2(VEC a, VEC b)
{
	return _mm256_xor_si256(a, b);
}

static inline struct f8 f8_make(struct c8 c)
{
	const __m128i *p = (const __m128i *)(const void *)c.nibble;
	return (struct f8){_mm256_broadcastsi128_si256(_mm_load_si128(p)),
		_mm256_broadcastsi128_si256(_mm_load_si128(p + 1))};
}

static inline struct s8 s8_make(VEC v)
{
	const VEC mask = _mm256_set1_epi8(15);
	return (struct s8){
		_mm256_and_si256(v, mask), _mm256_and_si256(_mm256_srli_epi64(v, 4), mask)};
}

static inline VEC mul8(struct s8 x, struct f8 f)
{
	return xor2(_mm256_shuffle_epi8(f.lo, x.lo), _mm256_shuffle_epi8(f.hi, x.hi));
}

#include "core/fec/kernels_pair.h"

#include "core/fec/kernels_vec.h"

void pf_fec_kernels_init_avx2(struct pf_fec_kernels *k)
{
	fill(k);
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
