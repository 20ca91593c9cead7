/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/pipewire_meta.h"

#include <string.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <spa/buffer/meta.h>
#include <spa/param/video/raw.h>

#define SECOND_NS 1000000000u
#define PIXEL	  4u

/* Copies a struct out of shared memory, so that it does not change between check and use. */
static bool take(void *out, size_t len, const void *data, size_t size, size_t offset)
{
	if (!data || offset > size || size - offset < len)
		return false;
	memcpy(out, (const uint8_t *)data + offset, len);
	return true;
}

size_t pipewire_meta_cursor_size(uint32_t side)
{
	return sizeof(struct spa_meta_cursor) + sizeof(struct spa_meta_bitmap) +
		(size_t)side * side * PIXEL;
}

/*
 *  0        4        8         12        16
 *  +--------+--------+---------+---------+--
 *  | x      | y      | width   | height  | the next one; one without a side ends the list
 *  +--------+--------+---------+---------+--
 */
void pipewire_meta_damage(const void *data, size_t size, uint32_t height, struct frame_damage *d)
{
	struct spa_meta_region r;
	size_t n = 0;
	while (n < PIPEWIRE_MAX_REGIONS && take(&r, sizeof(r), data, size, n * sizeof(r)) &&
		r.region.size.width && r.region.size.height) {
		int64_t y0 = r.region.position.y, y1 = y0 + r.region.size.height;
		y0 = y0 < 0 ? 0 : y0;
		y1 = y1 > height ? height : y1;
		if (d->known && y0 < y1)
			frame_damage_add(d, (uint32_t)y0, (uint32_t)y1);
		n++;
	}
	if (!n)
		*d = (struct frame_damage){.known = false};
}

bool pipewire_meta_crop(
	const void *data, size_t size, uint32_t width, uint32_t height, struct pipewire_box *out)
{
	struct spa_meta_region r;
	if (!take(&r, sizeof(r), data, size, 0))
		return false;
	int64_t x = r.region.position.x, y = r.region.position.y;
	uint32_t w = r.region.size.width, h = r.region.size.height;
	if (!w || !h || x < 0 || y < 0 || x + w > width || y + h > height)
		return false;
	if (w == width && h == height)
		return false;
	*out = (struct pipewire_box){(uint32_t)x, (uint32_t)y, w, h};
	return true;
}

/*
 *  0        4        8        16           24       32
 *  +--------+--------+--------+------------+--------+
 *  | flags  | offset | pts    | dts offset | seq    |
 *  +--------+--------+--------+------------+--------+
 */
bool pipewire_meta_header(const void *data, size_t size, struct pipewire_header *out)
{
	struct spa_meta_header h;
	if (!take(&h, sizeof(h), data, size, 0))
		return false;
	out->pts_ns = h.pts > 0 ? (uint64_t)h.pts : 0;
	out->corrupted = h.flags & SPA_META_HEADER_FLAG_CORRUPTED;
	return true;
}

uint64_t pipewire_meta_presented(uint64_t pts_ns, uint64_t now_ns)
{
	return pts_ns && pts_ns <= now_ns && now_ns - pts_ns < SECOND_NS ? pts_ns : now_ns;
}

uint32_t pipewire_meta_transform(const void *data, size_t size)
{
	struct spa_meta_videotransform t;
	if (!take(&t, sizeof(t), data, size, 0) || t.transform > SPA_META_TRANSFORMATION_Flipped270)
		return SPA_META_TRANSFORMATION_None;
	return t.transform;
}

/* Where red, green, blue and alpha lie in a pixel. */
static bool channels(uint32_t format, uint8_t at[static 4])
{
	switch (format) {
	case SPA_VIDEO_FORMAT_RGBA:
		memcpy(at, (const uint8_t[]){0, 1, 2, 3}, 4);
		return true;
	case SPA_VIDEO_FORMAT_BGRA:
		memcpy(at, (const uint8_t[]){2, 1, 0, 3}, 4);
		return true;
	case SPA_VIDEO_FORMAT_ARGB:
		memcpy(at, (const uint8_t[]){1, 2, 3, 0}, 4);
		return true;
	case SPA_VIDEO_FORMAT_ABGR:
		memcpy(at, (const uint8_t[]){3, 2, 1, 0}, 4);
		return true;
	default:
		return false;
	}
}

/*
 * A bitmap at `start`:
 *
 *  0        4        8         12       16       20
 *  +--------+--------+---------+--------+--------+-- offset, from here: ----+
 *  | format | width  | height  | stride | offset | rows                     |
 *  +--------+--------+---------+--------+--------+--------------------------+
 */
static bool read_bitmap(const void *data, size_t size, size_t start, const struct spa_point *spot,
	struct pipewire_cursor *out)
{
	struct spa_meta_bitmap b;
	uint8_t at[4];
	if (!take(&b, sizeof(b), data, size, start))
		return false;
	if (!b.format || !b.size.width || !b.size.height || !b.offset) {
		out->empty = true;
		return true;
	}
	if (!channels(b.format, at) || b.offset < sizeof(b) || b.stride <= 0 ||
		b.size.width > CURSOR_MAX_SIDE || b.size.height > CURSOR_MAX_SIDE ||
		(uint32_t)b.stride < b.size.width * PIXEL)
		return false;
	uint64_t first = (uint64_t)start + b.offset;
	uint64_t len = (uint64_t)(b.size.height - 1) * (uint32_t)b.stride + b.size.width * PIXEL;
	if (first + len > size)
		return false;
	struct cursor_shape *s;
	if (cursor_shape_create(&s, 0, (uint16_t)b.size.width, (uint16_t)b.size.height) < 0)
		return false;
	for (uint32_t y = 0; y < b.size.height; y++)
		cursor_shape_set_row(
			s, y, (const uint8_t *)data + first + (uint64_t)y * (uint32_t)b.stride, at);
	cursor_shape_seal(s, spot->x, spot->y);
	out->shape = s;
	return true;
}

static int32_t clamped(int32_t v)
{
	if (v < -CURSOR_MAX_POS)
		return -CURSOR_MAX_POS;
	return v > CURSOR_MAX_POS ? CURSOR_MAX_POS : v;
}

/*
 *  0     4       8      12     16        20        24              28
 *  +-----+-------+------+------+---------+---------+---------------+
 *  | id  | flags | x    | y    | hot x   | hot y   | bitmap offset | the bitmap, if any
 *  +-----+-------+------+------+---------+---------+---------------+
 */
bool pipewire_meta_cursor(const void *data, size_t size, struct pipewire_cursor *out)
{
	struct spa_meta_cursor c;
	*out = (struct pipewire_cursor){0};
	if (!take(&c, sizeof(c), data, size, 0))
		return false;
	if (!c.id)
		return true;
	out->inside = true;
	out->x = clamped(c.position.x);
	out->y = clamped(c.position.y);
	if (c.bitmap_offset >= sizeof(c))
		(void)read_bitmap(data, size, c.bitmap_offset, &c.hotspot, out);
	return true;
}
