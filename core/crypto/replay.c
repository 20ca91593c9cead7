/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/replay.h"

#include <string.h>

/*
 * A ring of bits: sequence s has bit s % DEPTH, and it means something only for s in
 * [top - DEPTH, top). Moving top forward clears the bits that come to mean new sequences.
 */
#define WORD_BITS 64u

static void clear_range(struct pf_replay *r, uint64_t first, uint64_t n)
{
	if (n >= PF_REPLAY_DEPTH) {
		memset(r->bits, 0, sizeof(r->bits));
		return;
	}
	while (n) {
		uint64_t bit = first % PF_REPLAY_DEPTH;
		uint64_t in_word = WORD_BITS - bit % WORD_BITS;
		uint64_t take = n < in_word ? n : in_word;
		uint64_t mask = take == WORD_BITS ? UINT64_MAX : (UINT64_C(1) << take) - 1;
		r->bits[bit / WORD_BITS] &= ~(mask << bit % WORD_BITS);
		first += take;
		n -= take;
	}
}

void pf_replay_init(struct pf_replay *r)
{
	memset(r, 0, sizeof(*r));
}

bool pf_replay_accept(struct pf_replay *r, uint64_t seq)
{
	if (seq == UINT64_MAX) /* no sender reaches it, and top would wrap */
		return false;
	if (seq >= r->top) {
		clear_range(r, r->top, seq + 1 - r->top);
		r->top = seq + 1;
	} else if (r->top - seq > PF_REPLAY_DEPTH) {
		return false;
	}
	uint64_t bit = seq % PF_REPLAY_DEPTH;
	uint64_t mask = UINT64_C(1) << bit % WORD_BITS;
	if (r->bits[bit / WORD_BITS] & mask)
		return false;
	r->bits[bit / WORD_BITS] |= mask;
	return true;
}
