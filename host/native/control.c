/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/internal.h"

/* Control messages of wire 4.5 and input datagrams of 6.1, from a client whose session exists. */

/*
 * A change of mode holds the loop for as long as the compositor takes, and the encoder starts anew. So one
 * is made at most this often, and never takes more than this share of the time. What comes in between
 * waits; of several only the newest is made and answered, as a window that is being resized wants it.
 */
#define MODE_GAP_NS	200000000ull
#define MODE_GAP_FACTOR 4u

/* Mice report 8,000 times a second at most; a burst is what a stalled network hands over at once. */
#define INPUT_PER_SECOND 16000u
#define INPUT_BURST	 4000u

static void reply(struct native_client *c, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	pf_check(len > 0);
	if (quic_conn_send(c->conn, c->stream, buf, (size_t)len, false) < 0)
		native_end(c, PF_CLOSE_END, "the client does not read its control stream");
}

static void make_mode(struct native_client *c)
{
	const struct pf_mode *mode = &c->wanted_mode;
	struct pf_msg m = {.type = PF_MSG_RECONFIGURED};
	struct pf_mode before = session_mode(c->session);
	uint64_t start_ns = clock_now_ns();
	c->mode_waiting = false;
	int err = session_set_mode(c->session, mode, &m.reconfigured.mode);
	uint64_t took_ns = clock_now_ns() - start_ns;
	uint64_t gap_ns = MODE_GAP_FACTOR * took_ns;
	c->next_mode_ns = start_ns + took_ns + (gap_ns > MODE_GAP_NS ? gap_ns : MODE_GAP_NS);
	m.reconfigured.accepted = err >= 0;
	if (err < 0)
		m.reconfigured.mode = session_mode(c->session);
	log_info("native: %s: mode %ux%u at %u Hz %s (%.1f ms)", c->name, mode->width, mode->height,
		mode->refresh_hz, err < 0 ? "refused" : "made", (double)took_ns / 1e6);
	/* An accepted change begins with a keyframe, also where nothing changed (wire 4.6). */
	if (!memcmp(&before, &m.reconfigured.mode, sizeof(before)) && err >= 0)
		session_request_keyframe(c->session);
	reply(c, &m);
}

static void on_mode_timer(void *userdata)
{
	struct native_client *c = userdata;
	if (!c->session || !c->mode_waiting)
		return;
	make_mode(c);
	native_flush(c->native);
}

static void reconfigure(struct native_client *c, const struct pf_mode *mode)
{
	c->wanted_mode = *mode;
	if (!c->mode_waiting && clock_now_ns() >= c->next_mode_ns) {
		make_mode(c);
		return;
	}
	c->mode_waiting = true;
	loop_set_deadline(c->mode_timer, c->next_mode_ns);
}

int control_open(struct native_client *c)
{
	c->input = (struct input_budget){.refilled_ns = clock_now_ns(), .left = INPUT_BURST};
	return loop_add_timer(c->native->host->loop, &c->mode_timer, on_mode_timer, c);
}

void control_close(struct native_client *c)
{
	if (c->input.n_dropped)
		log_info("native: %s: %llu input events above %u a second were dropped", c->name,
			(unsigned long long)c->input.n_dropped, INPUT_PER_SECOND);
	loop_remove(&c->mode_timer);
}

static void set_bitrate(struct native_client *c, uint32_t kbps)
{
	struct pf_msg m = {.type = PF_MSG_BITRATE_CHANGED};
	/* 0 is the host's choice, here as in Hello. */
	m.bitrate_changed.kbps = session_set_bitrate(
		c->session, kbps ? kbps : c->native->host->config->bitrate);
	reply(c, &m);
}

static void echo_clock(struct native_client *c, uint64_t t1_ns)
{
	struct pf_msg m = {.type = PF_MSG_CLOCK_ECHO};
	m.clock.t1_ns = t1_ns;
	m.clock.t2_ns = clock_realtime_ns();
	m.clock.t3_ns = clock_realtime_ns();
	reply(c, &m);
}

/* A client holds its reports back until its test is answered; nothing sent means that it was declined. */
static void decline_probe(struct native_client *c)
{
	reply(c, &(struct pf_msg){.type = PF_MSG_PROBE_RESULT});
}

int control_payload(struct native_client *c, const uint8_t *payload, size_t len)
{
	struct pf_msg m;
	int err = pf_msg_read(&m, payload, len);
	if (err == PF_E_UNSUPPORTED)
		return PF_OK; /* wire 4.5: unknown types are ignored */
	if (err < 0)
		return err;
	pf_check(c->session); /* native.c lets nothing typed through before Hello */
	switch (m.type) {
	case PF_MSG_RECONFIGURE:
		reconfigure(c, &m.reconfigure);
		break;
	case PF_MSG_REQUEST_KEYFRAME:
		session_request_keyframe(c->session);
		break;
	case PF_MSG_RFI_REQUEST:
		session_invalidate(c->session, m.rfi.first, m.rfi.last);
		break;
	case PF_MSG_SET_BITRATE:
		set_bitrate(c, m.bitrate_kbps);
		break;
	case PF_MSG_PROBE_REQUEST:
		decline_probe(c);
		break;
	case PF_MSG_CLOCK_PROBE:
		echo_clock(c, m.clock.t1_ns);
		break;
	default:
		break; /* reports, and a host's own messages sent back */
	}
	return PF_OK;
}

static bool is_release(const struct pf_input *e)
{
	return e->kind == PF_INPUT_KEY_UP || e->kind == PF_INPUT_BUTTON_UP;
}

/* Each event is a system call toward the compositor: a flood of them would be the host's whole time. */
static bool within_budget(struct native_client *c, const struct pf_input *event)
{
	struct input_budget *b = &c->input;
	uint64_t per_event_ns = 1000000000ull / INPUT_PER_SECOND;
	if (!b->left) {
		uint64_t n = (clock_now_ns() - b->refilled_ns) / per_event_ns;
		b->left = n < INPUT_BURST ? (uint32_t)n : INPUT_BURST;
		b->refilled_ns += n * per_event_ns;
	}
	if (b->left) {
		b->left--;
		return true;
	}
	b->n_dropped++;
	/* The record of what is pressed swallows a release of what is not: it costs next to nothing. */
	return is_release(event);
}

void control_datagram(struct native_client *c, const uint8_t *data, size_t len)
{
	struct pf_input event;
	if (pf_input_read(&event, data, len) == PF_OK && within_budget(c, &event))
		session_input(c->session, &event);
}
