/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_QUIC_PAIR_H
#define TESTS_QUIC_PAIR_H

#include <arpa/inet.h>
#include <stdbool.h>
#include <string.h>

#include "core/quic/conn.h"
#include "tests/test.h"

/* A client and a server connection over a link in memory, in virtual time. */

#define MS	    1000000ull
#define LINK_DELAY  (10 * MS)
#define LINK_CAP    512
#define PAIR_NOW_S  1700000000u
#define PAIR_STREAM 0 /* the client's first bidirectional stream */

struct end_state {
	struct pf_quic *q;
	unsigned n_ready, n_datagrams, n_fin, n_reset;
	bool had_fp;
	uint8_t fp[PF_FINGERPRINT_LEN];
	size_t n_bytes;
	uint64_t hash; /* FNV-1a over the stream bytes */
	uint8_t last_datagram[1472];
	size_t last_datagram_len;
	int n_cids;
	int stream_error;     /* what on_stream answers */
	bool close_in_stream; /* close from inside the callback */
	bool open_in_ready;   /* open the control stream and send from inside on_ready */
	int64_t opened;
};

struct in_flight {
	uint8_t data[1500];
	size_t len;
	bool to_server;
	uint64_t at;
};

struct pair {
	struct end_state client, server;
	struct pf_identity *host_id, *client_id;
	uint64_t now;
	unsigned loss_percent;
	uint64_t seed;
	bool cut; /* nothing gets through any more */
	size_t max_len;
	struct in_flight link[LINK_CAP];
	size_t n_link;
	struct sockaddr_in client_addr, server_addr;
	struct pf_quic_params server_params;
};

static inline uint64_t fnv(uint64_t h, const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001B3u;
	return h;
}

static inline void pair_on_ready(struct pf_quic *q, const uint8_t *fp, void *userdata)
{
	struct end_state *e = userdata;
	e->n_ready++;
	e->had_fp = fp != NULL;
	if (fp)
		memcpy(e->fp, fp, sizeof e->fp);
	if (e->open_in_ready) {
		e->opened = pf_quic_open_stream(q);
		assert_true(e->opened >= 0);
		assert_int_equal(pf_quic_send_stream(q, e->opened, "early", 5, false), PF_OK);
		assert_int_equal(pf_quic_send_datagram(q, "early", 5), PF_OK);
	}
}

static inline int pair_on_stream(
	struct pf_quic *q, int64_t id, const uint8_t *data, size_t len, bool fin, void *userdata)
{
	struct end_state *e = userdata;
	e->n_reset += fin && pf_quic_stream_was_reset(q, id);
	e->n_bytes += len;
	e->hash = fnv(e->hash, data, len);
	e->n_fin += fin;
	if (e->close_in_stream)
		pf_quic_close(q, 0x51, "from inside");
	return e->stream_error;
}

static inline void pair_on_datagram(
	struct pf_quic *q, const uint8_t *data, size_t len, void *userdata)
{
	struct end_state *e = userdata;
	(void)q;
	e->n_datagrams++;
	assert_true(len <= sizeof e->last_datagram);
	memcpy(e->last_datagram, data, len);
	e->last_datagram_len = len;
}

static inline void pair_on_cid(
	struct pf_quic *q, const uint8_t *cid, size_t len, bool added, void *userdata)
{
	struct end_state *e = userdata;
	(void)q;
	(void)cid;
	assert_true(len > 0 && len <= 20);
	e->n_cids += added ? 1 : -1;
}

static const struct pf_quic_callbacks pair_callbacks = {
	.on_ready = pair_on_ready,
	.on_stream = pair_on_stream,
	.on_datagram = pair_on_datagram,
	.on_cid = pair_on_cid,
};

static inline void pair_init(struct pair *p)
{
	memset(p, 0, sizeof *p);
	p->now = 1000 * MS;
	p->seed = 42;
	p->max_len = 1500;
	p->client_addr = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(1000),
		.sin_addr.s_addr = htonl(0x0A000001)};
	p->server_addr = (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(9777),
		.sin_addr.s_addr = htonl(0x0A000002)};
	assert_int_equal(pf_identity_generate(&p->host_id, "punktfunk", PAIR_NOW_S), PF_OK);
	assert_int_equal(
		pf_identity_generate(&p->client_id, "punktfunk-client", PAIR_NOW_S), PF_OK);
	p->server_params = (struct pf_quic_params){
		.identity = p->host_id,
		.callbacks = &pair_callbacks,
		.userdata = &p->server,
		.local = (struct sockaddr *)&p->server_addr,
		.remote = (struct sockaddr *)&p->client_addr,
		.local_len = sizeof p->server_addr,
		.remote_len = sizeof p->client_addr,
	};
}

static inline struct pf_quic_params pair_client_params(struct pair *p)
{
	return (struct pf_quic_params){
		.identity = p->client_id,
		.callbacks = &pair_callbacks,
		.userdata = &p->client,
		.local = (struct sockaddr *)&p->client_addr,
		.remote = (struct sockaddr *)&p->server_addr,
		.local_len = sizeof p->client_addr,
		.remote_len = sizeof p->server_addr,
	};
}

static inline void pair_connect(struct pair *p, const struct pf_quic_params *params)
{
	assert_int_equal(pf_quic_connect(&p->client.q, params, p->now), PF_OK);
}

static inline void pair_finish(struct pair *p)
{
	pf_quic_destroy(p->client.q);
	pf_quic_destroy(p->server.q);
	pf_identity_destroy(p->host_id);
	pf_identity_destroy(p->client_id);
}

static inline void pair_write_all(struct pair *p, struct end_state *e, bool to_server)
{
	for (int i = 0; e->q && i < 200; i++) {
		uint8_t buf[PF_QUIC_MAX_UDP];
		int n = pf_quic_write(e->q, buf, sizeof buf, p->now);
		assert_true(n >= 0 && n <= (int)sizeof buf);
		if (!n)
			return;
		bool lost = p->cut || (size_t)n > p->max_len ||
			test_rand(&p->seed) % 100 < p->loss_percent;
		if (lost || p->n_link == LINK_CAP)
			continue;
		struct in_flight *f = &p->link[p->n_link++];
		memcpy(f->data, buf, (size_t)n);
		*f = (struct in_flight){
			.len = (size_t)n, .to_server = to_server, .at = p->now + LINK_DELAY};
		memcpy(f->data, buf, (size_t)n);
	}
}

static inline void pair_deliver(struct pair *p, const struct in_flight *f)
{
	if (f->to_server && !p->server.q) {
		/* Only a first Initial makes a connection; late packets of a dead one do not. */
		if (pf_quic_accept(&p->server.q, &p->server_params, f->data, f->len, p->now) < 0)
			return;
	}
	struct end_state *e = f->to_server ? &p->server : &p->client;
	const struct sockaddr_in *from = f->to_server ? &p->client_addr : &p->server_addr;
	(void)!pf_quic_read(
		e->q, (const struct sockaddr *)from, sizeof *from, f->data, f->len, p->now);
}

/* Runs both ends until `until`; returns early when done() says so. */
static inline void pair_run(struct pair *p, uint64_t until, bool (*done)(const struct pair *))
{
	for (;;) {
		pair_write_all(p, &p->client, true);
		pair_write_all(p, &p->server, false);
		if (done && done(p))
			return;
		uint64_t next = until;
		size_t which = p->n_link;
		for (size_t i = 0; i < p->n_link; i++)
			if (p->link[i].at < next) {
				next = p->link[i].at;
				which = i;
			}
		struct end_state *ends[2] = {&p->client, &p->server};
		for (int i = 0; i < 2; i++)
			if (ends[i]->q && pf_quic_deadline(ends[i]->q) < next) {
				next = pf_quic_deadline(ends[i]->q);
				which = p->n_link;
			}
		if (next >= until) {
			p->now = until;
			return;
		}
		if (next > p->now)
			p->now = next;
		if (which < p->n_link) {
			struct in_flight f = p->link[which];
			memmove(&p->link[which], &p->link[which + 1],
				(--p->n_link - which) * sizeof p->link[0]);
			pair_deliver(p, &f);
			continue;
		}
		for (int i = 0; i < 2; i++)
			if (ends[i]->q && pf_quic_deadline(ends[i]->q) <= p->now)
				(void)!pf_quic_expire(ends[i]->q, p->now);
	}
}

static inline bool pair_both_ready(const struct pair *p)
{
	return p->client.n_ready && p->server.n_ready;
}

static inline bool pair_both_ended(const struct pair *p)
{
	return pf_quic_state(p->client.q) >= PF_QUIC_CLOSING && p->server.q &&
		pf_quic_state(p->server.q) >= PF_QUIC_CLOSING;
}

#endif
