/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/wlr_cursor.h"

#include <string.h>

#include <wayland-client.h>

#include "ext-image-copy-capture-v1-client.h"
#include "host/base/log.h"
#include "host/capture/wlr_internal.h"
#include "host/media/clock.h"

#define MAX_FAILED 20u /* copies refused in a row before it is painted into the picture */
/* A pointer on the display has a shape: the compositor copies it with its next picture. */
#define SHAPE_NS  3000000000ull
#define USUAL_MHZ 60000u

static uint64_t frame_ns(const struct wlr *c)
{
	const uint32_t mhz = wlconn_refresh_mhz(&c->conn);
	return 1000000000000ull / (mhz ? mhz : USUAL_MHZ);
}

/* The person sees it all the same: the picture has it from here on (wlr.c). */
static void give_up(struct wlr *c, const char *why)
{
	if (!c->cursor.broken)
		log_warn("capture: the pointer's shape cannot be had from the compositor (%s): it "
			 "is "
			 "in the picture",
			why);
	c->cursor.broken = why;
}

static void end_frame(struct wlr_cursor *k)
{
	if (k->frame)
		ext_image_copy_capture_frame_v1_destroy(k->frame);
	k->frame = NULL;
	if (k->buffer)
		frame_unref(&k->buffer->frame);
	k->buffer = NULL;
}

/* --- the shape --- */

/* Where the last pixels are that are seen: some compositors draw it in the corner of a larger picture. */
static void find_edge(const struct wlr_buffer *b, uint32_t *width, uint32_t *height)
{
	*width = *height = 1;
	for (uint32_t y = 0; y < b->frame.height; y++) {
		const uint8_t *row = b->frame.pixels + (size_t)y * b->frame.stride;
		uint32_t x = b->frame.width;
		while (x && !row[(size_t)x * 4 - 1])
			x--;
		if (x)
			*height = y + 1;
		if (x > *width)
			*width = x;
	}
}

static uint32_t reach(int32_t hot, uint32_t edge, uint32_t side)
{
	return hot < 0 || (uint32_t)hot >= side || (uint32_t)hot < edge ? edge : (uint32_t)hot + 1;
}

static void take_shape(struct wlr_cursor *k)
{
	static const uint8_t bgra[4] = {2, 1, 0, 3}, rgba[4] = {0, 1, 2, 3};
	const struct frame *f = &k->buffer->frame;
	uint32_t width, height;
	struct cursor_shape *s;
	find_edge(k->buffer, &width, &height);
	width = reach(k->hot_x, width, f->width);
	height = reach(k->hot_y, height, f->height);
	if (cursor_shape_create(&s, 0, (uint16_t)width, (uint16_t)height) < 0)
		return; /* then the pointer keeps the shape that it had */
	for (uint32_t y = 0; y < height; y++)
		cursor_shape_set_row(s, y, f->pixels + (size_t)y * f->stride,
			f->format == FRAME_BGRX ? bgra : rgba);
	cursor_shape_seal(s, k->hot_x, k->hot_y);
	if (k->shape && k->shape->serial == s->serial) {
		cursor_shape_unref(s);
		return;
	}
	cursor_shape_unref(k->shape);
	k->shape = s;
	k->shape_told = false;
}

static void frame_transform(
	void *data, struct ext_image_copy_capture_frame_v1 *f, uint32_t transform)
{
}

static void frame_damage(void *data, struct ext_image_copy_capture_frame_v1 *f, int32_t x,
	int32_t y, int32_t width, int32_t height)
{
}

static void frame_presentation_time(void *data, struct ext_image_copy_capture_frame_v1 *f,
	uint32_t sec_hi, uint32_t sec_lo, uint32_t nsec)
{
}

static void frame_ready(void *data, struct ext_image_copy_capture_frame_v1 *f)
{
	struct wlr *c = data;
	struct wlr_cursor *k = &c->cursor;
	k->n_failed = 0;
	k->overdue_ns = UINT64_MAX;
	take_shape(k);
	end_frame(k);
	k->ask_ns = clock_now_ns() + frame_ns(c); /* the next is not shown earlier */
}

static void frame_failed(void *data, struct ext_image_copy_capture_frame_v1 *f, uint32_t reason)
{
	struct wlr *c = data;
	struct wlr_cursor *k = &c->cursor;
	end_frame(k);
	k->ask_ns = clock_now_ns() + frame_ns(c);
	if (++k->n_failed > MAX_FAILED)
		give_up(c, "it refuses to copy it");
}

static const struct ext_image_copy_capture_frame_v1_listener frame_listener = {
	.transform = frame_transform,
	.damage = frame_damage,
	.presentation_time = frame_presentation_time,
	.ready = frame_ready,
	.failed = frame_failed,
};

static void ask(struct wlr *c)
{
	struct wlr_cursor *k = &c->cursor;
	k->ask_ns = UINT64_MAX;
	if (!k->pool.memory || memcmp(&k->pool.layout, &k->wanted, sizeof(k->wanted)) != 0) {
		if (wlr_pool_make(&k->pool, c->shm, &k->wanted) < 0) {
			give_up(c, "no memory could be shared with it");
			return;
		}
	}
	k->buffer = wlr_pool_take(&k->pool);
	k->frame = k->buffer ? ext_image_copy_capture_session_v1_create_frame(k->pictures) : NULL;
	if (!k->frame) {
		end_frame(k);
		give_up(c, "the host is out of memory");
		return;
	}
	ext_image_copy_capture_frame_v1_add_listener(k->frame, &frame_listener, c);
	ext_image_copy_capture_frame_v1_attach_buffer(k->frame, k->buffer->wl);
	ext_image_copy_capture_frame_v1_damage_buffer(
		k->frame, 0, 0, (int32_t)k->wanted.width, (int32_t)k->wanted.height);
	ext_image_copy_capture_frame_v1_capture(k->frame);
}

static void pictures_buffer_size(
	void *data, struct ext_image_copy_capture_session_v1 *s, uint32_t width, uint32_t height)
{
	struct wlr *c = data;
	c->cursor.coming.width = width;
	c->cursor.coming.height = height;
}

/* One with alpha, of the two that frames can have. */
static void pictures_shm_format(
	void *data, struct ext_image_copy_capture_session_v1 *s, uint32_t format)
{
	struct wlr *c = data;
	if (format != WL_SHM_FORMAT_ARGB8888 && format != WL_SHM_FORMAT_ABGR8888)
		return;
	if (!c->cursor.has_format || format == WL_SHM_FORMAT_ARGB8888)
		c->cursor.coming.format = format;
	c->cursor.has_format = true;
}

static void pictures_dmabuf_device(
	void *data, struct ext_image_copy_capture_session_v1 *s, struct wl_array *device)
{
}

static void pictures_dmabuf_format(void *data, struct ext_image_copy_capture_session_v1 *s,
	uint32_t format, struct wl_array *modifiers)
{
}

static void pictures_done(void *data, struct ext_image_copy_capture_session_v1 *s)
{
	struct wlr *c = data;
	struct wlr_cursor *k = &c->cursor;
	struct wlr_layout l = k->coming;
	const bool has_format = k->has_format;
	k->coming = (struct wlr_layout){0};
	k->has_format = false;
	if (!l.width || !l.height)
		return; /* there is no pointer yet */
	if (l.width > CURSOR_MAX_SIDE || l.height > CURSOR_MAX_SIDE) {
		give_up(c, "it is larger than any pointer");
		return;
	}
	if (!has_format) {
		give_up(c, "it shares it in no format that is known here");
		return;
	}
	l.stride = l.width * 4;
	if (!memcmp(&l, &k->wanted, sizeof(l)))
		return;
	k->wanted = l;
	end_frame(k); /* its buffer would be refused */
	k->ask_ns = 0;
}

static void pictures_stopped(void *data, struct ext_image_copy_capture_session_v1 *s)
{
	struct wlr *c = data;
	give_up(c, "it stopped to share it");
}

static const struct ext_image_copy_capture_session_v1_listener pictures_listener = {
	.buffer_size = pictures_buffer_size,
	.shm_format = pictures_shm_format,
	.dmabuf_device = pictures_dmabuf_device,
	.dmabuf_format = pictures_dmabuf_format,
	.done = pictures_done,
	.stopped = pictures_stopped,
};

/* --- the place --- */

static void cursor_enter(void *data, struct ext_image_copy_capture_cursor_session_v1 *s)
{
	struct wlr *c = data;
	c->cursor.inside = true;
	if (!c->cursor.shape && c->cursor.overdue_ns == UINT64_MAX)
		c->cursor.overdue_ns = clock_now_ns() + SHAPE_NS;
}

static void cursor_leave(void *data, struct ext_image_copy_capture_cursor_session_v1 *s)
{
	struct wlr *c = data;
	c->cursor.inside = false;
	c->cursor.overdue_ns = UINT64_MAX;
}

static int32_t clamped(int32_t v)
{
	if (v < -CURSOR_MAX_POS)
		return -CURSOR_MAX_POS;
	return v > CURSOR_MAX_POS ? CURSOR_MAX_POS : v;
}

static void cursor_position(
	void *data, struct ext_image_copy_capture_cursor_session_v1 *s, int32_t x, int32_t y)
{
	struct wlr *c = data;
	c->cursor.now.x = clamped(x);
	c->cursor.now.y = clamped(y);
}

static void cursor_hotspot(
	void *data, struct ext_image_copy_capture_cursor_session_v1 *s, int32_t x, int32_t y)
{
	struct wlr *c = data;
	c->cursor.hot_x = x;
	c->cursor.hot_y = y;
}

static const struct ext_image_copy_capture_cursor_session_v1_listener cursor_listener = {
	.enter = cursor_enter,
	.leave = cursor_leave,
	.position = cursor_position,
	.hotspot = cursor_hotspot,
};

static bool same_state(const struct cursor_state *a, const struct cursor_state *b)
{
	return a->serial == b->serial && a->visible == b->visible && a->x == b->x && a->y == b->y;
}

/* Returns when there is something to tell; UINT64_MAX = it was told, or nothing changed. */
static uint64_t tell(struct wlr *c, uint64_t now_ns)
{
	struct wlr_cursor *k = &c->cursor;
	const struct capture_params *params = &c->base.params;
	k->now.visible = k->inside && k->shape && !k->broken;
	k->now.serial = k->shape ? k->shape->serial : 0;
	if (!k->was_told && !k->now.visible) /* nothing to take back */
		return UINT64_MAX;
	if (k->was_told && same_state(&k->told, &k->now))
		return UINT64_MAX;
	if (now_ns < k->next_tell_ns)
		return k->next_tell_ns;
	params->on_cursor(k->shape_told ? NULL : k->shape, &k->now, params->userdata);
	k->shape_told = k->was_told = true;
	k->told = k->now;
	k->next_tell_ns = now_ns + frame_ns(c);
	return UINT64_MAX;
}

/* --- for wlr.c --- */

static void open_session(struct wlr *c)
{
	struct wlr_cursor *k = &c->cursor;
	k->pointer = wl_seat_get_pointer(c->seat);
	if (k->pointer)
		k->session = ext_image_copy_capture_manager_v1_create_pointer_cursor_session(
			c->images, c->source, k->pointer);
	if (k->session)
		k->pictures = ext_image_copy_capture_cursor_session_v1_get_capture_session(
			k->session);
	if (!k->pictures) {
		give_up(c, "the host is out of memory");
		return;
	}
	ext_image_copy_capture_cursor_session_v1_add_listener(k->session, &cursor_listener, c);
	ext_image_copy_capture_session_v1_add_listener(k->pictures, &pictures_listener, c);
}

static void close_session(struct wlr *c)
{
	struct wlr_cursor *k = &c->cursor;
	end_frame(k);
	if (k->pictures)
		ext_image_copy_capture_session_v1_destroy(k->pictures);
	if (k->session)
		ext_image_copy_capture_cursor_session_v1_destroy(k->session);
	if (k->pointer)
		wl_pointer_release(k->pointer);
	k->pictures = NULL;
	k->session = NULL;
	k->pointer = NULL;
	k->wanted = k->coming = (struct wlr_layout){0};
	k->has_format = k->inside = false;
	k->n_failed = 0;
	k->ask_ns = k->overdue_ns = UINT64_MAX;
}

void wlr_cursor_begin(struct wlr *c)
{
	c->cursor.ask_ns = c->cursor.overdue_ns = UINT64_MAX;
	c->cursor.open = true;
}

void wlr_cursor_end(struct wlr *c)
{
	if (!c->cursor.open)
		return;
	close_session(c);
	c->cursor.open = false;
	c->cursor.next_tell_ns = 0;
	tell(c, clock_now_ns()); /* nobody draws it any more */
}

uint64_t wlr_cursor_turn(struct wlr *c, uint64_t now_ns)
{
	struct wlr_cursor *k = &c->cursor;
	if (!k->open)
		return UINT64_MAX;
	if (c->seat_has_pointer && !k->pointer && !k->broken)
		open_session(c);
	else if (!c->seat_has_pointer && k->pointer)
		close_session(c);
	if (now_ns >= k->overdue_ns)
		give_up(c, "it brings none");
	if (k->pictures && k->inside && !k->frame && !k->broken && now_ns >= k->ask_ns)
		ask(c);
	uint64_t due_ns = tell(c, now_ns);
	if (k->inside && k->ask_ns < due_ns)
		due_ns = k->ask_ns;
	return k->overdue_ns < due_ns ? k->overdue_ns : due_ns;
}

void wlr_cursor_finish(struct wlr *c)
{
	wlr_cursor_end(c);
	wlr_pool_retire(&c->cursor.pool);
	cursor_shape_unref(c->cursor.shape);
	c->cursor = (struct wlr_cursor){.ask_ns = UINT64_MAX, .overdue_ns = UINT64_MAX};
}
