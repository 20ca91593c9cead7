/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_QUIC_CONN_H
#define PF_QUIC_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct sockaddr;

/*
 * One QUIC v1 connection with datagrams (RFC 9000, 9001, 9221), sans-IO: UDP payloads in and out,
 * time as an argument (CLOCK_MONOTONIC nanoseconds), a deadline to ask for. This folder is the only
 * one that calls ngtcp2, tls_gnutls.c the only file that sets up TLS.
 * Thread: one thread at a time per object.
 */

#define PF_FINGERPRINT_LEN 32u
#define PF_QUIC_MAX_UDP	   1472u /* path-MTU discovery is bounded here (wire 3) */
#define PF_QUIC_CID_LEN	   16u	 /* of the ids that we hand out */

/* --- identity: a long-lived self-signed certificate and its key (ECDSA P-256) --- */

struct pf_identity; /* immutable after creation, may be shared by connections of one thread */

/* New key and certificate with CN and SAN `name`. now_s: seconds since 1970. */
int pf_identity_generate(struct pf_identity **out, const char *name, uint64_t now_s) PF_MUST_CHECK;
/* From PEM text. Errors: PF_E_INVALID (not PEM, or the key is not the certificate's). */
int pf_identity_from_pem(struct pf_identity **out, const char *cert_pem, size_t cert_len,
	const char *key_pem, size_t key_len) PF_MUST_CHECK;
void pf_identity_destroy(struct pf_identity *id); /* takes NULL; wipes the key */
/* Borrowed NUL-terminated PEM text. */
const char *pf_identity_cert_pem(const struct pf_identity *id);
const char *pf_identity_key_pem(const struct pf_identity *id);
/* SHA-256 of the leaf's DER: what a peer pins. */
void pf_identity_fingerprint(const struct pf_identity *id, uint8_t out[static PF_FINGERPRINT_LEN]);

/* --- connection --- */

struct pf_quic;

/*
 * Callbacks run inside pf_quic_read()/pf_quic_write()/pf_quic_expire(). They may send and may close
 * (the close goes out with the next write), but must not destroy the connection.
 */
struct pf_quic_callbacks {
	/* TLS is up and the peer is verified. peer_fp: SHA-256 of its leaf, NULL = none presented. */
	void (*on_ready)(struct pf_quic *q, const uint8_t *peer_fp, void *userdata);
	/*
	 * Bytes of a stream in order; fin = the peer's side ended (or it reset the stream). An error closes
	 * the connection with code 0x68.
	 */
	int (*on_stream)(struct pf_quic *q, int64_t stream_id, const uint8_t *data, size_t len,
		bool fin, void *userdata);
	void (*on_datagram)(struct pf_quic *q, const uint8_t *data, size_t len, void *userdata);
	/*
	 * A connection id came into use or went; the endpoint routes by it. Also runs inside connect()
	 * and accept(), before they return. What is left at destroy is not taken back one by one. May be NULL.
	 */
	void (*on_cid)(
		struct pf_quic *q, const uint8_t *cid, size_t len, bool added, void *userdata);
};

struct pf_quic_params {
	const struct pf_identity
		*identity;  /* server: required; client: optional; borrowed for life */
	const uint8_t *pin; /* client: 32 bytes that the host's leaf must hash to; NULL = any */
	const struct pf_quic_callbacks *callbacks;
	void *userdata;
	uint64_t idle_timeout_ns;      /* 0 = 8 s; floor 1 s. Keep-alive = min(idle / 2, 4 s) */
	uint64_t handshake_timeout_ns; /* 0 = 10 s */
	const struct sockaddr *local, *remote;
	uint32_t local_len, remote_len;
	/* Server: PF_QUIC_SECRET_LEN bytes, what pf_quic_write_retry() was given; NULL = no Retry is sent. */
	const uint8_t *retry_secret;
};

int pf_quic_connect(
	struct pf_quic **out, const struct pf_quic_params *params, uint64_t now_ns) PF_MUST_CHECK;
/*
 * packet: the client's first Initial (version 1); feed it with pf_quic_read() afterwards. Errors:
 * PF_E_BAD_PACKET (not one, or its token is none of ours, too old or another address's), PF_E_UNSUPPORTED,
 * PF_E_NOMEM, PF_E_INVALID.
 */
int pf_quic_accept(struct pf_quic **out, const struct pf_quic_params *params, const uint8_t *packet,
	size_t len, uint64_t now_ns) PF_MUST_CHECK;
void pf_quic_destroy(struct pf_quic *q); /* takes NULL; says nothing to the peer */

/* One UDP payload. Errors are final for the connection: write what is left, then destroy. */
int pf_quic_read(struct pf_quic *q, const struct sockaddr *remote, uint32_t remote_len,
	const uint8_t *packet, size_t len, uint64_t now_ns) PF_MUST_CHECK;
/* Next UDP payload to send; 0 = nothing now. cap >= PF_QUIC_MAX_UDP. It goes to pf_quic_tx_remote(). */
int pf_quic_write(struct pf_quic *q, uint8_t *out, size_t cap, uint64_t now_ns) PF_MUST_CHECK;
/*
 * Where the payload of the last write goes: the current path's peer, or the new address that the path
 * validation is asking. Returns its length; 0 = larger than cap.
 */
uint32_t pf_quic_tx_remote(const struct pf_quic *q, struct sockaddr *out, uint32_t cap);
uint64_t pf_quic_deadline(const struct pf_quic *q); /* UINT64_MAX = none */
int pf_quic_expire(struct pf_quic *q, uint64_t now_ns) PF_MUST_CHECK;

/*
 * Open a bidirectional stream (client: the first is the control stream). Returns its id. Errors: PF_E_AGAIN
 * before the peer allows one or while PF_QUIC_MAX_STREAMS of ours are open, PF_E_CLOSED.
 */
#define PF_QUIC_MAX_STREAMS 4u /* at a time and side: the control stream and a few transfers */
int64_t pf_quic_open_stream(struct pf_quic *q) PF_MUST_CHECK;
/* Queues a copy. Errors: PF_E_FULL above PF_QUIC_STREAM_BUFFER unacknowledged bytes, PF_E_CLOSED. */
#define PF_QUIC_STREAM_BUFFER (1u << 20)
int pf_quic_send_stream(
	struct pf_quic *q, int64_t stream_id, const void *data, size_t len, bool fin) PF_MUST_CHECK;
/*
 * Cancels a stream both ways: the peer reads an end that stream_was_reset() tells from a good one. Nothing
 * more of it is handed up. A stream that is gone is left alone.
 */
void pf_quic_reset_stream(struct pf_quic *q, int64_t stream_id, uint64_t code);
/* Inside on_stream with fin: did the peer break the stream off? */
bool pf_quic_stream_was_reset(const struct pf_quic *q, int64_t stream_id);
/*
 * Queues a copy; the oldest is dropped above PF_QUIC_DATAGRAM_BUFFER bytes. Errors: PF_E_INVALID (empty or too
 * long for the path), PF_E_AGAIN (before on_ready), PF_E_UNSUPPORTED (the peer takes none), PF_E_CLOSED.
 */
#define PF_QUIC_DATAGRAM_BUFFER 4096u
int pf_quic_send_datagram(struct pf_quic *q, const void *data, size_t len) PF_MUST_CHECK;
/*
 * Starts an application close; the next write gives the packet. reason: UTF-8 for the peer's log, NULL =
 * none. What is queued on streams is not sent any more. Before on_ready the code does not reach the
 * peer (QUIC forbids it): refuse a peer after on_ready. The first cause of an end stays: nothing happens
 * when it is already closing or dead.
 */
void pf_quic_close(struct pf_quic *q, uint64_t code, const char *reason);

enum pf_quic_state { PF_QUIC_HANDSHAKE, PF_QUIC_READY, PF_QUIC_CLOSING, PF_QUIC_DEAD };
enum pf_quic_state pf_quic_state(const struct pf_quic *q);

enum pf_quic_cause {
	PF_QUIC_CAUSE_NONE,  /* not ended */
	PF_QUIC_CAUSE_LOCAL, /* pf_quic_close(), or an error of on_stream */
	PF_QUIC_CAUSE_PEER,  /* the peer's CONNECTION_CLOSE */
	PF_QUIC_CAUSE_RESET, /* the peer's stateless reset: it lost the connection's state */
	PF_QUIC_CAUSE_IDLE,  /* nothing came for the idle timeout */
	PF_QUIC_CAUSE_HANDSHAKE_TIMEOUT, /* it never got ready */
	PF_QUIC_CAUSE_PIN,		 /* the host's leaf does not hash to the pin */
	PF_QUIC_CAUSE_ALPN,		 /* no common ALPN, whichever side found out */
	PF_QUIC_CAUSE_QUIC_VERSION,	 /* the host speaks no QUIC version 1 */
	PF_QUIC_CAUSE_TLS,		 /* another TLS failure, whichever side found out */
	PF_QUIC_CAUSE_PROTOCOL,		 /* the peer broke QUIC's rules, or we ran out of memory */
	PF_QUIC_CAUSE_REFUSED,		 /* nothing listens there (ICMP); set by the endpoint */
};

/* Why it ended, once state is CLOSING or DEAD. */
struct pf_quic_end {
	enum pf_quic_cause cause;
	int err; /* PF_E_CLOSED peer or we closed, PF_E_TIMEOUT idle or handshake, PF_E_PIN,
	                      PF_E_CRYPTO TLS failed, PF_E_WIRE_VERSION no common ALPN, PF_E_BAD_PACKET */
	bool by_peer;
	bool application; /* code is an application close code (wire 3.1) */
	uint64_t code;
	char reason[128]; /* the peer's words (by_peer) or ours, printable ASCII; may be empty */
};
void pf_quic_get_end(const struct pf_quic *q, struct pf_quic_end *out);
/* The longest UDP payload that the path is known to carry by now: 1200 until more was proven. */
size_t pf_quic_max_udp(const struct pf_quic *q);
uint64_t pf_quic_rtt_ns(const struct pf_quic *q); /* smoothed */
/* The current path's peer. Returns its length. */
uint32_t pf_quic_remote(const struct pf_quic *q, struct sockaddr *out, uint32_t cap);

/* The connection id that routes a datagram, without a connection: for the endpoint. */
struct pf_quic_route {
	bool long_header;
	uint32_t version;
	const uint8_t *dcid, *scid;
	size_t dcid_len, scid_len;
	bool version_negotiation; /* answer with pf_quic_write_version_negotiation */
};
int pf_quic_route(struct pf_quic_route *out, const uint8_t *packet, size_t len) PF_MUST_CHECK;
int pf_quic_write_version_negotiation(
	uint8_t *out, size_t cap, const struct pf_quic_route *route, uint8_t random) PF_MUST_CHECK;

/*
 * Asks the sender of a first Initial to prove its address (RFC 9000 8.1.2), without keeping anything: what
 * it must send back is in the packet. Returns its length; 0: the Initial brings a token already, and accept()
 * judges it. Errors: PF_E_BAD_PACKET (no Initial), PF_E_INVALID (cap), PF_E_CRYPTO.
 */
#define PF_QUIC_SECRET_LEN 32u
int pf_quic_write_retry(uint8_t *out, size_t cap, const uint8_t secret[static PF_QUIC_SECRET_LEN],
	const struct sockaddr *remote, uint32_t remote_len, const uint8_t *packet, size_t len,
	uint64_t now_ns) PF_MUST_CHECK;

#endif
