/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include <wayland-client.h>

#include "host/capture/wlr_internal.h"
#include "wlr-screencopy-unstable-v1-client.h"

/* wlr-screencopy: every picture is an object, which tells the layout first. sway before 1.11, and others of its age. */

static void frame_buffer(void *data, struct zwlr_screencopy_frame_v1 *f, uint32_t format,
	uint32_t width, uint32_t height, uint32_t stride)
{
	struct wlr *c = data;
	c->offered = (struct wlr_layout){format, width, height, stride};
	c->has_offer = true;
}

static void frame_linux_dmabuf(void *data, struct zwlr_screencopy_frame_v1 *f, uint32_t format,
	uint32_t width, uint32_t height)
{
}

static void frame_buffer_done(void *data, struct zwlr_screencopy_frame_v1 *f)
{
	struct wlr *c = data;
	if (!c->has_offer) {
		wlr_lose(c, PF_E_UNSUPPORTED, "the compositor shares pictures only through a GPU");
		return;
	}
	if (c->buffer || !wlr_fit_pool(c, &c->offered) || !wlr_take_buffer(c))
		return;
	if (c->fresh)
		zwlr_screencopy_frame_v1_copy(f, c->buffer->wl);
	else
		zwlr_screencopy_frame_v1_copy_with_damage(f, c->buffer->wl);
	c->fresh = false;
}

static void frame_flags(void *data, struct zwlr_screencopy_frame_v1 *f, uint32_t flags)
{
	struct wlr *c = data;
	c->y_invert = flags & ZWLR_SCREENCOPY_FRAME_V1_FLAGS_Y_INVERT;
}

static void frame_damage(void *data, struct zwlr_screencopy_frame_v1 *f, uint32_t x, uint32_t y,
	uint32_t width, uint32_t height)
{
	wlr_add_damage(data, y, height);
}

static void end(struct wlr *c)
{
	if (c->request)
		zwlr_screencopy_frame_v1_destroy(c->request);
	c->request = NULL;
}

static void frame_ready(void *data, struct zwlr_screencopy_frame_v1 *f, uint32_t sec_hi,
	uint32_t sec_lo, uint32_t nsec)
{
	struct wlr *c = data;
	end(c);
	wlr_deliver(c, wlr_stamp(sec_hi, sec_lo, nsec));
}

static void frame_failed(void *data, struct zwlr_screencopy_frame_v1 *f)
{
	wlr_refused(data);
}

static const struct zwlr_screencopy_frame_v1_listener frame_listener = {
	.buffer = frame_buffer,
	.flags = frame_flags,
	.ready = frame_ready,
	.failed = frame_failed,
	.damage = frame_damage,
	.linux_dmabuf = frame_linux_dmabuf,
	.buffer_done = frame_buffer_done,
};

static void ask(struct wlr *c)
{
	c->has_offer = false;
	c->request = zwlr_screencopy_manager_v1_capture_output(
		c->screencopy, c->paints, c->conn.output);
	if (c->request)
		zwlr_screencopy_frame_v1_add_listener(c->request, &frame_listener, c);
	else
		wlr_lose(c, PF_E_NOMEM, "the host is out of memory");
}

static bool is_there(const struct wlr *c)
{
	return c->screencopy;
}

static void begin(struct wlr *c)
{
	(void)c;
}

const struct wlr_way wlr_screencopy_way = {
	.name = "wlr-screencopy",
	.is_there = is_there,
	.begin = begin,
	.ask = ask,
	.end = end,
	.finish = end,
};
