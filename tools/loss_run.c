/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/loss.h"

#include <stdlib.h>
#include <string.h>

#include "core/flow/packetizer.h"
#include "core/flow/reassembler.h"
#include "core/packet/native.h"

#define SHARD_BYTES 1408u
#define FRAME_NS    16666667u
#define GF8_BLOCK   200u
#define GF16_BLOCK  4096u

struct link {
	enum loss_kind kind;
	double loss;
	uint64_t rand;
	bool fading; /* in a burst */
};

/* xorshift64*, as a share of 1 */
static double next_share(uint64_t *state)
{
	uint64_t x = *state;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return (double)(x * 0x2545F4914F6CDD1Du >> 11) / 9007199254740992.0;
}

/* Seeds that differ by one start far apart, and none starts at 0, where the generator would stay. */
static uint64_t spread(uint64_t seed)
{
	uint64_t x = seed + 0x9E3779B97F4A7C15u;
	x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
	x = (x ^ x >> 27) * 0x94D049BB133111EBu;
	x ^= x >> 31;
	return x ? x : 1;
}

/*
 * Bursty: two states (Gilbert). A burst ends with chance 1 / length after each packet, and begins as
 * often as makes the share of lost packets come out right.
 */
static bool loses(struct link *l)
{
	double share = next_share(&l->rand);
	if (l->kind == LOSS_RANDOM)
		return share < l->loss;
	double end = 1.0 / LOSS_BURST_PACKETS;
	double begin = l->loss < 1 ? l->loss * end / (1 - l->loss) : 1;
	if (l->fading ? share < end : share < begin)
		l->fading = !l->fading;
	return l->fading;
}

static int send_frame(struct loss_cell *cell, struct link *link, struct pf_packetizer *p,
	struct pf_reassembler *r, uint32_t index, const uint8_t *au)
{
	/* Each is a keyframe, so each counts by itself: none waits for another that is lost. */
	const struct pf_frame_info info = {.pts_ns = index,
		.frame_index = index,
		.user_flags = PF_USER_KEYFRAME,
		.flags = PF_NATIVE_PICTURE};
	uint64_t now_ns = (uint64_t)index * FRAME_NS;
	struct pf_packet_batch b;
	struct pf_au got;
	int err = pf_packetizer_build(p, &info, au, cell->frame_bytes, &b);
	if (err < 0)
		return err;
	for (size_t i = 0; i < b.n_packets; i++) {
		cell->packets_sent++;
		if (loses(link)) {
			cell->packets_lost++;
			continue;
		}
		err = pf_reassembler_push(r, b.data + i * b.packet_len, b.packet_len, now_ns);
		if (err < 0)
			return err;
	}
	while (pf_reassembler_poll(r, &got) == 0) {
		cell->n_whole++;
		cell->n_repaired += got.recovered_shards > 0;
		if (got.len != cell->frame_bytes || memcmp(got.data, au, got.len) != 0)
			return PF_E_FEC; /* rebuilt wrongly: the codec is at fault */
		pf_reassembler_release(r);
	}
	(void)pf_reassembler_expire(r, now_ns);
	return PF_OK;
}

int loss_run(struct loss_cell *cell, unsigned n_frames, uint64_t seed)
{
	const struct pf_packetizer_params out = {.shard_payload = SHARD_BYTES,
		.scheme = (enum pf_fec_scheme)cell->scheme,
		.fec_percent = cell->parity_percent,
		.min_parity = 2,
		.max_data_per_block = cell->scheme == PF_FEC_GF8 ? GF8_BLOCK : GF16_BLOCK,
		.max_frame_bytes = cell->frame_bytes};
	struct pf_reassembler_params in = {.shard_bytes = SHARD_BYTES};
	/* Room for every frame that may be open at once: what is lost here, the link lost. */
	pf_reassembler_limits_init(&in.limits, cell->frame_bytes);
	in.limits.max_bytes_in_flight = 24 * cell->frame_bytes + (1u << 20);
	struct link link = {.kind = cell->kind, .loss = cell->loss, .rand = spread(seed)};
	struct pf_packetizer *p = NULL;
	struct pf_reassembler *r = NULL;
	uint8_t *au = malloc(cell->frame_bytes);
	int err = au ? pf_packetizer_create(&p, &out) : PF_E_NOMEM;
	if (!err)
		err = pf_reassembler_create(&r, &in);
	cell->n_frames = n_frames;
	cell->n_whole = cell->n_repaired = 0;
	cell->packets_sent = cell->packets_lost = cell->shards_rebuilt = 0;
	for (size_t i = 0; !err && i < cell->frame_bytes; i++)
		au[i] = (uint8_t)(i * 31 + (i >> 8));
	for (uint32_t i = 0; !err && i < n_frames; i++)
		err = send_frame(cell, &link, p, r, i, au);
	if (!err) {
		struct pf_reassembler_stats s;
		pf_reassembler_get_stats(r, &s);
		cell->shards_rebuilt = s.shards_recovered;
	}
	pf_packetizer_destroy(p);
	pf_reassembler_destroy(r);
	free(au);
	return err;
}

size_t loss_count(const struct loss_axes *a)
{
	return a->n_schemes * LOSS_KINDS * a->n_frame_bytes * a->n_parity * a->n_loss;
}

void loss_place(const struct loss_axes *a, size_t i, struct loss_cell *cell)
{
	*cell = (struct loss_cell){0};
	cell->loss = a->loss[i % a->n_loss];
	i /= a->n_loss;
	cell->parity_percent = a->parity[i % a->n_parity];
	i /= a->n_parity;
	cell->frame_bytes = a->frame_bytes[i % a->n_frame_bytes];
	i /= a->n_frame_bytes;
	cell->kind = (enum loss_kind)(i % LOSS_KINDS);
	i /= LOSS_KINDS;
	cell->scheme = a->schemes[i % a->n_schemes];
}
