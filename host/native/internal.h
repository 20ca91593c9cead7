/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_NATIVE_INTERNAL_H
#define HOST_NATIVE_INTERNAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/crypto/aead.h"
#include "core/flow/adapt.h"
#include "core/flow/pacer.h"
#include "core/flow/packetizer.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "host/native/send.h"
#include "host/session/paced.h"
#include "host/session/session.h"
#include "host/vdisplay/vdisplay.h"
#include "net/quic_endpoint.h"
#include "net/udp.h"

#define FIRST_MESSAGE_NS 10000000000ull /* wire 3: budget of the application handshake */
#define PUNCH_WAIT_NS	 2500000000ull	/* wire 7.1: then the address that Start implies is used */

/* Shard arithmetic of wire 7.4: 1500 - IP and UDP - header - seal. */
#define SHARD_IPV4     1408u
#define SHARD_IPV6     1388u
#define SHARD_MIN      512u
#define FEC_MIN_PARITY 2u
#define SEND_BUFFER    (4 << 20) /* bytes: two of the largest keyframes */
/*
 * With 5 % of the packets lost and 20 % parity, a block of 15 + 3 is beyond repair once in a hundred times, one
 * of 15 + 4 once in five hundred; from 21 data shards on the share alone does better than that.
 */
#define FEC_SMALL_BLOCK	   20u
#define MAX_DATA_PER_BLOCK 4096u
/* The largest access unit that is sent: four frames' worth of the bitrate, inside these (wire 7.5). */
#define FRAME_BYTES_MIN (8u << 20)
#define FRAME_BYTES_MAX (64u << 20)

struct access;
struct clip;
struct cursor_out;
struct loop_source;
struct pf_pair_host;
struct sound;

struct native {
	struct host *host;
	struct access *access;
	struct pf_identity *identity;
	struct quic_endpoint *endpoint;
	struct loop_source *readable, *timer;
	struct native_client *clients; /* native_client::next */
	unsigned n_streaming;
	uint64_t sessions_done;
	uint64_t last_id;
	bool closing; /* native_destroy(): nobody comes back */
	void (*on_done)(void *userdata);
	void *userdata;
};

enum client_state {
	CLIENT_HELLO,  /* waiting for the first message */
	CLIENT_PAIR,   /* a pairing ceremony (pair.c) */
	CLIENT_PARKED, /* its Hello waits for a person (access.c) */
	CLIENT_START,  /* Welcome sent */
	CLIENT_PUNCH,  /* Start came; waiting for the client's address on the data port */
	CLIENT_STREAM, /* pictures flow */
	CLIENT_ENDING, /* close sent; nothing of it is listened to any more */
};

/* The sending half of a session's data plane: data.c. Its send thread reads it, the loop set it up. */
struct native_data {
	struct udp_socket socket;
	struct loop_source *readable;
	struct pf_aead *aead;
	struct pf_packetizer *packetizer;
	struct pf_packetizer_params params; /* of it; no sealer */
	struct pf_pacer pacer;
	uint32_t delivery, refresh_hz; /* of the pacer */
	uint64_t pace;
	uint64_t last_frame_ns; /* the send thread's: 0 = none yet */
	struct send_wishes wishes;
	struct news_ring news;
	struct probe probe;
	uint8_t key[16], salt[4];
	size_t shard_payload;
	struct paced_loss loss; /* test only */
	int port;
};

/* Events that a client may still send now: refilled with time. */
struct input_budget {
	uint64_t refilled_ns;
	uint32_t left;
	uint64_t n_dropped;
};

/* The same for control messages (control.c). */
struct control_budget {
	uint64_t refilled_ns;
	uint32_t left, n_dropped;
	uint64_t n_malformed; /* of a known type, with bytes that it does not have: skipped */
};

struct governor { /* adapt.c */
	struct pf_adapt adapt;
	struct loop_source *timer;
	uint32_t set_kbps, told_kbps; /* to the encoder, to the client */
	uint64_t tell_at_ns, n_ticks;
};

struct native_client {
	struct native_client *next; /* native::clients */
	uint64_t id;		    /* of this host's connections: never used twice */
	struct native *native;
	struct quic_conn *conn;
	/*
	 * Where the handshake came from, which is proven. QUIC's own idea of the address moves with the next
	 * packet from elsewhere, before anything has proven that the client is there.
	 */
	union udp_addr peer;
	socklen_t peer_len;
	/* SHA-256 of the leaf that it showed in TLS: who it is, if it showed one. */
	uint8_t fp[PF_FINGERPRINT_LEN];
	bool has_fp;
	uint8_t grants;			 /* enum pf_grant; what it may do, from access_admit() on */
	uint64_t access_ends_ns;	 /* CLOCK_MONOTONIC; UINT64_MAX = never */
	uint64_t access_warn_ns;	 /* when it hears of that next; UINT64_MAX = not */
	int64_t access_expires_s;	 /* the date that it comes from; 0 = never */
	struct pf_pair_host *pairing;	 /* pair.c: the ceremony that runs; NULL = none */
	char pair_name[PF_NAME_MAX + 1]; /* as the client calls itself; printable */
	uint8_t pair_grants;		 /* what came with the PIN that it uses */
	int64_t pair_expires_s;
	struct pf_framer *framer;
	enum client_state state;
	int64_t stream; /* the control stream; -1 = none yet */
	struct loop_source *timer;
	struct loop_source *path_timer; /* when the size of the path is known */
	uint16_t shard_asked; /* in a ShardPayloadChanged that waits for its Ack; 0 = none */
	struct loop_source *mode_timer; /* a change of mode that waits for its turn */
	struct pf_mode wanted_mode;
	bool mode_waiting;
	uint64_t next_mode_ns;
	struct input_budget input;
	struct control_budget control;
	struct governor governor;
	bool reads_reason; /* in BitrateChanged; others are told only what they asked for */
	struct clip *clip;
	struct cursor_out *cursor;
	struct sound *sound; /* NULL = none */
	struct pf_hello hello;
	uint16_t start_port;
	uint16_t early_port; /* of a punch that overtook Start; 0 = none */
	struct session *session;
	bool parting;	     /* its control stream is closed; the connection will be */
	bool session_failed; /* it cannot go on, and its display may be why */
	struct native_data data;
	char name[PF_NAME_MAX + 1]; /* printable */
};

/* native.c */
void native_flush(struct native *n);
/* Stops the session and closes the connection with a code; the client object goes when QUIC is done. */
void native_end(struct native_client *c, uint64_t code, const char *reason);

/* The same; *kept is the session's display (empty name: it has none), which stays. */
void native_end_kept(
	struct native_client *c, uint64_t code, const char *reason, struct vdisplay_output *kept);

/* stay.c: the display that this client has still; its old connection, if it is there, ends. */
bool stay_take(struct native_client *c, struct vdisplay_output *output);
bool stay_has(const struct native_client *c);
/* May the display be kept for the client at all? */
bool stay_allowed(const struct native_client *c);
/* The connection ended like this: is the display to be kept for the client? */
bool stay_wanted(const struct native_client *c, const struct pf_quic_end *end);

/* handshake.c: the first three messages; returns an error only for bytes that the wire does not allow */
int handshake_payload(struct native_client *c, const uint8_t *payload, size_t len) PF_MUST_CHECK;
/* access.c let the client of a Hello in: session and Welcome. Also ends it where there is no place. */
void handshake_admitted(struct native_client *c);
/* The client's address is known (or assumed): pictures flow from here. */
void handshake_stream(struct native_client *c);

/* control.c: typed messages of a client whose session exists; see control.h for who handles which */
int control_open(struct native_client *c) PF_MUST_CHECK;
void control_close(struct native_client *c);
void control_payload(struct native_client *c, const uint8_t *payload, size_t len);

/* data.c; data_video() is in send.c */
int data_open(struct native_client *c, uint32_t bitrate_kbps, uint32_t refresh_hz) PF_MUST_CHECK;
void data_close(struct native_client *c);
/* Sends to the peer's address with the port of its Start. */
int data_assume_peer(struct native_client *c) PF_MUST_CHECK;
/* sound.c: a client without sound is still served; the log says why. begin: when its datagrams may flow */
void sound_open(struct native_client *c);
void sound_begin(struct native_client *c, uint32_t kbps);
void sound_close(struct native_client *c);
/* session_sink::video */
int data_video(struct unit *unit, uint32_t frame_index, void *userdata);

#endif
