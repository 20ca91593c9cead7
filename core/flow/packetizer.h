/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_PACKETIZER_H
#define PF_FLOW_PACKETIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/crypto/aead.h"
#include "core/fec/fec.h"

/*
 * Access unit -> sealed packets, built in place in the buffer that the socket will send: every
 * packet of a frame has the same size and they lie back to back, so GSO can cut the buffer
 * (wire 7.2 to 7.4). All data packets of the frame come first, then all parity.
 * Thread: one thread at a time.
 */

struct pf_packetizer;

struct pf_packetizer_params {
	size_t shard_payload; /* bytes of one shard: even, 16..PF_MAX_SHARD_PAYLOAD */
	enum pf_fec_scheme scheme;
	unsigned fec_percent;	      /* parity as a share of data, 0..100; 0 = none */
	unsigned min_parity;	      /* floor per block when fec_percent > 0 */
	size_t max_data_per_block;    /* shards */
	size_t max_frame_bytes;	      /* largest access unit accepted */
	const struct pf_sealer *seal; /* copied; NULL = no encryption (tests) */
};

#define PF_MAX_SHARD_PAYLOAD 9128u /* 9216-byte jumbo datagram less header and seal */

struct pf_frame_info {
	uint64_t pts_ns;
	uint32_t frame_index;
	uint32_t user_flags; /* enum pf_user_flags; the low nibble is filled in by the packetizer */
	uint8_t flags; /* PF_NATIVE_PICTURE or PF_NATIVE_PROBE; start/end are added per packet */
};

/* Packets back to back: packet i is data[i * packet_len .. (i + 1) * packet_len). */
struct pf_packet_batch {
	uint8_t *data; /* borrowed from the packetizer until the next build or destroy */
	size_t packet_len;
	size_t n_packets; /* data + parity */
	size_t n_data;
};

/* Errors: PF_E_INVALID, PF_E_NOMEM. All memory is taken here. */
int pf_packetizer_create(
	struct pf_packetizer **out, const struct pf_packetizer_params *params) PF_MUST_CHECK;
void pf_packetizer_destroy(struct pf_packetizer *p); /* takes NULL */

/* Takes effect with the next frame; percent 0..100. Errors: PF_E_INVALID. */
int pf_packetizer_set_fec_percent(struct pf_packetizer *p, unsigned percent) PF_MUST_CHECK;

/* Errors: PF_E_INVALID (au longer than max_frame_bytes), PF_E_CRYPTO, PF_E_CLOSED. */
int pf_packetizer_build(struct pf_packetizer *p, const struct pf_frame_info *info,
	const uint8_t *au, size_t len, struct pf_packet_batch *batch) PF_MUST_CHECK;

#endif
