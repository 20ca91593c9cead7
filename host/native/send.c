/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/send.h"

#include "core/packet/native.h"
#include "core/wire/control.h"
#include "host/base/log.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/internal.h"
#include "host/session/paced.h"

/* Smooth: what leaves at once of a frame; the rest is spread over the time that a frame may take. */
#define SMOOTH_BURST (4u * 1500u)
#define SMOOTH_BPS   1000000u /* no frame is sent as slowly: the spread raises it */

/* A frame may take half of its time at most: the other half is the network's and the decoder's. */
static int make_pacer(struct native_client *c)
{
	struct native_data *d = &c->data;
	const struct config *config = c->native->host->config;
	d->refresh_hz = atomic_load(&d->wishes.refresh_hz);
	d->delivery = atomic_load(&d->wishes.delivery);
	d->pace = atomic_load(&d->wishes.pace);
	struct pf_adapt_pace pace = {(uint32_t)(d->pace >> 1), d->pace & 1};
	struct pf_pacer_params params = {
		.rate_bps = config->pace_mbps * 1000000ull,
		.burst_bytes = (size_t)config->pace_burst << 10,
		.max_spread_ns = 500000000ull / (d->refresh_hz ? d->refresh_hz : 1),
	};
	if (d->delivery == PF_DELIVERY_BURST)
		params.rate_bps = 0;
	if (d->delivery == PF_DELIVERY_SMOOTH) {
		params.rate_bps = SMOOTH_BPS;
		params.burst_bytes = SMOOTH_BURST;
	}
	if (d->delivery == PF_DELIVERY_CAPPED)
		pf_adapt_shape(&params, &pace, d->refresh_hz);
	return pf_pacer_set(&d->pacer, &params, clock_now_ns());
}

int send_open(struct native_client *c, uint32_t refresh_hz)
{
	struct send_wishes *w = &c->data.wishes;
	atomic_store(&w->shard_payload, (uint32_t)c->data.shard_payload);
	atomic_store(&w->fec_percent, c->data.params.fec_percent);
	atomic_store(&w->heal_percent, c->data.params.fec_percent);
	atomic_store(&w->pace, 0);
	atomic_store(&w->delivery, PF_DELIVERY_CAPPED);
	atomic_store(&w->refresh_hz, refresh_hz);
	probe_open(c);
	return make_pacer(c);
}

void send_set_fec(struct native_client *c, uint32_t percent)
{
	atomic_store(&c->data.wishes.fec_percent, percent);
}

/* At a frame's border: the packets before have the old size, those after it the new one, under one key. */
static void change_shard(struct native_data *d, size_t shard)
{
	struct pf_packetizer *next;
	struct pf_sealer seal;
	d->params.shard_payload =
		shard; /* also when it fails: it is not tried again for every frame */
	struct pf_packetizer_params params = d->params;
	params.first_stream_seq = pf_packetizer_resume(d->packetizer, &seal);
	params.seal = &seal;
	if (pf_packetizer_create(&next, &params) < 0) {
		log_warn("native: shards of %zu bytes could not be made; they stay as they are",
			shard);
		return;
	}
	pf_packetizer_destroy(d->packetizer);
	d->packetizer = next;
}

static void grant_wishes(struct native_client *c, bool heals)
{
	struct native_data *d = &c->data;
	uint32_t shard = atomic_load(&d->wishes.shard_payload);
	uint32_t fec = atomic_load(heals ? &d->wishes.heal_percent : &d->wishes.fec_percent);
	if (shard != d->params.shard_payload)
		change_shard(d, shard);
	if (fec != d->params.fec_percent &&
		pf_packetizer_set_fec_percent(d->packetizer, fec) == PF_OK)
		d->params.fec_percent = fec;
	if (d->delivery != atomic_load(&d->wishes.delivery) ||
		d->pace != atomic_load(&d->wishes.pace) ||
		d->refresh_hz != atomic_load(&d->wishes.refresh_hz))
		pf_check(make_pacer(c) == PF_OK); /* the settings were good at the start */
}

static void note_gap(struct native_client *c)
{
	struct native_data *d = &c->data;
	uint64_t now_ns = clock_now_ns(), gap_ns = now_ns - d->last_frame_ns;
	bool gap = d->last_frame_ns && gap_ns > SEND_GAP_NS;
	d->last_frame_ns = now_ns;
	if (gap)
		news_tell(c,
			&(struct news){.kind = NEWS_GAP, .gap_ms = (uint32_t)(gap_ns / 1000000u)});
}

static uint32_t us_between(uint64_t from_ns, uint64_t to_ns)
{
	return to_ns > from_ns ? (uint32_t)((to_ns - from_ns) / 1000u) : 0;
}

static void note_timing(struct native_client *c, const struct unit *u)
{
	uint64_t now_ns = clock_now_ns();
	struct news news = {.kind = NEWS_TIMING};
	if (!(c->hello.video_caps & PF_VCAP_HOST_TIMING))
		return;
	news.timing.pts_ns = u->pts_ns;
	news.timing.host_us = us_between(u->times.captured_ns, now_ns);
	news.timing.queue_us = us_between(u->times.captured_ns, u->convert_start_ns);
	news.timing.encode_us = us_between(u->convert_start_ns, u->encode_end_ns);
	news.timing.pace_us = us_between(u->encode_end_ns, now_ns);
	news_tell(c, &news);
}

int send_at_once(struct native_data *d, const struct pf_packet_batch *b)
{
	if (d->loss.percent)
		return paced_send_lossy(&d->loss, &d->socket, NULL, 0, b);
	return udp_send_batch(
		&d->socket, NULL, 0, b->data, b->packet_len, b->n_packets, PACED_WAIT_MS);
}

int data_video(struct unit *unit, uint32_t frame_index, void *userdata)
{
	struct native_client *c = userdata;
	struct native_data *d = &c->data;
	struct pf_packet_batch batch;
	struct pf_frame_info info = {
		.pts_ns = unit->pts_ns,
		.frame_index = frame_index,
		.user_flags = (unit->keyframe ? PF_USER_KEYFRAME : 0) |
			(unit->anchor ? PF_USER_RECOVERY_ANCHOR : 0) |
			(unit->repeated ? PF_USER_REPEATED : 0),
		.flags = PF_NATIVE_PICTURE,
	};
	grant_wishes(c, unit->anchor);
	note_gap(c);
	int err = pf_packetizer_build(d->packetizer, &info, unit->data, unit->len, &batch);
	if (err < 0)
		return err;
	int n = d->loss.percent ? paced_send_lossy(&d->loss, &d->socket, NULL, 0, &batch)
				: paced_send(&d->pacer, &d->socket, NULL, 0, &batch);
	note_timing(c, unit);
	return n;
}
