/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>
#include <sys/sysmacros.h>

#include <wayland-client.h>

#include "ext-image-capture-source-v1-client.h"
#include "ext-image-copy-capture-v1-client.h"
#include "host/base/log.h"
#include "host/capture/wlr_internal.h"
#include "host/gpu/node.h"

/*
 * ext-image-copy-capture: a session tells what buffers it wants, once and whenever that changes; a picture is copied
 * into a buffer of ours, which may lack some of the pictures before. sway 1.11 and later.
 */

/* --- what buffers the compositor wants --- */

static void session_buffer_size(
	void *data, struct ext_image_copy_capture_session_v1 *s, uint32_t width, uint32_t height)
{
	struct wlr *c = data;
	c->coming.width = width;
	c->coming.height = height;
}

static void session_shm_format(
	void *data, struct ext_image_copy_capture_session_v1 *s, uint32_t format)
{
	struct wlr *c = data;
	if (wlr_pool_format_rank(format) < 0 ||
		(c->has_format &&
			wlr_pool_format_rank(format) >= wlr_pool_format_rank(c->coming.format)))
		return;
	c->coming.format = format;
	c->has_format = true;
}

static void session_dmabuf_device(
	void *data, struct ext_image_copy_capture_session_v1 *s, struct wl_array *device)
{
	struct wlr *c = data;
	dev_t id;
	c->gpu_coming.has_device = device->size == sizeof(id);
	if (c->gpu_coming.has_device)
		memcpy(&c->gpu_coming.device, device->data, sizeof(id));
}

static void session_dmabuf_format(void *data, struct ext_image_copy_capture_session_v1 *s,
	uint32_t format, struct wl_array *modifiers)
{
	struct wlr *c = data;
	if (c->dmabuf)
		wlr_gpu_offer(&c->gpu, &c->gpu_coming, format, modifiers->data,
			modifiers->size / sizeof(uint64_t));
}

static void ask(struct wlr *c);

static bool is_other_gpu(const struct wlr *c, const struct wlr_gpu_layout *l)
{
	const dev_t ours = c->base.params.device;
	return l->has_device && ours && !gpu_same_card(l->device, ours);
}

static bool can_use_gpu(const struct wlr *c, const struct wlr_gpu_layout *l)
{
	return c->dmabuf && !c->gpu.failed && l->has_device && l->n_modifiers &&
		!is_other_gpu(c, l);
}

static void warn_of_other_gpu(struct wlr *c)
{
	if (c->told_other_gpu || !c->dmabuf || !is_other_gpu(c, &c->gpu_coming))
		return;
	c->told_other_gpu = true;
	log_warn("capture: the compositor draws on another GPU (device %u:%u) than the one that "
		 "encodes: pictures go through shared memory. PUNKTFUNK_GPU=/dev/dri/renderD* of "
		 "that one keeps them on it",
		major(c->gpu_coming.device), minor(c->gpu_coming.device));
}

static void session_done(void *data, struct ext_image_copy_capture_session_v1 *s)
{
	struct wlr *c = data;
	struct wlr_layout *l = &c->coming;
	warn_of_other_gpu(c);
	if (!c->has_format && !can_use_gpu(c, &c->gpu_coming)) {
		wlr_lose(c, PF_E_UNSUPPORTED,
			"the compositor shares pictures only through a GPU, or in pixel formats "
			"that are not known here");
		return;
	}
	if (!l->width || l->width > CAPTURE_MAX_SIZE || !l->height ||
		l->height > CAPTURE_MAX_SIZE) {
		wlr_lose(c, PF_E_INVALID,
			"the compositor's pictures have a size that is out of range");
		return;
	}
	l->stride = l->width * 4;
	if (!c->has_format)
		l->format = WLR_NO_FORMAT;
	const bool same = c->has_constraints && !memcmp(l, &c->wanted, sizeof(*l)) &&
		!memcmp(&c->gpu_coming, &c->gpu_wanted, sizeof(c->gpu_wanted));
	c->wanted = *l;
	c->gpu_wanted = c->gpu_coming;
	c->has_constraints = true;
	memset(l, 0, sizeof(*l));
	memset(&c->gpu_coming, 0, sizeof(c->gpu_coming));
	c->has_format = false;
	if (same)
		return;
	/* What is pending has a buffer that the compositor would refuse. */
	wlr_image_way.end(c);
	wlr_drop_buffer(c);
	if (c->retry_ns == UINT64_MAX)
		ask(c);
}

static void session_stopped(void *data, struct ext_image_copy_capture_session_v1 *s)
{
	wlr_lose(data, PF_E_CLOSED, "the display that was streamed is gone");
}

static const struct ext_image_copy_capture_session_v1_listener session_listener = {
	.buffer_size = session_buffer_size,
	.shm_format = session_shm_format,
	.dmabuf_device = session_dmabuf_device,
	.dmabuf_format = session_dmabuf_format,
	.done = session_done,
	.stopped = session_stopped,
};

/* --- a picture --- */

static void frame_transform(
	void *data, struct ext_image_copy_capture_frame_v1 *f, uint32_t transform)
{
	struct wlr *c = data;
	c->y_invert = transform == WL_OUTPUT_TRANSFORM_FLIPPED_180;
}

static void frame_damage(void *data, struct ext_image_copy_capture_frame_v1 *f, int32_t x,
	int32_t y, int32_t width, int32_t height)
{
	wlr_add_damage(data, y, height);
}

static void frame_presentation_time(void *data, struct ext_image_copy_capture_frame_v1 *f,
	uint32_t sec_hi, uint32_t sec_lo, uint32_t nsec)
{
	struct wlr *c = data;
	c->presented_ns = wlr_stamp(sec_hi, sec_lo, nsec);
}

static void end(struct wlr *c)
{
	if (c->frame)
		ext_image_copy_capture_frame_v1_destroy(c->frame);
	c->frame = NULL;
}

static void frame_ready(void *data, struct ext_image_copy_capture_frame_v1 *f)
{
	struct wlr *c = data;
	end(c);
	c->fresh = false;
	wlr_deliver(c, c->presented_ns);
}

static void frame_failed(void *data, struct ext_image_copy_capture_frame_v1 *f, uint32_t reason)
{
	if (reason == EXT_IMAGE_COPY_CAPTURE_FRAME_V1_FAILURE_REASON_STOPPED)
		wlr_lose(data, PF_E_CLOSED, "the display that was streamed is gone");
	wlr_refused(data);
}

static const struct ext_image_copy_capture_frame_v1_listener frame_listener = {
	.transform = frame_transform,
	.damage = frame_damage,
	.presentation_time = frame_presentation_time,
	.ready = frame_ready,
	.failed = frame_failed,
};

/* The rows that this buffer lacks; the compositor adds what it draws until the copy. */
static void damage_buffer(const struct wlr *c)
{
	const struct frame_damage *d = &c->buffer->missing;
	const int32_t width = (int32_t)c->wanted.width;
	if (!d->known)
		ext_image_copy_capture_frame_v1_damage_buffer(
			c->frame, 0, 0, width, (int32_t)c->wanted.height);
	for (unsigned i = 0; d->known && i < d->n_bands; i++)
		ext_image_copy_capture_frame_v1_damage_buffer(c->frame, 0, (int32_t)d->bands[i].y0,
			width, (int32_t)(d->bands[i].y1 - d->bands[i].y0));
}

/* The compositor has looked at the GPU's buffers. */
static void gpu_buffers_done(bool good, void *userdata)
{
	struct wlr *c = userdata;
	if (!good)
		log_warn("capture: the compositor does not take buffers of the GPU; going on with "
			 "shared "
			 "memory");
	if (!c->frame && c->retry_ns == UINT64_MAX)
		ask(c);
}

/* False: there are none yet, and gpu_buffers_done() asks; or it is lost. */
static bool fit_pool(struct wlr *c)
{
	if (!can_use_gpu(c, &c->gpu_wanted))
		return wlr_fit_pool(c, &c->wanted);
	if (c->gpu.n_waiting)
		return false;
	if (c->pool.memory && !c->pool.memory->map &&
		!memcmp(&c->pool.layout, &c->wanted, sizeof(c->wanted)) &&
		!memcmp(&c->gpu.layout, &c->gpu_wanted, sizeof(c->gpu_wanted)))
		return true;
	c->fresh = true;
	const int err = wlr_gpu_make(
		&c->gpu, &c->pool, c->dmabuf, &c->wanted, &c->gpu_wanted, gpu_buffers_done, c);
	if (err >= 0)
		return false;
	log_info("capture: no memory of the GPU for the compositor (%s); going on with shared "
		 "memory",
		pf_strerror(err));
	return wlr_fit_pool(c, &c->wanted);
}

static void ask(struct wlr *c)
{
	/* Until the first `done` there is nothing to ask for; that event asks. */
	if (!c->has_constraints || !fit_pool(c) || !wlr_take_buffer(c))
		return;
	c->frame = ext_image_copy_capture_session_v1_create_frame(c->session);
	if (!c->frame) {
		wlr_lose(c, PF_E_NOMEM, "the host is out of memory");
		return;
	}
	ext_image_copy_capture_frame_v1_add_listener(c->frame, &frame_listener, c);
	c->presented_ns = 0;
	ext_image_copy_capture_frame_v1_attach_buffer(c->frame, c->buffer->wl);
	damage_buffer(c);
	ext_image_copy_capture_frame_v1_capture(c->frame);
}

static bool is_there(const struct wlr *c)
{
	return c->images && c->sources;
}

static void begin(struct wlr *c)
{
	c->has_constraints = c->has_format = false;
	memset(&c->gpu_coming, 0, sizeof(c->gpu_coming));
	c->source = ext_output_image_capture_source_manager_v1_create_source(
		c->sources, c->conn.output);
	c->session = c->source
		? ext_image_copy_capture_manager_v1_create_session(c->images, c->source,
			  c->paints ? EXT_IMAGE_COPY_CAPTURE_MANAGER_V1_OPTIONS_PAINT_CURSORS : 0)
		: NULL;
	if (c->session)
		ext_image_copy_capture_session_v1_add_listener(c->session, &session_listener, c);
	else
		wlr_lose(c, PF_E_NOMEM, "the host is out of memory");
	if (c->session && c->apart)
		wlr_cursor_begin(c);
}

static void finish(struct wlr *c)
{
	end(c);
	wlr_cursor_end(c);
	if (c->session)
		ext_image_copy_capture_session_v1_destroy(c->session);
	if (c->source)
		ext_image_capture_source_v1_destroy(c->source);
	wlr_gpu_cancel(&c->gpu);
	c->session = NULL;
	c->source = NULL;
}

const struct wlr_way wlr_image_way = {
	.name = "ext-image-copy-capture",
	.is_there = is_there,
	.begin = begin,
	.ask = ask,
	.end = end,
	.finish = finish,
};
