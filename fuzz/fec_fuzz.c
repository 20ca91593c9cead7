/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A block with an arbitrary shape, from which arbitrary shards are missing: what comes back is what
 * was encoded, or an error and nothing is written.
 *
 *   0     bit 0: scheme, bits 1-2: way, bits 3-4: vector level
 *   1..2  k, 3..4 m, 5..6 len, little endian: also beyond the limits
 *   7..   one bit a shard: set = missing; zero when the input ends
 *   then  the bytes of the data shards, repeated
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/base/cpu.h"
#include "core/fec/codec.h"

enum { MAX_DATA = 600, MAX_PARITY = 300, MAX_LEN = 400, GUARD = 0xa5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint32_t levels[4] = {~0u, PF_CPU_GFNI, PF_CPU_GFNI | PF_CPU_AVX512, 0};

/* One object a scheme and level, made once: creating one costs more than a small block. */
static struct pf_fec *codec(enum pf_fec_scheme scheme, unsigned level, enum pf_fec_path path)
{
	static struct pf_fec *made[2][4];
	struct pf_fec **fec = &made[scheme][level];
	struct pf_fec_params p = {scheme, MAX_DATA, MAX_PARITY, MAX_LEN, levels[level]};
	if (scheme == PF_FEC_GF8)
		p.max_data = p.max_parity = PF_FEC_GF8_MAX_SHARDS;
	if (!*fec && pf_fec_create(fec, &p) < 0)
		abort();
	(*fec)->path = path;
	return *fec;
}

struct shape {
	size_t k, m, len;
	struct pf_reader *input;
};

static void fill(uint8_t *shard, size_t i, const struct shape *s)
{
	const uint8_t *seed = s->input->p;
	size_t n = pf_reader_left(s->input);
	for (size_t b = 0; b < s->len; b++)
		shard[b] = (uint8_t)((n ? seed[(i * s->len + b) % n] : 0) + i * 31 + b);
}

static void check(const struct shape *s, uint8_t *const *shards, const uint8_t *present, int result,
	size_t n_present, size_t n_lost)
{
	if (result != (n_present < s->k ? PF_E_FEC : (int)n_lost))
		abort();
	uint8_t want[MAX_LEN];
	for (size_t i = 0; i < s->k; i++) {
		fill(want, i, s);
		if (result == PF_E_FEC && !present[i])
			memset(want, GUARD, s->len);
		if (memcmp(want, shards[i], s->len) != 0)
			abort();
	}
}

static void run_block(struct pf_fec *fec, struct shape *s)
{
	size_t n = s->k + s->m, n_present = 0, n_lost = 0;
	uint8_t **shards = calloc(n, sizeof(*shards)), *present = calloc(n, 1);
	for (size_t i = 0; shards && i < n; i += 8) {
		unsigned missing = pf_reader_left(s->input) ? pf_read_u8(s->input) : 0;
		for (size_t b = i; present && b < n && b < i + 8; b++)
			n_present += present[b] = !(missing >> (b - i) & 1);
	}
	/* Each shard in memory of its own, to the byte: the sanitizer sees its ends. */
	for (size_t i = 0; shards && i < n; i++) {
		shards[i] = malloc(s->len);
		if (shards[i] && i < s->k)
			fill(shards[i], i, s);
	}
	if (!shards || !present ||
		pf_fec_encode(
			fec, (const uint8_t *const *)shards, s->k, shards + s->k, s->m, s->len) < 0)
		abort();
	for (size_t i = 0; i < n; i++) {
		if (present[i])
			continue;
		n_lost += i < s->k;
		memset(shards[i], GUARD, s->len);
		if (i >= s->k) {
			free(shards[i]);
			shards[i] = NULL;
		}
	}
	int result = pf_fec_decode(fec, shards, present, s->k, s->m, s->len);
	check(s, shards, present, result, n_present, n_lost);
	for (size_t i = 0; i < n; i++)
		free(shards[i]);
	free(shards);
	free(present);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pf_reader r = pf_reader_make(data, size);
	unsigned how = pf_read_u8(&r);
	struct shape s = {.input = &r};
	s.k = pf_read_le16(&r);
	s.m = pf_read_le16(&r);
	s.len = pf_read_le16(&r);
	if (!r.ok)
		return 0;
	enum pf_fec_scheme scheme = how & 1 ? PF_FEC_GF16 : PF_FEC_GF8;
	struct pf_fec *fec = codec(scheme, how >> 3 & 3, (enum pf_fec_path)((how >> 1 & 3) % 3));
	int possible = pf_fec_check(scheme, s.k, s.m) == PF_OK && s.k <= fec->limits.max_data &&
		s.m <= fec->limits.max_parity && s.len && s.len <= MAX_LEN &&
		(scheme == PF_FEC_GF8 || s.len % 2 == 0);
	if (possible) {
		run_block(fec, &s);
		return 0;
	}
	/* Refused before a pointer is looked at. */
	if (pf_fec_encode(fec, NULL, s.k, NULL, s.m, s.len) != PF_E_INVALID ||
		pf_fec_decode(fec, NULL, NULL, s.k, s.m, s.len) != PF_E_INVALID)
		abort();
	return 0;
}
