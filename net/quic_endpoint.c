/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/quic_endpoint.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define N_BUCKETS     256u
#define CIDS_PER_CONN 24u /* ngtcp2 hands out at most 8 at a time; more are still being retired */
#define MAX_CID_LEN   20u
#define RX_MAX_PACKET 2048u
#define MAX_READS     16u  /* batches of one process(), so that a flood cannot keep us there */
#define MAX_WRITES    256u /* packets of one connection and flush */
#define MIN_INITIAL   1200u
#define HANDSHAKE_MIN_NS \
	2000000000ull /* what an unfinished handshake gets before it must give way */

/* One connection id in the routing table. */
struct route {
	struct route *next; /* in its bucket */
	struct quic_conn *conn;
	uint8_t len; /* 0 = unused */
	uint8_t cid[MAX_CID_LEN];
};

struct quic_conn {
	struct quic_conn *next; /* quic_endpoint::conns */
	struct quic_endpoint *endpoint;
	struct pf_quic *q;
	void *userdata;
	union udp_addr from; /* of its first packet (server) */
	uint64_t created_ns;
	bool ended;   /* on_end was called: it only lingers, to repeat its close */
	bool refused; /* ICMP said that nobody is there */
	struct route routes[CIDS_PER_CONN];
};

struct quic_endpoint {
	struct udp_socket socket;
	struct udp_rx *rx;
	union udp_addr local;
	const struct quic_endpoint_callbacks *cb;
	void *userdata;
	const struct pf_identity *identity;
	uint64_t idle_ns;
	size_t max_connections, max_handshaking, max_per_address, retry_from;
	uint8_t retry_secret[PF_QUIC_SECRET_LEN];
	struct quic_conn *conns;
	struct route *buckets[N_BUCKETS];
	uint64_t hash_seed; /* clients choose ids: they must not be able to choose a bucket */
	bool busy;	    /* inside process() or flush(): callbacks may run */
	bool dirty;	    /* something waits for a flush or for on_end */
	struct quic_endpoint_stats stats;
};

/* --- routing --- */

static struct route **bucket(struct quic_endpoint *e, const uint8_t *cid, size_t len)
{
	uint64_t h = e->hash_seed;
	for (size_t i = 0; i < len; i++) {
		h = (h ^ cid[i]) * 0x9E3779B97F4A7C15u;
		h ^= h >> 29;
	}
	return &e->buckets[h % N_BUCKETS];
}

static struct route *find_route(struct quic_endpoint *e, const uint8_t *cid, size_t len)
{
	if (!len || len > MAX_CID_LEN)
		return NULL;
	struct route *r = *bucket(e, cid, len);
	while (r && (r->len != len || memcmp(r->cid, cid, len) != 0))
		r = r->next;
	return r;
}

static void add_route(struct quic_conn *c, const uint8_t *cid, size_t len)
{
	struct quic_endpoint *e = c->endpoint;
	if (!len || len > MAX_CID_LEN || find_route(e, cid, len))
		return;
	for (size_t i = 0; i < CIDS_PER_CONN; i++) {
		struct route *r = &c->routes[i];
		if (r->len)
			continue;
		struct route **head = bucket(e, cid, len);
		*r = (struct route){.next = *head, .conn = c, .len = (uint8_t)len};
		memcpy(r->cid, cid, len);
		*head = r;
		return;
	}
}

static void remove_route(struct quic_endpoint *e, struct route *r)
{
	struct route **at = bucket(e, r->cid, r->len);
	while (*at != r)
		at = &(*at)->next;
	*at = r->next;
	*r = (struct route){0};
}

/* --- callbacks of the core --- */

static void on_cid(struct pf_quic *q, const uint8_t *cid, size_t len, bool added, void *userdata)
{
	(void)q;
	struct quic_conn *c = userdata;
	if (added) {
		add_route(c, cid, len);
		return;
	}
	struct route *r = find_route(c->endpoint, cid, len);
	if (r && r->conn == c)
		remove_route(c->endpoint, r);
}

static void on_ready(struct pf_quic *q, const uint8_t *peer_fp, void *userdata)
{
	(void)q;
	struct quic_conn *c = userdata;
	c->endpoint->cb->on_ready(c, peer_fp, c->endpoint->userdata);
}

static int on_stream(struct pf_quic *q, int64_t stream_id, const uint8_t *data, size_t len,
	bool fin, void *userdata)
{
	(void)q;
	struct quic_conn *c = userdata;
	return c->endpoint->cb->on_stream(c, stream_id, data, len, fin, c->endpoint->userdata);
}

static void on_datagram(struct pf_quic *q, const uint8_t *data, size_t len, void *userdata)
{
	(void)q;
	struct quic_conn *c = userdata;
	c->endpoint->cb->on_datagram(c, data, len, c->endpoint->userdata);
}

static const struct pf_quic_callbacks core_callbacks = {
	.on_ready = on_ready,
	.on_stream = on_stream,
	.on_datagram = on_datagram,
	.on_cid = on_cid,
};

/* --- connections --- */

static bool is_handshaking(const struct quic_conn *c)
{
	return !c->ended && pf_quic_state(c->q) == PF_QUIC_HANDSHAKE;
}

static void count(const struct quic_endpoint *e, size_t *n_all, size_t *n_handshaking)
{
	*n_all = *n_handshaking = 0;
	for (const struct quic_conn *c = e->conns; c; c = c->next) {
		(*n_all)++;
		*n_handshaking += is_handshaking(c);
	}
}

static void unlink_conn(struct quic_conn *c)
{
	struct quic_conn **at = &c->endpoint->conns;
	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
}

/* The object and its routes; nothing is said to anybody. */
static void free_conn(struct quic_conn *c)
{
	unlink_conn(c);
	for (size_t i = 0; i < CIDS_PER_CONN; i++)
		if (c->routes[i].len)
			remove_route(c->endpoint, &c->routes[i]);
	pf_quic_destroy(c->q);
	free(c);
}

static struct quic_conn *new_conn(struct quic_endpoint *e, uint64_t now_ns)
{
	struct quic_conn *c = calloc(1, sizeof *c);
	if (!c)
		return NULL;
	c->endpoint = e;
	c->created_ns = now_ns;
	return c;
}

static void call_on_end(struct quic_conn *c)
{
	struct pf_quic_end end;
	if (c->ended)
		return;
	c->ended = true;
	pf_quic_get_end(c->q, &end);
	if (c->refused)
		end = (struct pf_quic_end){
			.cause = PF_QUIC_CAUSE_REFUSED,
			.err = PF_E_CLOSED,
			.reason = "nothing listens on that port",
		};
	c->endpoint->cb->on_end(c, &end, c->endpoint->userdata);
}

static struct pf_quic_params core_params(struct quic_endpoint *e, struct quic_conn *c,
	const union udp_addr *remote, socklen_t remote_len)
{
	return (struct pf_quic_params){
		.identity = e->identity,
		.callbacks = &core_callbacks,
		.userdata = c,
		.idle_timeout_ns = e->idle_ns,
		.retry_secret = e->retry_secret,
		.local = &e->local.sa,
		.remote = &remote->sa,
		.local_len = e->local.sa.sa_family == AF_INET6 ? sizeof e->local.in6
							       : sizeof e->local.in4,
		.remote_len = remote_len,
	};
}

int quic_endpoint_connect(struct quic_endpoint *e, struct quic_conn **out, const union udp_addr *to,
	socklen_t to_len, const uint8_t *pin, uint64_t now_ns)
{
	*out = NULL;
	size_t n_live = 0;
	for (const struct quic_conn *c = e->conns; c; c = c->next)
		n_live += !c->ended;
	if (!e->max_connections) {
		if (n_live)
			return PF_E_FULL;
		int err = udp_connect(&e->socket, to, to_len);
		if (err < 0)
			return err;
	}
	struct quic_conn *c = new_conn(e, now_ns);
	if (!c)
		return PF_E_NOMEM;
	union udp_addr remote = *to;
	to_len = udp_addr_unmap(&remote, to_len);
	struct pf_quic_params params = core_params(e, c, &remote, to_len);
	params.pin = pin;
	int err = pf_quic_connect(&c->q, &params, now_ns);
	if (err < 0) {
		free_conn(c);
		return err;
	}
	c->next = e->conns;
	e->conns = c;
	e->dirty = true;
	*out = c;
	return PF_OK;
}

enum kind { HANDSHAKING, SILENT, ENDED };

static bool is_kind(const struct quic_conn *c, enum kind kind)
{
	const struct quic_endpoint *e = c->endpoint;
	if (kind == ENDED)
		return c->ended;
	if (kind == HANDSHAKING)
		return is_handshaking(c);
	return !c->ended && pf_quic_state(c->q) == PF_QUIC_READY && e->cb->may_evict &&
		e->cb->may_evict(c, e->userdata);
}

static size_t count_household(
	const struct quic_endpoint *e, const union udp_addr *from, enum kind kind)
{
	size_t n = 0;
	for (const struct quic_conn *c = e->conns; c; c = c->next)
		n += is_kind(c, kind) && udp_addr_same_household(&c->from, from);
	return n;
}

/*
 * The connection that has the least right to its place, if any has to give way to one from `from`: the oldest of
 * the household that has the most, as long as that has more than the newcomer's will; else the oldest of all, once
 * it had its time. So it takes as many addresses as there are places to keep somebody out.
 */
static struct quic_conn *pick_victim(
	struct quic_endpoint *e, enum kind kind, const union udp_addr *from, uint64_t now_ns)
{
	struct quic_conn *oldest = NULL, *greedy = NULL;
	size_t n_greedy = count_household(e, from, kind) + 1;
	for (struct quic_conn *c = e->conns; c; c = c->next) {
		if (!is_kind(c, kind))
			continue;
		size_t n = count_household(e, &c->from, kind);
		if (!oldest || c->created_ns < oldest->created_ns)
			oldest = c;
		if (n > n_greedy ||
			(greedy && n == n_greedy && c->created_ns < greedy->created_ns)) {
			greedy = c;
			n_greedy = n;
		}
	}
	if (kind == ENDED || greedy)
		return kind == ENDED ? oldest : greedy;
	bool had_time = oldest && now_ns > oldest->created_ns &&
		now_ns - oldest->created_ns > HANDSHAKE_MIN_NS;
	return had_time ? oldest : NULL;
}

static void write_conn(struct quic_conn *c, uint64_t now_ns);

static void evict(struct quic_conn *c, uint64_t now_ns)
{
	c->endpoint->stats.evicted += !c->ended;
	pf_quic_close(c->q, 0, "gave way to a newer attempt");
	if (!c->ended)
		write_conn(c, now_ns);
	call_on_end(c);
	free_conn(c);
}

static bool make_room(struct quic_endpoint *e, const union udp_addr *from, uint64_t now_ns)
{
	size_t n_all, n_handshaking;
	count(e, &n_all, &n_handshaking);
	if (n_handshaking >= e->max_handshaking) {
		struct quic_conn *c = pick_victim(e, HANDSHAKING, from, now_ns);
		if (!c)
			return false;
		evict(c, now_ns);
		n_all--;
	}
	if (n_all < e->max_connections)
		return true;
	struct quic_conn *c = pick_victim(e, ENDED, from, now_ns);
	if (!c)
		c = pick_victim(e, SILENT, from, now_ns);
	if (!c)
		return false;
	evict(c, now_ns);
	return true;
}

static bool has_too_many(const struct quic_endpoint *e, const union udp_addr *from)
{
	size_t n = 0;
	for (const struct quic_conn *c = e->conns; c; c = c->next)
		n += !c->ended && udp_addr_same_household(&c->from, from);
	return e->max_per_address && n >= e->max_per_address;
}

/* Strangers hold a good part of the places: whoever comes now shows first that it is where it says. */
static bool ask_for_proof(struct quic_endpoint *e, const struct udp_packet *p, uint64_t now_ns)
{
	uint8_t out[PF_QUIC_MAX_UDP];
	size_t n_all, n_handshaking;
	count(e, &n_all, &n_handshaking);
	if (!e->retry_from || n_handshaking < e->retry_from)
		return false;
	int n = pf_quic_write_retry(out, sizeof out, e->retry_secret, &p->from.sa, p->from_len,
		p->data, p->len, now_ns);
	if (n == 0)
		return false;
	if (n < 0) {
		e->stats.garbage++;
		return true;
	}
	e->stats.retried++;
	(void)!udp_send_one(&e->socket, &p->from, p->from_len, out, (size_t)n);
	return true;
}

static struct quic_conn *accept_conn(
	struct quic_endpoint *e, const struct udp_packet *p, uint64_t now_ns)
{
	if (ask_for_proof(e, p, now_ns))
		return NULL;
	if (has_too_many(e, &p->from) ||
		(e->cb->may_accept && !e->cb->may_accept(&p->from, e->userdata)) ||
		!make_room(e, &p->from, now_ns)) {
		e->stats.refused++;
		return NULL;
	}
	struct quic_conn *c = new_conn(e, now_ns);
	if (!c)
		return NULL;
	c->from = p->from;
	const struct pf_quic_params params = core_params(e, c, &p->from, p->from_len);
	if (pf_quic_accept(&c->q, &params, p->data, p->len, now_ns) < 0) {
		free_conn(c);
		e->stats.garbage++;
		return NULL;
	}
	c->next = e->conns;
	e->conns = c;
	e->stats.accepted++;
	return c;
}

/* --- packets --- */

static void answer_version(
	struct quic_endpoint *e, const struct udp_packet *p, const struct pf_quic_route *route)
{
	uint8_t out[600], random = 0;
	(void)!getrandom(&random, sizeof random, GRND_NONBLOCK);
	int n = pf_quic_write_version_negotiation(out, sizeof out, route, random);
	if (n > 0)
		(void)!udp_send_one(&e->socket, &p->from, p->from_len, out, (size_t)n);
}

static void handle_packet(struct quic_endpoint *e, const struct udp_packet *p, uint64_t now_ns)
{
	struct pf_quic_route route;
	if (pf_quic_route(&route, p->data, p->len) < 0) {
		e->stats.garbage++;
		return;
	}
	if (route.version_negotiation) {
		if (e->max_connections)
			answer_version(e, p, &route);
		return;
	}
	struct route *r = find_route(e, route.dcid, route.dcid_len);
	struct quic_conn *c = r ? r->conn : NULL;
	if (!c && e->max_connections && route.long_header && route.version == 1 &&
		p->len >= MIN_INITIAL)
		c = accept_conn(e, p, now_ns);
	else if (!c)
		e->stats.garbage++;
	if (c)
		(void)!pf_quic_read(c->q, &p->from.sa, p->from_len, p->data, p->len, now_ns);
}

static void port_is_closed(struct quic_endpoint *e)
{
	/* Later than the handshake an ICMP message proves nothing: the idle timeout decides. */
	for (struct quic_conn *c = e->conns; c; c = c->next)
		if (!e->max_connections && is_handshaking(c)) {
			c->refused = true;
			pf_quic_close(c->q, 0, NULL);
		}
	e->dirty = true;
}

static int read_all(struct quic_endpoint *e, uint64_t now_ns)
{
	for (unsigned i = 0; i < MAX_READS; i++) {
		struct udp_packet *packets;
		int n = udp_rx_read(e->rx, &e->socket, &packets);
		if (n == PF_E_AGAIN)
			return PF_OK;
		if (n == PF_E_CLOSED) {
			port_is_closed(e);
			continue;
		}
		if (n < 0)
			return n;
		for (int j = 0; j < n; j++)
			handle_packet(e, &packets[j], now_ns);
	}
	return PF_OK;
}

static void write_conn(struct quic_conn *c, uint64_t now_ns)
{
	struct quic_endpoint *e = c->endpoint;
	for (unsigned i = 0; i < MAX_WRITES; i++) {
		uint8_t buf[PF_QUIC_MAX_UDP];
		union udp_addr to;
		int n = pf_quic_write(c->q, buf, sizeof buf, now_ns);
		if (n <= 0)
			return;
		if (c->refused)
			continue;
		socklen_t to_len = pf_quic_tx_remote(c->q, &to.sa, sizeof to);
		/* A connected socket sends without an address: that is the quicker way, too. */
		bool connected = !e->max_connections;
		if (udp_send_one(&e->socket, connected ? NULL : &to, connected ? 0 : to_len, buf,
			    (size_t)n) == PF_E_CLOSED) {
			port_is_closed(e);
			if (c->refused)
				return;
		}
	}
	e->dirty = true; /* there may be more: come back soon */
}

static void write_all(struct quic_endpoint *e, uint64_t now_ns)
{
	e->dirty = false;
	for (struct quic_conn *c = e->conns; c; c = c->next) {
		write_conn(c, now_ns);
		if (pf_quic_state(c->q) >= PF_QUIC_CLOSING && !c->ended)
			e->dirty = true;
	}
}

/* Tells of the ends and frees what is dead. A callback may change the list, so it starts over. */
static void reap(struct quic_endpoint *e)
{
	struct quic_conn *c = e->conns;
	while (c) {
		bool over = pf_quic_state(c->q) >= PF_QUIC_CLOSING;
		if (over && !c->ended) {
			call_on_end(c);
			c = e->conns;
		} else if (c->ended && (pf_quic_state(c->q) == PF_QUIC_DEAD || c->refused)) {
			free_conn(c);
			c = e->conns;
		} else {
			c = c->next;
		}
	}
}

void quic_endpoint_flush(struct quic_endpoint *e, uint64_t now_ns)
{
	if (e->busy)
		return;
	e->busy = true;
	write_all(e, now_ns);
	e->busy = false;
}

int quic_endpoint_process(struct quic_endpoint *e, uint64_t now_ns)
{
	pf_check(!e->busy);
	e->busy = true;
	int err = read_all(e, now_ns);
	for (struct quic_conn *c = e->conns; c; c = c->next)
		if (pf_quic_deadline(c->q) <= now_ns)
			(void)!pf_quic_expire(c->q, now_ns);
	write_all(e, now_ns);
	reap(e);
	/* on_end may have connected again, or closed another one. */
	if (e->dirty)
		write_all(e, now_ns);
	e->busy = false;
	return err;
}

uint64_t quic_endpoint_deadline(const struct quic_endpoint *e)
{
	uint64_t deadline = UINT64_MAX;
	if (e->dirty)
		return 0;
	for (const struct quic_conn *c = e->conns; c; c = c->next) {
		uint64_t d = pf_quic_deadline(c->q);
		if (d < deadline)
			deadline = d;
	}
	return deadline;
}

/* --- the endpoint --- */

int quic_endpoint_create(struct quic_endpoint **out, const struct quic_endpoint_params *params)
{
	*out = NULL;
	if (!params->callbacks || (params->max_connections && !params->identity))
		return PF_E_INVALID;
	struct quic_endpoint *e = calloc(1, sizeof *e);
	if (!e)
		return PF_E_NOMEM;
	e->cb = params->callbacks;
	e->userdata = params->userdata;
	e->identity = params->identity;
	e->idle_ns = params->idle_timeout_ns;
	e->max_connections = params->max_connections;
	e->max_per_address = params->max_per_address;
	e->retry_from = params->retry_from;
	e->max_handshaking = params->max_handshaking ? params->max_handshaking
						     : (params->max_connections + 3) / 4;
	const struct udp_params udp = {
		.bind_host = params->bind_host,
		.port = params->port,
		.dont_fragment = true,
	};
	socklen_t len;
	int err = udp_open(&e->socket, &udp);
	if (!err)
		err = udp_rx_create(&e->rx, RX_MAX_PACKET, false);
	if (!err)
		err = udp_local_addr(&e->socket, &e->local, &len);
	if (!err &&
		(getrandom(&e->hash_seed, sizeof e->hash_seed, 0) != sizeof e->hash_seed ||
			getrandom(e->retry_secret, sizeof e->retry_secret, 0) !=
				sizeof e->retry_secret))
		err = PF_E_IO;
	if (err < 0) {
		quic_endpoint_destroy(e);
		return err;
	}
	*out = e;
	return PF_OK;
}

void quic_endpoint_destroy(struct quic_endpoint *e)
{
	if (!e)
		return;
	pf_check(!e->busy);
	e->busy = true;
	while (e->conns) {
		struct quic_conn *c = e->conns;
		uint64_t now_ns =
			c->created_ns; /* the core goes on from the last time that it saw */
		pf_quic_close(c->q, 0, NULL);
		c->ended = true;
		write_conn(c, now_ns);
		free_conn(c);
	}
	udp_rx_destroy(e->rx);
	udp_close(&e->socket);
	free(e);
}

int quic_endpoint_fd(const struct quic_endpoint *e)
{
	return e->socket.fd;
}

int quic_endpoint_port(const struct quic_endpoint *e)
{
	return udp_local_port(&e->socket);
}

void quic_endpoint_get_stats(const struct quic_endpoint *e, struct quic_endpoint_stats *out)
{
	*out = e->stats;
	count(e, &out->n_connections, &out->n_handshaking);
}

void quic_conn_set_userdata(struct quic_conn *c, void *userdata)
{
	c->userdata = userdata;
}

void *quic_conn_userdata(const struct quic_conn *c)
{
	return c->userdata;
}

int64_t quic_conn_open_stream(struct quic_conn *c)
{
	return pf_quic_open_stream(c->q);
}

int quic_conn_send(struct quic_conn *c, int64_t stream_id, const void *data, size_t len, bool fin)
{
	c->endpoint->dirty = true;
	return pf_quic_send_stream(c->q, stream_id, data, len, fin);
}

void quic_conn_reset_stream(struct quic_conn *c, int64_t stream_id, uint64_t code)
{
	c->endpoint->dirty = true;
	pf_quic_reset_stream(c->q, stream_id, code);
}

bool quic_conn_stream_was_reset(const struct quic_conn *c, int64_t stream_id)
{
	return pf_quic_stream_was_reset(c->q, stream_id);
}

int quic_conn_send_datagram(struct quic_conn *c, const void *data, size_t len)
{
	c->endpoint->dirty = true;
	return pf_quic_send_datagram(c->q, data, len);
}

void quic_conn_close(struct quic_conn *c, uint64_t code, const char *reason)
{
	c->endpoint->dirty = true;
	pf_quic_close(c->q, code, reason);
}

void quic_conn_remote(const struct quic_conn *c, union udp_addr *out, socklen_t *len)
{
	memset(out, 0, sizeof *out);
	*len = pf_quic_remote(c->q, &out->sa, sizeof *out);
}

size_t quic_conn_max_udp(const struct quic_conn *c)
{
	return pf_quic_max_udp(c->q);
}

uint64_t quic_conn_rtt_ns(const struct quic_conn *c)
{
	return pf_quic_rtt_ns(c->q);
}
