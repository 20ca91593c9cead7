/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_MEDIA_CURSOR_H
#define HOST_MEDIA_CURSOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/media/frame.h"

/* The pointer's picture, apart from the screen's. Counted, from any thread; immutable once it was published. */
struct cursor_shape {
	_Atomic int refs;
	uint32_t serial; /* the backend's: the same for the same picture */
	uint16_t width, height;
	uint16_t hot_x, hot_y; /* inside */
	uint8_t rgba[];	       /* straight alpha, rows without gaps */
};

#define CURSOR_MAX_SIDE 1024u /* pixels: no theme has larger ones */
#define CURSOR_MAX_POS	32768 /* pixels from the display's corner: farther is nowhere */

/* Where it is, in pixels of the display, by its hot spot. */
struct cursor_state {
	uint32_t serial;
	bool visible;
	int32_t x, y;
};

/* The pixels are zero. Errors: PF_E_INVALID (no side, or above CURSOR_MAX_SIDE), PF_E_NOMEM. */
int cursor_shape_create(
	struct cursor_shape **out, uint32_t serial, uint16_t width, uint16_t height) PF_MUST_CHECK;
/* Its row y out of pixels whose colours are multiplied with alpha; at: where red, green, blue and alpha lie in one. */
void cursor_shape_set_row(
	struct cursor_shape *s, uint32_t y, const uint8_t *from, const uint8_t at[static 4]);
/* When the pixels are all there: the hot spot, moved inside, and a serial that the same picture has each time. */
void cursor_shape_seal(struct cursor_shape *s, int32_t hot_x, int32_t hot_y);
struct cursor_shape *cursor_shape_ref(struct cursor_shape *s);
void cursor_shape_unref(struct cursor_shape *s); /* takes NULL */
/* A shape whose sides are at most `side`: a reference to s, or a smaller one of its own. Errors: PF_E_NOMEM. */
int cursor_shape_fit(
	struct cursor_shape **out, struct cursor_shape *s, uint16_t side) PF_MUST_CHECK;
/* Draws s over a picture, its hot spot at x, y; what lies outside is cut off. */
void cursor_shape_paint(const struct cursor_shape *s, uint8_t *pixels, size_t stride,
	uint32_t width, uint32_t height, enum frame_format format, int32_t x, int32_t y);

#endif
