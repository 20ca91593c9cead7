/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/planes_gpu.h"

#include <stdlib.h>

#include "host/gpu/convert.h"
#include "host/gpu/display.h"
#include "host/gpu/dmabuf.h"

struct planes_gpu {
	struct gpu_convert *convert; /* NULL: there is no GPU, or it refused */
	struct dmabuf_maps maps;
};

int planes_gpu_create(struct planes_gpu **out, const struct planes_gpu_params *params)
{
	struct planes_gpu *g = calloc(1, sizeof(*g));
	if (!g)
		return PF_E_NOMEM;
	const struct gpu_display *d = gpu_importer();
	const struct gpu_convert_params wanted = {.width = params->width,
		.height = params->height,
		.matrix = params->matrix,
		.full_range = params->full_range};
	dmabuf_maps_init(&g->maps);
	if (d && gpu_convert_create(&g->convert, d, &wanted) < 0)
		g->convert = NULL;
	*out = g;
	return PF_OK;
}

void planes_gpu_destroy(struct planes_gpu *g)
{
	if (!g)
		return;
	gpu_convert_destroy(g->convert);
	dmabuf_maps_finish(&g->maps);
	free(g);
}

int planes_gpu_convert(struct planes_gpu *g, const struct frame *f, uint8_t *y, int y_stride,
	uint8_t *uv, int uv_stride)
{
	if (!g->convert)
		return PF_E_UNSUPPORTED;
	int err = gpu_convert_frame(g->convert, f, NULL, false);
	if (err >= 0)
		err = gpu_convert_read(g->convert, y, (uint32_t)y_stride, uv, (uint32_t)uv_stride);
	if (err >= 0 || err == PF_E_INVALID)
		return err;
	gpu_convert_destroy(g->convert);
	g->convert = NULL;
	gpu_importer_refuse(pf_strerror(err));
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
	view->damage = f->damage;
	return PF_OK;
}

void planes_gpu_unmap(const struct frame *f)
{
	dmabuf_end(f);
}
