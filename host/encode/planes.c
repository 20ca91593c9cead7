/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/planes.h"

#include <stdlib.h>
#include <string.h>

#include <libyuv/convert.h>
#include <libyuv/convert_from_argb.h>
#include <libyuv/planar_functions.h>

#include "host/encode/planes_gpu.h"

int planes_init(struct planes *p, uint8_t matrix, bool full_range)
{
	*p = (struct planes){.colour = PLANES_COLOUR};
	if (!matrix || (matrix == PLANES_MATRIX && full_range == PLANES_FULL_RANGE))
		return PF_OK;
	p->own_csc = true;
	p->colour[2] = matrix;
	p->colour[3] = full_range;
	return csc_init(&p->csc, matrix, full_range);
}

void planes_finish(struct planes *p)
{
	planes_gpu_destroy(p->gpu);
	free(p->gpu_uv);
	p->gpu = NULL;
	p->gpu_uv = NULL;
}

/* Two rows at a time, as they share one of chroma. */
static void csc_rows(struct planes *p, const uint8_t *pixels, ptrdiff_t from, bool bgrx,
	uint32_t y0, uint32_t width, uint32_t rows)
{
	uint8_t *luma = p->plane[0] + (size_t)y0 * (size_t)p->stride[0];
	if (!p->plane[2]) {
		csc_to_nv12(&p->csc, pixels, from, bgrx, luma, p->stride[0],
			p->plane[1] + (size_t)(y0 / 2) * (size_t)p->stride[1], p->stride[1], width,
			rows);
		return;
	}
	for (uint32_t y = 0; y < rows; y += 2) {
		const size_t half = (y0 + y) / 2;
		csc_to_nv12(&p->csc, pixels + (ptrdiff_t)y * from, from, bgrx,
			luma + (size_t)y * (size_t)p->stride[0], p->stride[0], p->uv, 0, width,
			rows - y < 2 ? 1 : 2);
		SplitUVPlane(p->uv, 0, p->plane[1] + half * (size_t)p->stride[1], p->stride[1],
			p->plane[2] + half * (size_t)p->stride[2], p->stride[2],
			(int)((width + 1) / 2), 1);
	}
}

/* libyuv names formats by the word, first letter highest: its ARGB is B, G, R, A in memory. */
static int convert_rows(struct planes *p, const struct frame *f, uint32_t y0, int rows)
{
	const uint8_t *pixels = f->pixels + (size_t)y0 * f->stride;
	const int from = (int)f->stride, width = (int)f->width;
	uint8_t *y = p->plane[0] + (size_t)y0 * (size_t)p->stride[0];
	uint8_t *u = p->plane[1] + (size_t)y0 / 2 * (size_t)p->stride[1];
	int r = 0;
	if (p->own_csc) {
		/* Negative rows: upside down, as libyuv has it. */
		const uint32_t n = (uint32_t)(rows < 0 ? -rows : rows);
		const ptrdiff_t last = (ptrdiff_t)(n - 1) * (ptrdiff_t)f->stride;
		csc_rows(p, rows < 0 ? pixels + last : pixels,
			rows < 0 ? -(ptrdiff_t)f->stride : (ptrdiff_t)f->stride,
			f->format == FRAME_BGRX, y0, f->width, n);
	} else if (!p->plane[2]) {
		r = (f->format == FRAME_BGRX ? ARGBToNV12 : ABGRToNV12)(
			pixels, from, y, p->stride[0], u, p->stride[1], width, rows);
	} else {
		uint8_t *v = p->plane[2] + (size_t)y0 / 2 * (size_t)p->stride[2];
		r = (f->format == FRAME_BGRX ? ARGBToI420 : ABGRToI420)(pixels, from, y,
			p->stride[0], u, p->stride[1], v, p->stride[2], width, rows);
	}
	return r ? PF_E_INVALID : PF_OK;
}

/* Repeats the last column and row of an odd picture; chroma has them already. */
static void pad_luma(uint8_t *luma, size_t stride, uint32_t width, uint32_t height)
{
	if (width & 1)
		for (uint32_t y = 0; y < height; y++)
			luma[y * stride + width] = luma[y * stride + width - 1];
	if (height & 1)
		memcpy(luma + height * stride, luma + (height - 1) * stride, (width + 1) & ~1u);
}

static int convert_damage(struct planes *p, const struct frame *f)
{
	int err = PF_OK;
	for (unsigned i = 0; i < f->damage.n_bands && err >= 0; i++) {
		/* A row of chroma is made of two of luma, so bands begin and end on even rows. */
		uint32_t y0 = f->damage.bands[i].y0 & ~1u;
		uint32_t y1 = (f->damage.bands[i].y1 + 1) & ~1u;
		if (y1 > f->height)
			y1 = f->height;
		if (y0 < y1)
			err = convert_rows(p, f, y0, (int)(y1 - y0));
	}
	return err;
}

/* by = 0: the planes hold this very picture; 1: the one before it. */
static bool holds(const struct planes *p, const struct frame *f, uint64_t by)
{
	return p->has_seq && f->source == p->last_source && f->seq == p->last_seq + by;
}

/* Of pixels that the CPU reads. */
static int fill_pixels(struct planes *p, const struct frame *f)
{
	bool same = holds(p, f, 0);
	bool follows = holds(p, f, 1) && f->damage.known && !f->y_invert;
	int err = PF_OK;
	p->has_seq = false;
	if (follows)
		err = convert_damage(p, f);
	else if (!same)
		err = convert_rows(p, f, 0, f->y_invert ? -(int)f->height : (int)f->height);
	if (err < 0)
		return err;
	pad_luma(p->plane[0], (size_t)p->stride[0], f->width, f->height);
	return PF_OK;
}

/* At the first picture: what there is for it depends on the size. */
static int open_gpu(struct planes *p, const struct frame *f)
{
	const struct planes_gpu_params params = {.width = f->width,
		.height = f->height,
		.matrix = p->colour[2],
		.full_range = p->colour[3]};
	size_t even_width = (f->width + 1) & ~1u, half_height = (f->height + 1) / 2;
	if (p->plane[2] && !p->gpu_uv)
		p->gpu_uv = malloc(even_width * half_height);
	if (p->plane[2] && !p->gpu_uv)
		return PF_E_NOMEM;
	return p->gpu ? PF_OK : planes_gpu_create(&p->gpu, &params);
}

static int fill_by_gpu(struct planes *p, const struct frame *f)
{
	const int even_width = (int)((f->width + 1) & ~1u),
		  half_height = (int)((f->height + 1) / 2);
	if (!p->plane[2])
		return planes_gpu_convert(
			p->gpu, f, p->plane[0], p->stride[0], p->plane[1], p->stride[1]);
	int err = planes_gpu_convert(p->gpu, f, p->plane[0], p->stride[0], p->gpu_uv, even_width);
	if (err >= 0)
		SplitUVPlane(p->gpu_uv, even_width, p->plane[1], p->stride[1], p->plane[2],
			p->stride[2], even_width / 2, half_height);
	return err;
}

static int fill_dmabuf(struct planes *p, const struct frame *f)
{
	struct frame view;
	if (holds(p, f, 0))
		return PF_OK;
	int err = open_gpu(p, f);
	if (err >= 0)
		err = fill_by_gpu(p, f);
	if (err != PF_E_UNSUPPORTED)
		return err;
	err = planes_gpu_map(p->gpu, f, &view);
	if (err < 0)
		return err;
	err = fill_pixels(p, &view);
	planes_gpu_unmap(f);
	return err;
}

int planes_fill(struct planes *p, const struct frame *f)
{
	int err = f->pixels ? fill_pixels(p, f) : fill_dmabuf(p, f);
	p->has_seq = err >= 0;
	p->last_seq = f->seq;
	p->last_source = f->source;
	return err;
}
