/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_PACKET_NATIVE_H
#define PF_PACKET_NATIVE_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* The 40-byte shard header of punktfunk/1 (wire 7.3), little endian. */

#define PF_NATIVE_HEADER_LEN 40u
#define PF_NATIVE_MAGIC	     0xC9u
#define PF_NATIVE_VERSION    1u

/* Even; the jumbo datagram of 9216 bytes less header and seal (seq and tag, 24), as shipped clients announce. */
#define PF_SHARD_PAYLOAD_MAX 9152u

enum pf_native_flags {
	PF_NATIVE_PICTURE = 1,
	PF_NATIVE_END = 2,   /* last packet of the frame */
	PF_NATIVE_START = 4, /* first packet of the frame */
	PF_NATIVE_PROBE = 8, /* speed-test filler; see PF_USER_PROBE */
};

enum pf_user_flags {
	/* The low nibble has the values of pf_native_flags, but speaks of the frame, alike in all its packets. */
	PF_USER_PICTURE = 0x1,
	PF_USER_KEYFRAME = 0x4, /* decodes by itself; test hosts set it on every frame */
	PF_USER_PROBE = 0x8,	/* speed-test filler: this bit decides, not the packet's */
	PF_USER_RECOVERY_POINT =
		0x10, /* an intra-refresh wave ends here: the second since a loss heals it */
	PF_USER_RECOVERY_ANCHOR = 0x20, /* no keyframe, but refers to nothing that was lost */
	PF_USER_CHUNK_ALIGNED = 0x40,
	PF_USER_SLICE_STREAMED = 0x80,
	PF_USER_REPEATED = 0x100,
	PF_USER_RECOVERY_CLOSED = 0x200,
};

struct pf_native_header {
	uint64_t pts_ns; /* CLOCK_REALTIME of capture */
	uint32_t frame_index;
	uint32_t stream_seq;  /* counts packets, wraps */
	uint32_t frame_bytes; /* whole access unit */
	uint32_t user_flags;  /* enum pf_user_flags */
	uint16_t block_index, block_count;
	uint16_t data_shards, parity_shards; /* of this block: k, m */
	uint16_t shard_index;		     /* 0..k-1 data, k..k+m-1 parity */
	uint16_t shard_bytes;
	uint8_t scheme; /* enum pf_fec_scheme */
	uint8_t flags;	/* enum pf_native_flags */
};

void pf_native_header_write(
	uint8_t out[static PF_NATIVE_HEADER_LEN], const struct pf_native_header *h);

/*
 * Reads the header at packet[0..len). Checks magic, version, scheme, k >= 1, shard index < k + m,
 * and that len is exactly header + shard_bytes. Limits of memory are the reassembler's business.
 * Errors: PF_E_BAD_PACKET.
 */
int pf_native_header_read(
	struct pf_native_header *h, const uint8_t *packet, size_t len) PF_MUST_CHECK;

#endif
