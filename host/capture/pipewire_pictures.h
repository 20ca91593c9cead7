/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_PIPEWIRE_PICTURES_H
#define HOST_CAPTURE_PIPEWIRE_PICTURES_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/capture/capture.h"
#include "host/capture/pipewire_buffer.h"

struct pw_buffer;
struct pw_stream;

/*
 * From a stream's buffers to the consumer's frames. Pictures go out as they lie in the node's memory; a copy is made
 * where the pointer is drawn in, where the memory is not safe to lend, and where the node would have no buffer left
 * to draw in. Thread: the capture's, but for what the frames' last references do.
 */

#define PIPEWIRE_COPIES 5u /* mailbox, encoder, kept for repeats, being made, one to spare */

struct pipewire_pictures {
	/* the owner sets these */
	struct capture *base;
	struct pipewire_wake *wake;
	struct pw_stream *stream; /* NULL = none now */
	struct pipewire_format format;
	bool must_map; /* the consumer imports no GPU's memory */

	struct pipewire_buffer *buffers[PIPEWIRE_MAX_BUFFERS]; /* of the stream */
	uint32_t n_buffers;
	struct pipewire_buffer *copies[PIPEWIRE_COPIES];

	struct pipewire_buffer *pending; /* the newest, not given out yet */
	struct pipewire_buffer *last; /* the newest that was, kept where the pointer comes apart */
	bool counted;		      /* that pending could not go out */
	struct frame_damage damage;   /* since the last one that went out */
	uint64_t seq;
	unsigned n_bad;	  /* in a row */
	uint64_t n_taken; /* pictures that were good */
	uint64_t n_words; /* of the pointer, without a picture */
	bool unreadable;  /* a GPU's memory that cannot be used here */

	/* the pointer */
	bool apart; /* it comes beside the pictures */
	struct cursor_shape *shape;
	struct cursor_state cursor, told;
	bool was_told, shape_told;
	bool drawn, repaint;		 /* is it in the pictures; the last one must go out again */
	uint32_t painted_y0, painted_y1; /* rows of it in the last one */
	uint64_t next_repaint_ns, interval_ns;
};

void pipewire_pictures_finish(struct pipewire_pictures *p);
/* A buffer of the stream comes and goes. Errors: as pipewire_buffer_create(), PF_E_FULL. */
int pipewire_pictures_add(struct pipewire_pictures *p, struct pw_buffer *pw) PF_MUST_CHECK;
void pipewire_pictures_remove(struct pipewire_pictures *p, struct pw_buffer *pw);
/* The stream has ended, and all of its buffers with it. */
void pipewire_pictures_clear(struct pipewire_pictures *p);
/* The node has sent something. */
void pipewire_pictures_process(struct pipewire_pictures *p);
/* Frames may have come back, and the pointer may be wanted or not: gives buffers to the node, and out what waits. */
void pipewire_pictures_turn(struct pipewire_pictures *p, bool drawn);
/* When turn() has something to do; UINT64_MAX = nothing waits. */
uint64_t pipewire_pictures_due(const struct pipewire_pictures *p);

#endif
