/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/alloc.h"
#include "core/fec/codec.h"

int pf_leopard16_init(struct pf_fec *fec)
{
	/*
	 * Every point of a block within the limits is below (smaller power of two) + (larger count),
	 * see the layout; a block on the border of the limits has the largest points.
	 */
	size_t k2 = pf_fec_pow2(fec->limits.max_data);
	size_t m2 = pf_fec_pow2(fec->limits.max_parity ? fec->limits.max_parity : 1);
	size_t larger = fec->limits.max_data > fec->limits.max_parity ? fec->limits.max_data
								      : fec->limits.max_parity;
	size_t n = pf_fec_pow2((k2 < m2 ? k2 : m2) + larger);
	n = n < PF_FEC_GF16_MAX_SHARDS ? n : PF_FEC_GF16_MAX_SHARDS;
	fec->order = PF_GF16_ORDER;
	fec->log = pf_calloc(n, sizeof(*fec->log));
	if (!fec->log)
		return PF_E_NOMEM;
	pf_gf16_logs_init(&fec->logs16, fec->log, n);
	pf_gf8_tables_init(fec->tables, &pf_gf8_cantor);
	return PF_OK;
}

/*
 * Wire 7.4, closed form. High rate, c = m rounded up to a power of two: parity j at point j, data i
 * at c + i with weight s_c(c + i). Low rate, c = k rounded up: data i at i, parity j at c + j with
 * weight s_c(c + j). In the Cantor basis s_c(x) is x shifted right by log2 c.
 */
struct pf_fec_layout pf_leopard16_layout(size_t k, size_t m)
{
	size_t k2 = pf_fec_pow2(k), m2 = pf_fec_pow2(m);
	int high = k2 > m2 || (k2 == m2 && k <= m);
	size_t c = high ? m2 : k2;
	return (struct pf_fec_layout){
		.data = high ? (uint32_t)c : 0,
		.parity = high ? 0 : (uint32_t)c,
		.shift = (unsigned)__builtin_ctzl(c),
		.weigh_data = high,
		.weigh_parity = !high,
	};
}

void pf_leopard16_rows(struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len)
{
	const struct pf_cauchy *c = &fec->cauchy;
	uint16_t *coef = fec->coef;
	for (size_t r = 0; r < n; r++)
		for (size_t s = 0; s < c->n_known; s++)
			coef[r * c->n_known + s] = pf_gf16_exp(
				&fec->logs16, pf_cauchy_coef(c, first + r, s));
	fec->kernels.dot16(out, n, fec->src, c->n_known, coef, len);
}
