/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/arena.h"

#include "core/base/alloc.h"

#define WORD_BITS 64u

struct pf_arena {
	size_t n_chunks, n_used;
	uint64_t *bits; /* 1 = taken */
	uint8_t *memory;
};

int pf_arena_create(struct pf_arena **out, size_t len)
{
	*out = NULL;
	size_t n = len / PF_ARENA_CHUNK + (len % PF_ARENA_CHUNK != 0);
	if (n == 0 || n > UINT32_MAX)
		return PF_E_INVALID;
	struct pf_arena *a = pf_calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->n_chunks = n;
	a->bits = pf_calloc(n / WORD_BITS + 1, sizeof(*a->bits));
	a->memory = pf_calloc(n, PF_ARENA_CHUNK);
	if (!a->bits || !a->memory)
		goto fail;
	*out = a;
	return PF_OK;
fail:
	pf_arena_destroy(a);
	return PF_E_NOMEM;
}

void pf_arena_destroy(struct pf_arena *a)
{
	if (!a)
		return;
	pf_free(a->memory);
	pf_free(a->bits);
	pf_free(a);
}

/* The first chunk in [from, end) whose bit, XORed with flip, is set; end when there is none. */
static size_t next_bit(const struct pf_arena *a, size_t from, size_t end, uint64_t flip)
{
	while (from < end) {
		uint64_t word = (a->bits[from / WORD_BITS] ^ flip) >> from % WORD_BITS;
		if (word) {
			size_t at = from + (size_t)__builtin_ctzll(word);
			return at < end ? at : end;
		}
		from += WORD_BITS - from % WORD_BITS;
	}
	return end;
}

static void mark(struct pf_arena *a, size_t first, size_t n, uint64_t taken)
{
	while (n) {
		size_t bit = first % WORD_BITS;
		size_t take = n < WORD_BITS - bit ? n : WORD_BITS - bit;
		uint64_t mask = (take == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << take) - 1) << bit;
		uint64_t *word = &a->bits[first / WORD_BITS];
		/* A run taken or given twice would hand out memory that is in use. */
		pf_check((*word & mask) == (taken ? 0 : mask));
		*word ^= mask;
		first += take;
		n -= take;
	}
}

uint8_t *pf_arena_take(struct pf_arena *a, size_t len, struct pf_run *run)
{
	size_t n = len / PF_ARENA_CHUNK + (len % PF_ARENA_CHUNK != 0);
	if (n == 0 || n > a->n_chunks - a->n_used)
		return NULL;
	size_t at = 0;
	while (at <= a->n_chunks - n) {
		size_t taken = next_bit(a, at, at + n, 0);
		if (taken == at + n) {
			mark(a, at, n, 1);
			a->n_used += n;
			*run = (struct pf_run){(uint32_t)at, (uint32_t)n};
			return a->memory + at * PF_ARENA_CHUNK;
		}
		at = next_bit(a, taken, a->n_chunks, UINT64_MAX);
	}
	return NULL;
}

void pf_arena_give(struct pf_arena *a, struct pf_run *run)
{
	if (!run->n)
		return;
	mark(a, run->first, run->n, 0);
	a->n_used -= run->n;
	*run = (struct pf_run){0, 0};
}

size_t pf_arena_size(const struct pf_arena *a)
{
	return a->n_chunks * PF_ARENA_CHUNK;
}

size_t pf_arena_used(const struct pf_arena *a)
{
	return a->n_used * PF_ARENA_CHUNK;
}
