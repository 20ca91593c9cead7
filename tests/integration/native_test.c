/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/crypto/aead.h"
#include "core/packet/native.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "host/media/clock.h"
#include "punktfunk_core.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

/*
 * What a hostile, broken or unlucky client gets from a real host process, and what a client is told. Each
 * test ends by seeing that the host serves the next client. PUNKTFUNK_HOST names the program.
 */

#define WAIT_NS 5000000000ull

static struct host_process host;

static const char *const host_args[] = {
	"--source", "synthetic", "--max-concurrent", "2", "--codecs", "h264", NULL};

static int connect_good(struct punktfunk_connection **c, int port, const uint8_t *pin,
	char *message, size_t message_len)
{
	struct punktfunk_connect_opts o;
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)port;
	o.mode = (struct punktfunk_mode){640, 480, 60};
	o.pin = pin;
	o.timeout_ms = 5000;
	return punktfunk_connect_opts(c, &o, message, message_len);
}

static struct punktfunk_connection *connect_or_fail(void)
{
	struct punktfunk_connection *c = NULL;
	char message[256] = "";
	if (connect_good(&c, host.port, NULL, message, sizeof(message)) < 0)
		fail_msg("the host does not serve: %s", message);
	return c;
}

static void receive_frames(struct punktfunk_connection *c, int n)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (n > 0 && clock_now_ns() < until) {
		struct punktfunk_frame f = {.size = sizeof(f)};
		int err = punktfunk_connection_next_au(c, &f, 100);
		if (err == PUNKTFUNK_OK)
			n--;
		else
			assert_int_equal(err, PUNKTFUNK_E_NO_FRAME);
	}
	assert_int_equal(n, 0);
}

static void host_serves(void)
{
	assert_true(host_process_running(&host));
	struct punktfunk_connection *c = connect_or_fail();
	receive_frames(c, 3);
	punktfunk_connection_disconnect_quit(c);
	punktfunk_connection_close(c);
}

static void wrong_version_is_named(void **state)
{
	struct raw r;
	uint8_t hello[64];
	(void)state;
	size_t n = raw_good_hello(hello, sizeof(hello));
	pf_put_le32(hello + 4, 99);
	raw_open(&r, host.port);
	raw_send(&r, hello, n);
	raw_expect_close(&r, PF_CLOSE_WIRE_VERSION, "version");
	host_serves();
}

static void impossible_modes_are_refused(void **state)
{
	static const uint32_t modes[][3] = {{0, 0, 60}, {100000, 100000, 60}, {1280, 720, 0},
		{1280, 0, 60}, {UINT32_MAX, UINT32_MAX, UINT32_MAX}, {16384, 16384, 60}};
	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct raw r;
		uint8_t hello[64];
		size_t n = raw_good_hello(hello, sizeof(hello));
		pf_put_le32(hello + 8, modes[i][0]);
		pf_put_le32(hello + 12, modes[i][1]);
		pf_put_le32(hello + 16, modes[i][2]);
		raw_open(&r, host.port);
		raw_send(&r, hello, n);
		raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "cannot be made");
	}
	host_serves();
}

static void truncated_hellos_are_refused(void **state)
{
	(void)state;
	for (size_t len = 0; len < PF_HELLO_MIN; len += 5) {
		struct raw r;
		uint8_t hello[64];
		raw_good_hello(hello, sizeof(hello));
		raw_open(&r, host.port);
		raw_send(&r, hello, len);
		raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
	}
	host_serves();
}

/* It names no codec, which means HEVC and nothing else. */
static void the_shortest_hello_is_understood(void **state)
{
	struct raw r;
	uint8_t hello[64];
	(void)state;
	raw_good_hello(hello, sizeof(hello));
	raw_open(&r, host.port);
	raw_send(&r, hello, PF_HELLO_MIN);
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "codec");
	host_serves();
}

static void a_codec_in_reserve_serves_the_shortest_hello(void **state)
{
	static const char *const args[] = {"--source", "synthetic", NULL};
	struct host_process other;
	struct raw r;
	uint8_t hello[64];
	(void)state;
	assert_int_equal(host_process_start(&other, getenv("PUNKTFUNK_HOST"), args), 0);
	raw_good_hello(hello, sizeof(hello));
	raw_open(&r, other.port);
	raw_send(&r, hello, PF_HELLO_MIN);
	if (host_process_logged(&other, "HEVC in reserve", 1000)) {
		struct pf_welcome w;
		raw_wait_bytes(&r, 2 + PF_WELCOME_MIN);
		size_t len = pf_get_le16(r.got);
		raw_wait_bytes(&r, 2 + len);
		assert_int_equal(pf_welcome_read(&w, r.got + 2, len), PF_OK);
		assert_int_equal(w.codec, PF_CODEC_HEVC);
		raw_close(&r);
	} else {
		assert_true(host_process_logged(&other, "HEVC not built in", 1000));
		raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "codec");
	}
	assert_int_equal(host_process_end(&other), 0);
	host_process_clean(&other);
}

static void an_oversized_hello_is_refused(void **state)
{
	struct raw r;
	static uint8_t big[65535];
	(void)state;
	memset(big, 0xA5, sizeof(big)); /* no magic */
	raw_open(&r, host.port);
	raw_send(&r, big, sizeof(big));
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
	host_serves();
}

static void start_session(struct raw *r)
{
	uint8_t hello[64];
	raw_open(r, host.port);
	size_t n = raw_good_hello(hello, sizeof(hello));
	raw_send(r, hello, n);
	raw_wait_bytes(r, 2 + PF_WELCOME_MIN);
}

static void unknown_types_are_skipped(void **state)
{
	struct raw r;
	static const uint8_t unknown[] = {'P', 'K', 'F', 'c', 0xEE, 1, 2, 3};
	uint8_t probe[PF_MSG_MAX_LEN];
	struct pf_msg m = {.type = PF_MSG_CLOCK_PROBE, .clock.t1_ns = 7};
	(void)state;
	start_session(&r);
	size_t before = r.got_len;
	raw_send(&r, unknown, sizeof(unknown));
	int len = pf_msg_write_framed(probe, sizeof(probe), &m);
	assert_true(len > 0);
	assert_int_equal(quic_conn_send(r.conn, r.stream, probe, (size_t)len, false), 0);
	raw_wait_bytes(&r, before + 2 + 29); /* the echo: the unknown one before it did no harm */
	raw_close(&r);
	host_serves();
}

/* Later versions have made messages longer; shipped hosts skip all that they do not know. */
static void a_malformed_message_is_skipped(void **state)
{
	struct raw r;
	static const uint8_t short_reconfigure[] = {'P', 'K', 'F', 'c', 0x01, 1, 2, 3};
	static const uint8_t long_bitrate[] = {'P', 'K', 'F', 'c', 0x05, 0, 0, 1, 0, 7};
	static const uint8_t probe[] = {'P', 'K', 'F', 'c', 0x30, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t no_magic[] = {'P', 'K', 'F', 'd', 0x30, 1, 2, 3, 4, 5, 6, 7, 8};
	static const uint8_t second_hello[24] = {'P', 'K', 'F', '1', 2};
	(void)state;
	start_session(&r);
	size_t before = r.got_len;
	raw_send(&r, short_reconfigure, sizeof(short_reconfigure));
	raw_send(&r, long_bitrate, sizeof(long_bitrate));
	raw_send(&r, no_magic, sizeof(no_magic));
	raw_send(&r, NULL, 0);
	raw_send(&r, probe, sizeof(probe));
	raw_wait_bytes(&r, before + 2 + 29); /* the echo, and no answer to the others */
	assert_int_equal(r.got[before + 2 + 4], PF_MSG_CLOCK_ECHO);
	raw_send(&r, second_hello, sizeof(second_hello));
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
	host_serves();
}

/* On this wire the certificate is the device: without one there is nothing to pair. */
static void a_pairing_without_a_certificate_is_refused(void **state)
{
	struct raw r;
	static const uint8_t pair[] = {'P', 'K', 'F', 'c', 0x10, 2, 't', 'v', 1, 0, 0x41};
	static const uint8_t unknown[] = {'P', 'K', 'F', 'c', 0xEE};
	(void)state;
	raw_open(&r, host.port);
	raw_send(&r, pair, sizeof(pair));
	raw_expect_close(&r, PF_CLOSE_IDENTITY_REQUIRED, "certificate");
	raw_open(&r, host.port);
	raw_send(&r, unknown, sizeof(unknown));
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
	host_serves();
}

static void ask(struct raw *r, const struct pf_msg *m, struct pf_msg *answer, size_t len)
{
	uint8_t out[PF_MSG_MAX_LEN];
	size_t before = r->got_len;
	int n = pf_msg_write_framed(out, sizeof(out), m);
	assert_true(n > 0);
	assert_int_equal(quic_conn_send(r->conn, r->stream, out, (size_t)n, false), 0);
	raw_wait_bytes(r, before + 2 + len);
	assert_int_equal(pf_get_le16(r->got + before), len);
	assert_int_equal(pf_msg_read(answer, r->got + before + 2, len), 0);
}

/* The same among messages that nobody asked for, which come from `at` on. */
static void ask_among(struct raw *r, const struct pf_msg *m, size_t at, enum pf_msg_type type,
	struct pf_msg *answer)
{
	uint8_t out[PF_MSG_MAX_LEN];
	int n = pf_msg_write_framed(out, sizeof(out), m);
	assert_true(n > 0);
	assert_int_equal(quic_conn_send(r->conn, r->stream, out, (size_t)n, false), 0);
	do {
		raw_wait_bytes(r, at + 2);
		size_t len = pf_get_le16(r->got + at);
		raw_wait_bytes(r, at + 2 + len);
		int err = pf_msg_read(answer, r->got + at + 2, len);
		assert_true(err == 0 || err == PF_E_UNSUPPORTED);
		at += 2 + len;
	} while (answer->type != type);
}

static void what_shipped_clients_ask_is_answered(void **state)
{
	struct raw r;
	struct pf_msg answer;
	(void)state;
	start_session(&r);
	/* A speed test that is not answered holds their reports back for seconds. */
	ask(&r, &(struct pf_msg){.type = PF_MSG_PROBE_REQUEST, .probe_request = {100000, 800}},
		&answer, 21);
	assert_int_equal(answer.type, PF_MSG_PROBE_RESULT);
	assert_int_equal(answer.probe_result.bytes, 0);
	assert_int_equal(answer.probe_result.duration_ms, 0);
	ask(&r, &(struct pf_msg){.type = PF_MSG_SET_BITRATE, .bitrate_kbps = 0}, &answer, 9);
	assert_int_equal(answer.bitrate_changed.kbps, 20000); /* the host's own */
	ask(&r, &(struct pf_msg){.type = PF_MSG_SET_BITRATE, .bitrate_kbps = 1}, &answer, 9);
	assert_int_equal(answer.bitrate_changed.kbps, 500);
	/* A range that no encoder keeps: a keyframe, and the session goes on. */
	static const uint8_t backwards[] = {'P', 'K', 'F', 'c', 0x07, 9, 0, 0, 0, 2, 0, 0, 0};
	raw_send(&r, backwards, sizeof(backwards));
	ask(&r, &(struct pf_msg){.type = PF_MSG_RECONFIGURE, .reconfigure = {640, 480, 30}},
		&answer, 18);
	assert_true(answer.reconfigured.accepted);
	raw_close(&r);
	host_serves();
}

/* Opens the first datagram of a stream as wire 7.2 and 7.3 say. */
static struct pf_native_header first_packet(int fd, const struct pf_welcome *w)
{
	uint8_t packet[2048], *text;
	uint64_t seq;
	size_t len;
	struct pf_aead *aead;
	struct pf_sealer open;
	struct pf_native_header h;
	struct timeval patience = {.tv_sec = 5};
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	ssize_t n = recv(fd, packet, sizeof(packet), 0);
	assert_int_equal(n, 8 + 40 + w->shard_payload + 16);
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, w->aes_key, 16), 0);
	pf_sealer_init(&open, aead, w->salt, PF_HOST_TO_CLIENT);
	assert_int_equal(pf_sealer_open(&open, packet, (size_t)n, &seq, &text, &len), 0);
	assert_int_equal(seq, 0);
	assert_int_equal(pf_native_header_read(&h, text, len), 0);
	pf_aead_destroy(aead);
	return h;
}

/* A socket for the video that has punched, and a Start that names it. */
static int start_video(struct raw *r, const struct pf_welcome *w, const struct pf_ext *ext)
{
	uint8_t payload[64];
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(w->data_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in own;
	socklen_t own_len = sizeof(own);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &own_len), 0);
	assert_int_equal(send(fd, "PFpunch1", 8, 0), 8);
	struct pf_start start = {.client_port = ntohs(own.sin_port), .ext = ext};
	int n = pf_start_write(payload, sizeof(payload), &start);
	assert_true(n >= 6);
	raw_send(r, payload, (size_t)n);
	return fd;
}

/* The punch overtakes Start, as it may; pictures come to where it came from, marked as shipped hosts do. */
static void the_stream_starts_as_a_shipped_client_expects(void **state)
{
	struct raw r;
	struct pf_welcome w;
	(void)state;
	start_session(&r);
	assert_int_equal(pf_welcome_read(&w, r.got + 2, pf_get_le16(r.got)), 0);
	assert_int_equal(w.max_data_per_block, 4096);
	assert_int_equal(w.shard_payload, 1408);
	int fd = start_video(&r, &w, NULL);
	struct pf_native_header h = first_packet(fd, &w);
	assert_int_equal(h.frame_index, 0);
	assert_int_equal(h.stream_seq, 0);
	assert_int_equal(h.user_flags, 0x5); /* a picture, and a keyframe */
	assert_int_equal(h.flags, 0x5);	     /* a picture, and the first packet */
	assert_int_equal(h.scheme, 1);
	assert_int_equal(h.block_index, 0);
	assert_int_equal(h.block_count, 1);
	assert_int_equal(h.shard_index, 0);
	close(fd);
	raw_close(&r);
	host_serves();
}

/* Repair shards per hundred data shards in the newest frame that came. */
static unsigned repair_share(int fd, const struct pf_welcome *w, struct pf_aead *aead)
{
	uint8_t packet[2048], *text;
	uint64_t seq;
	size_t len;
	unsigned share = 0;
	struct pf_sealer open;
	struct pf_native_header h;
	ssize_t n;
	pf_sealer_init(&open, aead, w->salt, PF_HOST_TO_CLIENT);
	while ((n = recv(fd, packet, sizeof(packet), MSG_DONTWAIT)) > 0) {
		assert_int_equal(pf_sealer_open(&open, packet, (size_t)n, &seq, &text, &len), 0);
		assert_int_equal(pf_native_header_read(&h, text, len), 0);
		share = h.parity_shards * 100u / h.data_shards;
	}
	return share;
}

static void reports_steer_the_stream(void **state)
{
	struct raw r;
	struct pf_welcome w;
	struct pf_aead *aead;
	struct pf_msg answer;
	const struct pf_ext ext = {.abr_features = PF_ABR_READS_REASON};
	(void)state;
	start_session(&r);
	assert_int_equal(pf_welcome_read(&w, r.got + 2, pf_get_le16(r.got)), 0);
	assert_int_equal(w.fec_percent, 10);
	assert_true(w.host_caps2 & PF_HCAP2_EXT_BLOCK);
	int fd = start_video(&r, &w, &ext);
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, w.aes_key, 16), 0);
	static const uint8_t lossy[] = {
		'P', 'K', 'F', 'c', 0x04, 0xA0, 0x86, 1, 0}; /* 100000 ppm */
	static const uint8_t never[] = {
		'P', 'K', 'F', 'c', 0x0B, 255, 255, 255, 255, 255, 255, 255, 255};
	unsigned share = 0;
	for (unsigned i = 0; i < 500 && share < 25; i++) {
		if (i % 50 == 0) {
			raw_send(&r, lossy, sizeof(lossy));
			raw_send(&r, never, sizeof(never)); /* more than was ever sent: harmless */
		}
		raw_turn(&r);
		usleep(10000);
		unsigned now = repair_share(fd, &w, aead);
		share = now ? now : share;
	}
	assert_in_range(share, 25, 50);
	/* Other messages may come between, so it is looked for: 10 bytes, granted. */
	size_t before = r.got_len;
	ask_among(&r, &(struct pf_msg){.type = PF_MSG_SET_BITRATE, .bitrate_kbps = 5000}, before,
		PF_MSG_BITRATE_CHANGED, &answer);
	assert_true(answer.bitrate_changed.has_reason);
	assert_int_equal(answer.bitrate_changed.kbps, 5000);
	assert_int_equal(answer.bitrate_changed.reason, PF_BITRATE_GRANTED);
	pf_aead_destroy(aead);
	close(fd);
	raw_close(&r);
	host_serves();
}

static void control_before_hello_is_refused(void **state)
{
	struct raw r;
	static const uint8_t keyframe[] = {'P', 'K', 'F', 'c', 0x03};
	(void)state;
	raw_open(&r, host.port);
	raw_send(&r, keyframe, sizeof(keyframe));
	raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
	host_serves();
}

static void one_client_too_many_hears_busy(void **state)
{
	struct punktfunk_connection *c = NULL;
	char message[256] = "";
	(void)state;
	struct punktfunk_connection *a = connect_or_fail(), *b = connect_or_fail();
	assert_int_equal(
		connect_good(&c, host.port, NULL, message, sizeof(message)), PUNKTFUNK_E_BUSY);
	assert_non_null(strstr(message, "busy"));
	receive_frames(a, 2);
	receive_frames(b, 2);
	punktfunk_connection_close(a);
	punktfunk_connection_close(b);
	host_serves();
}

static void a_wrong_pin_stops_the_client(void **state)
{
	struct punktfunk_connection *c = NULL;
	char message[256] = "";
	uint8_t pin[32];
	(void)state;
	memset(pin, 0x42, sizeof(pin));
	assert_int_equal(
		connect_good(&c, host.port, pin, message, sizeof(message)), PUNKTFUNK_E_PIN);
	assert_null(c);
	assert_non_null(strstr(message, "certificate"));
	host_serves();
}

static void the_right_pin_passes(void **state)
{
	struct punktfunk_connection *c = connect_or_fail();
	char message[256] = "";
	uint8_t pin[32];
	(void)state;
	assert_int_equal(punktfunk_connection_fingerprint(c, pin), 0);
	punktfunk_connection_close(c);
	c = NULL;
	assert_int_equal(connect_good(&c, host.port, pin, message, sizeof(message)), 0);
	receive_frames(c, 2);
	punktfunk_connection_close(c);
}

static void nobody_there_is_said_plainly(void **state)
{
	struct punktfunk_connection *c = NULL;
	struct punktfunk_connect_opts o;
	char message[256] = "";
	(void)state;
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = 1; /* nothing listens there */
	o.mode = (struct punktfunk_mode){640, 480, 60};
	o.timeout_ms = 1000;
	uint64_t start = clock_now_ns();
	int err = punktfunk_connect_opts(&c, &o, message, sizeof(message));
	assert_true(err == PUNKTFUNK_E_CLOSED || err == PUNKTFUNK_E_TIMEOUT); /* ICMP, or none */
	assert_true(clock_now_ns() - start < 3000000000ull);
	assert_non_null(strstr(message, "nobody answers"));
	o.host = "no-such-host.invalid";
	assert_true(punktfunk_connect_opts(&c, &o, message, sizeof(message)) < 0);
	assert_non_null(strstr(message, "no-such-host.invalid"));
}

/* Junk of every size, some of it dressed as a QUIC Initial, each sent twice, to one port. */
static void throw_junk(int port)
{
	uint8_t junk[1500];
	uint64_t seed = 99;
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	for (int i = 0; i < 3000; i++) {
		size_t len = test_rand(&seed) % sizeof(junk);
		for (size_t j = 0; j < len; j++)
			junk[j] = (uint8_t)test_rand(&seed);
		if (i % 3 == 0 && len > 5) {
			junk[0] |= 0xC0;
			memcpy(junk + 1, "\0\0\0\1", 4);
		}
		for (int twice = 0; twice < 2; twice++)
			sendto(fd, junk, len, 0, (struct sockaddr *)&to, sizeof(to));
	}
	close(fd);
}

static void garbage_on_the_ports_does_no_harm(void **state)
{
	struct raw r;
	struct pf_welcome w;
	(void)state;
	struct punktfunk_connection *c = connect_or_fail();
	receive_frames(c, 1);
	start_session(&r);
	assert_int_equal(pf_welcome_read(&w, r.got + 2, pf_get_le16(r.got)), 0);
	throw_junk(host.port);
	throw_junk(w.data_port);
	receive_frames(c, 5);
	punktfunk_connection_close(c);
	raw_close(&r);
	host_serves();
}

static void the_mode_changes_in_mid_stream(void **state)
{
	struct punktfunk_connection *c = connect_or_fail();
	struct punktfunk_mode mode;
	(void)state;
	receive_frames(c, 3);
	assert_int_equal(punktfunk_connection_mode_result(c), PUNKTFUNK_E_NO_FRAME);
	assert_int_equal(punktfunk_connection_request_mode(c, 800, 600, 60), 0);
	assert_int_equal(punktfunk_connection_request_mode(c, 0, 0, 0), PUNKTFUNK_E_INVALID);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!punktfunk_connection_mode_result(c) && clock_now_ns() < until)
		receive_frames(c, 1);
	assert_int_equal(punktfunk_connection_mode_result(c), 1);
	assert_int_equal(punktfunk_connection_mode(c, &mode), 0);
	assert_int_equal(mode.width, 800);
	receive_frames(c, 5);
	assert_int_equal(punktfunk_connection_request_bitrate(c, 5000), 0);
	assert_int_equal(punktfunk_connection_request_keyframe(c), 0);
	while (punktfunk_connection_bitrate(c) != 5000 && clock_now_ns() < until)
		receive_frames(c, 1);
	assert_int_equal(punktfunk_connection_bitrate(c), 5000);
	punktfunk_connection_close(c);
}

/* A reader that stops for a while goes on with the present, not with a backlog. */
static void a_slow_reader_jumps_to_the_present(void **state)
{
	struct punktfunk_connection *c = connect_or_fail();
	struct punktfunk_stats stats = {.size = sizeof(stats)};
	struct punktfunk_frame f = {.size = sizeof(f)};
	(void)state;
	receive_frames(c, 5);
	usleep(900000);
	uint64_t until = clock_now_ns() + WAIT_NS;
	int err;
	do
		err = punktfunk_connection_next_au(c, &f, 100);
	while ((err == PUNKTFUNK_E_NO_FRAME || !(f.flags & PUNKTFUNK_FRAME_KEYFRAME)) &&
		clock_now_ns() < until);
	assert_int_equal(err, PUNKTFUNK_OK);
	assert_true(clock_realtime_ns() - f.complete_ns < 300000000ull);
	assert_int_equal(punktfunk_connection_get_stats(c, &stats), 0);
	assert_true(stats.frames_skipped > 10);
	receive_frames(c, 5);
	punktfunk_connection_close(c);
}

static void the_host_leaving_is_said_plainly(void **state)
{
	struct host_process other;
	struct punktfunk_connection *c = NULL;
	char message[256] = "";
	(void)state;
	assert_int_equal(host_process_start(&other, getenv("PUNKTFUNK_HOST"), host_args), 0);
	assert_int_equal(connect_good(&c, other.port, NULL, message, sizeof(message)), 0);
	receive_frames(c, 2);
	assert_int_equal(host_process_end(&other), 0);
	struct punktfunk_frame f = {.size = sizeof(f)};
	uint64_t until = clock_now_ns() + WAIT_NS;
	int err = 0;
	while (err != PUNKTFUNK_E_CLOSED && clock_now_ns() < until)
		err = punktfunk_connection_next_au(c, &f, 100);
	assert_int_equal(err, PUNKTFUNK_E_CLOSED);
	assert_int_equal(punktfunk_connection_end_reason(c), PUNKTFUNK_END_HOST_ENDED);
	assert_non_null(strstr(punktfunk_connection_end_message(c), "shutting down"));
	punktfunk_connection_close(c);
	host_process_clean(&other);
}

static void a_port_in_use_is_said_plainly(void **state)
{
	char command[512], line[512] = "";
	(void)state;
	snprintf(command, sizeof(command),
		"'%s' native-host --source synthetic --config-dir %s --port %d 2>&1",
		getenv("PUNKTFUNK_HOST"), host.dir, host.port);
	FILE *p = popen(command, "r");
	bool said = false;
	assert_non_null(p);
	while (fgets(line, sizeof(line), p))
		said |= strstr(line, "is in use") && strstr(line, "--port");
	assert_int_not_equal(pclose(p), 0);
	assert_true(said);
}

/* A client that dies without a word, before and after its handshake was finished, frees its place. */
static void a_vanished_client_frees_its_place(void **state)
{
	struct raw r, s;
	(void)state;
	start_session(&r);
	start_session(&s);
	uint8_t payload[16];
	struct pf_start message = {.client_port = 9}; /* nobody reads what is sent there */
	int n = pf_start_write(payload, sizeof(payload), &message);
	assert_true(n > 0);
	raw_send(&s, payload, (size_t)n);
	/* From here on neither reads nor writes: to the host both are gone. */
	assert_true(host_process_logged(&host, "is gone", 15000));
	uint64_t until = clock_now_ns() + WAIT_NS;
	struct punktfunk_connection *c = NULL;
	char text[256];
	while (connect_good(&c, host.port, NULL, text, sizeof(text)) < 0 && clock_now_ns() < until)
		;
	assert_non_null(c);
	punktfunk_connection_close(c);
	raw_close(&r);
	raw_close(&s);
	host_serves();
}

static int start(void **state)
{
	(void)state;
	return host_process_start(&host, NULL, host_args);
}

static int stop(void **state)
{
	(void)state;
	return host_process_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_version_is_named),
		cmocka_unit_test(impossible_modes_are_refused),
		cmocka_unit_test(truncated_hellos_are_refused),
		cmocka_unit_test(the_shortest_hello_is_understood),
		cmocka_unit_test(a_codec_in_reserve_serves_the_shortest_hello),
		cmocka_unit_test(an_oversized_hello_is_refused),
		cmocka_unit_test(unknown_types_are_skipped),
		cmocka_unit_test(a_malformed_message_is_skipped),
		cmocka_unit_test(a_pairing_without_a_certificate_is_refused),
		cmocka_unit_test(what_shipped_clients_ask_is_answered),
		cmocka_unit_test(the_stream_starts_as_a_shipped_client_expects),
		cmocka_unit_test(reports_steer_the_stream),
		cmocka_unit_test(control_before_hello_is_refused),
		cmocka_unit_test(one_client_too_many_hears_busy),
		cmocka_unit_test(a_wrong_pin_stops_the_client),
		cmocka_unit_test(the_right_pin_passes),
		cmocka_unit_test(nobody_there_is_said_plainly),
		cmocka_unit_test(garbage_on_the_ports_does_no_harm),
		cmocka_unit_test(the_mode_changes_in_mid_stream),
		cmocka_unit_test(a_slow_reader_jumps_to_the_present),
		cmocka_unit_test(the_host_leaving_is_said_plainly),
		cmocka_unit_test(a_port_in_use_is_said_plainly),
		cmocka_unit_test(a_vanished_client_frees_its_place),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
