/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/packet/nvvideo.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/base/bytes.h"
#include "core/fec/fec.h"

/*
 * off size                                      off size
 *   0    1  0x90: RTP 2 with an extension        20    4  frame index, LE
 *   1    1  payload type 0                       24    1  flags
 *   2    2  sequence, BE                         25    1  extra flags
 *   4    4  timestamp, 90 kHz, BE                26    1  multi-FEC flags: 0x10
 *   8    4  SSRC 0                               27    1  blocks: last << 6 | this << 4
 *  12    4  0                                    28    4  FEC info, LE: data << 22 | shard << 12 |
 *  16    4  stream packet index, LE: 24 bits              percent << 4
 *           << 8                                 32    n  payload: packet size - 16
 *
 * An encrypted packet is all of this after 32 bytes:
 *
 *   0   12  IV: packet counter 8 LE, 0 0 0 'V'
 *  12    4  frame index, LE
 *  16   16  tag
 *
 * The payload of a frame's first packet starts with the frame header:
 *
 *   0    1  0x01                                  4    2  bytes of the last packet's payload, LE
 *   1    2  host latency in 0.1 ms, LE            6    2  0
 *   3    1  type
 *
 * Parity is computed over whole packets in which RTP and FEC info are still zero; then those, the frame
 * index and the blocks byte are written into data and parity alike. The client puts the same fields back
 * into what it rebuilds.
 */

#define AT_SEQUENCE	  2u
#define AT_TIMESTAMP	  4u
#define AT_STREAM_INDEX	  16u
#define AT_FRAME_INDEX	  20u
#define AT_FLAGS	  24u
#define AT_EXTRA_FLAGS	  25u
#define AT_MULTI_FLAGS	  26u
#define AT_BLOCKS	  27u
#define AT_FEC_INFO	  28u
#define AT_PAYLOAD	  32u
#define RTP_BYTE	  0x90u
#define FLAG_PICTURE	  0x1u
#define FLAG_BLOCK_END	  0x2u
#define FLAG_BLOCK_START  0x4u
#define EXTRA_LONG_TERM	  0x1u
#define MULTI_FLAGS	  0x10u
#define FRAME_HEADER_MARK 0x01u
#define STREAM_INDEX_MASK UINT32_C(0xffffff)

#define NS_PER_TICKS 100000u /* nine ticks of 90 kHz */
#define TICKS	     9u

struct pf_nvvideo {
	struct pf_nvvideo_params params;
	size_t payload;	   /* of one packet */
	size_t prefix;	   /* in front of a packet when encrypted */
	size_t packet_len; /* with the prefix */
	uint32_t next;	   /* counts packets: sequence and stream packet index are its low bits */
	uint64_t next_iv;
	uint64_t first_pts_ns;
	bool started;
	struct pf_fec *fec;
	uint8_t *packets; /* one frame's, and room for a tag behind the last */
	const uint8_t *data[PF_NVVIDEO_MAX_SHARDS];
	uint8_t *parity[PF_NVVIDEO_MAX_SHARDS];
};

/* What all packets of the frame being built share. */
struct job {
	const struct pf_nvvideo_frame *frame;
	struct pf_nvvideo_plan plan;
	uint32_t timestamp;
	const uint8_t *au; /* what is left of it */
	size_t len;
};

size_t pf_nvvideo_max_frame(size_t packet_size)
{
	if (packet_size < PF_NVVIDEO_MIN_PACKET_SIZE || packet_size > PF_NVVIDEO_MAX_PACKET_SIZE)
		return 0;
	return PF_NVVIDEO_MAX_FRAME_PACKETS * (packet_size - PF_NVVIDEO_HEADER_LEN) -
		PF_NVVIDEO_FRAME_HEADER_LEN;
}

static int check_params(const struct pf_nvvideo_params *p)
{
	if (p->max_frame_bytes < 1 || p->max_frame_bytes > pf_nvvideo_max_frame(p->packet_size) ||
		p->fec_percent > PF_NVVIDEO_MAX_PERCENT || p->min_parity > PF_NVVIDEO_MAX_SHARDS)
		return PF_E_INVALID;
	return PF_OK;
}

static size_t packets_of(const struct pf_nvvideo *v, size_t len)
{
	return (len + PF_NVVIDEO_FRAME_HEADER_LEN + v->payload - 1) / v->payload;
}

/* For any percent, because it may change at any time. */
static int take_memory(struct pf_nvvideo *v)
{
	size_t n = packets_of(v, v->params.max_frame_bytes) +
		(size_t)PF_NVVIDEO_MAX_BLOCKS * PF_NVVIDEO_MAX_SHARDS;
	v->packets = pf_calloc(1, n * v->packet_len + PF_AEAD_TAG_LEN);
	if (!v->packets)
		return PF_E_NOMEM;
	struct pf_fec_params fec = {
		.scheme = PF_FEC_GF8,
		.max_data = PF_NVVIDEO_MAX_SHARDS - 1,
		.max_parity = PF_NVVIDEO_MAX_SHARDS - 1,
		.max_shard_len = v->params.packet_size,
	};
	return pf_fec_create(&v->fec, &fec);
}

int pf_nvvideo_create(struct pf_nvvideo **out, const struct pf_nvvideo_params *params)
{
	*out = NULL;
	int err = check_params(params);
	if (err)
		return err;
	struct pf_nvvideo *v = pf_calloc(1, sizeof(*v));
	if (!v)
		return PF_E_NOMEM;
	v->params = *params;
	v->payload = params->packet_size - PF_NVVIDEO_HEADER_LEN;
	v->prefix = params->aead ? PF_NVVIDEO_SEAL_LEN : 0;
	v->packet_len = v->prefix + PF_NVVIDEO_RTP_LEN + params->packet_size;
	err = take_memory(v);
	if (err)
		goto fail;
	*out = v;
	return PF_OK;
fail:
	pf_nvvideo_destroy(v);
	return err;
}

void pf_nvvideo_destroy(struct pf_nvvideo *v)
{
	if (!v)
		return;
	pf_fec_destroy(v->fec);
	pf_free(v->packets);
	pf_free(v);
}

int pf_nvvideo_set_fec_percent(struct pf_nvvideo *v, unsigned percent)
{
	if (percent > PF_NVVIDEO_MAX_PERCENT)
		return PF_E_INVALID;
	v->params.fec_percent = percent;
	return PF_OK;
}

static uint8_t *packet_at(const struct pf_nvvideo *v, size_t i)
{
	return v->packets + i * v->packet_len + v->prefix;
}

static void write_frame_header(const struct pf_nvvideo *v, const struct job *j, uint8_t *out)
{
	size_t last = (PF_NVVIDEO_FRAME_HEADER_LEN + j->len) % v->payload;
	out[0] = FRAME_HEADER_MARK;
	pf_put_le16(out + 1, j->frame->latency);
	out[3] = j->frame->type;
	pf_put_le16(out + 4, (uint16_t)(last ? last : v->payload));
	pf_put_le16(out + 6, 0);
}

/* The next bytes of the access unit, the frame header in front of them. */
static void fill_payload(const struct pf_nvvideo *v, struct job *j, uint8_t *out, bool first)
{
	size_t room = v->payload;
	if (first) {
		write_frame_header(v, j, out);
		out += PF_NVVIDEO_FRAME_HEADER_LEN;
		room -= PF_NVVIDEO_FRAME_HEADER_LEN;
	}
	size_t n = j->len < room ? j->len : room;
	memcpy(out, j->au, n);
	memset(out + n, 0, room - n);
	j->au += n;
	j->len -= n;
}

/* Block b, whose first packet is `at`: its data as the parity is computed from. */
static void fill_data(const struct pf_nvvideo *v, struct job *j, size_t b, size_t at)
{
	size_t k = j->plan.blocks[b].data;
	for (size_t i = 0; i < k; i++) {
		uint8_t *p = packet_at(v, at + i);
		uint8_t flags = FLAG_PICTURE;
		if (i == 0)
			flags |= FLAG_BLOCK_START;
		if (i + 1 == k)
			flags |= FLAG_BLOCK_END;
		uint32_t index = (v->next + (uint32_t)(at + i)) & STREAM_INDEX_MASK;
		pf_put_le32(p + AT_STREAM_INDEX, index << 8);
		pf_put_le32(p + AT_FRAME_INDEX, j->frame->frame_index);
		p[AT_FLAGS] = flags;
		p[AT_EXTRA_FLAGS] = j->frame->long_term ? EXTRA_LONG_TERM : 0;
		p[AT_MULTI_FLAGS] = MULTI_FLAGS;
		p[AT_BLOCKS] = (uint8_t)((j->plan.n_blocks - 1) << 6 | b << 4);
		pf_put_le32(p + AT_FEC_INFO, 0);
		fill_payload(v, j, p + AT_PAYLOAD, at + i == 0);
	}
}

/* RTP is left out: it is zero in the data of the code, and written over in the parity. */
static int fill_parity(struct pf_nvvideo *v, const struct job *j, size_t b, size_t at)
{
	size_t k = j->plan.blocks[b].data, m = j->plan.blocks[b].parity;
	if (!m)
		return PF_OK;
	for (size_t i = 0; i < k; i++)
		v->data[i] = packet_at(v, at + i) + PF_NVVIDEO_RTP_LEN;
	for (size_t i = 0; i < m; i++)
		v->parity[i] = packet_at(v, at + k + i) + PF_NVVIDEO_RTP_LEN;
	return pf_fec_encode(v->fec, v->data, k, v->parity, m, v->params.packet_size);
}

/* What the code does not cover, in data and parity alike. */
static void finish_block(const struct pf_nvvideo *v, const struct job *j, size_t b, size_t at)
{
	size_t k = j->plan.blocks[b].data;
	for (size_t i = 0; i < k + j->plan.blocks[b].parity; i++) {
		uint8_t *p = packet_at(v, at + i);
		p[0] = RTP_BYTE;
		p[1] = 0;
		pf_put_be16(p + AT_SEQUENCE, (uint16_t)(v->next + at + i));
		pf_put_be32(p + AT_TIMESTAMP, j->timestamp);
		memset(p + AT_TIMESTAMP + 4, 0, PF_NVVIDEO_RTP_LEN - AT_TIMESTAMP - 4);
		pf_put_le32(p + AT_FRAME_INDEX, j->frame->frame_index);
		p[AT_BLOCKS] = (uint8_t)((j->plan.n_blocks - 1) << 6 | b << 4);
		pf_put_le32(p + AT_FEC_INFO,
			(uint32_t)k << 22 | (uint32_t)i << 12 | j->plan.blocks[b].percent << 4);
	}
}

/*
 * In order, and in place: the tag is written behind the text, where the next packet's IV comes, and moved
 * to where it belongs before that.
 */
static int encrypt(struct pf_nvvideo *v, const struct job *j)
{
	size_t text_len = PF_NVVIDEO_RTP_LEN + v->params.packet_size;
	if (j->plan.n_packets > UINT64_MAX - v->next_iv)
		return PF_E_CLOSED;
	for (size_t i = 0; i < j->plan.n_packets; i++) {
		uint8_t *text = packet_at(v, i), *head = text - PF_NVVIDEO_SEAL_LEN;
		uint8_t iv[PF_AEAD_NONCE_LEN] = {[PF_AEAD_NONCE_LEN - 1] = 'V'};
		pf_put_le64(iv, v->next_iv++);
		int err = pf_aead_seal(v->params.aead, iv, NULL, 0, text, text_len);
		if (err)
			return err;
		memcpy(head, iv, sizeof(iv));
		pf_put_le32(head + 12, j->frame->frame_index);
		memcpy(head + 16, text + text_len, PF_AEAD_TAG_LEN);
	}
	return PF_OK;
}

static uint32_t rtp_time(struct pf_nvvideo *v, uint64_t pts_ns)
{
	if (!v->started)
		v->first_pts_ns = pts_ns;
	v->started = true;
	uint64_t ns = pts_ns > v->first_pts_ns ? pts_ns - v->first_pts_ns : 0;
	return (uint32_t)(ns / NS_PER_TICKS * TICKS + ns % NS_PER_TICKS * TICKS / NS_PER_TICKS);
}

static bool type_known(uint8_t type)
{
	return type == PF_NVVIDEO_P || type == PF_NVVIDEO_IDR || type == PF_NVVIDEO_INTRA_REFRESH ||
		type == PF_NVVIDEO_INVALIDATED;
}

int pf_nvvideo_build(struct pf_nvvideo *v, const struct pf_nvvideo_frame *frame, const uint8_t *au,
	size_t len, struct pf_packet_batch *batch)
{
	if (!au || !len || len > v->params.max_frame_bytes || !frame->frame_index ||
		!type_known(frame->type))
		return PF_E_INVALID;
	struct job j = {.frame = frame, .au = au, .len = len};
	size_t n_data = packets_of(v, len);
	int err = pf_nvvideo_plan(&j.plan, n_data, v->params.fec_percent, v->params.min_parity);
	if (err)
		return err;
	j.timestamp = rtp_time(v, frame->pts_ns);
	size_t at = 0;
	for (size_t b = 0; b < j.plan.n_blocks; b++) {
		fill_data(v, &j, b, at);
		err = fill_parity(v, &j, b, at);
		if (err < 0)
			return err;
		finish_block(v, &j, b, at);
		at += j.plan.blocks[b].data + j.plan.blocks[b].parity;
	}
	err = v->params.aead ? encrypt(v, &j) : PF_OK;
	if (err)
		return err;
	v->next += (uint32_t)at;
	*batch = (struct pf_packet_batch){
		.data = v->packets,
		.packet_len = v->packet_len,
		.n_packets = at,
		.n_data = n_data,
	};
	return PF_OK;
}
