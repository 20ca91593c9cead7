/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/base/alloc.h"
#include "core/fec/codec.h"

/*
 * GF(2^8), wire 7.4 and gamestream B.11.4: row j, column i = 1 / ((m + i) XOR j), so parity lies at
 * points 0..m-1 and data from m on. A dense matrix; but with c = m rounded up to a power of two, the
 * data at points from c on is in whole cosets, and the sum of d_x / (x ^ y) over a coset at base b is
 * the polynomial through the values d_x, evaluated at y, times a constant of the coset. So that part
 * goes through transforms (as in leopard16.c), and only the data between m and c through the matrix.
 */

#define LOG_MAX 7u /* with 256 points in coset 0, no data is outside of it */

/*
 * s_0(x) = x, s_{i+1}(x) = s_i(x) (s_i(x) + s_i(2^i)) vanishes on the points below 2^(i+1); the
 * factors are s_i(x) / s_i(2^i).
 */
static void skews_init(uint8_t skew[8][256])
{
	const struct pf_gf8_field *f = &pf_gf8_poly;
	uint8_t s[256];
	for (unsigned x = 0; x < 256; x++)
		s[x] = (uint8_t)x;
	for (unsigned i = 0; i < 8; i++) {
		uint8_t pivot = s[1u << i], inverse = pf_gf8_inv(f, pivot);
		for (unsigned x = 0; x < 256; x++) {
			skew[i][x] = pf_gf8_mul(f, s[x], inverse);
			s[x] = pf_gf8_mul(f, s[x], s[x] ^ pivot);
		}
	}
}

int pf_rs8_init(struct pf_fec *fec)
{
	fec->order = PF_GF8_ORDER;
	fec->log = pf_calloc(256, sizeof(*fec->log));
	fec->skew = pf_calloc(8, sizeof(*fec->skew));
	if (!fec->log || !fec->skew)
		return PF_E_NOMEM;
	for (unsigned v = 0; v < 256; v++)
		fec->log[v] = pf_gf8_poly.log[v];
	for (unsigned v = 1; v < 256; v++)
		fec->inverse[v] = pf_gf8_inv(&pf_gf8_poly, (uint8_t)v);
	for (unsigned e = 0; e < sizeof(fec->exp3); e++)
		fec->exp3[e] = pf_gf8_poly.exp[e % PF_GF8_ORDER];
	pf_gf8_tables_init(fec->tables, &pf_gf8_poly, NULL);
	skews_init(fec->skew);
	unsigned log = pf_fec_log2(fec->limits.max_parity ? fec->limits.max_parity : 1);
	int err = pf_fec_transform_init(fec, log < LOG_MAX ? log : LOG_MAX, 0);
	fec->fft.skew = (const uint8_t(*)[256])fec->skew;
	return err;
}

struct pf_fec_layout pf_rs8_layout(size_t k, size_t m)
{
	(void)k;
	return (struct pf_fec_layout){.data = (uint32_t)m, .log = pf_fec_log2(m)};
}

static void coefficients(const struct pf_fec *fec, uint8_t *coef, size_t first, size_t n)
{
	/* Copies, as a byte that is stored might be any of them: half of a small block is spent here. */
	const struct pf_cauchy c = fec->cauchy;
	const uint16_t *known = c.known, *gain = c.known_gain, *log = c.log;
	for (size_t r = first; r < first + n; r++) {
		uint16_t point = c.lost[r];
		const uint8_t *exp = fec->exp3 + PF_GF8_ORDER + (c.solved ? c.lost_gain[r] : 0);
		for (size_t s = 0; c.solved && s < c.n_known; s++)
			*coef++ = exp[(ptrdiff_t)gain[s] - log[point ^ known[s]]];
		/* Without gains a coefficient is 1 / (x ^ y). */
		for (size_t s = 0; !c.solved && s < c.n_known; s++)
			*coef++ = fec->inverse[point ^ known[s]];
	}
}

static void matrix(
	struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len, unsigned flags)
{
	coefficients(fec, fec->coef, first, n);
	struct pf_fec_dot dot = {
		.tables = fec->tables,
		.out = out,
		.src = fec->src,
		.n_out = n,
		.n_src = fec->cauchy.n_known,
		.len = len,
		.coef = fec->coef,
		.coef_stride = fec->cauchy.n_known,
		.flags = flags,
	};
	fec->kernels.dot8(&dot);
}

void pf_rs8_matrix(struct pf_fec *fec, uint8_t *const *out, size_t first, size_t n, size_t len)
{
	matrix(fec, out, first, n, len, 0);
}

/* Data shards whose points are below c = 2^log. */
static size_t mixed_data(size_t k, size_t m, unsigned log)
{
	size_t n = ((size_t)1 << log) - m;
	return n < k ? n : k;
}

/* The part of the parity that comes from the n shards at points from c on, into fec->rows[0]. */
static void sum_of_inverses(
	struct pf_fec *fec, const uint8_t *const *shards, size_t n, unsigned log)
{
	const struct pf_gf8_field *f = &pf_gf8_poly;
	size_t c = (size_t)1 << log;
	uint8_t constant = 1; /* the product of the nonzero points below c */
	for (size_t v = 1; v < c; v++)
		constant = pf_gf8_mul(f, constant, (uint8_t)v);
	for (size_t first = 0; first < n; first += c) {
		uint8_t vanishing =
			1; /* the same product moved to the coset, with all its points */
		for (size_t v = 0; v < c; v++)
			vanishing = pf_gf8_mul(f, vanishing, (uint8_t)((first + c) ^ v));
		struct pf_fft_input in = {
			.shards = shards + first,
			.n = n - first < c ? n - first : c,
			.scale = pf_gf8_mul(f, constant, pf_gf8_inv(f, vanishing)),
		};
		uint32_t base = (uint32_t)(first + c);
		if (!first)
			pf_fft_inverse(&fec->fft, &in, fec->rows[0], NULL, log, base);
		else
			pf_fft_inverse(&fec->fft, &in, fec->rows[1], fec->rows[0], log, base);
	}
}

/* products: those of the matrix, less those that the way by transforms needs as well. */
static int worth_transforms(
	const struct pf_fec *fec, size_t k, size_t m, unsigned log, size_t products)
{
	if (log < PF_FFT_LOG_MIN || log > LOG_MAX || mixed_data(k, m, log) == k ||
		fec->path == PF_FEC_PATH_MATRIX)
		return 0;
	return fec->path == PF_FEC_PATH_TRANSFORM ||
		16 * products > 5 * pf_fft_cost(log, k - mixed_data(k, m, log));
}

int pf_rs8_encode(struct pf_fec *fec, const uint8_t *const *data, size_t k, uint8_t *const *parity,
	size_t m, size_t len)
{
	unsigned log = pf_fec_log2(m);
	if (!worth_transforms(fec, k, m, log, m * (k - mixed_data(k, m, log))))
		return PF_E_UNSUPPORTED;
	struct pf_fft *fft = &fec->fft;
	size_t mixed = mixed_data(k, m, log);
	const struct pf_fft_output out = {.shards = parity, .n = m};
	for (fft->at = fft->len = 0; pf_fft_next_stripe(fft, log, len);) {
		sum_of_inverses(fec, data + mixed, k - mixed, log);
		pf_fft_forward(fft, &out, fec->rows[0], fec->rows[0], log, 0);
	}
	fec->cauchy.n_known = mixed;
	for (size_t j = 0; mixed && j < m; j += PF_FEC_ROWS)
		matrix(fec, parity + j, j, m - j < PF_FEC_ROWS ? m - j : PF_FEC_ROWS, len,
			PF_FEC_ADD);
	return PF_OK;
}

/*
 * Decode: take the part of the data beyond c out of the used parity, by transforms; what is left
 * is a small block of the used parity and the data below c, solved by the matrix.
 */
static void keep_known_below(struct pf_fec *fec, size_t c)
{
	size_t n = 0;
	for (size_t s = 0; s < fec->cauchy.n_known; s++) {
		if (fec->known[s] >= c)
			continue;
		fec->known[n] = fec->known[s];
		fec->weight[n] = fec->weight[s];
		fec->src[n++] = fec->src[s];
	}
	fec->cauchy.n_known = n;
}

/* src and out: room for as many pointers as known shards and losses. */
static void decode_stripe(
	struct pf_fec *fec, const struct pf_fec_job *job, const uint8_t **src, uint8_t **out)
{
	const struct pf_fft *fft = &fec->fft;
	const uint8_t one = 1;
	struct pf_fec_dot dot = {.tables = fec->tables, .len = fft->len};
	for (size_t s = 0; s < fec->cauchy.n_known; s++) {
		src[s] = fec->src[s] + fft->at;
		if (fec->known[s] >= job->m)
			continue;
		uint8_t *row = fec->rows[0] + fec->known[s] * fft->width;
		dot.out = &row;
		dot.src = src + s;
		dot.n_out = dot.n_src = dot.coef_stride = 1;
		dot.coef = &one;
		dot.flags = PF_FEC_ADD;
		fec->kernels.dot8(&dot);
		src[s] = row;
	}
	for (size_t e = 0; e < job->n_lost; e++)
		out[e] = job->shards[fec->lost_index[e]] + fft->at;
	dot.out = out;
	dot.src = src;
	dot.n_out = job->n_lost;
	dot.n_src = dot.coef_stride = fec->cauchy.n_known;
	dot.coef = fec->coef;
	dot.flags = 0;
	fec->kernels.dot8(&dot);
}

int pf_rs8_decode(struct pf_fec *fec, const struct pf_fec_job *job)
{
	unsigned log = job->layout.log;
	size_t c = (size_t)1 << log, k = job->k;
	const uint8_t *data[PF_FEC_GF8_MAX_SHARDS], *src[PF_FEC_GF8_MAX_SHARDS];
	uint8_t *out[PF_FEC_GF8_MAX_SHARDS];
	size_t mixed = log <= LOG_MAX ? mixed_data(k, job->m, log) : k;
	size_t after = mixed + job->n_lost; /* sources of the rows that are left to solve */
	if (!worth_transforms(fec, k, job->m, log, k > after ? job->n_lost * (k - after) : 0))
		return PF_E_UNSUPPORTED;
	for (size_t i = 0; i < k; i++)
		data[i] = job->present[i] ? job->shards[i] : NULL;
	memset(fec->wanted, 0, c);
	for (size_t j = 0; j < job->n_lost; j++)
		fec->wanted[fec->used[j]] = 1;
	keep_known_below(fec, c);
	pf_cauchy_solve(&fec->cauchy);
	coefficients(fec, fec->coef, 0, job->n_lost);
	const struct pf_fft_output rows = {.wanted = fec->wanted, .n = job->m};
	struct pf_fft *fft = &fec->fft;
	for (fft->at = fft->len = 0; pf_fft_next_stripe(fft, log, job->len);) {
		sum_of_inverses(fec, data + mixed, k - mixed, log);
		pf_fft_forward(fft, &rows, fec->rows[0], fec->rows[0], log, 0);
		decode_stripe(fec, job, src, out);
	}
	return PF_OK;
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

/* What parity row j says the lost data shards add up to, at byte b. */
static uint8_t audio_syndrome(uint8_t *const *shards, const uint8_t *present, size_t j, size_t b)
{
	uint8_t v = shards[PF_FEC_AUDIO_DATA + j][b];
	for (size_t i = 0; i < PF_FEC_AUDIO_DATA; i++)
		if (present[i])
			v ^= pf_gf8_mul(&pf_gf8_poly, audio_matrix[j][i], shards[i][b]);
	return v;
}

static void audio_rebuild_one(
	uint8_t *const *shards, const uint8_t *present, size_t lost, size_t len)
{
	const struct pf_gf8_field *f = &pf_gf8_poly;
	size_t j = present[PF_FEC_AUDIO_DATA] ? 0 : 1;
	uint8_t inv = pf_gf8_inv(f, audio_matrix[j][lost]);
	for (size_t b = 0; b < len; b++)
		shards[lost][b] = pf_gf8_mul(f, inv, audio_syndrome(shards, present, j, b));
}

/* Two equations, two unknowns: no 2 x 2 minor of the matrix is 0 (every pair of losses is tested). */
static void audio_rebuild_two(
	uint8_t *const *shards, const uint8_t *present, const size_t lost[2], size_t len)
{
	const struct pf_gf8_field *f = &pf_gf8_poly;
	uint8_t a = audio_matrix[0][lost[0]], c = audio_matrix[0][lost[1]];
	uint8_t d = audio_matrix[1][lost[0]], e = audio_matrix[1][lost[1]];
	uint8_t inv = pf_gf8_inv(f, pf_gf8_mul(f, a, e) ^ pf_gf8_mul(f, c, d));
	for (size_t b = 0; b < len; b++) {
		uint8_t s = audio_syndrome(shards, present, 0, b);
		uint8_t t = audio_syndrome(shards, present, 1, b);
		shards[lost[0]][b] = pf_gf8_mul(f, inv, pf_gf8_mul(f, e, s) ^ pf_gf8_mul(f, c, t));
		shards[lost[1]][b] = pf_gf8_mul(f, inv, pf_gf8_mul(f, a, t) ^ pf_gf8_mul(f, d, s));
	}
}

int pf_fec_audio_decode(uint8_t *const shards[PF_FEC_AUDIO_DATA + PF_FEC_AUDIO_PARITY],
	const uint8_t present[PF_FEC_AUDIO_DATA + PF_FEC_AUDIO_PARITY], size_t len)
{
	size_t lost[PF_FEC_AUDIO_DATA], n_lost = 0;
	for (size_t i = 0; i < PF_FEC_AUDIO_DATA; i++)
		if (!present[i])
			lost[n_lost++] = i;
	size_t n_parity = (size_t)(present[PF_FEC_AUDIO_DATA] != 0) +
		(size_t)(present[PF_FEC_AUDIO_DATA + 1] != 0);
	if (n_lost > n_parity)
		return PF_E_FEC;
	if (n_lost == 1)
		audio_rebuild_one(shards, present, lost[0], len);
	else if (n_lost == 2)
		audio_rebuild_two(shards, present, lost, len);
	return (int)n_lost;
}
