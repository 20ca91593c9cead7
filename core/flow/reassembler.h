/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_REASSEMBLER_H
#define PF_FLOW_REASSEMBLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/fec/fec.h"

/* Zero bytes that follow every access unit: decoders read a little past the end. */
#define PF_AU_PADDING 64u

/*
 * Opened packets -> access units, in order (wire 7.5). Sans-IO: time comes as an argument, memory
 * is taken at create() and bounded by the limits, nothing is allocated per packet or per frame.
 *
 * Frames leave in index order. A frame that is complete waits while an older one is still missing
 * shards (it could not be decoded anyway); the wait ends when the older one completes, or is given
 * up, or when a complete frame is an anchor (a keyframe or recovery point, as told by is_anchor):
 * then everything older is dropped and the anchor leaves at once.
 *
 * Every header field is a peer's and is bounded before memory is touched.
 * Thread: one thread at a time.
 */

struct pf_reassembler;

struct pf_reassembler_limits {
	size_t max_frame_bytes;	    /* largest access unit; default 8 MiB */
	size_t max_frames;	    /* frames in flight, complete or not; default 64 */
	size_t max_bytes_in_flight; /* over all frames, parity included; default 4 * max_frame_bytes */
	size_t max_blocks;	    /* FEC blocks of one frame; default 256 */
	size_t max_data_per_block;   /* default 4096 */
	size_t max_parity_per_block; /* default 4096 */
	uint64_t
		loss_window_ns; /* a frame of which nothing came for so long is given up; default 120 ms */
};

/* All defaults, for the given largest frame and refresh (wire 7.5). */
void pf_reassembler_limits_init(struct pf_reassembler_limits *l, size_t max_frame_bytes);

struct pf_reassembler_params {
	struct pf_reassembler_limits limits;
	size_t shard_bytes; /* as agreed: a packet with another shard size is refused */
	unsigned schemes;   /* bits 1 << enum pf_fec_scheme that may come; 0 = both (more memory) */
	/* Says whether a complete frame can be decoded without the ones before it. NULL: only
	 * PF_USER_KEYFRAME and PF_USER_RECOVERY_ANCHOR in user_flags count. Called inside push(). */
	bool (*is_anchor)(const uint8_t *au, size_t len, uint32_t user_flags, void *userdata);
	void *userdata;
};

struct pf_au {
	const uint8_t
		*data; /* borrowed until pf_reassembler_release(); PF_AU_PADDING zeros follow */
	size_t len;
	uint64_t pts_ns; /* host clock */
	uint32_t frame_index;
	uint32_t user_flags;
	uint64_t first_packet_ns;  /* time given with the frame's first packet */
	uint64_t complete_ns;	   /* time given with the packet that completed it */
	uint32_t recovered_shards; /* data shards that parity rebuilt */
	bool anchor;		   /* decodable without earlier frames */
	bool after_gap; /* at least one frame between the last one handed out and this is lost */
};

struct pf_reassembler_stats {
	uint64_t packets;	    /* every one with a good header, but duplicates */
	uint64_t packets_bad;	    /* header refused or over a limit */
	uint64_t packets_duplicate; /* of a frame in flight; the replay window sees all others */
	uint64_t packets_late;	    /* data shards that parity had rebuilt before they came */
	uint64_t packets_unneeded;  /* parity of whole blocks; any packet of a frame that is gone */
	uint64_t shards_recovered;  /* by parity */
	uint64_t frames_completed;
	uint64_t frames_recovered; /* completed with at least one recovered shard */
	uint64_t frames_lost;	   /* given up, seen or never seen */
	uint64_t frames_delivered; /* handed out by poll */
	size_t bytes_in_flight;
};

/* Errors: PF_E_INVALID (a limit out of range), PF_E_NOMEM. */
int pf_reassembler_create(
	struct pf_reassembler **out, const struct pf_reassembler_params *params) PF_MUST_CHECK;
void pf_reassembler_destroy(struct pf_reassembler *r); /* takes NULL */

/*
 * One opened packet: header(40) || shard. Returns 1 when poll() may now give a frame, 0 otherwise.
 * Errors: PF_E_BAD_PACKET (counted; never fatal).
 */
int pf_reassembler_push(
	struct pf_reassembler *r, const uint8_t *packet, size_t len, uint64_t now_ns) PF_MUST_CHECK;

/* Would poll() give a frame? */
bool pf_reassembler_ready(const struct pf_reassembler *r);
/*
 * The next frame in order. Returns 0 and fills *au, or PF_E_NO_FRAME. At most one unreleased at a
 * time: PF_E_INVALID otherwise.
 */
int pf_reassembler_poll(struct pf_reassembler *r, struct pf_au *au) PF_MUST_CHECK;
/* Gives the memory of the polled frame back. */
void pf_reassembler_release(struct pf_reassembler *r);

/* When expire() wants to be called; UINT64_MAX = no deadline. */
uint64_t pf_reassembler_deadline(const struct pf_reassembler *r);
/* Gives up frames whose time has passed. Returns 1 when poll() may now give a frame. */
int pf_reassembler_expire(struct pf_reassembler *r, uint64_t now_ns);

/*
 * The hole that is open right now, for RfiRequest: the first and last frame index that are missing or
 * incomplete although they should be whole: a newer frame is complete or has shown its last packet, or
 * 2 ms have passed since the frame's own last packet, or a newer frame's first one, came (longer where packets
 * overtake each other by more, and then nothing but time counts). deadline() and expire() carry that time.
 * Frames given up since the last one handed out belong to it. Returns false when there is none.
 */
bool pf_reassembler_hole(const struct pf_reassembler *r, uint32_t *first, uint32_t *last);

/*
 * A frame newer than any hole is coming in that its sender marks as healing one (a keyframe or an anchor):
 * what was asked for is on its way, however long it takes.
 */
bool pf_reassembler_is_healing(const struct pf_reassembler *r);

/* Forget every frame (after a mode change or a probe); counters stay. */
void pf_reassembler_reset(struct pf_reassembler *r);
void pf_reassembler_get_stats(const struct pf_reassembler *r, struct pf_reassembler_stats *out);

#endif
