/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/integration/shipped_host.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/bytes.h"
#include "core/crypto/aead.h"
#include "core/flow/packetizer.h"
#include "core/packet/native.h"
#include "net/quic_endpoint.h"
#include "net/udp.h"
#include "tests/test.h"

#define CLOSE_GAME_ENDED 0x52
#define RFI_WAIT_NS	 1000000000ull
#define FRAME_GAP_NS	 5000000ull

enum { WAIT_HELLO, WAIT_START, WAIT_PUNCH, STREAMING, DONE };

struct shipped {
	struct shipped_variant v;
	struct shipped_seen seen;
	pthread_t thread;
	_Atomic bool stop;
	struct pf_identity *identity;
	struct quic_endpoint *endpoint;
	struct quic_conn *conn;
	struct pf_framer *framer;
	int64_t stream;
	int state;
	struct udp_socket data;
	struct pf_aead *aead;
	struct pf_sealer seal;
	struct pf_packetizer *packetizer;
	uint32_t next_frame, n_sent;
	uint64_t next_ns;
	uint8_t *au;
	pthread_mutex_t lock;
	pthread_cond_t cond;
	void (*call)(struct shipped *s, void *arg);
	void *call_arg;
	struct shipped_item *log;
	uint64_t n_log;
	uint64_t looked[3]; /* by way: how far in the log */
};

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void shipped_fill(const struct shipped_variant *v, uint32_t index, uint8_t *au)
{
	uint8_t codec = v->welcome_len && v->welcome_len < 67 ? PF_CODEC_HEVC : v->codec;
	uint8_t head = codec == PF_CODEC_H264 ? (index ? 0x41 : 0x65) : (index ? 0x02 : 0x26);
	for (size_t i = 0; i < v->frame_len; i++)
		au[i] = (uint8_t)((i * 37 + i / 251 + index * 11) | 1); /* odd: no start code */
	memcpy(au, "\0\0\0\1", 4);
	au[4] = head;
}

static void send_welcome(struct shipped *s)
{
	uint8_t buf[2 + 256];
	struct pf_welcome w;
	pf_welcome_init(&w);
	w.data_port = (uint16_t)udp_local_port(&s->data);
	w.mode = (struct pf_mode){1280, 720, 60};
	w.fec_scheme = s->v.scheme;
	w.fec_percent = s->v.percent;
	w.max_data_per_block = s->v.per_block;
	w.shard_payload = s->v.shard;
	w.encrypt = !s->v.clear;
	memset(w.aes_key, 0x5A, sizeof(w.aes_key));
	memset(w.chacha_key, 0xA5, sizeof(w.chacha_key));
	memcpy(w.salt, "pkf1", 4);
	w.bitrate_kbps = 30000;
	w.codec = s->v.codec;
	w.host_caps = s->v.host_caps;
	w.host_caps2 = s->v.host_caps2;
	w.expires_s = s->v.expires_s;
	w.cipher = s->v.chacha ? PF_CIPHER_CHACHA20_POLY1305 : PF_CIPHER_AES_128_GCM;
	int n = pf_welcome_write(buf + 2, sizeof(buf) - 2, &w);
	pf_check(n > 0);
	if (s->v.version)
		pf_put_le32(buf + 6, s->v.version);
	if (s->v.welcome_len)
		n = (int)s->v.welcome_len;
	pf_put_le16(buf, (uint16_t)n);
	pf_check(quic_conn_send(s->conn, s->stream, buf, 2 + (size_t)n, false) == PF_OK);
	if (s->v.clear)
		return;
	pf_check(pf_aead_create(&s->aead, (enum pf_cipher)w.cipher,
			 s->v.chacha ? w.chacha_key : w.aes_key, s->v.chacha ? 32 : 16) == PF_OK);
	pf_sealer_init(&s->seal, s->aead, w.salt, PF_HOST_TO_CLIENT);
}

static void answer_probe(struct shipped *s, uint64_t t1)
{
	uint8_t out[PF_MSG_MAX_LEN];
	struct pf_msg m = {.type = PF_MSG_CLOCK_ECHO, .clock = {t1, t1 + 1000, t1 + 2000}};
	int n = pf_msg_write_framed(out, sizeof(out), &m);
	pf_check(n > 0 && quic_conn_send(s->conn, s->stream, out, (size_t)n, false) == PF_OK);
	s->seen.n_probes++;
}

static void keep(struct shipped *s, enum shipped_way way, int64_t stream, const uint8_t *data,
	size_t len, bool fin)
{
	pthread_mutex_lock(&s->lock);
	struct shipped_item *i = &s->log[s->n_log++ % SHIPPED_LOG];
	*i = (struct shipped_item){.way = way, .stream = stream, .fin = fin, .len = len};
	i->reset = fin && s->conn && quic_conn_stream_was_reset(s->conn, stream);
	pf_check(len <= SHIPPED_ITEM);
	if (len)
		memcpy(i->data, data, len);
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->lock);
}

static int on_payload(const uint8_t *p, size_t len, void *userdata)
{
	struct shipped *s = userdata;
	struct pf_msg m;
	if (pf_msg_is_typed(p, len)) {
		if (s->v.stay)
			keep(s, SHIPPED_MSG, s->stream, p, len, false);
		s->seen.n_early += s->state < WAIT_PUNCH;
		if (pf_msg_read(&m, p, len) < 0)
			return PF_OK;
		if (m.type == PF_MSG_CLOCK_PROBE)
			answer_probe(s, m.clock.t1_ns);
		if (m.type == PF_MSG_RFI_REQUEST && !s->seen.n_rfi++) {
			s->seen.rfi_first = m.rfi.first;
			s->seen.rfi_last = m.rfi.last;
		}
	} else if (s->state == WAIT_HELLO && len <= sizeof(s->seen.hello)) {
		memcpy(s->seen.hello, p, len);
		s->seen.hello_len = len;
		s->state = WAIT_START;
		if (s->v.close_on_hello)
			quic_conn_close(s->conn, s->v.close_on_hello, "not now");
		else
			send_welcome(s);
	} else if (s->state == WAIT_START && len <= sizeof(s->seen.start)) {
		memcpy(s->seen.start, p, len);
		s->seen.start_len = len;
		s->state = WAIT_PUNCH;
	}
	return PF_OK;
}

static void on_ready(struct quic_conn *c, const uint8_t *fp, void *userdata)
{
	(void)fp;
	((struct shipped *)userdata)->conn = c;
}

static int on_stream(
	struct quic_conn *c, int64_t id, const uint8_t *data, size_t len, bool fin, void *userdata)
{
	struct shipped *s = userdata;
	(void)c;
	if (s->state != WAIT_HELLO && id != s->stream) {
		/* What came out of order is handed up in larger pieces than a packet's. */
		for (; len > SHIPPED_ITEM; data += SHIPPED_ITEM, len -= SHIPPED_ITEM)
			keep(s, SHIPPED_STREAM, id, data, SHIPPED_ITEM, false);
		keep(s, SHIPPED_STREAM, id, data, len, fin);
		return PF_OK;
	}
	s->stream = id;
	return pf_framer_feed(s->framer, data, len, on_payload, s);
}

static void on_datagram(struct quic_conn *c, const uint8_t *data, size_t len, void *userdata)
{
	struct shipped *s = userdata;
	(void)c;
	if (s->v.stay)
		keep(s, SHIPPED_DATAGRAM, -1, data, len, false);
}

static void on_end(struct quic_conn *c, const struct pf_quic_end *end, void *userdata)
{
	struct shipped *s = userdata;
	(void)c, (void)end;
	s->conn = NULL;
	s->state = DONE;
}

static const struct quic_endpoint_callbacks callbacks = {
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_end = on_end,
};

static void send_packet(struct shipped *s, const uint8_t *text, size_t len)
{
	/* A socket's default buffer holds less than a frame here. */
	if (++s->n_sent % 32 == 0)
		nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL);
	uint8_t out[PF_SEAL_OVERHEAD + PF_NATIVE_HEADER_LEN + 2048];
	if (s->v.clear) {
		(void)!udp_send_one(&s->data, NULL, 0, text, len);
		return;
	}
	memcpy(out + PF_SEAL_PREFIX_LEN, text, len);
	pf_check(pf_sealer_seal_batch(&s->seal, out, 1, 0, len) == PF_OK);
	(void)!udp_send_one(&s->data, NULL, 0, out, len + PF_SEAL_OVERHEAD);
}

/* One data packet of each block is left out where there is parity for it. */
static void send_frame(struct shipped *s, uint32_t index)
{
	struct pf_packet_batch b;
	bool anchor = s->v.lose_frame && index == 4;
	struct pf_frame_info info = {
		.pts_ns = 1000 + index,
		.frame_index = index,
		.user_flags = (index ? 0 : PF_USER_KEYFRAME) |
			(anchor ? PF_USER_RECOVERY_ANCHOR : 0),
		.flags = PF_NATIVE_PICTURE,
	};
	shipped_fill(&s->v, index, s->au);
	pf_check(pf_packetizer_build(s->packetizer, &info, s->au, s->v.frame_len, &b) == PF_OK);
	unsigned passes = 1;
	for (unsigned pass = 0; pass < passes; pass++)
		for (size_t i = 0; i < b.n_packets; i++) {
			struct pf_native_header h;
			const uint8_t *p = b.data + i * b.packet_len;
			pf_check(pf_native_header_read(&h, p, b.packet_len) == PF_OK);
			if (s->v.block_by_block) {
				passes = h.block_count;
				if (h.block_index != pass)
					continue;
			}
			if (!h.parity_shards || h.shard_index != h.data_shards / 2u)
				send_packet(s, p, b.packet_len);
		}
}

static void stream(struct shipped *s)
{
	if (s->v.stay || s->state != STREAMING || now() < s->next_ns)
		return;
	uint32_t i = s->next_frame;
	bool waits = s->v.lose_frame && i == 4 && !s->seen.n_rfi;
	if (waits && now() < s->next_ns + RFI_WAIT_NS)
		return;
	if (i == SHIPPED_FRAMES) {
		quic_conn_close(s->conn, CLOSE_GAME_ENDED, "the game is over");
		s->state = DONE;
		return;
	}
	if (!s->v.lose_frame || i != 2)
		send_frame(s, i);
	s->next_frame++;
	s->next_ns = now() + (s->next_frame == SHIPPED_FRAMES ? 20 * FRAME_GAP_NS : FRAME_GAP_NS);
}

static void read_punches(struct shipped *s)
{
	uint8_t buf[64];
	union udp_addr from;
	socklen_t len = sizeof(from);
	ssize_t n = recvfrom(s->data.fd, buf, sizeof(buf), MSG_DONTWAIT, &from.sa, &len);
	if (n != 8 || memcmp(buf, "PFpunch1", 8) != 0)
		return;
	s->seen.n_punches++;
	s->seen.punch_port = ntohs(from.in4.sin_port);
	if (s->state != WAIT_PUNCH || s->seen.n_probes < 8)
		return;
	pf_check(udp_connect(&s->data, &from, len) == PF_OK);
	s->state = STREAMING;
	s->next_ns = now();
}

static void *run(void *userdata)
{
	struct shipped *s = userdata;
	while (!atomic_load(&s->stop)) {
		struct pollfd fds[2] = {{.fd = quic_endpoint_fd(s->endpoint), .events = POLLIN},
			{.fd = s->data.fd, .events = POLLIN}};
		poll(fds, 2, 2);
		pf_check(quic_endpoint_process(s->endpoint, now()) == PF_OK);
		read_punches(s);
		pthread_mutex_lock(&s->lock);
		if (s->call && (s->state == STREAMING || !s->conn)) {
			if (s->conn)
				s->call(s, s->call_arg);
			s->call = NULL;
			pthread_cond_broadcast(&s->cond);
		}
		pthread_mutex_unlock(&s->lock);
		if (s->conn)
			stream(s);
		quic_endpoint_flush(s->endpoint, now());
	}
	return NULL;
}

void shipped_call(struct shipped *s, void (*fn)(struct shipped *s, void *arg), void *arg)
{
	pthread_mutex_lock(&s->lock);
	s->call = fn;
	s->call_arg = arg;
	while (s->call)
		pthread_cond_wait(&s->cond, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

void shipped_msg(struct shipped *s, const struct pf_msg *m)
{
	int n = pf_msg_framed_len(m);
	pf_check(n > 0);
	uint8_t *out = malloc((size_t)n);
	pf_check(out && pf_msg_write_framed(out, (size_t)n, m) == n);
	pf_check(quic_conn_send(s->conn, s->stream, out, (size_t)n, false) == PF_OK);
	free(out);
}

void shipped_datagram(struct shipped *s, const uint8_t *data, size_t len)
{
	pf_check(quic_conn_send_datagram(s->conn, data, len) == PF_OK);
}

int64_t shipped_open(struct shipped *s)
{
	return quic_conn_open_stream(s->conn);
}

int shipped_bytes(struct shipped *s, int64_t stream, const void *data, size_t len, bool fin)
{
	return quic_conn_send(s->conn, stream, data, len, fin);
}

void shipped_reset(struct shipped *s, int64_t stream)
{
	quic_conn_reset_stream(s->conn, stream, PF_CLOSE_CLIP_CANCELLED);
}

void shipped_close(struct shipped *s, uint64_t code, const char *reason)
{
	quic_conn_close(s->conn, code, reason);
}

void shipped_frame(struct shipped *s, uint32_t index, uint16_t shard, uint32_t user_flags)
{
	struct pf_packet_batch b;
	struct pf_packetizer *made;
	struct pf_packetizer_params pp = {
		.shard_payload = shard,
		.scheme = (enum pf_fec_scheme)s->v.scheme,
		.fec_percent = s->v.percent,
		.max_data_per_block = s->v.per_block,
		.max_frame_bytes = s->v.frame_len,
	};
	struct pf_frame_info info = {.pts_ns = 1000 + index,
		.frame_index = index,
		.user_flags = user_flags,
		.flags = user_flags & PF_USER_PROBE ? PF_NATIVE_PROBE : PF_NATIVE_PICTURE};
	pf_check(pf_packetizer_create(&made, &pp) == PF_OK);
	shipped_fill(&s->v, index, s->au);
	pf_check(pf_packetizer_build(made, &info, s->au, s->v.frame_len, &b) == PF_OK);
	for (size_t i = 0; i < b.n_packets; i++)
		send_packet(s, b.data + i * b.packet_len, b.packet_len);
	pf_packetizer_destroy(made);
}

bool shipped_next(struct shipped *s, enum shipped_way way, struct shipped_item *out)
{
	struct timespec until;
	bool found = false;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += 5;
	pthread_mutex_lock(&s->lock);
	for (;;) {
		uint64_t *at = &s->looked[way];
		/* Overwritten before anybody looked: as good as not come. */
		if (s->n_log > SHIPPED_LOG && *at < s->n_log - SHIPPED_LOG)
			break;
		while (*at < s->n_log && s->log[*at % SHIPPED_LOG].way != way)
			++*at;
		found = *at < s->n_log;
		if (found)
			*out = s->log[(*at)++ % SHIPPED_LOG];
		if (found || pthread_cond_timedwait(&s->cond, &s->lock, &until))
			break;
	}
	pthread_mutex_unlock(&s->lock);
	return found;
}

struct shipped *shipped_start(const struct shipped_variant *v)
{
	struct shipped *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	s->v = *v;
	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->cond, &attr);
	pthread_condattr_destroy(&attr);
	s->log = calloc(SHIPPED_LOG, sizeof(*s->log));
	assert_non_null(s->log);
	s->au = malloc(v->frame_len + 8);
	assert_non_null(s->au);
	assert_int_equal(
		pf_identity_generate(&s->identity, "punktfunk", (uint64_t)time(NULL)), PF_OK);
	assert_int_equal(pf_framer_create(&s->framer), PF_OK);
	struct quic_endpoint_params params = {
		.bind_host = "127.0.0.1",
		.identity = s->identity,
		.callbacks = &callbacks,
		.userdata = s,
		.max_connections = 4,
	};
	assert_int_equal(quic_endpoint_create(&s->endpoint, &params), PF_OK);
	struct udp_params udp = {.bind_host = "127.0.0.1", .send_buffer = 4 << 20};
	assert_int_equal(udp_open(&s->data, &udp), PF_OK);
	struct pf_packetizer_params pp = {
		.shard_payload = v->shard,
		.scheme = (enum pf_fec_scheme)v->scheme,
		.fec_percent = v->percent,
		.max_data_per_block = v->per_block,
		.max_frame_bytes = v->frame_len,
	};
	assert_int_equal(pf_packetizer_create(&s->packetizer, &pp), PF_OK);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	return s;
}

int shipped_port(const struct shipped *s)
{
	return quic_endpoint_port(s->endpoint);
}

void shipped_stop(struct shipped *s, struct shipped_seen *seen)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	if (seen)
		*seen = s->seen;
	quic_endpoint_destroy(s->endpoint);
	udp_close(&s->data);
	pf_packetizer_destroy(s->packetizer);
	pf_aead_destroy(s->aead);
	pf_framer_destroy(s->framer);
	pf_identity_destroy(s->identity);
	pthread_cond_destroy(&s->cond);
	pthread_mutex_destroy(&s->lock);
	free(s->log);
	free(s->au);
	free(s);
}
