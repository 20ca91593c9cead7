/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/conn_internal.h"

#include "core/wire/handshake.h"

#define DATAGRAM_FRAME_HEAD   3u	      /* type u8, length varint of two bytes */
#define SHORT_PACKET_OVERHEAD (1u + 4u + 16u) /* first byte, packet number, AEAD tag */

static struct pf_quic_stream *find_stream(struct pf_quic *q, int64_t id)
{
	for (size_t i = 0; i < N_SLOTS; i++)
		if (q->streams[i].id == id)
			return &q->streams[i];
	return NULL;
}

static struct pf_quic_stream *add_stream(struct pf_quic *q, int64_t id)
{
	struct pf_quic_stream *s = find_stream(q, -1);
	if (s)
		*s = (struct pf_quic_stream){.id = id};
	return s;
}

static void free_stream(struct pf_quic_stream *s)
{
	pf_sendq_finish(&s->queue);
	*s = (struct pf_quic_stream){.id = -1};
}

static void hand_up(struct pf_quic *q, int64_t id, const uint8_t *data, size_t len, bool fin)
{
	struct pf_quic_stream *s = find_stream(q, id);
	if (q->state != PF_QUIC_READY || !s || s->peer_ended)
		return;
	s->peer_ended = fin;
	int err = q->cb->on_stream(q, id, data, len, fin, q->userdata);
	if (err >= 0)
		return;
	pf_quic_close(q, PF_CLOSE_SETUP_FAILED, pf_strerror(err));
	if (q->end.cause == PF_QUIC_CAUSE_LOCAL && q->end.err == PF_E_CLOSED)
		q->end.err = err;
}

int pf_quic_on_stream_open(ngtcp2_conn *ng, int64_t id, void *userdata)
{
	(void)ng;
	/* ngtcp2 keeps the peer to the limits that we announced, so there is a slot. */
	return add_stream(userdata, id) ? 0 : NGTCP2_ERR_CALLBACK_FAILURE;
}

int pf_quic_on_stream_data(ngtcp2_conn *ng, uint32_t flags, int64_t id, uint64_t offset,
	const uint8_t *data, size_t len, void *userdata, void *stream_userdata)
{
	(void)offset;
	(void)stream_userdata;
	hand_up(userdata, id, data, len, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0);
	if (ngtcp2_conn_extend_max_stream_offset(ng, id, len) != 0)
		return NGTCP2_ERR_CALLBACK_FAILURE;
	ngtcp2_conn_extend_max_offset(ng, len);
	return 0;
}

int pf_quic_on_stream_acked(ngtcp2_conn *ng, int64_t id, uint64_t offset, uint64_t len,
	void *userdata, void *stream_userdata)
{
	(void)ng;
	(void)stream_userdata;
	struct pf_quic_stream *s = find_stream(userdata, id);
	if (s)
		pf_sendq_acked(&s->queue, offset + len);
	return 0;
}

int pf_quic_on_stream_reset(ngtcp2_conn *ng, int64_t id, uint64_t final_size, uint64_t code,
	void *userdata, void *stream_userdata)
{
	(void)ng;
	(void)final_size;
	(void)code;
	(void)stream_userdata;
	struct pf_quic_stream *s = find_stream(userdata, id);
	if (s)
		s->was_reset = true;
	hand_up(userdata, id, NULL, 0, true);
	return 0;
}

int pf_quic_on_stream_close(ngtcp2_conn *ng, uint32_t flags, int64_t id, uint64_t code,
	void *userdata, void *stream_userdata)
{
	(void)flags;
	(void)code;
	(void)stream_userdata;
	struct pf_quic_stream *s = find_stream(userdata, id);
	if (s)
		free_stream(s);
	if (!ngtcp2_conn_is_local_stream(ng, id))
		ngtcp2_conn_extend_max_streams_bidi(ng, 1);
	return 0;
}

int64_t pf_quic_open_stream(struct pf_quic *q)
{
	if (q->state >= PF_QUIC_CLOSING)
		return PF_E_CLOSED;
	size_t n_ours = 0;
	for (size_t i = 0; i < N_SLOTS; i++)
		n_ours += q->streams[i].id >= 0 &&
			ngtcp2_conn_is_local_stream(q->ng, q->streams[i].id);
	int64_t id = -1;
	if (q->state != PF_QUIC_READY || n_ours >= PF_QUIC_MAX_STREAMS)
		return PF_E_AGAIN;
	int err = ngtcp2_conn_open_bidi_stream(q->ng, &id, NULL);
	if (err == NGTCP2_ERR_STREAM_ID_BLOCKED)
		return PF_E_AGAIN;
	if (err != 0)
		return PF_E_NOMEM;
	pf_check(add_stream(q, id));
	return id;
}

int pf_quic_send_stream(
	struct pf_quic *q, int64_t stream_id, const void *data, size_t len, bool fin)
{
	struct pf_quic_stream *s = stream_id >= 0 ? find_stream(q, stream_id) : NULL;
	if (q->state >= PF_QUIC_CLOSING || !s || s->fin_wanted || s->shut)
		return PF_E_CLOSED;
	int err = pf_sendq_push(&s->queue, data, len, PF_QUIC_STREAM_BUFFER);
	if (err < 0)
		return err;
	s->fin_wanted = fin;
	return PF_OK;
}

void pf_quic_reset_stream(struct pf_quic *q, int64_t stream_id, uint64_t code)
{
	struct pf_quic_stream *s = stream_id >= 0 ? find_stream(q, stream_id) : NULL;
	if (q->state != PF_QUIC_READY || !s)
		return;
	s->peer_ended = true;
	s->shut = true;
	/* Out of memory is all that can fail here, and then the connection fails with the next packet. */
	(void)!ngtcp2_conn_shutdown_stream(q->ng, 0, stream_id, code);
}

bool pf_quic_stream_was_reset(const struct pf_quic *q, int64_t stream_id)
{
	for (size_t i = 0; i < N_SLOTS; i++)
		if (q->streams[i].id == stream_id)
			return q->streams[i].was_reset;
	return false;
}

static size_t datagram_limit(const struct pf_quic *q)
{
	const ngtcp2_transport_params *peer = ngtcp2_conn_get_remote_transport_params(q->ng);
	if (!peer || peer->max_datagram_frame_size <= DATAGRAM_FRAME_HEAD)
		return 0;
	size_t overhead = SHORT_PACKET_OVERHEAD + DATAGRAM_FRAME_HEAD +
		ngtcp2_conn_get_dcid(q->ng)->datalen;
	size_t path = ngtcp2_conn_get_path_max_tx_udp_payload_size(q->ng);
	size_t limit = path > overhead ? path - overhead : 0;
	uint64_t frame = peer->max_datagram_frame_size - DATAGRAM_FRAME_HEAD;
	return frame < limit ? (size_t)frame : limit;
}

int pf_quic_send_datagram(struct pf_quic *q, const void *data, size_t len)
{
	if (q->state >= PF_QUIC_CLOSING)
		return PF_E_CLOSED;
	if (q->state != PF_QUIC_READY)
		return PF_E_AGAIN;
	size_t limit = datagram_limit(q);
	if (!limit)
		return PF_E_UNSUPPORTED;
	if (len > limit)
		return PF_E_INVALID;
	return pf_dgramq_push(&q->dgrams, data, len);
}

int pf_quic_on_datagram(
	ngtcp2_conn *ng, uint32_t flags, const uint8_t *data, size_t len, void *userdata)
{
	(void)ng;
	(void)flags;
	struct pf_quic *q = userdata;
	if (q->state == PF_QUIC_READY)
		q->cb->on_datagram(q, data, len, q->userdata);
	return 0;
}

/* Something of a stream that may go out now; NULL = none. */
static struct pf_quic_stream *next_stream(struct pf_quic *q)
{
	for (size_t i = 0; i < N_SLOTS; i++) {
		struct pf_quic_stream *s = &q->streams[i];
		if (s->id >= 0 && !s->blocked && !s->shut &&
			(s->queue.cursor || (s->fin_wanted && !s->fin_sent)))
			return s;
	}
	return NULL;
}

static ngtcp2_ssize write_datagram(
	struct pf_quic *q, const uint8_t *data, size_t len, uint8_t *out, size_t cap, uint64_t now)
{
	int accepted = 0;
	const ngtcp2_vec vec = {(uint8_t *)(uintptr_t)data, len};
	ngtcp2_ssize n = ngtcp2_conn_writev_datagram(q->ng, &q->tx_path.path, NULL, out, cap,
		&accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, 0, &vec, 1, now);
	if (accepted) {
		pf_dgramq_pop(&q->dgrams);
	} else if (n == NGTCP2_ERR_INVALID_ARGUMENT || n == NGTCP2_ERR_INVALID_STATE) {
		pf_dgramq_pop(&q->dgrams);
		return NGTCP2_ERR_WRITE_MORE;
	}
	return n;
}

static ngtcp2_ssize write_stream(
	struct pf_quic *q, struct pf_quic_stream *s, uint8_t *out, size_t cap, uint64_t now)
{
	size_t len = 0;
	bool last = true;
	ngtcp2_ssize taken = -1;
	const uint8_t *data = s ? pf_sendq_peek(&s->queue, &len, &last) : NULL;
	const ngtcp2_vec vec = {(uint8_t *)(uintptr_t)data, len};
	bool fin = s && last && s->fin_wanted;
	uint32_t flags = s ? NGTCP2_WRITE_STREAM_FLAG_MORE : NGTCP2_WRITE_STREAM_FLAG_NONE;
	if (fin)
		flags |= NGTCP2_WRITE_STREAM_FLAG_FIN;
	ngtcp2_ssize n = ngtcp2_conn_writev_stream(q->ng, &q->tx_path.path, NULL, out, cap, &taken,
		flags, s ? s->id : -1, &vec, s ? 1 : 0, now);
	if (!s)
		return n;
	if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED || n == NGTCP2_ERR_STREAM_SHUT_WR ||
		n == NGTCP2_ERR_STREAM_NOT_FOUND) {
		s->blocked = n == NGTCP2_ERR_STREAM_DATA_BLOCKED;
		s->shut = !s->blocked;
		return NGTCP2_ERR_WRITE_MORE;
	}
	if (taken >= 0) {
		pf_sendq_sent(&s->queue, (size_t)taken);
		s->fin_sent = fin && (size_t)taken == len;
	}
	return n;
}

/* One packet: datagrams first, as input is worth more than anything on a stream. */
ngtcp2_ssize pf_quic_write_packet(struct pf_quic *q, uint8_t *out, size_t cap, uint64_t now)
{
	ngtcp2_ssize n;
	bool ready = q->state == PF_QUIC_READY;
	size_t limit = ready ? datagram_limit(q) : 0;
	for (size_t i = 0; i < N_SLOTS; i++)
		q->streams[i].blocked = false;
	do {
		size_t len = 0;
		const uint8_t *data = NULL;
		while (ready && (data = pf_dgramq_peek(&q->dgrams, &len)) != NULL && len > limit)
			pf_dgramq_pop(&q->dgrams); /* the path has become narrower */
		n = data ? write_datagram(q, data, len, out, cap, now)
			 : write_stream(q, ready ? next_stream(q) : NULL, out, cap, now);
	} while (n == NGTCP2_ERR_WRITE_MORE);
	return n;
}

void pf_quic_streams_init(struct pf_quic *q)
{
	for (size_t i = 0; i < N_SLOTS; i++)
		q->streams[i].id = -1;
}

void pf_quic_streams_finish(struct pf_quic *q)
{
	for (size_t i = 0; i < N_SLOTS; i++)
		pf_sendq_finish(&q->streams[i].queue);
}
