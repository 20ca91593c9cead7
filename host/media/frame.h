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

/*
 * Which rows differ from the frame before (seq - 1): ascending bands [y0, y1) with a gap between them. A
 * consumer that did not see that frame takes the whole picture.
 */
#define FRAME_MAX_BANDS 4u
struct frame_damage {
	bool known;	 /* false: anything may differ */
	uint8_t n_bands; /* 0 with known: nothing differs */
	struct frame_band {
		uint32_t y0, y1;
	} bands[FRAME_MAX_BANDS];
};

#define FRAME_MAX_PLANES 4u

/* A picture in a GPU's memory. The descriptors are the producer's and stay open as long as the frame. */
struct frame_dmabuf {
	uint32_t n_planes; /* 0 = there is none */
	uint32_t fourcc;   /* DRM's */
	uint64_t modifier; /* DRM's; explicit, never DRM_FORMAT_MOD_INVALID */
	int fd[FRAME_MAX_PLANES];
	uint32_t offset[FRAME_MAX_PLANES], stride[FRAME_MAX_PLANES]; /* bytes */
};

struct frame {
	_Atomic int refs;
	uint32_t width, height;
	size_t stride; /* bytes */
	enum frame_format format;
	bool y_invert; /* the first row is the lowest */
	const uint8_t
		*pixels; /* NULL: only in dmabuf, and only for who asked for that (capture.h) */
	struct frame_dmabuf dmabuf;
	struct frame_times times;
	uint64_t seq;	 /* counts what the backend captured, from 0 */
	uint32_t source; /* which capture of the session made it: another begins to count anew */
	struct frame_damage damage;
	void (*release)(struct frame *f);
	void *owner; /* for release */
};

void frame_init(struct frame *f); /* one reference */
struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame *f); /* takes NULL */

/* Adds rows [y0, y1) to known damage; the two bands nearest to each other join when there are too many. */
void frame_damage_add(struct frame_damage *d, uint32_t y0, uint32_t y1);

#endif
