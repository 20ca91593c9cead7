/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_SYNTHETIC_CURSOR_H
#define HOST_CAPTURE_SYNTHETIC_CURSOR_H

#include "host/media/cursor.h"

/* The pointer of the test picture: it wanders below the mark, and changes its shape every two seconds. */

#define SYNTHETIC_CURSOR_SHAPES 3u
#define SYNTHETIC_CURSOR_SIDE	32u /* pixels; the last shape is larger, as on a dense screen */
#define SYNTHETIC_CURSOR_LARGE	160u

struct synthetic_cursor {
	struct cursor_shape *shapes[SYNTHETIC_CURSOR_SHAPES];
};

int synthetic_cursor_init(struct synthetic_cursor *c) PF_MUST_CHECK;
void synthetic_cursor_finish(struct synthetic_cursor *c);
/* Which shape frame seq shows, and where, in a picture of this size whose first `top` rows are the mark. */
struct cursor_shape *synthetic_cursor_at(const struct synthetic_cursor *c, uint64_t seq,
	uint32_t refresh_hz, uint32_t width, uint32_t height, uint32_t top,
	struct cursor_state *state);

#endif
