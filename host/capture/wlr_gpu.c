/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/wlr_gpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wayland-client.h>

#include "host/capture/capture.h"
#include "host/gpu/dmabuf.h"
#include "host/gpu/gbm_api.h"
#include "host/gpu/node.h"
#include "linux-dmabuf-v1-client.h"

/* In the order of choice. */
static const struct {
	uint32_t fourcc;
	enum frame_format frame;
} formats[] = {
	{DMABUF_XR24, FRAME_BGRX},
	{DMABUF_AR24, FRAME_BGRX},
	{DMABUF_XB24, FRAME_RGBX},
	{DMABUF_AB24, FRAME_RGBX},
};

#define N_FORMATS (sizeof(formats) / sizeof(formats[0]))

static size_t rank_of(uint32_t fourcc)
{
	size_t i = 0;
	while (i < N_FORMATS && formats[i].fourcc != fourcc)
		i++;
	return i;
}

void wlr_gpu_init(struct wlr_gpu *g, const uint64_t *modifiers, uint32_t n)
{
	*g = (struct wlr_gpu){.node_fd = -1};
	g->n_imports = n < WLR_MAX_MODIFIERS ? n : WLR_MAX_MODIFIERS;
	for (uint32_t i = 0; i < g->n_imports; i++)
		g->imports[i] = modifiers[i];
}

/* --- what both sides can have --- */

static bool imports(const struct wlr_gpu *g, uint64_t modifier)
{
	bool found = modifier == DMABUF_LINEAR;
	for (uint32_t i = 0; i < g->n_imports; i++)
		found |= g->imports[i] == modifier;
	return found && modifier != DMABUF_INVALID;
}

void wlr_gpu_offer(const struct wlr_gpu *g, struct wlr_gpu_layout *l, uint32_t fourcc,
	const uint64_t *modifiers, size_t n)
{
	const size_t rank = rank_of(fourcc);
	if (rank == N_FORMATS || (l->n_modifiers && rank > rank_of(l->fourcc)))
		return;
	uint64_t both[WLR_MAX_MODIFIERS] = {0};
	uint32_t n_both = 0;
	for (size_t i = 0; i < n && n_both < WLR_MAX_MODIFIERS; i++)
		if (imports(g, modifiers[i]))
			both[n_both++] = modifiers[i];
	if (!n_both)
		return;
	l->fourcc = fourcc;
	l->n_modifiers = n_both;
	memcpy(l->modifiers, both, sizeof(both));
}

/* --- the GPU --- */

static void close_device(struct wlr_gpu *g)
{
	if (g->gbm)
		gpu_gbm()->device_destroy(g->gbm);
	if (g->node_fd >= 0)
		close(g->node_fd);
	g->gbm = NULL;
	g->node_fd = -1;
}

static int open_device(struct wlr_gpu *g, dev_t device)
{
	struct gpu_node nodes[GPU_MAX_NODES];
	struct stat st;
	const struct gbm_api *api = gpu_gbm();
	if (g->gbm && g->device == device)
		return PF_OK;
	close_device(g);
	if (!api)
		return PF_E_UNSUPPORTED;
	const unsigned n = gpu_nodes(nodes);
	for (unsigned i = 0; i < n && g->node_fd < 0; i++)
		if (stat(nodes[i].path, &st) == 0 && gpu_same_card(st.st_rdev, device))
			g->node_fd = gpu_node_open(nodes[i].path);
	g->gbm = g->node_fd >= 0 ? api->create_device(g->node_fd) : NULL;
	g->device = device;
	if (g->gbm)
		return PF_OK;
	close_device(g);
	return PF_E_UNSUPPORTED;
}

void wlr_gpu_finish(struct wlr_gpu *g)
{
	wlr_gpu_cancel(g);
	close_device(g);
}

/* --- buffers --- */

/* The descriptors keep the memory: the object of GBM is not needed any more. */
static int export(struct gbm_bo *bo, struct frame_dmabuf *d)
{
	const struct gbm_api *api = gpu_gbm();
	const int n = api->bo_get_plane_count(bo);
	d->modifier = api->bo_get_modifier(bo);
	if (n <= 0 || n > (int)FRAME_MAX_PLANES || d->modifier == DMABUF_INVALID)
		return PF_E_UNSUPPORTED;
	for (int i = 0; i < n; i++) {
		d->fd[i] = api->bo_get_fd_for_plane(bo, i);
		if (d->fd[i] < 0)
			return PF_E_IO;
		d->offset[i] = api->bo_get_offset(bo, i);
		d->stride[i] = api->bo_get_stride_for_plane(bo, i);
		d->n_planes++;
	}
	return PF_OK;
}

static int fill(const struct wlr_gpu *g, struct frame *f, const struct wlr_layout *l)
{
	const struct gbm_api *api = gpu_gbm();
	struct gbm_bo *bo = api->bo_create_with_modifiers(g->gbm, l->width, l->height,
		g->layout.fourcc, g->layout.modifiers, g->layout.n_modifiers);
	if (!bo)
		return PF_E_NOMEM;
	f->dmabuf.fourcc = g->layout.fourcc;
	const int err = export(bo, &f->dmabuf);
	api->bo_destroy(bo);
	f->width = l->width;
	f->height = l->height;
	f->stride = f->dmabuf.stride[0];
	f->format = formats[rank_of(g->layout.fourcc)].frame;
	return err;
}

static void drop_params(struct wlr_gpu *g, size_t i)
{
	if (!g->params[i])
		return;
	zwp_linux_buffer_params_v1_destroy(g->params[i]);
	g->params[i] = NULL;
	g->n_waiting--;
}

void wlr_gpu_cancel(struct wlr_gpu *g)
{
	const bool waited = g->n_waiting;
	for (size_t i = 0; i < WLR_POOL_BUFFERS; i++)
		drop_params(g, i);
	if (waited)
		wlr_pool_retire(g->pool);
}

static size_t index_of(const struct wlr_gpu *g, const struct zwp_linux_buffer_params_v1 *params)
{
	size_t i = 0;
	while (i < WLR_POOL_BUFFERS && g->params[i] != params)
		i++;
	pf_check(i < WLR_POOL_BUFFERS);
	return i;
}

static void params_created(
	void *data, struct zwp_linux_buffer_params_v1 *params, struct wl_buffer *buffer)
{
	struct wlr_gpu *g = data;
	const size_t i = index_of(g, params);
	g->pool->memory->buffers[i].wl = buffer;
	drop_params(g, i);
	if (!g->n_waiting)
		g->on_done(true, g->userdata);
}

static void params_failed(void *data, struct zwp_linux_buffer_params_v1 *params)
{
	struct wlr_gpu *g = data;
	g->failed = true;
	wlr_gpu_cancel(g);
	g->on_done(false, g->userdata);
}

static const struct zwp_linux_buffer_params_v1_listener params_listener = {
	.created = params_created,
	.failed = params_failed,
};

static int offer_buffer(struct wlr_gpu *g, size_t i, struct zwp_linux_dmabuf_v1 *dmabuf)
{
	const struct frame *f = &g->pool->memory->buffers[i].frame;
	const struct frame_dmabuf *d = &f->dmabuf;
	g->params[i] = zwp_linux_dmabuf_v1_create_params(dmabuf);
	if (!g->params[i])
		return PF_E_NOMEM;
	g->n_waiting++;
	zwp_linux_buffer_params_v1_add_listener(g->params[i], &params_listener, g);
	for (uint32_t k = 0; k < d->n_planes; k++)
		zwp_linux_buffer_params_v1_add(g->params[i], d->fd[k], k, d->offset[k],
			d->stride[k], (uint32_t)(d->modifier >> 32), (uint32_t)d->modifier);
	zwp_linux_buffer_params_v1_create(
		g->params[i], (int32_t)f->width, (int32_t)f->height, d->fourcc, 0);
	return PF_OK;
}

int wlr_gpu_make(struct wlr_gpu *g, struct wlr_pool *pool, struct zwp_linux_dmabuf_v1 *dmabuf,
	const struct wlr_layout *layout, const struct wlr_gpu_layout *gpu_layout,
	void (*on_done)(bool good, void *userdata), void *userdata)
{
	wlr_gpu_cancel(g);
	g->layout = *gpu_layout;
	g->pool = pool;
	g->on_done = on_done;
	g->userdata = userdata;
	int err = open_device(g, gpu_layout->device);
	if (err >= 0)
		err = wlr_pool_begin(pool, layout);
	for (size_t i = 0; i < WLR_POOL_BUFFERS && err >= 0; i++)
		err = fill(g, &pool->memory->buffers[i].frame, layout);
	for (size_t i = 0; i < WLR_POOL_BUFFERS && err >= 0; i++)
		err = offer_buffer(g, i, dmabuf);
	if (err < 0) {
		g->failed = true;
		wlr_gpu_cancel(g);
		wlr_pool_retire(pool);
	}
	return err;
}
