/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "core/base/bytes.h"
#include "tests/support/nv_gf.h"
#include "tests/support/nv_receiver.h"

#define RTP_LEN	   16u
#define HEADER_LEN 32u
#define SEAL_LEN   32u
#define MAX_DATA   1023u
#define MAX_SHARDS (MAX_DATA + (MAX_DATA * 255u + 99u) / 100u)
#define MAX_BLOCKS 4u
#define FRAME_HEAD 8u

struct nv_video_rx {
	size_t packet_size, block_len; /* block_len: of a datagram, padded */
	EVP_CIPHER_CTX *ctx;
	void (*on_frame)(const struct nv_frame *frame, void *userdata);
	void (*on_block)(const struct nv_block *block, void *userdata);
	void *userdata;
	struct nv_video_stats stats;
	uint32_t frame; /* that is expected or under way */
	unsigned block, last_block;
	uint16_t next_seq;  /* nothing before it is taken */
	bool open;	    /* a block is under way */
	uint16_t low;	    /* its first sequence */
	size_t d, p, n, nd; /* shards: data, parity, received, of these data */
	uint8_t percent;
	uint8_t *memory, *fresh, *datagram;
	uint8_t *shards[MAX_SHARDS], *slots[MAX_SHARDS], *spare[MAX_DATA];
	uint8_t *au;
	size_t len;
	uint32_t last_index; /* stream packet index */
	struct nv_frame info;
	uint16_t last_len;
};

struct nv_video_rx *nv_video_rx_create(size_t packet_size, const uint8_t *key,
	void (*on_frame)(const struct nv_frame *frame, void *userdata), void *userdata)
{
	struct nv_video_rx *rx = calloc(1, sizeof(*rx));
	if (!rx)
		return NULL;
	rx->packet_size = packet_size;
	rx->block_len = packet_size + RTP_LEN;
	rx->on_frame = on_frame;
	rx->userdata = userdata;
	rx->frame = 1;
	rx->last_index = UINT32_MAX;
	rx->memory = calloc(MAX_SHARDS, rx->block_len);
	rx->fresh = calloc(MAX_DATA, rx->block_len);
	rx->datagram = calloc(1, rx->block_len);
	rx->au = calloc(MAX_BLOCKS * MAX_DATA, packet_size);
	rx->ctx = key ? EVP_CIPHER_CTX_new() : NULL;
	if (!rx->memory || !rx->fresh || !rx->datagram || !rx->au || (key && !rx->ctx) ||
		(key && EVP_DecryptInit_ex(rx->ctx, EVP_aes_128_gcm(), NULL, key, NULL) != 1)) {
		nv_video_rx_destroy(rx);
		return NULL;
	}
	for (size_t i = 0; i < MAX_SHARDS; i++)
		rx->slots[i] = rx->memory + i * rx->block_len;
	for (size_t i = 0; i < MAX_DATA; i++)
		rx->spare[i] = rx->fresh + i * rx->block_len;
	return rx;
}

void nv_video_rx_destroy(struct nv_video_rx *rx)
{
	if (!rx)
		return;
	EVP_CIPHER_CTX_free(rx->ctx);
	free(rx->memory);
	free(rx->fresh);
	free(rx->datagram);
	free(rx->au);
	free(rx);
}

const struct nv_video_stats *nv_video_rx_stats(const struct nv_video_rx *rx)
{
	return &rx->stats;
}

void nv_video_rx_watch(
	struct nv_video_rx *rx, void (*on_block)(const struct nv_block *block, void *userdata))
{
	rx->on_block = on_block;
}

static bool before16(uint16_t a, uint16_t b)
{
	return (int16_t)(uint16_t)(a - b) < 0;
}

/* The plain packet, in rx->datagram, or 0. */
static size_t open_packet(struct nv_video_rx *rx, const uint8_t *in, size_t len)
{
	uint8_t tag[16];
	int n = 0;
	if (!rx->ctx) {
		if (len > rx->block_len)
			return 0;
		memcpy(rx->datagram, in, len);
		return len;
	}
	if (len < SEAL_LEN || len - SEAL_LEN > rx->block_len)
		return 0;
	memcpy(tag, in + 16, sizeof(tag));
	if (EVP_DecryptInit_ex(rx->ctx, NULL, NULL, NULL, in) != 1 ||
		EVP_CIPHER_CTX_ctrl(rx->ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag) != 1 ||
		EVP_DecryptUpdate(
			rx->ctx, rx->datagram, &n, in + SEAL_LEN, (int)(len - SEAL_LEN)) != 1 ||
		EVP_DecryptFinal_ex(rx->ctx, rx->datagram + n, &n) != 1) {
		rx->stats.unopened++;
		return 0;
	}
	if (pf_get_le32(in + 12) != pf_get_le32(rx->datagram + 20))
		rx->stats.bad++;
	return len - SEAL_LEN;
}

static void report_block(const struct nv_video_rx *rx)
{
	size_t highest = 0, next = 0;
	struct nv_block b = {.frame = rx->frame,
		.data = (uint16_t)rx->d,
		.parity = (uint16_t)rx->p,
		.received_data = (uint16_t)rx->nd,
		.received_parity = (uint16_t)(rx->n - rx->nd),
		.percent = rx->percent,
		.block = (uint8_t)rx->block,
		.n_blocks = (uint8_t)(rx->last_block + 1)};
	if (!rx->on_block)
		return;
	for (size_t i = 0; i < rx->d + rx->p; i++) {
		highest = rx->shards[i] ? i : highest;
		next += rx->shards[i] && next == i;
	}
	b.highest_seq = (uint16_t)(rx->low + highest);
	b.next_seq = (uint16_t)(rx->low + next);
	b.missing = (uint16_t)(highest + 1 - rx->n);
	rx->on_block(&b, rx->userdata);
}

static void give_up_frame(struct nv_video_rx *rx, uint32_t next)
{
	if (rx->open && rx->nd < rx->d)
		report_block(rx);
	rx->stats.lost += next - rx->frame;
	rx->frame = next;
	rx->block = 0;
	rx->open = false;
	rx->len = 0;
}

static void begin_block(struct nv_video_rx *rx, const uint8_t *p)
{
	uint32_t info = pf_get_le32(p + 28);
	rx->low = (uint16_t)(pf_get_be16(p + 2) - (info >> 12 & 0x3ff));
	rx->next_seq = rx->low;
	rx->d = info >> 22;
	rx->percent = (uint8_t)(info >> 4);
	rx->p = (rx->d * rx->percent + 99) / 100;
	rx->last_block = p[27] >> 6;
	rx->n = rx->nd = 0;
	rx->open = true;
	memset(rx->shards, 0, sizeof(rx->shards));
}

/* As a client that has no more than this packet's header to go by. false: not for the block under way. */
static bool find_block(struct nv_video_rx *rx, const uint8_t *p)
{
	uint32_t frame = pf_get_le32(p + 20);
	unsigned block = p[27] >> 4 & 3;
	if ((int32_t)(frame - rx->frame) < 0 || (frame == rx->frame && block < rx->block))
		return false;
	if (rx->open && frame == rx->frame && block == rx->block)
		return true;
	if (rx->open && rx->last_block && frame == rx->frame) {
		give_up_frame(rx, rx->frame + 1); /* a block of it is missing */
		return false;
	}
	if (block != (frame == rx->frame ? rx->block : 0)) {
		give_up_frame(rx, frame + 1);
		return false;
	}
	if (frame != rx->frame)
		give_up_frame(rx, frame);
	begin_block(rx, p);
	return true;
}

/* What the code does not give back is taken from the neighbours. */
static bool fix_rebuilt(struct nv_video_rx *rx, uint8_t *p, size_t i, const uint8_t *like)
{
	memcpy(p, like, RTP_LEN);
	pf_put_be16(p + 2, (uint16_t)(rx->low + i));
	pf_put_le32(p + 20, rx->frame);
	p[27] = (uint8_t)(rx->last_block << 6 | rx->block << 4);
	uint8_t flags = p[24];
	if ((i == 0 && !(flags & 4)) || (i + 1 == rx->d && !(flags & 2)) || !(flags & 1) ||
		(flags & ~7u))
		return false;
	return true;
}

static bool repair(struct nv_video_rx *rx)
{
	bool lost[MAX_DATA];
	const uint8_t *like = NULL;
	for (size_t i = 0; i < rx->d + rx->p; i++) {
		if (rx->shards[i] && !like)
			like = rx->shards[i];
		if (i < rx->d)
			lost[i] = !rx->shards[i];
	}
	uint8_t copy[RTP_LEN];
	memcpy(copy, like, RTP_LEN);
	if (!nv_repair(rx->shards, rx->spare, rx->d, rx->p, rx->block_len, nv_cauchy_row))
		return false;
	for (size_t i = 0; i < rx->d; i++) {
		if (lost[i] && !fix_rebuilt(rx, rx->shards[i], i, copy))
			return false;
		rx->stats.rebuilt += lost[i];
	}
	return true;
}

static bool take_frame_header(struct nv_video_rx *rx, const uint8_t *p)
{
	const uint8_t *h = p + HEADER_LEN;
	rx->info = (struct nv_frame){
		.index = rx->frame,
		.timestamp = pf_get_be32(p + 4),
		.latency = pf_get_le16(h + 1),
		.type = h[3],
		.long_term = p[25] & 1,
	};
	rx->last_len = pf_get_le16(h + 4);
	return h[0] == 1;
}

/* The block's payloads behind those before; false as a depacketizer refuses them. */
static bool stage_block(struct nv_video_rx *rx)
{
	for (size_t i = 0; i < rx->d; i++) {
		const uint8_t *p = rx->shards[i];
		uint32_t index = pf_get_le32(p + 16) >> 8;
		uint32_t want = (rx->last_index + 1) & 0xffffff;
		if (i == 0 ? ((index - want) & 0x800000) != 0 : index != want)
			return false;
		if (!(p[24] & 4) != (i != 0) || !(p[24] & 2) != (i + 1 != rx->d) || !(p[24] & 1))
			return false;
		rx->last_index = index;
		if (rx->block == 0 && i == 0 && !take_frame_header(rx, p))
			return false;
		memcpy(rx->au + rx->len, p + HEADER_LEN, rx->packet_size - RTP_LEN);
		rx->len += rx->packet_size - RTP_LEN;
	}
	return true;
}

static void end_frame(struct nv_video_rx *rx)
{
	size_t payload = rx->packet_size - RTP_LEN;
	bool single = rx->len == payload;
	if (rx->last_len > payload || rx->last_len <= (single ? FRAME_HEAD : 0)) {
		rx->stats.bad++;
	} else {
		rx->info.data = rx->au + FRAME_HEAD;
		rx->info.len = rx->len - payload + rx->last_len - FRAME_HEAD;
		rx->stats.frames++;
		rx->on_frame(&rx->info, rx->userdata);
	}
	rx->frame++;
	rx->block = 0;
	rx->len = 0;
}

static void end_block(struct nv_video_rx *rx)
{
	if (rx->nd < rx->d)
		report_block(rx);
	rx->open = false;
	rx->next_seq = (uint16_t)(rx->low + rx->d);
	if ((rx->nd < rx->d && !repair(rx)) || !stage_block(rx)) {
		rx->stats.bad++;
		give_up_frame(rx, rx->frame + 1);
	} else if (rx->block < rx->last_block) {
		rx->block++;
	} else {
		end_frame(rx);
	}
}

void nv_video_rx_add(struct nv_video_rx *rx, const uint8_t *datagram, size_t len)
{
	len = open_packet(rx, datagram, len);
	uint8_t *p = rx->datagram;
	if (len < HEADER_LEN || !(p[0] & 0x10) || before16(pf_get_be16(p + 2), rx->next_seq) ||
		!find_block(rx, p)) {
		rx->stats.rejected++;
		return;
	}
	size_t i = (uint16_t)(pf_get_be16(p + 2) - rx->low);
	if (i >= rx->d + rx->p || rx->shards[i]) {
		rx->stats.rejected++;
		return;
	}
	uint32_t info = pf_get_le32(p + 28);
	if (info >> 22 != rx->d || (info >> 12 & 0x3ff) != i || p[27] >> 6 != rx->last_block)
		rx->stats.bad++;
	memcpy(rx->slots[i], p, len);
	memset(rx->slots[i] + len, 0, rx->block_len - len);
	rx->shards[i] = rx->slots[i];
	rx->n++;
	rx->nd += i < rx->d;
	if (rx->n >= rx->d)
		end_block(rx);
}
