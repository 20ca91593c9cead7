/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/config/config.h"
#include "host/gamestream/streams.h"
#include "host/media/clock.h"
#include "host/media/unit.h"

/* A stream's pictures: session's units -> GameStream's packets -> the address that its client pings from. */

#define FEC_MOST 90u  /* as for native clients: blocks have no room for more */
#define DSCP_CS5 0xA0 /* shifted into the traffic class */
#define TENTH_MS 100000ull

static int make_pacer(struct gs_video *v)
{
	v->pace_set = atomic_load(&v->pace);
	struct pf_adapt_pace pace = {(uint32_t)(v->pace_set >> 1), v->pace_set & 1};
	/* A frame may take half of its time at most: the other half is the network's and the decoder's. */
	struct pf_pacer_params params = {
		.rate_bps = v->config->pace_mbps * 1000000ull,
		.burst_bytes = (size_t)v->config->pace_burst << 10,
		.max_spread_ns = 500000000ull / v->refresh_hz,
	};
	pf_adapt_shape(&params, &pace, v->refresh_hz);
	return pf_pacer_set(&v->pacer, &params, clock_now_ns());
}

int gs_video_open(struct gs_stream *s, const uint8_t *aead_key)
{
	struct gs_video *v = &s->video;
	v->config = s->all->g->config;
	v->session = s->session;
	v->refresh_hz = session_mode(s->session).refresh_hz;
	if (!v->refresh_hz)
		v->refresh_hz = 60;
	v->loss = (struct paced_loss){.percent = v->config->drop_percent};
	v->running = false;
	v->next_index = 1;
	atomic_store(&v->run, 0);
	atomic_store(&v->frames, 0);
	atomic_store(&v->unsent, 0);
	atomic_store(&v->latency_sum, 0);
	atomic_store(&v->latency_max, 0);
	atomic_store(&v->pace, 0);
	v->fec_set = atomic_load(&v->fec_percent);
	int err = udp_share(&v->socket, &s->all->video);
	if (err < 0)
		return err;
	v->socket.tos = s->config.video_qos ? DSCP_CS5 : 0;
	if (aead_key)
		err = pf_aead_create(&v->aead, PF_CIPHER_AES_128_GCM, aead_key, LAUNCH_KEY_LEN);
	if (err < 0)
		return err;
	struct pf_nvvideo_params params = {
		.packet_size = s->config.packet_size,
		.fec_percent = v->fec_set,
		.min_parity = s->config.min_parity,
		.max_frame_bytes = pf_nvvideo_max_frame(s->config.packet_size),
		.aead = v->aead,
	};
	err = pf_nvvideo_create(&v->packetizer, &params);
	return err < 0 ? err : make_pacer(v);
}

void gs_video_close(struct gs_stream *s)
{
	struct gs_video *v = &s->video;
	pf_nvvideo_destroy(v->packetizer);
	v->packetizer = NULL;
	pf_aead_destroy(v->aead);
	v->aead = NULL;
	if (v->socket.fd >= 0)
		udp_close(&v->socket);
	v->socket.fd = -1;
	v->session = NULL;
}

static void grant_wishes(struct gs_video *v, bool heals)
{
	uint32_t fec = atomic_load(heals ? &v->heal_percent : &v->fec_percent);
	if (fec != v->fec_set && pf_nvvideo_set_fec_percent(v->packetizer, fec) == PF_OK)
		v->fec_set = fec;
	if (v->pace_set != atomic_load(&v->pace))
		pf_check(make_pacer(v) == PF_OK); /* the settings were good at the start */
}

static uint16_t latency_of(struct gs_video *v, const struct unit *unit)
{
	uint64_t now_ns = clock_now_ns();
	uint64_t tenths = now_ns > unit->times.captured_ns
		? (now_ns - unit->times.captured_ns) / TENTH_MS
		: 0;
	atomic_fetch_add(&v->latency_sum, tenths);
	if (tenths > atomic_load(&v->latency_max))
		atomic_store(&v->latency_max, tenths);
	if (!tenths)
		return 1; /* 0 would say that it is not known */
	return tenths > UINT16_MAX ? UINT16_MAX : (uint16_t)tenths;
}

/* What is not sent takes no index, and pictures that refer to it are worth nothing. */
static int leave_out(struct gs_video *v)
{
	if (v->running)
		session_request_keyframe(v->session);
	v->running = false;
	atomic_fetch_add(&v->unsent, 1);
	return 0;
}

static uint8_t type_of(const struct unit *unit)
{
	if (unit->keyframe)
		return PF_NVVIDEO_IDR;
	return unit->anchor ? PF_NVVIDEO_INVALIDATED : PF_NVVIDEO_P;
}

int gs_video_send(struct unit *unit, uint32_t frame_index, void *userdata)
{
	struct gs_stream *s = userdata;
	struct gs_video *v = &s->video;
	union udp_addr to;
	socklen_t to_len;
	struct pf_packet_batch batch;
	if (!gs_target_get(&v->target, &to, &to_len) || (!v->running && !unit->keyframe))
		return leave_out(v);
	grant_wishes(v, unit->anchor);
	struct pf_nvvideo_frame frame = {
		.pts_ns = unit->pts_ns,
		.frame_index = v->next_index,
		.type = type_of(unit),
		.latency = latency_of(v, unit),
	};
	int err = pf_nvvideo_build(v->packetizer, &frame, unit->data, unit->len, &batch);
	if (err < 0) {
		v->running = true; /* so that it asks for another */
		leave_out(v);
		return err;
	}
	if (!v->running)
		atomic_store(&v->run, (uint64_t)frame_index << 32 | v->next_index);
	v->running = true;
	v->next_index++;
	atomic_fetch_add(&v->frames, 1);
	err = v->loss.percent ? paced_send_lossy(&v->loss, &v->socket, &to, to_len, &batch)
			      : paced_send(&v->pacer, &v->socket, &to, to_len, &batch);
	/* Nobody listens there at the moment; its next ping says where, or it is gone. */
	return err == PF_E_CLOSED ? 0 : err;
}

void gs_video_invalidate(struct gs_stream *s, uint32_t first, uint32_t last)
{
	uint64_t run = atomic_load(&s->video.run);
	uint32_t index = (uint32_t)(run >> 32), began = (uint32_t)run;
	if (!run || last < began)
		return; /* the keyframe since then heals it */
	if (first < began)
		first = began;
	session_invalidate(s->session, index + (first - began), index + (last - began));
}
