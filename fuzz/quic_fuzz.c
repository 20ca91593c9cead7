/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Two QUIC connections and the link between them. Input: a row of operations, op u8 || arg u8, some followed
 * by arg bytes: what the network does to packets (deliver, drop, double, spoil, make up), what time does,
 * and what the two applications do. Checked: callbacks only while ready, one on_ready, an end with a cause.
 */
#include <netinet/in.h>
#include <string.h>

#include "core/quic/conn.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MS	 1000000ull
#define LINK_CAP 64u
#define MAX_OPS	 400u

struct peer {
	struct pf_quic *q;
	unsigned n_ready;
	int64_t last_stream;
	bool fail;
};

struct packet {
	bool to_server;
	size_t len;
	uint8_t data[PF_QUIC_MAX_UDP];
};

struct world {
	struct peer client, server;
	uint64_t now;
	size_t n;
	struct packet link[LINK_CAP];
};

static struct world w;
static struct pf_identity *identity;
static const struct sockaddr_in host = {.sin_family = AF_INET, .sin_port = 1};
static const struct sockaddr_in guest = {.sin_family = AF_INET, .sin_port = 2};

static void on_ready(struct pf_quic *q, const uint8_t *fp, void *userdata)
{
	struct peer *p = userdata;
	(void)fp;
	pf_check(++p->n_ready == 1 && pf_quic_state(q) == PF_QUIC_READY);
}

static int on_stream(
	struct pf_quic *q, int64_t id, const uint8_t *data, size_t len, bool fin, void *userdata)
{
	struct peer *p = userdata;
	(void)fin;
	pf_check(pf_quic_state(q) == PF_QUIC_READY && p->n_ready == 1 && id >= 0);
	p->last_stream = id;
	/* Answers from inside the callback, and closes when a stranger asks for it. */
	(void)!pf_quic_send_stream(q, id, data, len > 16 ? 16 : len, false);
	if (len && data[0] == 0xFE)
		pf_quic_close(q, data[0], "asked");
	return p->fail ? PF_E_BAD_PACKET : PF_OK;
}

static void on_datagram(struct pf_quic *q, const uint8_t *data, size_t len, void *userdata)
{
	struct peer *p = userdata;
	pf_check(pf_quic_state(q) == PF_QUIC_READY && p->n_ready == 1);
	if (len && data[0] == 0xFE)
		pf_quic_close(q, 1, NULL);
}

static void on_cid(struct pf_quic *q, const uint8_t *cid, size_t len, bool added, void *userdata)
{
	(void)q;
	(void)cid;
	(void)added;
	(void)userdata;
	pf_check(len && len <= 20);
}

static const struct pf_quic_callbacks callbacks = {on_ready, on_stream, on_datagram, on_cid};

static struct pf_quic_params params(struct peer *p, bool server)
{
	return (struct pf_quic_params){
		.identity = identity,
		.callbacks = &callbacks,
		.userdata = p,
		.local = (const struct sockaddr *)(server ? &host : &guest),
		.remote = (const struct sockaddr *)(server ? &guest : &host),
		.local_len = sizeof host,
		.remote_len = sizeof host,
	};
}

static void check_end(const struct pf_quic *q)
{
	struct pf_quic_end end;
	pf_quic_get_end(q, &end);
	bool over = pf_quic_state(q) >= PF_QUIC_CLOSING;
	pf_check(over == (end.cause != PF_QUIC_CAUSE_NONE) && over == (end.err < 0));
	pf_check(memchr(end.reason, 0, sizeof end.reason) != NULL);
}

static void feed(bool to_server, const uint8_t *data, size_t len)
{
	struct peer *p = to_server ? &w.server : &w.client;
	struct pf_quic_route route;
	uint8_t answer[600];
	if (pf_quic_route(&route, data, len) == PF_OK && route.version_negotiation)
		(void)!pf_quic_write_version_negotiation(answer, sizeof answer, &route, 0);
	if (to_server && !p->q) {
		const struct pf_quic_params sp = params(p, true);
		if (pf_quic_accept(&p->q, &sp, data, len, w.now) < 0)
			return;
	}
	(void)!pf_quic_read(p->q, (const struct sockaddr *)(to_server ? &guest : &host),
		sizeof host, data, len, w.now);
	check_end(p->q);
}

static void write_all(struct peer *p, bool to_server)
{
	for (int i = 0; p->q && i < 32; i++) {
		uint8_t buf[PF_QUIC_MAX_UDP];
		int n = pf_quic_write(p->q, buf, sizeof buf, w.now);
		pf_check(n >= 0 && n <= (int)sizeof buf);
		check_end(p->q);
		if (!n)
			return;
		if (w.n == LINK_CAP)
			continue; /* the queue of the link is full: lost */
		w.link[w.n].to_server = to_server;
		w.link[w.n].len = (size_t)n;
		memcpy(w.link[w.n++].data, buf, (size_t)n);
	}
}

static void take(size_t i, bool deliver)
{
	struct packet p = w.link[i];
	memmove(&w.link[i], &w.link[i + 1], (--w.n - i) * sizeof w.link[0]);
	if (deliver)
		feed(p.to_server, p.data, p.len);
}

static void network(uint8_t op, uint8_t arg)
{
	if (!w.n)
		return;
	size_t i = op == 3 ? arg % w.n : 0;
	if (op == 2) /* doubled */
		feed(w.link[0].to_server, w.link[0].data, w.link[0].len);
	if (op == 4) /* spoiled */
		w.link[0].data[arg * 6u % w.link[0].len] ^= 1u << (arg & 7);
	if (op == 5) /* cut short */
		w.link[0].len = 1 + arg % w.link[0].len;
	take(i, op != 1);
}

static void application(struct peer *p, uint8_t op, uint8_t arg, const uint8_t *data, size_t len)
{
	if (!p->q)
		return;
	switch (op & 7) {
	case 0:
		p->last_stream = pf_quic_open_stream(p->q);
		break;
	case 1:
		(void)!pf_quic_send_stream(p->q, p->last_stream, data, len, arg & 1);
		break;
	case 2:
		(void)!pf_quic_send_datagram(p->q, data, len);
		break;
	case 3:
		pf_quic_close(p->q, arg, "fuzz");
		break;
	case 4:
		p->fail = arg & 1;
		break;
	default:
		(void)!pf_quic_expire(p->q, w.now);
		break;
	}
}

static void step(uint8_t op, uint8_t arg, const uint8_t *data, size_t len)
{
	if (op < 6)
		network(op, arg);
	else if (op < 8)
		feed(op & 1, data, len);
	else if (op < 10)
		w.now += op & 1 ? arg * MS : arg * 50 * MS;
	else if (op < 12)
		for (unsigned i = 0; i < 8u + arg % 16u; i++) {
			write_all(&w.client, true);
			write_all(&w.server, false);
			network(0, 0);
		}
	else
		application(op & 8 ? &w.client : &w.server, op, arg, data, len);
	for (int i = 0; i < 2; i++) {
		struct peer *p = i ? &w.server : &w.client;
		if (p->q && pf_quic_deadline(p->q) <= w.now)
			(void)!pf_quic_expire(p->q, w.now);
		write_all(p, !i);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!identity && pf_identity_generate(&identity, "punktfunk", 1700000000) < 0)
		return 0;
	memset(&w, 0, sizeof w);
	w.now = 1000 * MS;
	const struct pf_quic_params cp = params(&w.client, false);
	if (pf_quic_connect(&w.client.q, &cp, w.now) < 0)
		return 0;
	write_all(&w.client, true);
	for (size_t at = 0, n = 0; at + 2 <= size && n < MAX_OPS; n++) {
		uint8_t op = data[at] & 31, arg = data[at + 1];
		at += 2;
		/* Operations with bytes: made-up packets, and what an application sends. */
		bool has_data = op == 6 || op == 7 || op >= 12;
		/* A made-up packet must be able to be as long as a first one. */
		size_t len = op == 6 || op == 7 ? arg * 8u : arg;
		if (!has_data)
			len = 0;
		else if (len > size - at)
			len = size - at;
		step(op, arg, data + at, len);
		at += len;
	}
	pf_quic_destroy(w.client.q);
	pf_quic_destroy(w.server.q);
	return 0;
}
