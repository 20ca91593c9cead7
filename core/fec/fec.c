/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/fec.h"

#include "core/base/alloc.h"
#include "core/fec/codec.h"

int pf_fec_check(enum pf_fec_scheme scheme, size_t k, size_t m)
{
	size_t max = scheme == PF_FEC_GF8 ? PF_FEC_GF8_MAX_SHARDS : PF_FEC_GF16_MAX_SHARDS;
	if ((scheme != PF_FEC_GF8 && scheme != PF_FEC_GF16) || !k || k > max || m > max)
		return PF_E_INVALID;
	if (scheme == PF_FEC_GF8 || !m)
		return k + m <= max ? PF_OK : PF_E_INVALID;
	size_t smaller = pf_fec_pow2(k < m ? k : m), larger = k < m ? m : k;
	return smaller + larger <= max ? PF_OK : PF_E_INVALID;
}

static int limits_check(const struct pf_fec_params *p)
{
	if (p->scheme != PF_FEC_GF8 && p->scheme != PF_FEC_GF16)
		return PF_E_INVALID;
	size_t max = p->scheme == PF_FEC_GF8 ? PF_FEC_GF8_MAX_SHARDS : PF_FEC_GF16_MAX_SHARDS;
	if (!p->max_data || p->max_data > max || p->max_parity > max)
		return PF_E_INVALID;
	if (!p->max_shard_len || p->max_shard_len > PF_FEC_MAX_SHARD_LEN)
		return PF_E_INVALID;
	return p->scheme == PF_FEC_GF16 && p->max_shard_len % 2 ? PF_E_INVALID : PF_OK;
}

static int scratch_create(struct pf_fec *fec)
{
	/* A decode has at most as many losses as there are data or parity shards. */
	size_t k = fec->limits.max_data, m = fec->limits.max_parity ? fec->limits.max_parity : 1;
	fec->tables = pf_calloc(1, sizeof(*fec->tables));
	fec->src = pf_calloc(k, sizeof(*fec->src));
	fec->known = pf_calloc(k, sizeof(*fec->known));
	fec->weight = pf_calloc(k, sizeof(*fec->weight));
	fec->known_gain = pf_calloc(k, sizeof(*fec->known_gain));
	fec->lost = pf_calloc(m, sizeof(*fec->lost));
	fec->used = pf_calloc(m, sizeof(*fec->used));
	fec->lost_weight = pf_calloc(m, sizeof(*fec->lost_weight));
	fec->lost_gain = pf_calloc(m, sizeof(*fec->lost_gain));
	fec->lost_index = pf_calloc(m, sizeof(*fec->lost_index));
	fec->coef = pf_calloc(k * PF_FEC_ROWS, sizeof(uint16_t));
	if (!fec->tables || !fec->src || !fec->known || !fec->weight || !fec->known_gain ||
		!fec->lost || !fec->used || !fec->lost_weight || !fec->lost_gain ||
		!fec->lost_index || !fec->coef)
		return PF_E_NOMEM;
	return PF_OK;
}

int pf_fec_create(struct pf_fec **out, const struct pf_fec_params *params)
{
	int err = limits_check(params);
	if (err < 0)
		return err;
	struct pf_fec *fec = pf_calloc(1, sizeof(*fec));
	if (!fec)
		return PF_E_NOMEM;
	fec->limits = *params;
	pf_fec_kernels_init(&fec->kernels);
	err = scratch_create(fec);
	if (err < 0)
		goto fail;
	err = params->scheme == PF_FEC_GF8 ? pf_rs8_init(fec) : pf_leopard16_init(fec);
	if (err < 0)
		goto fail;
	fec->cauchy = (struct pf_cauchy){
		.log = fec->log,
		.order = fec->order,
		.lost = fec->lost,
		.used = fec->used,
		.known = fec->known,
		.weight = fec->weight,
		.lost_weight = fec->lost_weight,
		.lost_gain = fec->lost_gain,
		.known_gain = fec->known_gain,
	};
	*out = fec;
	return PF_OK;
fail:
	pf_fec_destroy(fec);
	return err;
}

void pf_fec_destroy(struct pf_fec *fec)
{
	if (!fec)
		return;
	pf_free(fec->tables);
	pf_free(fec->log);
	pf_free(fec->src);
	pf_free(fec->known);
	pf_free(fec->weight);
	pf_free(fec->known_gain);
	pf_free(fec->lost);
	pf_free(fec->used);
	pf_free(fec->lost_weight);
	pf_free(fec->lost_gain);
	pf_free(fec->lost_index);
	pf_free(fec->coef);
	pf_free(fec);
}

static int call_check(const struct pf_fec *fec, size_t k, size_t m, size_t len)
{
	const struct pf_fec_params *p = &fec->limits;
	if (k > p->max_data || m > p->max_parity || !len || len > p->max_shard_len)
		return PF_E_INVALID;
	if (p->scheme == PF_FEC_GF16 && len % 2)
		return PF_E_INVALID;
	return pf_fec_check(p->scheme, k, m);
}

static struct pf_fec_layout layout_of(const struct pf_fec *fec, size_t k, size_t m)
{
	return fec->limits.scheme == PF_FEC_GF8 ? pf_rs8_layout(k, m) : pf_leopard16_layout(k, m);
}

static uint16_t data_weight(const struct pf_fec *fec, const struct pf_fec_layout *l, size_t point)
{
	return l->weigh_data ? fec->log[point >> l->shift] : 0;
}

static uint16_t parity_weight(const struct pf_fec *fec, const struct pf_fec_layout *l, size_t point)
{
	return l->weigh_parity ? fec->log[point >> l->shift] : 0;
}

static void rows(struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len)
{
	if (fec->limits.scheme == PF_FEC_GF8)
		pf_rs8_rows(fec, out, first, n, len);
	else
		pf_leopard16_rows(fec, out, first, n, len);
}

int pf_fec_encode(struct pf_fec *fec, const uint8_t *const *data, size_t k, uint8_t *const *parity,
	size_t m, size_t len)
{
	int err = call_check(fec, k, m, len);
	if (err < 0 || !m)
		return err;
	/* The parity shards are the "lost" ones, with the code's own weights as gains. */
	struct pf_fec_layout l = layout_of(fec, k, m);
	for (size_t i = 0; i < k; i++) {
		fec->src[i] = data[i];
		fec->known[i] = (uint16_t)(l.data + i);
		fec->known_gain[i] = data_weight(fec, &l, l.data + i);
	}
	for (size_t j = 0; j < m; j++) {
		fec->lost[j] = (uint16_t)(l.parity + j);
		fec->lost_gain[j] = parity_weight(fec, &l, l.parity + j);
	}
	fec->cauchy.n_known = k;
	fec->cauchy.n_lost = m;
	for (size_t j = 0; j < m; j += PF_FEC_ROWS)
		rows(fec, parity + j, j, m - j < PF_FEC_ROWS ? m - j : PF_FEC_ROWS, len);
	return PF_OK;
}

/* Lists lost and known shards in the scratch arrays. Returns the number lost, or PF_E_FEC. */
static int sort_shards(
	struct pf_fec *fec, uint8_t *const *shards, const uint8_t *present, size_t k, size_t m)
{
	size_t n_present = 0;
	for (size_t i = 0; i < k + m; i++)
		n_present += present[i] != 0;
	if (n_present < k)
		return PF_E_FEC;
	struct pf_fec_layout l = layout_of(fec, k, m ? m : 1);
	size_t n_lost = 0, n_known = 0;
	for (size_t i = 0; i < k; i++) {
		uint16_t point = (uint16_t)(l.data + i);
		if (present[i]) {
			fec->src[n_known] = shards[i];
			fec->known[n_known] = point;
			fec->weight[n_known++] = data_weight(fec, &l, point);
		} else {
			fec->lost_index[n_lost] = (uint32_t)i;
			fec->lost[n_lost] = point;
			fec->lost_weight[n_lost++] = data_weight(fec, &l, point);
		}
	}
	for (size_t j = 0, n_used = 0; n_used < n_lost; j++) {
		if (!present[k + j])
			continue;
		uint16_t point = (uint16_t)(l.parity + j);
		fec->src[n_known] = shards[k + j];
		fec->known[n_known] = point;
		/* log(1/w); log 1 is 0 */
		fec->weight[n_known++] = (uint16_t)(fec->order - parity_weight(fec, &l, point));
		fec->used[n_used++] = point;
	}
	fec->cauchy.n_lost = n_lost;
	fec->cauchy.n_known = n_known;
	return (int)n_lost;
}

int pf_fec_decode(struct pf_fec *fec, uint8_t *const *shards, const uint8_t *present, size_t k,
	size_t m, size_t len)
{
	int err = call_check(fec, k, m, len);
	if (err < 0)
		return err;
	int n_lost = sort_shards(fec, shards, present, k, m);
	if (n_lost <= 0)
		return n_lost;
	pf_cauchy_solve(&fec->cauchy);
	for (size_t e = 0; e < (size_t)n_lost; e += PF_FEC_ROWS) {
		uint8_t *out[PF_FEC_ROWS];
		size_t n = (size_t)n_lost - e < PF_FEC_ROWS ? (size_t)n_lost - e : PF_FEC_ROWS;
		for (size_t r = 0; r < n; r++)
			out[r] = shards[fec->lost_index[e + r]];
		rows(fec, out, e, n, len);
	}
	return n_lost;
}
