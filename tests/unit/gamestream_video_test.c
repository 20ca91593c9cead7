/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include "core/base/bytes.h"
#include "host/config/config.h"
#include "host/gamestream/stream.h"
#include "host/gamestream/streams.h"
#include "host/media/unit.h"
#include "tests/support/nv_receiver.h"

/* Units go in, a client's socket gets datagrams; the session is ours here (the linker's --wrap). */

#define TOKEN "0123456789abcdef"

static unsigned n_keyframes_asked, n_invalidated;
static uint32_t lost_first, lost_last;

void __wrap_session_request_keyframe(struct session *s);
void __wrap_session_invalidate(struct session *s, uint32_t first, uint32_t last);
struct pf_mode __wrap_session_mode(const struct session *s);

void __wrap_session_request_keyframe(struct session *s)
{
	(void)s;
	n_keyframes_asked++;
}

void __wrap_session_invalidate(struct session *s, uint32_t first, uint32_t last)
{
	(void)s;
	n_invalidated++;
	lost_first = first;
	lost_last = last;
}

struct pf_mode __wrap_session_mode(const struct session *s)
{
	(void)s;
	return (struct pf_mode){1280, 720, 60};
}

struct rig {
	struct gamestream gamestream;
	struct gs_streams streams;
	struct gs_stream stream;
	struct udp_socket client, other;
	struct nv_video_rx *rx;
	struct nv_frame frame; /* the newest */
	unsigned n_frames;
	uint8_t data[4096];
};

static void on_frame(const struct nv_frame *frame, void *userdata)
{
	struct rig *r = userdata;
	r->frame = *frame;
	r->n_frames++;
}

static void open_socket(struct udp_socket *s)
{
	assert_int_equal(udp_open(s, &(struct udp_params){.bind_host = "127.0.0.1"}), PF_OK);
}

static const struct config config = {.pace_mbps = 900, .pace_burst = 64, .fec_percent = 20};

static int begin(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	assert_non_null(r);
	r->gamestream.config = &config;
	r->streams.g = &r->gamestream;
	r->stream.all = &r->streams;
	r->stream.config = (struct pf_nv_stream_config){.packet_size = 1024, .min_parity = 2};
	r->stream.video.socket.fd = -1;
	open_socket(&r->streams.video);
	open_socket(&r->client);
	open_socket(&r->other);
	gs_target_init(&r->stream.video.target);
	gs_target_reset(&r->stream.video.target, TOKEN);
	atomic_store(&r->stream.video.fec_percent, 20);
	atomic_store(&r->stream.video.heal_percent, 40);
	assert_int_equal(gs_video_open(&r->stream, NULL), PF_OK);
	r->rx = nv_video_rx_create(1024, NULL, on_frame, r);
	assert_non_null(r->rx);
	n_keyframes_asked = n_invalidated = 0;
	*state = r;
	return 0;
}

static int end(void **state)
{
	struct rig *r = *state;
	gs_video_close(&r->stream);
	gs_video_close(&r->stream); /* twice is once */
	gs_target_finish(&r->stream.video.target);
	nv_video_rx_destroy(r->rx);
	udp_close(&r->streams.video);
	udp_close(&r->client);
	udp_close(&r->other);
	free(r);
	return 0;
}

static bool ping(struct rig *r, const struct udp_socket *from, const char *token, size_t len)
{
	uint8_t data[32] = {0};
	union udp_addr addr;
	socklen_t addr_len;
	bool first = false;
	memcpy(data, token, strlen(token));
	assert_int_equal(udp_local_addr(from, &addr, &addr_len), PF_OK);
	return gs_target_ping(&r->stream.video.target, data, len, &addr, addr_len, &first);
}

/* Sends one unit. Returns how many datagrams the socket got. */
static unsigned video(struct rig *r, uint32_t index, size_t len, bool keyframe, bool anchor)
{
	static uint8_t bytes[1 << 20];
	struct unit unit = {
		.data = bytes, .len = len, .keyframe = keyframe, .anchor = anchor, .index = index};
	memset(bytes, (int)(index + 1), sizeof(bytes));
	int err = gs_video_send(&unit, index, &r->stream);
	assert_true(err >= 0);
	return (unsigned)err;
}

static unsigned receive(struct rig *r, const struct udp_socket *s, unsigned n)
{
	unsigned got = 0;
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	while (got < n && poll(&p, 1, 1000) > 0) {
		ssize_t len = recv(s->fd, r->data, sizeof(r->data), 0);
		assert_true(len > 0);
		nv_video_rx_add(r->rx, r->data, (size_t)len);
		got++;
	}
	return got;
}

static void test_nothing_before_a_ping(void **state)
{
	struct rig *r = *state;
	assert_int_equal(video(r, 0, 1000, true, false), 0);
	assert_false(ping(r, &r->client, "0123456789abcdeX", 20));
	assert_false(ping(r, &r->client, TOKEN, 19));
	assert_false(ping(r, &r->client, TOKEN, 21));
	assert_false(ping(r, &r->client, "PING", 4));
	assert_int_equal(video(r, 1, 1000, true, false), 0);
	assert_true(ping(r, &r->client, TOKEN, 20));
	/* It begins with a keyframe. */
	assert_int_equal(video(r, 2, 1000, false, false), 0);
	unsigned n = video(r, 3, 1000, true, false);
	assert_int_equal(n, 3); /* one of data, two of parity */
	assert_int_equal(receive(r, &r->client, n), n);
	assert_int_equal(r->n_frames, 1);
	assert_int_equal(r->frame.index, 1);
	assert_int_equal(r->frame.type, 2);
	assert_true(r->frame.latency > 0);
	/* Nobody asked the session for anything that would come anyway. */
	assert_int_equal(n_keyframes_asked, 0);
}

static void test_types_and_indices(void **state)
{
	struct rig *r = *state;
	assert_true(ping(r, &r->client, TOKEN, 20));
	unsigned n = video(r, 7, 20000, true, false);
	assert_int_equal(receive(r, &r->client, n), n);
	n = video(r, 8, 5000, false, false);
	assert_int_equal(receive(r, &r->client, n), n);
	assert_int_equal(r->frame.index, 2);
	assert_int_equal(r->frame.type, 1);
	n = video(r, 9, 50, false, true);
	assert_int_equal(receive(r, &r->client, n), n);
	assert_int_equal(r->frame.index, 3);
	assert_int_equal(r->frame.type, 5);
	assert_int_equal(nv_video_rx_stats(r->rx)->bad, 0);
	assert_int_equal(nv_video_rx_stats(r->rx)->lost, 0);
}

static void test_invalidation(void **state)
{
	struct rig *r = *state;
	gs_video_invalidate(&r->stream, 1, 5); /* nothing was sent yet */
	assert_int_equal(n_invalidated, 0);
	assert_true(ping(r, &r->client, TOKEN, 20));
	for (uint32_t i = 100; i < 110; i++)
		(void)video(r, i, 100, i == 100, false);
	gs_video_invalidate(&r->stream, 3, 7);
	assert_int_equal(lost_first, 102);
	assert_int_equal(lost_last, 106);
	gs_video_invalidate(&r->stream, 0, 1);
	assert_int_equal(lost_first, 100);
	assert_int_equal(lost_last, 100);
	gs_video_invalidate(&r->stream, 0, UINT32_MAX); /* session.h judges such a range */
	assert_int_equal(n_invalidated, 3);
}

/* A frame that cannot be sent takes no index, a keyframe is asked for, and numbers still meet after it. */
static void test_left_out(void **state)
{
	struct rig *r = *state;
	static uint8_t huge[8 << 20];
	struct unit unit = {.data = huge, .len = sizeof(huge)};
	assert_true(ping(r, &r->client, TOKEN, 20));
	unsigned n = video(r, 0, 100, true, false);
	n += video(r, 1, 100, false, false);
	assert_true(gs_video_send(&unit, 2, &r->stream) < 0);
	assert_int_equal(n_keyframes_asked, 1);
	assert_int_equal(video(r, 3, 100, false, false), 0);
	assert_int_equal(n_keyframes_asked, 1);
	n += video(r, 4, 100, true, false);
	assert_int_equal(receive(r, &r->client, n), n);
	assert_int_equal(r->frame.index, 3);
	assert_int_equal(r->frame.type, 2);
	gs_video_invalidate(&r->stream, 1, 2); /* before the keyframe: healed */
	assert_int_equal(n_invalidated, 0);
	gs_video_invalidate(&r->stream, 2, 3);
	assert_int_equal(lost_first, 4);
	assert_int_equal(lost_last, 4);
	/* A keyframe that is too large is asked for again: nothing else would bring one. */
	unit.keyframe = true;
	assert_true(gs_video_send(&unit, 5, &r->stream) < 0);
	assert_true(gs_video_send(&unit, 6, &r->stream) < 0);
	assert_int_equal(n_keyframes_asked, 3);
}

static void test_follows_the_client(void **state)
{
	struct rig *r = *state;
	assert_true(ping(r, &r->client, TOKEN, 20));
	unsigned n = video(r, 0, 100, true, false);
	assert_int_equal(receive(r, &r->client, n), n);
	assert_true(ping(r, &r->other, TOKEN, 20));
	n = video(r, 1, 100, false, false);
	assert_int_equal(receive(r, &r->other, n), n);
	assert_int_equal(r->frame.index, 2);
	gs_target_reset(&r->stream.video.target, "another-token-00");
	assert_false(ping(r, &r->client, TOKEN, 20));
	assert_int_equal(video(r, 2, 100, false, false), 0);
}

static void test_marked(void **state)
{
	struct rig *r = *state;
	int on = 1;
	char control[64];
	struct iovec iov = {r->data, sizeof(r->data)};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	assert_int_equal(setsockopt(r->client.fd, IPPROTO_IP, IP_RECVTOS, &on, sizeof(on)), 0);
	r->stream.video.socket.tos = 0xA0;
	assert_true(ping(r, &r->client, TOKEN, 20));
	unsigned n = video(r, 0, 20000, true, false); /* in one send */
	assert_true(n > 10);
	for (unsigned i = 0; i < n; i++) {
		struct pollfd p = {.fd = r->client.fd, .events = POLLIN};
		assert_int_equal(poll(&p, 1, 1000), 1);
		msg.msg_controllen = sizeof(control);
		assert_true(recvmsg(r->client.fd, &msg, 0) > 0);
		const struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		assert_non_null(c);
		assert_int_equal(*CMSG_DATA(c), 0xA0);
	}
}

/* Distributions' ENet has no IPv6: said where the person looks, before anything is made. */
static void test_ipv6_is_refused_with_words(void **state)
{
	struct rig *r = *state;
	struct launch_hooks hooks = gs_streams_launch_hooks(&r->streams);
	struct gs_launch l = {.request.mode = {1280, 720, 60}};
	char why[256] = "";
	l.request.peer.in6.sin6_family = AF_INET6;
	l.request.peer.in6.sin6_addr = in6addr_loopback;
	assert_int_equal(hooks.prepare(&l, why, sizeof(why), hooks.userdata), PF_E_UNSUPPORTED);
	assert_non_null(strstr(why, "by its IPv4 address"));
	assert_null(l.stream);
	assert_null(r->streams.list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_nothing_before_a_ping, begin, end),
		cmocka_unit_test_setup_teardown(test_types_and_indices, begin, end),
		cmocka_unit_test_setup_teardown(test_invalidation, begin, end),
		cmocka_unit_test_setup_teardown(test_left_out, begin, end),
		cmocka_unit_test_setup_teardown(test_follows_the_client, begin, end),
		cmocka_unit_test_setup_teardown(test_marked, begin, end),
		cmocka_unit_test_setup_teardown(test_ipv6_is_refused_with_words, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
