/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "core/wire/control.h"
#include "core/wire/datagram.h"
#include "core/wire/handshake.h"
#include "host/media/clock.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

/* The pointer apart from the picture, as a client that draws it sees it. PUNKTFUNK_HOST names the program. */

#define MS	1000000ull
#define WAIT_NS (10000 * MS)

static struct host_process host;
static struct raw r;
static struct pf_welcome welcome;
static int fd;

static void turn_for(uint64_t ns)
{
	uint64_t until = clock_now_ns() + ns;
	while (clock_now_ns() < until && !r.ended)
		raw_turn(&r);
}

static void send_msg(const struct pf_msg *m)
{
	uint8_t buf[PF_MSG_MAX_LEN];
	int len = pf_msg_write_framed(buf, sizeof(buf), m);
	assert_true(len > 0);
	assert_int_equal(quic_conn_send(r.conn, r.stream, buf, (size_t)len, false), 0);
	quic_endpoint_flush(r.endpoint, clock_now_ns());
}

/* A whole session; its pictures are not looked at. */
static void start_session(uint8_t client_caps)
{
	uint8_t payload[64];
	struct pf_hello h;
	struct pf_start start = {0};
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(own);
	pf_hello_init(&h);
	h.mode = (struct pf_mode){640, 480, 30};
	h.codecs = PF_CODEC_H264;
	h.client_caps = client_caps;
	raw_open(&r, host.port);
	int n = pf_hello_write(payload, sizeof(payload), &h);
	assert_true(n > 0);
	raw_send(&r, payload, (size_t)n);
	raw_wait_bytes(&r, 2 + PF_WELCOME_MIN);
	size_t welcome_len = pf_get_le16(r.got);
	raw_wait_bytes(&r, 2 + welcome_len);
	assert_int_equal(pf_welcome_read(&welcome, r.got + 2, welcome_len), 0);
	r.got_len = 0;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&own, sizeof(own)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&own, &len), 0);
	start.client_port = ntohs(own.sin_port);
	n = pf_start_write(payload, sizeof(payload), &start);
	assert_true(n > 0);
	raw_send(&r, payload, (size_t)n);
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(welcome.data_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	for (int i = 0; i < 5; i++) {
		sendto(fd, PF_PUNCH, PF_PUNCH_LEN, 0, (struct sockaddr *)&to, sizeof(to));
		turn_for(20 * MS);
	}
}

static void end_session(void)
{
	raw_close(&r);
	close(fd);
}

/* Shapes by their serial, 1 to 3. */
static void count_shapes(unsigned counts[static 4], struct pf_msg *last)
{
	memset(counts, 0, 4 * sizeof(counts[0]));
	for (size_t at = 0; at + 2 <= r.got_len;) {
		size_t len = pf_get_le16(r.got + at);
		struct pf_msg m;
		if (at + 2 + len > r.got_len)
			break;
		if (pf_msg_read(&m, r.got + at + 2, len) == 0 && m.type == PF_MSG_CURSOR_SHAPE) {
			assert_in_range(m.cursor_shape.serial, 1, 3);
			counts[m.cursor_shape.serial]++;
			*last = m;
		}
		at += 2 + len;
	}
}

static struct pf_cursor_state newest_state(void)
{
	struct pf_cursor_state s;
	assert_int_equal(pf_cursor_state_read(&s, r.datagram, r.datagram_len), 0);
	return s;
}

static void the_pointer_comes_apart_from_the_picture(void **state)
{
	unsigned counts[4];
	struct pf_msg m = {0};
	(void)state;
	start_session(PF_CCAP_CURSOR);
	assert_true(welcome.host_caps & PF_HCAP_CURSOR);
	uint64_t until = clock_now_ns() + WAIT_NS;
	unsigned before = r.n_datagrams;
	uint64_t start = clock_now_ns();
	do {
		turn_for(100 * MS);
		count_shapes(counts, &m);
	} while (!counts[3] && clock_now_ns() < until);
	uint64_t frames = (clock_now_ns() - start) * 30 / (1000 * MS);
	assert_int_equal(counts[3], 1);
	/* It is 160 pixels large on the host. */
	assert_int_equal(m.cursor_shape.width, PF_CURSOR_MAX_SIDE);
	assert_int_equal(m.cursor_shape.height, PF_CURSOR_MAX_SIDE);
	assert_int_equal(m.cursor_shape.hot_x, 60);
	/* Half transparent in the ring, nothing in the middle. */
	assert_in_range(m.cursor_shape.rgba.data[(60 * 120 + 8) * 4 + 3], 127, 129);
	assert_int_equal(m.cursor_shape.rgba.data[(60 * 120 + 60) * 4 + 3], 0);
	/* A place for each frame, and the few repeats of one that rests. */
	assert_in_range(r.n_datagrams - before, frames / 2, frames * 3 / 2 + 10);
	struct pf_cursor_state s = newest_state();
	assert_true(s.visible);
	assert_in_range(s.serial, 1, 3);
	assert_in_range(s.x, 0, 639);
	assert_in_range(s.y, 0, 479);
	/* Round again: no shape comes twice. */
	while (newest_state().serial != 2 && clock_now_ns() < until + WAIT_NS)
		turn_for(20 * MS);
	turn_for(200 * MS);
	count_shapes(counts, &m);
	for (unsigned i = 1; i <= 3; i++)
		assert_int_equal(counts[i], 1);
	end_session();
}

static void the_host_draws_when_the_client_does_not(void **state)
{
	struct pf_msg m = {.type = PF_MSG_CURSOR_RENDER, .client_draws_cursor = false};
	(void)state;
	start_session(PF_CCAP_CURSOR);
	turn_for(200 * MS);
	assert_true(r.n_datagrams > 0);
	send_msg(&m);
	turn_for(100 * MS);
	unsigned before = r.n_datagrams;
	turn_for(500 * MS);
	assert_int_equal(r.n_datagrams, before);
	m.client_draws_cursor = true;
	send_msg(&m);
	turn_for(500 * MS);
	assert_true(r.n_datagrams >= before + 5);
	for (int i = 0; i < 400; i++) {
		m.client_draws_cursor = i % 2;
		send_msg(&m);
	}
	turn_for(100 * MS);
	assert_false(r.ended);
	end_session();
}

static void a_client_that_cannot_draw_hears_nothing(void **state)
{
	struct pf_msg m = {.type = PF_MSG_CURSOR_RENDER, .client_draws_cursor = true};
	unsigned counts[4];
	struct pf_msg last;
	(void)state;
	start_session(0);
	assert_false(welcome.host_caps & PF_HCAP_CURSOR);
	send_msg(&m); /* it did not say so before */
	turn_for(300 * MS);
	count_shapes(counts, &last);
	assert_int_equal(counts[1] + counts[2] + counts[3], 0);
	assert_int_equal(r.n_datagrams, 0);
	end_session();
}

static int start(void **state)
{
	static const char *const args[] = {
		"--source", "synthetic", "--encoder", "null", "--bitrate", "2000", NULL};
	(void)state;
	return host_process_start(&host, getenv("PUNKTFUNK_HOST"), args);
}

static int end(void **state)
{
	(void)state;
	return host_process_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_pointer_comes_apart_from_the_picture),
		cmocka_unit_test(the_host_draws_when_the_client_does_not),
		cmocka_unit_test(a_client_that_cannot_draw_hears_nothing),
	};
	return cmocka_run_group_tests(tests, start, end);
}
