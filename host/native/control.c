/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/control.h"

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/clip.h"
#include "host/native/internal.h"

/* Control messages of wire 4.5, from a client whose session exists: who does what, and how often. */

/*
 * A client sends some ten a second, and one for each step of a window that is being resized. Above this those
 * that need no answer are dropped, and one that would wait for its answer is ended, with words.
 */
#define CONTROL_PER_SECOND 500u
#define CONTROL_BURST	   1000u
#define CONTROL_DROPS_MAX  20000u /* a client that goes on like this is broken, or means harm */

void control_send(struct native_client *c, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN + PF_REASON_MAX]; /* the longest words that a host says */
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	pf_check(len > 0);
	if (quic_conn_send(c->conn, c->stream, buf, (size_t)len, false) < 0)
		native_end(c, PF_CLOSE_END, "the client does not read its control stream");
}

static void want_keyframe(struct native_client *c, const struct pf_msg *m)
{
	(void)m;
	adapt_asked(c);
	session_request_keyframe(c->session);
}

static void invalidate(struct native_client *c, const struct pf_msg *m)
{
	adapt_asked(c);
	session_invalidate(c->session, m->rfi.first, m->rfi.last);
}

static void set_bitrate(struct native_client *c, const struct pf_msg *m)
{
	struct pf_msg answer = {.type = PF_MSG_BITRATE_CHANGED};
	/* 0 is the host's choice, here as in Hello. */
	uint32_t wanted = m->bitrate_kbps ? m->bitrate_kbps : c->native->host->config->bitrate;
	uint32_t most = session_set_bitrate(c->session, wanted);
	uint32_t kbps = adapt_set_ceiling(c, most);
	answer.bitrate_changed.kbps = kbps;
	answer.bitrate_changed.has_reason = c->reads_reason;
	answer.bitrate_changed.reason = kbps < most ? PF_BITRATE_GOVERNOR
		: most != wanted		    ? PF_BITRATE_ENCODER_LIMIT
						    : PF_BITRATE_GRANTED;
	control_send(c, &answer);
}

static void echo_clock(struct native_client *c, const struct pf_msg *m)
{
	struct pf_msg answer = {.type = PF_MSG_CLOCK_ECHO};
	answer.clock.t1_ns = m->clock.t1_ns;
	answer.clock.t2_ns = clock_realtime_ns();
	answer.clock.t3_ns = clock_realtime_ns();
	control_send(c, &answer);
}

enum how {
	ANSWERED,  /* the client waits for the answer */
	DROPPABLE, /* it does not, or says it again */
	UNCOUNTED, /* here: input.c counts it with the datagrams */
};

static const struct {
	enum pf_msg_type type;
	enum how how;
	void (*fn)(struct native_client *c, const struct pf_msg *m);
} table[] = {
	{PF_MSG_RECONFIGURE, ANSWERED, mode_wanted},
	{PF_MSG_REQUEST_KEYFRAME, DROPPABLE, want_keyframe},
	{PF_MSG_RFI_REQUEST, DROPPABLE, invalidate},
	{PF_MSG_LOSS_REPORT, DROPPABLE, loss_reported},
	{PF_MSG_DELIVERY_REPORT, DROPPABLE, delivery_reported},
	{PF_MSG_SET_BITRATE, ANSWERED, set_bitrate},
	{PF_MSG_PROBE_REQUEST, ANSWERED, probe_wanted},
	{PF_MSG_PROBE_SHAPED, ANSWERED, probe_shaped},
	{PF_MSG_SET_DELIVERY, ANSWERED, delivery_wanted},
	{PF_MSG_SHARD_PAYLOAD_ACK, DROPPABLE, shard_acked},
	{PF_MSG_CLOCK_PROBE, ANSWERED, echo_clock},
	{PF_MSG_CLIP_CONTROL, ANSWERED, clip_wanted},
	{PF_MSG_CLIP_OFFER, DROPPABLE, clip_offered},
	{PF_MSG_CURSOR_RENDER, DROPPABLE, cursor_render},
	{PF_MSG_INPUT_EDGE, UNCOUNTED, input_edge},
};

/* False: the message is one too many, and is not looked at. The client may be gone after it. */
static bool within_budget(struct native_client *c, enum how how)
{
	struct control_budget *b = &c->control;
	uint64_t per_message_ns = 1000000000ull / CONTROL_PER_SECOND;
	if (how == UNCOUNTED)
		return true;
	if (!b->left) {
		uint64_t n = (clock_now_ns() - b->refilled_ns) / per_message_ns;
		b->left = n < CONTROL_BURST ? (uint32_t)n : CONTROL_BURST;
		b->refilled_ns += n * per_message_ns;
	}
	if (b->left) {
		b->left--;
		return true;
	}
	if (how == ANSWERED || ++b->n_dropped > CONTROL_DROPS_MAX)
		native_end(c, PF_CLOSE_RATE_LIMITED,
			"the client sends more control messages than this host takes");
	return false;
}

void control_payload(struct native_client *c, const uint8_t *payload, size_t len)
{
	struct pf_msg m;
	pf_check(c->session); /* native.c lets nothing typed through before Hello */
	int err = pf_msg_read(&m, payload, len);
	c->control.n_malformed += err == PF_E_BAD_PACKET;
	for (size_t i = 0; err >= 0 && i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].type == m.type) {
			if (within_budget(c, table[i].how))
				table[i].fn(c, &m);
			return;
		}
	/*
	 * Skipped (wire 4.5): unknown types, reports that nobody reads, a host's own messages, and known ones of
	 * another length, as later versions have made messages longer before.
	 */
	(void)within_budget(c, DROPPABLE);
}

int control_open(struct native_client *c)
{
	c->control = (struct control_budget){.refilled_ns = clock_now_ns(), .left = CONTROL_BURST};
	input_open(c);
	int err = mode_open(c);
	if (err >= 0)
		err = adapt_open(c);
	if (err >= 0)
		err = delivery_open(c);
	if (err >= 0)
		err = clip_open(c);
	return err < 0 ? err : cursor_open(c);
}

void control_close(struct native_client *c)
{
	if (c->control.n_malformed)
		log_info("native: %s: %llu malformed control messages were skipped", c->name,
			(unsigned long long)c->control.n_malformed);
	input_close(c);
	clip_close(c);
	cursor_close(c);
	adapt_close(c);
	loop_remove(&c->mode_timer);
	loop_remove(&c->path_timer);
}
