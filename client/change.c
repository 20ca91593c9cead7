/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/change.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/frame.h>
#include <libavutil/pixdesc.h>

#include "punktfunk_core.h"

#define SIDE	  8  /* pixels of a block */
#define TOLERANCE 10 /* of 255, in a block's mean: codec noise stays below 3, a glyph is above 20 */
#define POINTER	  64 /* pixels round the pointer: the largest cursor themes, and its shadow */

struct block {
	uint8_t low, high;
	bool hidden;
};

struct change {
	int width, height; /* pixels; 0 = nothing learned */
	int columns, rows; /* whole blocks */
	struct block *blocks;
};

struct change *change_create(void)
{
	return calloc(1, sizeof(struct change));
}

void change_destroy(struct change *c)
{
	if (!c)
		return;
	free(c->blocks);
	free(c);
}

static bool has_luma(const AVFrame *f)
{
	const AVPixFmtDescriptor *d = av_pix_fmt_desc_get(f->format);
	return d && !(d->flags & AV_PIX_FMT_FLAG_RGB) && d->comp[0].plane == 0 &&
		d->comp[0].depth == 8 && d->comp[0].step == 1 && f->width >= SIDE &&
		f->height >= SIDE;
}

static uint8_t mean(const AVFrame *f, int column, int row)
{
	unsigned sum = 0;
	for (int y = 0; y < SIDE; y++) {
		const uint8_t *line = f->data[0] + (ptrdiff_t)(row * SIDE + y) * f->linesize[0] +
			column * SIDE;
		for (int x = 0; x < SIDE; x++)
			sum += line[x];
	}
	return (uint8_t)(sum / (SIDE * SIDE));
}

static bool start(struct change *c, const AVFrame *f)
{
	free(c->blocks);
	memset(c, 0, sizeof(*c));
	int columns = f->width / SIDE, rows = f->height / SIDE;
	c->blocks = calloc((size_t)columns * (size_t)rows, sizeof(*c->blocks));
	if (!c->blocks)
		return false;
	c->width = f->width;
	c->height = f->height;
	c->columns = columns;
	c->rows = rows;
	for (int i = 0; i < columns * rows; i++)
		c->blocks[i].low = UINT8_MAX;
	return true;
}

void change_learn(struct change *c, const AVFrame *f)
{
	if (!has_luma(f))
		return;
	if ((c->width != f->width || c->height != f->height) && !start(c, f))
		return;
	for (int row = 0; row < c->rows; row++) {
		for (int column = 0; column < c->columns; column++) {
			struct block *b = &c->blocks[row * c->columns + column];
			uint8_t m = mean(f, column, row);
			b->low = m < b->low ? m : b->low;
			b->high = m > b->high ? m : b->high;
		}
	}
}

static int clamp(int64_t v, int max)
{
	return v < 0 ? 0 : v > max ? max : (int)v;
}

void change_hide(struct change *c, int32_t x, int32_t y)
{
	if (!c->blocks)
		return;
	int left = clamp(((int64_t)x - POINTER) / SIDE, c->columns);
	int right = clamp(((int64_t)x + POINTER) / SIDE + 1, c->columns);
	int top = clamp(((int64_t)y - POINTER) / SIDE, c->rows);
	int bottom = clamp(((int64_t)y + POINTER) / SIDE + 1, c->rows);
	for (int row = top; row < bottom; row++)
		for (int column = left; column < right; column++)
			c->blocks[row * c->columns + column].hidden = true;
}

int change_judge(const struct change *c, const AVFrame *f)
{
	if (!c->blocks || c->width != f->width || c->height != f->height || !has_luma(f))
		return PUNKTFUNK_E_INVALID;
	int changed = 0;
	for (int row = 0; row < c->rows; row++) {
		for (int column = 0; column < c->columns; column++) {
			const struct block *b = &c->blocks[row * c->columns + column];
			int m = mean(f, column, row);
			changed += !b->hidden &&
				(m < b->low - TOLERANCE || m > b->high + TOLERANCE);
		}
	}
	return changed;
}
