/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/planes_gpu.h"

#include <stdlib.h>

#include "host/gpu/convert.h"
#include "host/gpu/display.h"
#include "host/gpu/dmabuf.h"
#include "host/gpu/vulkan_convert.h"

struct planes_gpu {
	struct gpu_convert_params params;
	const struct gpu_display *display; /* NULL: there is no GPU, or each refused */
	struct gpu_convert *convert;	   /* EGL's */
	struct vulkan_convert *vulkan;	   /* or Vulkan's */
	struct dmabuf_maps maps;
};

static void close_converter(struct planes_gpu *g)
{
	gpu_convert_destroy(g->convert);
	vulkan_convert_destroy(g->vulkan);
	g->convert = NULL;
	g->vulkan = NULL;
	g->display = NULL;
}

/* The next one that has not refused. */
static void open_converter(struct planes_gpu *g)
{
	for (unsigned tries = 0; tries < 2 && !g->display; tries++) {
		const struct gpu_display *d = gpu_importer();
		if (!d)
			return;
		int err = d->vulkan ? vulkan_convert_create(&g->vulkan, d, &g->params)
				    : gpu_convert_create(&g->convert, d, &g->params);
		if (err >= 0)
			g->display = d;
		else
			gpu_importer_refuse(d, pf_strerror(err));
	}
}

int planes_gpu_create(struct planes_gpu **out, const struct planes_gpu_params *params)
{
	struct planes_gpu *g = calloc(1, sizeof(*g));
	if (!g)
		return PF_E_NOMEM;
	g->params = (struct gpu_convert_params){.width = params->width,
		.height = params->height,
		.matrix = params->matrix,
		.full_range = params->full_range};
	dmabuf_maps_init(&g->maps);
	open_converter(g);
	*out = g;
	return PF_OK;
}

void planes_gpu_destroy(struct planes_gpu *g)
{
	if (!g)
		return;
	close_converter(g);
	dmabuf_maps_finish(&g->maps);
	free(g);
}

static int convert(struct planes_gpu *g, const struct frame *f, uint8_t *y, int y_stride,
	uint8_t *uv, int uv_stride)
{
	if (g->vulkan)
		return vulkan_convert_run(
			g->vulkan, f, y, (uint32_t)y_stride, uv, (uint32_t)uv_stride);
	int err = gpu_convert_frame(g->convert, f, NULL, false);
	return err < 0
		? err
		: gpu_convert_read(g->convert, y, (uint32_t)y_stride, uv, (uint32_t)uv_stride);
}

int planes_gpu_convert(struct planes_gpu *g, const struct frame *f, uint8_t *y, int y_stride,
	uint8_t *uv, int uv_stride)
{
	while (g->display) {
		int err = convert(g, f, y, y_stride, uv, uv_stride);
		if (err >= 0 || err == PF_E_INVALID)
			return err;
		gpu_importer_refuse(g->display, pf_strerror(err));
		close_converter(g);
		open_converter(g);
	}
	return PF_E_UNSUPPORTED;
}

int planes_gpu_map(struct planes_gpu *g, const struct frame *f, struct frame *view)
{
	int err = dmabuf_check(f);
	if (err < 0)
		return err;
	const uint8_t *pixels = dmabuf_begin(&g->maps, f);
	if (!pixels)
		return PF_E_UNSUPPORTED;
	frame_init(view);
	view->width = f->width;
	view->height = f->height;
	view->stride = f->dmabuf.stride[0];
	view->format = f->format;
	view->y_invert = f->y_invert;
	view->pixels = pixels;
	view->seq = f->seq;
	view->source = f->source;
	view->damage = f->damage;
	return PF_OK;
}

void planes_gpu_unmap(const struct frame *f)
{
	dmabuf_end(f);
}
