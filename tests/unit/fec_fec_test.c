/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/fec/fec.h"
#include "core/fec/gf16.h"
#include "core/fec/gf8.h"

#define GUARD 0xa5 /* fills what must not be written */

/* k data and m parity shards of len bytes, each in its own allocation so that ASan sees overruns. */
struct block {
	size_t k, m, len;
	uint8_t **shards;
	uint8_t *present;
};

static struct block block_make(size_t k, size_t m, size_t len)
{
	struct block b = {.k = k, .m = m, .len = len};
	b.shards = calloc(k + m, sizeof(*b.shards));
	b.present = calloc(k + m, 1);
	assert_non_null(b.shards);
	assert_non_null(b.present);
	for (size_t i = 0; i < k + m; i++) {
		b.shards[i] = malloc(len);
		assert_non_null(b.shards[i]);
		memset(b.shards[i], GUARD, len);
	}
	memset(b.present, 1, k + m);
	return b;
}

static void block_free(struct block *b)
{
	for (size_t i = 0; i < b->k + b->m; i++)
		free(b->shards[i]);
	free(b->shards);
	free(b->present);
}

static void block_randomize(struct block *b, uint64_t *seed)
{
	for (size_t i = 0; i < b->k; i++)
		for (size_t j = 0; j < b->len; j++)
			b->shards[i][j] = (uint8_t)(test_rand(seed) >> 32);
}

static int block_encode(struct pf_fec *fec, struct block *b)
{
	return pf_fec_encode(
		fec, (const uint8_t *const *)b->shards, b->k, b->shards + b->k, b->m, b->len);
}

static struct pf_fec *codec(enum pf_fec_scheme scheme, size_t k, size_t m, size_t len)
{
	struct pf_fec *fec = NULL;
	struct pf_fec_params p = {
		.scheme = scheme, .max_data = k, .max_parity = m, .max_shard_len = len};
	assert_int_equal(pf_fec_create(&fec, &p), 0);
	assert_non_null(fec);
	return fec;
}

static void expect_hex(const uint8_t *got, size_t len, const char *hex)
{
	assert_int_equal(strlen(hex), 2 * len);
	for (size_t i = 0; i < len; i++) {
		char digits[3] = {hex[2 * i], hex[2 * i + 1], 0};
		assert_int_equal(got[i], strtoul(digits, NULL, 16));
	}
}

/* wire 10.1 */
static void gf8_vector_of_the_wire(void **state)
{
	(void)state;
	struct pf_fec *fec = codec(PF_FEC_GF8, 4, 2, 1);
	struct block b = block_make(4, 2, 1);
	for (size_t i = 0; i < 4; i++)
		b.shards[i][0] = (uint8_t)(10 * (i + 1));
	assert_int_equal(block_encode(fec, &b), 0);
	assert_int_equal(b.shards[4][0], 136);
	assert_int_equal(b.shards[5][0], 0);
	block_free(&b);
	pf_fec_destroy(fec);
}

/* gamestream B.11.4: one column a time, data shard i = 1 and the others 0 gives column i. */
static void gf8_matrices_of_gamestream(void **state)
{
	(void)state;
	static const struct {
		size_t k, m;
		const char *rows[3];
	} cases[] = {
		{1, 2, {"8e", "f4"}},
		{3, 2, {"8ef447", "f48ea7"}},
		{4, 2, {"8ef447a7", "f48ea747"}},
		{5, 3, {"f447a77aba", "8ea747ba7a", "017aba47a7"}},
		{10, 2, {"8ef447a77abaad9ddd98", "f48ea747ba7a9dad98dd"}},
	};
	struct pf_fec *fec = codec(PF_FEC_GF8, 10, 3, 64);
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct block b = block_make(cases[c].k, cases[c].m, cases[c].k);
		for (size_t i = 0; i < b.k; i++)
			for (size_t j = 0; j < b.k; j++)
				b.shards[i][j] = i == j;
		assert_int_equal(block_encode(fec, &b), 0);
		for (size_t j = 0; j < b.m; j++)
			expect_hex(b.shards[b.k + j], b.k, cases[c].rows[j]);
		block_free(&b);
	}
	pf_fec_destroy(fec);
}

static void gf8_data_vectors_of_gamestream(void **state)
{
	(void)state;
	struct pf_fec *fec = codec(PF_FEC_GF8, 10, 2, 64);
	struct block b = block_make(4, 2, 4);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++)
			b.shards[i][j] = (uint8_t)(16 * i + j);
	assert_int_equal(block_encode(fec, &b), 0);
	expect_hex(b.shards[4], 4, "089221bb");
	expect_hex(b.shards[5], 4, "5dc774ee");
	block_free(&b);
	b = block_make(10, 2, 4);
	for (size_t i = 0; i < 10; i++)
		for (size_t j = 0; j < 4; j++)
			b.shards[i][j] = (uint8_t)(7 * i + 3 * j + 1);
	assert_int_equal(block_encode(fec, &b), 0);
	expect_hex(b.shards[10], 4, "81008a82");
	expect_hex(b.shards[11], 4, "0f5a3c51");
	block_free(&b);
	pf_fec_destroy(fec);
}

/* gamestream B.12 */
/* All 64 patterns of what arrived: whatever four shards repair, and nothing is written otherwise. */
static void audio_repairs_every_loss_of_two(void **state)
{
	enum { N = 6, LEN = 37 };
	uint8_t sent[N][LEN], got[N][LEN], *shards[N];
	uint64_t seed = 12;
	(void)state;
	for (unsigned pattern = 0; pattern < 1u << N; pattern++) {
		uint8_t present[N];
		unsigned n_present = 0, n_lost = 0;
		for (size_t i = 0; i < N; i++) {
			for (size_t b = 0; b < LEN; b++)
				sent[i][b] = (uint8_t)test_rand(&seed);
			shards[i] = sent[i];
		}
		pf_fec_audio_encode((const uint8_t *const *)shards, shards + 4, LEN);
		for (size_t i = 0; i < N; i++) {
			present[i] = pattern >> i & 1;
			n_present += present[i];
			n_lost += i < 4 && !present[i];
			memcpy(got[i], sent[i], LEN);
			if (!present[i])
				memset(got[i], 0xEE, LEN);
			shards[i] = got[i];
		}
		int n = pf_fec_audio_decode(shards, present, LEN);
		assert_int_equal(n, n_present >= 4 ? (int)n_lost : PF_E_FEC);
		for (size_t i = 0; i < 4; i++)
			if (n >= 0)
				assert_memory_equal(got[i], sent[i], LEN);
			else if (!present[i])
				assert_int_equal(got[i][LEN - 1], 0xEE);
	}
}

static void audio_vector_of_gamestream(void **state)
{
	(void)state;
	struct block b = block_make(4, 2, 4);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++)
			b.shards[i][j] = (uint8_t)(16 * i + j);
	pf_fec_audio_encode((const uint8_t *const *)b.shards, b.shards + 4, 4);
	expect_hex(b.shards[4], 4, "1a1b1819");
	expect_hex(b.shards[5], 4, "90919293");
	block_free(&b);
	/* Columns: the matrix itself. */
	b = block_make(4, 2, 4);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 4; j++)
			b.shards[i][j] = i == j;
	pf_fec_audio_encode((const uint8_t *const *)b.shards, b.shards + 4, 4);
	expect_hex(b.shards[4], 4, "7740380e");
	expect_hex(b.shards[5], 4, "c7a70d6c");
	block_free(&b);
}

static void gf16_vectors_of_the_wire(void **state)
{
	(void)state;
	static const struct {
		size_t k, m, len;
		const char *parity[5];
	} cases[] = {
		{3, 2, 2, {"9165", "fd0e"}},
		{4, 3, 2, {"fcc3", "0fd2", "8def"}},
		{3, 5, 2, {"95d0", "1d68", "d6b9", "326a", "b643"}},
		{1, 2, 2, {"010c", "010c"}},
		{3, 3, 2, {"95d0", "1d68", "d6b9"}},
		{5, 2, 6, {"3729e4e3dc0f", "be9983cd8983"}},
		{20, 4, 8,
			{"ef504503cdd9b8dc", "2fd438016264489e", "9575e7ead2bacf2a",
				"39614630f967fb90"}},
	};
	struct pf_fec *fec = codec(PF_FEC_GF16, 20, 5, 64);
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct block b = block_make(cases[c].k, cases[c].m, cases[c].len);
		for (size_t i = 0; i < b.k; i++)
			for (size_t j = 0; j < b.len; j++)
				b.shards[i][j] = (uint8_t)(37 * i + 11 * j + 1);
		assert_int_equal(block_encode(fec, &b), 0);
		for (size_t j = 0; j < b.m; j++)
			expect_hex(b.shards[b.k + j], b.len, cases[c].parity[j]);
		block_free(&b);
	}
	pf_fec_destroy(fec);
}

/*
 * Made with the crate reed-solomon-simd 3.1.0 itself: FNV-1a of all parity bytes, in order. Data byte
 * j of shard i = 7i + 13j + (ij >> 3) mod 256. Shapes on both sides of the subfield's 256 points.
 */
static void gf16_parity_is_that_of_the_crate(void **state)
{
	(void)state;
	static const struct {
		size_t k, m, len;
		uint64_t digest;
	} cases[] = {
		{200, 51, 1408, 0x55d34d6c0672ac53},
		{300, 40, 130, 0xf2011be2056c5360},
		{100, 70, 66, 0x35ee36b772d6bef8},
		{70, 300, 62, 0xab36c6bedf614111},
		{1000, 200, 10, 0x6aa178a146374d44},
		{64, 13, 190, 0xea65f8fcd243ce2a},
		{513, 257, 64, 0xa4cb15c33aa94b08},
	};
	struct pf_fec *fec = codec(PF_FEC_GF16, 1000, 300, 1408);
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct block b = block_make(cases[c].k, cases[c].m, cases[c].len);
		for (size_t i = 0; i < b.k; i++)
			for (size_t j = 0; j < b.len; j++)
				b.shards[i][j] = (uint8_t)(7 * i + 13 * j + (i * j >> 3));
		assert_int_equal(block_encode(fec, &b), 0);
		uint64_t h = 0xcbf29ce484222325;
		for (size_t i = b.k; i < b.k + b.m; i++)
			for (size_t j = 0; j < b.len; j++)
				h = (h ^ b.shards[i][j]) * 0x100000001b3;
		assert_true(h == cases[c].digest);
		block_free(&b);
	}
	pf_fec_destroy(fec);
}

/* The closed form of wire 7.4, value by value: log2 of the coset's size as the product defines it. */
static uint16_t gf16_inv(uint16_t a)
{
	uint16_t r = 1; /* a^(2^16 - 2) */
	for (unsigned i = 1; i < 16; i++) {
		a = pf_gf16_mul(a, a);
		r = pf_gf16_mul(r, a);
	}
	return r;
}

static uint16_t gf16_coef(size_t k, size_t m, size_t i, size_t j)
{
	size_t k2 = 1, m2 = 1;
	while (k2 < k)
		k2 *= 2;
	while (m2 < m)
		m2 *= 2;
	int high = k2 > m2 || (k2 == m2 && k <= m);
	size_t c = high ? m2 : k2, x = c + (high ? i : j), y = high ? j : i;
	uint16_t s = 1;
	for (size_t l = 0; l < c; l++)
		s = pf_gf16_mul(s, (uint16_t)(x ^ l));
	return pf_gf16_mul(s, gf16_inv((uint16_t)(x ^ y)));
}

static void expect_gf16_block(struct pf_fec *fec, size_t k, size_t m, size_t len, uint64_t *seed)
{
	struct block b = block_make(k, m, len);
	block_randomize(&b, seed);
	assert_int_equal(block_encode(fec, &b), 0);
	size_t rows[3] = {0, m / 2, m - 1};
	for (size_t r = 0; r < 3; r++) {
		uint8_t *want = calloc(1, len);
		assert_non_null(want);
		for (size_t i = 0; i < k; i++) {
			uint16_t coef = gf16_coef(k, m, i, rows[r]);
			for (size_t at = 0; at < len; at += 64) {
				size_t half = len - at < 64 ? (len - at) / 2 : 32;
				for (size_t o = at; o < at + half; o++) {
					uint16_t v = pf_gf16_mul(coef,
						(uint16_t)(b.shards[i][o] |
							b.shards[i][o + half] << 8));
					want[o] ^= (uint8_t)v;
					want[o + half] ^= (uint8_t)(v >> 8);
				}
			}
		}
		assert_memory_equal(b.shards[k + rows[r]], want, len);
		free(want);
	}
	block_free(&b);
}

static void gf16_matches_the_closed_form(void **state)
{
	(void)state;
	static const size_t shapes[][2] = {{1, 1}, {2, 1}, {2, 3}, {5, 5}, {7, 6}, {10, 2},
		{16, 16}, {33, 20}, {64, 13}, {13, 64}, {100, 70}, {200, 51}, {260, 30}, {30, 260},
		{300, 290}, {1000, 9}};
	static const size_t lens[] = {2, 62, 64, 66, 130, 190};
	uint64_t seed = 11;
	struct pf_fec *fec = codec(PF_FEC_GF16, 1000, 290, 190);
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++)
		expect_gf16_block(fec, shapes[s][0], shapes[s][1], lens[s % 6], &seed);
	pf_fec_destroy(fec);
}

/* Lose n_lost shards of the block at random, decode, and compare everything with what it was. */
static void lose_and_check(struct pf_fec *fec, struct block *b, size_t n_lost, uint64_t *seed)
{
	size_t n = b->k + b->m, lost_data = 0;
	uint8_t **want = calloc(n, sizeof(*want));
	assert_non_null(want);
	memset(b->present, 1, n);
	for (size_t left = n_lost; left;) {
		size_t i = (size_t)(test_rand(seed) % n);
		left -= b->present[i];
		b->present[i] = 0;
	}
	for (size_t i = 0; i < n; i++) {
		want[i] = malloc(b->len);
		assert_non_null(want[i]);
		memcpy(want[i], b->shards[i], b->len);
		if (b->present[i])
			continue;
		memset(b->shards[i], GUARD, b->len);
		lost_data += i < b->k;
		if (i >= b->k) { /* allowed to be NULL */
			free(b->shards[i]);
			b->shards[i] = NULL;
		}
	}
	int got = pf_fec_decode(fec, b->shards, b->present, b->k, b->m, b->len);
	if (n_lost > b->m) {
		assert_int_equal(got, PF_E_FEC);
	} else {
		assert_int_equal(got, lost_data);
	}
	for (size_t i = 0; i < n; i++) {
		if (!b->shards[i]) {
			b->shards[i] = want[i];
			continue;
		}
		if (n_lost > b->m && !b->present[i])
			for (size_t j = 0; j < b->len; j++)
				assert_int_equal(b->shards[i][j], GUARD);
		else
			assert_memory_equal(b->shards[i], want[i], b->len);
		memcpy(b->shards[i], want[i], b->len);
		free(want[i]);
	}
	free(want);
}

static void repair_shapes(enum pf_fec_scheme scheme, const size_t (*shapes)[2], size_t n,
	size_t max_len, uint64_t seed)
{
	size_t max_k = 0, max_m = 0;
	for (size_t s = 0; s < n; s++) {
		max_k = shapes[s][0] > max_k ? shapes[s][0] : max_k;
		max_m = shapes[s][1] > max_m ? shapes[s][1] : max_m;
	}
	struct pf_fec *fec = codec(scheme, max_k, max_m, max_len);
	for (size_t s = 0; s < n; s++) {
		size_t k = shapes[s][0], m = shapes[s][1];
		size_t len = 2 + 2 * (size_t)(test_rand(&seed) % (max_len / 2));
		len = scheme == PF_FEC_GF8 ? len - (s & 1) : len;
		struct block b = block_make(k, m, len);
		block_randomize(&b, &seed);
		assert_int_equal(block_encode(fec, &b), 0);
		lose_and_check(fec, &b, 0, &seed);
		lose_and_check(fec, &b, 1, &seed);
		lose_and_check(fec, &b, (size_t)(test_rand(&seed) % m) + 1, &seed);
		lose_and_check(fec, &b, m, &seed);
		lose_and_check(fec, &b, m + 1 <= k + m ? m + 1 : m, &seed);
		block_free(&b);
	}
	pf_fec_destroy(fec);
}

static void gf8_repairs_any_m_losses(void **state)
{
	(void)state;
	static const size_t shapes[][2] = {{1, 1}, {1, 2}, {2, 1}, {1, 254}, {254, 1}, {127, 128},
		{10, 2}, {50, 10}, {100, 20}, {200, 51}, {5, 3}, {3, 2}, {64, 13}, {17, 33},
		{40, 32}, {40, 64}, {213, 42}};
	repair_shapes(PF_FEC_GF8, shapes, sizeof(shapes) / sizeof(shapes[0]), 400, 21);
}

static void gf16_repairs_any_m_losses(void **state)
{
	(void)state;
	static const size_t shapes[][2] = {{1, 1}, {1, 2}, {2, 1}, {2, 2}, {1, 300}, {300, 1},
		{3, 5}, {10, 2}, {50, 10}, {64, 13}, {100, 20}, {200, 51}, {100, 70}, {70, 100},
		{255, 3}, {256, 64}, {400, 100}, {33, 32}, {60, 64}, {500, 300}, {20, 500}};
	repair_shapes(PF_FEC_GF16, shapes, sizeof(shapes) / sizeof(shapes[0]), 300, 22);
}

static void random_blocks_are_repaired(void **state)
{
	(void)state;
	uint64_t seed = 23;
	struct pf_fec *gf8 = codec(PF_FEC_GF8, 80, 40, 200),
		      *gf16 = codec(PF_FEC_GF16, 80, 40, 200);
	for (unsigned round = 0; round < 150; round++) {
		size_t k = (size_t)(test_rand(&seed) % 80) + 1,
		       m = (size_t)(test_rand(&seed) % 40) + 1;
		size_t len = 2 * ((size_t)(test_rand(&seed) % 100) + 1);
		struct pf_fec *fec = round & 1 ? gf8 : gf16;
		struct block b = block_make(k, m, round & 1 ? len - 1 : len);
		block_randomize(&b, &seed);
		assert_int_equal(block_encode(fec, &b), 0);
		lose_and_check(fec, &b, (size_t)(test_rand(&seed) % (m + 1)), &seed);
		block_free(&b);
	}
	pf_fec_destroy(gf8);
	pf_fec_destroy(gf16);
}

static void all_odd_lengths_work(void **state)
{
	(void)state;
	uint64_t seed = 24;
	struct pf_fec *gf8 = codec(PF_FEC_GF8, 5, 3, 260), *gf16 = codec(PF_FEC_GF16, 5, 3, 260);
	for (size_t len = 1; len <= 260; len++) {
		struct pf_fec *fec = len % 2 ? gf8 : gf16;
		struct block b = block_make(5, 3, len);
		block_randomize(&b, &seed);
		assert_int_equal(block_encode(fec, &b), 0);
		lose_and_check(fec, &b, 3, &seed);
		block_free(&b);
	}
	pf_fec_destroy(gf8);
	pf_fec_destroy(gf16);
}

static void no_parity_is_a_block_too(void **state)
{
	(void)state;
	struct pf_fec *fec = codec(PF_FEC_GF16, 4, 0, 10);
	struct block b = block_make(4, 0, 10);
	assert_int_equal(block_encode(fec, &b), 0);
	assert_int_equal(pf_fec_decode(fec, b.shards, b.present, 4, 0, 10), 0);
	b.present[2] = 0;
	assert_int_equal(pf_fec_decode(fec, b.shards, b.present, 4, 0, 10), PF_E_FEC);
	block_free(&b);
	pf_fec_destroy(fec);
}

static void impossible_blocks_are_refused(void **state)
{
	(void)state;
	static const struct {
		enum pf_fec_scheme scheme;
		size_t k, m;
		int good;
	} cases[] = {
		{PF_FEC_GF8, 0, 0, 0},
		{PF_FEC_GF8, 0, 5, 0},
		{PF_FEC_GF8, 1, 0, 1},
		{PF_FEC_GF8, 255, 0, 1},
		{PF_FEC_GF8, 254, 1, 1},
		{PF_FEC_GF8, 1, 254, 1},
		{PF_FEC_GF8, 255, 1, 0},
		{PF_FEC_GF8, 256, 0, 0},
		{PF_FEC_GF8, SIZE_MAX, 2, 0},
		{PF_FEC_GF8, 2, SIZE_MAX, 0},
		{PF_FEC_GF16, 0, 1, 0},
		{PF_FEC_GF16, 65536, 0, 1},
		{PF_FEC_GF16, 65535, 1, 1},
		{PF_FEC_GF16, 65536, 1, 0},
		{PF_FEC_GF16, 32768, 32768, 1},
		{PF_FEC_GF16, 32769, 32768, 0},
		{PF_FEC_GF16, 60000, 4096, 1},
		{PF_FEC_GF16, 61441, 4096, 0},
		{PF_FEC_GF16, 4096, 61440, 1},
		{PF_FEC_GF16, 4096, 61441, 0},
		{PF_FEC_GF16, SIZE_MAX, SIZE_MAX, 0},
		{PF_FEC_GF16, SIZE_MAX / 2 + 1, SIZE_MAX / 2 + 1, 0},
		{(enum pf_fec_scheme)2, 4, 2, 0},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		assert_int_equal(pf_fec_check(cases[c].scheme, cases[c].k, cases[c].m),
			cases[c].good ? 0 : PF_E_INVALID);
}

static void create_refuses_senseless_limits(void **state)
{
	(void)state;
	static const struct pf_fec_params cases[] = {
		{PF_FEC_GF8, 0, 1, 10},
		{PF_FEC_GF8, 256, 1, 10},
		{PF_FEC_GF8, 1, 256, 10},
		{PF_FEC_GF8, 1, 1, 0},
		{PF_FEC_GF8, 1, 1, SIZE_MAX},
		{PF_FEC_GF16, 1, 1, 9},
		{PF_FEC_GF16, 65537, 1, 10},
		{PF_FEC_GF16, SIZE_MAX, SIZE_MAX, 10},
		{PF_FEC_GF16, 1, 1, PF_FEC_MAX_SHARD_LEN + 2},
		{(enum pf_fec_scheme)7, 1, 1, 10},
	};
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		struct pf_fec *fec = NULL;
		assert_int_equal(pf_fec_create(&fec, &cases[c]), PF_E_INVALID);
		assert_null(fec);
	}
	pf_fec_destroy(NULL);
}

static void calls_beyond_the_limits_write_nothing(void **state)
{
	(void)state;
	struct pf_fec *fec = codec(PF_FEC_GF16, 4, 2, 10);
	static const size_t calls[][3] = {{0, 2, 10}, {5, 2, 10}, {4, 3, 10}, {4, 2, 12}, {4, 2, 0},
		{4, 2, 9}, {SIZE_MAX, 2, 10}, {4, SIZE_MAX, 10}, {4, 2, SIZE_MAX}};
	struct block b = block_make(4, 2, 10);
	b.present[1] = 0;
	for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		size_t k = calls[c][0], m = calls[c][1], len = calls[c][2];
		assert_int_equal(pf_fec_encode(fec, (const uint8_t *const *)b.shards, k,
					 b.shards + 4, m, len),
			PF_E_INVALID);
		assert_int_equal(pf_fec_decode(fec, b.shards, b.present, k, m, len), PF_E_INVALID);
	}
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < 10; j++)
			assert_int_equal(b.shards[i][j], GUARD);
	block_free(&b);
	pf_fec_destroy(fec);
}

/* The limits of a session, one large block each way. */
static void session_limits_work(void **state)
{
	(void)state;
	uint64_t seed = 25;
	struct pf_fec *fec = codec(PF_FEC_GF16, 4096, 2048, 1408);
	struct block b = block_make(4096, 8, 130);
	block_randomize(&b, &seed);
	assert_int_equal(block_encode(fec, &b), 0);
	lose_and_check(fec, &b, 8, &seed);
	block_free(&b);
	pf_fec_destroy(fec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gf8_vector_of_the_wire),
		cmocka_unit_test(gf8_matrices_of_gamestream),
		cmocka_unit_test(gf8_data_vectors_of_gamestream),
		cmocka_unit_test(audio_vector_of_gamestream),
		cmocka_unit_test(audio_repairs_every_loss_of_two),
		cmocka_unit_test(gf16_vectors_of_the_wire),
		cmocka_unit_test(gf16_parity_is_that_of_the_crate),
		cmocka_unit_test(gf16_matches_the_closed_form),
		cmocka_unit_test(gf8_repairs_any_m_losses),
		cmocka_unit_test(gf16_repairs_any_m_losses),
		cmocka_unit_test(random_blocks_are_repaired),
		cmocka_unit_test(all_odd_lengths_work),
		cmocka_unit_test(no_parity_is_a_block_too),
		cmocka_unit_test(impossible_blocks_are_refused),
		cmocka_unit_test(create_refuses_senseless_limits),
		cmocka_unit_test(calls_beyond_the_limits_write_nothing),
		cmocka_unit_test(session_limits_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
