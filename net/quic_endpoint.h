/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef NET_QUIC_ENDPOINT_H
#define NET_QUIC_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/quic/conn.h"
#include "net/udp.h"

/*
 * A UDP socket with its QUIC connections: routes datagrams by connection id, answers unknown versions,
 * accepts new ones up to a limit, drives timers. It has no loop of its own: poll fd() for input, call
 * process() when it is readable or when deadline() has passed, flush() after sending. The same object
 * serves the host (many connections) and the client (one).
 * Thread: one thread at a time.
 */

struct quic_endpoint;
struct quic_conn; /* a connection inside an endpoint; owned by it */

/*
 * Callbacks run inside process(). They may call everything of quic_conn_* and quic_endpoint_connect(), and
 * flush() (which then does nothing: process() ends with one), but not process() or destroy().
 */
struct quic_endpoint_callbacks {
	/* Server: before accepting. Return false to ignore the packet (limits, shutting down). May be NULL. */
	bool (*may_accept)(const union udp_addr *from, void *userdata);
	/*
	 * Server: all places are taken, and a newcomer wants one. Has c, which is ready, done nothing yet to deserve
	 * its own? Then it may be ended, by on_end. It changes nothing. NULL = no.
	 */
	bool (*may_evict)(const struct quic_conn *c, void *userdata);
	void (*on_ready)(struct quic_conn *c, const uint8_t *peer_fp, void *userdata);
	int (*on_stream)(struct quic_conn *c, int64_t stream_id, const uint8_t *data, size_t len,
		bool fin, void *userdata);
	void (*on_datagram)(struct quic_conn *c, const uint8_t *data, size_t len, void *userdata);
	/*
	 * Last call for c, after on_ready or without it (a stranger's handshake that failed); c is freed when
	 * it returns. Comes from process(), also for a close of our own.
	 */
	void (*on_end)(struct quic_conn *c, const struct pf_quic_end *end, void *userdata);
};

struct quic_endpoint_params {
	const char *bind_host;
	uint16_t port; /* 0 = ephemeral (client) */
	const struct pf_identity *identity;
	const struct quic_endpoint_callbacks *callbacks;
	void *userdata;
	uint64_t idle_timeout_ns;
	size_t max_connections; /* server; 0 = client only */
	size_t max_handshaking; /* of them not ready yet: bounds what strangers cost; 0 = a quarter */
	/*
	 * Of them from one address, in any state (of IPv6 the first 64 bits, which are one household); 0 = no
	 * such bound. A stranger with one address cannot take every place.
	 */
	size_t max_per_address;
	/*
	 * From so many unfinished handshakes on, a newcomer is asked to prove its address first (Retry): forged
	 * ones take no more places than this. It costs a round trip; 0 = never.
	 */
	size_t retry_from;
};

struct quic_endpoint_stats {
	uint64_t garbage;  /* datagrams that are no QUIC or belong to nobody */
	uint64_t refused;  /* first packets turned away by a limit or by may_accept */
	uint64_t retried;  /* first packets that were asked to prove their address */
	uint64_t evicted;  /* unfinished handshakes that gave way to newer ones */
	uint64_t accepted; /* connections made for a first packet */
	size_t n_connections, n_handshaking;
};

/* Errors: as udp_open(), PF_E_NOMEM, PF_E_INVALID (a server without identity). */
int quic_endpoint_create(
	struct quic_endpoint **out, const struct quic_endpoint_params *params) PF_MUST_CHECK;
/* Closes every connection (code 0), sends the closes once, frees all. No callback runs. */
void quic_endpoint_destroy(struct quic_endpoint *e); /* takes NULL */

int quic_endpoint_fd(const struct quic_endpoint *e);
int quic_endpoint_port(const struct quic_endpoint *e);
uint64_t quic_endpoint_deadline(
	const struct quic_endpoint *e); /* CLOCK_MONOTONIC ns, UINT64_MAX = none */
/* Reads, expires, writes. Errors: PF_E_IO only (the socket is gone). */
int quic_endpoint_process(struct quic_endpoint *e, uint64_t now_ns) PF_MUST_CHECK;
void quic_endpoint_flush(struct quic_endpoint *e, uint64_t now_ns);

void quic_endpoint_get_stats(const struct quic_endpoint *e, struct quic_endpoint_stats *out);

/*
 * Client. pin: 32 bytes or NULL. An endpoint that is only a client (max_connections 0) holds one at a time:
 * its socket is connected, so that a closed port ends the attempt at once (PF_QUIC_CAUSE_REFUSED).
 * Errors: PF_E_FULL, PF_E_NOMEM, PF_E_IO (no route there).
 */
int quic_endpoint_connect(struct quic_endpoint *e, struct quic_conn **out, const union udp_addr *to,
	socklen_t to_len, const uint8_t *pin, uint64_t now_ns) PF_MUST_CHECK;

void quic_conn_set_userdata(struct quic_conn *c, void *userdata);
void *quic_conn_userdata(const struct quic_conn *c);
int64_t quic_conn_open_stream(struct quic_conn *c) PF_MUST_CHECK;
int quic_conn_send(struct quic_conn *c, int64_t stream_id, const void *data, size_t len,
	bool fin) PF_MUST_CHECK;
void quic_conn_reset_stream(struct quic_conn *c, int64_t stream_id, uint64_t code);
bool quic_conn_stream_was_reset(const struct quic_conn *c, int64_t stream_id);
int quic_conn_send_datagram(struct quic_conn *c, const void *data, size_t len) PF_MUST_CHECK;
/* As pf_quic_close(): flush() first what must still go out, though nothing repeats it if it gets lost. */
void quic_conn_close(struct quic_conn *c, uint64_t code, const char *reason);
void quic_conn_remote(const struct quic_conn *c, union udp_addr *out, socklen_t *len);
size_t quic_conn_max_udp(const struct quic_conn *c); /* pf_quic_max_udp() */
uint64_t quic_conn_rtt_ns(const struct quic_conn *c);

#endif
