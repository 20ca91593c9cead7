/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/quic_pair.h"

#include <stdlib.h>

#define BULK (300u << 10) /* above every initial window: it must be extended on the way */

static struct pair *new_pair(void)
{
	struct pair *p = malloc(sizeof *p);
	assert_non_null(p);
	pair_init(p);
	return p;
}

static void free_pair(struct pair *p)
{
	pair_finish(p);
	free(p);
}

static struct pair *ready_pair(void)
{
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	pair_connect(p, &params);
	pair_run(p, p->now + 2000 * MS, pair_both_ready);
	assert_int_equal(p->client.n_ready, 1);
	assert_int_equal(p->server.n_ready, 1);
	return p;
}

static struct pf_quic_end end_of(const struct end_state *e)
{
	struct pf_quic_end end;
	assert_non_null(e->q);
	pf_quic_get_end(e->q, &end);
	return end;
}

static void both_ends_get_ready(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	uint8_t fp[PF_FINGERPRINT_LEN];
	pf_identity_fingerprint(p->host_id, fp);
	assert_memory_equal(p->client.fp, fp, sizeof fp);
	pf_identity_fingerprint(p->client_id, fp);
	assert_true(p->server.had_fp);
	assert_memory_equal(p->server.fp, fp, sizeof fp);
	/* Client Hello, server flight, client Finished: the handshake is two flights of 10 ms each. */
	assert_true(p->now - 1000 * MS < 100 * MS);
	pair_run(p, p->now + 200 * MS, NULL);
	assert_true(pf_quic_rtt_ns(p->client.q) >= 2 * LINK_DELAY);
	assert_true(p->server.n_cids >= 2);
	free_pair(p);
}

static void a_client_needs_no_certificate(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	params.identity = NULL;
	pair_connect(p, &params);
	pair_run(p, p->now + 2000 * MS, pair_both_ready);
	assert_int_equal(p->server.n_ready, 1);
	assert_false(p->server.had_fp);
	free_pair(p);
}

static bool bulk_done(const struct pair *p)
{
	return p->client.n_fin && p->server.n_fin;
}

static uint64_t send_bulk(struct end_state *e, uint64_t seed)
{
	uint8_t *data = malloc(BULK);
	assert_non_null(data);
	for (size_t i = 0; i < BULK; i++)
		data[i] = (uint8_t)test_rand(&seed);
	for (size_t at = 0; at < BULK;) {
		size_t n = 1 + test_rand(&seed) % 5000;
		if (n > BULK - at)
			n = BULK - at;
		assert_int_equal(
			pf_quic_send_stream(e->q, PAIR_STREAM, data + at, n, at + n == BULK),
			PF_OK);
		at += n;
	}
	uint64_t hash = fnv(0, data, BULK);
	free(data);
	return hash;
}

static void run_bulk(struct pair *p)
{
	assert_int_equal(pf_quic_open_stream(p->client.q), PAIR_STREAM);
	uint64_t up = send_bulk(&p->client, 1);
	/* The server can answer once it has seen the stream. */
	for (int i = 0; i < 1000 && !p->server.n_bytes; i++)
		pair_run(p, p->now + 20 * MS, NULL);
	uint64_t down = send_bulk(&p->server, 2);
	pair_run(p, p->now + 120000 * MS, bulk_done);
	assert_int_equal(p->server.n_bytes, BULK);
	assert_int_equal(p->client.n_bytes, BULK);
	assert_true(p->server.hash == up);
	assert_true(p->client.hash == down);
	/* Both sides have ended: the slot is free again, and a sending is refused. */
	pair_run(p, p->now + 3000 * MS, NULL);
	assert_int_equal(pf_quic_send_stream(p->client.q, PAIR_STREAM, "x", 1, false), PF_E_CLOSED);
}

static void bulk_both_ways(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	run_bulk(p);
	free_pair(p);
}

static void bulk_with_a_fifth_of_the_packets_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct pair *p = new_pair();
		struct pf_quic_params params = pair_client_params(p);
		params.handshake_timeout_ns = 60000 * MS;
		params.idle_timeout_ns = 60000 * MS;
		p->server_params.handshake_timeout_ns = 60000 * MS;
		p->server_params.idle_timeout_ns = 60000 * MS;
		p->loss_percent = 20;
		p->seed = seed;
		pair_connect(p, &params);
		pair_run(p, p->now + 60000 * MS, pair_both_ready);
		assert_true(pair_both_ready(p));
		run_bulk(p);
		free_pair(p);
	}
}

static void datagrams_both_ways(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	assert_int_equal(pf_quic_send_datagram(p->client.q, "to host", 7), PF_OK);
	assert_int_equal(pf_quic_send_datagram(p->server.q, "to client!", 10), PF_OK);
	pair_run(p, p->now + 100 * MS, NULL);
	assert_int_equal(p->server.n_datagrams, 1);
	assert_memory_equal(p->server.last_datagram, "to host", 7);
	assert_int_equal(p->client.n_datagrams, 1);
	assert_memory_equal(p->client.last_datagram, "to client!", 10);
	assert_int_equal(pf_quic_send_datagram(p->client.q, "", 0), PF_E_INVALID);
	uint8_t big[2000] = {0};
	assert_int_equal(pf_quic_send_datagram(p->client.q, big, sizeof big), PF_E_INVALID);
	free_pair(p);
}

static void a_full_datagram_queue_drops_the_oldest(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	uint8_t d[400] = {0};
	for (unsigned i = 0; i < 100; i++) {
		d[0] = (uint8_t)i;
		assert_int_equal(pf_quic_send_datagram(p->client.q, d, sizeof d), PF_OK);
	}
	pair_run(p, p->now + 500 * MS, NULL);
	assert_int_equal(p->server.n_datagrams, PF_QUIC_DATAGRAM_BUFFER / 402);
	assert_int_equal(p->server.last_datagram[0], 99);
	free_pair(p);
}

static void the_largest_datagram_fits_the_path(void **state)
{
	(void)state;
	/* Discovery has found 1472 bytes; the largest that is accepted must arrive. */
	struct pair *p = ready_pair();
	pair_run(p, p->now + 3000 * MS, NULL);
	static uint8_t d[1500];
	size_t len = sizeof d;
	while (pf_quic_send_datagram(p->client.q, d, len) < 0)
		len--;
	assert_in_range(len, 1400, 1450);
	pair_run(p, p->now + 200 * MS, NULL);
	assert_int_equal(p->server.last_datagram_len, len);
	free_pair(p);
}

static void a_narrow_path_still_works(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	p->max_len = 1280;
	struct pf_quic_params params = pair_client_params(p);
	pair_connect(p, &params);
	pair_run(p, p->now + 5000 * MS, pair_both_ready);
	run_bulk(p);
	uint8_t d[1300] = {0};
	assert_int_equal(pf_quic_send_datagram(p->client.q, d, sizeof d), PF_E_INVALID);
	free_pair(p);
}

static void the_right_pin_is_accepted(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	uint8_t pin[PF_FINGERPRINT_LEN];
	pf_identity_fingerprint(p->host_id, pin);
	params.pin = pin;
	pair_connect(p, &params);
	memset(pin, 0, sizeof pin); /* it was copied */
	pair_run(p, p->now + 2000 * MS, pair_both_ready);
	assert_true(pair_both_ready(p));
	free_pair(p);
}

static void a_wrong_pin_ends_both(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 256; bit += 85) {
		struct pair *p = new_pair();
		struct pf_quic_params params = pair_client_params(p);
		uint8_t pin[PF_FINGERPRINT_LEN];
		pf_identity_fingerprint(p->host_id, pin);
		pin[bit / 8] ^= (uint8_t)(1u << bit % 8);
		params.pin = pin;
		pair_connect(p, &params);
		pair_run(p, p->now + 5000 * MS, pair_both_ended);
		assert_int_equal(p->client.n_ready, 0);
		assert_int_equal(p->server.n_ready, 0);
		struct pf_quic_end end = end_of(&p->client);
		assert_int_equal(end.err, PF_E_PIN);
		assert_int_equal(end.cause, PF_QUIC_CAUSE_PIN);
		assert_false(end.by_peer);
		end = end_of(&p->server);
		assert_int_equal(end.err, PF_E_CRYPTO);
		assert_int_equal(end.cause, PF_QUIC_CAUSE_TLS);
		assert_true(end.by_peer);
		free_pair(p);
	}
}

static void close_codes_travel(void **state)
{
	(void)state;
	for (int from_client = 0; from_client < 2; from_client++) {
		struct pair *p = ready_pair();
		struct end_state *a = from_client ? &p->client : &p->server;
		struct end_state *b = from_client ? &p->server : &p->client;
		pf_quic_close(a->q, 0x42, "host busy\n\xC3\xBC");
		pf_quic_close(a->q, 0x99, "too late");
		assert_int_equal(pf_quic_state(a->q), PF_QUIC_CLOSING);
		assert_true(pf_quic_deadline(a->q) <= p->now);
		pair_run(p, p->now + 1000 * MS, pair_both_ended);
		struct pf_quic_end end = end_of(a);
		assert_int_equal(end.cause, PF_QUIC_CAUSE_LOCAL);
		assert_int_equal(end.err, PF_E_CLOSED);
		assert_int_equal(end.code, 0x42);
		end = end_of(b);
		assert_int_equal(end.cause, PF_QUIC_CAUSE_PEER);
		assert_int_equal(end.err, PF_E_CLOSED);
		assert_true(end.by_peer && end.application);
		assert_int_equal(end.code, 0x42);
		assert_string_equal(end.reason, "host busy???");
		assert_int_equal(pf_quic_open_stream(b->q), PF_E_CLOSED);
		assert_int_equal(pf_quic_send_datagram(b->q, "x", 1), PF_E_CLOSED);
		assert_int_equal(pf_quic_send_stream(a->q, 0, "x", 1, false), PF_E_CLOSED);
		/* The closing end stays for three PTOs and dies by itself. */
		pair_run(p, p->now + 10000 * MS, NULL);
		assert_int_equal(pf_quic_state(a->q), PF_QUIC_DEAD);
		assert_true(pf_quic_deadline(a->q) == UINT64_MAX);
		free_pair(p);
	}
}

static void a_lost_close_is_repeated(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	pair_run(p, p->now + 100 * MS, NULL);
	pf_quic_close(p->server.q, 0x52, "");
	p->cut = true;
	pair_run(p, p->now + 1 * MS, NULL); /* the close is lost */
	p->cut = false;
	assert_int_equal(pf_quic_send_datagram(p->client.q, "hello?", 6), PF_OK);
	pair_run(p, p->now + 60 * MS, NULL);
	struct pf_quic_end end = end_of(&p->client);
	assert_int_equal(end.code, 0x52);
	assert_true(end.application);
	free_pair(p);
}

static void closing_works_in_every_state(void **state)
{
	(void)state;
	/* Either or both ends close after k steps of 5 ms: before the first packet, mid-handshake, ready. */
	for (int k = 0; k < 14; k++) {
		for (int which = 0; which < 3; which++) {
			struct pair *p = new_pair();
			struct pf_quic_params params = pair_client_params(p);
			pair_connect(p, &params);
			for (int i = 0; i < k; i++)
				pair_run(p, p->now + 5 * MS, NULL);
			bool server_closes = which != 0 && p->server.q;
			if (which != 1)
				pf_quic_close(p->client.q, 0x51, "quit");
			if (server_closes)
				pf_quic_close(p->server.q, 0x68, NULL);
			pair_run(p, p->now + 30000 * MS, NULL);
			if (which != 1 || server_closes) {
				assert_int_equal(pf_quic_state(p->client.q), PF_QUIC_DEAD);
				if (p->server.q)
					assert_int_equal(pf_quic_state(p->server.q), PF_QUIC_DEAD);
			}
			/* Whoever closed says so; the other says that the peer did. */
			if (which == 0) {
				assert_int_equal(end_of(&p->client).cause, PF_QUIC_CAUSE_LOCAL);
				if (p->server.n_ready)
					assert_int_equal(end_of(&p->server).code, 0x51);
			}
			if (which == 1 && server_closes && p->client.n_ready)
				assert_int_equal(end_of(&p->client).code, 0x68);
			free_pair(p);
		}
	}
}

static void closing_inside_a_callback(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	p->server.close_in_stream = true;
	int64_t id = pf_quic_open_stream(p->client.q);
	assert_int_equal(pf_quic_send_stream(p->client.q, id, "bye", 3, false), PF_OK);
	pair_run(p, p->now + 1000 * MS, pair_both_ended);
	struct pf_quic_end end = end_of(&p->client);
	assert_int_equal(end.code, 0x51);
	assert_string_equal(end.reason, "from inside");
	free_pair(p);
}

static void an_error_of_on_stream_closes(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	p->server.stream_error = PF_E_BAD_PACKET;
	int64_t id = pf_quic_open_stream(p->client.q);
	assert_int_equal(pf_quic_send_stream(p->client.q, id, "junk", 4, false), PF_OK);
	pair_run(p, p->now + 1000 * MS, pair_both_ended);
	struct pf_quic_end end = end_of(&p->client);
	assert_int_equal(end.code, 0x68);
	assert_true(end.by_peer && end.application);
	assert_int_equal(end_of(&p->server).err, PF_E_BAD_PACKET);
	free_pair(p);
}

static void on_ready_may_open_and_send(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	p->client.open_in_ready = true;
	pair_connect(p, &params);
	pair_run(p, p->now + 200 * MS, NULL);
	assert_int_equal(p->client.opened, 0);
	assert_int_equal(p->server.n_bytes, 5);
	assert_int_equal(p->server.n_datagrams, 1);
	free_pair(p);
}

static void streams_are_bounded(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	pair_connect(p, &params);
	assert_int_equal(pf_quic_open_stream(p->client.q), PF_E_AGAIN);
	assert_int_equal(pf_quic_send_datagram(p->client.q, "x", 1), PF_E_AGAIN);
	pair_run(p, p->now + 2000 * MS, pair_both_ready);
	for (unsigned round = 0; round < 3; round++) {
		for (unsigned i = 0; i < PF_QUIC_MAX_STREAMS; i++) {
			int64_t id = pf_quic_open_stream(p->client.q);
			assert_int_equal(id, 4 * (round * PF_QUIC_MAX_STREAMS + i));
			assert_int_equal(pf_quic_send_stream(p->client.q, id, "x", 1, true), PF_OK);
		}
		assert_int_equal(pf_quic_open_stream(p->client.q), PF_E_AGAIN);
		pair_run(p, p->now + 500 * MS, NULL);
		/* They end only when the host has ended its side too. */
		assert_int_equal(pf_quic_open_stream(p->client.q), PF_E_AGAIN);
		for (unsigned i = 0; i < PF_QUIC_MAX_STREAMS; i++)
			assert_int_equal(
				pf_quic_send_stream(p->server.q,
					4 * (round * PF_QUIC_MAX_STREAMS + i), "", 0, true),
				PF_OK);
		pair_run(p, p->now + 500 * MS, NULL);
	}
	assert_int_equal(p->server.n_fin, 12);
	assert_int_equal(p->client.n_fin, 12);
	free_pair(p);
}

static void a_cancelled_stream_is_told_from_one_that_ended(void **state)
{
	static const uint8_t much[100000];
	(void)state;
	struct pair *p = ready_pair();
	int64_t kept = pf_quic_open_stream(p->client.q), gone = pf_quic_open_stream(p->client.q);
	assert_int_equal(pf_quic_send_stream(p->client.q, kept, "x", 1, true), PF_OK);
	assert_int_equal(pf_quic_send_stream(p->client.q, gone, "y", 1, false), PF_OK);
	pair_run(p, p->now + 100 * MS, NULL);
	assert_int_equal(p->server.n_fin, 1);
	assert_int_equal(p->server.n_reset, 0);

	assert_int_equal(pf_quic_send_stream(p->server.q, gone, much, sizeof much, false), PF_OK);
	pf_quic_reset_stream(p->client.q, gone, 0x70);
	pf_quic_reset_stream(p->client.q, gone, 0x70);
	pf_quic_reset_stream(p->client.q, 400, 0x70); /* nobody's */
	assert_int_equal(pf_quic_send_stream(p->client.q, gone, "z", 1, false), PF_E_CLOSED);
	pair_run(p, p->now + 500 * MS, NULL);
	assert_int_equal(p->server.n_fin, 2);
	assert_int_equal(p->server.n_reset, 1);
	assert_int_equal(p->client.n_bytes, 0); /* what was under way is not handed up */

	/* Both sides forget it: the place is free again, and the connection is fine. */
	assert_int_equal(pf_quic_send_stream(p->server.q, kept, "x", 1, true), PF_OK);
	pair_run(p, p->now + 500 * MS, NULL);
	for (unsigned i = 0; i < PF_QUIC_MAX_STREAMS; i++)
		assert_true(pf_quic_open_stream(p->client.q) >= 0);
	free_pair(p);
}

static void the_stream_buffer_is_bounded(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	uint8_t *big = calloc(1, PF_QUIC_STREAM_BUFFER);
	assert_non_null(big);
	int64_t id = pf_quic_open_stream(p->client.q);
	assert_int_equal(
		pf_quic_send_stream(p->client.q, id, big, PF_QUIC_STREAM_BUFFER, false), PF_OK);
	assert_int_equal(pf_quic_send_stream(p->client.q, id, "x", 1, false), PF_E_FULL);
	pair_run(p, p->now + 30000 * MS, NULL);
	assert_int_equal(p->server.n_bytes, PF_QUIC_STREAM_BUFFER);
	assert_int_equal(pf_quic_send_stream(p->client.q, id, "x", 1, false), PF_OK);
	assert_int_equal(pf_quic_send_stream(p->client.q, 77, "x", 1, false), PF_E_CLOSED);
	free(big);
	free_pair(p);
}

static void idle_timeout_and_keep_alive(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	pair_run(p, p->now + 60000 * MS, NULL); /* a minute of silence: keep-alive holds it */
	assert_int_equal(pf_quic_state(p->client.q), PF_QUIC_READY);
	assert_int_equal(pf_quic_state(p->server.q), PF_QUIC_READY);
	p->cut = true;
	uint64_t start = p->now;
	pair_run(p, p->now + 60000 * MS, pair_both_ended);
	assert_in_range((p->now - start) / MS, 4000, 13000);
	for (int i = 0; i < 2; i++) {
		struct pf_quic_end end = end_of(i ? &p->server : &p->client);
		assert_int_equal(end.err, PF_E_TIMEOUT);
		assert_int_equal(end.cause, PF_QUIC_CAUSE_IDLE);
		assert_false(end.by_peer);
	}
	free_pair(p);
}

static void nobody_answers(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	params.handshake_timeout_ns = 3000 * MS;
	pair_connect(p, &params);
	p->cut = true;
	uint64_t start = p->now;
	pair_run(p, p->now + 3001 * MS, NULL);
	struct pf_quic_end end = end_of(&p->client);
	assert_int_equal(end.err, PF_E_TIMEOUT);
	assert_int_equal(end.cause, PF_QUIC_CAUSE_HANDSHAKE_TIMEOUT);
	assert_int_equal(pf_quic_state(p->client.q), PF_QUIC_DEAD);
	(void)start;
	free_pair(p);
}

static void a_half_made_connection_times_out(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	pair_connect(p, &params);
	pair_run(p, p->now + 11 * MS, NULL); /* the server has the Initial */
	assert_non_null(p->server.q);
	p->cut = true;
	p->n_link = 0;
	pair_run(p, p->now + 11000 * MS, NULL);
	assert_int_equal(end_of(&p->server).cause, PF_QUIC_CAUSE_HANDSHAKE_TIMEOUT);
	free_pair(p);
}

static void garbage_does_not_end_a_connection(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	uint64_t seed = 7;
	for (size_t len = 0; len <= 1500; len++) {
		uint8_t junk[1500];
		for (size_t i = 0; i < len; i++)
			junk[i] = (uint8_t)test_rand(&seed);
		assert_int_equal(pf_quic_read(p->client.q, (struct sockaddr *)&p->server_addr,
					 sizeof p->server_addr, junk, len, p->now),
			PF_OK);
		assert_int_equal(pf_quic_read(p->server.q, (struct sockaddr *)&p->client_addr,
					 sizeof p->client_addr, junk, len, p->now),
			PF_OK);
	}
	assert_int_equal(pf_quic_send_datagram(p->client.q, "still", 5), PF_OK);
	pair_run(p, p->now + 100 * MS, NULL);
	assert_int_equal(p->server.n_datagrams, 1);
	free_pair(p);
}

static void a_client_that_moves_stays_connected(void **state)
{
	(void)state;
	struct pair *p = ready_pair();
	pair_run(p, p->now + 200 * MS, NULL);
	p->client_addr.sin_port = htons(2000); /* a NAT gave it another port */
	assert_int_equal(pf_quic_send_datagram(p->client.q, "moved", 5), PF_OK);
	pair_run(p, p->now + 1000 * MS, NULL);
	struct sockaddr_in now;
	assert_int_equal(
		pf_quic_remote(p->server.q, (struct sockaddr *)&now, sizeof now), sizeof now);
	assert_int_equal(ntohs(now.sin_port), 2000);
	assert_int_equal(pf_quic_remote(p->server.q, (struct sockaddr *)&now, 4), 0);
	free_pair(p);
}

static void routing(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	struct pf_quic_route r;
	uint8_t buf[PF_QUIC_MAX_UDP], out[256];
	pair_connect(p, &params);
	int n = pf_quic_write(p->client.q, buf, sizeof buf, p->now);
	assert_true(n >= 1200);
	assert_int_equal(pf_quic_route(&r, buf, (size_t)n), PF_OK);
	assert_true(r.long_header && r.version == 1 && r.dcid_len == 16 && r.scid_len == 16);
	assert_false(r.version_negotiation);
	assert_int_equal(pf_quic_write_version_negotiation(out, sizeof out, &r, 0), PF_E_INVALID);
	const uint8_t versions[][4] = {
		{0x6b, 0x33, 0x43, 0xcf}, {0xff, 0, 0, 0x1d}, {0x1a, 0x2a, 0x3a, 0x4a}};
	for (int i = 0; i < 3; i++) {
		memcpy(buf + 1, versions[i], 4);
		assert_int_equal(pf_quic_route(&r, buf, (size_t)n), PF_OK);
		assert_true(r.version_negotiation);
		int len = pf_quic_write_version_negotiation(out, sizeof out, &r, 0x55);
		assert_int_equal(len, 1 + 4 + 1 + 16 + 1 + 16 + 4);
		assert_memory_equal(out + 1, "\0\0\0\0\x10", 5);
		assert_memory_equal(out + 6, r.scid, 16);
		assert_memory_equal(out + 23, r.dcid, 16);
		assert_memory_equal(out + 39, "\0\0\0\x01", 4);
		struct pf_quic *q;
		assert_true(pf_quic_accept(&q, &p->server_params, buf, (size_t)n, p->now) < 0);
		assert_int_equal(pf_quic_write_version_negotiation(out, 10, &r, 0), PF_E_FULL);
	}
	/* The answer makes the client give up with a clear cause. */
	memcpy(buf + 1, "\x1a\x2a\x3a\x4a", 4);
	assert_int_equal(pf_quic_route(&r, buf, (size_t)n), PF_OK);
	int len = pf_quic_write_version_negotiation(out, sizeof out, &r, 0);
	out[42] = 9; /* offers something that is not version 1 */
	(void)!pf_quic_read(p->client.q, (struct sockaddr *)&p->server_addr, sizeof p->server_addr,
		out, (size_t)len, p->now);
	struct pf_quic_end end;
	pf_quic_get_end(p->client.q, &end);
	assert_int_equal(end.cause, PF_QUIC_CAUSE_QUIC_VERSION);
	assert_int_equal(end.err, PF_E_WIRE_VERSION);

	uint64_t seed = 3;
	for (size_t size = 0; size < 1500; size++) {
		uint8_t junk[1500];
		for (size_t i = 0; i < size; i++)
			junk[i] = (uint8_t)test_rand(&seed);
		if (pf_quic_route(&r, junk, size) == PF_OK)
			assert_true(r.dcid >= junk && r.dcid + r.dcid_len <= junk + size);
		struct pf_quic *q = NULL;
		int err = pf_quic_accept(&q, &p->server_params, junk, size, p->now);
		assert_true(err < 0 && !q);
	}
	free_pair(p);
}

static void addresses_are_checked(void **state)
{
	(void)state;
	struct pair *p = new_pair();
	struct pf_quic_params params = pair_client_params(p);
	struct pf_quic *q;
	params.remote_len = 3;
	assert_int_equal(pf_quic_connect(&q, &params, p->now), PF_E_INVALID);
	params = pair_client_params(p);
	struct sockaddr unknown = {.sa_family = AF_UNIX};
	params.remote = &unknown;
	params.remote_len = sizeof unknown;
	assert_int_equal(pf_quic_connect(&q, &params, p->now), PF_E_INVALID);
	pf_quic_destroy(NULL);
	free_pair(p);
}

static void identities(void **state)
{
	(void)state;
	struct pf_identity *a, *b, *c;
	uint8_t fa[32], fb[32];
	assert_int_equal(pf_identity_generate(&a, "punktfunk", PAIR_NOW_S), PF_OK);
	const char *cert = pf_identity_cert_pem(a), *key = pf_identity_key_pem(a);
	assert_int_equal(pf_identity_from_pem(&b, cert, strlen(cert), key, strlen(key)), PF_OK);
	pf_identity_fingerprint(a, fa);
	pf_identity_fingerprint(b, fb);
	assert_memory_equal(fa, fb, 32);
	assert_string_equal(pf_identity_cert_pem(b), cert);
	pf_identity_destroy(b);
	assert_int_equal(pf_identity_generate(&b, "punktfunk", PAIR_NOW_S), PF_OK);
	pf_identity_fingerprint(b, fb);
	assert_memory_not_equal(fa, fb, 32);
	/* Another key, no key, cut text, nothing. */
	const char *other = pf_identity_key_pem(b);
	assert_int_equal(
		pf_identity_from_pem(&c, cert, strlen(cert), other, strlen(other)), PF_E_INVALID);
	assert_int_equal(
		pf_identity_from_pem(&c, cert, strlen(cert), cert, strlen(cert)), PF_E_INVALID);
	assert_int_equal(
		pf_identity_from_pem(&c, cert, strlen(cert) / 2, key, strlen(key)), PF_E_INVALID);
	assert_int_equal(
		pf_identity_from_pem(&c, cert, strlen(cert), key, strlen(key) / 2), PF_E_INVALID);
	assert_int_equal(pf_identity_from_pem(&c, "", 0, key, strlen(key)), PF_E_INVALID);
	assert_int_equal(pf_identity_from_pem(&c, cert, 1u << 30, key, strlen(key)), PF_E_INVALID);
	assert_null(c);
	assert_int_equal(pf_identity_generate(&c, "", 0), PF_E_INVALID);
	assert_int_equal(pf_identity_generate(&c, "a\nb", 0), PF_E_INVALID);
	pf_identity_destroy(a);
	pf_identity_destroy(b);
	pf_identity_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_get_ready),
		cmocka_unit_test(a_client_needs_no_certificate),
		cmocka_unit_test(bulk_both_ways),
		cmocka_unit_test(bulk_with_a_fifth_of_the_packets_lost),
		cmocka_unit_test(datagrams_both_ways),
		cmocka_unit_test(a_full_datagram_queue_drops_the_oldest),
		cmocka_unit_test(the_largest_datagram_fits_the_path),
		cmocka_unit_test(a_narrow_path_still_works),
		cmocka_unit_test(the_right_pin_is_accepted),
		cmocka_unit_test(a_wrong_pin_ends_both),
		cmocka_unit_test(close_codes_travel),
		cmocka_unit_test(a_lost_close_is_repeated),
		cmocka_unit_test(closing_works_in_every_state),
		cmocka_unit_test(closing_inside_a_callback),
		cmocka_unit_test(an_error_of_on_stream_closes),
		cmocka_unit_test(on_ready_may_open_and_send),
		cmocka_unit_test(streams_are_bounded),
		cmocka_unit_test(a_cancelled_stream_is_told_from_one_that_ended),
		cmocka_unit_test(the_stream_buffer_is_bounded),
		cmocka_unit_test(idle_timeout_and_keep_alive),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(a_half_made_connection_times_out),
		cmocka_unit_test(garbage_does_not_end_a_connection),
		cmocka_unit_test(a_client_that_moves_stays_connected),
		cmocka_unit_test(routing),
		cmocka_unit_test(addresses_are_checked),
		cmocka_unit_test(identities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
