/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CONNECTOR_INTERNAL_H
#define CONNECTOR_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/crypto/aead.h"
#include "core/crypto/replay.h"
#include "core/flow/ask.h"
#include "core/flow/gate.h"
#include "core/flow/reassembler.h"
#include "core/flow/report.h"
#include "core/wire/control.h"
#include "core/wire/datagram.h"
#include "core/wire/handshake.h"
#include "net/quic_endpoint.h"
#include "net/udp.h"
#include "punktfunk_core.h"

/*
 * A client's connection. One thread of the library ("pf-net") owns both sockets, QUIC and the opening
 * of packets; callers' threads meet it in three places only: `outbox` (what to send), `au` (finished
 * frames), `state` (how far connecting has come), each behind its own mutex.
 */

#define OUTBOX_BYTES \
	(64u << 10) /* control messages and input waiting for the thread: a burst of 2,000 events */
#define MESSAGE_LEN	 256u
#define CLOCK_ROUNDS	 8u  /* wire 4.5 */
#define PUNCH_FAST	 15u /* wire 7.1 */
#define PUNCH_FAST_NS	 200000000ull
#define PUNCH_SLOW_NS	 2000000000ull
#define DATA_RECV_BUFFER (8 << 20) /* bytes: 60 ms of 1 Gbit/s */

enum conn_state { CONN_CONNECTING, CONN_STREAMING, CONN_ENDED };

struct punktfunk_connection {
	/* --- constant after connect --- */
	struct pf_hello hello;
	union udp_addr remote;
	socklen_t remote_len;
	bool has_pin;
	uint8_t pin[PF_FINGERPRINT_LEN];
	uint32_t drop_percent;
	char host[256];
	uint16_t port;
	uint64_t connect_deadline_ns;

	pthread_t thread;
	bool thread_running;
	int wake_fd; /* eventfd: outbox filled, or quit */
	_Atomic bool quit;
	_Atomic bool quit_on_purpose; /* close with 0x51 */

	/* --- the thread's own --- */
	struct pf_identity *identity; /* NULL = none is shown */
	struct quic_endpoint *endpoint;
	struct quic_conn *quic; /* NULL once ended */
	int64_t stream;
	struct pf_framer *framer;
	struct pf_clock_sync clock;
	unsigned clock_rounds;
	uint64_t clock_sent_ns; /* realtime t1 of the round under way */
	struct udp_socket data;
	struct udp_rx *rx;
	struct pf_aead *aead;
	struct pf_sealer open;
	struct pf_replay replay;
	bool encrypted;
	unsigned punches;
	uint64_t next_punch_ns;
	struct pf_report report;
	struct pf_ask ask;
	uint64_t drop_state;

	/* --- state: connecting and ending --- */
	pthread_mutex_t state_lock;
	pthread_cond_t state_cond;
	enum conn_state state;
	int end_status;		       /* enum punktfunk_status of a failed connect */
	int end_reason;		       /* enum punktfunk_end_reason */
	char end_message[MESSAGE_LEN]; /* set once, before state becomes CONN_ENDED */
	struct pf_welcome welcome;
	struct pf_mode mode;
	uint32_t bitrate_kbps;
	uint8_t fingerprint[PF_FINGERPRINT_LEN];
	int mode_result;

	/* --- outbox --- */
	pthread_mutex_t outbox_lock;
	uint8_t outbox[OUTBOX_BYTES]; /* u8 kind (0 stream, 1 datagram), u8 len, bytes */
	size_t outbox_len;

	/* --- finished frames --- */
	pthread_mutex_t au_lock;
	pthread_cond_t au_cond;
	struct pf_reassembler *reassembler;
	bool au_closed, au_held;
	struct pf_gate gate;
	uint64_t frames_delivered, frames_skipped;
	_Atomic bool want_fresh; /* next_au met an undecodable frame: the thread asks */

	/* --- counters, written by the thread --- */
	_Atomic uint64_t packets_received, packets_bad, packets_replayed, packets_dropped_test;
	_Atomic uint64_t bytes_received, keyframes_requested, rfi_requested, rtt_ns;
	_Atomic int64_t clock_offset_ns;
};

/* identity.c. *out is NULL when both are. Errors: PF_E_INVALID (one without the other, or no pair). */
int identity_read(
	struct pf_identity **out, const char *cert_pem, const char *key_pem) PF_MUST_CHECK;

/* session.c */
int session_start(struct punktfunk_connection *c) PF_MUST_CHECK;
void session_stop(struct punktfunk_connection *c);
/* Ends the connection from the thread: first reason wins. */
void session_end(struct punktfunk_connection *c, int status, int reason, const char *message);
/* Thread: any. Errors: PF_E_FULL, PF_E_CLOSED. */
int session_post(struct punktfunk_connection *c, bool datagram, const uint8_t *data,
	size_t len) PF_MUST_CHECK;
void session_send_msg(struct punktfunk_connection *c, const struct pf_msg *m);

/* planes.c: the data plane, on the thread but for planes_next_au() */
int planes_open(struct punktfunk_connection *c) PF_MUST_CHECK;
void planes_close(struct punktfunk_connection *c);
void planes_read(struct punktfunk_connection *c);
/* Punches, reports, expiry, requests for a fresh start. */
void planes_tick(struct punktfunk_connection *c, uint64_t now_ns);
uint64_t planes_deadline(struct punktfunk_connection *c);
int planes_next_au(struct punktfunk_connection *c, struct punktfunk_frame *frame,
	uint32_t timeout_ms) PF_MUST_CHECK;

/* control.c: handshake and control messages, on the thread */
extern const struct quic_endpoint_callbacks control_callbacks;
void control_next_clock_round(struct punktfunk_connection *c);
/* Decodes by itself. Thread: any, once there is a Welcome. */
bool control_is_keyframe(
	const struct punktfunk_connection *c, const uint8_t *au, size_t len, uint32_t user_flags);

/* clocks */
uint64_t session_now_ns(void);	    /* CLOCK_MONOTONIC */
uint64_t session_realtime_ns(void); /* CLOCK_REALTIME */

#endif
