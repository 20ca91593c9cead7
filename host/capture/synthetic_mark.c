/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/synthetic_mark.h"

#include <stddef.h>
#include <string.h>

#include "core/base/bytes.h"
#include "host/capture/capture.h"

#define LUMA_MIDDLE 126u /* between black (16 or 0) and white (235 or 255) */

static uint32_t crc32(const uint8_t *data, size_t len)
{
	uint32_t crc = 0xffffffffu;
	for (size_t i = 0; i < len; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (0xedb88320u & -(crc & 1u));
	}
	return ~crc;
}

static bool layout_of_block(
	struct synthetic_mark_layout *out, uint32_t block, uint32_t width, uint32_t max_height)
{
	uint32_t columns = width / block;
	if (!columns)
		return false;
	uint32_t rows = (SYNTHETIC_MARK_BITS + columns - 1) / columns;
	if (rows > max_height / block)
		return false;
	*out = (struct synthetic_mark_layout){.block = block, .columns = columns, .rows = rows};
	return true;
}

bool synthetic_mark_layout(struct synthetic_mark_layout *out, uint32_t width, uint32_t height)
{
	/* Whole macroblocks where there is room: they cost few bits and survive any quantiser. */
	static const uint32_t blocks[] = {64, 32, 16, 8, 4};
	width = (width + 1) & ~1u;
	height = (height + 1) & ~1u;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (layout_of_block(out, blocks[i], width, height / 6))
			return true;
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (layout_of_block(out, blocks[i], width, height * 5 / 8))
			return true;
	return false;
}

void synthetic_mark_make(
	uint8_t bits[SYNTHETIC_MARK_BITS / 8], uint64_t frame_seq, uint64_t realtime_ns)
{
	pf_put_be64(bits, frame_seq);
	pf_put_be64(bits + 8, realtime_ns);
	uint32_t crc = crc32(bits, 16);
	for (int i = 0; i < 4; i++)
		bits[16 + i] = (uint8_t)(crc >> (24 - 8 * i));
}

/* The mean of the middle of a block: its edges are where the encoder's errors and filters are. */
static bool block_is_white(const uint8_t *luma, size_t stride, uint32_t block)
{
	uint32_t sum = 0, margin = block / 4, side = block - 2 * margin;
	for (uint32_t y = margin; y < margin + side; y++)
		for (uint32_t x = margin; x < margin + side; x++)
			sum += luma[y * stride + x];
	return sum > LUMA_MIDDLE * side * side;
}

bool synthetic_read_mark(const uint8_t *luma, size_t stride, uint32_t width, uint32_t height,
	uint64_t *frame_seq, uint64_t *realtime_ns)
{
	struct synthetic_mark_layout layout;
	/* The lowest row and column may be a pixel short of the layout; the margins keep us off them. */
	if (!synthetic_mark_layout(&layout, width, height))
		return false;
	uint8_t bits[SYNTHETIC_MARK_BITS / 8] = {0};
	for (uint32_t i = 0; i < SYNTHETIC_MARK_BITS; i++) {
		size_t x = (size_t)(i % layout.columns) * layout.block;
		size_t y = (size_t)(i / layout.columns) * layout.block;
		if (block_is_white(luma + y * stride + x, stride, layout.block))
			bits[i / 8] |= (uint8_t)(0x80u >> i % 8);
	}
	uint32_t crc = (uint32_t)bits[16] << 24 | (uint32_t)bits[17] << 16 |
		(uint32_t)bits[18] << 8 | bits[19];
	if (crc != crc32(bits, 16))
		return false;
	*frame_seq = pf_get_be64(bits);
	*realtime_ns = pf_get_be64(bits + 8);
	return true;
}
