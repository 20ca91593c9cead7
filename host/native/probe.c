/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/packet/native.h"
#include "host/base/log.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/control.h"
#include "host/native/internal.h"
#include "host/native/send.h"

/*
 * Speed tests (wire 4.5, 0x20 to 0x22): filler beside the video, on the same socket, under the same key, at the
 * rate that the client asked for. It goes where the video goes, and only while a client takes that.
 */

#define UNIT_MIN     1200u /* below this headers would be what is measured */
#define UNITS_PER_S  100u  /* at low rates smaller units, so that they do not come in clumps */
#define MAX_BURST_HZ 1000u

static const uint8_t filler[PROBE_UNIT_MAX];

void probe_open(struct native_client *c)
{
	c->data.probe.budget_ms = PROBE_BUDGET_MS;
	c->data.probe.budget_at_ns = clock_now_ns();
}

/* --- the loop --- */

/* Zeros say that it was declined. */
static void decline(struct native_client *c)
{
	control_send(c, &(struct pf_msg){.type = PF_MSG_PROBE_RESULT});
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static uint32_t budget_left_ms(struct probe *p)
{
	uint64_t now_ns = clock_now_ns(), back_ms = (now_ns - p->budget_at_ns) / 3000000u;
	p->budget_at_ns += back_ms * 3000000u;
	p->budget_ms = back_ms < PROBE_BUDGET_MS - p->budget_ms ? p->budget_ms + (uint32_t)back_ms
								: PROBE_BUDGET_MS;
	return p->budget_ms;
}

static void start(struct native_client *c, const struct pf_msg *m)
{
	struct probe *p = &c->data.probe;
	uint32_t most = PROBE_RATE_FACTOR * c->native->host->config->max_bitrate;
	uint32_t ms = least(m->probe_shaped.duration_ms, PROBE_MAX_MS);
	ms = least(ms, budget_left_ms(p));
	/* One without numbers of its own would leave a hole in the video's: the client would ask for frames. */
	if (c->state != CLIENT_STREAM || atomic_load(&p->state) != PROBE_IDLE || !ms ||
		!m->probe_shaped.kbps || !(c->hello.video_caps & PF_VCAP_PROBE_SEQ)) {
		decline(c);
		return;
	}
	p->budget_ms -= ms;
	p->duration_ms = ms;
	p->bytes_per_s = least(m->probe_shaped.kbps, most) * 125ull;
	p->burst_hz = least(m->probe_shaped.burst_hz, MAX_BURST_HZ);
	p->group_bytes = p->burst_hz ? p->bytes_per_s / p->burst_hz : 0;
	if (m->probe_shaped.group_bytes && m->probe_shaped.group_bytes < p->group_bytes)
		p->group_bytes = m->probe_shaped.group_bytes;
	p->group_bytes_per_s = least(m->probe_shaped.group_kbps, most) * 125ull;
	uint64_t unit = p->bytes_per_s / UNITS_PER_S;
	p->unit_bytes = unit > PROBE_UNIT_MAX ? PROBE_UNIT_MAX : unit < UNIT_MIN ? UNIT_MIN : unit;
	p->start_ns = 0;
	log_debug("native: %s: a speed test of %llu kbit/s for %u ms", c->name,
		(unsigned long long)p->bytes_per_s / 125u, ms);
	atomic_store(&p->state, PROBE_RUNNING);
	session_wake_sender(c->session);
}

void probe_shaped(struct native_client *c, const struct pf_msg *m)
{
	start(c, m);
}

void probe_wanted(struct native_client *c, const struct pf_msg *m)
{
	struct pf_msg plain = {.type = PF_MSG_PROBE_SHAPED};
	plain.probe_shaped.kbps = m->probe_request.kbps;
	plain.probe_shaped.duration_ms = m->probe_request.duration_ms;
	start(c, &plain);
}

void probe_report(struct native_client *c)
{
	struct probe *p = &c->data.probe;
	struct pf_msg m = {.type = PF_MSG_PROBE_RESULT};
	if (atomic_load(&p->state) != PROBE_DONE)
		return;
	m.probe_result.bytes = p->bytes;
	m.probe_result.packets = p->units;
	m.probe_result.duration_ms = p->took_ms;
	m.probe_result.has_wire = true;
	m.probe_result.wire_packets = p->wire_packets;
	m.probe_result.dropped = p->dropped;
	atomic_store(&p->state, PROBE_IDLE);
	control_send(c, &m);
}

/* --- the send thread --- */

static void begin(struct probe *p, uint64_t now_ns)
{
	p->start_ns = now_ns;
	p->bytes = 0;
	p->units = p->wire_packets = p->dropped = p->took_ms = 0;
}

/* What is to be out by a time, and when that is more again. */
struct due {
	uint64_t bytes, next_ns; /* next_ns: since the start */
	bool whole;		 /* the group's end: also the part of a unit goes */
};

static struct due due_plain(const struct probe *p, uint64_t elapsed_ns)
{
	return (struct due){
		.bytes = elapsed_ns / 1000u * p->bytes_per_s / 1000000u,
		.next_ns = (p->bytes + p->unit_bytes) * 1000000u / p->bytes_per_s * 1000u + 1000u,
	};
}

static struct due due_shaped(const struct probe *p, uint64_t elapsed_ns)
{
	uint64_t every_ns = 1000000000ull / p->burst_hz;
	uint64_t group = elapsed_ns / every_ns, inside_ns = elapsed_ns % every_ns;
	uint64_t part = p->group_bytes_per_s ? inside_ns / 1000u * p->group_bytes_per_s / 1000000u
					     : p->group_bytes;
	struct due d = {.next_ns = (group + 1) * every_ns};
	d.whole = part >= p->group_bytes;
	d.bytes = group * p->group_bytes + (d.whole ? p->group_bytes : part);
	if (!d.whole)
		d.next_ns = elapsed_ns + p->unit_bytes * 1000000000ull / p->group_bytes_per_s +
			1000u;
	return d;
}

static int send_unit(struct native_client *c, size_t len)
{
	struct probe *p = &c->data.probe;
	struct pf_packet_batch batch;
	struct pf_frame_info info = {
		.pts_ns = clock_realtime_ns(),
		.frame_index = p->next_index++,
		.flags = PF_NATIVE_PROBE,
	};
	int n = pf_packetizer_build(c->data.packetizer, &info, filler, len, &batch);
	if (n >= 0)
		n = send_at_once(&c->data, &batch);
	if (n < 0)
		return n;
	p->bytes += len;
	p->units++;
	p->wire_packets += (uint32_t)n;
	p->dropped += (uint32_t)batch.n_packets - (uint32_t)n;
	return PF_OK;
}

static uint64_t end(struct native_client *c, uint64_t now_ns)
{
	struct probe *p = &c->data.probe;
	p->took_ms = (uint32_t)((now_ns - p->start_ns) / 1000000u);
	atomic_store(&p->state, PROBE_DONE);
	news_tell(c, &(struct news){.kind = NEWS_PROBE});
	return UINT64_MAX;
}

/* One unit at most, so that a frame that is ready never waits for more than that. */
uint64_t probe_between(void *userdata)
{
	struct native_client *c = userdata;
	struct probe *p = &c->data.probe;
	uint64_t now_ns = clock_now_ns();
	if (atomic_load(&p->state) != PROBE_RUNNING)
		return UINT64_MAX;
	if (!p->start_ns)
		begin(p, now_ns);
	uint64_t elapsed_ns = now_ns - p->start_ns;
	if (elapsed_ns >= p->duration_ms * 1000000ull)
		return end(c, now_ns);
	struct due due = p->burst_hz ? due_shaped(p, elapsed_ns) : due_plain(p, elapsed_ns);
	uint64_t owed = due.bytes > p->bytes ? due.bytes - p->bytes : 0;
	if (!owed || (owed < p->unit_bytes && !due.whole))
		return p->start_ns + due.next_ns;
	if (send_unit(c, owed < p->unit_bytes ? (size_t)owed : p->unit_bytes) < 0)
		return end(c, now_ns);
	return now_ns;
}
