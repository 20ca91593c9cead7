/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/crypto/aead.h"
#include "core/packet/native.h"
#include "core/wire/control.h"
#include "core/wire/datagram.h"
#include "core/wire/handshake.h"
#include "host/media/clock.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

/*
 * What a real host sends beside its pictures: filler for speed tests, timing, gaps, and what it says of them. A
 * client opens every packet. PUNKTFUNK_HOST names the program.
 */

#define MS	1000000ull
#define WAIT_NS (5000 * MS)

static struct host_process host;

static const char *const host_args[] = {
	"--source", "synthetic", "--encoder", "null", "--bitrate", "2000", NULL};

struct viewer {
	struct raw raw;
	int fd;
	struct pf_welcome welcome;
	struct pf_aead *aead;
	struct pf_sealer open;
	uint64_t last_pts_ns;
	uint32_t next_frame; /* one above the newest picture's number */
	unsigned n_frames, n_holes;
	unsigned n_filler; /* packets */
	uint32_t next_unit;
	size_t shard; /* of the newest packet */
};

static void look_at(struct viewer *v, const struct pf_native_header *h)
{
	if (h->user_flags & PF_USER_PROBE) {
		assert_int_equal(h->user_flags, PF_USER_PROBE);
		v->n_filler++;
		assert_true(h->frame_index <= v->next_unit);
		if (h->frame_index == v->next_unit)
			v->next_unit++;
		return;
	}
	v->shard = h->shard_bytes;
	if (h->frame_index < v->next_frame)
		return;
	v->n_holes += h->frame_index - v->next_frame;
	v->next_frame = h->frame_index + 1;
	v->last_pts_ns = h->pts_ns;
	v->n_frames++;
}

static void read_packets(struct viewer *v)
{
	uint8_t packet[2048], *text;
	ssize_t n;
	while ((n = recv(v->fd, packet, sizeof(packet), MSG_DONTWAIT)) >= 0) {
		struct pf_native_header h;
		uint64_t seq;
		size_t len;
		assert_int_equal(pf_sealer_open(&v->open, packet, (size_t)n, &seq, &text, &len), 0);
		assert_int_equal(pf_native_header_read(&h, text, len), 0);
		assert_int_equal(len, PF_NATIVE_HEADER_LEN + h.shard_bytes);
		look_at(v, &h);
	}
}

static void turn(struct viewer *v)
{
	raw_turn(&v->raw);
	read_packets(v);
	assert_false(v->raw.ended);
}

static void turn_for(struct viewer *v, uint64_t ns)
{
	uint64_t until = clock_now_ns() + ns;
	while (clock_now_ns() < until)
		turn(v);
}

static size_t count(const struct raw *r, enum pf_msg_type type, struct pf_msg *last)
{
	size_t n = 0, at = 2u + pf_get_le16(r->got); /* behind Welcome */
	while (at + 2 <= r->got_len && at + 2 + pf_get_le16(r->got + at) <= r->got_len) {
		struct pf_msg m;
		size_t len = pf_get_le16(r->got + at);
		assert_int_equal(pf_msg_read(&m, r->got + at + 2, len), 0);
		if (m.type == type) {
			*last = m;
			n++;
		}
		at += 2 + len;
	}
	return n;
}

static void wait_msg(struct viewer *v, enum pf_msg_type type, size_t n, struct pf_msg *m)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (count(&v->raw, type, m) < n && clock_now_ns() < until)
		turn(v);
	assert_int_equal(count(&v->raw, type, m), n);
}

static void say(struct viewer *v, const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	assert_true(len > 0);
	assert_int_equal(quic_conn_send(v->raw.conn, v->raw.stream, buf, (size_t)len, false), 0);
	quic_endpoint_flush(v->raw.endpoint, clock_now_ns());
}

static void open_data(struct viewer *v)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sockaddr_in to = own;
	socklen_t len = sizeof(own);
	int room = 8 << 20;
	uint8_t payload[16];
	to.sin_port = htons(v->welcome.data_port);
	v->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(v->fd >= 0);
	setsockopt(v->fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	assert_int_equal(bind(v->fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(getsockname(v->fd, (struct sockaddr *)&own, &len), 0);
	struct pf_start start = {.client_port = ntohs(own.sin_port)};
	int n = pf_start_write(payload, sizeof(payload), &start);
	assert_true(n > 0);
	raw_send(&v->raw, payload, (size_t)n);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!v->n_frames && clock_now_ns() < until) {
		sendto(v->fd, PF_PUNCH, PF_PUNCH_LEN, 0, (struct sockaddr *)&to, sizeof(to));
		turn_for(v, 20 * MS);
	}
	assert_true(v->n_frames > 0);
}

static void view(struct viewer *v, uint8_t video_caps, const char *launch, uint16_t max_shard)
{
	uint8_t payload[256];
	struct pf_hello h;
	memset(v, 0, sizeof(*v));
	pf_hello_init(&h);
	h.mode = (struct pf_mode){640, 480, 60};
	h.codecs = PF_CODEC_H264;
	h.video_caps = video_caps;
	h.max_shard = max_shard;
	strcpy(h.launch, launch);
	int n = pf_hello_write(payload, sizeof(payload), &h);
	assert_true(n > 0);
	raw_open(&v->raw, host.port);
	raw_send(&v->raw, payload, (size_t)n);
	raw_wait_bytes(&v->raw, 2 + PF_WELCOME_MIN);
	assert_int_equal(pf_welcome_read(&v->welcome, v->raw.got + 2, pf_get_le16(v->raw.got)), 0);
	assert_int_equal(
		pf_aead_create(&v->aead, PF_CIPHER_AES_128_GCM, v->welcome.aes_key, 16), 0);
	pf_sealer_init(&v->open, v->aead, v->welcome.salt, PF_HOST_TO_CLIENT);
	open_data(v);
}

static void leave(struct viewer *v)
{
	close(v->fd);
	pf_aead_destroy(v->aead);
	raw_close(&v->raw);
}

static void ask_probe(struct viewer *v, uint32_t kbps, uint32_t ms)
{
	say(v, &(struct pf_msg){.type = PF_MSG_PROBE_REQUEST, .probe_request = {kbps, ms}});
}

static void a_speed_test_is_beside_the_video(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	view(&v, PF_VCAP_PROBE_SEQ, "", 0);
	unsigned frames = v.n_frames;
	ask_probe(&v, 20000, 400);
	wait_msg(&v, PF_MSG_PROBE_RESULT, 1, &m);
	turn_for(&v, 50 * MS);
	/* 20 Mbit/s for 0.4 s; a machine that is busy gets less out of its door, never more. */
	assert_in_range(m.probe_result.bytes, 300000, 1020000);
	assert_in_range(m.probe_result.duration_ms, 400, 2000);
	assert_true(m.probe_result.has_wire);
	assert_int_equal(m.probe_result.packets, v.next_unit);
	assert_int_equal(m.probe_result.wire_packets, v.n_filler);
	assert_int_equal(m.probe_result.dropped, 0);
	assert_true(v.n_frames > frames + 5);
	assert_int_equal(v.n_holes, 0);
	/* The next one goes on in the same numbers. */
	ask_probe(&v, 5000, 100);
	wait_msg(&v, PF_MSG_PROBE_RESULT, 2, &m);
	turn_for(&v, 50 * MS);
	assert_int_equal(m.probe_result.bytes > 0, 1);
	assert_true(v.next_unit > m.probe_result.packets);
	leave(&v);
}

static void a_shaped_test_comes_in_groups(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	view(&v, PF_VCAP_PROBE_SEQ, "", 0);
	say(&v,
		&(struct pf_msg){.type = PF_MSG_PROBE_SHAPED,
			.probe_shaped = {8000, 500, 50, 20000, 100000}});
	wait_msg(&v, PF_MSG_PROBE_RESULT, 1, &m);
	/* 50 groups a second of 20000 bytes, for half a second */
	assert_in_range(m.probe_result.bytes, 200000, 520000);
	assert_int_equal(v.n_holes, 0);
	leave(&v);
}

static void a_speed_test_has_its_bounds(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	view(&v, PF_VCAP_PROBE_SEQ, "", 0);
	ask_probe(&v, UINT32_MAX, 200);
	ask_probe(&v, 1000, 200); /* one at a time */
	wait_msg(&v, PF_MSG_PROBE_RESULT, 1, &m);
	assert_int_equal(m.probe_result.bytes, 0);
	assert_int_equal(m.probe_result.duration_ms, 0);
	wait_msg(&v, PF_MSG_PROBE_RESULT, 2, &m);
	/* Twice --max-bitrate */
	assert_in_range(
		m.probe_result.bytes, 1, 2ull * 150000 * 125 * m.probe_result.duration_ms / 1000);
	static const uint32_t nothing[][2] = {{0, 100}, {100, 0}, {0, 0}};
	for (size_t i = 0; i < 3; i++) {
		ask_probe(&v, nothing[i][0], nothing[i][1]);
		wait_msg(&v, PF_MSG_PROBE_RESULT, 3 + i, &m);
		assert_int_equal(m.probe_result.bytes, 0);
	}
	/* All day, and then gone in the middle of it. */
	ask_probe(&v, 10000, UINT32_MAX);
	turn_for(&v, 100 * MS);
	leave(&v);
	view(&v, 0, "", 0);
	ask_probe(&v, 10000, 100); /* no numbers of its own */
	wait_msg(&v, PF_MSG_PROBE_RESULT, 1, &m);
	assert_int_equal(m.probe_result.bytes, 0);
	assert_int_equal(v.n_filler, 0);
	leave(&v);
}

static void a_client_chooses_how_frames_leave(void **state)
{
	static const uint8_t profiles[] = {
		PF_DELIVERY_SMOOTH, PF_DELIVERY_BURST, PF_DELIVERY_CAPPED};
	struct viewer v;
	struct pf_msg m;
	(void)state;
	view(&v, 0, "", 0);
	assert_int_equal(v.welcome.host_caps2 & PF_HCAP2_DELIVERY, PF_HCAP2_DELIVERY);
	wait_msg(&v, PF_MSG_HOST_FACTS, 1, &m);
	assert_int_equal(m.host_facts.forced_profile, 0xFF);
	for (size_t i = 0; i < sizeof(profiles); i++) {
		say(&v, &(struct pf_msg){.type = PF_MSG_SET_DELIVERY, .set_delivery = profiles[i]});
		wait_msg(&v, PF_MSG_DELIVERY_CHANGED, i + 1, &m);
		assert_int_equal(m.delivery_changed.profile, profiles[i]);
		assert_false(m.delivery_changed.forced);
		unsigned before = v.n_frames;
		turn_for(&v, 200 * MS);
		assert_true(v.n_frames > before + 3);
	}
	assert_int_equal(v.n_holes, 0);
	leave(&v);
}

static void an_unknown_program_is_refused_and_the_desktop_shown(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	view(&v, 0, "steam:570", 0);
	wait_msg(&v, PF_MSG_LAUNCH_OUTCOME, 1, &m);
	assert_int_equal(m.launch.kind, PF_LAUNCH_REFUSED);
	assert_true(m.launch.text.len > 10);
	unsigned before = v.n_frames;
	turn_for(&v, 200 * MS);
	assert_true(v.n_frames > before);
	leave(&v);
	view(&v, 0, "", 0);
	turn_for(&v, 50 * MS);
	assert_int_equal(count(&v.raw, PF_MSG_LAUNCH_OUTCOME, &m), 0);
	leave(&v);
}

static void frames_tell_how_long_they_took(void **state)
{
	struct viewer v;
	struct pf_host_timing t;
	(void)state;
	view(&v, PF_VCAP_HOST_TIMING, "", 0);
	turn_for(&v, 300 * MS);
	assert_true(v.raw.n_datagrams > 5);
	assert_int_equal(pf_host_timing_read(&t, v.raw.datagram, v.raw.datagram_len), 0);
	assert_true(t.pts_ns <= v.last_pts_ns && t.pts_ns + 500 * MS > v.last_pts_ns);
	assert_true(t.host_us < 5000000);
	uint32_t parts = t.queue_us + t.encode_us + t.pace_us;
	assert_in_range(t.host_us, parts, parts + 3); /* each is rounded down */
	leave(&v);
	view(&v, 0, "", 0);
	turn_for(&v, 100 * MS);
	assert_int_equal(v.raw.n_datagrams, 0);
	leave(&v);
}

static void a_gap_is_told(void **state)
{
	struct viewer v;
	struct pf_msg m;
	(void)state;
	view(&v, 0, "", 0);
	size_t before = count(&v.raw, PF_MSG_PIPELINE_GAP, &m);
	kill(host.pid, SIGSTOP);
	usleep(600000);
	kill(host.pid, SIGCONT);
	wait_msg(&v, PF_MSG_PIPELINE_GAP, before + 1, &m);
	assert_in_range(m.gap_ms, 500, 5000);
	leave(&v);
}

static int start(void **state)
{
	const char *path = getenv("PUNKTFUNK_HOST");
	(void)state;
	return path ? host_process_start(&host, path, host_args) : -1;
}

static int stop(void **state)
{
	(void)state;
	int err = host_process_end(&host);
	host_process_clean(&host);
	return err;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_speed_test_is_beside_the_video),
		cmocka_unit_test(a_shaped_test_comes_in_groups),
		cmocka_unit_test(a_speed_test_has_its_bounds),
		cmocka_unit_test(a_client_chooses_how_frames_leave),
		cmocka_unit_test(an_unknown_program_is_refused_and_the_desktop_shown),
		cmocka_unit_test(frames_tell_how_long_they_took),
		cmocka_unit_test(a_gap_is_told),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
