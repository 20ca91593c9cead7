/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <wayland-client.h>

#include "ext-image-capture-source-v1-client.h"
#include "ext-image-copy-capture-v1-client.h"
#include "host/base/log.h"
#include "host/capture/wlr_internal.h"
#include "host/media/clock.h"
#include "linux-dmabuf-v1-client.h"
#include "wlr-screencopy-unstable-v1-client.h"

/*
 * Pictures straight from the compositor, driven by damage: one request is always pending, and the compositor answers
 * it when it has drawn something new. One connection and one thread a capture.
 */

#define MAX_FAILED	   50u /* copies refused in a row before the output counts as lost */
#define RETRY_MS	   5   /* after a refused copy, or while consumers hold every buffer */
#define SCREENCOPY_VERSION 3u  /* the first with buffer_done */
#define SEAT_VERSION	   3u  /* the first whose pointers can be given back */
/* The first picture is what there is: a compositor that draws answers with its next frame. */
#define FIRST_PICTURE_NS 3000000000ull

/* In the order of choice. */
static const struct wlr_way *const ways[] = {&wlr_image_way, &wlr_screencopy_way};
#define N_WAYS (sizeof(ways) / sizeof(ways[0]))

static struct wlr *wlr_from(struct capture *base)
{
	pf_check(base->impl == &capture_wlr_impl);
	return (struct wlr *)base;
}

void wlr_lose(struct wlr *c, int err, const char *why)
{
	if (c->lost)
		return;
	c->lost = why;
	c->lost_err = err;
}

/* --- copying --- */

void wlr_drop_buffer(struct wlr *c)
{
	if (c->buffer) {
		c->buffer->missing.known = false; /* who knows how much was written */
		frame_unref(&c->buffer->frame);
	}
	c->buffer = NULL;
}

static void ask_for_picture(struct wlr *c)
{
	c->retry_ns = UINT64_MAX;
	c->y_invert = false;
	c->way->ask(c);
}

void wlr_retry_later(struct wlr *c)
{
	c->way->end(c);
	wlr_drop_buffer(c);
	c->retry_ns = clock_now_ns() + RETRY_MS * 1000000ull;
}

void wlr_refused(struct wlr *c)
{
	c->fresh = true;
	if (++c->n_failed > MAX_FAILED)
		wlr_lose(c, PF_E_IO, "the compositor refuses to copy the display: see its own log");
	wlr_retry_later(c);
}

bool wlr_fit_pool(struct wlr *c, const struct wlr_layout *layout)
{
	if (c->pool.memory && c->pool.memory->map &&
		!memcmp(&c->pool.layout, layout, sizeof(*layout)))
		return true;
	c->fresh = true;
	int err = wlr_pool_make(&c->pool, c->shm, layout);
	if (err == PF_E_UNSUPPORTED)
		wlr_lose(c, err, "the compositor draws in a pixel format that is not known here");
	else if (err == PF_E_INVALID)
		wlr_lose(c, err, "the compositor's pictures have a size that is out of range");
	else if (err < 0)
		wlr_lose(c, err, "no memory could be shared with the compositor");
	return err >= 0;
}

bool wlr_take_buffer(struct wlr *c)
{
	c->buffer = wlr_pool_take(&c->pool);
	if (!c->buffer) {
		atomic_fetch_add_explicit(&c->base.n_skipped, 1, memory_order_relaxed);
		wlr_retry_later(c);
		return false;
	}
	/* Without a copy before it, or with one that failed, there is nothing that damage could refer to. */
	c->damage = (struct frame_damage){.known = !c->fresh};
	return true;
}

void wlr_add_damage(struct wlr *c, int64_t y, int64_t height)
{
	const int64_t rows = c->pool.layout.height;
	const int64_t from = y < 0 ? 0 : y, to = y + height > rows ? rows : y + height;
	if (from < to)
		frame_damage_add(&c->damage, (uint32_t)from, (uint32_t)to);
}

uint64_t wlr_stamp(uint32_t sec_hi, uint32_t sec_lo, uint32_t nsec)
{
	return ((uint64_t)sec_hi << 32 | sec_lo) * 1000000000u + nsec;
}

/* The compositor's stamp, if it can be one of CLOCK_MONOTONIC: not later than now, not older than a second. */
static uint64_t presented(uint64_t at_ns, uint64_t now_ns)
{
	return at_ns <= now_ns && now_ns - at_ns < 1000000000u ? at_ns : now_ns;
}

void wlr_deliver(struct wlr *c, uint64_t presented_ns)
{
	struct wlr_buffer *b = c->buffer;
	c->buffer = NULL;
	c->n_failed = 0;
	c->first_ns = UINT64_MAX;
	if (!b) {
		ask_for_picture(c);
		return;
	}
	b->frame.y_invert = c->y_invert;
	b->frame.seq = c->seq++;
	b->frame.damage = c->damage;
	b->frame.times.captured_ns = clock_now_ns();
	b->frame.times.presented_ns = presented(presented_ns, b->frame.times.captured_ns);
	wlr_pool_note_filled(&c->pool, b);
	atomic_fetch_add_explicit(&c->base.n_frames, 1, memory_order_relaxed);
	/* The next picture is asked for first: the compositor may be drawing it already. */
	ask_for_picture(c);
	wl_display_flush(c->conn.display);
	c->base.params.on_frame(&b->frame, c->base.params.userdata);
	frame_unref(&b->frame);
}

/* --- connection --- */

static void turn(struct wlr *c, int timeout_ms)
{
	int err = wlconn_turn(&c->conn, timeout_ms, c->wake_fd);
	if (c->conn.output_gone)
		wlr_lose(c, PF_E_CLOSED, "the display that was streamed is gone");
	if (err < 0)
		wlr_lose(c, err, "the compositor is gone: connect again when it runs");
}

static const struct wlr_way *find_way(const struct wlr *c, size_t from)
{
	for (size_t i = from; i < N_WAYS; i++)
		if (ways[i]->is_there(c))
			return ways[i];
	return NULL;
}

static void seat_capabilities(void *data, struct wl_seat *seat, uint32_t capabilities)
{
	struct wlr *c = data;
	c->seat_has_pointer = capabilities & WL_SEAT_CAPABILITY_POINTER;
}

static void seat_name(void *data, struct wl_seat *seat, const char *name)
{
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = seat_capabilities,
	.name = seat_name,
};

static int connect_compositor(struct wlr *c)
{
	c->binds[0] = (struct wlconn_bind){&wl_shm_interface, 1, (void **)&c->shm};
	c->binds[1] = (struct wlconn_bind){
		&zwlr_screencopy_manager_v1_interface, SCREENCOPY_VERSION, (void **)&c->screencopy};
	c->binds[2] = (struct wlconn_bind){
		&ext_image_copy_capture_manager_v1_interface, 1, (void **)&c->images};
	c->binds[3] = (struct wlconn_bind){
		&ext_output_image_capture_source_manager_v1_interface, 1, (void **)&c->sources};
	c->binds[4] = (struct wlconn_bind){
		&wl_seat_interface, SEAT_VERSION, (void **)&c->seat, &seat_listener, c};
	size_t n = 5;
	if (c->base.params.dmabuf)
		c->binds[n++] = (struct wlconn_bind){
			&zwp_linux_dmabuf_v1_interface, 3, (void **)&c->dmabuf};
	int err = wlconn_open(&c->conn, c->display_name, c->output_name, c->binds, n);
	if (err < 0) {
		log_error("capture: no compositor answers at '%s': is it still running?",
			c->display_name);
		return err;
	}
	c->way = find_way(c, 0);
	if (!c->shm || !c->way) {
		log_error("capture: the compositor has neither ext-image-copy-capture nor "
			  "wlr-screencopy (version %u): use sway or another compositor made of "
			  "wlroots",
			SCREENCOPY_VERSION);
		return PF_E_UNSUPPORTED;
	}
	if (!c->conn.output) {
		log_error("capture: the compositor has no display named '%s'", c->output_name);
		return PF_E_IO;
	}
	log_debug("capture: %s by %s", c->output_name, c->way->name);
	return PF_OK;
}

static bool wants_apart(const struct wlr *c)
{
	return c->base.caps.cursor && c->base.params.on_cursor && c->way == &wlr_image_way &&
		!atomic_load(&c->drawn) && !c->cursor.broken;
}

static void begin(struct wlr *c)
{
	c->fresh = true;
	c->n_failed = 0;
	c->first_ns = clock_now_ns() + FIRST_PICTURE_NS;
	c->apart = wants_apart(c);
	/* Who was promised it apart and does not get it so has it in the picture. */
	c->paints = atomic_load(&c->drawn) ||
		(c->base.caps.cursor && c->base.params.on_cursor && !c->apart);
	c->way->begin(c);
	ask_for_picture(c);
}

static void finish(struct wlr *c)
{
	c->way->finish(c);
	wlr_drop_buffer(c);
}

/* A way that has never brought a picture may be broken in this compositor where the other one works. */
static bool try_next_way(struct wlr *c)
{
	const struct wlr_way *next = c->way == ways[0] ? find_way(c, 1) : NULL;
	if (!next || c->first_ns == UINT64_MAX || c->conn.dead || c->conn.output_gone ||
		c->lost_err == PF_E_NOMEM)
		return false;
	log_warn("capture: %s brings no picture (%s); going on with %s", c->way->name, c->lost,
		next->name);
	finish(c);
	c->way = next;
	c->lost = NULL;
	begin(c);
	return true;
}

/* The next copy has or has not the pointer in it: a session is for one of both. */
static void follow_cursor(struct wlr *c)
{
	const uint64_t overdue_ns = c->first_ns;
	uint64_t many;
	if (atomic_exchange(&c->woken, false))
		(void)!read(c->wake_fd, &many, sizeof(many));
	if (wants_apart(c) == c->apart || c->lost)
		return;
	finish(c);
	begin(c);
	if (overdue_ns != UINT64_MAX && !c->cursor.broken)
		c->first_ns = overdue_ns;
}

static int wait_ms(const struct wlr *c, uint64_t now_ns, uint64_t due_ns)
{
	if (c->retry_ns != UINT64_MAX)
		return RETRY_MS;
	if (c->first_ns < due_ns)
		due_ns = c->first_ns;
	if (due_ns == UINT64_MAX)
		return -1;
	return due_ns > now_ns ? (int)((due_ns - now_ns) / 1000000u) + 1 : 0;
}

static void run(void *userdata)
{
	struct wlr *c = userdata;
	begin(c);
	while (!atomic_load(&c->quit) && (!c->lost || try_next_way(c))) {
		uint64_t now_ns = clock_now_ns();
		if (c->retry_ns <= now_ns)
			ask_for_picture(c);
		uint64_t due_ns = wlr_cursor_turn(c, now_ns);
		/* turn() leaves nothing undispatched, so nothing can change between this choice and the wait. */
		turn(c, wait_ms(c, now_ns, due_ns));
		follow_cursor(c);
		if (c->first_ns <= clock_now_ns())
			wlr_lose(c, PF_E_TIMEOUT,
				"the compositor makes no picture of the display: see whether the "
				"desktop hangs");
	}
	finish(c);
	wlr_cursor_finish(c);
	if (c->lost && !atomic_load(&c->quit) && c->base.params.on_lost)
		c->base.params.on_lost(c->lost_err, c->lost, c->base.params.userdata);
}

/* --- the backend --- */

static void wlr_destroy(struct capture *base)
{
	struct wlr *c = wlr_from(base);
	wlr_pool_retire(&c->pool);
	wlr_gpu_finish(&c->gpu);
	if (c->dmabuf)
		zwp_linux_dmabuf_v1_destroy(c->dmabuf);
	if (c->images)
		ext_image_copy_capture_manager_v1_destroy(c->images);
	if (c->sources)
		ext_output_image_capture_source_manager_v1_destroy(c->sources);
	if (c->screencopy)
		zwlr_screencopy_manager_v1_destroy(c->screencopy);
	if (c->shm)
		wl_shm_destroy(c->shm);
	if (c->seat)
		wl_seat_destroy(c->seat);
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
	atomic_init(&c->drawn, params->cursor);
	wlr_gpu_init(&c->gpu, params->modifiers, params->n_modifiers);
	c->base.params.modifiers = NULL; /* the caller's */
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
	c->base.caps.cursor = c->way == &wlr_image_way && c->seat;
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

static void wlr_draw_cursor(struct capture *base, bool drawn)
{
	struct wlr *c = wlr_from(base);
	const uint64_t one = 1;
	if (atomic_exchange(&c->drawn, drawn) == drawn)
		return;
	/* In this order: the thread empties wake_fd only when it sees `woken`. */
	(void)!write(c->wake_fd, &one, sizeof(one));
	atomic_store(&c->woken, true);
}

const struct capture_impl capture_wlr_impl = {
	.name = "wlr",
	.create = wlr_create,
	.destroy = wlr_destroy,
	.start = wlr_start,
	.stop = wlr_stop,
	.draw_cursor = wlr_draw_cursor,
};
