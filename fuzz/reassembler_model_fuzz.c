/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "core/fec/fec.h"
#include "fuzz/reassembler_model.h"

/*
 * The input is a program: packets of honest frames in any order, packets with any header, time in
 * steps (also backwards), expiry, polls, resets. The reassembler and the model must agree on every
 * answer, every counter and every byte.
 */

enum op { OP_HONEST, OP_CHANGED, OP_RAW, OP_TIME, OP_EXPIRE, OP_POLL, OP_RESET, OP_MOVE, OP_COUNT };

struct world {
	struct pf_reassembler *real;
	struct model model;
	struct pf_fec *fec[2];
	uint32_t index; /* around which honest frames are numbered */
	uint64_t now_ns;
	bool changed[256]; /* by frame index % 256: some packet of it was not honest */
};

static uint8_t au_byte(uint32_t index, size_t i)
{
	return (uint8_t)(index * 37 + i * 11 + (i >> 4) * index + 1);
}

/* The honest frame `index`: shape and bytes follow from its number. */
static void honest_shape(uint32_t index, struct pf_native_header *h)
{
	static const struct {
		uint16_t total, per_block, parity;
	} shapes[] = {
		{1, 1, 0}, {1, 1, 2}, {5, 5, 2}, {12, 12, 8}, {13, 5, 2}, {36, 12, 4}, {7, 3, 1}};
	size_t s = index % (sizeof(shapes) / sizeof(shapes[0]));
	*h = (struct pf_native_header){.pts_ns = index,
		.frame_index = index,
		.frame_bytes = (uint32_t)shapes[s].total * MODEL_SHARD - index % MODEL_SHARD,
		.user_flags = index % 5 == 0 ? PF_USER_KEYFRAME : 0,
		.block_count = (uint16_t)((shapes[s].total - 1) / shapes[s].per_block + 1),
		.data_shards = shapes[s].per_block,
		.parity_shards = shapes[s].parity,
		.shard_bytes = MODEL_SHARD,
		.scheme = index / 3 % 2};
}

/* Packet number n of that frame: header and shard. */
static void honest_packet(struct world *w, uint32_t index, uint8_t n, uint8_t *packet)
{
	struct pf_native_header h;
	uint8_t data[MODEL_PER_BLOCK][MODEL_SHARD], parity[MODEL_PARITY][MODEL_SHARD];
	const uint8_t *d[MODEL_PER_BLOCK];
	uint8_t *p[MODEL_PARITY];
	honest_shape(index, &h);
	size_t total = (h.frame_bytes + MODEL_SHARD - 1) / MODEL_SHARD, per_block = h.data_shards;
	h.block_index = n % h.block_count;
	if (h.block_index + 1 == h.block_count)
		h.data_shards = (uint16_t)(total - h.block_index * per_block);
	h.shard_index = (uint16_t)(n / h.block_count % (h.data_shards + h.parity_shards));
	if (n & 0x80)
		h.flags |= PF_NATIVE_END;
	for (size_t i = 0; i < h.data_shards; i++) {
		d[i] = data[i];
		for (size_t j = 0; j < MODEL_SHARD; j++) {
			size_t at = (h.block_index * per_block + i) * MODEL_SHARD + j;
			data[i][j] = at < h.frame_bytes ? au_byte(index, at) : 0;
		}
	}
	for (size_t i = 0; i < h.parity_shards; i++)
		p[i] = parity[i];
	if (h.parity_shards)
		FUZZ_CHECK(pf_fec_encode(w->fec[h.scheme], d, h.data_shards, p, h.parity_shards,
				   MODEL_SHARD) >= 0);
	pf_native_header_write(packet, &h);
	memcpy(packet + PF_NATIVE_HEADER_LEN,
		h.shard_index < h.data_shards ? data[h.shard_index]
					      : parity[h.shard_index - h.data_shards],
		MODEL_SHARD);
}

static void check_state(struct world *w)
{
	struct pf_reassembler_stats s;
	uint32_t first, last, model_first, model_last;
	pf_reassembler_get_stats(w->real, &s);
	const struct pf_reassembler_stats *m = &w->model.stats;
	FUZZ_CHECK(s.packets == m->packets && s.packets_bad == m->packets_bad);
	FUZZ_CHECK(s.packets_duplicate == m->packets_duplicate);
	FUZZ_CHECK(s.packets_late == m->packets_late && s.packets_unneeded == m->packets_unneeded);
	FUZZ_CHECK(s.shards_recovered == m->shards_recovered);
	FUZZ_CHECK(s.frames_completed == m->frames_completed);
	FUZZ_CHECK(s.frames_recovered == m->frames_recovered);
	FUZZ_CHECK(s.frames_lost == m->frames_lost && s.frames_delivered == m->frames_delivered);
	FUZZ_CHECK(pf_reassembler_deadline(w->real) == model_deadline(&w->model));
	bool hole = pf_reassembler_hole(w->real, &first, &last);
	FUZZ_CHECK(hole == model_hole(&w->model, &model_first, &model_last));
	FUZZ_CHECK(!hole || (first == model_first && last == model_last));
	FUZZ_CHECK(pf_reassembler_is_healing(w->real) == model_healing(&w->model));
}

static void check_frame(const struct world *w, const struct pf_au *au, const struct model_frame *f)
{
	FUZZ_CHECK(au->frame_index == (uint32_t)f->index && au->len == f->frame_bytes);
	FUZZ_CHECK(au->pts_ns == f->pts_ns && au->user_flags == f->user_flags);
	FUZZ_CHECK(au->first_packet_ns == f->first_ns && au->complete_ns == f->whole_ns);
	FUZZ_CHECK(au->recovered_shards == f->rebuilt && au->anchor == f->anchor);
	for (size_t i = 0; i < au->len; i++) {
		if (f->came[i / MODEL_SHARD] && !f->late)
			FUZZ_CHECK(au->data[i] == f->bytes[i / MODEL_SHARD][i % MODEL_SHARD]);
		if (!w->changed[au->frame_index % 256])
			FUZZ_CHECK(au->data[i] == au_byte(au->frame_index, i));
	}
	for (size_t i = 0; i < PF_AU_PADDING; i++)
		FUZZ_CHECK(au->data[au->len + i] == 0);
}

static void poll_one(struct world *w)
{
	struct pf_au au;
	struct model_frame f;
	bool after_gap;
	int err = pf_reassembler_poll(w->real, &au);
	bool have = model_poll(&w->model, &f, &after_gap);
	FUZZ_CHECK(err == (have ? 0 : PF_E_NO_FRAME));
	if (!have)
		return;
	FUZZ_CHECK(au.after_gap == after_gap);
	check_frame(w, &au, &f);
	pf_reassembler_release(w->real);
}

static void push(struct world *w, const uint8_t *packet, size_t len, bool honest)
{
	/* A copy of the exact size: reading past it shows. */
	uint8_t *copy = malloc(len ? len : 1);
	FUZZ_CHECK(copy);
	memcpy(copy, packet, len);
	if (!honest && len >= 12)
		w->changed[copy[8]] = true;
	int err = pf_reassembler_push(w->real, copy, len, w->now_ns);
	free(copy);
	FUZZ_CHECK(err == model_push(&w->model, packet, len, w->now_ns));
}

static void step(struct world *w, struct fuzz_input *in)
{
	uint8_t packet[PF_NATIVE_HEADER_LEN + MODEL_SHARD];
	uint8_t op = fuzz_u8(in);
	uint32_t index = w->index + (op >> 4) - 4;
	switch (op % OP_COUNT) {
	case OP_HONEST:
		honest_packet(w, index, fuzz_u8(in), packet);
		push(w, packet, sizeof(packet), true);
		break;
	case OP_CHANGED: { /* one to three bytes of a header */
		honest_packet(w, index, fuzz_u8(in), packet);
		uint8_t n = fuzz_u8(in);
		for (uint8_t i = 0; i <= n % 3; i++)
			packet[fuzz_u8(in) % PF_NATIVE_HEADER_LEN] = fuzz_u8(in);
		push(w, packet, sizeof(packet), false);
		break;
	}
	case OP_RAW: {
		size_t len = fuzz_u8(in) % (sizeof(packet) + 1);
		for (size_t i = 0; i < len; i++)
			packet[i] = fuzz_u8(in);
		push(w, packet, len, false);
		break;
	}
	case OP_TIME:
		/* Back by up to 0.4 ms, or on by up to 4.7. */
		w->now_ns += (uint64_t)fuzz_u8(in) * 20000;
		w->now_ns -= w->now_ns < 400000 ? w->now_ns : 400000;
		break;
	case OP_EXPIRE:
		FUZZ_CHECK(pf_reassembler_expire(w->real, w->now_ns) ==
			model_expire(&w->model, w->now_ns));
		break;
	case OP_POLL:
		poll_one(w);
		break;
	case OP_RESET:
		if (fuzz_u8(in) != 0x55) /* rarely, or nothing ever builds up */
			break;
		pf_reassembler_reset(w->real);
		model_reset(&w->model);
		break;
	case OP_MOVE:
		w->index += (op >> 4) < 15 ? (uint32_t)(op >> 4) - 2 : fuzz_u32(in);
		break;
	}
}

/* Made once, because making its codecs takes longer than an input: a reset forgets all but counters. */
static void make_receiver(struct world *w)
{
	struct pf_reassembler_params params = {.shard_bytes = MODEL_SHARD,
		.limits = {.max_frame_bytes = MODEL_FRAME_BYTES,
			.max_frames = MODEL_FRAMES,
			.max_bytes_in_flight = 1u << 20, /* never reached: the model has no limit */
			.max_blocks = MODEL_BLOCKS,
			.max_data_per_block = MODEL_PER_BLOCK,
			.max_parity_per_block = MODEL_PARITY,
			.loss_window_ns = MODEL_WINDOW_NS}};
	FUZZ_CHECK(pf_reassembler_create(&w->real, &params) == 0);
}

static void init_world(struct world *w)
{
	if (!w->real)
		make_receiver(w);
	pf_reassembler_reset(w->real);
	model_reset(&w->model);
	memset(w->changed, 0, sizeof(w->changed));
	w->index = UINT32_MAX - 3;
	w->now_ns = w->model.now_ns;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct world w;
	struct fuzz_input in = {data, size};
	for (unsigned scheme = 0; scheme < 2 && !w.fec[scheme]; scheme++) {
		struct pf_fec_params fec = {.scheme = (enum pf_fec_scheme)scheme,
			.max_data = MODEL_PER_BLOCK,
			.max_parity = MODEL_PARITY,
			.max_shard_len = MODEL_SHARD};
		FUZZ_CHECK(pf_fec_create(&w.fec[scheme], &fec) >= 0);
	}
	init_world(&w);
	while (in.len) {
		step(&w, &in);
		check_state(&w);
	}
	for (int i = 0; i < MODEL_FRAMES; i++)
		poll_one(&w);
	pf_reassembler_reset(w.real);
	struct pf_reassembler_stats s;
	pf_reassembler_get_stats(w.real, &s);
	FUZZ_CHECK(s.bytes_in_flight == 0);
	return 0;
}
