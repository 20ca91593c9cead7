/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_PACKET_NVVIDEO_H
#define PF_PACKET_NVVIDEO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/crypto/aead.h"
#include "core/packet/batch.h"

/*
 * GameStream video: access unit -> datagrams, in the order in which they must leave (docs/gamestream.md,
 * "Video"): block after block, in each the data and then the parity. All have the same length and lie back
 * to back. Thread: one thread at a time.
 */

struct pf_nvvideo;

/* A client's packet size is what follows the 16 bytes of RTP: 16 of header and the payload. */
#define PF_NVVIDEO_MIN_PACKET_SIZE 64u /* the frame header and something of the frame */
#define PF_NVVIDEO_MAX_PACKET_SIZE \
	8928u			     /* 9000-byte jumbo frame less IPv6, UDP, RTP and encryption */
#define PF_NVVIDEO_MAX_BLOCKS  4u    /* two bits of the header */
#define PF_NVVIDEO_MAX_SHARDS  255u  /* data + parity of a block with parity: GF(2^8) */
#define PF_NVVIDEO_MAX_DATA    1023u /* ten bits of the header: a block without parity */
#define PF_NVVIDEO_MAX_PERCENT 255u  /* eight bits of the header */
/* The largest frame, in packets: four blocks without parity. */
#define PF_NVVIDEO_MAX_FRAME_PACKETS (PF_NVVIDEO_MAX_BLOCKS * PF_NVVIDEO_MAX_DATA)

#define PF_NVVIDEO_RTP_LEN	    16u /* RTP and four reserved bytes */
#define PF_NVVIDEO_HEADER_LEN	    16u
#define PF_NVVIDEO_FRAME_HEADER_LEN 8u
#define PF_NVVIDEO_SEAL_LEN	    32u /* in front of an encrypted packet: IV, frame number, tag */

struct pf_nvvideo_params {
	size_t packet_size; /* the client's; PF_NVVIDEO_MIN_PACKET_SIZE to PF_NVVIDEO_MAX_PACKET_SIZE */
	unsigned fec_percent; /* parity as a share of data, 0..PF_NVVIDEO_MAX_PERCENT; 0 = none */
	unsigned
		min_parity; /* the client's minRequiredFecPackets: a floor for each block, 0..255 */
	size_t max_frame_bytes; /* largest access unit accepted; pf_nvvideo_max_frame() bounds it */
	/*
	 * AES-128-GCM under the session's key, borrowed; NULL = in clear. One packetizer for a key: a second
	 * one would use the same nonces again.
	 */
	struct pf_aead *aead;
};

enum pf_nvvideo_type {
	PF_NVVIDEO_P = 1,
	PF_NVVIDEO_IDR = 2,
	PF_NVVIDEO_INTRA_REFRESH = 4, /* ends a client's wait as an IDR frame does */
	/* The first that refers to nothing of the range that a client invalidated: it drops all before it. */
	PF_NVVIDEO_INVALIDATED = 5,
};

struct pf_nvvideo_frame {
	uint64_t pts_ns; /* any clock that the frames of the stream share */
	/* From 1, one more for each frame that is sent: a hole is a lost frame to the client. */
	uint32_t frame_index;
	uint8_t type;	  /* enum pf_nvvideo_type */
	bool long_term;	  /* a long-term reference: the client acknowledges it */
	uint16_t latency; /* capture to here in 0.1 ms, shown to the user; 0 = unknown */
};

/* The largest access unit that fits in packets of this size. */
size_t pf_nvvideo_max_frame(size_t packet_size);

/* Errors: PF_E_INVALID, PF_E_NOMEM. All memory is taken here. */
int pf_nvvideo_create(
	struct pf_nvvideo **out, const struct pf_nvvideo_params *params) PF_MUST_CHECK;
void pf_nvvideo_destroy(struct pf_nvvideo *v); /* takes NULL */

/* From the next frame on. Errors: PF_E_INVALID. */
int pf_nvvideo_set_fec_percent(struct pf_nvvideo *v, unsigned percent) PF_MUST_CHECK;

/*
 * Errors: PF_E_INVALID (empty, longer than max_frame_bytes, frame index 0, type), PF_E_CRYPTO, PF_E_CLOSED
 * (nonces used up). After an error nothing of the frame may be sent, and its index is still free.
 */
int pf_nvvideo_build(struct pf_nvvideo *v, const struct pf_nvvideo_frame *frame, const uint8_t *au,
	size_t len, struct pf_packet_batch *batch) PF_MUST_CHECK;

/*
 * What a frame of n packets becomes. The client computes parity from data and percent of the header: the
 * plan has only percentages that give its own counts.
 */
struct pf_nvvideo_plan {
	size_t n_blocks, n_packets; /* n_packets: with parity */
	struct {
		size_t data, parity;
		unsigned percent;
	} blocks[PF_NVVIDEO_MAX_BLOCKS];
};

/* The client's formula. */
size_t pf_nvvideo_parity(size_t data, unsigned percent);
/*
 * Blocks of even size, as few as leave room for the parity; a frame too large for that keeps what parity
 * four blocks have room for, perhaps none. percent 0 = no parity, whatever min_parity.
 * Errors: PF_E_INVALID (n is 0 or above PF_NVVIDEO_MAX_FRAME_PACKETS).
 */
int pf_nvvideo_plan(struct pf_nvvideo_plan *plan, size_t n, unsigned percent,
	unsigned min_parity) PF_MUST_CHECK;

#endif
