/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/fake_cursor.h"

#include <stdlib.h>

#include <wayland-server.h>

#include "ext-image-copy-capture-v1-server.h"
#include "tests/support/fake_compositor.h"

static void destroy_resource(struct wl_client *client, struct wl_resource *r)
{
	wl_resource_destroy(r);
}

/* --- the seat --- */

static void set_cursor(struct wl_client *client, struct wl_resource *r, uint32_t serial,
	struct wl_resource *surface, int32_t x, int32_t y)
{
}

static const struct wl_pointer_interface pointer_impl = {
	.set_cursor = set_cursor,
	.release = destroy_resource,
};

static void pointer_gone(struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	f->n_pointers--;
}

static void get_pointer(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (!f->seat_told) {
		wl_resource_post_error(r, 0, "there is no pointer");
		return;
	}
	struct wl_resource *p = wl_resource_create(
		client, &wl_pointer_interface, wl_resource_get_version(r), id);
	wl_resource_set_implementation(p, &pointer_impl, f, pointer_gone);
	f->n_pointers++;
}

static void get_other(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	wl_resource_post_error(r, 0, "there is none");
}

static const struct wl_seat_interface seat_impl = {
	.get_pointer = get_pointer,
	.get_keyboard = get_other,
	.get_touch = get_other,
	.release = destroy_resource,
};

static void seat_gone(struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (f->seat == r)
		f->seat = NULL;
}

static void bind_seat(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct fake_compositor *f = data;
	f->seat = wl_resource_create(client, &wl_seat_interface, (int)version, id);
	wl_resource_set_implementation(f->seat, &seat_impl, f, seat_gone);
	f->seat_told = f->pointer_there;
	wl_seat_send_capabilities(f->seat, f->seat_told ? WL_SEAT_CAPABILITY_POINTER : 0);
}

void fake_cursor_add_seat(struct fake_compositor *f)
{
	wl_global_create(f->display, &wl_seat_interface, 5, f, bind_seat);
}

/* --- the session --- */

static void frame_gone(struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (f->shape_frame == r)
		f->shape_frame = f->shape_buffer = NULL;
}

static void attach_buffer(struct wl_client *client, struct wl_resource *r, struct wl_resource *b)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	f->shape_buffer = b;
}

static void damage_buffer(struct wl_client *client, struct wl_resource *r, int32_t x, int32_t y,
	int32_t width, int32_t height)
{
}

static void capture(struct wl_client *client, struct wl_resource *r)
{
}

static const struct ext_image_copy_capture_frame_v1_interface frame_impl = {
	.destroy = destroy_resource,
	.attach_buffer = attach_buffer,
	.damage_buffer = damage_buffer,
	.capture = capture,
};

static void create_frame(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (f->shape_frame)
		wl_resource_post_error(r, EXT_IMAGE_COPY_CAPTURE_SESSION_V1_ERROR_DUPLICATE_FRAME,
			"one frame at a time");
	f->shape_frame = wl_resource_create(
		client, &ext_image_copy_capture_frame_v1_interface, 1, id);
	wl_resource_set_implementation(f->shape_frame, &frame_impl, f, frame_gone);
}

static const struct ext_image_copy_capture_session_v1_interface pictures_impl = {
	.create_frame = create_frame,
	.destroy = destroy_resource,
};

static void pictures_gone(struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (f->shapes == r)
		f->shapes = NULL;
}

static void get_pictures(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	f->shapes = wl_resource_create(client, &ext_image_copy_capture_session_v1_interface, 1, id);
	wl_resource_set_implementation(f->shapes, &pictures_impl, f, pictures_gone);
	f->look_told = 0;
}

static const struct ext_image_copy_capture_cursor_session_v1_interface cursor_impl = {
	.destroy = destroy_resource,
	.get_capture_session = get_pictures,
};

static void cursor_gone(struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	f->cursor = NULL;
}

void fake_cursor_create_session(struct fake_compositor *f, struct wl_client *client, uint32_t id)
{
	f->cursor = wl_resource_create(
		client, &ext_image_copy_capture_cursor_session_v1_interface, 1, id);
	wl_resource_set_implementation(f->cursor, &cursor_impl, f, cursor_gone);
	f->inside_told = false;
	f->x_told = f->y_told = 0;
}

/* --- what is told --- */

static void tell_place(struct fake_compositor *f)
{
	const bool inside = f->pointer_look != 0;
	const int32_t x = f->pointer_x, y = f->pointer_y;
	if (inside != f->inside_told && inside)
		ext_image_copy_capture_cursor_session_v1_send_enter(f->cursor);
	else if (inside != f->inside_told)
		ext_image_copy_capture_cursor_session_v1_send_leave(f->cursor);
	f->inside_told = inside;
	if (inside && (x != f->x_told || y != f->y_told))
		ext_image_copy_capture_cursor_session_v1_send_position(f->cursor, x, y);
	f->x_told = x;
	f->y_told = y;
}

static void send_constraints(struct fake_compositor *f, uint32_t side)
{
	const bool huge = f->pointer_fault == FAKE_POINTER_HUGE;
	ext_image_copy_capture_session_v1_send_buffer_size(
		f->shapes, huge ? 0x40000001u : side, huge ? 1 : side);
	ext_image_copy_capture_session_v1_send_shm_format(f->shapes, WL_SHM_FORMAT_XRGB8888);
	if (f->pointer_fault != FAKE_POINTER_NO_FORMAT) {
		ext_image_copy_capture_session_v1_send_shm_format(
			f->shapes, WL_SHM_FORMAT_ABGR8888);
		ext_image_copy_capture_session_v1_send_shm_format(
			f->shapes, WL_SHM_FORMAT_ARGB8888);
	}
	ext_image_copy_capture_session_v1_send_done(f->shapes);
}

static bool draw(struct wl_resource *buffer, uint32_t look)
{
	struct wl_shm_buffer *b = wl_shm_buffer_get(buffer);
	const int32_t side = (int32_t)FAKE_SHAPE_SIDE(look);
	if (!b || wl_shm_buffer_get_width(b) != side || wl_shm_buffer_get_height(b) != side)
		return false;
	wl_shm_buffer_begin_access(b);
	uint32_t *pixels = wl_shm_buffer_get_data(b);
	for (int32_t y = 0; y < side; y++)
		for (int32_t x = 0; x < side; x++)
			pixels[y * side + x] = x < side - 1 && y < side - 1 ? FAKE_SHAPE_PIXEL(look)
									    : 0;
	wl_shm_buffer_end_access(b);
	return true;
}

static void tell_shape(struct fake_compositor *f, uint32_t look)
{
	if (look != f->look_told && look) {
		f->look_told = look;
		f->shape_due = true;
		send_constraints(f, FAKE_SHAPE_SIDE(look));
	}
	if (!f->shape_frame || !f->shape_buffer || !f->shape_due ||
		f->pointer_fault == FAKE_POINTER_SILENT)
		return;
	if (f->pointer_fault == FAKE_POINTER_REFUSES || !draw(f->shape_buffer, look)) {
		ext_image_copy_capture_frame_v1_send_failed(f->shape_frame,
			EXT_IMAGE_COPY_CAPTURE_FRAME_V1_FAILURE_REASON_BUFFER_CONSTRAINTS);
		f->shape_frame = f->shape_buffer = NULL;
		return;
	}
	const bool odd = f->pointer_fault == FAKE_POINTER_ODD;
	ext_image_copy_capture_cursor_session_v1_send_hotspot(
		f->cursor, odd ? INT32_MIN : (int32_t)look, odd ? INT32_MAX : 1);
	ext_image_copy_capture_frame_v1_send_ready(f->shape_frame);
	f->shape_frame = f->shape_buffer = NULL;
	f->shape_due = false;
	f->n_shapes++;
}

void fake_cursor_tick(struct fake_compositor *f)
{
	const bool there = f->pointer_there;
	if (f->seat && there != f->seat_told) {
		f->seat_told = there;
		wl_seat_send_capabilities(f->seat, there ? WL_SEAT_CAPABILITY_POINTER : 0);
	}
	if (f->cursor)
		tell_place(f);
	if (f->cursor && f->shapes)
		tell_shape(f, f->pointer_look);
	if (f->shapes && f->n_shapes && f->pointer_fault == FAKE_POINTER_STOPS) {
		f->pointer_fault = FAKE_POINTER_GOOD;
		ext_image_copy_capture_session_v1_send_stopped(f->shapes);
	}
}
