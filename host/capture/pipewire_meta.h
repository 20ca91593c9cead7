/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_PIPEWIRE_META_H
#define HOST_CAPTURE_PIPEWIRE_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/media/cursor.h"
#include "host/media/frame.h"

/*
 * What a PipeWire node says beside a picture. The bytes lie in memory that the node can write at any time: each
 * value is read once, checked, and only then used. data may be NULL or not aligned; size is what is readable.
 */

#define PIPEWIRE_MAX_REGIONS 32u /* damaged rectangles that are asked for */
#define PIPEWIRE_CURSOR_SIDE \
	384u /* pixels: the pointer's room that is asked for; Mutter's and KWin's largest */

/* The bytes of a cursor with a picture of side * side. */
size_t pipewire_meta_cursor_size(uint32_t side);

/*
 * SPA_META_VideoDamage: adds its rectangles, cut to the picture, to known damage. What says nothing (no rectangle at
 * all) or is not there makes the damage unknown, since the picture did come.
 */
void pipewire_meta_damage(const void *data, size_t size, uint32_t height, struct frame_damage *d);

struct pipewire_box {
	uint32_t x, y, width, height;
};

/* SPA_META_VideoCrop. false: none, empty, all of the picture, or not inside of it. */
bool pipewire_meta_crop(
	const void *data, size_t size, uint32_t width, uint32_t height, struct pipewire_box *out);

/* SPA_META_Header. */
struct pipewire_header {
	uint64_t pts_ns; /* 0 = none */
	bool corrupted;
};
bool pipewire_meta_header(const void *data, size_t size, struct pipewire_header *out);

/* A stamp, if it can be one of CLOCK_MONOTONIC: not later than now, not older than a second; else now. */
uint64_t pipewire_meta_presented(uint64_t pts_ns, uint64_t now_ns);

/* SPA_META_VideoTransform: enum spa_meta_videotransform_value, 0 when there is none or a strange one. */
uint32_t pipewire_meta_transform(const void *data, size_t size);

/*
 * SPA_META_Cursor. A cursor that is not on this display is not visible. *shape is new, the caller's, and NULL where
 * the node sent none: the one of before; its serial is made from what it shows. empty: the pointer has no picture.
 * Returns false when there is nothing about a cursor at all. Bad shapes are left out.
 */
struct pipewire_cursor {
	struct cursor_shape *shape;
	bool inside, empty;
	int32_t x, y;
};
bool pipewire_meta_cursor(const void *data, size_t size, struct pipewire_cursor *out);

#endif
