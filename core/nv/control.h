/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_NV_CONTROL_H
#define PF_NV_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/crypto/aead.h"
#include "core/crypto/replay.h"
#include "core/nv/input.h"
#include "core/wire/datagram.h"

/*
 * GameStream's control messages inside ENet (docs/gamestream.md, "Control"): the encryption (second form),
 * the client's messages, and what the host tells it. Thread: one thread at a time per object.
 */

#define PF_NV_SEAL_LEN 24u /* type, length, sequence, tag: in front of the encrypted message */
#define PF_NV_HEAD_LEN 4u  /* type, length: in front of a payload */
/* Nothing that a client sends is longer; the longest is a pen's event. */
#define PF_NV_MESSAGE_MAX 1024u

/* One a session. 16 KiB. */
struct pf_nv_control {
	struct pf_aead *aead;	 /* borrowed; AES-128-GCM under the session's key */
	enum pf_direction seals; /* what this side sends */
	uint64_t next_seq;	 /* of what this side sends */
	struct pf_replay replay;
};

/* seals: PF_HOST_TO_CLIENT for a host. A session has its own key: sequences start at 0. */
void pf_nv_control_init(struct pf_nv_control *c, struct pf_aead *aead, enum pf_direction seals);

/*
 * Encrypts one message into out, PF_NV_SEAL_LEN + len bytes; message and out must not overlap. Returns
 * that length. Errors: PF_E_INVALID (len 0 or above PF_NV_MESSAGE_MAX), PF_E_FULL (cap), PF_E_CRYPTO,
 * PF_E_CLOSED (sequences used up: end the session).
 */
int pf_nv_control_seal(struct pf_nv_control *c, const uint8_t *message, size_t len, uint8_t *out,
	size_t cap) PF_MUST_CHECK;

/*
 * Opens one ENet packet in place: *message is inside it. Each is taken once, in any order of the last
 * PF_REPLAY_DEPTH. An error is the packet's: drop it, the session goes on.
 * Errors: PF_E_BAD_PACKET (lengths, not encrypted, seen before), PF_E_CRYPTO.
 */
int pf_nv_control_open(struct pf_nv_control *c, uint8_t *packet, size_t len, uint8_t **message,
	size_t *message_len) PF_MUST_CHECK;

/* Client to host. */
enum pf_nv_message_kind {
	PF_NV_REQUEST_IDR, /* also the first message of a session */
	PF_NV_START,
	PF_NV_INVALIDATE,
	PF_NV_LONG_TERM, /* a long-term reference arrived */
	PF_NV_PING,
	PF_NV_LOSS_STATS, /* of old clients: carries nothing for us */
	PF_NV_INPUT,	  /* pf_nv_input_read() */
	PF_NV_FEC_STATUS,
};

struct pf_nv_fec_status {
	uint32_t frame;
	uint16_t highest_seq, next_seq; /* received; the next after those without a hole */
	uint16_t missing;		/* before highest_seq */
	uint16_t data, parity, received_data, received_parity;
	uint8_t percent, block, n_blocks;
};

struct pf_nv_message {
	uint8_t kind; /* enum pf_nv_message_kind */
	union {
		struct {
			uint32_t first, last; /* first <= last: refer to none from first on */
		} invalidate;
		uint32_t long_term; /* frame index */
		struct {
			const uint8_t *data; /* borrowed from the message */
			size_t len;
		} input;
		struct pf_nv_fec_status fec_status;
	};
};

/*
 * Reads one plain message. What follows the fields that are known is passed over.
 * Errors: PF_E_BAD_PACKET (lengths, a range that runs backwards), PF_E_UNSUPPORTED (a type that is not
 * known: pass it over).
 */
int pf_nv_message_read(struct pf_nv_message *m, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Host to client. */
enum pf_nv_feedback_kind {
	PF_NV_RUMBLE,
	PF_NV_TRIGGER_RUMBLE,
	PF_NV_MOTION_RATE,
	PF_NV_LED,
	PF_NV_ADAPTIVE_TRIGGERS,
	PF_NV_HDR,
	PF_NV_TERMINATION,
};

#define PF_NV_ENDED	   0x80030023u /* no error */
#define PF_NV_FRAME_FAILED 0x800E9403u /* frames could not be made */
#define PF_NV_PROTECTED	   0x800E9302u /* protected content */

enum pf_nv_trigger_flags { PF_NV_TRIGGER_RIGHT = 0x04, PF_NV_TRIGGER_LEFT = 0x08 };
#define PF_NV_TRIGGER_PARAMS 10u

struct pf_nv_feedback {
	uint8_t kind; /* enum pf_nv_feedback_kind */
	uint16_t pad; /* below PF_PADS; all but HDR and TERMINATION */
	union {
		struct {
			uint16_t low, high; /* motors, 0 to 65535 */
		} rumble;
		struct {
			uint16_t left, right;
		} trigger_rumble;
		struct {
			uint16_t hz;	/* 0 = off */
			uint8_t sensor; /* enum pf_nv_motion */
		} motion_rate;
		struct {
			uint8_t r, g, b;
		} led;
		struct {
			uint8_t flags; /* enum pf_nv_trigger_flags: which of the two are set */
			uint8_t left_type, right_type;
			uint8_t left[PF_NV_TRIGGER_PARAMS], right[PF_NV_TRIGGER_PARAMS];
		} adaptive;
		struct {
			bool on;
			struct pf_hdr_meta meta; /* zeros when unknown */
		} hdr;
		uint32_t termination; /* PF_NV_ENDED ... */
	};
};

#define PF_NV_FEEDBACK_MAX (PF_NV_HEAD_LEN + 27u) /* HDR */

/* A plain message for pf_nv_control_seal(). Returns its length. Errors: PF_E_INVALID (kind, pad, sensor). */
int pf_nv_feedback_write(
	uint8_t out[static PF_NV_FEEDBACK_MAX], const struct pf_nv_feedback *f) PF_MUST_CHECK;

#endif
