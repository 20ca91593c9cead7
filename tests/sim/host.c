/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/packet/native.h"
#include "tests/sim/ends.h"

#define FIXED_FEC   20u
#define MIN_PARITY  2u
#define SMALL_BLOCK 20u
#define PER_BLOCK   4096u
#define PACE_BPS    UINT64_C(900000000)
#define PACE_BURST  65536u
#define TIMING_LEN  60u /* a QUIC packet with a frame's timing: acknowledged, and so a round trip */

static const uint8_t key[16] = {1, 2, 3}, salt[4] = {4, 5, 6, 7};

static int make_packetizer(struct sim_host *h)
{
	struct pf_sealer seal;
	int err = pf_aead_create(&h->aead, PF_CIPHER_AES_128_GCM, key, sizeof(key));
	if (err < 0)
		return err;
	pf_sealer_init(&seal, h->aead, salt, PF_HOST_TO_CLIENT);
	struct pf_packetizer_params params = {
		.shard_payload = SIM_SHARD,
		.scheme = PF_FEC_GF16,
		.fec_percent = FIXED_FEC,
		.min_parity = MIN_PARITY,
		.small_block = SMALL_BLOCK,
		.max_data_per_block = PER_BLOCK,
		.max_frame_bytes = SIM_FRAME_MAX,
		.seal = &seal,
	};
	return pf_packetizer_create(&h->packetizer, &params);
}

static int shape(struct sim_host *h, uint64_t now_ns)
{
	struct pf_adapt_pace pace = pf_adapt_get_pace(&h->adapt, now_ns);
	struct pf_pacer_params params = {
		.rate_bps = PACE_BPS,
		.burst_bytes = PACE_BURST,
		.max_spread_ns = SIM_S / 2 / h->scenario->hz,
	};
	pf_adapt_shape(&params, &pace, h->scenario->hz);
	return pf_pacer_set(&h->pacer, &params, now_ns);
}

int host_create(struct sim_host *h, const struct sim_scenario *scenario,
	const struct sim_mode *mode, struct link *link, size_t max_frames)
{
	*h = (struct sim_host){.scenario = scenario,
		.mode = mode,
		.link = link,
		.max_frames = max_frames,
		.next_tick_ns = PF_ADAPT_TICK_NS,
		.rtt_ns = 2 * scenario->link.delay_ns};
	model_init(&h->model, scenario->hz, mode->rfi);
	h->picture = malloc(SIM_FRAME_MAX);
	h->queue_us = calloc(max_frames, sizeof(*h->queue_us));
	if (!h->picture || !h->queue_us)
		return PF_E_NOMEM;
	uint64_t seed = 66;
	for (size_t i = 0; i < SIM_FRAME_MAX; i += 8)
		pf_put_le64(h->picture + i, sim_rand(&seed));
	int err = make_packetizer(h);
	if (err < 0)
		return err;
	struct pf_adapt_params adapt = {
		.ceiling_kbps = scenario->kbps,
		.refresh_hz = scenario->hz,
		.shard_payload = SIM_SHARD,
		.packet_len = SIM_SHARD + PF_NATIVE_HEADER_LEN + PF_SEAL_OVERHEAD,
		.min_parity = MIN_PARITY,
		.pin_rate = !mode->adaptive,
		.pin_fec = !mode->adaptive,
		.fec_percent = mode->adaptive ? PF_ADAPT_FEC_START : FIXED_FEC,
	};
	pf_adapt_init(&h->adapt, &adapt, 0);
	return shape(h, 0);
}

void host_finish(struct sim_host *h)
{
	pf_packetizer_destroy(h->packetizer);
	pf_aead_destroy(h->aead);
	free(h->queue_us);
	free(h->picture);
}

void host_message(struct sim_host *h, const struct back_msg *m, uint64_t now_ns)
{
	switch (m->kind) {
	case BACK_ACK: /* RFC 9002, 5.3 */
		h->rtt_ns = (7 * h->rtt_ns + (now_ns - m->sent_ns)) / 8;
		break;
	case BACK_LOSS:
		pf_adapt_on_loss(&h->adapt, m->ppm, now_ns);
		break;
	case BACK_DELIVERY:
		pf_adapt_on_delivery(&h->adapt, m->packets, now_ns);
		break;
	case BACK_RFI:
		pf_adapt_on_ask(&h->adapt, now_ns);
		model_lost(&h->model, m->first, m->last);
		break;
	case BACK_KEYFRAME:
		pf_adapt_on_ask(&h->adapt, now_ns);
		model_ask_keyframe(&h->model);
		break;
	}
}

/* What the pacer lets go now. */
static void send_batch(struct sim_host *h, uint64_t now_ns)
{
	const struct pf_packet_batch *b = &h->batch;
	size_t left = b->n_packets - h->batch_at;
	size_t n = pf_pacer_take(&h->pacer, b->packet_len, left, now_ns);
	for (size_t i = 0; i < n; i++)
		link_send(h->link, LINK_VIDEO, b->data + (h->batch_at + i) * b->packet_len,
			b->packet_len, now_ns);
	h->batch_at += n;
	h->packets += n;
	h->bytes += n * (b->packet_len + LINK_FRAMING);
	if (n && h->batch_at == b->n_packets) {
		uint8_t timing[TIMING_LEN] = {0};
		link_send(h->link, LINK_TIMING, timing, sizeof(timing), now_ns);
	}
}

static int send_frame(struct sim_host *h, uint64_t now_ns)
{
	struct model_frame *f = model_encode(&h->model, pf_adapt_kbps(&h->adapt), now_ns);
	struct pf_frame_info info = {
		.pts_ns = now_ns,
		.frame_index = f->index,
		.user_flags = (f->keyframe ? PF_USER_KEYFRAME : 0) |
			(f->anchor ? PF_USER_RECOVERY_ANCHOR : 0),
		.flags = PF_NATIVE_PICTURE,
	};
	pf_put_le32(h->picture, f->index);
	int err = pf_packetizer_set_fec_percent(
		h->packetizer, pf_adapt_frame_fec(&h->adapt, f->anchor));
	if (err < 0)
		return err;
	err = pf_packetizer_build(h->packetizer, &info, h->picture, f->len, &h->batch);
	if (err < 0)
		return err;
	h->batch_at = 0;
	pf_pacer_begin(&h->pacer, h->batch.n_packets * h->batch.packet_len, now_ns);
	if (h->frames < h->max_frames)
		h->queue_us[h->frames] = link_queue_ns(h->link, now_ns) / 1000;
	h->frames++;
	h->sum_kbps += pf_adapt_kbps(&h->adapt);
	h->sum_fec += pf_adapt_fec_percent(&h->adapt);
	send_batch(h, now_ns);
	f->due_ns = now_ns + link_queue_ns(h->link, now_ns) + h->scenario->link.delay_ns;
	return PF_OK;
}

static bool is_sending(const struct sim_host *h)
{
	return h->batch_at < h->batch.n_packets;
}

int host_run(struct sim_host *h, uint64_t now_ns)
{
	int err = PF_OK;
	if (now_ns >= h->next_tick_ns) {
		pf_adapt_tick(&h->adapt, h->packets, h->rtt_ns, now_ns);
		err = shape(h, now_ns);
		h->next_tick_ns += PF_ADAPT_TICK_NS;
	}
	if (is_sending(h))
		send_batch(h, now_ns);
	/* As the host's session does: what the sender has no room for is not encoded. */
	if (err >= 0 && !is_sending(h) && now_ns < h->end_ns &&
		(now_ns >= h->next_frame_ns || now_ns >= model_due_ns(&h->model)))
		err = send_frame(h, now_ns);
	if (now_ns >= h->next_frame_ns)
		h->next_frame_ns += SIM_S / h->scenario->hz;
	if (h->next_frame_ns >= h->end_ns)
		h->next_frame_ns = UINT64_MAX;
	return err;
}

uint64_t host_next_ns(const struct sim_host *h)
{
	uint64_t at = h->next_frame_ns < h->next_tick_ns ? h->next_frame_ns : h->next_tick_ns;
	uint64_t next = h->next_frame_ns == UINT64_MAX ? UINT64_MAX : model_due_ns(&h->model);
	if (is_sending(h))
		next = pf_pacer_deadline(
			&h->pacer, h->batch.packet_len, h->batch.n_packets - h->batch_at);
	return next < at ? next : at;
}
