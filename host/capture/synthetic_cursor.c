/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/synthetic_cursor.h"

#include <string.h>

#define SHAPE_S 2u /* each shape is shown for so long */

static void set(struct cursor_shape *s, uint32_t x, uint32_t y, uint8_t grey, uint8_t alpha)
{
	uint8_t *p = s->rgba + ((size_t)y * s->width + x) * 4;
	p[0] = p[1] = p[2] = grey;
	p[3] = alpha;
}

/* An arrow: white inside of a black edge. */
static void draw_arrow(struct cursor_shape *s)
{
	const uint32_t side = s->height;
	for (uint32_t y = 0; y < side; y++)
		for (uint32_t x = 0; x <= y * 2 / 3; x++)
			set(s, x, y, x == 0 || x == y * 2 / 3 || y == side - 1 ? 0 : 255, 255);
}

/* A bar for text, and a ring that is half transparent. */
static void draw_bar(struct cursor_shape *s)
{
	const uint32_t middle = s->width / 2;
	for (uint32_t y = 0; y < s->height; y++)
		for (uint32_t x = middle - 1; x <= middle + 1; x++)
			set(s, x, y, 0, 255);
	s->hot_x = s->width / 2;
	s->hot_y = s->height / 2;
}

static void draw_ring(struct cursor_shape *s)
{
	int32_t r = s->width / 2;
	for (int32_t y = -r; y < r; y++)
		for (int32_t x = -r; x < r; x++) {
			int32_t d = x * x + y * y;
			if (d <= r * r && d >= r * r / 2)
				set(s, (uint32_t)(x + r), (uint32_t)(y + r), 255, 128);
		}
	s->hot_x = s->hot_y = (uint16_t)r;
}

int synthetic_cursor_init(struct synthetic_cursor *c)
{
	static void (*const draw[SYNTHETIC_CURSOR_SHAPES])(struct cursor_shape * s) = {
		draw_arrow, draw_bar, draw_ring};
	memset(c, 0, sizeof(*c));
	for (uint32_t i = 0; i < SYNTHETIC_CURSOR_SHAPES; i++) {
		uint16_t side = i + 1 < SYNTHETIC_CURSOR_SHAPES ? SYNTHETIC_CURSOR_SIDE
								: SYNTHETIC_CURSOR_LARGE;
		int err = cursor_shape_create(&c->shapes[i], i + 1, side, side);
		if (err < 0) {
			synthetic_cursor_finish(c);
			return err;
		}
		draw[i](c->shapes[i]);
	}
	return PF_OK;
}

void synthetic_cursor_finish(struct synthetic_cursor *c)
{
	for (uint32_t i = 0; i < SYNTHETIC_CURSOR_SHAPES; i++)
		cursor_shape_unref(c->shapes[i]);
	memset(c, 0, sizeof(*c));
}

/* Back and forth over 0..range. */
static uint32_t bounce(uint64_t step, uint32_t range)
{
	if (!range)
		return 0;
	uint32_t at = (uint32_t)(step % (2u * range));
	return at <= range ? at : 2u * range - at;
}

struct cursor_shape *synthetic_cursor_at(const struct synthetic_cursor *c, uint64_t seq,
	uint32_t refresh_hz, uint32_t width, uint32_t height, uint32_t top,
	struct cursor_state *state)
{
	uint64_t second = seq / refresh_hz;
	struct cursor_shape *s = c->shapes[second / SHAPE_S % SYNTHETIC_CURSOR_SHAPES];
	/* Its whole box stays below the mark, which must be read. */
	uint32_t low = top + s->hot_y;
	state->serial = s->serial;
	state->visible = true;
	state->x = (int32_t)bounce(seq * 5, width - 1);
	state->y = (int32_t)(low + (low < height ? bounce(seq * 3, height - 1 - low) : 0));
	return s;
}
