/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/config/config.h"
#include "host/encode/encoder.h"
#include "host/gamestream/streams.h"
#include "host/media/clock.h"

/*
 * The governor (core/flow/adapt.h) of a GameStream client. It learns less of these: what is missing of frames, and
 * only of those that something is missing of, the control connection's round trip, and what is past repair.
 */

#define STEP_PERCENT  3u /* the encoder is told of steps of at least this share */
#define REPORT_NS     500000000ull
#define STARTING_NS   1000000000ull
#define OVERHEAD_KBPS 500u /* of control and of audio's parity, at most */

static uint32_t first_fec(const struct config *config)
{
	uint32_t fec = config->fec_percent == CONFIG_FEC_AS_NEEDED ? PF_ADAPT_FEC_START
								   : config->fec_percent;
	if (!fec)
		return 1; /* none would be none in each block, whatever the client's minimum */
	return fec < CONFIG_FEC_MOST ? fec : CONFIG_FEC_MOST;
}

static uint32_t audio_kbps(const struct pf_nv_stream_config *c)
{
	if (c->channels == 2)
		return c->high_quality ? 512 : 96;
	if (c->channels == 6)
		return c->high_quality ? 1536 : 256;
	return c->high_quality ? 2048 : 450;
}

uint32_t gs_govern_video_kbps(const struct config *config, const struct pf_nv_stream_config *c)
{
	uint64_t kbps = c->bitrate_kbps;
	if (c->configured_kbps) {
		uint64_t rest = audio_kbps(c) * 3u / 2;
		rest += c->configured_kbps / 20 < OVERHEAD_KBPS ? c->configured_kbps / 20
								: OVERHEAD_KBPS;
		kbps = c->configured_kbps > rest ? c->configured_kbps - rest : 0;
		kbps = kbps * 100 / (100 + first_fec(config));
	}
	if (kbps < ENCODER_MIN_KBPS)
		return ENCODER_MIN_KBPS;
	return kbps > config->max_bitrate ? config->max_bitrate : (uint32_t)kbps;
}

static size_t packet_len(const struct gs_stream *s)
{
	return s->config.packet_size + PF_NVVIDEO_RTP_LEN +
		(s->config.encryption & PF_NV_ENCRYPT_VIDEO ? PF_NVVIDEO_SEAL_LEN : 0);
}

static void obey(struct gs_stream *s, uint64_t now_ns)
{
	struct gs_governor *g = &s->governor;
	struct pf_adapt_pace pace = pf_adapt_get_pace(&g->adapt, now_ns);
	uint32_t kbps = pf_adapt_kbps(&g->adapt);
	atomic_store(&s->video.fec_percent, pf_adapt_frame_fec(&g->adapt, false));
	atomic_store(&s->video.heal_percent, pf_adapt_frame_fec(&g->adapt, true));
	atomic_store(&s->video.pace, (uint64_t)pace.kbps << 1 | pace.narrow);
	uint32_t gap = kbps > g->set_kbps ? kbps - g->set_kbps : g->set_kbps - kbps;
	bool whole = kbps == g->adapt.p.ceiling_kbps && gap;
	if (whole || (uint64_t)gap * 100 > (uint64_t)g->set_kbps * STEP_PERCENT)
		g->set_kbps = session_set_bitrate(s->session, kbps);
}

void gs_govern_begin(struct gs_stream *s)
{
	const struct config *config = s->all->g->config;
	struct gs_governor *g = &s->governor;
	uint64_t now_ns = clock_now_ns();
	uint32_t kbps = gs_govern_video_kbps(config, &s->config);
	struct pf_adapt_params params = {
		.ceiling_kbps = kbps,
		.refresh_hz = session_mode(s->session).refresh_hz,
		.shard_payload = s->config.packet_size - PF_NVVIDEO_HEADER_LEN,
		.packet_len = packet_len(s),
		.min_parity = s->config.min_parity,
		.pin_rate = config->fixed_bitrate,
		.pin_fec = config->fec_percent != CONFIG_FEC_AS_NEEDED,
		.fec_percent = first_fec(config),
	};
	pf_adapt_init(&g->adapt, &params, now_ns);
	g->set_kbps = kbps;
	g->asked_from_ns = now_ns + STARTING_NS;
	g->report_at_ns = now_ns + REPORT_NS;
	g->missing = g->sent_then = 0;
	g->reports = s->config.client_features & PF_NV_CLIENT_FEC_STATUS;
	obey(s, now_ns);
}

static void report(struct gs_governor *g, uint64_t sent, uint64_t now_ns)
{
	if (now_ns < g->report_at_ns)
		return;
	g->report_at_ns = now_ns + REPORT_NS;
	uint64_t packets = sent - g->sent_then;
	if (g->reports && packets) {
		uint64_t missing = g->missing < packets ? g->missing : packets;
		pf_adapt_on_loss(&g->adapt, (uint32_t)(missing * 1000000u / packets), now_ns);
	}
	g->missing = 0;
	g->sent_then = sent;
}

void gs_govern_tick(struct gs_stream *s, uint64_t rtt_ns)
{
	struct session_stats stats;
	uint64_t now_ns = clock_now_ns();
	session_get_stats(s->session, &stats);
	report(&s->governor, stats.packets_sent, now_ns);
	pf_adapt_tick(&s->governor.adapt, stats.packets_sent, rtt_ns, now_ns);
	obey(s, now_ns);
}

void gs_govern_status(struct gs_stream *s, const struct pf_nv_fec_status *status)
{
	s->governor.missing += status->missing;
}

void gs_govern_asked(struct gs_stream *s)
{
	uint64_t now_ns = clock_now_ns();
	if (now_ns >= s->governor.asked_from_ns)
		pf_adapt_on_ask(&s->governor.adapt, now_ns);
}
