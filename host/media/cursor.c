/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/media/cursor.h"

#include <stdlib.h>
#include <string.h>

#define PIXEL 4u

int cursor_shape_create(struct cursor_shape **out, uint32_t serial, uint16_t width, uint16_t height)
{
	*out = NULL;
	if (!width || !height || width > CURSOR_MAX_SIDE || height > CURSOR_MAX_SIDE)
		return PF_E_INVALID;
	struct cursor_shape *s = calloc(1, sizeof(*s) + (size_t)width * height * PIXEL);
	if (!s)
		return PF_E_NOMEM;
	atomic_init(&s->refs, 1);
	s->serial = serial;
	s->width = width;
	s->height = height;
	*out = s;
	return PF_OK;
}

static uint8_t straight(uint8_t v, uint8_t alpha)
{
	uint32_t s = alpha ? (v * 255u + alpha / 2u) / alpha : 0;
	return s > 255 ? 255 : (uint8_t)s;
}

void cursor_shape_set_row(
	struct cursor_shape *s, uint32_t y, const uint8_t *from, const uint8_t at[static 4])
{
	uint8_t *to = s->rgba + (size_t)y * s->width * PIXEL;
	for (uint32_t x = 0; x < s->width; x++) {
		uint8_t p[PIXEL];
		memcpy(p, from + (size_t)x * PIXEL, PIXEL);
		uint8_t alpha = p[at[3]];
		for (unsigned i = 0; i < 3; i++)
			to[x * PIXEL + i] = straight(p[at[i]], alpha);
		to[x * PIXEL + 3] = alpha;
	}
}

static uint16_t inside(int32_t v, uint32_t side)
{
	return v < 0 ? 0 : (uint32_t)v >= side ? (uint16_t)(side - 1) : (uint16_t)v;
}

void cursor_shape_seal(struct cursor_shape *s, int32_t hot_x, int32_t hot_y)
{
	s->hot_x = inside(hot_x, s->width);
	s->hot_y = inside(hot_y, s->height);
	/* FNV-1a: a client that knows this serial needs no other copy. */
	const uint16_t head[4] = {s->width, s->height, s->hot_x, s->hot_y};
	uint32_t hash = 2166136261u;
	for (size_t i = 0; i < sizeof(head) / sizeof(head[0]); i++)
		hash = (hash ^ head[i]) * 16777619u;
	for (size_t i = 0; i < (size_t)s->width * s->height * PIXEL; i++)
		hash = (hash ^ s->rgba[i]) * 16777619u;
	s->serial = hash ? hash : 1;
}

struct cursor_shape *cursor_shape_ref(struct cursor_shape *s)
{
	pf_check(atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed) > 0);
	return s;
}

void cursor_shape_unref(struct cursor_shape *s)
{
	if (!s)
		return;
	int before = atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel);
	pf_check(before > 0);
	if (before == 1)
		free(s);
}

/* The mean of a box, each pixel with the weight of its alpha: what is not seen has no colour. */
static void mean(const struct cursor_shape *s, uint32_t x0, uint32_t x1, uint32_t y0, uint32_t y1,
	uint8_t out[static PIXEL])
{
	uint64_t sum[3] = {0}, alpha = 0;
	for (uint32_t y = y0; y < y1; y++)
		for (uint32_t x = x0; x < x1; x++) {
			const uint8_t *p = s->rgba + ((size_t)y * s->width + x) * PIXEL;
			for (unsigned i = 0; i < 3; i++)
				sum[i] += (uint64_t)p[i] * p[3];
			alpha += p[3];
		}
	uint64_t n = (uint64_t)(x1 - x0) * (y1 - y0);
	for (unsigned i = 0; i < 3; i++)
		out[i] = alpha ? (uint8_t)((sum[i] + alpha / 2) / alpha) : 0;
	out[3] = (uint8_t)((alpha + n / 2) / n);
}

static uint16_t scaled(uint32_t v, uint32_t side, uint32_t longest)
{
	return (uint16_t)(v * side / longest);
}

int cursor_shape_fit(struct cursor_shape **out, struct cursor_shape *s, uint16_t side)
{
	uint32_t longest = s->width > s->height ? s->width : s->height;
	if (longest <= side) {
		*out = cursor_shape_ref(s);
		return PF_OK;
	}
	uint32_t w = scaled(s->width, side, longest), h = scaled(s->height, side, longest);
	w = w ? w : 1;
	h = h ? h : 1;
	int err = cursor_shape_create(out, s->serial, (uint16_t)w, (uint16_t)h);
	if (err < 0)
		return err;
	(*out)->hot_x = scaled(s->hot_x, side, longest);
	(*out)->hot_y = scaled(s->hot_y, side, longest);
	for (uint32_t y = 0; y < h; y++)
		for (uint32_t x = 0; x < w; x++)
			mean(s, x * s->width / w, (x + 1) * s->width / w, y * s->height / h,
				(y + 1) * s->height / h, (*out)->rgba + (y * w + x) * PIXEL);
	return PF_OK;
}

static uint8_t over(uint8_t above, uint8_t below, uint8_t alpha)
{
	return (uint8_t)((above * alpha + below * (255 - alpha) + 127) / 255);
}

void cursor_shape_paint(const struct cursor_shape *s, uint8_t *pixels, size_t stride,
	uint32_t width, uint32_t height, enum frame_format format, int32_t x, int32_t y)
{
	int64_t left = (int64_t)x - s->hot_x, top = (int64_t)y - s->hot_y;
	unsigned red = format == FRAME_BGRX ? 2 : 0;
	for (int64_t row = top < 0 ? -top : 0; row < s->height && top + row < height; row++)
		for (int64_t col = left < 0 ? -left : 0; col < s->width && left + col < width;
			col++) {
			const uint8_t *p = s->rgba + ((size_t)row * s->width + (size_t)col) * PIXEL;
			uint8_t *to = pixels + (size_t)(top + row) * stride +
				(size_t)(left + col) * PIXEL;
			to[red] = over(p[0], to[red], p[3]);
			to[1] = over(p[1], to[1], p[3]);
			to[2 - red] = over(p[2], to[2 - red], p[3]);
		}
}
