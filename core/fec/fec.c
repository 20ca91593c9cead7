/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/fec/fec.h"

#include "core/base/alloc.h"
#include "core/base/cpu.h"
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

/* A decode by transforms in GF(2^8) keeps the whole small matrix, at most this square. */
#define COEF_MIN (128u * 128u)

static int scratch_create(struct pf_fec *fec)
{
	/* A decode has at most as many losses as there are data or parity shards. */
	size_t k = fec->limits.max_data, m = fec->limits.max_parity ? fec->limits.max_parity : 1;
	size_t coef = k * PF_FEC_ROWS * sizeof(uint16_t);
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
	fec->coef = pf_calloc(1, coef > COEF_MIN ? coef : COEF_MIN);
	if (!fec->tables || !fec->src || !fec->known || !fec->weight || !fec->known_gain ||
		!fec->lost || !fec->used || !fec->lost_weight || !fec->lost_gain ||
		!fec->lost_index || !fec->coef)
		return PF_E_NOMEM;
	return PF_OK;
}

int pf_fec_transform_init(struct pf_fec *fec, unsigned log, size_t max_points)
{
	fec->max_log = log;
	if (log < PF_FFT_LOG_MIN)
		return PF_OK;
	struct pf_fft *fft = &fec->fft;
	fft->kernels = &fec->kernels;
	fft->tables = fec->tables;
	fft->zero = pf_calloc(1, PF_FFT_WIDTH_MAX);
	fft->discard = pf_calloc(1, PF_FFT_WIDTH_MAX);
	fec->rows[0] = pf_calloc(1, pf_fft_size(log));
	fec->rows[1] = pf_calloc(1, pf_fft_size(log));
	fec->wanted = pf_calloc((size_t)1 << log, 1);
	if (!fft->zero || !fft->discard || !fec->rows[0] || !fec->rows[1] || !fec->wanted)
		return PF_E_NOMEM;
	return max_points ? pf_locator_init(&fec->locator, max_points) : PF_OK;
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
	pf_fec_kernels_init(&fec->kernels, pf_cpu_flags() & ~params->cpu_off);
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
	pf_free(fec->skew);
	pf_free(fec->fft.zero);
	pf_free(fec->fft.discard);
	pf_free(fec->rows[0]);
	pf_free(fec->rows[1]);
	pf_free(fec->wanted);
	pf_locator_finish(&fec->locator);
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
	return l->weigh_data ? fec->log[point >> l->log] : 0;
}

static uint16_t parity_weight(const struct pf_fec *fec, const struct pf_fec_layout *l, size_t point)
{
	return l->weigh_parity ? fec->log[point >> l->log] : 0;
}

static void matrix(struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len)
{
	if (fec->limits.scheme == PF_FEC_GF8)
		pf_rs8_matrix(fec, out, first, n, len);
	else
		pf_leopard16_matrix(fec, out, first, n, len);
}

/* The parity shards as the "lost" ones, with the code's own weights as gains. */
static void encode_prepare(struct pf_fec *fec, const uint8_t *const *data, size_t k, size_t m)
{
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
	fec->cauchy.solved = 0;
	fec->cauchy.n_known = k;
	fec->cauchy.n_lost = m;
}

int pf_fec_encode(struct pf_fec *fec, const uint8_t *const *data, size_t k, uint8_t *const *parity,
	size_t m, size_t len)
{
	int err = call_check(fec, k, m, len);
	if (err < 0 || !m)
		return err;
	encode_prepare(fec, data, k, m);
	err = fec->limits.scheme == PF_FEC_GF8 ? pf_rs8_encode(fec, data, k, parity, m, len)
					       : pf_leopard16_encode(fec, data, k, parity, m, len);
	if (err != PF_E_UNSUPPORTED)
		return err;
	for (size_t j = 0; j < m; j += PF_FEC_ROWS)
		matrix(fec, parity + j, j, m - j < PF_FEC_ROWS ? m - j : PF_FEC_ROWS, len);
	return PF_OK;
}

static void add_known_data(struct pf_fec *fec, const struct pf_fec_job *job)
{
	size_t n = fec->cauchy.n_known;
	for (size_t i = 0; i < job->k; i++) {
		uint16_t point = (uint16_t)(job->layout.data + i);
		if (!job->present[i])
			continue;
		fec->src[n] = job->shards[i];
		fec->known[n] = point;
		fec->weight[n++] = data_weight(fec, &job->layout, point);
	}
	fec->cauchy.n_known = n;
}

/* As many parity shards as there are losses. */
static void add_used_parity(struct pf_fec *fec, const struct pf_fec_job *job)
{
	size_t n = fec->cauchy.n_known;
	for (size_t j = 0, n_used = 0; n_used < job->n_lost; j++) {
		uint16_t point = (uint16_t)(job->layout.parity + j);
		if (!job->present[job->k + j])
			continue;
		fec->src[n] = job->shards[job->k + j];
		fec->known[n] = point;
		/* log(1/w); log 1 is 0 */
		fec->weight[n++] = (uint16_t)(fec->order - parity_weight(fec, &job->layout, point));
		fec->used[n_used++] = point;
	}
	fec->cauchy.n_known = n;
}

/* Lists lost and known shards in the scratch arrays. PF_E_FEC: too few are present. */
static int sort_shards(struct pf_fec *fec, struct pf_fec_job *job)
{
	size_t n_present = 0;
	for (size_t i = 0; i < job->k + job->m; i++)
		n_present += job->present[i] != 0;
	if (n_present < job->k)
		return PF_E_FEC;
	for (size_t i = 0; i < job->k; i++) {
		if (job->present[i])
			continue;
		uint16_t point = (uint16_t)(job->layout.data + i);
		fec->lost_index[job->n_lost] = (uint32_t)i;
		fec->lost[job->n_lost] = point;
		fec->lost_weight[job->n_lost++] = data_weight(fec, &job->layout, point);
	}
	fec->cauchy.n_lost = job->n_lost;
	fec->cauchy.n_known = 0;
	if (!job->n_lost)
		return PF_OK;
	/* By rising point: subfield_sources of leopard16.c looks for a first part. */
	if (job->layout.parity < job->layout.data) {
		add_used_parity(fec, job);
		add_known_data(fec, job);
	} else {
		add_known_data(fec, job);
		add_used_parity(fec, job);
	}
	return PF_OK;
}

static void decode_by_matrix(struct pf_fec *fec, const struct pf_fec_job *job)
{
	pf_cauchy_solve(&fec->cauchy);
	for (size_t e = 0; e < job->n_lost; e += PF_FEC_ROWS) {
		uint8_t *out[PF_FEC_ROWS];
		size_t n = job->n_lost - e < PF_FEC_ROWS ? job->n_lost - e : PF_FEC_ROWS;
		for (size_t r = 0; r < n; r++)
			out[r] = job->shards[fec->lost_index[e + r]];
		matrix(fec, out, e, n, job->len);
	}
}

int pf_fec_decode(struct pf_fec *fec, uint8_t *const *shards, const uint8_t *present, size_t k,
	size_t m, size_t len)
{
	int err = call_check(fec, k, m, len);
	if (err < 0)
		return err;
	struct pf_fec_job job = {
		.shards = shards,
		.present = present,
		.k = k,
		.m = m,
		.len = len,
		.layout = layout_of(fec, k, m ? m : 1),
	};
	err = sort_shards(fec, &job);
	if (err < 0 || !job.n_lost)
		return err;
	err = fec->limits.scheme == PF_FEC_GF8 ? pf_rs8_decode(fec, &job)
					       : pf_leopard16_decode(fec, &job);
	if (err == PF_E_UNSUPPORTED)
		decode_by_matrix(fec, &job);
	return (int)job.n_lost;
}
