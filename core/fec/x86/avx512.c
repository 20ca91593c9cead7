/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/kernels.h"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push( \
	__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#else
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl")
#endif
#include <immintrin.h>

#define VEC	__m512i
#define SOURCES 8

#include "core/fec/vec_shuffle.h"

static inline struct f8 f8_halves(struct c8 lo, struct c8 hi)
{
	const __m128i *l = (const __m128i *)(const void *)lo.nibble;
	const __m128i *h = (const __m128i *)(const void *)hi.nibble;
	return (struct f8){
		_mm512_inserti64x4(_mm512_broadcast_i32x4(_mm_load_si128(l)),
			_mm256_broadcastsi128_si256(_mm_load_si128(h)), 1),
		_mm512_inserti64x4(_mm512_broadcast_i32x4(_mm_load_si128(l + 1)),
			_mm256_broadcastsi128_si256(_mm_load_si128(h + 1)), 1),
	};
}

static inline struct f8 f8_make(struct c8 c)
{
	const __m128i *p = (const __m128i *)(const void *)c.nibble;
	return (struct f8){_mm512_broadcast_i32x4(_mm_load_si128(p)),
		_mm512_broadcast_i32x4(_mm_load_si128(p + 1))};
}

static inline struct s8 s8_make(__m512i v)
{
	const __m512i mask = _mm512_set1_epi8(15);
	return (struct s8){
		_mm512_and_si512(v, mask), _mm512_and_si512(_mm512_srli_epi64(v, 4), mask)};
}

static inline __m512i mul8(struct s8 x, struct f8 f)
{
	return _mm512_xor_si512(_mm512_shuffle_epi8(f.lo, x.lo), _mm512_shuffle_epi8(f.hi, x.hi));
}

#undef VEC
#include "core/fec/x86/zmm.h"

#include "core/fec/kernels_vec.h"

void pf_fec_kernels_init_avx512(struct pf_fec_kernels *k)
{
	fill(k);
}

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
