/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "connector/internal.h"

/*
 * A speed test: the host sends filler on the data plane and says what it sent; both are compared. Filler
 * that nobody asked for is counted and thrown away.
 */

#define LATE_NS 200000000ull /* filler that is still under way when the host says that it is done */

void speed_take(struct punktfunk_connection *c, size_t len, uint64_t now_ns)
{
	atomic_fetch_add_explicit(&c->probe_packets, 1, memory_order_relaxed);
	pthread_mutex_lock(&c->state_lock);
	struct speed *s = &c->speed;
	if (s->step == SPEED_RUNNING || s->step == SPEED_RESULT) {
		if (!s->packets++) {
			s->first_ns = now_ns;
			s->first_bytes = len;
		}
		s->bytes += len;
		s->last_ns = now_ns;
	}
	pthread_mutex_unlock(&c->state_lock);
}

static uint32_t cap_u32(uint64_t v)
{
	return v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
}

static void finish(struct speed *s)
{
	struct punktfunk_probe_result *r = &s->result;
	uint64_t span_ns = s->last_ns - s->first_ns;
	s->step = SPEED_DONE;
	r->received_packets = cap_u32(s->packets);
	r->received_bytes = s->bytes;
	/* What came with the first packet took its time before the clock began to run. */
	if (span_ns >= 1000000)
		r->received_kbps = cap_u32(
			(s->bytes - s->first_bytes) * 8 * 1000 / (span_ns / 1000));
	if (r->sent_packets && r->received_packets < r->sent_packets)
		r->loss_ppm = (uint32_t)((uint64_t)(r->sent_packets - r->received_packets) *
			1000000 / r->sent_packets);
}

void speed_result(struct punktfunk_connection *c, const struct pf_msg *m)
{
	struct speed *s = &c->speed;
	bool declined = !m->probe_result.packets && !m->probe_result.bytes &&
		!m->probe_result.duration_ms;
	bool told = false;
	pthread_mutex_lock(&c->state_lock);
	if (s->step == SPEED_RUNNING) {
		s->result = (struct punktfunk_probe_result){
			.declined = declined,
			/* `packets` are frames of filler; older hosts do not count what they made of them. */
			.sent_packets = m->probe_result.has_wire ? m->probe_result.wire_packets : 0,
			.sent_bytes = m->probe_result.bytes,
			.duration_ms = m->probe_result.duration_ms,
			.send_dropped = m->probe_result.has_wire ? m->probe_result.dropped : 0,
		};
		s->step = declined ? SPEED_DONE : SPEED_RESULT;
		s->ends_ns = session_now_ns() + LATE_NS;
		told = declined;
	}
	pthread_mutex_unlock(&c->state_lock);
	if (told)
		side_event(c, PUNKTFUNK_EVENT_SPEED_TEST, 0, 0, 0, NULL, 0);
}

void speed_tick(struct punktfunk_connection *c, uint64_t now_ns)
{
	struct speed *s = &c->speed;
	bool done = false, good = false;
	pthread_mutex_lock(&c->state_lock);
	if ((s->step == SPEED_RUNNING || s->step == SPEED_RESULT) && now_ns >= s->ends_ns) {
		done = true;
		good = s->step == SPEED_RESULT;
		/* A host that never says what it sent has declined, whatever came. */
		if (good) {
			finish(s);
		} else {
			s->step = SPEED_DONE;
			s->result = (struct punktfunk_probe_result){.declined = 1};
		}
	}
	pthread_mutex_unlock(&c->state_lock);
	if (done)
		side_event(c, PUNKTFUNK_EVENT_SPEED_TEST, good, 0, 0, NULL, 0);
}

int punktfunk_connection_probe_result(
	const struct punktfunk_connection *c, struct punktfunk_probe_result *out)
{
	if (!c || !out)
		return PF_E_NULL;
	if (out->size < sizeof(out->size))
		return PF_E_INVALID;
	pthread_mutex_lock(&unconst(c)->state_lock);
	int err = c->speed.step == SPEED_DONE ? PF_OK : PF_E_NO_FRAME;
	struct punktfunk_probe_result full = c->speed.result;
	pthread_mutex_unlock(&unconst(c)->state_lock);
	full.size = out->size;
	if (err == PF_OK)
		memcpy(out, &full, out->size < sizeof(full) ? out->size : sizeof(full));
	return err;
}
