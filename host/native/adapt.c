/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/adapt.h"

#include "core/packet/native.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/control.h"
#include "host/native/internal.h"

/* The governor of one client's stream (core/flow/adapt.h): fed from its reports, obeyed by encoder and sender. */

/* The encoder is told of steps of at least this share: each makes it plan anew. */
#define STEP_PERCENT 3u
/* A client is told of such, and at most this often: it is news, and no control loop of its own. */
#define TELL_PERCENT 10u
#define TELL_NS	     1000000000ull

static bool differs(uint32_t a, uint32_t b, uint32_t percent)
{
	uint32_t gap = a > b ? a - b : b - a;
	return (uint64_t)gap * 100 >= (uint64_t)b * percent && gap;
}

uint32_t adapt_first_fec(const struct config *config)
{
	if (config->fec_percent == CONFIG_FEC_AS_NEEDED)
		return PF_ADAPT_FEC_START;
	return config->fec_percent < CONFIG_FEC_MOST ? config->fec_percent : CONFIG_FEC_MOST;
}

static size_t packet_len(size_t shard)
{
	return shard + PF_NATIVE_HEADER_LEN + PF_SEAL_OVERHEAD;
}

static void tell(struct native_client *c, uint64_t now_ns)
{
	uint32_t kbps = c->governor.set_kbps;
	bool whole = kbps == c->governor.adapt.p.ceiling_kbps && kbps != c->governor.told_kbps;
	/* One that does not read the reason would take it for an answer. */
	if (!c->reads_reason || now_ns < c->governor.tell_at_ns ||
		(!whole && !differs(kbps, c->governor.told_kbps, TELL_PERCENT)))
		return;
	struct pf_msg m = {.type = PF_MSG_BITRATE_CHANGED};
	m.bitrate_changed.kbps = kbps;
	m.bitrate_changed.has_reason = true;
	m.bitrate_changed.reason = whole ? PF_BITRATE_GRANTED : PF_BITRATE_GOVERNOR;
	control_send(c, &m);
	c->governor.told_kbps = kbps;
	c->governor.tell_at_ns = now_ns + TELL_NS;
}

static void obey(struct native_client *c, uint64_t now_ns)
{
	struct governor *g = &c->governor;
	struct pf_adapt_pace pace = pf_adapt_get_pace(&g->adapt, now_ns);
	struct send_wishes *w = &c->data.wishes;
	uint32_t kbps = pf_adapt_kbps(&g->adapt);
	send_set_fec(c, pf_adapt_frame_fec(&g->adapt, false));
	atomic_store(&w->heal_percent, pf_adapt_frame_fec(&g->adapt, true));
	atomic_store(&w->pace, (uint64_t)pace.kbps << 1 | pace.narrow);
	bool whole = kbps == g->adapt.p.ceiling_kbps && kbps != g->set_kbps;
	if (!whole && !differs(kbps, g->set_kbps, STEP_PERCENT))
		return;
	g->set_kbps = session_set_bitrate(c->session, kbps);
}

static void on_adapt_timer(void *userdata)
{
	struct native_client *c = userdata;
	struct session_stats stats;
	uint64_t now_ns = clock_now_ns();
	if (c->state != CLIENT_STREAM || !c->session)
		return;
	size_t shard = atomic_load(&c->data.wishes.shard_payload);
	session_get_stats(c->session, &stats);
	pf_adapt_set_mode(&c->governor.adapt, atomic_load(&c->data.wishes.refresh_hz), shard,
		packet_len(shard));
	pf_adapt_tick(&c->governor.adapt, stats.packets_sent, quic_conn_rtt_ns(c->conn), now_ns);
	c->governor.n_ticks++;
	obey(c, now_ns);
	tell(c, now_ns);
	loop_set_deadline(c->governor.timer, now_ns + PF_ADAPT_TICK_NS);
	native_flush(c->native);
}

int adapt_open(struct native_client *c)
{
	return loop_add_timer(c->native->host->loop, &c->governor.timer, on_adapt_timer, c);
}

void adapt_close(struct native_client *c)
{
	const struct pf_adapt *a = &c->governor.adapt;
	if (c->governor.n_ticks)
		log_info("native: %s: the link took %u of %u kbit/s at the end, with %u %% of "
			 "repair data",
			c->name, pf_adapt_kbps(a), a->p.ceiling_kbps, pf_adapt_fec_percent(a));
	loop_remove(&c->governor.timer);
}

void adapt_begin(struct native_client *c, uint32_t kbps)
{
	const struct config *config = c->native->host->config;
	struct governor *g = &c->governor;
	struct pf_adapt_params params = {
		.ceiling_kbps = kbps,
		.refresh_hz = atomic_load(&c->data.wishes.refresh_hz),
		.shard_payload = c->data.shard_payload,
		.packet_len = packet_len(c->data.shard_payload),
		.min_parity = FEC_MIN_PARITY,
		.pin_rate = config->fixed_bitrate,
		.pin_fec = config->fec_percent != CONFIG_FEC_AS_NEEDED,
		.fec_percent = adapt_first_fec(config),
	};
	pf_adapt_init(&g->adapt, &params, clock_now_ns());
	g->set_kbps = g->told_kbps = kbps;
}

void adapt_stream(struct native_client *c)
{
	/* Before the first picture: the round trip of a way on which nothing waits yet. */
	on_adapt_timer(c);
}

uint32_t adapt_set_ceiling(struct native_client *c, uint32_t kbps)
{
	struct governor *g = &c->governor;
	pf_adapt_set_ceiling(&g->adapt, kbps);
	g->set_kbps = g->told_kbps = session_set_bitrate(c->session, pf_adapt_kbps(&g->adapt));
	return g->set_kbps;
}

void adapt_asked(struct native_client *c)
{
	pf_adapt_on_ask(&c->governor.adapt, clock_now_ns());
}

void loss_reported(struct native_client *c, const struct pf_msg *m)
{
	pf_adapt_on_loss(&c->governor.adapt, m->loss_ppm, clock_now_ns());
}

void delivery_reported(struct native_client *c, const struct pf_msg *m)
{
	pf_adapt_on_delivery(&c->governor.adapt, m->delivered_packets, clock_now_ns());
}
