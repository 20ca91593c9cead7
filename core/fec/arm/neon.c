/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/kernels.h"

#if defined(__aarch64__)

#include <arm_neon.h>
#include <string.h>

#define VEC	  uint8x16_t
#define VEC_BYTES 16
#define MAX_ROWS  3
#define SOURCES	  32

#include "core/fec/vec_shuffle.h"

static inline VEC load(const uint8_t *p)
{
	return vld1q_u8(p);
}

static inline void store(uint8_t *p, VEC v)
{
	vst1q_u8(p, v);
}

static inline VEC zero(void)
{
	return vdupq_n_u8(0);
}

static inline VEC xor2(VEC a, VEC b)
{
	return veorq_u8(a, b);
}

static inline struct f8 f8_make(struct c8 c)
{
	return (struct f8){vld1q_u8(c.nibble), vld1q_u8(c.nibble + 16)};
}

static inline struct s8 s8_make(VEC v)
{
	return (struct s8){vandq_u8(v, vdupq_n_u8(15)), vshrq_n_u8(v, 4)};
}

static inline VEC mul8(struct s8 x, struct f8 f)
{
	return xor2(vqtbl1q_u8(f.lo, x.lo), vqtbl1q_u8(f.hi, x.hi));
}

#include "core/fec/kernels_pair.h"

#include "core/fec/kernels_vec.h"

void pf_fec_kernels_init_neon(struct pf_fec_kernels *k)
{
	fill(k);
}

#endif
