/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_CONTROL_H
#define PF_WIRE_CONTROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
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
	PF_MSG_RECONFIGURE = 0x01,
	PF_MSG_RECONFIGURED = 0x02,
	PF_MSG_REQUEST_KEYFRAME = 0x03,
	PF_MSG_LOSS_REPORT = 0x04,
	PF_MSG_SET_BITRATE = 0x05,
	PF_MSG_BITRATE_CHANGED = 0x06,
	PF_MSG_RFI_REQUEST = 0x07,
	PF_MSG_PROBE_REQUEST = 0x20,
	PF_MSG_PROBE_RESULT = 0x21,
	PF_MSG_CLOCK_PROBE = 0x30,
	PF_MSG_CLOCK_ECHO = 0x31,
};

#define PF_MSG_MAX_LEN	 64u  /* enough for every fixed-size message of this enum */
#define PF_RFI_MAX_RANGE 256u /* frames: no encoder keeps references for longer */

/* Opens a pairing in place of a Hello. Not in the enum, as its body is not read. */
#define PF_MSG_TYPE_PAIR_REQUEST 0x10u

struct pf_msg {
	enum pf_msg_type type;
	union {
		struct pf_mode reconfigure;
		struct {
			bool accepted;
			struct pf_mode mode;
		} reconfigured;
		uint32_t loss_ppm;
		uint32_t bitrate_kbps;
		struct {
			uint32_t kbps;
			uint8_t reason; /* 0 granted, 1 encoder limit, 2 cadence, 3 governor, 4 pinned */
			bool has_reason;
		} bitrate_changed;
		struct {
			uint32_t first, last; /* frame indexes, inclusive */
		} rfi;
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
			uint64_t t1_ns, t2_ns, t3_ns; /* probe: only t1 */
		} clock;
	};
};

/* Is this payload a typed message (`PKFc`) at all? Then its byte 4 is the type. */
bool pf_msg_is_typed(const uint8_t *payload, size_t len);
/*
 * Errors: PF_E_BAD_PACKET (magic, or a length that the type does not have), PF_E_UNSUPPORTED (a type
 * that is not in the enum: skip it, as wire 4.5 says). Loss is capped at 1e6 ppm; an RFI range that runs
 * backwards or is longer than PF_RFI_MAX_RANGE reads as PF_MSG_REQUEST_KEYFRAME.
 */
int pf_msg_read(struct pf_msg *m, const uint8_t *payload, size_t len) PF_MUST_CHECK;
/* Writes u16 length || payload, ready for the stream. Returns the length. Errors: PF_E_FULL, PF_E_INVALID. */
int pf_msg_write_framed(uint8_t *out, size_t cap, const struct pf_msg *m) PF_MUST_CHECK;

/* Clock sync over rounds of probe and echo (wire 4.5): smallest RTT wins. */
struct pf_clock_sync {
	int64_t offset_ns; /* host minus client */
	uint64_t rtt_ns;   /* of the winning round; UINT64_MAX = none yet */
};
void pf_clock_sync_init(struct pf_clock_sync *c);
/* t1, t4 client clock; t2, t3 host clock. Nonsense (t4 < t1, t3 < t2, negative RTT) is ignored. */
void pf_clock_sync_add(struct pf_clock_sync *c, uint64_t t1, uint64_t t2, uint64_t t3, uint64_t t4);

#endif
