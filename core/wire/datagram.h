/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_DATAGRAM_H
#define PF_WIRE_DATAGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* QUIC datagrams of generation 1 (wire 6): the first byte is the tag. */

enum pf_datagram_tag {
	PF_DGRAM_INPUT = 0xC8,
	PF_DGRAM_HOST_TIMING = 0xCF,
};

enum pf_input_kind {
	PF_INPUT_KEY_DOWN,
	PF_INPUT_KEY_UP,
	PF_INPUT_MOUSE_REL,
	PF_INPUT_MOUSE_ABS,
	PF_INPUT_BUTTON_DOWN,
	PF_INPUT_BUTTON_UP,
	PF_INPUT_SCROLL,
	PF_INPUT_PAD_BUTTON,
	PF_INPUT_PAD_AXIS,
	PF_INPUT_TOUCH_DOWN,
	PF_INPUT_TOUCH_MOVE,
	PF_INPUT_TOUCH_UP,
	PF_INPUT_PAD_SNAPSHOT,
	PF_INPUT_PAD_REMOVED,
	PF_INPUT_PAD_ARRIVED,
	PF_INPUT_TEXT,
	PF_INPUT_SMOOTH_SCROLL,
	PF_INPUT_KIND_COUNT,
};

#define PF_INPUT_LEN 18u

struct pf_input {
	uint8_t kind; /* enum pf_input_kind */
	uint32_t code;
	int32_t x, y;
	uint32_t flags;
};

void pf_input_write(uint8_t out[static PF_INPUT_LEN], const struct pf_input *in);
/* Errors: PF_E_BAD_PACKET (length or tag), PF_E_UNSUPPORTED (kind not in the enum). */
int pf_input_read(struct pf_input *in, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Host timing of one frame (wire 6.6, 0xCF, the 25-byte form). All durations in microseconds. */
#define PF_HOST_TIMING_LEN 25u
struct pf_host_timing {
	uint64_t pts_ns;
	uint32_t host_us; /* capture to last packet sent */
	uint32_t queue_us, encode_us, pace_us;
};
void pf_host_timing_write(uint8_t out[static PF_HOST_TIMING_LEN], const struct pf_host_timing *t);
/* Reads the 13-, 25- and 29-byte forms; absent fields are 0. Errors: PF_E_BAD_PACKET. */
int pf_host_timing_read(struct pf_host_timing *t, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Hole punch of wire 7.1: the client's first bytes to the host's data port. */
#define PF_PUNCH     "PFpunch1"
#define PF_PUNCH_LEN 8u

#endif
