/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/frame.h"

#include <string.h>

#include "core/flow/reassembler.h"

/*
 * A frame's run in the arena:
 *   | struct frame_block[blocks] | have: a bit a data shard | pad to 64 | data | PF_AU_PADDING |
 * A block's parity run, taken with the first parity shard that is kept:
 *   | seen: a bit a parity shard | which[slots] | pad to 64 | slots of one shard |
 */
#define WORD_BITS 64u
#define ALIGN	  64u

struct frame_block {
	struct pf_run run;
	uint64_t *seen;	 /* in the run, as the next two */
	uint16_t *which; /* parity index of each kept slot */
	uint8_t *slots;
	uint16_t parity; /* m, as the block's first packet says */
	uint16_t n_data, n_kept;
	bool pinned; /* parity is known */
	bool whole;
	bool broken; /* the codec refused it: nothing more is kept */
};

static size_t align_up(size_t n)
{
	return (n + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

static size_t bitmap_len(size_t bits)
{
	return (bits + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t);
}

static bool test_and_set(uint64_t *map, size_t bit)
{
	uint64_t mask = UINT64_C(1) << bit % WORD_BITS;
	bool was = map[bit / WORD_BITS] & mask;
	map[bit / WORD_BITS] |= mask;
	return was;
}

static bool test(const uint64_t *map, size_t bit)
{
	return map[bit / WORD_BITS] >> bit % WORD_BITS & 1;
}

int pf_frame_geometry_read(struct pf_frame_geometry *g, const struct pf_native_header *h)
{
	uint32_t blocks = h->block_count, k = h->data_shards;
	if (!h->shard_bytes || h->block_index >= blocks)
		return PF_E_BAD_PACKET;
	uint32_t total = h->frame_bytes / h->shard_bytes + (h->frame_bytes % h->shard_bytes != 0);
	if (!total)
		total = 1;
	uint32_t per_block = k;
	if (blocks > 1 && h->block_index == blocks - 1) {
		if (total <= k || (total - k) % (blocks - 1))
			return PF_E_BAD_PACKET;
		per_block = (total - k) / (blocks - 1);
	}
	uint64_t before_last = (uint64_t)(blocks - 1) * per_block;
	if (total <= before_last || total - before_last > per_block)
		return PF_E_BAD_PACKET;
	if (h->block_index == blocks - 1 && k != total - before_last)
		return PF_E_BAD_PACKET;
	*g = (struct pf_frame_geometry){
		.pts_ns = h->pts_ns,
		.frame_bytes = h->frame_bytes,
		.total = total,
		.per_block = per_block,
		.blocks = h->block_count,
		.scheme = h->scheme,
	};
	return PF_OK;
}

static bool same_geometry(const struct pf_frame_geometry *a, const struct pf_frame_geometry *b)
{
	return a->pts_ns == b->pts_ns && a->frame_bytes == b->frame_bytes && a->total == b->total &&
		a->per_block == b->per_block && a->blocks == b->blocks && a->scheme == b->scheme;
}

int pf_frame_open(struct pf_frame *f, struct pf_arena *arena, const struct pf_frame_geometry *g,
	size_t shard_bytes)
{
	size_t blocks_len = g->blocks * sizeof(struct frame_block);
	size_t head = align_up(blocks_len + bitmap_len(g->total));
	*f = (struct pf_frame){.geo = *g};
	uint8_t *p = pf_arena_take(arena, head + g->total * shard_bytes + PF_AU_PADDING, &f->run);
	if (!p)
		return PF_E_FULL;
	memset(p, 0, head);
	f->blocks = (struct frame_block *)(void *)p;
	f->have = (uint64_t *)(void *)(p + blocks_len);
	f->data = p + head;
	return PF_OK;
}

void pf_frame_close(struct pf_frame *f, struct pf_arena *arena)
{
	if (!f->run.n)
		return;
	for (size_t i = 0; i < f->geo.blocks; i++)
		pf_arena_give(arena, &f->blocks[i].run);
	pf_arena_give(arena, &f->run);
}

static size_t block_data(const struct pf_frame *f, size_t block)
{
	const struct pf_frame_geometry *g = &f->geo;
	return block + 1 < g->blocks ? g->per_block : g->total - block * g->per_block;
}

static void finish_block(struct pf_frame *f, struct pf_arena *arena, struct frame_block *b)
{
	b->whole = true;
	pf_arena_give(arena, &b->run);
	f->blocks_whole++;
	if (f->blocks_whole == f->geo.blocks)
		memset(f->data + f->geo.frame_bytes, 0, PF_AU_PADDING);
}

static int repair_block(
	struct pf_frame *f, struct pf_arena *arena, struct pf_frame_codec *codec, size_t block)
{
	struct frame_block *b = &f->blocks[block];
	size_t k = block_data(f, block), first = block * f->geo.per_block;
	for (size_t i = 0; i < k; i++) {
		codec->shards[i] = f->data + (first + i) * codec->shard_bytes;
		codec->present[i] = test(f->have, first + i);
	}
	for (size_t i = 0; i < b->n_kept; i++) {
		codec->shards[k + b->which[i]] = b->slots + i * codec->shard_bytes;
		codec->present[k + b->which[i]] = 1;
	}
	int n = pf_fec_decode(codec->fec[f->geo.scheme], codec->shards, codec->present, k,
		b->parity, codec->shard_bytes);
	/* All zero again, and only what was set: m is a peer's, and may be thousands for one packet. */
	memset(codec->present, 0, k);
	for (size_t i = 0; i < b->n_kept; i++)
		codec->present[k + b->which[i]] = 0;
	if (n < 0) {
		b->broken = true;
		return PF_E_FEC;
	}
	f->recovered += (uint32_t)(k - b->n_data);
	finish_block(f, arena, b);
	return PF_FRAME_STORED;
}

static int take_parity_run(
	struct pf_arena *arena, struct frame_block *b, size_t k, size_t shard_bytes)
{
	/* More than k are never kept: with any k shards the block is whole. */
	size_t n_slots = b->parity < k ? b->parity : k;
	size_t seen_len = bitmap_len(b->parity);
	size_t head = align_up(seen_len + n_slots * sizeof(b->which[0]));
	uint8_t *p = pf_arena_take(arena, head + n_slots * shard_bytes, &b->run);
	if (!p)
		return PF_E_FULL;
	memset(p, 0, seen_len);
	b->seen = (uint64_t *)(void *)p;
	b->which = (uint16_t *)(void *)(p + seen_len);
	b->slots = p + head;
	return PF_OK;
}

static int add_parity(struct pf_frame *f, struct pf_arena *arena, struct frame_block *b,
	size_t shard_bytes, const struct pf_native_header *h, const uint8_t *shard)
{
	if (b->whole || b->broken)
		return PF_FRAME_UNNEEDED;
	if (!b->run.n) {
		int err = take_parity_run(arena, b, h->data_shards, shard_bytes);
		if (err)
			return err;
	}
	uint16_t index = (uint16_t)(h->shard_index - h->data_shards);
	if (test_and_set(b->seen, index))
		return PF_FRAME_DUPLICATE;
	b->which[b->n_kept] = index;
	memcpy(b->slots + b->n_kept * shard_bytes, shard, shard_bytes);
	b->n_kept++;
	return PF_FRAME_STORED;
}

static int add_data(struct pf_frame *f, struct frame_block *b, size_t shard_bytes,
	const struct pf_native_header *h, const uint8_t *shard)
{
	size_t at = (size_t)h->block_index * f->geo.per_block + h->shard_index;
	if (test_and_set(f->have, at))
		return PF_FRAME_DUPLICATE;
	if (b->whole) {
		f->late++;
		return PF_FRAME_LATE;
	}
	memcpy(f->data + at * shard_bytes, shard, shard_bytes);
	b->n_data++;
	return PF_FRAME_STORED;
}

int pf_frame_add(struct pf_frame *f, struct pf_arena *arena, struct pf_frame_codec *codec,
	const struct pf_native_header *h, const struct pf_frame_geometry *g, const uint8_t *shard)
{
	if (!same_geometry(&f->geo, g))
		return PF_E_BAD_PACKET;
	struct frame_block *b = &f->blocks[h->block_index];
	if (b->pinned && b->parity != h->parity_shards)
		return PF_E_BAD_PACKET;
	b->pinned = true;
	b->parity = h->parity_shards;
	size_t k = h->data_shards;
	int added = h->shard_index < k ? add_data(f, b, codec->shard_bytes, h, shard)
				       : add_parity(f, arena, b, codec->shard_bytes, h, shard);
	if (added != PF_FRAME_STORED)
		return added;
	if (b->n_data == k)
		finish_block(f, arena, b);
	else if (!b->broken && (size_t)b->n_data + b->n_kept >= k)
		return repair_block(f, arena, codec, h->block_index);
	return PF_FRAME_STORED;
}
