/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "connector/internal.h"

#include <stdio.h>
#include <string.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"
#include "core/flow/anchor.h"
#include "core/packet/native.h"

/* The handshake of wire 4.6 and the control messages that follow it, as the client sees them. */

#define SLOWEST_REFRESH_HZ 1u
#define MIN_MAX_FRAME	   (8u << 20)  /* wire 7.5 */
#define MAX_MAX_FRAME	   (64u << 20) /* wire 7.5 */
#define MAX_PER_BLOCK	   32768u      /* eight times what any host sends; the code's own limit */
#define MIN_MAX_PARITY	   16u	       /* small blocks have a floor that is more than 100 percent */

static void protocol_error(struct punktfunk_connection *c, const char *what)
{
	char message[MESSAGE_LEN];
	snprintf(message, sizeof(message),
		"the host at %.120s speaks something else than punktfunk/1: %s", c->host, what);
	session_end(c, PF_E_BAD_PACKET, PUNKTFUNK_END_HOST_ERROR, message);
	if (c->quic)
		quic_conn_close(c->quic, PF_CLOSE_SETUP_FAILED, what);
}

static void on_ready(struct quic_conn *q, const uint8_t *peer_fp, void *userdata)
{
	struct punktfunk_connection *c = userdata;
	uint8_t buf[2 + 512];
	if (!peer_fp) {
		protocol_error(c, "it has no certificate");
		return;
	}
	memcpy(c->fingerprint, peer_fp, PF_FINGERPRINT_LEN);
	c->stream = quic_conn_open_stream(q);
	int len = pf_hello_write(buf + 2, sizeof(buf) - 2, &c->hello);
	if (c->stream < 0 || len < 0) {
		protocol_error(c, "it allows no control stream");
		return;
	}
	pf_put_le16(buf, (uint16_t)len);
	if (quic_conn_send(q, c->stream, buf, 2u + (size_t)len, false) < 0) {
		protocol_error(c, "the control stream does not take a Hello");
		return;
	}
	pthread_mutex_lock(&c->state_lock);
	c->hello_ns = session_now_ns();
	pthread_cond_broadcast(&c->state_cond);
	pthread_mutex_unlock(&c->state_lock);
}

static size_t frame_cap(const struct pf_welcome *w)
{
	uint32_t hz = w->mode.refresh_hz ? w->mode.refresh_hz : SLOWEST_REFRESH_HZ;
	if (!w->bitrate_kbps) /* a host older than the field */
		return MAX_MAX_FRAME;
	uint64_t bytes = 4ull * w->bitrate_kbps * 1000 / 8 / hz;
	if (bytes < MIN_MAX_FRAME)
		return MIN_MAX_FRAME;
	return bytes > MAX_MAX_FRAME ? MAX_MAX_FRAME : (size_t)bytes;
}

bool control_is_keyframe(
	const struct punktfunk_connection *c, const uint8_t *au, size_t len, uint32_t user_flags)
{
	uint8_t codec = c->welcome.codec;
	/* Where the bitstream tells, it alone does: test hosts flag every frame. */
	if (codec == PF_CODEC_H264 || codec == PF_CODEC_HEVC)
		return pf_anchor_au(codec, au, len);
	return user_flags & PF_USER_KEYFRAME;
}

static bool is_anchor(const uint8_t *au, size_t len, uint32_t user_flags, void *userdata)
{
	struct punktfunk_connection *c = userdata;
	return (user_flags & PF_USER_RECOVERY_ANCHOR) ||
		control_is_keyframe(c, au, len, user_flags);
}

/* What this host may send, and no more: the blocks that it announced, of frames up to the cap. */
static void fill_limits(struct pf_reassembler_limits *l, const struct pf_welcome *w, uint16_t shard)
{
	pf_reassembler_limits_init(l, frame_cap(w));
	size_t shards = (l->max_frame_bytes + shard - 1) / shard;
	size_t per_block = w->max_data_per_block;
	if (per_block > MAX_PER_BLOCK)
		per_block = MAX_PER_BLOCK;
	l->max_data_per_block = per_block;
	l->max_parity_per_block = per_block < MIN_MAX_PARITY ? MIN_MAX_PARITY
							     : per_block; /* at most 100 percent */
	l->max_blocks = (shards + per_block - 1) / per_block;
	if (l->max_blocks > UINT16_MAX)
		l->max_blocks = UINT16_MAX;
}

int control_make_reassembler(
	struct punktfunk_connection *c, uint16_t shard, struct pf_reassembler **out)
{
	struct pf_reassembler_params params = {
		.shard_bytes = shard,
		.schemes = 1u << c->welcome.fec_scheme,
		.is_anchor = is_anchor,
		.userdata = c,
	};
	fill_limits(&params.limits, &c->welcome, shard);
	return pf_reassembler_create(out, &params);
}

static int make_data_plane(struct punktfunk_connection *c, const struct pf_welcome *w)
{
	int err = control_make_reassembler(c, w->shard_payload, &c->reassembler);
	if (err < 0)
		return err;
	c->encrypted = w->encrypt;
	if (c->encrypted) {
		bool chacha = w->cipher == PF_CIPHER_CHACHA20_POLY1305;
		err = pf_aead_create(&c->aead, (enum pf_cipher)w->cipher,
			chacha ? w->chacha_key : w->aes_key, chacha ? 32 : 16);
		if (err < 0)
			return err;
		pf_sealer_init(&c->open, c->aead, w->salt, PF_HOST_TO_CLIENT);
		pf_replay_init(&c->replay);
	}
	return planes_open(c);
}

static void handle_welcome(struct punktfunk_connection *c, const uint8_t *payload, size_t len)
{
	struct pf_welcome w;
	int err = pf_welcome_read(&w, payload, len);
	if (err < 0) {
		protocol_error(c, pf_strerror(err));
		return;
	}
	if (w.version != PF_WIRE_VERSION) {
		session_end(c, PF_E_WIRE_VERSION, PUNKTFUNK_END_HOST_ERROR,
			"host and client speak different versions of the protocol: update the "
			"older one");
		quic_conn_close(c->quic, PF_CLOSE_WIRE_VERSION, "version");
		return;
	}
	if (!w.data_port) {
		protocol_error(c, "it names no port for the video");
		return;
	}
	c->welcome = w;
	err = make_data_plane(c, &w);
	pf_wipe(&c->welcome.aes_key, sizeof(c->welcome.aes_key));
	pf_wipe(&c->welcome.chacha_key, sizeof(c->welcome.chacha_key));
	pf_wipe(&w, sizeof(w));
	if (err < 0) {
		session_end(c, err, PUNKTFUNK_END_LOCAL, "the receiving side could not be set up");
		quic_conn_close(c->quic, PF_CLOSE_SETUP_FAILED, "client");
		return;
	}
	uint8_t buf[2 + 32];
	const struct pf_ext ext = {.abr_features = PF_ABR_READS_REASON};
	struct pf_start start = {.client_port = (uint16_t)udp_local_port(&c->data)};
	if (c->welcome.host_caps2 & PF_HCAP2_EXT_BLOCK)
		start.ext = &ext;
	int n = pf_start_write(buf + 2, sizeof(buf) - 2, &start);
	pf_check(n > 0);
	pf_put_le16(buf, (uint16_t)n);
	if (quic_conn_send(c->quic, c->stream, buf, 2u + (size_t)n, false) < 0) {
		protocol_error(c, "the control stream does not take a Start");
		return;
	}
	control_next_clock_round(c);
	pthread_mutex_lock(&c->state_lock);
	c->mode = c->welcome.mode;
	c->bitrate_kbps = c->welcome.bitrate_kbps;
	c->shard_payload = c->welcome.shard_payload;
	c->grants = c->welcome.grants;
	if (c->welcome.expires_s)
		c->access_ends_ns = session_now_ns() + c->welcome.expires_s * 1000000000ull;
	if (c->state == CONN_CONNECTING)
		c->state = CONN_STREAMING;
	pthread_cond_broadcast(&c->state_cond);
	pthread_mutex_unlock(&c->state_lock);
}

void control_next_clock_round(struct punktfunk_connection *c)
{
	if (c->clock_rounds++ >= CLOCK_ROUNDS)
		return;
	c->clock_sent_ns = session_realtime_ns();
	struct pf_msg m = {.type = PF_MSG_CLOCK_PROBE, .clock = {.t1_ns = c->clock_sent_ns}};
	session_send_msg(c, &m);
}

static void handle_clock_echo(struct punktfunk_connection *c, const struct pf_msg *m)
{
	if (m->clock.t1_ns != c->clock_sent_ns)
		return;
	pf_clock_sync_add(
		&c->clock, m->clock.t1_ns, m->clock.t2_ns, m->clock.t3_ns, session_realtime_ns());
	atomic_store(&c->clock_offset_ns, c->clock.offset_ns);
	control_next_clock_round(c);
}

static int handle_msg(struct punktfunk_connection *c, const uint8_t *payload, size_t len)
{
	struct pf_msg m;
	int err = pf_msg_read(&m, payload, len);
	/* Unknown types are ignored, and in a session known ones of another length: later hosts may say more. */
	if (err == PF_E_UNSUPPORTED || (err < 0 && c->reassembler))
		return PF_OK;
	if (err < 0)
		return err;
	if (m.type == PF_MSG_CLOCK_ECHO)
		handle_clock_echo(c, &m);
	else
		events_msg(c, &m);
	return PF_OK;
}

static int on_payload(const uint8_t *payload, size_t len, void *userdata)
{
	struct punktfunk_connection *c = userdata;
	if (c->state == CONN_ENDED) /* written by this thread alone */
		return PF_E_CLOSED;
	if (pf_msg_is_typed(payload, len)) {
		int err = handle_msg(c, payload, len);
		if (err < 0)
			protocol_error(c, "a control message is malformed");
		return err;
	}
	if (c->reassembler && !pf_handshake_is(payload, len))
		return PF_OK; /* nothing that we know, as an unknown type */
	if (c->reassembler) {
		protocol_error(c, "a second Welcome");
		return PF_E_BAD_PACKET;
	}
	handle_welcome(c, payload, len);
	return PF_OK;
}

static int on_stream(struct quic_conn *q, int64_t stream_id, const uint8_t *data, size_t len,
	bool fin, void *userdata)
{
	struct punktfunk_connection *c = userdata;
	if (stream_id != c->stream) {
		clip_stream(c, stream_id, data, len, fin,
			fin && quic_conn_stream_was_reset(q, stream_id));
		return PF_OK;
	}
	int err = pf_framer_feed(c->framer, data, len, on_payload, c);
	if (err < 0)
		return err;
	if (fin)
		session_end(c, PF_E_CLOSED, PUNKTFUNK_END_HOST_ENDED, "the host ended the session");
	return PF_OK;
}

static void on_datagram(struct quic_conn *q, const uint8_t *data, size_t len, void *userdata)
{
	struct punktfunk_connection *c = userdata;
	(void)q;
	atomic_fetch_add_explicit(&c->datagrams_received, 1, memory_order_relaxed);
	/* A datagram that came too early, or of a kind that we do not know, is nobody's fault. */
	if (c->reassembler && side_datagram(c, data, len) == PF_E_BAD_PACKET)
		atomic_fetch_add_explicit(&c->datagrams_bad, 1, memory_order_relaxed);
}

static int end_reason(const struct pf_quic_end *end)
{
	if (!end->application)
		return PUNKTFUNK_END_LOST;
	if (end->code == PF_CLOSE_GAME_ENDED)
		return PUNKTFUNK_END_GAME_EXITED;
	if (end->code == PF_CLOSE_SETUP_FAILED)
		return PUNKTFUNK_END_HOST_ERROR;
	return PUNKTFUNK_END_HOST_ENDED;
}

static void on_end(struct quic_conn *q, const struct pf_quic_end *end, void *userdata)
{
	struct punktfunk_connection *c = userdata;
	char message[MESSAGE_LEN];
	(void)q;
	int status = end->err;
	if (end->application && end->by_peer)
		status = pf_close_code_to_error(end->code);
	words_end(message, sizeof(message), c->host, c->port, status, c->reassembler != NULL, end);
	c->quic = NULL;
	pthread_mutex_lock(&c->state_lock);
	if (c->state != CONN_ENDED && end->application && end->by_peer)
		snprintf(c->said, sizeof(c->said), "%s", end->reason);
	pthread_mutex_unlock(&c->state_lock);
	session_end(c, status, end_reason(end), message);
}

const struct quic_endpoint_callbacks control_callbacks = {
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_end = on_end,
};
