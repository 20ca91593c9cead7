/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_HEAL_H
#define HOST_SESSION_HEAL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Losses that clients name (RfiRequest), on their way to the encode thread, and which frames have healed which.
 * On the wire a frame is counted in 32 bits; inside, in 64.
 */

struct heal_range {
	uint64_t first, last;
};

/* Requests that nobody has taken yet, as one range. init with zeros */
struct heal_request {
	_Atomic uint64_t packed; /* first << 32 | (last - first) << 1 | 1; 0 = none */
};

/*
 * Adds frames first to last. false: together with what waits it is wider than PF_RFI_MAX_RANGE, runs backwards,
 * or is nothing that an encoder could answer: ask it for a keyframe. Thread: any.
 */
bool heal_ask(struct heal_request *r, uint32_t first, uint32_t last);
/*
 * What was asked for, if anything, as frames before next, which is the next to be made. Frames that were never
 * made cannot have been lost, and count for nothing. Thread: one taker.
 */
bool heal_take(struct heal_request *r, uint64_t next, struct heal_range *out);

/* Anchors kept in mind: a client that asks twice does so within as many losses. */
#define HEAL_ANCHORS 8u

struct heal { /* init with zeros. Thread: one thread at a time */
	struct {
		uint64_t from; /* it refers to nothing of from .. at - 1 that could be damaged */
		uint64_t at;
	} anchors[HEAL_ANCHORS];
	unsigned next;
};

/* Frame `at` can be decoded whatever became of frames from .. at - 1. A keyframe: from 0. */
void heal_note(struct heal *h, uint64_t from, uint64_t at);
/* Does a frame behind the loss heal it? */
bool heal_knows(const struct heal *h, const struct heal_range *lost);

#endif
