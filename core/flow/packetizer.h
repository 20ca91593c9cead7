/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_PACKETIZER_H
#define PF_FLOW_PACKETIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/crypto/aead.h"
#include "core/fec/fec.h"
#include "core/packet/batch.h"
#include "core/packet/native.h"

/*
 * Access unit -> sealed packets, built in place in the buffer that the socket will send: every
 * packet of a frame has the same size and they lie back to back, so GSO can cut the buffer
 * (wire 7.2 to 7.4). All data packets of the frame come first, then all parity.
 * Thread: one thread at a time.
 */

struct pf_packetizer;

struct pf_packetizer_params {
	size_t shard_payload; /* bytes of one shard: even, 16..PF_SHARD_PAYLOAD_MAX */
	enum pf_fec_scheme scheme;
	unsigned fec_percent; /* parity as a share of data, 0..100; 0 = none */
	unsigned min_parity;  /* floor per block when fec_percent > 0; at most 255 */
	/* Blocks of 8 to this many data shards get one parity shard above their share: what is lost of few
	 * packets scatters more than of many. 0 = none. */
	size_t small_block;
	size_t max_data_per_block; /* shards; every block but the last of a frame has this many */
	size_t max_frame_bytes;	   /* largest access unit accepted */
	/* Copied; NULL = no encryption (tests). A later packetizer under the same key must go on where
	 * the one before stopped, or nonces repeat: both values come from pf_packetizer_resume(). */
	const struct pf_sealer *seal;
	uint32_t first_stream_seq; /* 0 for the first of a session */
};

struct pf_frame_info {
	uint64_t pts_ns;
	uint32_t frame_index;
	uint32_t
		user_flags; /* enum pf_user_flags; of the low nibble only PF_USER_KEYFRAME counts */
	uint8_t flags; /* PF_NATIVE_PICTURE or PF_NATIVE_PROBE; start/end are added per packet */
};

/* Errors: PF_E_INVALID, PF_E_NOMEM. All memory is taken here. */
int pf_packetizer_create(
	struct pf_packetizer **out, const struct pf_packetizer_params *params) PF_MUST_CHECK;
void pf_packetizer_destroy(struct pf_packetizer *p); /* takes NULL */

/*
 * Takes effect with the next frame; percent 0..100. GF8 gives at most 255 - k parity shards however
 * high the percent: choose max_data_per_block for the percent that is wanted. Errors: PF_E_INVALID.
 */
int pf_packetizer_set_fec_percent(struct pf_packetizer *p, unsigned percent) PF_MUST_CHECK;

/* Errors: PF_E_INVALID (au longer than max_frame_bytes), PF_E_CRYPTO, PF_E_CLOSED. */
int pf_packetizer_build(struct pf_packetizer *p, const struct pf_frame_info *info,
	const uint8_t *au, size_t len, struct pf_packet_batch *batch) PF_MUST_CHECK;

/*
 * Where the next packetizer of this session goes on (after a change of shard size, say): *seal is the
 * sealer as it is now (untouched without encryption), the result is its first_stream_seq.
 */
uint32_t pf_packetizer_resume(const struct pf_packetizer *p, struct pf_sealer *seal);

#endif
