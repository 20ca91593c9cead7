/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "net/udp.h"

#define PACKET 1400u
#define N      200u

struct link {
	struct udp_socket tx, rx;
	struct udp_rx *batch;
	union udp_addr to;
	socklen_t to_len;
};

static void open_link(struct link *l, bool gro, size_t max_packet)
{
	const struct udp_params rx = {
		.bind_host = "127.0.0.1", .recv_buffer = 4 << 20, .want_gro = gro};
	const struct udp_params tx = {.bind_host = "127.0.0.1", .send_buffer = 4 << 20};
	assert_int_equal(udp_open(&l->rx, &rx), PF_OK);
	assert_int_equal(udp_open(&l->tx, &tx), PF_OK);
	assert_int_equal(udp_rx_create(&l->batch, max_packet, gro), PF_OK);
	assert_int_equal(udp_local_addr(&l->rx, &l->to, &l->to_len), PF_OK);
}

static void close_link(struct link *l)
{
	udp_rx_destroy(l->batch);
	udp_close(&l->rx);
	udp_close(&l->tx);
	udp_close(&l->tx); /* a second time is harmless */
}

static int read_some(struct link *l, struct udp_packet **packets)
{
	struct pollfd p = {.fd = l->rx.fd, .events = POLLIN};
	if (poll(&p, 1, 500) <= 0)
		return PF_E_AGAIN;
	return udp_rx_read(l->batch, &l->rx, packets);
}

/* Sends n packets of len bytes and checks that each arrives once, whole and in order. */
static void send_and_check(struct link *l, size_t len, unsigned n, bool connected)
{
	uint8_t *data = malloc(len * n);
	assert_non_null(data);
	for (unsigned i = 0; i < n; i++)
		memset(data + i * len, (int)(i + 1), len);
	if (connected)
		assert_int_equal(udp_connect(&l->tx, &l->to, l->to_len), PF_OK);
	unsigned sent = 0, seen = 0;
	while (sent < n) { /* in portions that the receive buffer surely holds */
		unsigned part = n - sent < 50 ? n - sent : 50;
		assert_int_equal(udp_send_batch(&l->tx, connected ? NULL : &l->to, l->to_len,
					 data + sent * len, len, part, 100),
			part);
		sent += part;
		while (seen < sent) {
			struct udp_packet *p;
			int got = read_some(l, &p);
			assert_true(got > 0);
			for (int i = 0; i < got; i++, seen++) {
				assert_int_equal(p[i].len, len);
				assert_memory_equal(p[i].data, data + seen * len, len);
				assert_int_equal(p[i].from.sa.sa_family, AF_INET);
			}
		}
	}
	struct udp_packet *p;
	assert_int_equal(udp_rx_read(l->batch, &l->rx, &p), PF_E_AGAIN);
	assert_int_equal(l->tx.send_dropped, 0);
	free(data);
}

static void batches_arrive_with_and_without_offload(void **state)
{
	(void)state;
	for (int mode = 0; mode < 8; mode++) {
		struct link l;
		open_link(&l, mode & 1, 2048);
		if (mode & 2)
			l.tx.gso = false;
		send_and_check(&l, PACKET, N, mode & 4);
		assert_int_equal(l.tx.sent_packets, N);
		if (l.tx.gso) /* 46 packets of 1400 bytes fit one send */
			assert_true(l.tx.sent_calls <= 2 * (N / 50));
		send_and_check(&l, 1, 3, false);
		close_link(&l);
	}
}

static void a_socket_that_cannot_offload_turns_it_off(void **state)
{
	(void)state;
	struct link l;
	int one = 1;
	open_link(&l, true, 2048);
	/* Without checksums the kernel refuses to cut: as a device without checksum offload does. */
	assert_int_equal(setsockopt(l.tx.fd, SOL_SOCKET, SO_NO_CHECK, &one, sizeof one), 0);
	send_and_check(&l, PACKET, N, false);
	assert_false(l.tx.gso);
	close_link(&l);
}

static void oversize_is_dropped_and_counted(void **state)
{
	(void)state;
	for (int gro = 0; gro < 2; gro++) {
		struct link l;
		struct udp_packet *p;
		uint8_t data[1000] = {0};
		open_link(&l, gro, 999);
		assert_int_equal(udp_send_one(&l.tx, &l.to, l.to_len, data, 1000), 1);
		assert_int_equal(udp_send_one(&l.tx, &l.to, l.to_len, data, 999), 1);
		int n = 0;
		for (int i = 0; i < 4 && n <= 0; i++)
			n = read_some(&l, &p);
		assert_int_equal(n, 1);
		assert_int_equal(p[0].len, 999);
		assert_int_equal(udp_rx_dropped(l.batch), 1);
		assert_int_equal(
			udp_send_batch(&l.tx, &l.to, l.to_len, data, 0, 1, 0), PF_E_INVALID);
		assert_int_equal(
			udp_send_batch(&l.tx, &l.to, l.to_len, data, 70000, 1, 0), PF_E_INVALID);
		close_link(&l);
	}
}

static void a_port_in_use_is_told(void **state)
{
	(void)state;
	struct udp_socket a, b;
	struct udp_params params = {.bind_host = "127.0.0.1"};
	assert_int_equal(udp_open(&a, &params), PF_OK);
	int port = udp_local_port(&a);
	assert_in_range(port, 1, 65535);
	params.port = (uint16_t)port;
	assert_int_equal(udp_open(&b, &params), PF_E_BUSY);
	assert_int_equal(b.fd, -1);
	udp_close(&b);
	udp_close(&a);
	assert_int_equal(udp_open(&b, &params), PF_OK);
	udp_close(&b);
}

static void bad_addresses_are_told(void **state)
{
	(void)state;
	struct udp_socket s;
	struct udp_params params = {.bind_host = "not an address"};
	assert_int_equal(udp_open(&s, &params), PF_E_INVALID);
	params.bind_host = "192.0.2.77"; /* documentation range: no address of this machine */
	assert_int_equal(udp_open(&s, &params), PF_E_INVALID);
	union udp_addr addr;
	socklen_t len;
	const char *why = NULL;
	char name[300]; /* too long for a name, so that nobody is asked */
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = '\0';
	assert_int_equal(udp_resolve(name, 1, &addr, &len, &why), PF_E_INVALID);
	assert_non_null(why);
	assert_int_equal(udp_resolve("127.0.0.1", 9777, &addr, &len, &why), PF_OK);
	assert_int_equal(addr.in4.sin_family, AF_INET);
	assert_int_equal(ntohs(addr.in4.sin_port), 9777);
	assert_int_equal(len, sizeof addr.in4);
}

static void a_closed_port_is_told(void **state)
{
	(void)state;
	struct link l;
	struct udp_packet *p;
	open_link(&l, false, 2048);
	udp_close(&l.rx);
	assert_int_equal(udp_connect(&l.tx, &l.to, l.to_len), PF_OK);
	assert_int_equal(udp_send_one(&l.tx, NULL, 0, (const uint8_t *)"x", 1), 1);
	struct pollfd pfd = {.fd = l.tx.fd, .events = POLLIN};
	assert_int_equal(poll(&pfd, 1, 1000), 1);
	assert_int_equal(udp_rx_read(l.batch, &l.tx, &p), PF_E_CLOSED);
	assert_int_equal(udp_rx_read(l.batch, &l.tx, &p), PF_E_AGAIN);
	close_link(&l);
}

static void any_address_takes_ipv4(void **state)
{
	(void)state;
	struct link l;
	struct udp_packet *p;
	open_link(&l, false, 2048);
	struct udp_socket any;
	const struct udp_params params = {0};
	assert_int_equal(udp_open(&any, &params), PF_OK);
	union udp_addr to = {.in4 = {.sin_family = AF_INET,
				     .sin_port = htons((uint16_t)udp_local_port(&any)),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	assert_int_equal(udp_send_one(&l.tx, &to, sizeof to.in4, (const uint8_t *)"hi", 2), 1);
	struct pollfd pfd = {.fd = any.fd, .events = POLLIN};
	assert_int_equal(poll(&pfd, 1, 1000), 1);
	assert_int_equal(udp_rx_read(l.batch, &any, &p), 1);
	assert_int_equal(p[0].from.sa.sa_family, AF_INET);
	assert_int_equal(p[0].from_len, sizeof(struct sockaddr_in));
	assert_int_equal(ntohl(p[0].from.in4.sin_addr.s_addr), INADDR_LOOPBACK);
	/* And answers to that address from the same socket, batched. */
	uint8_t data[4 * PACKET] = {0};
	union udp_addr back = p[0].from;
	assert_int_equal(udp_send_batch(&any, &back, p[0].from_len, data, PACKET, 4, 100), 4);
	udp_close(&any);
	close_link(&l);
}

static void a_full_buffer_drops_in_time(void **state)
{
	(void)state;
	/* A receiver that never reads: the sender must come back, whatever was lost. */
	struct link l;
	open_link(&l, false, 2048);
	uint8_t *data = calloc(4096, PACKET);
	assert_non_null(data);
	int sent = udp_send_batch(&l.tx, &l.to, l.to_len, data, PACKET, 4096, 20);
	assert_true(sent >= 0 && sent <= 4096);
	assert_int_equal((uint64_t)sent + l.tx.send_dropped, 4096);
	free(data);
	close_link(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_arrive_with_and_without_offload),
		cmocka_unit_test(a_socket_that_cannot_offload_turns_it_off),
		cmocka_unit_test(oversize_is_dropped_and_counted),
		cmocka_unit_test(a_port_in_use_is_told),
		cmocka_unit_test(bad_addresses_are_told),
		cmocka_unit_test(a_closed_port_is_told),
		cmocka_unit_test(any_address_takes_ipv4),
		cmocka_unit_test(a_full_buffer_drops_in_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
