/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_WLR_CURSOR_H
#define HOST_CAPTURE_WLR_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

#include "host/capture/wlr_pool.h"
#include "host/media/cursor.h"

/*
 * The pointer apart from the picture, by ext-image-copy-capture's cursor session: where it is in events, its shape as a
 * picture of its own, which is copied whenever it changes. The capture thread's.
 */

struct wlr;

struct wlr_cursor {
	bool open;		    /* it is wanted apart */
	struct wl_pointer *pointer; /* NULL: the seat has none now, or it is not wanted */
	struct ext_image_copy_capture_cursor_session_v1 *session;
	struct ext_image_copy_capture_session_v1 *pictures;
	struct ext_image_copy_capture_frame_v1 *frame;
	struct wlr_layout coming, wanted; /* coming: until `done`; width 0 = nothing wanted yet */
	bool has_format;
	struct wlr_pool pool;
	struct wlr_buffer *buffer; /* being copied into */
	unsigned n_failed;
	uint64_t
		ask_ns; /* when the next picture may be asked for; UINT64_MAX = one is pending, or none can be */
	uint64_t overdue_ns; /* when a pointer that is there must have shown a shape */

	int32_t hot_x, hot_y; /* of the next shape */
	bool inside;
	struct cursor_shape *shape; /* NULL = none came yet */
	struct cursor_state now, told;
	bool shape_told, was_told;
	uint64_t next_tell_ns;
	const char *broken; /* why it is painted into the picture after all */
};

/* From here on the seat's pointer is told apart, as soon as there is one. c->source is there. */
void wlr_cursor_begin(struct wlr *c);
void wlr_cursor_end(struct wlr *c);
/* What is due: after each dispatch of events, and at the time that it gave back. UINT64_MAX = nothing. */
uint64_t wlr_cursor_turn(struct wlr *c, uint64_t now_ns);
/* Ends it, and lets go of the shape. */
void wlr_cursor_finish(struct wlr *c);

#endif
