/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_MEDIA_UNIT_H
#define HOST_MEDIA_UNIT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/media/frame.h"

/*
 * One encoded access unit (H.264: Annex B) on its way to the sender. Units come from a pool that is
 * allocated once; data grows by realloc only until the largest unit has been seen.
 */
struct unit {
	_Atomic int refs;
	struct unit_pool *pool;
	uint8_t *data;
	size_t len, cap;
	uint32_t width, height;
	bool keyframe; /* IDR: decodable by itself */
	bool anchor; /* the first after a loss: no keyframe, but it refers to nothing that was lost */
	bool repeated;	 /* the same picture as before, sent because nothing changed for a while */
	uint64_t number; /* of its encoder's units, from 0 */
	uint32_t index;	 /* in the stream, as the wire counts frames */
	uint64_t frame_seq; /* frame.seq it was made from */
	uint64_t pts_ns;    /* CLOCK_REALTIME of capture */
	struct frame_times times;
	/* CLOCK_MONOTONIC ns of each stage's start and end */
	uint64_t convert_start_ns, convert_end_ns, encode_start_ns, encode_end_ns;
};

struct unit_pool;
int unit_pool_create(struct unit_pool **out, size_t n_units) PF_MUST_CHECK;
void unit_pool_destroy(struct unit_pool *p); /* takes NULL; every unit must be back */
/* A unit with one reference, fields zeroed but data and cap; NULL when all are out. Thread: any. */
struct unit *unit_pool_get(struct unit_pool *p);
/* Makes cap >= need, keeping len bytes. Errors: PF_E_NOMEM. */
int unit_reserve(struct unit *u, size_t need) PF_MUST_CHECK;
void unit_unref(struct unit *u); /* takes NULL; Thread: any */

#endif
