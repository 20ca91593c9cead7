/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <wayland-client.h>

#include "host/base/log.h"
#include "host/base/thread.h"
#include "host/capture/capture.h"
#include "host/capture/wlr_pool.h"
#include "host/media/clock.h"
#include "host/wayland/wlconn.h"
#include "wlr-screencopy-unstable-v1-client.h"

/*
 * wlr-screencopy straight from the compositor, driven by damage: one request is always pending, and the
 * compositor answers it when it has drawn something new. One connection and one thread a capture.
 */

#define MAX_FAILED	   50u /* copies refused in a row before the output counts as lost */
#define RETRY_MS	   5   /* after a refused copy, or while consumers hold every buffer */
#define SCREENCOPY_VERSION 3u  /* the first with buffer_done */

struct wlr {
	struct capture base;
	char display_name[128], output_name[64];
	struct thread thread;
	int wake_fd;
	_Atomic bool quit;

	/* the thread's while it runs */
	struct wlconn conn;
	struct wlconn_bind binds[2];
	struct wl_shm *shm;
	struct zwlr_screencopy_manager_v1 *manager;
	struct wlr_pool pool;
	struct zwlr_screencopy_frame_v1 *request; /* the one that is pending */
	struct wlr_layout offered;
	bool has_offer, fresh; /* fresh: the next copy is made whether or not anything changed */
	struct wlr_buffer *buffer; /* being copied into */
	bool y_invert;
	struct frame_damage damage;
	unsigned n_failed;
	uint64_t retry_ns; /* UINT64_MAX = no retry due */
	uint64_t seq;
	const char *lost; /* why it cannot go on */
	int lost_err;
};

static struct wlr *wlr_from(struct capture *base)
{
	pf_check(base->impl == &capture_wlr_impl);
	return (struct wlr *)base;
}

static void lose(struct wlr *c, int err, const char *why)
{
	if (c->lost)
		return;
	c->lost = why;
	c->lost_err = err;
}

/* --- copying --- */

static void ask_for_picture(struct wlr *c);

static void end_request(struct wlr *c)
{
	if (c->request)
		zwlr_screencopy_frame_v1_destroy(c->request);
	c->request = NULL;
	if (c->buffer)
		frame_unref(&c->buffer->frame);
	c->buffer = NULL;
}

static void retry_later(struct wlr *c)
{
	end_request(c);
	c->retry_ns = clock_now_ns() + RETRY_MS * 1000000ull;
}

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

static bool fit_pool(struct wlr *c)
{
	if (c->pool.memory && !memcmp(&c->pool.layout, &c->offered, sizeof(c->offered)))
		return true;
	c->fresh = true;
	int err = wlr_pool_make(&c->pool, c->shm, &c->offered);
	if (err == PF_E_UNSUPPORTED)
		lose(c, err, "the compositor draws in a pixel format that is not known here");
	else if (err < 0)
		lose(c, err, "no memory could be shared with the compositor");
	return err >= 0;
}

static void frame_buffer_done(void *data, struct zwlr_screencopy_frame_v1 *f)
{
	struct wlr *c = data;
	if (!c->has_offer) {
		lose(c, PF_E_UNSUPPORTED, "the compositor shares pictures only through a GPU");
		return;
	}
	if (!fit_pool(c))
		return;
	c->buffer = wlr_pool_take(&c->pool);
	if (!c->buffer) {
		atomic_fetch_add_explicit(&c->base.n_skipped, 1, memory_order_relaxed);
		retry_later(c);
		return;
	}
	/* Without a copy before it, or with one that failed, there is nothing that damage could refer to. */
	c->damage = (struct frame_damage){.known = !c->fresh};
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
	struct wlr *c = data;
	uint32_t rows = c->pool.layout.height;
	if (y >= rows)
		return;
	frame_damage_add(&c->damage, y, height > rows - y ? rows : y + height);
}

/* The compositor's stamp, if it can be one of CLOCK_MONOTONIC: not later than now, not older than a second. */
static uint64_t presented(uint32_t sec_hi, uint32_t sec_lo, uint32_t nsec, uint64_t now_ns)
{
	uint64_t at = ((uint64_t)sec_hi << 32 | sec_lo) * 1000000000u + nsec;
	return at <= now_ns && now_ns - at < 1000000000u ? at : now_ns;
}

static void frame_ready(void *data, struct zwlr_screencopy_frame_v1 *f, uint32_t sec_hi,
	uint32_t sec_lo, uint32_t nsec)
{
	struct wlr *c = data;
	struct wlr_buffer *b = c->buffer;
	c->buffer = NULL;
	c->n_failed = 0;
	end_request(c);
	if (!b)
		return;
	b->frame.y_invert = c->y_invert;
	b->frame.seq = c->seq++;
	b->frame.damage = c->damage;
	b->frame.times.captured_ns = clock_now_ns();
	b->frame.times.presented_ns = presented(sec_hi, sec_lo, nsec, b->frame.times.captured_ns);
	atomic_fetch_add_explicit(&c->base.n_frames, 1, memory_order_relaxed);
	/* The next picture is asked for first: the compositor may be drawing it already. */
	ask_for_picture(c);
	wl_display_flush(c->conn.display);
	c->base.params.on_frame(&b->frame, c->base.params.userdata);
	frame_unref(&b->frame);
}

static void frame_failed(void *data, struct zwlr_screencopy_frame_v1 *f)
{
	struct wlr *c = data;
	c->fresh = true;
	if (++c->n_failed > MAX_FAILED)
		lose(c, PF_E_IO, "the compositor refuses to copy the display");
	retry_later(c);
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

static void ask_for_picture(struct wlr *c)
{
	c->retry_ns = UINT64_MAX;
	c->has_offer = false;
	c->y_invert = false;
	c->request = zwlr_screencopy_manager_v1_capture_output(
		c->manager, c->base.params.cursor, c->conn.output);
	if (c->request)
		zwlr_screencopy_frame_v1_add_listener(c->request, &frame_listener, c);
	else
		lose(c, PF_E_NOMEM, "the host is out of memory");
}

/* --- connection --- */

static void turn(struct wlr *c, int timeout_ms)
{
	int err = wlconn_turn(&c->conn, timeout_ms, c->wake_fd);
	if (c->conn.output_gone)
		lose(c, PF_E_CLOSED, "the display that was streamed is gone");
	if (err < 0)
		lose(c, err, "the compositor is gone");
}

static int connect_compositor(struct wlr *c)
{
	c->binds[0] = (struct wlconn_bind){&wl_shm_interface, 1, (void **)&c->shm};
	c->binds[1] = (struct wlconn_bind){
		&zwlr_screencopy_manager_v1_interface, SCREENCOPY_VERSION, (void **)&c->manager};
	int err = wlconn_open(&c->conn, c->display_name, c->output_name, c->binds, 2);
	if (err < 0) {
		log_error("capture: no compositor answers at '%s': is it still running?",
			c->display_name);
		return err;
	}
	if (!c->shm || !c->manager) {
		log_error("capture: the compositor has no wlr-screencopy (version %u): use sway or "
			  "another compositor made of wlroots",
			SCREENCOPY_VERSION);
		return PF_E_UNSUPPORTED;
	}
	if (!c->conn.output) {
		log_error("capture: the compositor has no display named '%s'", c->output_name);
		return PF_E_IO;
	}
	return PF_OK;
}

static void run(void *userdata)
{
	struct wlr *c = userdata;
	c->fresh = true;
	ask_for_picture(c);
	while (!atomic_load(&c->quit) && !c->lost) {
		uint64_t now_ns = clock_now_ns();
		if (c->retry_ns <= now_ns)
			ask_for_picture(c);
		/* turn() leaves nothing undispatched, so nothing can change between this choice and the wait. */
		turn(c, c->retry_ns == UINT64_MAX ? -1 : RETRY_MS);
	}
	end_request(c);
	if (c->lost && !atomic_load(&c->quit) && c->base.params.on_lost)
		c->base.params.on_lost(c->lost_err, c->lost, c->base.params.userdata);
}

/* --- the backend --- */

static void wlr_destroy(struct capture *base)
{
	struct wlr *c = wlr_from(base);
	wlr_pool_retire(&c->pool);
	if (c->manager)
		zwlr_screencopy_manager_v1_destroy(c->manager);
	if (c->shm)
		wl_shm_destroy(c->shm);
	wlconn_close(&c->conn);
	if (c->wake_fd >= 0)
		close(c->wake_fd);
	free(c);
}

static int wlr_create(struct capture **out, const struct capture_params *params)
{
	struct wlr *c = calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	c->base.impl = &capture_wlr_impl;
	c->base.caps = (struct capture_caps){.damage_driven = true, .resizes = true};
	c->base.params = *params;
	c->retry_ns = UINT64_MAX;
	int n = snprintf(c->display_name, sizeof(c->display_name), "%s",
		params->wayland_display ? params->wayland_display : "");
	int m = snprintf(c->output_name, sizeof(c->output_name), "%s",
		params->output_name ? params->output_name : "");
	c->base.params.wayland_display = c->display_name;
	c->base.params.output_name = c->output_name;
	int err = PF_E_INVALID;
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0)
		err = pf_error_from_errno(errno);
	else if (n < (int)sizeof(c->display_name) && m < (int)sizeof(c->output_name))
		err = connect_compositor(c);
	if (err < 0) {
		wlr_destroy(&c->base);
		return err;
	}
	*out = &c->base;
	return PF_OK;
}

static int wlr_start(struct capture *base)
{
	struct wlr *c = wlr_from(base);
	atomic_store(&c->quit, false);
	return thread_start(&c->thread, "pf-capture", THREAD_MEDIA, run, c);
}

static void wlr_stop(struct capture *base)
{
	struct wlr *c = wlr_from(base);
	uint64_t one = 1;
	atomic_store(&c->quit, true);
	ssize_t n = write(c->wake_fd, &one, sizeof(one));
	(void)n;
	thread_join(&c->thread);
	n = read(c->wake_fd, &one, sizeof(one));
	(void)n;
}

const struct capture_impl capture_wlr_impl = {
	.name = "wlr",
	.create = wlr_create,
	.destroy = wlr_destroy,
	.start = wlr_start,
	.stop = wlr_stop,
};
