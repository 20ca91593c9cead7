/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/base/alloc.h"
#include "core/fec/codec.h"

/*
 * GF(2^16), wire 7.4. By transforms: all values of a codeword on the cosets of 2^log points,
 * inversely transformed coset by coset, add up to zero. So the parity (high rate) is the transform,
 * at coset 0, of the sum of the inverse transforms of the data; low rate is one inverse transform of
 * the data and one transform for each coset of parity.
 */

int pf_leopard16_init(struct pf_fec *fec)
{
	/*
	 * Every point of a block within the limits is below (smaller power of two) + (larger count),
	 * see the layout; a block on the border of the limits has the largest points.
	 */
	size_t max_parity = fec->limits.max_parity ? fec->limits.max_parity : 1;
	size_t k2 = pf_fec_pow2(fec->limits.max_data), m2 = pf_fec_pow2(max_parity);
	size_t larger = fec->limits.max_data > max_parity ? fec->limits.max_data : max_parity;
	size_t smaller2 = k2 < m2 ? k2 : m2;
	size_t n = pf_fec_pow2(smaller2 + larger);
	n = n < PF_FEC_GF16_MAX_SHARDS ? n : PF_FEC_GF16_MAX_SHARDS;
	fec->order = PF_GF16_ORDER;
	fec->log = pf_calloc(n, sizeof(*fec->log));
	if (!fec->log)
		return PF_E_NOMEM;
	pf_gf16_logs_init(&fec->logs16, fec->log, n);
	pf_gf8_tables_init(fec->tables, &pf_gf8_cantor, pf_gf16_delta);
	fec->fft.flags = PF_FEC_TOWER;
	return pf_fec_transform_init(fec, pf_fec_log2(smaller2), n);
}

/*
 * Closed form. High rate, c = m rounded up to a power of two: parity j at point j, data i at c + i
 * with weight s_c(c + i). Low rate, c = k rounded up: data i at i, parity j at c + j with weight
 * s_c(c + j). In the Cantor basis s_c(x) is x shifted right by log2 c.
 */
struct pf_fec_layout pf_leopard16_layout(size_t k, size_t m)
{
	size_t k2 = pf_fec_pow2(k), m2 = pf_fec_pow2(m);
	int high = k2 > m2 || (k2 == m2 && k <= m);
	size_t c = high ? m2 : k2;
	return (struct pf_fec_layout){
		.data = high ? (uint32_t)c : 0,
		.parity = high ? 0 : (uint32_t)c,
		.log = pf_fec_log2(c),
		.weigh_data = high,
		.weigh_parity = !high,
	};
}

/* In tower form. */
static uint16_t coefficient(const struct pf_fec *fec, size_t row, size_t source)
{
	return pf_gf16_exp_tower(&fec->logs16, pf_cauchy_coef(&fec->cauchy, row, source));
}

/*
 * How many of the first sources have coefficients in the subfield. All products of points below 256
 * lie in it, and a gain is such a product unless a lost or used point or its own is not.
 */
static size_t subfield_sources(const struct pf_cauchy *c, size_t first, size_t n)
{
	size_t s = 0;
	uint16_t all = 0;
	for (size_t r = 0; r < c->n_lost; r++)
		all |= c->solved ? c->lost[r] | c->used[r] : 0;
	for (size_t r = first; r < first + n; r++)
		all |= c->lost[r];
	while (s < c->n_known && all < 256 && c->known[s] < 256)
		s++;
	return s;
}

void pf_leopard16_matrix(
	struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len)
{
	const struct pf_cauchy *c = &fec->cauchy;
	size_t n_sub = subfield_sources(c, first, n), n_wide = c->n_known - n_sub;
	struct pf_fec_dot dot = {.tables = fec->tables, .out = out, .n_out = n, .len = len};
	if (n_sub) {
		uint8_t *coef = fec->coef;
		for (size_t r = 0; r < n; r++)
			for (size_t s = 0; s < n_sub; s++)
				coef[r * n_sub + s] = pf_gf16_exp_subfield(
					&fec->logs16, pf_cauchy_coef(c, first + r, s));
		dot.coef = coef;
		dot.coef_stride = dot.n_src = n_sub;
		dot.src = fec->src;
		dot.flags = PF_FEC_TOWER;
		fec->kernels.dot8(&dot);
	}
	if (n_wide) {
		uint16_t *coef = fec->coef;
		for (size_t r = 0; r < n; r++)
			for (size_t s = 0; s < n_wide; s++)
				coef[r * n_wide + s] = coefficient(fec, first + r, n_sub + s);
		dot.coef = coef;
		dot.coef_stride = dot.n_src = n_wide;
		dot.src = fec->src + n_sub;
		dot.flags = n_sub ? PF_FEC_ADD : 0;
		fec->kernels.dot16(&dot);
	}
}

static int encode_by_transform(const struct pf_fec *fec, size_t k, size_t m, unsigned log)
{
	if (log < PF_FFT_LOG_MIN || fec->path == PF_FEC_PATH_MATRIX)
		return 0;
	return fec->path == PF_FEC_PATH_TRANSFORM || 20 * m * k > 3 * pf_fft_cost(log, k);
}

/* The sum of the inverse transforms of n shards that start at point base, into fec->rows[0]. */
static void sum_of_inverses(
	struct pf_fec *fec, const uint8_t *const *shards, size_t n, unsigned log, uint32_t base)
{
	size_t c = (size_t)1 << log;
	for (size_t first = 0; first < n; first += c) {
		struct pf_fft_input in = {
			.shards = shards + first, .n = n - first < c ? n - first : c, .scale = 1};
		if (!first)
			pf_fft_inverse(&fec->fft, &in, fec->rows[0], NULL, log, base);
		else
			pf_fft_inverse(&fec->fft, &in, fec->rows[1], fec->rows[0], log,
				base + (uint32_t)first);
	}
}

int pf_leopard16_encode(struct pf_fec *fec, const uint8_t *const *data, size_t k,
	uint8_t *const *parity, size_t m, size_t len)
{
	struct pf_fec_layout l = pf_leopard16_layout(k, m);
	struct pf_fft *fft = &fec->fft;
	size_t c = (size_t)1 << l.log;
	if (!encode_by_transform(fec, k, m, l.log))
		return PF_E_UNSUPPORTED;
	for (fft->at = fft->len = 0; pf_fft_next_stripe(fft, l.log, len);) {
		sum_of_inverses(fec, data, k, l.log, l.data);
		/* High rate has one coset of parity, low rate one of data. */
		for (size_t first = 0; first < m; first += c) {
			struct pf_fft_output out = {
				.shards = parity + first, .n = m - first < c ? m - first : c};
			pf_fft_forward(fft, &out, fec->rows[1], fec->rows[0], l.log,
				l.parity + (uint32_t)first);
		}
	}
	return PF_OK;
}

/*
 * Decode by transforms. With S(y) the difference between the parity received at y and the parity of
 * the data received, S(y)/w_y is the sum over lost x of d_x w_x / (x ^ y). Let L be the locator, the
 * product of (z ^ e) over all erased e: the lost data, and those points of one coset of parity at
 * which nothing was received. L(y) S(y)/w_y is then a polynomial of degree below 2^log, known at
 * all points of the coset (zero where erased): an inverse transform there and a transform at the
 * data's cosets give it at the lost points, where it is d_x w_x L'(x).
 */
struct decode {
	struct pf_fec *fec;
	const struct pf_fec_job *job;
	size_t parity_first, parity_n; /* the parity shards in the coset in use */
	uint32_t coset;		       /* its first point */
	uint16_t *factor; /* by parity shard of the coset: L/w; then by loss: 1/(w L') */
};

/* A coset with as many parity shards as there are losses, the first one; 0 when there is none. */
static int choose_coset(struct decode *d)
{
	const struct pf_fec_job *job = d->job;
	size_t c = (size_t)1 << job->layout.log;
	for (size_t first = 0; first < job->m; first += c) {
		size_t n = job->m - first < c ? job->m - first : c, here = 0;
		for (size_t j = 0; j < n; j++)
			here += job->present[job->k + first + j] != 0;
		if (here < job->n_lost)
			continue;
		d->parity_first = first;
		d->parity_n = n;
		d->coset = job->layout.parity + (uint32_t)first;
		return 1;
	}
	return 0;
}

static int decode_by_transform(const struct pf_fec *fec, const struct pf_fec_job *job)
{
	if (job->layout.log < PF_FFT_LOG_MIN || fec->path == PF_FEC_PATH_MATRIX)
		return 0;
	/* Twice an encode. Unless most points are in the subfield, products cost up to twice as much. */
	size_t points = job->k + ((size_t)1 << job->layout.log);
	size_t product = points > 256 + job->k / 4 ? 20 : 10;
	return fec->path == PF_FEC_PATH_TRANSFORM ||
		product * job->n_lost * job->k > 3 * pf_fft_cost(job->layout.log, job->k);
}

static void locate(struct decode *d)
{
	struct pf_fec *fec = d->fec;
	const struct pf_fec_job *job = d->job;
	size_t c = (size_t)1 << job->layout.log;
	size_t last = job->layout.data + job->k;
	last = last > d->coset + c ? last : d->coset + c;
	struct pf_locator *l = &fec->locator;
	pf_locator_begin(l, fec->log, pf_fec_pow2(last));
	for (size_t e = 0; e < job->n_lost; e++)
		l->value[fec->lost[e]] = 1;
	for (size_t j = 0; j < c; j++)
		if (j >= d->parity_n || !job->present[job->k + d->parity_first + j])
			l->value[d->coset + j] = 1;
	pf_locator_solve(l);
	uint32_t order = fec->order;
	/* The weight is the same all over a coset. */
	uint32_t w = job->layout.weigh_parity ? fec->log[d->coset >> job->layout.log] : 0;
	for (size_t j = 0; j < d->parity_n; j++) {
		uint32_t v = l->value[d->coset + j] + order - w;
		d->factor[j] = pf_gf16_exp_tower(&fec->logs16, v >= order ? v - order : v);
	}
	for (size_t e = 0; e < job->n_lost; e++) {
		uint32_t v = (l->value[fec->lost[e]] + fec->lost_weight[e]) % order;
		d->factor[d->parity_n + e] = pf_gf16_exp_tower(&fec->logs16, v ? order - v : 0);
	}
}

/* Of the current stripe: the polynomial's values at the parity's coset, from S in rows. */
static void weigh_syndromes(struct decode *d, uint8_t *rows)
{
	struct pf_fec *fec = d->fec;
	const struct pf_fft *fft = &fec->fft;
	const struct pf_fec_job *job = d->job;
	_Alignas(64) uint8_t stage[PF_FEC_CHUNK];
	size_t c = (size_t)1 << job->layout.log;
	for (size_t j = 0; j < d->parity_n; j++) {
		size_t shard = job->k + d->parity_first + j;
		uint8_t *row = rows + j * fft->width;
		if (!job->present[shard]) {
			memset(row, 0, fft->width);
			continue;
		}
		const uint8_t *src = job->shards[shard] + fft->at;
		if (fft->len < fft->width) {
			pf_fft_copy_in(fft, stage, job->shards[shard]);
			src = stage;
		}
		fec->kernels.syndrome(fec->tables, row, src, d->factor[j], fft->width);
	}
	memset(rows + d->parity_n * fft->width, 0, (c - d->parity_n) * fft->width);
}

/* Transform rows[0] at each coset of data with losses, into rows[1], and scale what was lost. */
static void repair_cosets(struct decode *d)
{
	struct pf_fec *fec = d->fec;
	const struct pf_fft *fft = &fec->fft;
	const struct pf_fec_job *job = d->job;
	_Alignas(64) uint8_t stage[PF_FEC_CHUNK];
	size_t c = (size_t)1 << job->layout.log;
	for (size_t e = 0; e < job->n_lost;) {
		uint32_t coset = fec->lost[e] & ~((uint32_t)c - 1);
		size_t next = e;
		memset(fec->wanted, 0, c);
		for (; next < job->n_lost && fec->lost[next] - coset < c; next++)
			fec->wanted[fec->lost[next] - coset] = 1;
		struct pf_fft_output out = {.wanted = fec->wanted, .n = c};
		pf_fft_forward(fft, &out, fec->rows[1], fec->rows[0], job->layout.log, coset);
		for (; e < next; e++) {
			const uint8_t *row = fec->rows[1] + (fec->lost[e] - coset) * fft->width;
			uint8_t *shard = job->shards[fec->lost_index[e]];
			int part = fft->len < fft->width;
			fec->kernels.repair(fec->tables, part ? stage : shard + fft->at, row,
				d->factor[d->parity_n + e], fft->width);
			if (part)
				pf_fft_copy_out(fft, shard, stage);
		}
	}
}

int pf_leopard16_decode(struct pf_fec *fec, const struct pf_fec_job *job)
{
	struct decode d = {.fec = fec, .job = job, .factor = fec->coef};
	struct pf_fft *fft = &fec->fft;
	unsigned log = job->layout.log;
	if (!decode_by_transform(fec, job) || !choose_coset(&d))
		return PF_E_UNSUPPORTED;
	locate(&d);
	for (size_t i = 0; i < job->k; i++)
		fec->src[i] = job->present[i] ? job->shards[i] : NULL;
	const struct pf_fft_input in_place = {.scale = 1};
	const struct pf_fft_output rows_out = {.n = d.parity_n};
	for (fft->at = fft->len = 0; pf_fft_next_stripe(fft, log, job->len);) {
		sum_of_inverses(fec, fec->src, job->k, log, job->layout.data);
		pf_fft_forward(fft, &rows_out, fec->rows[0], fec->rows[0], log, d.coset);
		weigh_syndromes(&d, fec->rows[0]);
		pf_fft_inverse(fft, &in_place, fec->rows[0], NULL, log, d.coset);
		repair_cosets(&d);
	}
	return PF_OK;
}
