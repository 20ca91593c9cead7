/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/packet/native.h"

#include "core/base/bytes.h"
#include "core/fec/fec.h"

/*
 * off size                         off size
 *   0    8  pts_ns                  28    2  data shards of this block (k)
 *   8    4  frame index             30    2  parity shards of this block (m)
 *  12    4  stream seq              32    2  shard index: 0..k-1 data, k..k+m-1 parity
 *  16    4  frame bytes             34    2  shard bytes
 *  20    4  user flags              36    1  magic 0xC9
 *  24    2  block index             37    1  version 1
 *  26    2  block count             38    1  FEC scheme
 *                                   39    1  flags
 * little endian; the shard follows.
 */

void pf_native_header_write(
	uint8_t out[static PF_NATIVE_HEADER_LEN], const struct pf_native_header *h)
{
	pf_put_le64(out, h->pts_ns);
	pf_put_le32(out + 8, h->frame_index);
	pf_put_le32(out + 12, h->stream_seq);
	pf_put_le32(out + 16, h->frame_bytes);
	pf_put_le32(out + 20, h->user_flags);
	pf_put_le16(out + 24, h->block_index);
	pf_put_le16(out + 26, h->block_count);
	pf_put_le16(out + 28, h->data_shards);
	pf_put_le16(out + 30, h->parity_shards);
	pf_put_le16(out + 32, h->shard_index);
	pf_put_le16(out + 34, h->shard_bytes);
	out[36] = PF_NATIVE_MAGIC;
	out[37] = PF_NATIVE_VERSION;
	out[38] = h->scheme;
	out[39] = h->flags;
}

int pf_native_header_read(struct pf_native_header *h, const uint8_t *packet, size_t len)
{
	if (len < PF_NATIVE_HEADER_LEN || packet[36] != PF_NATIVE_MAGIC ||
		packet[37] != PF_NATIVE_VERSION || packet[38] > PF_FEC_GF16)
		return PF_E_BAD_PACKET;
	*h = (struct pf_native_header){
		.pts_ns = pf_get_le64(packet),
		.frame_index = pf_get_le32(packet + 8),
		.stream_seq = pf_get_le32(packet + 12),
		.frame_bytes = pf_get_le32(packet + 16),
		.user_flags = pf_get_le32(packet + 20),
		.block_index = pf_get_le16(packet + 24),
		.block_count = pf_get_le16(packet + 26),
		.data_shards = pf_get_le16(packet + 28),
		.parity_shards = pf_get_le16(packet + 30),
		.shard_index = pf_get_le16(packet + 32),
		.shard_bytes = pf_get_le16(packet + 34),
		.scheme = packet[38],
		.flags = packet[39],
	};
	if (h->data_shards == 0 || h->shard_index >= (uint32_t)h->data_shards + h->parity_shards ||
		len - PF_NATIVE_HEADER_LEN != h->shard_bytes)
		return PF_E_BAD_PACKET;
	return PF_OK;
}
