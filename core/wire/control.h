/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_CONTROL_H
#define PF_WIRE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/pair/pair.h"
#include "core/wire/datagram.h"
#include "core/wire/handshake.h"

/* The control stream of wire 4: frames of u16 length || payload, and the typed messages of 4.5. */

/*
 * Cuts a byte stream into frames. Feed it what the stream gave; it calls `frame` for each whole
 * payload. Holds at most one frame (64 KiB), allocated at create.
 */
struct pf_framer;
int pf_framer_create(struct pf_framer **out) PF_MUST_CHECK;
void pf_framer_destroy(struct pf_framer *f); /* takes NULL */
/* The callback's error stops the feeding and is returned. It must not destroy the framer. */
int pf_framer_feed(struct pf_framer *f, const uint8_t *data, size_t len,
	int (*frame)(const uint8_t *payload, size_t payload_len, void *userdata),
	void *userdata) PF_MUST_CHECK;

/* Writes u16 length || payload. Returns the length. Errors: PF_E_FULL, PF_E_INVALID (over 65535). */
int pf_frame_write(
	uint8_t *out, size_t cap, const uint8_t *payload, size_t payload_len) PF_MUST_CHECK;
#define PF_FRAME_PREFIX 2u

enum pf_msg_type {
	PF_MSG_RECONFIGURE = 0x01,	     /* C>H */
	PF_MSG_RECONFIGURED = 0x02,	     /* H>C */
	PF_MSG_REQUEST_KEYFRAME = 0x03,	     /* C>H */
	PF_MSG_LOSS_REPORT = 0x04,	     /* C>H */
	PF_MSG_SET_BITRATE = 0x05,	     /* C>H */
	PF_MSG_BITRATE_CHANGED = 0x06,	     /* H>C */
	PF_MSG_RFI_REQUEST = 0x07,	     /* C>H */
	PF_MSG_SHARD_PAYLOAD_CHANGED = 0x08, /* H>C */
	PF_MSG_SHARD_PAYLOAD_ACK = 0x09,     /* C>H */
	PF_MSG_PIPELINE_GAP = 0x0A,	     /* H>C */
	PF_MSG_DELIVERY_REPORT = 0x0B,	     /* C>H */
	PF_MSG_LINK_REPORT = 0x0C,	     /* C>H */
	PF_MSG_SET_DELIVERY = 0x0D,	     /* C>H */
	PF_MSG_DELIVERY_CHANGED = 0x0E,	     /* H>C */
	PF_MSG_HOST_FACTS = 0x0F,	     /* H>C */
	PF_MSG_PAIR_REQUEST = 0x10,	     /* C>H, in place of a Hello */
	PF_MSG_PAIR_CHALLENGE = 0x11,	     /* H>C */
	PF_MSG_PAIR_PROOF = 0x12,	     /* C>H */
	PF_MSG_PAIR_RESULT = 0x13,	     /* H>C */
	PF_MSG_REFUSED = 0x16,		     /* H>C */
	PF_MSG_PROBE_REQUEST = 0x20,	     /* C>H */
	PF_MSG_PROBE_RESULT = 0x21,	     /* H>C */
	PF_MSG_PROBE_SHAPED = 0x22,	     /* C>H */
	PF_MSG_CLOCK_PROBE = 0x30,	     /* C>H */
	PF_MSG_CLOCK_ECHO = 0x31,	     /* H>C */
	PF_MSG_CLIP_CONTROL = 0x40,	     /* C>H */
	PF_MSG_CLIP_STATE = 0x41,	     /* H>C */
	PF_MSG_CLIP_OFFER = 0x42,	     /* both ways */
	PF_MSG_CLIP_FETCH = 0x43,	     /* requester, first frame of a stream of its own */
	PF_MSG_CLIP_FETCH_HDR = 0x44, /* holder, on that stream; raw bytes follow to its end */
	PF_MSG_CURSOR_SHAPE = 0x50,   /* H>C */
	PF_MSG_CURSOR_RENDER = 0x51,  /* C>H */
	PF_MSG_ACCESS_UPDATE = 0x58,  /* H>C */
	PF_MSG_AUDIO_STATE = 0x59,    /* H>C */
	PF_MSG_LAUNCH_OUTCOME = 0x5A, /* H>C */
	PF_MSG_PAD_SLOTS = 0x5B,      /* H>C */
	PF_MSG_INPUT_EDGE = 0x5C,     /* C>H: a key edge made reliable */
};

/* Enough for every type of fixed size, with the frame's length; pf_msg_framed_len() tells for the others. */
#define PF_MSG_MAX_LEN	 64u
#define PF_RFI_MAX_RANGE 256u /* frames: no encoder keeps references for longer */

#define PF_SPAKE_MSG_MAX   255u /* what a reader takes; core/pair wants PF_PAIR_MESSAGE_LEN */
#define PF_DEVICE_KEY_MAX  512u /* SPKI DER of a P-256 key is 91 */
#define PF_REASON_MAX	   256u
#define PF_CLIP_MAX_OFFERS 16u
#define PF_CLIP_MIME_MAX   128u
#define PF_CLIP_INDEX_NONE 0xFFFFFFFFu
#define PF_CURSOR_MAX_SIDE 120u /* pixels: a larger one does not fit a frame */
#define PF_LAUNCH_TEXT_MAX 200u
#define PF_CLIP_MIME_TEXT  "text/plain;charset=utf-8"
/* What a clipboard transfer's stream begins with: magic, and the kind of stream. */
#define PF_CLIP_HEAD	 "PKFs\x01"
#define PF_CLIP_HEAD_LEN 5u

enum pf_bitrate_reason {
	PF_BITRATE_GRANTED,
	PF_BITRATE_ENCODER_LIMIT,
	PF_BITRATE_CADENCE,
	PF_BITRATE_GOVERNOR,
	PF_BITRATE_PINNED,
};
enum pf_delivery { PF_DELIVERY_BURST, PF_DELIVERY_CAPPED, PF_DELIVERY_SMOOTH };
enum pf_clip_reason {
	PF_CLIP_OK,
	PF_CLIP_NO_BACKEND,
	PF_CLIP_TAKEN_OVER,
	PF_CLIP_POLICY_OFF,
	PF_CLIP_NO_FILES,
	PF_CLIP_NOT_PERMITTED,
};
enum pf_clip_status { PF_CLIP_FETCH_OK, PF_CLIP_STALE, PF_CLIP_UNAVAILABLE, PF_CLIP_DENIED };
enum pf_launch_kind {
	PF_LAUNCH_SPAWNED,
	PF_LAUNCH_ADOPTED,
	PF_LAUNCH_ADOPTED_UNKNOWN,
	PF_LAUNCH_REFUSED,
	PF_LAUNCH_FAILED,
	PF_LAUNCH_SIGN_IN,
};
/* Grants of Welcome and AccessUpdate (wire 9). */
enum pf_grant {
	PF_GRANT_GAMEPAD = 1,
	PF_GRANT_POINTER = 2,
	PF_GRANT_KEYBOARD = 4,
	PF_GRANT_CLIPBOARD = 8,
	PF_GRANT_MICROPHONE = 0x10,
	PF_GRANT_LAUNCH = 0x20,
	PF_GRANT_POWER = 0x40,
	PF_GRANT_MANAGE = 0x80,
	PF_GRANT_ALL = 0xFF,
};

/* Bytes inside the payload that was read, or the writer's caller's: borrowed. */
struct pf_span {
	const uint8_t *data;
	size_t len;
};

struct pf_clip_kind {
	struct pf_span mime; /* 1 to PF_CLIP_MIME_MAX bytes, printable ASCII */
	uint64_t size_hint;  /* bytes; 0 = unknown */
};

struct pf_msg {
	enum pf_msg_type type;
	union {
		struct pf_mode reconfigure;
		struct {
			bool accepted;
			struct pf_mode mode;
		} reconfigured;
		uint32_t loss_ppm;
		uint32_t bitrate_kbps; /* SetBitrate, LinkReport */
		struct {
			uint32_t kbps;
			uint8_t reason; /* enum pf_bitrate_reason */
			bool has_reason;
		} bitrate_changed;
		struct {
			uint32_t first, last; /* frame indexes, inclusive */
		} rfi;
		uint16_t shard_payload; /* ShardPayloadChanged, ShardPayloadAck */
		uint32_t gap_ms;
		uint64_t delivered_packets;
		uint8_t set_delivery; /* enum pf_delivery */
		struct {
			uint8_t profile; /* enum pf_delivery */
			bool forced;
		} delivery_changed;
		struct {
			uint8_t interface_kind; /* 0 to 3 are known; as it came */
			uint32_t link_mbps, send_buffer_kib;
			uint8_t forced_profile; /* 0xFF = none */
		} host_facts;
		struct {
			struct pf_span name; /* UTF-8, at most PF_NAME_MAX; longer reads as empty */
			struct pf_span spake, device_key; /* device_key.data NULL = none */
		} pair_request;
		struct {
			struct pf_span spake;
			uint8_t confirm[PF_PAIR_CONFIRM_LEN];
		} pair_challenge;
		uint8_t pair_proof[PF_PAIR_CONFIRM_LEN];
		bool pair_ok;
		struct {
			uint32_t code; /* enum pf_close_code */
			struct pf_span
				reason; /* UTF-8, at most PF_REASON_MAX; to be cleaned before it is shown */
		} refused;
		struct {
			uint32_t kbps, duration_ms;
		} probe_request;
		struct {
			uint64_t bytes;
			uint32_t packets, duration_ms;
			uint32_t wire_packets, dropped; /* only with has_wire: the longer form */
			bool has_wire;
		} probe_result; /* all zero = declined */
		struct {
			uint32_t kbps, duration_ms;
			uint16_t burst_hz;
			uint32_t group_bytes, group_kbps;
		} probe_shaped;
		struct {
			uint64_t t1_ns, t2_ns, t3_ns; /* probe: only t1 */
		} clock;
		struct {
			bool enabled, files;
		} clip_control;
		struct {
			bool enabled;
			uint8_t policy; /* 1 text, 2 files */
			uint8_t reason; /* enum pf_clip_reason */
		} clip_state;
		struct {
			uint32_t seq;
			uint8_t n_kinds;
			struct pf_clip_kind kinds[PF_CLIP_MAX_OFFERS];
		} clip_offer;
		struct {
			uint32_t seq, file_index; /* PF_CLIP_INDEX_NONE = no file */
			struct pf_span mime; /* printable ASCII; empty only beside a file's index */
		} clip_fetch;
		struct {
			uint8_t status;	     /* enum pf_clip_status */
			uint64_t total_size; /* 0 = unknown */
		} clip_fetch_hdr;
		struct {
			uint32_t serial;
			uint16_t width, height; /* 1 to PF_CURSOR_MAX_SIDE */
			uint16_t hot_x, hot_y;	/* at most width, height */
			struct pf_span rgba;	/* straight alpha, width * height * 4 bytes */
		} cursor_shape;
		bool client_draws_cursor;
		struct {
			uint32_t grants, remaining_s;
		} access;
		bool audio_muted;
		struct {
			uint8_t kind; /* enum pf_launch_kind */
			struct pf_span text;
		} launch;
		uint16_t pad_slots;
		struct pf_input input_edge; /* PF_INPUT_KEY_DOWN or _UP */
	};
};

/* Is this payload a typed message (`PKFc`) at all? Then its byte 4 is the type. */
bool pf_msg_is_typed(const uint8_t *payload, size_t len);
/*
 * Errors: PF_E_BAD_PACKET (magic, or a length that the type does not have), PF_E_UNSUPPORTED (a type
 * that is not in the enum, or a value of a later peer that leaves nothing to act on: skip it, as wire 4.5
 * says). Loss is capped at 1e6 ppm; an RFI range that runs backwards or is longer than PF_RFI_MAX_RANGE reads
 * as PF_MSG_REQUEST_KEYFRAME; a value that is in no enum here reads as docs/protocol.md 3.5 lists, so that
 * what is read is within the enums above. Texts are valid UTF-8 without NUL, or empty. Spans point into payload.
 */
int pf_msg_read(struct pf_msg *m, const uint8_t *payload, size_t len) PF_MUST_CHECK;
/*
 * Writes u16 length || payload, ready for the stream. Returns the length. Errors: PF_E_FULL (nothing is
 * written then), PF_E_INVALID (what a reader would refuse or mend).
 */
int pf_msg_write_framed(uint8_t *out, size_t cap, const struct pf_msg *m) PF_MUST_CHECK;
/* What pf_msg_write_framed() will need. Errors: PF_E_INVALID (a field out of range). */
int pf_msg_framed_len(const struct pf_msg *m) PF_MUST_CHECK;
/*
 * How many of the first bytes of a peer's stream are PF_CLIP_HEAD: all of it, or 0 where the ClipFetch comes at
 * once. Errors: PF_E_AGAIN (more bytes will tell), PF_E_UNSUPPORTED (a stream of another kind).
 */
int pf_clip_head_read(const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Clock sync over rounds of probe and echo (wire 4.5): smallest RTT wins. */
struct pf_clock_sync {
	int64_t offset_ns; /* host minus client */
	uint64_t rtt_ns;   /* of the winning round; UINT64_MAX = none yet */
};
void pf_clock_sync_init(struct pf_clock_sync *c);
/* t1, t4 client clock; t2, t3 host clock. Nonsense (t4 < t1, t3 < t2, negative RTT) is ignored. */
void pf_clock_sync_add(struct pf_clock_sync *c, uint64_t t1, uint64_t t2, uint64_t t3, uint64_t t4);

#endif
