/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CONNECTOR_INTERNAL_H
#define CONNECTOR_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "connector/clip.h"
#include "connector/side.h"
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
 * of packets; callers' threads meet it in few places: `outbox` (what to send), `au` (finished frames), `state`
 * (how far connecting has come, and what the host said), `side` (all other planes) and `clip`, each behind a
 * mutex of its own. Who holds one takes no other, but for the outbox's, which comes last.
 */

#define OUTBOX_BYTES \
	(64u << 10) /* control messages and input waiting for the thread: a burst of 2,000 events */
#define OUTBOX_ITEM_MAX	 2500u /* an offer of 16 kinds with the longest names */
#define MESSAGE_LEN	 384u
#define CLOCK_ROUNDS	 8u  /* wire 4.5 */
#define PUNCH_FAST	 15u /* wire 7.1 */
#define PUNCH_FAST_NS	 200000000ull
#define PUNCH_SLOW_NS	 2000000000ull
#define DATA_RECV_BUFFER (8 << 20) /* bytes: 60 ms of 1 Gbit/s */

/*
 * The largest shard that we tell a host to send: what fits 1500 bytes of IPv4. It may change to any size up to
 * it, or to the one that it began with.
 */
#define MAX_SHARD 1408u
/* A change takes new buffers: no more often than this. */
#define SHARD_CHANGE_NS 1000000000ull

/* A speed test (wire 4.5, Probe). */
enum speed_step { SPEED_NONE, SPEED_RUNNING, SPEED_RESULT, SPEED_DONE };
struct speed {
	enum speed_step step;
	uint64_t ends_ns; /* RUNNING: given up; RESULT: what was under way has come */
	uint64_t packets, bytes, first_bytes, first_ns, last_ns; /* received */
	struct punktfunk_probe_result result;
};

/* What input of unannounced kinds leaves behind (fallback.c); under the state lock. */
#define FALLBACK_AXES 6u
struct fallback_pad {
	uint32_t buttons;
	int32_t axes[FALLBACK_AXES];
};
struct fallback {
	struct fallback_pad pads[PF_PADS]; /* as the host has been told */
	int64_t scroll_rest[2];		   /* vertical, horizontal */
};

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
	uint16_t next_shard; /* the host may change to it; 0 = to none */
	uint64_t shard_changed_ns;
	unsigned punches;
	uint64_t next_punch_ns;
	struct pf_report report;
	uint64_t video_packets; /* opened, no replays and no filler */
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
	uint32_t bitrate_kbps, shard_payload;
	uint32_t grants;
	uint64_t access_ends_ns; /* CLOCK_MONOTONIC; UINT64_MAX = it does not */
	uint64_t hello_ns;	 /* the host has our Hello; 0 = not yet */
	struct speed speed;
	char said[MESSAGE_LEN];	  /* the host's words to a refusal; as end_message */
	uint8_t pad_seq[PF_PADS]; /* of snapshots and removals */
	struct fallback fallback;
	uint32_t mic_seq;
	uint16_t pen_seq;
	uint8_t fingerprint[PF_FINGERPRINT_LEN];
	int mode_result;

	/* --- outbox --- */
	pthread_mutex_t outbox_lock;
	uint8_t outbox[OUTBOX_BYTES]; /* u8 kind (0 stream, 1 datagram), u16 len, bytes */
	size_t outbox_len;

	/* --- finished frames --- */
	pthread_mutex_t au_lock;
	pthread_cond_t au_cond;
	struct pf_reassembler *reassembler;
	struct pf_reassembler *old; /* before the shard size changed; NULL once it is read out */
	struct pf_reassembler_stats old_stats; /* of those that are gone */
	bool border;			       /* the next frame is the first of `reassembler` */
	uint32_t last_index;		       /* of the frame that was taken last */
	bool au_closed;
	struct pf_reassembler *held_by; /* the caller has a frame of it */
	struct pf_gate gate;
	uint64_t frames_delivered, frames_skipped;
	bool want_fresh;       /* next_au met an undecodable frame: the thread asks */
	uint32_t shown, stuck; /* newest frame that the gate let through, and that it stopped */

	struct side side;
	struct clip clip;

	/* --- counters, written by the thread --- */
	_Atomic uint64_t packets_received, packets_bad, packets_replayed, packets_dropped_test;
	_Atomic uint64_t bytes_received, keyframes_requested, rfi_requested, rtt_ns;
	_Atomic uint64_t datagrams_received, datagrams_bad, audio_recovered, probe_packets;
	_Atomic int64_t clock_offset_ns;
};

/* identity.c. *out is NULL when both are. Errors: PF_E_INVALID (one without the other, or no pair). */
int identity_read(
	struct pf_identity **out, const char *cert_pem, const char *key_pem) PF_MUST_CHECK;

/*
 * fallback.c: input of kinds that the host did not announce. send: what comes closest to the event, which
 * input_ok() has passed. Errors: PF_E_UNSUPPORTED (nothing does), PF_E_FULL. Thread: any.
 */
bool fallback_wanted(const struct punktfunk_connection *c, uint8_t kind);
int fallback_send(struct punktfunk_connection *c, const struct pf_input *in) PF_MUST_CHECK;

/* session.c */
int session_start(struct punktfunk_connection *c) PF_MUST_CHECK;
void session_stop(struct punktfunk_connection *c);
/* Ends the connection from the thread: first reason wins. */
void session_end(struct punktfunk_connection *c, int status, int reason, const char *message);
/* Makes the thread look for what there is to do. Thread: any. */
void session_wake(struct punktfunk_connection *c);
/* len <= OUTBOX_ITEM_MAX. Thread: any. Errors: PF_E_FULL. */
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

/* Counters over every reassembler of the session; under au_lock. */
void planes_stats(struct punktfunk_connection *c, struct pf_reassembler_stats *out);
/* The host wants to send packets of another size; on the thread. Says whether it may. */
bool planes_offer_shard(struct punktfunk_connection *c, uint16_t shard);

/* control.c: handshake and control messages, on the thread */
extern const struct quic_endpoint_callbacks control_callbacks;
void control_next_clock_round(struct punktfunk_connection *c);
/* For packets of `shard` bytes. */
int control_make_reassembler(
	struct punktfunk_connection *c, uint16_t shard, struct pf_reassembler **out) PF_MUST_CHECK;
/* Decodes by itself. Thread: any, once there is a Welcome. */
bool control_is_keyframe(
	const struct punktfunk_connection *c, const uint8_t *au, size_t len, uint32_t user_flags);

/* events.c: messages about the session; others are not looked at. On the thread. */
void events_msg(struct punktfunk_connection *c, const struct pf_msg *m);

/* speed.c, on the thread */
void speed_take(struct punktfunk_connection *c, size_t len, uint64_t now_ns);
void speed_result(struct punktfunk_connection *c, const struct pf_msg *m);
void speed_tick(struct punktfunk_connection *c, uint64_t now_ns);

/* words.c: what happened and what to do, for a connection or a pairing that ended with `status` */
void words_end(char *out, size_t len, const char *host, uint16_t port, int status, bool streaming,
	const struct pf_quic_end *end);
/* vsnprintf, where there is a place for it; returns status. */
int words_fail(char *message, size_t message_len, int status, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* sound.c */
size_t sound_item_len(void);

/* The locks are the only members that a reader touches for writing. */
static inline struct punktfunk_connection *unconst(const struct punktfunk_connection *c)
{
	return (struct punktfunk_connection *)(uintptr_t)c;
}

/* clocks */
uint64_t session_now_ns(void);	    /* CLOCK_MONOTONIC */
uint64_t session_realtime_ns(void); /* CLOCK_REALTIME */

#endif
