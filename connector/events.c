/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>

#include "connector/internal.h"
#include "core/wire/text.h"

/* The host's messages about the session: kept for those who ask, and told to those who listen. */

static void set_state(struct punktfunk_connection *c, uint32_t *field, uint32_t value)
{
	pthread_mutex_lock(&c->state_lock);
	*field = value;
	pthread_mutex_unlock(&c->state_lock);
}

static void take_mode(struct punktfunk_connection *c, const struct pf_msg *m)
{
	bool accepted = m->reconfigured.accepted;
	pthread_mutex_lock(&c->state_lock);
	if (accepted && pf_mode_valid(&m->reconfigured.mode))
		c->mode = m->reconfigured.mode;
	c->mode_result = accepted ? 1 : PUNKTFUNK_E_INVALID;
	struct pf_mode mode = c->mode;
	pthread_mutex_unlock(&c->state_lock);
	side_event(c, PUNKTFUNK_EVENT_MODE, accepted, mode.width << 16 | mode.height,
		mode.refresh_hz, NULL, 0);
}

static void take_access(struct punktfunk_connection *c, const struct pf_msg *m)
{
	uint32_t left = m->access.remaining_s;
	pthread_mutex_lock(&c->state_lock);
	c->grants = m->access.grants;
	c->access_ends_ns = left ? session_now_ns() + left * 1000000000ull : UINT64_MAX;
	pthread_mutex_unlock(&c->state_lock);
	side_event(
		c, PUNKTFUNK_EVENT_ACCESS, m->access.grants, left ? left : UINT32_MAX, 0, NULL, 0);
}

/* The close that follows brings nothing new: the first reason is the last word. */
static void take_refusal(struct punktfunk_connection *c, const struct pf_msg *m)
{
	struct pf_quic_end end = {.by_peer = true};
	char message[MESSAGE_LEN];
	int status = pf_close_code_to_error(m->refused.code);
	pf_text_clean(
		end.reason, sizeof(end.reason), m->refused.reason.data, m->refused.reason.len);
	words_end(message, sizeof(message), c->host, c->port, status, false, &end);
	pthread_mutex_lock(&c->state_lock);
	if (c->state != CONN_ENDED)
		pf_text_clean(
			c->said, sizeof(c->said), m->refused.reason.data, m->refused.reason.len);
	pthread_mutex_unlock(&c->state_lock);
	session_end(c, status, PUNKTFUNK_END_HOST_ENDED, message);
	if (c->quic)
		quic_conn_close(c->quic, PF_CLOSE_END, "refused");
}

static void take_bitrate(struct punktfunk_connection *c, const struct pf_msg *m)
{
	set_state(c, &c->bitrate_kbps, m->bitrate_changed.kbps);
	side_event(c, PUNKTFUNK_EVENT_BITRATE, m->bitrate_changed.kbps,
		m->bitrate_changed.has_reason ? m->bitrate_changed.reason
					      : PUNKTFUNK_BITRATE_NOT_TOLD,
		0, NULL, 0);
}

static void take_shard(struct punktfunk_connection *c, const struct pf_msg *m)
{
	struct pf_msg ack = {.type = PF_MSG_SHARD_PAYLOAD_ACK, .shard_payload = m->shard_payload};
	/* A size that we never allowed is not answered: the host must stay with what it has. */
	if (planes_offer_shard(c, m->shard_payload))
		session_send_msg(c, &ack);
}

void events_msg(struct punktfunk_connection *c, const struct pf_msg *m)
{
	switch (m->type) {
	case PF_MSG_RECONFIGURED:
		take_mode(c, m);
		break;
	case PF_MSG_BITRATE_CHANGED:
		take_bitrate(c, m);
		break;
	case PF_MSG_ACCESS_UPDATE:
		take_access(c, m);
		break;
	case PF_MSG_REFUSED:
		take_refusal(c, m);
		break;
	case PF_MSG_SHARD_PAYLOAD_CHANGED:
		take_shard(c, m);
		break;
	case PF_MSG_PIPELINE_GAP:
		side_event(c, PUNKTFUNK_EVENT_PIPELINE_GAP, m->gap_ms, 0, 0, NULL, 0);
		break;
	case PF_MSG_LAUNCH_OUTCOME:
		side_event(c, PUNKTFUNK_EVENT_LAUNCH, m->launch.kind, 0, 0, m->launch.text.data,
			m->launch.text.len);
		break;
	case PF_MSG_AUDIO_STATE:
		side_event(c, PUNKTFUNK_EVENT_AUDIO_STATE, m->audio_muted, 0, 0, NULL, 0);
		break;
	case PF_MSG_PAD_SLOTS:
		side_event(c, PUNKTFUNK_EVENT_PAD_SLOTS, m->pad_slots, 0, 0, NULL, 0);
		break;
	case PF_MSG_HOST_FACTS:
		side_event(c, PUNKTFUNK_EVENT_HOST_FACTS, m->host_facts.link_mbps,
			m->host_facts.interface_kind, m->host_facts.send_buffer_kib, NULL, 0);
		break;
	case PF_MSG_DELIVERY_CHANGED:
		side_event(c, PUNKTFUNK_EVENT_DELIVERY, m->delivery_changed.profile,
			m->delivery_changed.forced, 0, NULL, 0);
		break;
	case PF_MSG_CURSOR_SHAPE:
		side_cursor_shape(c, m);
		break;
	case PF_MSG_PROBE_RESULT:
		speed_result(c, m);
		break;
	case PF_MSG_CLIP_STATE:
	case PF_MSG_CLIP_OFFER:
		clip_msg(c, m);
		break;
	default:
		break; /* a client's message sent back: no meaning here */
	}
}
