/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_PIPEWIRE_BUFFER_H
#define HOST_CAPTURE_PIPEWIRE_BUFFER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/capture/pipewire_meta.h"
#include "host/capture/pipewire_offer.h"
#include "host/media/frame.h"

struct pw_buffer;
struct spa_buffer;

/*
 * A PipeWire buffer as a frame. Its memory is mapped, and its descriptors are duplicated, for us alone: so a frame
 * that is out stays good when the node takes its buffer away. Whose last reference goes, on any thread, is marked
 * and the capture's thread is woken, which alone talks to PipeWire.
 */

/* What wakes the capture's thread; lives as long as anybody may want to. */
struct pipewire_wake {
	_Atomic int refs;
	int fd; /* eventfd */
};

int pipewire_wake_create(struct pipewire_wake **out) PF_MUST_CHECK;
void pipewire_wake_unref(struct pipewire_wake *w); /* takes NULL */
void pipewire_wake_up(struct pipewire_wake *w);	   /* Thread: any */

struct pipewire_buffer {
	struct frame frame;
	_Atomic int refs;
	_Atomic bool back; /* nobody has the frame any more */
	struct pipewire_wake *wake;

	/* the capture thread's */
	struct pw_buffer *pw; /* NULL: a copy, or the node took it back */
	bool out;	      /* not with the node */
	size_t first;	      /* byte of the picture's first pixel in the memory */
	uint32_t transform;   /* enum spa_meta_videotransform_value that the memory has */

	/* constant */
	uint8_t *map; /* NULL = cannot be read by address */
	size_t map_len, map_skip, len;
	bool heap;     /* map is of malloc() */
	bool borrowed; /* map is the library's, and goes with the buffer: only copies go out */
	bool gpu;
	uint32_t n_fds;
	int fds[FRAME_MAX_PLANES]; /* DMA-BUF: the planes; else one that pread() copies from */
	int64_t fd_skip;
};

/*
 * The memory of a node's buffer, checked. Errors: PF_E_UNSUPPORTED (a kind of memory that was not agreed on, or that
 * cannot be mapped), PF_E_INVALID (not what it says), PF_E_NOMEM.
 */
int pipewire_buffer_create(struct pipewire_buffer **out, struct pipewire_wake *wake,
	struct pw_buffer *pw, const struct pipewire_format *format, bool must_map) PF_MUST_CHECK;
/* One of our own, for len bytes. Errors: PF_E_NOMEM. */
int pipewire_buffer_create_copy(
	struct pipewire_buffer **out, struct pipewire_wake *wake, size_t len) PF_MUST_CHECK;
void pipewire_buffer_unref(struct pipewire_buffer *b); /* takes NULL */

/*
 * Makes the frame of what the node wrote, with one reference, which is the caller's. crop: NULL = all. Errors:
 * PF_E_INVALID (a stride, offset or size that no picture has), PF_E_UNSUPPORTED (a crop of what is not linear).
 */
int pipewire_buffer_fill(struct pipewire_buffer *b, const struct spa_buffer *spa,
	const struct pipewire_format *format, const struct pipewire_box *crop,
	uint32_t transform) PF_MUST_CHECK;
/* Did the last reference of its frame go since the last call? */
bool pipewire_buffer_came_back(struct pipewire_buffer *b);
/* Can a frame of it go out as it is, to whom does not import a GPU's memory? */
bool pipewire_buffer_is_plain(const struct pipewire_buffer *b);
/* Can it be copied? */
bool pipewire_buffer_is_readable(const struct pipewire_buffer *b);
/* The bytes that a copy of it takes. */
size_t pipewire_buffer_copy_len(const struct pipewire_buffer *b);
/* Copies a filled one upright, and makes the frame. Errors: PF_E_IO (the memory is gone), PF_E_UNSUPPORTED. */
int pipewire_buffer_copy(
	struct pipewire_buffer *to, const struct pipewire_buffer *from) PF_MUST_CHECK;

#endif
