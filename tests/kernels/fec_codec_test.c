/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Whole blocks by every level and both ways of computing, against plain C by the matrix (which
 * tests/unit/fec_fec_test.c holds against the definition).
 */
#include "core/fec/codec.h"
#include "tests/kernels/kernels.h"

#define MAX_SHARDS 1400u
#define MAX_LEN	   400u

static uint8_t want[MAX_SHARDS][MAX_LEN], got[MAX_SHARDS][MAX_LEN + 64];
static uint8_t *shards[MAX_SHARDS], present[MAX_SHARDS];

static const uint16_t shapes[][2] = {{4, 3}, {5, 8}, {7, 5}, {10, 2}, {16, 16}, {17, 33}, {33, 17},
	{50, 10}, {64, 13}, {70, 60}, {100, 20}, {60, 100}, {120, 127}, {200, 51}, {213, 42},
	{240, 16}, {300, 290}, {512, 103}, {900, 300}, {20, 500}};

static struct pf_fec *codec(enum pf_fec_scheme scheme, uint32_t level, enum pf_fec_path path)
{
	struct pf_fec_params p = {scheme, 1000, 600, MAX_LEN, ~level};
	if (scheme == PF_FEC_GF8)
		p.max_data = p.max_parity = PF_FEC_GF8_MAX_SHARDS;
	struct pf_fec *fec;
	if (pf_fec_create(&fec, &p) < 0)
		abort();
	fec->path = path;
	return fec;
}

static int encode(struct pf_fec *fec, size_t k, size_t m, size_t len)
{
	return pf_fec_encode(fec, (const uint8_t *const *)shards, k, shards + k, m, len);
}

/* Lose n_lost shards of any kind; returns whether all data came back. */
static int lose_and_repair(
	struct pf_fec *fec, size_t k, size_t m, size_t len, size_t n_lost, uint64_t *seed)
{
	int n_data = 0;
	memset(present, 1, k + m);
	for (size_t left = n_lost; left;) {
		size_t i = (size_t)(rnd(seed) % (k + m));
		left -= present[i];
		n_data += present[i] && i < k;
		present[i] = 0;
	}
	for (size_t i = 0; i < k; i++)
		if (!present[i])
			memset(shards[i], 0x5a, len);
	if (pf_fec_decode(fec, shards, present, k, m, len) != n_data)
		return 0;
	for (size_t i = 0; i < k + m; i++)
		if (memcmp(shards[i], want[i], len) != 0)
			return 0;
	return 1;
}

static int check_block(
	struct pf_fec *plain, struct pf_fec *fec, size_t k, size_t m, size_t len, uint64_t *seed)
{
	for (size_t i = 0; i < k + m; i++) {
		shards[i] = want[i];
		if (i < k)
			rnd_bytes(seed, want[i], len);
	}
	if (encode(plain, k, m, len) < 0)
		return 0;
	for (size_t i = 0; i < k + m; i++) {
		shards[i] = got[i] + rnd(seed) % 64;
		memcpy(shards[i], want[i], i < k ? len : 0);
	}
	if (encode(fec, k, m, len) < 0)
		return 0;
	for (size_t i = 0; i < k + m; i++)
		if (memcmp(shards[i], want[i], len) != 0)
			return 0;
	return lose_and_repair(fec, k, m, len, 1, seed) &&
		lose_and_repair(fec, k, m, len, m, seed) &&
		lose_and_repair(fec, k, m, len, m / 2 + 1, seed);
}

static int check_level(enum pf_fec_scheme scheme, size_t l, enum pf_fec_path path)
{
	uint64_t seed = 41;
	struct pf_fec *plain = codec(scheme, 0, PF_FEC_PATH_MATRIX);
	struct pf_fec *fec = codec(scheme, levels[l].flags, path);
	int good = 1;
	for (size_t s = 0; s < sizeof(shapes) / sizeof(shapes[0]); s++) {
		size_t k = shapes[s][0], m = shapes[s][1],
		       len = 2 * (rnd(&seed) % (MAX_LEN / 2) + 1);
		if (pf_fec_check(scheme, k, m) < 0)
			continue;
		/* Plain C is slow: large blocks only need to cross a chunk. */
		len = k * m > 10000 && len > 80 ? 80 + len % 64 : len;
		if (check_block(plain, fec, k, m, len, &seed))
			continue;
		printf("# level %s, scheme %d, path %d: %zu + %zu shards of %zu bytes differ\n",
			levels[l].name, scheme, path, k, m, len);
		good = 0;
	}
	pf_fec_destroy(plain);
	pf_fec_destroy(fec);
	return good;
}

int main(void)
{
	int bad = 0;
	printf("1..%zu\n", N_LEVELS);
	for (size_t l = 0; l < N_LEVELS; l++) {
		if (!level_here(l)) {
			printf("ok %zu - %s # SKIP not on this machine\n", l + 1, levels[l].name);
			continue;
		}
		int good = 1;
		for (int path = PF_FEC_PATH_AUTO; path <= PF_FEC_PATH_TRANSFORM; path++)
			for (int scheme = PF_FEC_GF8; scheme <= PF_FEC_GF16; scheme++)
				good &= check_level(
					(enum pf_fec_scheme)scheme, l, (enum pf_fec_path)path);
		printf("%sok %zu - %s\n", good ? "" : "not ", l + 1, levels[l].name);
		bad |= !good;
	}
	return bad;
}
