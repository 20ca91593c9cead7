/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/packetizer.h"

#include <string.h>

#include "core/base/alloc.h"
#include "core/packet/native.h"

/*
 * One buffer holds the packets of one frame, back to back:
 *
 *   | seq 8 | header 40 | shard ... | tag 16 | seq 8 | header 40 | shard ...
 *     data of block 0, of block 1, ... then parity of block 0, of block 1, ...
 *
 * The access unit is copied once, into the shards; parity is computed from there into the shards
 * behind, and everything is sealed where it lies. Without a sealer there is no seq and no tag.
 */

#define SHARD_ALIGN    64u /* shards start on a cache line where the packet length allows it */
#define MAX_MIN_PARITY 255u
#define MAX_PERCENT    100u
#define MIN_SHARD      16u
#define LOW_NIBBLE     UINT32_C(0xf)

struct pf_packetizer {
	size_t shard, packet_len, shard_off; /* shard_off: from the packet's start */
	enum pf_fec_scheme scheme;
	unsigned percent, min_parity;
	size_t small_block;
	size_t per_block, max_frame_bytes;
	struct pf_sealer seal;
	bool sealed;
	uint32_t stream_seq;
	struct pf_fec *fec;
	uint8_t *memory, *packets; /* packets: inside memory, aligned */
	const uint8_t **data;	   /* per_block pointers for one block's encode */
	uint8_t **parity;
};

/* The frame being built: what every header of it shares. */
struct layout {
	size_t total; /* data shards of the frame */
	size_t blocks;
	size_t n_packets;
};

static size_t block_data(const struct pf_packetizer *p, const struct layout *l, size_t block)
{
	return block + 1 < l->blocks ? p->per_block : l->total - block * p->per_block;
}

/* Below this the floor of two is above the share already. */
#define SMALL_BLOCK_MIN 8u

static size_t block_parity(const struct pf_packetizer *p, size_t k)
{
	if (!p->percent)
		return 0;
	size_t m = (k * p->percent + 99) / 100;
	if (m < p->min_parity)
		m = p->min_parity;
	if (k >= SMALL_BLOCK_MIN && k <= p->small_block && m < k)
		m++;
	if (p->scheme == PF_FEC_GF8 && m > PF_FEC_GF8_MAX_SHARDS - k)
		m = PF_FEC_GF8_MAX_SHARDS - k;
	return m;
}

static size_t shards_of(const struct pf_packetizer *p, size_t len)
{
	return len ? (len + p->shard - 1) / p->shard : 1;
}

/* At 100 percent, of blocks of up to k data shards. */
static size_t max_parity_of(const struct pf_packetizer *p, size_t k)
{
	size_t m = k > p->min_parity ? k : p->min_parity;
	if (p->scheme == PF_FEC_GF8 && m > PF_FEC_GF8_MAX_SHARDS - 1)
		m = PF_FEC_GF8_MAX_SHARDS - 1;
	return m;
}

static int check_params(const struct pf_packetizer_params *params)
{
	size_t per_block_max = params->scheme == PF_FEC_GF8 ? PF_FEC_GF8_MAX_SHARDS
							    : PF_FEC_GF16_MAX_SHARDS / 2;
	if (params->scheme != PF_FEC_GF8 && params->scheme != PF_FEC_GF16)
		return PF_E_INVALID;
	if (params->shard_payload < MIN_SHARD || params->shard_payload > PF_SHARD_PAYLOAD_MAX ||
		params->shard_payload % 2)
		return PF_E_INVALID;
	if (params->fec_percent > MAX_PERCENT || params->min_parity > MAX_MIN_PARITY ||
		params->max_data_per_block < 1 || params->max_data_per_block > per_block_max ||
		params->max_frame_bytes < 1 || params->max_frame_bytes > UINT32_MAX)
		return PF_E_INVALID;
	return PF_OK;
}

/* Room for the largest frame at 100 percent, so that the percent may change at any time. */
static int take_memory(struct pf_packetizer *p)
{
	size_t total = shards_of(p, p->max_frame_bytes);
	size_t blocks = (total + p->per_block - 1) / p->per_block;
	if (blocks > UINT16_MAX)
		return PF_E_INVALID;
	size_t n_packets = total * 2 + blocks * p->min_parity;
	size_t len;
	if (__builtin_mul_overflow(n_packets, p->packet_len, &len) ||
		__builtin_add_overflow(len, SHARD_ALIGN, &len))
		return PF_E_NOMEM;
	size_t n_data = total < p->per_block ? total : p->per_block;
	p->memory = pf_calloc(1, len);
	p->data = pf_calloc(n_data, sizeof(*p->data));
	p->parity = pf_calloc(max_parity_of(p, n_data), sizeof(*p->parity));
	if (!p->memory || !p->data || !p->parity)
		return PF_E_NOMEM;
	p->packets = p->memory + (SHARD_ALIGN - p->shard_off % SHARD_ALIGN) % SHARD_ALIGN;
	struct pf_fec_params fec = {
		.scheme = p->scheme,
		.max_data = n_data,
		.max_parity = max_parity_of(p, n_data),
		.max_shard_len = p->shard,
	};
	return pf_fec_create(&p->fec, &fec);
}

int pf_packetizer_create(struct pf_packetizer **out, const struct pf_packetizer_params *params)
{
	*out = NULL;
	int err = check_params(params);
	if (err)
		return err;
	struct pf_packetizer *p = pf_calloc(1, sizeof(*p));
	if (!p)
		return PF_E_NOMEM;
	p->shard = params->shard_payload;
	p->shard_off = PF_NATIVE_HEADER_LEN + (params->seal ? PF_SEAL_PREFIX_LEN : 0);
	p->packet_len = PF_NATIVE_HEADER_LEN + p->shard + (params->seal ? PF_SEAL_OVERHEAD : 0);
	p->scheme = params->scheme;
	p->percent = params->fec_percent;
	p->min_parity = params->min_parity;
	p->small_block = params->small_block;
	p->per_block = params->max_data_per_block;
	p->max_frame_bytes = params->max_frame_bytes;
	if (params->seal) {
		p->sealed = true;
		p->seal = *params->seal;
	}
	p->stream_seq = params->first_stream_seq;
	err = take_memory(p);
	if (err)
		goto fail;
	*out = p;
	return PF_OK;
fail:
	pf_packetizer_destroy(p);
	return err;
}

void pf_packetizer_destroy(struct pf_packetizer *p)
{
	if (!p)
		return;
	pf_fec_destroy(p->fec);
	pf_free(p->parity);
	pf_free(p->data);
	pf_free(p->memory);
	pf_free(p);
}

int pf_packetizer_set_fec_percent(struct pf_packetizer *p, unsigned percent)
{
	if (percent > MAX_PERCENT)
		return PF_E_INVALID;
	p->percent = percent;
	return PF_OK;
}

uint32_t pf_packetizer_resume(const struct pf_packetizer *p, struct pf_sealer *seal)
{
	if (p->sealed)
		*seal = p->seal;
	return p->stream_seq;
}

static uint8_t *shard_at(const struct pf_packetizer *p, size_t packet)
{
	return p->packets + packet * p->packet_len + p->shard_off;
}

/* One block's headers: count shards from index `from`, in the packets from `packet` on. */
static void write_headers(struct pf_packetizer *p, struct pf_native_header *h,
	const struct layout *l, size_t packet, size_t from, size_t count)
{
	uint8_t flags = h->flags;
	for (size_t i = 0; i < count; i++) {
		h->stream_seq = p->stream_seq++;
		h->shard_index = (uint16_t)(from + i);
		h->flags = flags;
		if (packet + i == 0)
			h->flags |= PF_NATIVE_START;
		if (packet + i + 1 == l->n_packets)
			h->flags |= PF_NATIVE_END;
		pf_native_header_write(shard_at(p, packet + i) - PF_NATIVE_HEADER_LEN, h);
	}
	h->flags = flags;
}

static void set_block(const struct pf_packetizer *p, struct pf_native_header *h,
	const struct layout *l, size_t block)
{
	size_t k = block_data(p, l, block);
	h->block_index = (uint16_t)block;
	h->data_shards = (uint16_t)k;
	h->parity_shards = (uint16_t)block_parity(p, k);
}

static void fill_data(struct pf_packetizer *p, struct pf_native_header *h, const struct layout *l,
	const uint8_t *au, size_t len)
{
	size_t whole = len / p->shard;
	for (size_t i = 0; i < whole; i++)
		memcpy(shard_at(p, i), au + i * p->shard, p->shard);
	if (whole < l->total) {
		size_t rest = len - whole * p->shard;
		uint8_t *last = shard_at(p, whole);
		if (rest)
			memcpy(last, au + whole * p->shard, rest);
		memset(last + rest, 0, p->shard - rest);
	}
	for (size_t b = 0; b < l->blocks; b++) {
		set_block(p, h, l, b);
		write_headers(p, h, l, b * p->per_block, 0, h->data_shards);
	}
}

static int fill_parity(struct pf_packetizer *p, struct pf_native_header *h, const struct layout *l)
{
	size_t next = l->total;
	for (size_t b = 0; b < l->blocks; b++) {
		set_block(p, h, l, b);
		size_t k = h->data_shards, m = h->parity_shards;
		if (!m)
			continue;
		for (size_t i = 0; i < k; i++)
			p->data[i] = shard_at(p, b * p->per_block + i);
		for (size_t i = 0; i < m; i++)
			p->parity[i] = shard_at(p, next + i);
		int err = pf_fec_encode(p->fec, p->data, k, p->parity, m, p->shard);
		if (err < 0)
			return err;
		write_headers(p, h, l, next, k, m);
		next += m;
	}
	return PF_OK;
}

static struct layout layout_of(const struct pf_packetizer *p, size_t len)
{
	struct layout l = {.total = shards_of(p, len)};
	l.blocks = (l.total + p->per_block - 1) / p->per_block;
	size_t last = block_data(p, &l, l.blocks - 1);
	l.n_packets = l.total + (l.blocks - 1) * block_parity(p, p->per_block);
	l.n_packets += block_parity(p, last);
	return l;
}

int pf_packetizer_build(struct pf_packetizer *p, const struct pf_frame_info *info,
	const uint8_t *au, size_t len, struct pf_packet_batch *batch)
{
	if (len > p->max_frame_bytes || (len && !au))
		return PF_E_INVALID;
	struct layout l = layout_of(p, len);
	uint8_t flags = info->flags & (PF_NATIVE_PICTURE | PF_NATIVE_PROBE);
	struct pf_native_header h = {
		.pts_ns = info->pts_ns,
		.frame_index = info->frame_index,
		.frame_bytes = (uint32_t)len,
		.user_flags = (info->user_flags & ~LOW_NIBBLE) |
			(info->user_flags & PF_USER_KEYFRAME) | flags,
		.block_count = (uint16_t)l.blocks,
		.shard_bytes = (uint16_t)p->shard,
		.scheme = (uint8_t)p->scheme,
		.flags = flags,
	};
	fill_data(p, &h, &l, au, len);
	int err = fill_parity(p, &h, &l);
	if (!err && p->sealed)
		err = pf_sealer_seal_batch(&p->seal, p->packets, l.n_packets, p->packet_len,
			PF_NATIVE_HEADER_LEN + p->shard);
	if (err)
		return err;
	*batch = (struct pf_packet_batch){
		.data = p->packets,
		.packet_len = p->packet_len,
		.n_packets = l.n_packets,
		.n_data = l.total,
	};
	return PF_OK;
}
