/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/alloc.h"
#include "core/fec/codec.h"

int pf_rs8_init(struct pf_fec *fec)
{
	fec->order = PF_GF8_ORDER;
	fec->log = pf_calloc(256, sizeof(*fec->log));
	if (!fec->log)
		return PF_E_NOMEM;
	for (unsigned v = 0; v < 256; v++)
		fec->log[v] = pf_gf8_poly.log[v];
	pf_gf8_tables_init(fec->tables, &pf_gf8_poly);
	return PF_OK;
}

/* Row j, column i = 1 / ((m + i) XOR j): wire 7.4, gamestream B.11.4. */
struct pf_fec_layout pf_rs8_layout(size_t k, size_t m)
{
	(void)k;
	return (struct pf_fec_layout){.data = (uint32_t)m};
}

void pf_rs8_rows(struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len)
{
	const struct pf_cauchy *c = &fec->cauchy;
	uint8_t *coef = fec->coef;
	for (size_t r = 0; r < n; r++)
		for (size_t s = 0; s < c->n_known; s++)
			coef[r * c->n_known + s] = pf_gf8_poly.exp[pf_cauchy_coef(c, first + r, s)];
	fec->kernels.dot8(fec->tables, out, n, fec->src, c->n_known, coef, len, 0);
}

/* Not of the Cauchy family: fixed by what clients decode (gamestream B.12 item 5). */
static const uint8_t audio_matrix[PF_FEC_AUDIO_PARITY][PF_FEC_AUDIO_DATA] = {
	{0x77, 0x40, 0x38, 0x0e},
	{0xc7, 0xa7, 0x0d, 0x6c},
};

void pf_fec_audio_encode(const uint8_t *const data[PF_FEC_AUDIO_DATA],
	uint8_t *const parity[PF_FEC_AUDIO_PARITY], size_t len)
{
	const struct pf_gf8_field *f = &pf_gf8_poly;
	for (size_t j = 0; j < PF_FEC_AUDIO_PARITY; j++)
		for (size_t b = 0; b < len; b++) {
			uint8_t v = 0;
			for (size_t i = 0; i < PF_FEC_AUDIO_DATA; i++)
				v ^= pf_gf8_mul(f, audio_matrix[j][i], data[i][b]);
			parity[j][b] = v;
		}
}
