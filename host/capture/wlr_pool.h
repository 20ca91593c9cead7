/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_WLR_POOL_H
#define HOST_CAPTURE_WLR_POOL_H

#include <stdint.h>

#include "core/base/error.h"
#include "host/media/frame.h"

struct wl_buffer;
struct wl_shm;
struct wlr_memory;

/*
 * Buffers of shared or of a GPU's memory that a compositor copies its picture into, each one a frame. The Wayland objects
 * belong to the capture thread; the memory lives until the last frame of it was released, on any thread.
 */

/* One at the compositor, one in the mailbox, one in the encoder, one kept for repeats, one spare. */
#define WLR_POOL_BUFFERS 5u

struct wlr_buffer {
	struct frame frame;
	struct wlr_memory *memory;
	struct wl_buffer *wl; /* NULL once retired */
	_Atomic bool taken;
	struct frame_damage
		missing; /* the capture thread's: rows that are older than the newest picture */
};

/* What the compositor asks for. */
struct wlr_layout {
	uint32_t format; /* wl_shm_format */
	uint32_t width, height, stride;
};

struct wlr_pool {
	struct wlr_memory *memory; /* NULL = empty */
	struct wlr_layout layout;
};

/* Owned by its references: the pool's own, and one of each frame that is out. */
struct wlr_memory {
	_Atomic int refs;
	uint8_t *map; /* NULL: a GPU's, which the frames' descriptors hold */
	size_t size;
	struct wlr_buffer buffers[WLR_POOL_BUFFERS];
};

/* 0 = the best; -1: frames cannot have this wl_shm_format. */
int wlr_pool_format_rank(uint32_t format);
/* Retires what was there. Errors: PF_E_UNSUPPORTED (format), PF_E_INVALID (layout), PF_E_IO, PF_E_NOMEM. */
int wlr_pool_make(
	struct wlr_pool *p, struct wl_shm *shm, const struct wlr_layout *layout) PF_MUST_CHECK;
/* Memory without a buffer yet, one reference; what was there is retired. Errors: PF_E_NOMEM. */
int wlr_pool_begin(struct wlr_pool *p, const struct wlr_layout *layout) PF_MUST_CHECK;
/* Destroys the Wayland objects; frames that are out stay valid. Takes an empty pool. */
void wlr_pool_retire(struct wlr_pool *p);
/* A free buffer, now taken, its frame with one reference and no times yet; NULL = consumers hold all. */
struct wlr_buffer *wlr_pool_take(struct wlr_pool *p);
/* b holds the newest picture, which differs from the one before by its damage: the others lack that. */
void wlr_pool_note_filled(struct wlr_pool *p, struct wlr_buffer *b);

#endif
