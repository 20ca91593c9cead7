/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/wire/body.h"
#include "core/wire/control.h"
#include "core/wire/fields.h"

#define HEAD_LEN      5u /* `PKFc` || type u8 */
#define LOSS_PPM_MAX  1000000u
#define FIELDS_MAX    6u
#define NO_PROFILE    0xFFu
#define NAME_WIRE_MAX 255u /* a reader walks over a name that is too long to keep */

static const uint8_t magic[4] = {'P', 'K', 'F', 'c'};

/*
 * What to do with values that no shipped peer sends: 0 = as it is, 1 = m was mended, an error = refuse. A
 * writer takes only what a reader would leave as it is.
 */

static int judge_loss(struct pf_msg *m)
{
	if (m->loss_ppm <= LOSS_PPM_MAX)
		return PF_OK;
	m->loss_ppm = LOSS_PPM_MAX;
	return 1;
}

static int judge_bitrate(struct pf_msg *m)
{
	if (!m->bitrate_changed.has_reason || m->bitrate_changed.reason <= PF_BITRATE_PINNED)
		return PF_OK;
	m->bitrate_changed.has_reason = false;
	m->bitrate_changed.reason = 0;
	return 1;
}

static int judge_rfi(struct pf_msg *m)
{
	/* Frame indexes wrap, so a range that runs backwards is a very long one. */
	if (m->rfi.last - m->rfi.first <= PF_RFI_MAX_RANGE)
		return PF_OK;
	*m = (struct pf_msg){.type = PF_MSG_REQUEST_KEYFRAME};
	return 1;
}

static int judge_shard(struct pf_msg *m)
{
	return m->shard_payload >= PF_SHARD_PAYLOAD_MIN &&
			m->shard_payload <= PF_SHARD_PAYLOAD_MAX && m->shard_payload % 2 == 0
		? PF_OK
		: PF_E_BAD_PACKET;
}

static int judge_set_delivery(struct pf_msg *m)
{
	return m->set_delivery <= PF_DELIVERY_SMOOTH ? PF_OK : PF_E_UNSUPPORTED;
}

static int judge_delivery_changed(struct pf_msg *m)
{
	return m->delivery_changed.profile <= PF_DELIVERY_SMOOTH ? PF_OK : PF_E_UNSUPPORTED;
}

static int judge_host_facts(struct pf_msg *m)
{
	if (m->host_facts.forced_profile <= PF_DELIVERY_SMOOTH ||
		m->host_facts.forced_profile == NO_PROFILE)
		return PF_OK;
	m->host_facts.forced_profile = NO_PROFILE;
	return 1;
}

static int judge_clip_state(struct pf_msg *m)
{
	if (m->clip_state.reason <= PF_CLIP_NOT_PERMITTED)
		return PF_OK;
	m->clip_state.reason = m->clip_state.enabled ? PF_CLIP_OK : PF_CLIP_NO_BACKEND;
	return 1;
}

static int judge_clip_fetch_hdr(struct pf_msg *m)
{
	if (m->clip_fetch_hdr.status <= PF_CLIP_DENIED)
		return PF_OK;
	m->clip_fetch_hdr.status = PF_CLIP_UNAVAILABLE;
	return 1;
}

struct row {
	uint8_t type;
	uint16_t min, max; /* payload bytes, the head included: the column of wire 4.5 */
	struct pf_field fields[FIELDS_MAX];
	uint8_t n_must; /* of two lengths: fields of the shorter one... */
	uint16_t flag;	/* ...and the bool that says which it is */
	int (*judge)(struct pf_msg *m);
	const struct pf_body *body; /* instead of fields */
};

#define F(member)  PF_FIELD(struct pf_msg, member)
#define AT(member) offsetof(struct pf_msg, member)
#define MODE(m)	   F(m.width), F(m.height), F(m.refresh_hz)

/* Each line is the layout of one message behind its head: the fields in their order on the wire. */
static const struct row rows[] = {
	{PF_MSG_RECONFIGURE, 17, 17, {MODE(reconfigure)}},
	{PF_MSG_RECONFIGURED, 18, 18, {F(reconfigured.accepted), MODE(reconfigured.mode)}},
	{PF_MSG_REQUEST_KEYFRAME, 5, 5},
	{PF_MSG_LOSS_REPORT, 9, 9, {F(loss_ppm)}, .judge = judge_loss},
	{PF_MSG_SET_BITRATE, 9, 9, {F(bitrate_kbps)}},
	{PF_MSG_BITRATE_CHANGED, 9, 10, {F(bitrate_changed.kbps), F(bitrate_changed.reason)}, 1,
		AT(bitrate_changed.has_reason), judge_bitrate},
	{PF_MSG_RFI_REQUEST, 13, 13, {F(rfi.first), F(rfi.last)}, .judge = judge_rfi},
	{PF_MSG_SHARD_PAYLOAD_CHANGED, 7, 7, {F(shard_payload)}, .judge = judge_shard},
	{PF_MSG_SHARD_PAYLOAD_ACK, 7, 7, {F(shard_payload)}},
	{PF_MSG_PIPELINE_GAP, 9, 9, {F(gap_ms)}},
	{PF_MSG_DELIVERY_REPORT, 13, 13, {F(delivered_packets)}},
	{PF_MSG_LINK_REPORT, 9, 9, {F(bitrate_kbps)}},
	{PF_MSG_SET_DELIVERY, 6, 6, {F(set_delivery)}, .judge = judge_set_delivery},
	{PF_MSG_DELIVERY_CHANGED, 7, 7, {F(delivery_changed.profile), F(delivery_changed.forced)},
		.judge = judge_delivery_changed},
	{PF_MSG_HOST_FACTS, 15, 15,
		{F(host_facts.interface_kind), F(host_facts.link_mbps),
			F(host_facts.send_buffer_kib), F(host_facts.forced_profile)},
		.judge = judge_host_facts},
	{PF_MSG_PAIR_REQUEST, 9, 10 + NAME_WIRE_MAX + PF_SPAKE_MSG_MAX + PF_DEVICE_KEY_MAX,
		.body = &pf_body_pair_request},
	{PF_MSG_PAIR_CHALLENGE, 40, 39 + PF_SPAKE_MSG_MAX, .body = &pf_body_pair_challenge},
	{PF_MSG_PAIR_PROOF, 37, 37, {F(pair_proof)}},
	{PF_MSG_PAIR_RESULT, 6, 6, {F(pair_ok)}},
	{PF_MSG_REFUSED, 11, 11 + PF_REASON_MAX, .body = &pf_body_refused},
	{PF_MSG_PROBE_REQUEST, 13, 13, {F(probe_request.kbps), F(probe_request.duration_ms)}},
	{PF_MSG_PROBE_RESULT, 21, 29,
		{F(probe_result.bytes), F(probe_result.packets), F(probe_result.duration_ms),
			F(probe_result.wire_packets), F(probe_result.dropped)},
		3, AT(probe_result.has_wire)},
	{PF_MSG_PROBE_SHAPED, 23, 23,
		{F(probe_shaped.kbps), F(probe_shaped.duration_ms), F(probe_shaped.burst_hz),
			F(probe_shaped.group_bytes), F(probe_shaped.group_kbps)}},
	{PF_MSG_CLOCK_PROBE, 13, 13, {F(clock.t1_ns)}},
	{PF_MSG_CLOCK_ECHO, 29, 29, {F(clock.t1_ns), F(clock.t2_ns), F(clock.t3_ns)}},
	{PF_MSG_CLIP_CONTROL, 7, 7, .body = &pf_body_clip_control},
	{PF_MSG_CLIP_STATE, 8, 8,
		{F(clip_state.enabled), F(clip_state.policy), F(clip_state.reason)},
		.judge = judge_clip_state},
	{PF_MSG_CLIP_OFFER, 10, 10 + PF_CLIP_MAX_OFFERS *(9 + PF_CLIP_MIME_MAX),
		.body = &pf_body_clip_offer},
	{PF_MSG_CLIP_FETCH, 14, 14 + PF_CLIP_MIME_MAX, .body = &pf_body_clip_fetch},
	{PF_MSG_CLIP_FETCH_HDR, 14, 14, {F(clip_fetch_hdr.status), F(clip_fetch_hdr.total_size)},
		.judge = judge_clip_fetch_hdr},
	{PF_MSG_CURSOR_SHAPE, 21, 17 + 4 * PF_CURSOR_MAX_SIDE *PF_CURSOR_MAX_SIDE,
		.body = &pf_body_cursor_shape},
	{PF_MSG_CURSOR_RENDER, 6, 6, {F(client_draws_cursor)}},
	{PF_MSG_ACCESS_UPDATE, 13, 13, {F(access.grants), F(access.remaining_s)}},
	{PF_MSG_AUDIO_STATE, 6, 6, {F(audio_muted)}},
	{PF_MSG_LAUNCH_OUTCOME, 7, 7 + PF_LAUNCH_TEXT_MAX, .body = &pf_body_launch_outcome},
	{PF_MSG_PAD_SLOTS, 7, 7, {F(pad_slots)}},
	{PF_MSG_INPUT_EDGE, 23, 23, .body = &pf_body_input_edge},
};

static const struct row *find(unsigned type)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		if (rows[i].type == type)
			return &rows[i];
	return NULL;
}

bool pf_msg_is_typed(const uint8_t *payload, size_t len)
{
	return len >= HEAD_LEN && !memcmp(payload, magic, sizeof magic);
}

/* `PKFc`, 4 type u8, 5 body: its fields, or what its file draws. */
static int read_body(const struct row *row, struct pf_reader *r, struct pf_msg *m, size_t len)
{
	if (row->body)
		return row->body->read(r, m);
	size_t n = FIELDS_MAX;
	if (row->n_must) { /* a length between the two leaves bytes over, which the caller refuses */
		bool whole = len == row->max;
		memcpy((uint8_t *)m + row->flag, &whole, sizeof whole);
		n = whole ? FIELDS_MAX : row->n_must;
	}
	pf_fields_read(r, m, row->fields, n);
	return PF_OK;
}

int pf_msg_read(struct pf_msg *m, const uint8_t *payload, size_t len)
{
	*m = (struct pf_msg){0};
	if (!pf_msg_is_typed(payload, len))
		return PF_E_BAD_PACKET;
	const struct row *row = find(payload[sizeof magic]);
	if (!row)
		return PF_E_UNSUPPORTED;
	if (len < row->min || len > row->max)
		return PF_E_BAD_PACKET;
	m->type = row->type;
	struct pf_reader r = pf_reader_make(payload + HEAD_LEN, len - HEAD_LEN);
	int err = read_body(row, &r, m, len);
	if (err == PF_E_BAD_PACKET || !r.ok || pf_reader_left(&r))
		return PF_E_BAD_PACKET;
	if (err == PF_OK && row->judge)
		err = row->judge(m);
	return err < 0 ? err : PF_OK;
}

static bool is_whole(const struct row *row, const struct pf_msg *m)
{
	bool whole = true;
	if (row->n_must)
		memcpy(&whole, (const uint8_t *)m + row->flag, sizeof whole);
	return whole;
}

static bool may_write(const struct row *row, const struct pf_msg *m)
{
	if (row->body)
		return row->body->ok(m);
	struct pf_msg copy = *m;
	return !row->judge || row->judge(&copy) == PF_OK;
}

int pf_msg_framed_len(const struct pf_msg *m)
{
	const struct row *row = find((unsigned)m->type);
	if (!row || !may_write(row, m))
		return PF_E_INVALID;
	size_t len = row->body	   ? HEAD_LEN + row->body->len(m)
		: is_whole(row, m) ? row->max
				   : row->min;
	pf_check(len >= row->min && len <= row->max);
	return (int)(PF_FRAME_PREFIX + len);
}

int pf_msg_write_framed(uint8_t *out, size_t cap, const struct pf_msg *m)
{
	int len = pf_msg_framed_len(m);
	if (len < 0)
		return len;
	if (cap < (size_t)len)
		return PF_E_FULL;
	const struct row *row = find((unsigned)m->type);
	struct pf_writer w = pf_writer_make(out, (size_t)len);
	pf_write_le16(&w, (uint16_t)((size_t)len - PF_FRAME_PREFIX));
	pf_write_bytes(&w, magic, sizeof magic);
	pf_write_u8(&w, row->type);
	if (row->body)
		row->body->write(&w, m);
	else
		pf_fields_write(&w, m, row->fields, is_whole(row, m) ? FIELDS_MAX : row->n_must);
	pf_check(w.ok && pf_writer_len(&w) == (size_t)len);
	return len;
}
