/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/placeholder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * One bit a pixel and a palette of two, not compressed: one stored block of deflate takes it all.
 *
 *  PNG signature, IHDR, PLTE, IDAT (zlib header 2, block header 5, rows, Adler-32 4), IEND
 */
#define WIDTH	PLACEHOLDER_WIDTH
#define HEIGHT	PLACEHOLDER_HEIGHT
#define ROW_LEN (1u + WIDTH / 8)
#define RAW_LEN (ROW_LEN * HEIGHT)
#define CHUNK	12u /* length, name, CRC */
#define TOTAL	(8u + CHUNK + 13u + CHUNK + 6u + CHUNK + 2u + 5u + RAW_LEN + 4u + CHUNK)

_Static_assert(RAW_LEN <= 65535, "one stored block");
_Static_assert(WIDTH % 8 == 0, "whole bytes");

struct out {
	uint8_t *p;
	uint8_t *chunk;
};

static void put_be32(struct out *o, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		*o->p++ = (uint8_t)(v >> shift);
}

static void put(struct out *o, const void *data, size_t len)
{
	memcpy(o->p, data, len);
	o->p += len;
}

static void begin(struct out *o, const char *name, uint32_t len)
{
	put_be32(o, len);
	o->chunk = o->p;
	put(o, name, 4);
}

static void end(struct out *o)
{
	uint32_t crc = UINT32_MAX;
	for (const uint8_t *p = o->chunk; p < o->p; p++) {
		crc ^= *p;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	put_be32(o, ~crc);
}

/* A frame, and a triangle that says "play". */
static bool is_ink(unsigned x, unsigned y)
{
	unsigned dx = x < WIDTH - 1 - x ? x : WIDTH - 1 - x,
		 dy = y < HEIGHT - 1 - y ? y : HEIGHT - 1 - y;
	unsigned edge = dx < dy ? dx : dy;
	unsigned off = y > HEIGHT / 2 ? y - HEIGHT / 2 : HEIGHT / 2 - y;
	return (edge >= 24 && edge < 32) || (x >= 220 && x < 420 && off * 200 <= (420 - x) * 120);
}

static void put_rows(struct out *o)
{
	uint32_t a = 1, b = 0;
	for (unsigned y = 0; y < HEIGHT; y++)
		for (unsigned i = 0; i < ROW_LEN; i++) {
			uint8_t byte = 0;
			for (unsigned bit = 0; i && bit < 8; bit++)
				byte = (uint8_t)(byte << 1 | is_ink((i - 1) * 8 + bit, y));
			*o->p++ = byte;
			a = (a + byte) % 65521;
			b = (b + a) % 65521;
		}
	put_be32(o, b << 16 | a);
}

/* A dark tone, one of 32 for each id, and the same one light. */
static void put_palette(struct out *o, uint32_t id)
{
	uint32_t mix = id * 2654435761u;
	for (int light = 0; light < 2; light++)
		for (unsigned shift = 27; shift <= 31; shift += 2) {
			uint32_t part = mix >> (shift > 30 ? 25 : shift) & 3;
			*o->p++ = (uint8_t)(light ? 160 + part * 30 : 24 + part * 18);
		}
}

int placeholder_make(uint8_t **out, size_t *len, uint32_t id)
{
	static const uint8_t signature[8] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	static const uint8_t format[5] = {1, 3, 0, 0, 0}; /* 1 bit, palette, not interlaced */
	uint8_t block[7] = {0x78, 0x01, 1, RAW_LEN & 0xff, RAW_LEN >> 8};
	struct out o = {.p = malloc(TOTAL)};
	*out = o.p;
	if (!o.p)
		return PF_E_NOMEM;
	block[5] = (uint8_t)~block[3];
	block[6] = (uint8_t)~block[4];
	put(&o, signature, sizeof(signature));
	begin(&o, "IHDR", 13);
	put_be32(&o, WIDTH);
	put_be32(&o, HEIGHT);
	put(&o, format, sizeof(format));
	end(&o);
	begin(&o, "PLTE", 6);
	put_palette(&o, id);
	end(&o);
	begin(&o, "IDAT", sizeof(block) + RAW_LEN + 4);
	put(&o, block, sizeof(block));
	put_rows(&o);
	end(&o);
	begin(&o, "IEND", 0);
	end(&o);
	*len = (size_t)(o.p - *out);
	return PF_OK;
}
