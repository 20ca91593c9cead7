/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_MEDIA_FRAME_H
#define HOST_MEDIA_FRAME_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A captured picture on its way to the encoder. The producer fills it and drops its reference; consumers
 * ref and unref from any thread; at the last unref `release` gives the memory back to the producer, which
 * must have no thread of its own blocked on it. Contents are read-only after the producer published it.
 */

enum frame_format {
	FRAME_BGRX, /* 4 bytes a pixel: B, G, R, unused (DRM XRGB8888, wl_shm xrgb8888) */
	FRAME_RGBX, /* 4 bytes a pixel: R, G, B, unused (DRM XBGR8888) */
};

/* When each stage happened, CLOCK_MONOTONIC ns; 0 = not yet. */
struct frame_times {
	uint64_t presented_ns; /* the compositor's own time of the picture */
	uint64_t captured_ns;  /* the pixels are in our hands */
};

struct frame {
	_Atomic int refs;
	uint32_t width, height;
	size_t stride; /* bytes */
	enum frame_format format;
	bool y_invert; /* the first row is the lowest */
	const uint8_t *pixels;
	struct frame_times times;
	uint64_t seq; /* counts what the backend captured, from 0 */
	void (*release)(struct frame *f);
	void *owner; /* for release */
};

void frame_init(struct frame *f); /* one reference */
struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame *f); /* takes NULL */

#endif
