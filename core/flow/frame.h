/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_FRAME_H
#define PF_FLOW_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/fec/fec.h"
#include "core/flow/arena.h"
#include "core/packet/native.h"

/*
 * One frame being put together, for the reassembler: where its shards go, which came, and the repair
 * of its blocks. Data shards are copied once, to their final place in the access unit; parity is kept
 * beside it, at most as many shards of a block as could ever be of use, and given back as soon as the
 * block is whole.
 * Thread: one thread at a time.
 */

/* What every packet of one frame must agree on. */
struct pf_frame_geometry {
	uint64_t pts_ns;
	uint32_t frame_bytes;
	uint32_t total;	    /* data shards of the frame */
	uint32_t per_block; /* data shards of every block but the last */
	uint16_t blocks;
	uint8_t scheme;
};

/*
 * The geometry that this header stands for. Blocks are filled: each but the last holds the same
 * number of shards, so one header of any block tells where all of them lie. shard_bytes > 0.
 * Errors: PF_E_BAD_PACKET when the numbers contradict each other.
 */
int pf_frame_geometry_read(
	struct pf_frame_geometry *g, const struct pf_native_header *h) PF_MUST_CHECK;

/* The codecs and scratch that all frames of a reassembler share. */
struct pf_frame_codec {
	struct pf_fec *fec[2]; /* by enum pf_fec_scheme; NULL = not agreed */
	uint8_t **shards;      /* room for the largest k + m */
	uint8_t *present;      /* all zero between calls */
	size_t shard_bytes;
};

struct pf_frame {
	struct pf_run run; /* empty: not open */
	struct pf_frame_geometry geo;
	struct frame_block *blocks; /* in the run, as the next two */
	uint64_t *have;		    /* a bit for each data shard that came by itself */
	uint8_t *data;
	uint32_t blocks_whole;
	uint32_t recovered; /* data shards that parity rebuilt */
	uint32_t late;	    /* of them, those that came after all */
};

/* Opens an empty frame in the arena. Errors: PF_E_FULL. */
int pf_frame_open(struct pf_frame *f, struct pf_arena *arena, const struct pf_frame_geometry *g,
	size_t shard_bytes) PF_MUST_CHECK;
/* Gives all of its memory back. Takes one that is not open. */
void pf_frame_close(struct pf_frame *f, struct pf_arena *arena);

enum pf_frame_added {
	PF_FRAME_STORED,
	PF_FRAME_DUPLICATE,
	PF_FRAME_LATE,	   /* a data shard that parity had rebuilt */
	PF_FRAME_UNNEEDED, /* parity of a block that is whole */
};

/*
 * Adds one shard; h was checked and gave g. Returns enum pf_frame_added. Errors: PF_E_BAD_PACKET
 * (contradicts the packets before it), PF_E_FULL (no room for parity), PF_E_FEC.
 */
int pf_frame_add(struct pf_frame *f, struct pf_arena *arena, struct pf_frame_codec *codec,
	const struct pf_native_header *h, const struct pf_frame_geometry *g,
	const uint8_t *shard) PF_MUST_CHECK;

static inline bool pf_frame_is_whole(const struct pf_frame *f)
{
	return f->run.n && f->blocks_whole == f->geo.blocks;
}

#endif
