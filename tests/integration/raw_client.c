/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/integration/raw_client.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/handshake.h"
#include "host/media/clock.h"
#include "tests/test.h"

#define WAIT_NS 5000000000ull

static void on_ready(struct quic_conn *c, const uint8_t *fp, void *userdata)
{
	struct raw *r = userdata;
	assert_non_null(fp);
	r->ready = true;
	r->stream = quic_conn_open_stream(c);
}

static int on_stream(
	struct quic_conn *c, int64_t id, const uint8_t *data, size_t len, bool fin, void *userdata)
{
	struct raw *r = userdata;
	(void)c;
	if (r->other && id != r->stream) {
		r->other(r, id, data, len, fin);
		return 0;
	}
	if (len > sizeof(r->got) - r->got_len)
		len = sizeof(r->got) - r->got_len;
	if (len) /* a reset has no bytes */
		memcpy(r->got + r->got_len, data, len);
	r->got_len += len;
	return 0;
}

static void on_datagram(struct quic_conn *c, const uint8_t *data, size_t len, void *userdata)
{
	struct raw *r = userdata;
	(void)c;
	r->datagram_len = len < sizeof(r->datagram) ? len : sizeof(r->datagram);
	memcpy(r->datagram, data, r->datagram_len);
	r->n_datagrams++;
}

static void on_end(struct quic_conn *c, const struct pf_quic_end *end, void *userdata)
{
	struct raw *r = userdata;
	(void)c;
	r->ended = true;
	r->end = *end;
	r->conn = NULL;
}

static const struct quic_endpoint_callbacks callbacks = {
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_end = on_end,
};

void raw_turn(struct raw *r)
{
	struct pollfd pfd = {.fd = quic_endpoint_fd(r->endpoint), .events = POLLIN};
	poll(&pfd, 1, 5);
	assert_int_equal(quic_endpoint_process(r->endpoint, clock_now_ns()), 0);
}

void raw_open(struct raw *r, int port)
{
	raw_open_as(r, port, NULL);
}

void raw_open_as(struct raw *r, int port, const struct pf_identity *identity)
{
	raw_open_from(r, port, identity, "127.0.0.1");
}

void raw_open_from(
	struct raw *r, int port, const struct pf_identity *identity, const char *bind_host)
{
	raw_begin(r, port, identity, bind_host);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!r->ready && !r->ended && clock_now_ns() < until)
		raw_turn(r);
	assert_true(r->ready);
}

void raw_begin(struct raw *r, int port, const struct pf_identity *identity, const char *bind_host)
{
	union udp_addr to = {.in4 = {.sin_family = AF_INET,
				     .sin_port = htons((uint16_t)port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	struct quic_endpoint_params params = {.bind_host = bind_host,
		.callbacks = &callbacks,
		.identity = identity,
		.userdata = r};
	memset(r, 0, sizeof(*r));
	assert_int_equal(quic_endpoint_create(&r->endpoint, &params), 0);
	assert_int_equal(quic_endpoint_connect(
				 r->endpoint, &r->conn, &to, sizeof(to.in4), NULL, clock_now_ns()),
		0);
	quic_endpoint_flush(r->endpoint, clock_now_ns());
}

void raw_close(struct raw *r)
{
	quic_endpoint_destroy(r->endpoint);
	r->endpoint = NULL;
}

void raw_send(struct raw *r, const uint8_t *payload, size_t len)
{
	uint8_t head[2];
	pf_put_le16(head, (uint16_t)len);
	assert_int_equal(quic_conn_send(r->conn, r->stream, head, 2, false), 0);
	if (len)
		assert_int_equal(quic_conn_send(r->conn, r->stream, payload, len, false), 0);
	quic_endpoint_flush(r->endpoint, clock_now_ns());
}

void raw_wait_bytes(struct raw *r, size_t len)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (r->got_len < len && !r->ended && clock_now_ns() < until)
		raw_turn(r);
	assert_false(r->ended);
	assert_true(r->got_len >= len);
}

void raw_expect_close(struct raw *r, uint64_t code, const char *words)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!r->ended && clock_now_ns() < until)
		raw_turn(r);
	assert_true(r->ended);
	assert_true(r->end.application && r->end.by_peer);
	assert_int_equal(r->end.code, code);
	if (!strstr(r->end.reason, words))
		fail_msg("the host said '%s', which has no '%s'", r->end.reason, words);
	raw_close(r);
}

size_t raw_good_hello(uint8_t *out, size_t cap)
{
	struct pf_hello h;
	pf_hello_init(&h);
	h.mode = (struct pf_mode){640, 480, 30};
	h.codecs = PF_CODEC_H264;
	int n = pf_hello_write(out, cap, &h);
	assert_true(n > 0);
	return (size_t)n;
}
