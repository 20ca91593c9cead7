/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/quic_endpoint.h"

#define MS	 1000000ull
#define MAX_PEER 8

/* What one endpoint's callbacks saw. */
struct seen {
	struct quic_conn *conns[MAX_PEER];
	unsigned n_ready, n_ended, n_datagrams;
	size_t n_bytes;
	struct pf_quic_end end;
	bool refuse, echo, reconnect;
	struct quic_endpoint *e;
	union udp_addr to;
};

static uint64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool may_accept(const union udp_addr *from, void *userdata)
{
	(void)from;
	return !((struct seen *)userdata)->refuse;
}

static void on_ready(struct quic_conn *c, const uint8_t *fp, void *userdata)
{
	struct seen *s = userdata;
	(void)fp;
	if (s->n_ready < MAX_PEER)
		s->conns[s->n_ready] = c;
	s->n_ready++;
	quic_conn_set_userdata(c, s);
	quic_endpoint_flush(s->e, now()); /* allowed, and does nothing here */
}

static int on_stream(
	struct quic_conn *c, int64_t id, const uint8_t *data, size_t len, bool fin, void *userdata)
{
	struct seen *s = userdata;
	s->n_bytes += len;
	assert_ptr_equal(quic_conn_userdata(c), s);
	return s->echo ? quic_conn_send(c, id, data, len, fin) : PF_OK;
}

static void on_datagram(struct quic_conn *c, const uint8_t *data, size_t len, void *userdata)
{
	struct seen *s = userdata;
	s->n_datagrams++;
	if (s->echo)
		assert_int_equal(quic_conn_send_datagram(c, data, len), PF_OK);
}

static void on_end(struct quic_conn *c, const struct pf_quic_end *end, void *userdata)
{
	struct seen *s = userdata;
	s->n_ended++;
	s->end = *end;
	for (unsigned i = 0; i < MAX_PEER; i++)
		if (s->conns[i] == c)
			s->conns[i] = NULL;
	if (s->reconnect) {
		struct quic_conn *again;
		s->reconnect = false;
		assert_int_equal(
			quic_endpoint_connect(s->e, &again, &s->to, sizeof s->to.in4, NULL, now()),
			PF_OK);
	}
}

static bool gives_way; /* may_evict() of the next endpoints says so of all */

static bool may_evict(const struct quic_conn *c, void *userdata)
{
	(void)c;
	(void)userdata;
	return gives_way;
}

static const struct quic_endpoint_callbacks callbacks = {
	.may_accept = may_accept,
	.may_evict = may_evict,
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_end = on_end,
};

static struct pf_identity *identity;

static int setup(void **state)
{
	(void)state;
	return pf_identity_generate(&identity, "punktfunk", 1700000000);
}

static int teardown(void **state)
{
	(void)state;
	pf_identity_destroy(identity);
	return 0;
}

/* The bounds on strangers that tests of their own set; the others leave them off. */
static size_t retry_from, max_per_address;
static const char *bind_host = "127.0.0.1";

static void open_end(struct seen *s, size_t max, size_t max_handshaking, uint64_t idle_ns)
{
	const struct quic_endpoint_params params = {
		.bind_host = bind_host,
		.retry_from = retry_from,
		.max_per_address = max_per_address,
		.identity = max ? identity : NULL,
		.callbacks = &callbacks,
		.userdata = s,
		.idle_timeout_ns = idle_ns,
		.max_connections = max,
		.max_handshaking = max_handshaking,
	};
	memset(s, 0, sizeof *s);
	assert_int_equal(quic_endpoint_create(&s->e, &params), PF_OK);
}

static void aim(struct seen *client, const struct seen *server)
{
	client->to = (union udp_addr){
		.in4 = {.sin_family = AF_INET,
			.sin_port = htons((uint16_t)quic_endpoint_port(server->e)),
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
}

static struct quic_conn *dial(struct seen *client, const struct seen *server)
{
	struct quic_conn *c;
	aim(client, server);
	assert_int_equal(quic_endpoint_connect(
				 client->e, &c, &client->to, sizeof client->to.in4, NULL, now()),
		PF_OK);
	return c;
}

/* Drives the endpoints until done() or the time is up; says which. */
static bool run(struct seen **ends, unsigned n, unsigned limit_ms, bool (*done)(struct seen **ends))
{
	uint64_t until = now() + limit_ms * MS;
	for (;;) {
		struct pollfd p[8];
		uint64_t t = now(), next = until;
		if (done && done(ends))
			return true;
		if (t >= until)
			return false;
		for (unsigned i = 0; i < n; i++) {
			uint64_t d = quic_endpoint_deadline(ends[i]->e);
			next = d < next ? d : next;
			p[i] = (struct pollfd){
				.fd = quic_endpoint_fd(ends[i]->e), .events = POLLIN};
		}
		poll(p, n, next > t ? (int)((next - t) / MS) + 1 : 0);
		for (unsigned i = 0; i < n; i++)
			if (p[i].revents || quic_endpoint_deadline(ends[i]->e) <= now())
				assert_int_equal(quic_endpoint_process(ends[i]->e, now()), PF_OK);
	}
}

static bool first_two_ready(struct seen **ends)
{
	return ends[0]->n_ready == 2 && ends[1]->n_ready && ends[2]->n_ready;
}

static bool echoed(struct seen **ends)
{
	return ends[1]->n_bytes == 100000 && ends[2]->n_bytes == 5 && ends[1]->n_datagrams == 1;
}

static bool all_ended(struct seen **ends)
{
	return ends[0]->n_ended == 2 && ends[1]->n_ended && ends[2]->n_ended;
}

static void two_clients(void **state)
{
	(void)state;
	struct seen server, a, b, *ends[] = {&server, &a, &b};
	open_end(&server, 4, 4, 0);
	open_end(&a, 0, 0, 0);
	open_end(&b, 0, 0, 0);
	server.echo = true;
	struct quic_conn *ca = dial(&a, &server), *cb = dial(&b, &server), *extra;
	assert_int_equal(
		quic_endpoint_connect(a.e, &extra, &a.to, sizeof a.to.in4, NULL, now()), PF_E_FULL);
	assert_true(run(ends, 3, 5000, first_two_ready));
	static uint8_t big[100000];
	int64_t ida = quic_conn_open_stream(ca), idb = quic_conn_open_stream(cb);
	assert_int_equal(quic_conn_send(ca, ida, big, sizeof big, false), PF_OK);
	assert_int_equal(quic_conn_send(cb, idb, "hello", 5, false), PF_OK);
	assert_int_equal(quic_conn_send_datagram(ca, "ping", 4), PF_OK);
	assert_true(quic_endpoint_deadline(a.e) == 0); /* something waits */
	quic_endpoint_flush(a.e, now());
	assert_true(run(ends, 3, 5000, echoed));
	union udp_addr who;
	socklen_t len;
	quic_conn_remote(ca, &who, &len);
	assert_int_equal(len, sizeof who.in4);
	assert_int_equal(ntohs(who.in4.sin_port), quic_endpoint_port(server.e));
	assert_true(quic_conn_rtt_ns(ca) > 0);
	/* One quits by itself, one is thrown out. */
	quic_conn_close(ca, 0x51, "quit");
	quic_endpoint_flush(a.e, now());
	for (unsigned i = 0; i < MAX_PEER; i++) {
		union udp_addr peer;
		if (!server.conns[i])
			continue;
		quic_conn_remote(server.conns[i], &peer, &len);
		if (ntohs(peer.in4.sin_port) == quic_endpoint_port(b.e))
			quic_conn_close(server.conns[i], 0x42, "busy");
	}
	assert_true(run(ends, 3, 5000, all_ended));
	assert_int_equal(b.end.code, 0x42);
	assert_true(b.end.by_peer && b.end.application);
	assert_int_equal(a.end.cause, PF_QUIC_CAUSE_LOCAL);
	quic_endpoint_destroy(a.e);
	quic_endpoint_destroy(b.e);
	quic_endpoint_destroy(server.e);
	quic_endpoint_destroy(NULL);
}

static bool one_ready(struct seen **ends)
{
	return ends[0]->n_ready && ends[1]->n_ready;
}

static bool client_ended(struct seen **ends)
{
	return ends[1]->n_ended;
}

static void destroying_the_host_tells_the_client(void **state)
{
	(void)state;
	struct seen server, client, *ends[] = {&server, &client};
	open_end(&server, 2, 2, 0);
	open_end(&client, 0, 0, 0);
	dial(&client, &server);
	assert_true(run(ends, 2, 5000, one_ready));
	quic_endpoint_destroy(server.e);
	uint64_t start = now();
	for (int i = 0; i < 100 && !client.n_ended; i++) {
		struct pollfd p = {.fd = quic_endpoint_fd(client.e), .events = POLLIN};
		poll(&p, 1, 20);
		assert_int_equal(quic_endpoint_process(client.e, now()), PF_OK);
	}
	assert_int_equal(client.n_ended, 1);
	assert_true(client.end.by_peer && client.end.application);
	assert_int_equal(client.end.code, 0);
	assert_true(now() - start < 1500 * MS);
	quic_endpoint_destroy(client.e);
}

static void garbage_of_every_size(void **state)
{
	(void)state;
	struct seen server, client, *ends[] = {&server, &client};
	struct udp_socket junk;
	const struct udp_params params = {.bind_host = "127.0.0.1"};
	open_end(&server, 4, 4, 0);
	open_end(&client, 0, 0, 0);
	dial(&client, &server);
	assert_true(run(ends, 2, 5000, one_ready));
	assert_int_equal(udp_open(&junk, &params), PF_OK);
	uint64_t seed = 11;
	for (size_t len = 1; len <= 2200; len++) {
		uint8_t buf[2200];
		for (size_t i = 0; i < len; i++)
			buf[i] = (uint8_t)test_rand(&seed);
		if (len % 3 == 0 && len > 5)
			memcpy(buf, "\xC0\0\0\0\x01", 5); /* looks like an Initial */
		assert_true(udp_send_one(&junk, &client.to, sizeof client.to.in4, buf, len) >= 0);
		if (len % 64 == 0)
			run(ends, 2, 1, NULL);
	}
	run(ends, 2, 50, NULL);
	struct quic_endpoint_stats stats;
	quic_endpoint_get_stats(server.e, &stats);
	assert_true(stats.garbage > 500);
	assert_int_equal(server.n_ended, 0); /* the real one is still there */
	assert_int_equal(quic_conn_send_datagram(server.conns[0], "x", 1), PF_OK);
	run(ends, 2, 100, NULL);
	assert_int_equal(client.n_datagrams, 1);
	udp_close(&junk);
	quic_endpoint_destroy(client.e);
	quic_endpoint_destroy(server.e);
}

/* A first packet of a client that never goes on. */
static size_t make_initial(uint8_t *out, struct pf_quic **keep)
{
	static const struct pf_quic_callbacks none = {0};
	const struct sockaddr_in any = {.sin_family = AF_INET};
	const struct pf_quic_params params = {
		.callbacks = &none,
		.local = (const struct sockaddr *)&any,
		.remote = (const struct sockaddr *)&any,
		.local_len = sizeof any,
		.remote_len = sizeof any,
	};
	assert_int_equal(pf_quic_connect(keep, &params, now()), PF_OK);
	int n = pf_quic_write(*keep, out, PF_QUIC_MAX_UDP, now());
	assert_true(n >= 1200);
	return (size_t)n;
}

static void initials_replayed_and_in_numbers(void **state)
{
	(void)state;
	struct seen server, *ends[] = {&server};
	struct udp_socket s;
	const struct udp_params params = {.bind_host = "127.0.0.1"};
	struct quic_endpoint_stats stats;
	open_end(&server, 8, 3, 0);
	aim(&server, &server);
	assert_int_equal(udp_open(&s, &params), PF_OK);
	uint8_t initial[PF_QUIC_MAX_UDP];
	struct pf_quic *q;
	size_t len = make_initial(initial, &q);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(
			udp_send_one(&s, &server.to, sizeof server.to.in4, initial, len), 1);
		run(ends, 1, 1, NULL);
	}
	pf_quic_destroy(q);
	quic_endpoint_get_stats(server.e, &stats);
	assert_int_equal(stats.accepted, 1); /* copies belong to the one that the first made */
	assert_int_equal(stats.n_handshaking, 1);
	for (int i = 0; i < 10; i++) {
		len = make_initial(initial, &q);
		assert_int_equal(
			udp_send_one(&s, &server.to, sizeof server.to.in4, initial, len), 1);
		pf_quic_destroy(q);
		run(ends, 1, 2, NULL);
	}
	run(ends, 1, 20, NULL);
	quic_endpoint_get_stats(server.e, &stats);
	assert_int_equal(stats.n_handshaking, 3);
	assert_int_equal(stats.n_connections, 3);
	assert_int_equal(stats.refused, 8);
	/* Two seconds on, in the endpoint's eyes, a newer attempt takes the place of the oldest. */
	len = make_initial(initial, &q);
	assert_int_equal(udp_send_one(&s, &server.to, sizeof server.to.in4, initial, len), 1);
	pf_quic_destroy(q);
	struct pollfd p = {.fd = quic_endpoint_fd(server.e), .events = POLLIN};
	assert_int_equal(poll(&p, 1, 1000), 1);
	assert_int_equal(quic_endpoint_process(server.e, now() + 2500 * MS), PF_OK);
	quic_endpoint_get_stats(server.e, &stats);
	assert_int_equal(stats.evicted, 1);
	assert_int_equal(stats.n_handshaking, 3);
	assert_int_equal(server.n_ended, 1);
	assert_int_equal(server.n_ready, 0);
	/* And all of them time out. */
	assert_int_equal(quic_endpoint_process(server.e, now() + 60000 * MS), PF_OK);
	quic_endpoint_get_stats(server.e, &stats);
	assert_int_equal(stats.n_connections, 0);
	assert_int_equal(server.n_ended, 4);
	udp_close(&s);
	quic_endpoint_destroy(server.e);
}

/* A flood of forged addresses gets no place beyond the first few; a client that is there still comes in. */
static void a_flood_of_initials_keeps_nobody_out(void **state)
{
	(void)state;
	struct seen server, client, *ends[] = {&server, &client};
	struct udp_socket s;
	const struct udp_params params = {.bind_host = "127.0.0.1"};
	struct quic_endpoint_stats stats;
	retry_from = 2;
	open_end(&server, 8, 3, 0);
	open_end(&client, 0, 0, 0);
	retry_from = 0;
	aim(&server, &server);
	assert_int_equal(udp_open(&s, &params), PF_OK);
	uint8_t initial[PF_QUIC_MAX_UDP];
	struct pf_quic *q;
	for (int i = 0; i < 50; i++) {
		size_t len = make_initial(initial, &q);
		assert_int_equal(
			udp_send_one(&s, &server.to, sizeof server.to.in4, initial, len), 1);
		pf_quic_destroy(q);
		run(ends, 1, 1, NULL);
	}
	quic_endpoint_get_stats(server.e, &stats);
	assert_int_equal(stats.n_handshaking, 2);
	assert_int_equal(stats.n_connections, 2);
	assert_int_equal(stats.retried, 48);
	dial(&client, &server);
	assert_true(run(ends, 2, 5000, one_ready));
	quic_endpoint_get_stats(server.e, &stats);
	assert_int_equal(stats.retried, 49);
	assert_int_equal(stats.evicted, 0);
	udp_close(&s);
	quic_endpoint_destroy(client.e);
	quic_endpoint_destroy(server.e);
}

static int try_token(
	const uint8_t *packet, size_t len, const uint8_t *secret, uint16_t port, uint64_t now_ns)
{
	static const struct pf_quic_callbacks none = {0};
	const struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(port)};
	const struct pf_quic_params params = {
		.identity = identity,
		.callbacks = &none,
		.retry_secret = secret,
		.local = (const struct sockaddr *)&from,
		.remote = (const struct sockaddr *)&from,
		.local_len = sizeof from,
		.remote_len = sizeof from,
	};
	struct pf_quic *q = NULL;
	int err = pf_quic_accept(&q, &params, packet, len, now_ns);
	pf_quic_destroy(q);
	return err;
}

/* A proof is good for one address, one secret and a while, and not when it was changed. */
static void a_token_proves_one_address(void **state)
{
	(void)state;
	static const uint8_t secret[PF_QUIC_SECRET_LEN] = {1}, other[PF_QUIC_SECRET_LEN] = {2};
	const struct sockaddr_in from = {.sin_family = AF_INET, .sin_port = htons(7)};
	const struct sockaddr_in any = {.sin_family = AF_INET};
	uint8_t initial[PF_QUIC_MAX_UDP], retry[PF_QUIC_MAX_UDP];
	struct pf_quic *q;
	uint64_t t = now();
	size_t len = make_initial(initial, &q);
	int n = pf_quic_write_retry(retry, sizeof retry, secret, (const struct sockaddr *)&from,
		sizeof from, initial, len, t);
	assert_in_range(n, 1, 400); /* nothing to amplify */
	assert_int_equal(pf_quic_write_retry(retry, 20, secret, (const struct sockaddr *)&from,
				 sizeof from, initial, len, t),
		PF_E_INVALID);
	assert_int_equal(pf_quic_write_retry(retry, sizeof retry, secret,
				 (const struct sockaddr *)&from, sizeof from, initial, 100, t),
		PF_E_BAD_PACKET);
	n = pf_quic_write_retry(retry, sizeof retry, secret, (const struct sockaddr *)&from,
		sizeof from, initial, len, t);
	assert_true(n > 0);
	assert_int_equal(
		pf_quic_read(q, (const struct sockaddr *)&any, sizeof any, retry, (size_t)n, now()),
		PF_OK);
	n = pf_quic_write(q, initial, sizeof initial, now());
	assert_true(n >= 1200);
	len = (size_t)n;
	assert_int_equal(pf_quic_write_retry(retry, sizeof retry, secret,
				 (const struct sockaddr *)&from, sizeof from, initial, len, t),
		0); /* it has one */
	assert_int_equal(try_token(initial, len, secret, 7, t + 1000 * MS), PF_OK);
	assert_int_equal(try_token(initial, len, secret, 8, t), PF_E_BAD_PACKET);
	assert_int_equal(try_token(initial, len, other, 7, t), PF_E_BAD_PACKET);
	assert_int_equal(try_token(initial, len, secret, 7, t + 11000 * MS), PF_E_BAD_PACKET);
	initial[60] ^= 1; /* inside the token */
	assert_int_equal(try_token(initial, len, secret, 7, t), PF_E_BAD_PACKET);
	pf_quic_destroy(q);
}

static bool the_third_is_ready(struct seen **ends)
{
	return ends[3]->n_ready;
}

static void one_address_cannot_take_every_place(void **state)
{
	(void)state;
	struct seen server, a, b, c, *ends[] = {&server, &a, &b, &c};
	max_per_address = 2;
	open_end(&server, 8, 8, 0);
	max_per_address = 0;
	open_end(&a, 0, 0, 0);
	open_end(&b, 0, 0, 0);
	open_end(&c, 0, 0, 0);
	struct quic_conn *ca = dial(&a, &server);
	dial(&b, &server);
	assert_true(run(ends, 3, 5000, first_two_ready));
	dial(&c, &server);
	run(ends, 4, 300, NULL);
	assert_int_equal(c.n_ready, 0);
	struct seen elsewhere, *two[] = {&server, &elsewhere};
	bind_host = "127.0.0.2";
	open_end(&elsewhere, 0, 0, 0);
	bind_host = "127.0.0.1";
	dial(&elsewhere, &server);
	assert_true(run(two, 2, 5000, one_ready));
	/* A place of its own gets free. */
	quic_conn_close(ca, 0, NULL);
	quic_endpoint_flush(a.e, now());
	assert_true(run(ends, 4, 5000, the_third_is_ready));
	quic_endpoint_destroy(a.e);
	quic_endpoint_destroy(b.e);
	quic_endpoint_destroy(c.e);
	quic_endpoint_destroy(elsewhere.e);
	quic_endpoint_destroy(server.e);
}

static bool all_three_ready(struct seen **ends)
{
	return ends[1]->n_ready && ends[2]->n_ready && ends[3]->n_ready;
}

static bool the_fourth_is_ready(struct seen **ends)
{
	return ends[4]->n_ready;
}

/* A household that has every place gives one up for somebody else, where the server lets it; and no more than that. */
static void the_greedy_give_way(void **state)
{
	(void)state;
	struct seen server, a, b, c, d, *ends[] = {&server, &a, &b, &c, &d};
	struct quic_endpoint_stats stats;
	open_end(&server, 3, 3, 0);
	open_end(&a, 0, 0, 0);
	open_end(&b, 0, 0, 0);
	open_end(&c, 0, 0, 0);
	dial(&a, &server);
	dial(&b, &server);
	dial(&c, &server);
	assert_true(run(ends, 4, 5000, all_three_ready));
	bind_host = "127.0.0.2";
	open_end(&d, 0, 0, 0);
	bind_host = "127.0.0.1";
	gives_way = false;
	dial(&d, &server);
	run(ends, 5, 200, NULL);
	assert_int_equal(d.n_ready, 0);
	gives_way = true;
	assert_true(run(ends, 5, 5000, the_fourth_is_ready)); /* it asks again by itself */
	run(ends, 5, 100, NULL);
	quic_endpoint_get_stats(server.e, &stats);
	assert_int_equal(stats.evicted, 1);
	assert_int_equal(a.n_ended + b.n_ended + c.n_ended, 1);
	quic_endpoint_destroy(a.e);
	quic_endpoint_destroy(b.e);
	quic_endpoint_destroy(c.e);
	quic_endpoint_destroy(d.e);
	quic_endpoint_destroy(server.e);
	gives_way = false;
}

static void the_number_of_connections_is_bounded(void **state)
{
	(void)state;
	struct seen server, a, b, c, *ends[] = {&server, &a, &b, &c};
	open_end(&server, 2, 2, 0);
	open_end(&a, 0, 0, 0);
	open_end(&b, 0, 0, 0);
	open_end(&c, 0, 0, 0);
	struct quic_conn *ca = dial(&a, &server);
	dial(&b, &server);
	assert_true(run(ends, 3, 5000, first_two_ready));
	dial(&c, &server);
	run(ends, 4, 300, NULL);
	assert_int_equal(c.n_ready, 0);
	struct quic_endpoint_stats stats;
	quic_endpoint_get_stats(server.e, &stats);
	assert_true(stats.refused > 0);
	/* A place gets free; the third's next attempt takes it, though the old one still lingers. */
	quic_conn_close(ca, 0, NULL);
	for (int i = 0; i < 40 && !c.n_ready; i++)
		run(ends, 4, 100, NULL);
	assert_int_equal(c.n_ready, 1);
	for (int i = 0; i < 4; i++)
		quic_endpoint_destroy(ends[i]->e);
}

static void may_accept_can_refuse(void **state)
{
	(void)state;
	struct seen server, client, *ends[] = {&server, &client};
	open_end(&server, 2, 2, 0);
	open_end(&client, 0, 0, 0);
	server.refuse = true;
	dial(&client, &server);
	run(ends, 2, 100, NULL);
	struct quic_endpoint_stats stats;
	quic_endpoint_get_stats(server.e, &stats);
	assert_int_equal(stats.accepted, 0);
	assert_true(stats.refused > 0);
	quic_endpoint_destroy(client.e);
	quic_endpoint_destroy(server.e);
}

static void a_closed_port_ends_at_once(void **state)
{
	(void)state;
	struct seen server, client, *ends[] = {&client, &client};
	open_end(&server, 2, 2, 0);
	open_end(&client, 0, 0, 0);
	aim(&client, &server);
	quic_endpoint_destroy(server.e);
	struct quic_conn *c;
	uint64_t start = now();
	assert_int_equal(
		quic_endpoint_connect(client.e, &c, &client.to, sizeof client.to.in4, NULL, now()),
		PF_OK);
	client.reconnect = true; /* from inside on_end, which is allowed */
	assert_true(run(ends, 1, 3000, client_ended));
	assert_true(now() - start < 2000 * MS);
	assert_int_equal(client.end.cause, PF_QUIC_CAUSE_REFUSED);
	assert_int_equal(client.end.err, PF_E_CLOSED);
	for (int i = 0; i < 20 && client.n_ended < 2; i++)
		run(ends, 1, 100, NULL);
	assert_int_equal(client.n_ended, 2);
	quic_endpoint_destroy(client.e);
}

static void a_wrong_pin_is_told(void **state)
{
	(void)state;
	struct seen server, client, *ends[] = {&server, &client};
	uint8_t pin[PF_FINGERPRINT_LEN];
	open_end(&server, 2, 2, 0);
	open_end(&client, 0, 0, 0);
	pf_identity_fingerprint(identity, pin);
	pin[31] ^= 1;
	aim(&client, &server);
	struct quic_conn *c;
	assert_int_equal(
		quic_endpoint_connect(client.e, &c, &client.to, sizeof client.to.in4, pin, now()),
		PF_OK);
	assert_true(run(ends, 2, 5000, client_ended));
	assert_int_equal(client.end.err, PF_E_PIN);
	assert_int_equal(client.n_ready, 0);
	quic_endpoint_destroy(client.e);
	quic_endpoint_destroy(server.e);
}

static void other_versions_get_an_answer(void **state)
{
	(void)state;
	struct seen server, *ends[] = {&server};
	struct udp_socket s;
	struct udp_rx *rx;
	struct udp_packet *p;
	const struct udp_params params = {.bind_host = "127.0.0.1"};
	open_end(&server, 2, 2, 0);
	aim(&server, &server);
	assert_int_equal(udp_open(&s, &params), PF_OK);
	assert_int_equal(udp_rx_create(&rx, 2048, false), PF_OK);
	for (size_t len = 1199; len <= 1200; len++) {
		uint8_t buf[1200] = {
			0xC0, 0x1A, 0x2A, 0x3A, 0x4A, 8, 1, 2, 3, 4, 5, 6, 7, 8, 3, 9, 9, 9};
		assert_int_equal(udp_send_one(&s, &server.to, sizeof server.to.in4, buf, len), 1);
		run(ends, 1, 20, NULL);
		int n = udp_rx_read(rx, &s, &p);
		if (len == 1199) {
			assert_int_equal(n, PF_E_AGAIN);
			continue;
		}
		assert_int_equal(n, 1);
		assert_int_equal(p[0].len, 1 + 4 + 1 + 3 + 1 + 8 + 4);
		assert_memory_equal(p[0].data + 1, "\0\0\0\0\x03\x09\x09\x09\x08\x01", 10);
		assert_memory_equal(p[0].data + 18, "\0\0\0\x01", 4);
	}
	udp_rx_destroy(rx);
	udp_close(&s);
	quic_endpoint_destroy(server.e);
}

static void creation_fails_clearly(void **state)
{
	(void)state;
	struct seen server;
	open_end(&server, 2, 2, 0);
	struct quic_endpoint_params params = {
		.bind_host = "127.0.0.1",
		.port = (uint16_t)quic_endpoint_port(server.e),
		.identity = identity,
		.callbacks = &callbacks,
		.max_connections = 2,
	};
	struct quic_endpoint *e;
	assert_int_equal(quic_endpoint_create(&e, &params), PF_E_BUSY);
	assert_null(e);
	params.identity = NULL;
	assert_int_equal(quic_endpoint_create(&e, &params), PF_E_INVALID);
	quic_endpoint_destroy(server.e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_clients),
		cmocka_unit_test(destroying_the_host_tells_the_client),
		cmocka_unit_test(garbage_of_every_size),
		cmocka_unit_test(initials_replayed_and_in_numbers),
		cmocka_unit_test(the_greedy_give_way),
		cmocka_unit_test(the_number_of_connections_is_bounded),
		cmocka_unit_test(a_flood_of_initials_keeps_nobody_out),
		cmocka_unit_test(a_token_proves_one_address),
		cmocka_unit_test(one_address_cannot_take_every_place),
		cmocka_unit_test(may_accept_can_refuse),
		cmocka_unit_test(a_closed_port_ends_at_once),
		cmocka_unit_test(a_wrong_pin_is_told),
		cmocka_unit_test(other_versions_get_an_answer),
		cmocka_unit_test(creation_fails_clearly),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
