/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_NV_RECEIVER_H
#define TESTS_SUPPORT_NV_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The receiving end of GameStream's video and audio for tests: takes and refuses what a stock client does.
 * Nothing of core/packet or core/fec is used. Thread: one.
 */

struct nv_frame {
	uint32_t index, timestamp;
	uint8_t type;
	bool long_term;
	uint16_t latency;
	const uint8_t *data; /* until the callback returns */
	size_t len;
};

struct nv_video_stats {
	uint64_t frames, lost; /* lost: indices that will not come any more */
	uint64_t rebuilt;      /* shards */
	uint64_t rejected;     /* datagrams: late, twice, beyond the block, no packet */
	uint64_t bad;	       /* what a client calls a corrupt packet or frame: must stay 0 */
	uint64_t unopened;     /* tag does not verify */
};

/* What came of a block that was not whole at once: what clients report (control message 0x5502). */
struct nv_block {
	uint32_t frame;
	uint16_t highest_seq, next_seq, missing; /* next_seq: after those without a hole */
	uint16_t data, parity, received_data, received_parity;
	uint8_t percent, block, n_blocks;
};

struct nv_video_rx;

/* key: 16 bytes, NULL = in clear. NULL when there is no memory. */
struct nv_video_rx *nv_video_rx_create(size_t packet_size, const uint8_t *key,
	void (*on_frame)(const struct nv_frame *frame, void *userdata), void *userdata);
void nv_video_rx_destroy(struct nv_video_rx *rx); /* takes NULL */
/* Called for each block that was rebuilt or given up; with the userdata of on_frame. */
void nv_video_rx_watch(
	struct nv_video_rx *rx, void (*on_block)(const struct nv_block *block, void *userdata));
void nv_video_rx_add(struct nv_video_rx *rx, const uint8_t *datagram, size_t len);
const struct nv_video_stats *nv_video_rx_stats(const struct nv_video_rx *rx);

struct nv_audio_stats {
	uint64_t packets, lost, rebuilt, rejected, bad;
};

struct nv_audio_rx;

/* Packets come in order, each group of four as soon as it is whole; what is lost is left out. */
struct nv_audio_rx *nv_audio_rx_create(unsigned packet_ms, const uint8_t *key, uint32_t key_id,
	void (*on_packet)(uint16_t sequence, const uint8_t *opus, size_t len, void *userdata),
	void *userdata);
void nv_audio_rx_destroy(struct nv_audio_rx *rx); /* takes NULL */
void nv_audio_rx_add(struct nv_audio_rx *rx, const uint8_t *datagram, size_t len);
const struct nv_audio_stats *nv_audio_rx_stats(const struct nv_audio_rx *rx);

#endif
