/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_KERNELS_H
#define PF_FEC_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "core/fec/gf8.h"

/*
 * out[r] = sum over i of coef[r * n_src + i] * src[i], bytes of GF(2^8). With add, the sum is added
 * to what out holds. Outputs must not overlap sources. Any length and alignment.
 */
typedef void (*pf_fec_dot8_fn)(const struct pf_gf8_tables *t, uint8_t *const *out, size_t n_out,
	const uint8_t *const *src, size_t n_src, const uint8_t *coef, size_t len, int add);

/*
 * The same over GF(2^16), wire form: chunks of 64 bytes, 32 low bytes then 32 high bytes; a short
 * last chunk of t bytes is t/2 low bytes, then t/2 high bytes. len is even.
 */
typedef void (*pf_fec_dot16_fn)(uint8_t *const *out, size_t n_out, const uint8_t *const *src,
	size_t n_src, const uint16_t *coef, size_t len);

struct pf_fec_kernels {
	pf_fec_dot8_fn dot8;
	pf_fec_dot16_fn dot16;
};

void pf_fec_kernels_init(struct pf_fec_kernels *k);

#endif
