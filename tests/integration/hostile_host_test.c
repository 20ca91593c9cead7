/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/fec/fec.h"
#include "core/packet/native.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "host/media/clock.h"
#include "net/quic_endpoint.h"
#include "net/udp.h"
#include "punktfunk_core.h"

/* The client library against a host that wants to hurt it: it must end with an error, or go on. */

#define MS	  1000000ull
#define SAY_MAX	  200000u
#define JUNK_SEED 7u

/* When a host that closes does it. */
enum closing { NEVER, WHEN_READY, AFTER_HELLO, AFTER_WORDS, FIN_AFTER_WORDS };

#define FLOODS	  9u  /* kinds of datagrams that throw_flood() makes */
#define PER_TURN  40u /* of each, about every 2 ms: 20,000 a second */
#define N_STREAMS 4   /* as many as QUIC allows */

/* What the next host does. */
struct plan {
	uint8_t say[SAY_MAX]; /* on the control stream, once a Hello came */
	size_t say_len;
	enum closing closing;
	bool more_streams, junk;
	bool flood;  /* every plane, as fast as it goes */
	bool filler; /* of a speed test that nobody asked for */
	bool crawl;  /* transfers that never end, a byte at a time */
};

struct hostile {
	struct plan plan;
	struct quic_endpoint *endpoint;
	struct pf_identity *identity;
	struct udp_socket data;
	union udp_addr client; /* of the data plane, once it punched */
	socklen_t client_len;
	pthread_t thread;
	_Atomic bool stop;
	bool said;
	int64_t control;
	struct quic_conn *conn;
	uint64_t seed;
	uint32_t n_thrown;
	uint64_t stream_seq;
};

static struct hostile host;

static void end_stream(struct hostile *h, bool fin)
{
	if (fin)
		assert_true(quic_conn_send(h->conn, h->control, NULL, 0, true) <= 0);
	else
		quic_conn_close(h->conn, 0x7777, "\x1b[2J\nleft");
}

static void on_ready(struct quic_conn *c, const uint8_t *fp, void *userdata)
{
	struct hostile *h = userdata;
	(void)fp;
	h->conn = c;
	if (h->plan.closing == WHEN_READY)
		end_stream(h, false);
	for (int i = 0; h->plan.more_streams && i < 3; i++) {
		static const uint8_t words[3000];
		int64_t id = quic_conn_open_stream(c);
		if (id >= 0)
			(void)!quic_conn_send(c, id, words, sizeof(words), i == 0);
	}
}

static int on_stream(
	struct quic_conn *c, int64_t id, const uint8_t *data, size_t len, bool fin, void *userdata)
{
	struct hostile *h = userdata;
	(void)data, (void)len, (void)fin;
	if (h->said || id % 4 != 0)
		return 0;
	h->said = true;
	h->control = id;
	if (h->plan.closing == AFTER_HELLO) {
		end_stream(h, false);
		return 0;
	}
	(void)!quic_conn_send(c, id, h->plan.say, h->plan.say_len, false);
	if (h->plan.closing == FIN_AFTER_WORDS)
		end_stream(h, true);
	return 0;
}

static void on_datagram(struct quic_conn *c, const uint8_t *data, size_t len, void *userdata)
{
	(void)c, (void)data, (void)len, (void)userdata;
}

static void on_end(struct quic_conn *c, const struct pf_quic_end *end, void *userdata)
{
	struct hostile *h = userdata;
	(void)c, (void)end;
	h->conn = NULL;
}

static const struct quic_endpoint_callbacks callbacks = {
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_end = on_end,
};

/* Packets that no host would send: random ones, and headers of frames that never become whole. */
static void throw_junk(struct hostile *h)
{
	uint8_t buf[1500];
	if (!h->client_len) {
		h->client_len = sizeof(h->client);
		if (recvfrom(h->data.fd, buf, sizeof(buf), MSG_DONTWAIT, &h->client.sa,
			    &h->client_len) < 0)
			h->client_len = 0;
	}
	for (int i = 0; h->client_len && i < 50; i++) {
		size_t len = 1 + test_rand(&h->seed) % sizeof(buf);
		for (size_t j = 0; j < len; j++)
			buf[j] = (uint8_t)test_rand(&h->seed);
		(void)!udp_send_one(&h->data, &h->client, h->client_len, buf, len);
	}
	if (!h->conn)
		return;
	for (int i = 0; i < 20; i++)
		(void)!quic_conn_send_datagram(h->conn, buf, 1 + test_rand(&h->seed) % 200);
}

/* One datagram of each kind that the wire has, well formed but for `bad` of them. */
static void throw_flood(struct hostile *h)
{
	static const uint8_t tags[FLOODS] = {PF_DGRAM_AUDIO, PF_DGRAM_RUMBLE, PF_DGRAM_HID_OUTPUT,
		PF_DGRAM_HDR_META, PF_DGRAM_HOST_TIMING, PF_DGRAM_CURSOR_STATE, PF_DGRAM_PAD_AUDIO,
		PF_DGRAM_AUDIO_REDUNDANT, PF_DGRAM_AUDIO_PCM};
	static const size_t lens[FLOODS] = {60, 14, 6, 29, 25, 14, 80, 100, 977};
	for (unsigned i = 0; i < PER_TURN && h->conn; i++) {
		uint8_t buf[1000];
		unsigned kind = h->n_thrown % FLOODS;
		size_t len = lens[kind];
		for (size_t j = 0; j < len; j++)
			buf[j] = (uint8_t)test_rand(&h->seed);
		buf[0] = tags[kind];
		if (tags[kind] == PF_DGRAM_HID_OUTPUT)
			buf[1] = 1;
		if (h->n_thrown++ % 3 == 0) /* cut somewhere */
			len = 1 + test_rand(&h->seed) % len;
		(void)!quic_conn_send_datagram(h->conn, buf, len);
		quic_endpoint_flush(h->endpoint, clock_now_ns());
	}
}

/* Pointers of the largest size, refused and offered clipboards, news of everything. */
static void say_flood(struct hostile *h)
{
	static uint8_t buf[2 + 17 + 120 * 120 * 4];
	static const uint8_t text[] = "text/plain;charset=utf-8";
	const struct pf_span mime = {text, sizeof(text) - 1};
	const struct pf_msg news[] = {
		{.type = PF_MSG_CURSOR_SHAPE,
			.cursor_shape = {(uint32_t)h->seed, 120, 120, 0, 0,
				{buf, (size_t)120 * 120 * 4}}},
		{.type = PF_MSG_CLIP_OFFER, .clip_offer = {(uint32_t)h->seed, 1, {{mime, 1}}}},
		{.type = PF_MSG_CLIP_STATE, .clip_state = {true, 1, 0}},
		{.type = PF_MSG_ACCESS_UPDATE, .access = {(uint32_t)h->seed, (uint32_t)h->seed}},
		{.type = PF_MSG_PROBE_RESULT, .probe_result = {1, 2, 3, 4, 5, true}},
		{.type = PF_MSG_SHARD_PAYLOAD_CHANGED,
			.shard_payload = (uint16_t)(512 + 2 * (h->seed % 448))},
		{.type = PF_MSG_LAUNCH_OUTCOME, .launch = {9, mime}},
		{.type = PF_MSG_PIPELINE_GAP, .gap_ms = UINT32_MAX},
	};
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]) && h->conn; i++) {
		static uint8_t out[70000];
		int n = pf_msg_write_framed(out, sizeof(out), &news[i]);
		if (n > 0)
			(void)!quic_conn_send(h->conn, h->control, out, (size_t)n, false);
	}
	test_rand(&h->seed);
}

/* Filler in packets that look like video: the client keeps none of it. */
static void throw_filler(struct hostile *h)
{
	uint8_t buf[PF_NATIVE_HEADER_LEN + 1408] = {0};
	if (!h->client_len)
		throw_junk(h); /* learns the address */
	for (uint32_t i = 0; i < PER_TURN && h->client_len; i++) {
		pf_put_le32(buf + 8, h->n_thrown++);
		pf_put_le32(buf + 20, PF_USER_PROBE);
		(void)!udp_send_one(&h->data, &h->client, h->client_len, buf, sizeof(buf));
	}
}

/* Streams of the host's own: heads that never end, and the length of a head that nobody would send. */
static void crawl(struct hostile *h)
{
	static const uint8_t drip[] = {9, 0, 'P', 'K', 'F', 'c', 0x43, 0, 0};
	static int64_t ids[N_STREAMS];
	for (int i = 0; i < N_STREAMS && h->conn; i++) {
		if (!h->stream_seq || ids[i] < 0)
			ids[i] = quic_conn_open_stream(h->conn);
		size_t at = h->stream_seq % sizeof(drip);
		if (ids[i] >= 0 && quic_conn_send(h->conn, ids[i], drip + at, 1, false) < 0)
			ids[i] = -1;
	}
	h->stream_seq++;
}

static void *host_run(void *userdata)
{
	struct hostile *h = userdata;
	while (!atomic_load(&h->stop)) {
		struct pollfd p = {.fd = quic_endpoint_fd(h->endpoint), .events = POLLIN};
		poll(&p, 1, 2);
		if (quic_endpoint_process(h->endpoint, clock_now_ns()) < 0)
			abort();
		if (h->plan.junk)
			throw_junk(h);
		if (h->plan.flood && h->said) {
			throw_flood(h);
			say_flood(h);
		}
		if (h->plan.filler)
			throw_filler(h);
		if (h->plan.crawl && h->said)
			crawl(h);
		if (h->said && h->conn && h->plan.closing == AFTER_WORDS)
			end_stream(h, false);
		quic_endpoint_flush(h->endpoint, clock_now_ns());
	}
	return NULL;
}

static int open_host(void **state)
{
	(void)state;
	memset(&host, 0, sizeof(host));
	host.seed = JUNK_SEED;
	const struct udp_params udp = {.bind_host = "127.0.0.1"};
	if (udp_open(&host.data, &udp) < 0 ||
		pf_identity_generate(&host.identity, "punktfunk", 1700000000) < 0)
		return -1;
	const struct quic_endpoint_params params = {
		.bind_host = "127.0.0.1",
		.identity = host.identity,
		.callbacks = &callbacks,
		.userdata = &host,
		.max_connections = 8,
		.max_handshaking = 8,
	};
	return quic_endpoint_create(&host.endpoint, &params);
}

static int close_host(void **state)
{
	(void)state;
	if (host.thread) {
		atomic_store(&host.stop, true);
		pthread_join(host.thread, NULL);
	}
	quic_endpoint_destroy(host.endpoint);
	pf_identity_destroy(host.identity);
	udp_close(&host.data);
	return 0;
}

static void renew_host(void)
{
	close_host(NULL);
	assert_int_equal(open_host(NULL), 0);
}

static void say(const void *data, size_t len)
{
	struct plan *p = &host.plan;
	assert_true(len <= SAY_MAX - p->say_len);
	memcpy(p->say + p->say_len, data, len);
	p->say_len += len;
}

/* A good Welcome, framed, at the end of what is said. Returns its payload. */
static uint8_t *say_welcome(void)
{
	uint8_t buf[512];
	struct pf_welcome w;
	pf_welcome_init(&w);
	w.data_port = (uint16_t)udp_local_port(&host.data);
	w.mode = (struct pf_mode){640, 480, 60};
	w.fec_scheme = PF_FEC_GF16;
	w.fec_percent = 20;
	w.max_data_per_block = 4096;
	w.shard_payload = 1408;
	w.encrypt = 1;
	w.bitrate_kbps = 20000;
	w.codec = PF_CODEC_H264;
	int n = pf_welcome_write(buf + 2, sizeof(buf) - 2, &w);
	assert_true(n > 0);
	pf_put_le16(buf, (uint16_t)n);
	say(buf, 2u + (size_t)n);
	return host.plan.say + host.plan.say_len - n;
}

static void say_msg(const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int n = pf_msg_write_framed(buf, sizeof(buf), m);
	assert_true(n > 0);
	say(buf, (size_t)n);
}

static int dial(struct punktfunk_connection **c, char *message, size_t len, uint32_t timeout_ms)
{
	struct punktfunk_connect_opts o;
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)quic_endpoint_port(host.endpoint);
	o.mode = (struct punktfunk_mode){640, 480, 60};
	o.timeout_ms = timeout_ms;
	*c = NULL;
	message[0] = 0;
	assert_int_equal(pthread_create(&host.thread, NULL, host_run, &host), 0);
	return punktfunk_connect_opts(c, &o, message, len);
}

static int drain(struct punktfunk_connection *c, uint64_t ns)
{
	uint64_t until = clock_now_ns() + ns;
	int err = 0;
	while (clock_now_ns() < until && err != PUNKTFUNK_E_CLOSED) {
		struct punktfunk_frame f = {.size = sizeof(f)};
		err = punktfunk_connection_next_au(c, &f, 20);
		assert_int_not_equal(err, PUNKTFUNK_OK);
	}
	return err;
}

static void impossible_welcomes_are_refused(void **state)
{
	/* offset in the Welcome, bytes, value */
	static const struct {
		unsigned at, len;
		uint32_t value;
		int want;
	} cases[] = {
		{0, 4, 0, PUNKTFUNK_E_BAD_PACKET},    /* magic */
		{4, 4, 99, PUNKTFUNK_E_WIRE_VERSION}, /* version */
		{8, 2, 0, PUNKTFUNK_E_BAD_PACKET},    /* data port */
		{10, 4, 0, PUNKTFUNK_E_BAD_PACKET},   /* width */
		{10, 4, UINT32_MAX, PUNKTFUNK_E_BAD_PACKET},
		{18, 4, 0, PUNKTFUNK_E_BAD_PACKET}, /* refresh */
		{22, 1, 9, PUNKTFUNK_E_BAD_PACKET}, /* repair code */
		{24, 2, 0, PUNKTFUNK_E_BAD_PACKET}, /* data per block */
		{26, 2, 0, PUNKTFUNK_E_BAD_PACKET}, /* shard */
		{26, 2, 510, PUNKTFUNK_E_BAD_PACKET}, {26, 2, 1001, PUNKTFUNK_E_BAD_PACKET},
		{26, 2, 65534, PUNKTFUNK_E_BAD_PACKET},
		{28, 1, 2, PUNKTFUNK_E_BAD_PACKET}, /* sealed */
		{59, 1, 7, PUNKTFUNK_E_BAD_PACKET}, /* bit depth */
		{66, 1, 3, PUNKTFUNK_E_BAD_PACKET}, /* codec */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct punktfunk_connection *c;
		char message[256];
		uint8_t *w = say_welcome();
		for (unsigned b = 0; b < cases[i].len; b++)
			w[cases[i].at + b] = (uint8_t)(cases[i].value >> 8 * b);
		int err = dial(&c, message, sizeof(message), 5000);
		if (err != cases[i].want)
			fail_msg("case %zu: %d (%s)", i, err, message);
		assert_null(c);
		assert_true(strlen(message) > 20);
		renew_host();
	}
}

static void words_that_are_no_welcome_are_refused(void **state)
{
	struct punktfunk_connection *c;
	char message[256];
	(void)state;
	for (int i = 0; i < 3; i++) {
		uint8_t junk[2 + 65535];
		uint64_t seed = JUNK_SEED + (uint64_t)i;
		for (size_t j = 0; j < sizeof(junk); j++)
			junk[j] = (uint8_t)test_rand(&seed);
		size_t len = i == 0 ? 0 : i == 1 ? 20 : 65535;
		pf_put_le16(junk, (uint16_t)len);
		say(junk, 2 + len);
		assert_int_equal(dial(&c, message, sizeof(message), 5000), PUNKTFUNK_E_BAD_PACKET);
		renew_host();
	}
}

/* It is refused after the first was taken: either connect says so or the session ends. */
static void a_second_welcome_ends_it(void **state)
{
	struct punktfunk_connection *c;
	char message[256];
	(void)state;
	say_welcome();
	say_welcome();
	int err = dial(&c, message, sizeof(message), 5000);
	if (err == PUNKTFUNK_OK) {
		assert_int_equal(drain(c, 2000 * MS), PUNKTFUNK_E_CLOSED);
		assert_int_equal(punktfunk_connection_end_reason(c), PUNKTFUNK_END_HOST_ERROR);
		punktfunk_connection_close(c);
	} else {
		assert_int_equal(err, PUNKTFUNK_E_BAD_PACKET);
	}
}

/* The first refusal is the last word: a good Welcome behind it brings nothing to life. */
static void a_welcome_after_a_refused_one_is_not_heard(void **state)
{
	struct punktfunk_connection *c;
	char message[256];
	(void)state;
	pf_put_le16(say_welcome() + 26, 0);
	say_welcome();
	assert_int_equal(dial(&c, message, sizeof(message), 5000), PUNKTFUNK_E_BAD_PACKET);
	usleep(50000);
	struct sockaddr_in from;
	socklen_t len = sizeof(from);
	uint8_t buf[64];
	/* No data plane was opened for it. */
	assert_true(recvfrom(host.data.fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from,
			    &len) < 0);
}

static void a_host_that_says_nothing_is_given_up(void **state)
{
	struct punktfunk_connection *c;
	char message[256];
	(void)state;
	uint64_t start = clock_now_ns();
	assert_int_equal(dial(&c, message, sizeof(message), 300), PUNKTFUNK_E_TIMEOUT);
	assert_true(clock_now_ns() - start < 2000 * MS);
	assert_true(strlen(message) > 20);
}

static void closes_at_odd_times_are_ends(void **state)
{
	static const enum closing when[] = {WHEN_READY, AFTER_HELLO, AFTER_WORDS, FIN_AFTER_WORDS};
	(void)state;
	for (size_t i = 0; i < sizeof(when) / sizeof(when[0]); i++) {
		struct punktfunk_connection *c;
		char message[256];
		say_welcome();
		host.plan.closing = when[i];
		int err = dial(&c, message, sizeof(message), 5000);
		if (err == PUNKTFUNK_OK) {
			assert_true(i >= 2);
			assert_int_equal(drain(c, 5000 * MS), PUNKTFUNK_E_CLOSED);
			snprintf(message, sizeof(message), "%s",
				punktfunk_connection_end_message(c));
			/* Everything still answers. */
			assert_int_equal(
				punktfunk_connection_request_keyframe(c), PUNKTFUNK_E_CLOSED);
			punktfunk_connection_close(c);
		} else {
			assert_int_equal(err, PUNKTFUNK_E_CLOSED);
		}
		for (const char *p = message; *p; p++)
			assert_true(*p >= ' ' && *p <= '~'); /* a host cannot write on a terminal */
		renew_host();
	}
}

static void nonsense_in_a_session_does_no_harm(void **state)
{
	struct punktfunk_connection *c;
	char message[256];
	struct punktfunk_mode mode;
	(void)state;
	static const uint8_t unknown[] = {9, 0, 'P', 'K', 'F', 'c', 0xEE, 1, 2, 3, 4};
	static const uint8_t no_magic[] = {4, 0, 'P', 'K', 'F', 'd', 0, 0};
	static const uint8_t longer[] = {11, 0, 'P', 'K', 'F', 'c', 0x06, 1, 2, 3, 4, 0, 0};
	struct pf_msg early = {.type = PF_MSG_CLOCK_ECHO};
	say_msg(&early); /* before the Welcome */
	uint8_t *w = say_welcome();
	pf_put_le32(w + 55, UINT32_MAX); /* bitrate: the frame cap must stop at its bound */
	pf_put_le32(w + 18, 1);
	memset(w + 29, 0, 20); /* a key of zeros is a bad key, not a crash */
	for (uint32_t i = 0; i < 500; i++) {
		say(unknown, sizeof(unknown));
		say(longer, sizeof(longer));
		say(no_magic, sizeof(no_magic)); /* and an empty frame */
		say_msg(&(struct pf_msg){.type = PF_MSG_RECONFIGURED,
			.reconfigured = {true, {i * 100000, UINT32_MAX, 0}}});
		say_msg(&(struct pf_msg){
			.type = PF_MSG_BITRATE_CHANGED, .bitrate_changed = {i, 0, true}});
		say_msg(&(struct pf_msg){.type = PF_MSG_CLOCK_ECHO, .clock = {i, UINT64_MAX, i}});
		say_msg(&(struct pf_msg){.type = PF_MSG_RECONFIGURE, .reconfigure = {1, 1, 1}});
		say_msg(&(struct pf_msg){.type = PF_MSG_REQUEST_KEYFRAME});
	}
	host.plan.more_streams = host.plan.junk = true;
	assert_int_equal(dial(&c, message, sizeof(message), 5000), PUNKTFUNK_OK);
	assert_int_equal(drain(c, 500 * MS), PUNKTFUNK_E_NO_FRAME);
	assert_int_equal(punktfunk_connection_mode(c, &mode), 0);
	assert_int_equal(mode.width, 640);
	assert_int_equal(punktfunk_connection_bitrate(c), 499);
	struct punktfunk_stats s = {.size = sizeof(s)};
	assert_int_equal(punktfunk_connection_get_stats(c, &s), 0);
	assert_true(s.packets_bad > 0);
	punktfunk_connection_close(c);
}

static long resident_kb(void)
{
	long pages = 0;
	FILE *f = fopen("/proc/self/statm", "re");
	assert_non_null(f);
	if (fscanf(f, "%*s %ld", &pages) != 1)
		pages = 0;
	fclose(f);
	return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* Nobody pulls anything: what is held stays within its bounds, and the session goes on. */
static void a_flood_on_every_plane_is_bounded(void **state)
{
	struct punktfunk_connection *c;
	char message[256];
	(void)state;
	say_welcome();
	host.plan.flood = true;
	assert_int_equal(dial(&c, message, sizeof(message), 5000), PUNKTFUNK_OK);
	assert_int_equal(punktfunk_connection_clipboard_control(c, 1, 1), PUNKTFUNK_OK);
	assert_int_equal(drain(c, 500 * MS), PUNKTFUNK_E_NO_FRAME);
	long before = resident_kb();
	assert_int_equal(drain(c, 1000 * MS), PUNKTFUNK_E_NO_FRAME);
	if (!TEST_SLOW)
		assert_true(resident_kb() - before < 8192);
	struct punktfunk_stats s = {.size = sizeof(s)};
	assert_int_equal(punktfunk_connection_get_stats(c, &s), 0);
	assert_true(s.datagrams_received > 1000);
	assert_true(s.datagrams_bad > 100);
	assert_true(s.planes_dropped > 100);
	/* And each of them still works. */
	struct punktfunk_event e = {.size = sizeof(e)};
	assert_int_equal(punktfunk_connection_next_event(c, &e, 1000), PUNKTFUNK_OK);
	struct punktfunk_cursor_shape shape = {.size = sizeof(shape)};
	assert_int_equal(punktfunk_connection_next_cursor_shape(c, &shape, 1000), PUNKTFUNK_OK);
	struct punktfunk_clip_event k = {.size = sizeof(k)};
	assert_int_equal(punktfunk_connection_next_clipboard(c, &k, 1000), PUNKTFUNK_OK);
	punktfunk_connection_close(c);
}

static void filler_that_nobody_asked_for_is_thrown_away(void **state)
{
	struct punktfunk_connection *c;
	char message[256];
	(void)state;
	say_welcome()[28] = 0; /* not sealed */
	host.plan.filler = true;
	assert_int_equal(dial(&c, message, sizeof(message), 5000), PUNKTFUNK_OK);
	assert_int_equal(drain(c, 500 * MS), PUNKTFUNK_E_NO_FRAME);
	struct punktfunk_stats s = {.size = sizeof(s)};
	assert_int_equal(punktfunk_connection_get_stats(c, &s), 0);
	assert_true(s.probe_packets > 100);
	assert_int_equal(s.frames_received + s.frames_lost, 0);
	struct punktfunk_probe_result r = {.size = sizeof(r)};
	assert_int_equal(punktfunk_connection_probe_result(c, &r), PUNKTFUNK_E_NO_FRAME);
	punktfunk_connection_close(c);
}

/* Transfers that never come to an end take their places and nothing else. */
static void streams_that_never_end_do_no_harm(void **state)
{
	struct punktfunk_connection *c;
	char message[256];
	uint32_t id;
	(void)state;
	say_welcome();
	host.plan.crawl = true;
	assert_int_equal(dial(&c, message, sizeof(message), 5000), PUNKTFUNK_OK);
	assert_int_equal(punktfunk_connection_clipboard_control(c, 1, 0), PUNKTFUNK_OK);
	assert_int_equal(punktfunk_connection_clipboard_fetch(
				 c, 1, PUNKTFUNK_CLIP_TEXT, PUNKTFUNK_CLIP_NO_FILE, &id),
		PUNKTFUNK_OK);
	assert_int_equal(drain(c, 500 * MS), PUNKTFUNK_E_NO_FRAME);
	struct punktfunk_clip_event e = {.size = sizeof(e)};
	assert_int_equal(punktfunk_connection_next_clipboard(c, &e, 0), PUNKTFUNK_E_NO_FRAME);
	assert_int_equal(punktfunk_connection_clipboard_cancel(c, id), PUNKTFUNK_OK);
	assert_int_equal(punktfunk_connection_next_clipboard(c, &e, 2000), PUNKTFUNK_OK);
	assert_int_equal(e.status, PUNKTFUNK_CLIP_CUT);
	punktfunk_connection_close(c);
}

/* A host that neither answers nor refuses: the program is told, and may give up. */
static int count_waits(void *userdata, uint32_t waited_ms)
{
	unsigned *n = userdata;
	assert_true(waited_ms >= 1000);
	return ++*n == 3;
}

static void waiting_for_approval_is_told(void **state)
{
	struct punktfunk_connection *c;
	struct punktfunk_connect_opts o;
	char message[256] = "";
	unsigned n = 0;
	(void)state;
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)quic_endpoint_port(host.endpoint);
	o.mode = (struct punktfunk_mode){640, 480, 60};
	o.timeout_ms = 300; /* the host hears us long before */
	o.approval_timeout_ms = 60000;
	o.waiting = count_waits;
	o.userdata = &n;
	assert_int_equal(pthread_create(&host.thread, NULL, host_run, &host), 0);
	uint64_t start = clock_now_ns();
	assert_int_equal(
		punktfunk_connect_opts(&c, &o, message, sizeof(message)), PUNKTFUNK_E_CLOSED);
	assert_int_equal(n, 3);
	assert_true(clock_now_ns() - start > 1000 * MS);
	assert_non_null(strstr(message, "gave up"));
	/* Without the callback the time runs out, and the words say what can be done. */
	o.waiting = NULL;
	o.approval_timeout_ms = 500;
	assert_int_equal(
		punktfunk_connect_opts(&c, &o, message, sizeof(message)), PUNKTFUNK_E_TIMEOUT);
	assert_non_null(strstr(message, "approve"));
}

/* --- many threads at one connection, as the header allows --- */

struct caller {
	struct punktfunk_connection *c;
	pthread_t thread;
	_Atomic bool *stop;
};

static void call_planes(struct punktfunk_connection *c)
{
	const struct punktfunk_clip_kind kind = {PUNKTFUNK_CLIP_TEXT, 1};
	const struct punktfunk_pen_sample pen = {.x = 0.5f};
	struct punktfunk_rich_input rich = {.size = sizeof(rich), .kind = PUNKTFUNK_RICH_MOTION};
	uint32_t id = 0;
	(void)!punktfunk_connection_send_mic(c, 0, (const uint8_t *)"x", 1);
	(void)!punktfunk_connection_send_rich_input(c, &rich);
	(void)!punktfunk_connection_send_pen(c, &pen, 1);
	(void)!punktfunk_connection_set_cursor_render(c, 1);
	(void)!punktfunk_connection_set_delivery(c, 1);
	(void)!punktfunk_connection_speed_test(c, 9000, 10);
	(void)!punktfunk_connection_clipboard_control(c, 1, 0);
	(void)!punktfunk_connection_clipboard_offer(c, &kind, 1, &id);
	(void)!punktfunk_connection_clipboard_fetch(c, 1, PUNKTFUNK_CLIP_TEXT, 0, &id);
	(void)!punktfunk_connection_clipboard_cancel(c, id);
	(void)!punktfunk_connection_clipboard_serve(c, id + 1, 0, "x", 1);
	(void)!punktfunk_connection_grants(c);
	(void)!punktfunk_connection_access_expires_in(c);
	(void)!punktfunk_connection_shard_payload(c);
	(void)!punktfunk_connection_end_reject(c);
	(void)!strlen(punktfunk_connection_end_reject_said(c));
}

static void *call_everything(void *userdata)
{
	struct caller *caller = userdata;
	struct punktfunk_connection *c = caller->c;
	const struct punktfunk_input_event e = {.kind = PUNKTFUNK_INPUT_MOUSE_REL, .x = 1};
	while (!atomic_load(caller->stop)) {
		struct punktfunk_mode mode;
		struct punktfunk_stats s = {.size = sizeof(s)};
		uint8_t fp[32];
		(void)!punktfunk_connection_send_input(c, &e);
		(void)!punktfunk_connection_request_keyframe(c);
		(void)!punktfunk_connection_request_bitrate(c, 9000);
		(void)!punktfunk_connection_request_mode(c, 320, 240, 60);
		(void)!punktfunk_connection_mode_result(c);
		(void)!punktfunk_connection_mode(c, &mode);
		(void)!punktfunk_connection_bitrate(c);
		(void)!punktfunk_connection_codec(c);
		(void)!punktfunk_connection_get_stats(c, &s);
		(void)!punktfunk_connection_fingerprint(c, fp);
		(void)!punktfunk_connection_clock_offset_ns(c);
		(void)!punktfunk_connection_end_reason(c);
		(void)!strlen(punktfunk_connection_end_message(c));
		call_planes(c);
	}
	punktfunk_connection_disconnect_quit(c);
	return NULL;
}

static void many_threads_may_call(void **state)
{
	struct punktfunk_connection *c;
	struct caller callers[4];
	_Atomic bool stop = false;
	char message[256];
	(void)state;
	say_welcome();
	for (uint32_t i = 0; i < 200; i++)
		say_msg(&(struct pf_msg){.type = PF_MSG_RECONFIGURED,
			.reconfigured = {true, {640 + 2 * i, 480, 60}}});
	host.plan.junk = host.plan.flood = host.plan.crawl = true;
	assert_int_equal(dial(&c, message, sizeof(message), 5000), PUNKTFUNK_OK);
	for (int i = 0; i < 4; i++) {
		callers[i] = (struct caller){.c = c, .stop = &stop};
		assert_int_equal(
			pthread_create(&callers[i].thread, NULL, call_everything, &callers[i]), 0);
	}
	drain(c, 200 * MS);
	/* The host goes in the middle of it. */
	atomic_store(&host.stop, true);
	pthread_join(host.thread, NULL);
	host.thread = 0;
	quic_endpoint_destroy(host.endpoint);
	host.endpoint = NULL;
	assert_int_equal(drain(c, 5000 * MS), PUNKTFUNK_E_CLOSED);
	atomic_store(&stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(callers[i].thread, NULL);
	punktfunk_connection_close(c);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_host, close_host)
	const struct CMUnitTest tests[] = {
		TEST(impossible_welcomes_are_refused),
		TEST(words_that_are_no_welcome_are_refused),
		TEST(a_second_welcome_ends_it),
		TEST(a_welcome_after_a_refused_one_is_not_heard),
		TEST(a_host_that_says_nothing_is_given_up),
		TEST(closes_at_odd_times_are_ends),
		TEST(nonsense_in_a_session_does_no_harm),
		TEST(a_flood_on_every_plane_is_bounded),
		TEST(filler_that_nobody_asked_for_is_thrown_away),
		TEST(streams_that_never_end_do_no_harm),
		TEST(waiting_for_approval_is_told),
		TEST(many_threads_may_call),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
