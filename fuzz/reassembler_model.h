/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef FUZZ_REASSEMBLER_MODEL_H
#define FUZZ_REASSEMBLER_MODEL_H

#include <stdbool.h>
#include <string.h>

#include "core/flow/reassembler.h"
#include "core/packet/native.h"
#include "fuzz/fuzz.h"
#include "fuzz/input.h"

/*
 * The reassembler's contract a second time, slow and simple: every frame a flat record in a
 * large table; frame numbers unwrapped to 64 bits; blocks laid out by trying; no memory limit (the
 * fuzzer gives the real one enough). It knows which shards came, not what parity makes of them.
 */

enum {
	MODEL_SHARD = 16,
	MODEL_FRAMES = 8,
	MODEL_PAST = 32, /* how far below the window a packet is late rather than lost */
	MODEL_BLOCKS = 4,
	MODEL_PER_BLOCK = 12,
	MODEL_PARITY = 8,
	MODEL_FRAME_BYTES = MODEL_SHARD * MODEL_PER_BLOCK * 3,
	MODEL_TOTAL = MODEL_FRAME_BYTES / MODEL_SHARD,
};

#define MODEL_WINDOW_NS	     8000000u
#define MODEL_REORDER_NS     2000000u /* how long a packet may be overtaken, where none was by more */
#define MODEL_REORDER_MAX_NS 60000000u

struct model_block {
	bool known, whole;
	size_t parity; /* m */
	size_t n_data, n_parity;
	bool parity_came[MODEL_PARITY];
};

struct model_frame {
	enum { ABSENT, MISSING, OPEN, WHOLE, GONE } state;
	uint64_t index;
	uint64_t noticed_ns, first_ns, whole_ns, pts_ns;
	uint32_t frame_bytes, user_flags;
	size_t blocks, per_block, total;
	uint8_t scheme;
	bool end_seen, anchor;
	uint64_t end_ns;
	bool came[MODEL_TOTAL];
	uint8_t bytes[MODEL_TOTAL][MODEL_SHARD];
	struct model_block block[MODEL_BLOCKS];
	uint32_t rebuilt, late;
};

struct model {
	struct model_frame frames[4 * MODEL_FRAMES];
	uint64_t base, next; /* unwrapped */
	bool started, committed, gap;
	uint64_t gap_first;
	uint64_t reorder_ns; /* what was seen, and a quarter more */
	uint64_t now_ns;
	uint32_t jump_at;
	unsigned jump_count;
	uint32_t owed[MODEL_PAST]; /* by index % MODEL_PAST, with owed_index */
	uint64_t owed_index[MODEL_PAST];
	struct pf_reassembler_stats stats;
};

/* Many more places than frames that can be alive: each has its own. */
static struct model_frame *model_find(struct model *m, uint64_t index)
{
	struct model_frame *f = &m->frames[index % (4 * MODEL_FRAMES)];
	return f->state != ABSENT && f->index == index ? f : NULL;
}

static void model_notice(struct model *m, uint64_t index)
{
	struct model_frame *f = &m->frames[index % (4 * MODEL_FRAMES)];
	FUZZ_CHECK(f->state == ABSENT);
	memset(f, 0, sizeof(*f));
	f->state = MISSING;
	f->index = index;
	f->noticed_ns = m->now_ns;
}

static bool model_incomplete(const struct model_frame *f)
{
	return f->state == MISSING || f->state == OPEN;
}

static void model_drop(struct model *m, struct model_frame *f)
{
	if (f->state != GONE)
		m->stats.frames_lost++;
	f->state = GONE;
}

static void model_settle(struct model *m)
{
	struct model_frame *f;
	while (m->base < m->next && (f = model_find(m, m->base)) && f->state == GONE) {
		f->state = ABSENT;
		m->gap_first = m->gap ? m->gap_first : m->base;
		m->base++;
		m->gap = m->committed = true;
	}
}

static void model_start(struct model *m, uint64_t index)
{
	for (size_t i = 0; i < 4 * MODEL_FRAMES; i++) {
		if (m->frames[i].state != ABSENT && m->frames[i].state != GONE) {
			m->stats.frames_lost++;
			m->gap = true;
		}
		m->frames[i].state = ABSENT;
	}
	memset(m->owed, 0, sizeof(m->owed));
	m->base = index;
	m->next = index + 1;
	m->started = true;
	m->committed = false;
	m->jump_count = 0;
	model_notice(m, index);
}

/* Every layout of full blocks and a shorter last one that agrees with this header; 0 = none. */
static size_t model_per_block(const struct pf_native_header *h, size_t total)
{
	for (size_t d = 1; d <= MODEL_PER_BLOCK; d++) {
		size_t n = (total + d - 1) / d;
		if (n != h->block_count)
			continue;
		size_t k = h->block_index + 1u < n ? d : total - (n - 1) * d;
		if (h->block_index < n && k == h->data_shards)
			return d;
	}
	return 0;
}

static bool model_valid(const struct pf_native_header *h, size_t *total, size_t *per_block)
{
	*total = (h->frame_bytes + (size_t)MODEL_SHARD - 1) / MODEL_SHARD;
	*total += *total == 0;
	if (h->frame_bytes > MODEL_FRAME_BYTES || h->block_count > MODEL_BLOCKS ||
		h->parity_shards > MODEL_PARITY || h->shard_bytes != MODEL_SHARD ||
		((h->flags | h->user_flags) & PF_NATIVE_PROBE))
		return false;
	*per_block = model_per_block(h, *total);
	return *per_block != 0;
}

/* The index unwrapped: the one nearest to the window. */
static uint64_t model_unwrap(const struct model *m, uint32_t index)
{
	return m->base + (uint64_t)(int64_t)(int32_t)(index - (uint32_t)m->base);
}

enum model_place { IN_WINDOW, IN_PAST, NOWHERE };

static enum model_place model_place(struct model *m, uint32_t index32, uint64_t *index)
{
	if (!m->started)
		model_start(m, (UINT64_C(1) << 40) + index32);
	*index = model_unwrap(m, index32);
	if (*index >= m->base && *index <= m->next + MODEL_FRAMES / 2) {
		while (m->next <= *index)
			model_notice(m, m->next++);
		while (m->next - m->base > MODEL_FRAMES) {
			model_drop(m, model_find(m, m->base));
			model_settle(m);
		}
	} else if (*index < m->base && m->base - *index < MODEL_PAST) {
		if (m->committed || m->next - *index > MODEL_FRAMES) {
			m->jump_count = 0;
			return IN_PAST;
		}
		while (m->base > *index)
			model_notice(m, --m->base);
	} else {
		uint32_t up = index32 - m->jump_at, down = m->jump_at - index32;
		if (!m->jump_count || (up > MODEL_FRAMES && down > MODEL_FRAMES)) {
			m->jump_at = index32;
			m->jump_count = 1;
			return NOWHERE;
		}
		if (++m->jump_count < 3)
			return NOWHERE;
		*index = (UINT64_C(1) << 40) + index32;
		model_start(m, *index);
		m->gap = true;
		m->gap_first = *index;
	}
	m->jump_count = 0;
	return IN_WINDOW;
}

static bool model_matches(const struct model_frame *f, const struct pf_native_header *h,
	size_t total, size_t per_block)
{
	const struct model_block *b = &f->block[h->block_index];
	return f->pts_ns == h->pts_ns && f->frame_bytes == h->frame_bytes &&
		f->blocks == h->block_count && f->scheme == h->scheme && f->total == total &&
		f->per_block == per_block && (!b->known || b->parity == h->parity_shards);
}

static void model_finish(struct model *m, struct model_frame *f)
{
	bool hole = false;
	f->state = WHOLE;
	f->whole_ns = m->now_ns;
	m->reorder_ns -= m->reorder_ns / 512;
	m->stats.frames_completed++;
	m->stats.frames_recovered += f->rebuilt != 0;
	f->anchor = (f->user_flags & (PF_USER_KEYFRAME | PF_USER_RECOVERY_ANCHOR)) != 0;
	for (uint64_t i = m->base; f->anchor && i < f->index; i++) {
		struct model_frame *older = model_find(m, i);
		hole |= model_incomplete(older);
		if (hole)
			model_drop(m, older);
	}
}

/* Returns whether the shard was of use. */
static bool model_add(struct model *m, struct model_frame *f, const struct pf_native_header *h,
	const uint8_t *shard)
{
	struct model_block *b = &f->block[h->block_index];
	size_t k = h->data_shards, at = h->block_index * f->per_block + h->shard_index;
	b->known = true;
	b->parity = h->parity_shards;
	if (h->shard_index < k) {
		if (f->came[at]) {
			m->stats.packets_duplicate++;
			return false;
		}
		f->came[at] = true;
		m->stats.packets++;
		if (b->whole) {
			f->late++;
			m->stats.packets_late++;
			return false;
		}
		b->n_data++;
		memcpy(f->bytes[at], shard, MODEL_SHARD);
	} else {
		if (b->whole) {
			m->stats.packets++;
			m->stats.packets_unneeded++;
			return false;
		}
		if (b->parity_came[h->shard_index - k]) {
			m->stats.packets_duplicate++;
			return false;
		}
		b->parity_came[h->shard_index - k] = true;
		m->stats.packets++;
		b->n_parity++;
	}
	if (b->n_data + b->n_parity < k)
		return true;
	b->whole = true;
	f->rebuilt += (uint32_t)(k - b->n_data);
	m->stats.shards_recovered += k - b->n_data;
	for (size_t i = 0; i < f->blocks; i++)
		if (!f->block[i].whole)
			return true;
	/* The caller has yet to look at the END flag: completing comes after. */
	f->state = WHOLE;
	return true;
}

static bool model_ready(struct model *m)
{
	struct model_frame *f = m->started && m->base < m->next ? model_find(m, m->base) : NULL;
	return f && f->state == WHOLE;
}

static void model_past(struct model *m, const struct pf_native_header *h, uint64_t index)
{
	uint32_t *owed = &m->owed[index % MODEL_PAST];
	m->stats.packets++;
	if (*owed && m->owed_index[index % MODEL_PAST] == index &&
		h->shard_index < h->data_shards) {
		--*owed;
		m->stats.packets_late++;
	} else {
		m->stats.packets_unneeded++;
	}
}

/* When the frame's own last packet, or the first one of any newer frame, came. */
static uint64_t model_proof(struct model *m, const struct model_frame *f)
{
	uint64_t proof = f->end_seen ? f->end_ns : UINT64_MAX;
	for (uint64_t i = f->index + 1; i < m->next; i++) {
		struct model_frame *newer = model_find(m, i);
		if ((newer->state == OPEN || newer->state == WHOLE) && newer->first_ns < proof)
			proof = newer->first_ns;
	}
	return proof;
}

static void model_lateness(struct model *m, struct model_frame *f)
{
	uint64_t proof = model_proof(m, f);
	f->noticed_ns = m->now_ns;
	if (proof > m->now_ns || m->now_ns - proof <= MODEL_REORDER_NS)
		return;
	uint64_t late = (m->now_ns - proof) + (m->now_ns - proof) / 4;
	late = late < MODEL_REORDER_MAX_NS ? late : MODEL_REORDER_MAX_NS;
	m->reorder_ns = late > m->reorder_ns ? late : m->reorder_ns;
}

/* Returns what pf_reassembler_push() must return. */
static int model_push(struct model *m, const uint8_t *packet, size_t len, uint64_t now_ns)
{
	struct pf_native_header h;
	size_t total, per_block;
	uint64_t index;
	if (now_ns > m->now_ns)
		m->now_ns = now_ns;
	bool good = pf_native_header_read(&h, packet, len) == 0 &&
		model_valid(&h, &total, &per_block);
	enum model_place place = good ? model_place(m, h.frame_index, &index) : NOWHERE;
	struct model_frame *f = place == IN_WINDOW ? model_find(m, index) : NULL;
	if (f && f->state == MISSING) {
		f->state = OPEN;
		f->first_ns = m->now_ns;
		f->pts_ns = h.pts_ns;
		f->frame_bytes = h.frame_bytes;
		f->user_flags = h.user_flags;
		f->blocks = h.block_count;
		f->per_block = per_block;
		f->total = total;
		f->scheme = h.scheme;
	}
	if (place == NOWHERE ||
		(f && f->state != GONE && !model_matches(f, &h, total, per_block))) {
		m->stats.packets_bad++;
		model_settle(m);
		return PF_E_BAD_PACKET;
	}
	if (!f || f->state == GONE) {
		model_past(m, &h, index);
	} else {
		bool was_open = f->state == OPEN;
		if (model_add(m, f, &h, packet + PF_NATIVE_HEADER_LEN))
			model_lateness(m, f);
		if (h.flags & PF_NATIVE_END && !f->end_seen) {
			f->end_seen = true;
			f->end_ns = m->now_ns;
		}
		if (was_open && f->state == WHOLE)
			model_finish(m, f);
	}
	model_settle(m);
	return model_ready(m);
}

static int model_expire(struct model *m, uint64_t now_ns)
{
	if (now_ns > m->now_ns)
		m->now_ns = now_ns;
	for (uint64_t i = m->base; i < m->next; i++) {
		struct model_frame *f = model_find(m, i);
		if (model_incomplete(f) && f->noticed_ns + MODEL_WINDOW_NS <= m->now_ns)
			model_drop(m, f);
	}
	model_settle(m);
	return model_ready(m);
}

/* Is a newer frame complete, or its last packet there? */
static bool model_proven(struct model *m, uint64_t index)
{
	for (uint64_t i = index + 1; i < m->next && m->reorder_ns <= MODEL_REORDER_NS; i++) {
		struct model_frame *f = model_find(m, i);
		if (f->state == WHOLE || (f->state == OPEN && f->end_seen))
			return true;
	}
	return false;
}

/* As late as that, or 2 ms. */
static uint64_t model_overdue(struct model *m, const struct model_frame *f)
{
	uint64_t proof = model_proof(m, f);
	uint64_t wait = m->reorder_ns > MODEL_REORDER_NS ? m->reorder_ns : MODEL_REORDER_NS;
	return proof == UINT64_MAX ? proof : proof + wait;
}

static uint64_t model_deadline(struct model *m)
{
	uint64_t earliest = UINT64_MAX;
	for (uint64_t i = m->base; i < m->next; i++) {
		struct model_frame *f = model_find(m, i);
		if (!model_incomplete(f))
			continue;
		uint64_t overdue = model_overdue(m, f);
		if (f->noticed_ns + MODEL_WINDOW_NS < earliest)
			earliest = f->noticed_ns + MODEL_WINDOW_NS;
		if (!model_proven(m, i) && overdue > m->now_ns && overdue < earliest)
			earliest = overdue;
	}
	return earliest;
}

static bool model_hole(struct model *m, uint32_t *first, uint32_t *last)
{
	bool found = false;
	for (uint64_t i = m->base; i < m->next; i++) {
		struct model_frame *f = model_find(m, i);
		if (!model_incomplete(f) ||
			(!model_proven(m, i) && model_overdue(m, f) > m->now_ns))
			continue;
		if (!found)
			*first = (uint32_t)i;
		*last = (uint32_t)i;
		found = true;
	}
	if (found && m->gap && (int32_t)((uint32_t)m->gap_first - *first) < 0)
		*first = (uint32_t)m->gap_first;
	return found;
}

/* Takes the frame that poll() must give into *out; false: none. */
static bool model_poll(struct model *m, struct model_frame *out, bool *after_gap)
{
	if (!model_ready(m))
		return false;
	struct model_frame *f = model_find(m, m->base);
	*out = *f;
	*after_gap = m->gap;
	m->owed[f->index % MODEL_PAST] = f->rebuilt - f->late;
	m->owed_index[f->index % MODEL_PAST] = f->index;
	f->state = ABSENT;
	m->base++;
	m->gap = false;
	m->committed = true;
	m->stats.frames_delivered++;
	model_settle(m);
	return true;
}

static void model_reset(struct model *m)
{
	for (size_t i = 0; i < 4 * MODEL_FRAMES; i++)
		m->frames[i].state = ABSENT;
	m->base = m->next = 0;
	m->started = m->committed = m->gap = false;
	m->jump_count = 0;
	m->reorder_ns = 0;
}

static bool model_healing(struct model *m)
{
	struct model_frame *f = m->started && m->base < m->next ? model_find(m, m->next - 1) : NULL;
	return f && f->state == OPEN && !f->end_seen &&
		(f->user_flags & (PF_USER_KEYFRAME | PF_USER_RECOVERY_ANCHOR));
}

#endif
