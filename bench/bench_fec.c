/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Forward error correction, one thread, GB/s of original data: encode; decode of as many lost data
 * shards as there is parity; decode of a few. ISA-L runs in the same process and in turn where it was
 * found. The other codes are not packaged: their figures were measured once (docs/performance.md)
 * beside a memcpy of 256 KiB, and are scaled here by what that memcpy does now.
 */
#include <string.h>

#ifdef HAVE_ISAL
#include <isa-l.h>
#endif

#include "bench/measure.h"
#include "core/fec/codec.h"

enum { ROUNDS = 15, COPY_LEN = 256 * 1024, MAX_CANDIDATES = 4 };

#define SLICE_NS    8000000u
#define MEMCPY_THEN 38.0 /* GB/s of a 256 KiB memcpy beside the figures below */

/* GB/s at the time, 0 where not measured. */
struct known {
	size_t k, m;
	double leopard_enc, leopard_dec, simd_enc, simd_dec;
};

static const struct known gf16_shapes[] = {
	{10, 2, 24.146, 2.548, 13.567, 0.046},
	{50, 10, 6.544, 1.354, 4.334, 0.176},
	{64, 13, 7.964, 1.690, 5.140, 0.267},
	{100, 20, 5.387, 1.277, 4.198, 0.273},
	{200, 51, 3.374, 0.349, 3.017, 0.349},
	{512, 103, 3.134, 0.603, 2.671, 0.475},
	{1000, 200, 2.762, 0.564, 2.027, 0.447},
	{4096, 820, 1.815, 0.465, 1.761, 0.369},
};

static const struct {
	size_t k, m;
	double isal230_enc, isal231_enc; /* without and with GFNI, 1392 bytes */
	double nanors_dec;		 /* 1408 bytes, where it has no slow tail */
} gf8_shapes[] = {
	{10, 2, 20.940, 42.973, 25.767},
	{50, 10, 3.865, 10.321, 5.735},
	{100, 20, 2.038, 5.219, 2.973},
	{200, 51, 0.784, 2.020, 0.916},
};

struct block {
	size_t k, m, len, lost, repeat;
	struct pf_fec *fec;
	uint8_t **shards, *present, *memory;
#ifdef HAVE_ISAL
	uint8_t *isal_tables;
#endif
};

static uint8_t copy_from[COPY_LEN], copy_to[COPY_LEN];

static void fail(const char *what)
{
	fprintf(stderr, "bench_fec: %s failed\n", what);
	exit(1);
}

static void block_init(struct block *b, enum pf_fec_scheme scheme, size_t k, size_t m, size_t len)
{
	struct pf_fec_params p = {scheme, k, m, len, 0};
	*b = (struct block){.k = k, .m = m, .len = len};
	/* Reading the clock costs as much as a small block. */
	b->repeat = 1 + 500000 / (k * len);
	/* Shards follow each other with a header between, as in a ring of datagrams. */
	size_t stride = len + 40;
	b->memory = malloc((k + m) * stride);
	b->shards = calloc(k + m, sizeof(*b->shards));
	b->present = malloc(k + m);
	if (!b->memory || !b->shards || !b->present || pf_fec_create(&b->fec, &p) < 0)
		fail("setting up");
	memset(b->present, 1, k + m);
	for (size_t i = 0; i < (k + m) * stride; i++)
		b->memory[i] = (uint8_t)(i * 2654435761u >> 13);
	for (size_t i = 0; i < k + m; i++)
		b->shards[i] = b->memory + i * stride;
}

static void block_finish(struct block *b)
{
	pf_fec_destroy(b->fec);
	free(b->memory);
	free(b->shards);
	free(b->present);
}

static uint64_t run_encode(void *userdata)
{
	struct block *b = userdata;
	for (size_t i = 0; i < b->repeat; i++)
		if (pf_fec_encode(b->fec, (const uint8_t *const *)b->shards, b->k, b->shards + b->k,
			    b->m, b->len) < 0)
			fail("encoding");
	return b->repeat * b->k * b->len;
}

static uint64_t run_decode(void *userdata)
{
	struct block *b = userdata;
	for (size_t i = 0; i < b->repeat; i++)
		if (pf_fec_decode(b->fec, b->shards, b->present, b->k, b->m, b->len) !=
			(int)b->lost)
			fail("decoding");
	return b->repeat * b->k * b->len;
}

static uint64_t run_memcpy(void *userdata)
{
	memcpy(copy_to, copy_from, COPY_LEN);
	__asm__ volatile("" : : "r"(copy_to) : "memory");
	return COPY_LEN;
}

/* Loses `lost` data shards, spread over the block. */
static void block_lose(struct block *b, size_t lost)
{
	memset(b->present, 1, b->k + b->m);
	b->lost = lost;
	for (size_t e = 0; e < lost; e++)
		b->present[(e * b->k + b->k / 2) / lost] = 0;
}

/* What was lost must come back: a fast wrong answer is no figure. */
static void verify(struct block *b)
{
	uint8_t *copy = malloc(b->len);
	if (!copy)
		fail("setting up");
	run_encode(b);
	for (size_t i = 0; i < b->k; i++) {
		if (b->present[i])
			continue;
		memcpy(copy, b->shards[i], b->len);
		memset(b->shards[i], 0, b->len);
		run_decode(b);
		if (memcmp(copy, b->shards[i], b->len) != 0)
			fail("the comparison of a repaired shard");
		break;
	}
	free(copy);
}

static void print_row(const char *what, size_t k, size_t m, const struct candidate *c)
{
	printf("%6zu,%-5zu %-11s %7.2f [%6.2f ..%7.2f]", k, m, what, measure_median(c, ROUNDS),
		measure_at(c->rate, ROUNDS, 0.1), measure_at(c->rate, ROUNDS, 0.9));
}

/* Ours over a figure of the past, scaled by the memcpy of the same rounds. */
static void print_scaled(const struct candidate *ours, const struct candidate *copy, double then)
{
	if (then > 0)
		printf(" %9.2fx", measure_ratio(ours, copy, ROUNDS) * MEMCPY_THEN / then);
	else
		printf(" %10s", "-");
}

static void gf16_row(
	const struct known *s, const char *what, size_t lost, double leopard, double simd)
{
	struct block b;
	block_init(&b, PF_FEC_GF16, s->k, s->m, 1408);
	block_lose(&b, lost ? lost : 1);
	verify(&b);
	struct candidate c[] = {
		{.name = "ours", .run = lost ? run_decode : run_encode, .userdata = &b},
		{.name = "memcpy", .run = run_memcpy}};
	measure(c, 2, ROUNDS, SLICE_NS);
	print_row(what, s->k, s->m, &c[0]);
	print_scaled(&c[0], &c[1], leopard);
	print_scaled(&c[0], &c[1], simd);
	printf("   memcpy %.1f\n", measure_median(&c[1], ROUNDS));
	block_finish(&b);
}

static void gf16(void)
{
	printf("GF(2^16), 1408-byte shards, GB/s: median [10th .. 90th percentile]; ours / "
	       "theirs,\n"
	       "theirs as measured beside a memcpy of %.0f GB/s and scaled by the memcpy of this "
	       "run\n"
	       "%-25s %25s %8s %10s\n",
		MEMCPY_THEN, "", "", "Leopard", "rs-simd");
	for (size_t i = 0; i < sizeof(gf16_shapes) / sizeof(gf16_shapes[0]); i++) {
		const struct known *s = &gf16_shapes[i];
		gf16_row(s, "encode", 0, s->leopard_enc, s->simd_enc);
		gf16_row(s, "decode all", s->m, s->leopard_dec, s->simd_dec);
		/* Theirs cost the same for any number of losses, or nearly. */
		if (s->k == 100)
			for (size_t lost = 1; lost <= 5; lost++) {
				char what[20];
				snprintf(what, sizeof(what), "decode %zu", lost);
				gf16_row(s, what, lost, s->leopard_dec, s->simd_dec);
			}
	}
}

#ifdef HAVE_ISAL
static void isal_init(struct block *b)
{
	uint8_t *matrix = malloc((b->k + b->m) * b->k);
	b->isal_tables = malloc(32 * b->k * b->m);
	if (!matrix || !b->isal_tables)
		fail("setting up");
	gf_gen_cauchy1_matrix(matrix, (int)(b->k + b->m), (int)b->k);
	ec_init_tables((int)b->k, (int)b->m, matrix + b->k * b->k, b->isal_tables);
	free(matrix);
}

static uint64_t run_isal(void *userdata)
{
	struct block *b = userdata;
	ec_encode_data(
		(int)b->len, (int)b->k, (int)b->m, b->isal_tables, b->shards, b->shards + b->k);
	return b->k * b->len;
}
#endif

static void gf8_row(struct block *b, double isal230, double isal231, double nanors)
{
	struct candidate c[MAX_CANDIDATES] = {
		{.name = "encode", .run = run_encode, .userdata = b},
		{.name = "decode", .run = run_decode, .userdata = b},
		{.name = "memcpy", .run = run_memcpy},
	};
	int n = 3;
#ifdef HAVE_ISAL
	isal_init(b);
	c[n++] = (struct candidate){.name = "ISA-L", .run = run_isal, .userdata = b};
#endif
	measure(c, n, ROUNDS, SLICE_NS);
	print_row("encode", b->k, b->m, &c[0]);
#ifdef HAVE_ISAL
	/* The one at hand tells what 2.31 would do here better than a memcpy does. */
	double ratio = measure_ratio(&c[0], &c[3], ROUNDS);
	int has_gfni = ISAL_MAKE_VERSION(ISAL_MAJOR_VERSION, ISAL_MINOR_VERSION, 0) >=
		ISAL_MAKE_VERSION(2, 31, 0);
	printf(" %9.2fx %9.2fx", ratio, has_gfni ? ratio : ratio * isal230 / isal231);
	free(b->isal_tables);
#else
	(void)isal230;
	printf(" %10s", "-");
	print_scaled(&c[0], &c[2], isal231);
#endif
	printf(" %10s   memcpy %.1f\n", "", measure_median(&c[2], ROUNDS));
	print_row("decode all", b->k, b->m, &c[1]);
	printf(" %10s %10s", "", "");
	print_scaled(&c[1], &c[2], nanors);
	printf("\n");
}

static void gf8(void)
{
	printf("\nGF(2^8), 1392-byte shards, GB/s as above; ours / theirs: ISA-L %s;\n"
	       "ISA-L 2.31 with GFNI as measured before and scaled by %s;\n"
	       "nanors at 1408 bytes, where it is at its best, scaled by the memcpy\n"
	       "%-25s %25s %10s %9s %10s\n",
#ifdef HAVE_ISAL
		"of this machine in the same rounds", "what ISA-L 2.30 does here",
#else
		"is not installed", "the memcpy",
#endif
		"", "", "ISA-L", "2.31", "nanors");
	for (size_t i = 0; i < sizeof(gf8_shapes) / sizeof(gf8_shapes[0]); i++) {
		struct block b;
		block_init(&b, PF_FEC_GF8, gf8_shapes[i].k, gf8_shapes[i].m, 1392);
		block_lose(&b, b.m);
		verify(&b);
		gf8_row(&b, gf8_shapes[i].isal230_enc, gf8_shapes[i].isal231_enc,
			gf8_shapes[i].nanors_dec);
		block_finish(&b);
	}
}

int main(void)
{
	memset(copy_from, 1, sizeof(copy_from));
	gf16();
	gf8();
	return 0;
}
