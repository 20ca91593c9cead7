/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/fake_compositor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wayland-server.h>

#include "ext-image-capture-source-v1-server.h"
#include "ext-image-copy-capture-v1-server.h"
#include "host/media/clock.h"
#include "linux-dmabuf-v1-server.h"
#include "tests/support/fake_cursor.h"
#include "tests/test.h"
#include "wlr-screencopy-unstable-v1-server.h"

#define TICK_MS	     4
#define CHANGED_ROWS 5u
#define STEP	     37u
#define SOME	     6u /* pictures before something goes wrong */

/* --- the picture --- */

static bool changes(uint64_t seq, uint32_t height, uint32_t row)
{
	const uint32_t from = (uint32_t)(seq * STEP % height);
	return row >= from && row < from + CHANGED_ROWS;
}

uint32_t fake_compositor_row(uint64_t seq, uint32_t height, uint32_t row)
{
	for (uint64_t n = seq; n > 0; n--)
		if (changes(n, height, row))
			return (uint32_t)n;
	return 0;
}

static void draw(struct fake_compositor *f)
{
	for (uint32_t y = 0; y < f->height; y++)
		if (changes(f->seq, f->height, y))
			f->rows[y] = (uint32_t)f->seq;
}

/* Memory that a GPU could have. */
struct gpu_buffer {
	struct fake_compositor *f;
	int fd;
	uint32_t offset, stride, width, height;
};

static const struct wl_buffer_interface buffer_impl;

static struct gpu_buffer *gpu_buffer(struct wl_resource *r)
{
	return r && wl_resource_instance_of(r, &wl_buffer_interface, &buffer_impl)
		? wl_resource_get_user_data(r)
		: NULL;
}

/* Only what the buffer lacks and what is new: who told too little shows an old row. */
static void draw_rows(struct fake_compositor *f, bool whole, uint8_t *pixels, uint32_t stride)
{
	for (uint32_t y = 0; y < f->height; y++) {
		uint32_t *row = (uint32_t *)(void *)(pixels + (size_t)y * stride);
		if (!whole && !f->buffer_lacks[y] && !changes(f->seq, f->height, y))
			continue;
		for (uint32_t x = 0; x < f->width; x++)
			row[x] = f->rows[y];
	}
}

static void copy(struct fake_compositor *f, bool whole)
{
	struct wl_shm_buffer *shm = wl_shm_buffer_get(f->buffer);
	if (shm) {
		wl_shm_buffer_begin_access(shm);
		draw_rows(f, whole, wl_shm_buffer_get_data(shm),
			(uint32_t)wl_shm_buffer_get_stride(shm));
		wl_shm_buffer_end_access(shm);
		return;
	}
	const struct gpu_buffer *b = gpu_buffer(f->buffer);
	const size_t len = b->offset + (size_t)b->stride * b->height;
	uint8_t *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, b->fd, 0);
	if (map == MAP_FAILED)
		abort();
	draw_rows(f, whole, map + b->offset, b->stride);
	munmap(map, len);
}

static bool is_sized(struct fake_compositor *f)
{
	struct wl_shm_buffer *shm = f->buffer ? wl_shm_buffer_get(f->buffer) : NULL;
	const struct gpu_buffer *b = gpu_buffer(f->buffer);
	if (shm)
		return (uint32_t)wl_shm_buffer_get_width(shm) == f->width &&
			(uint32_t)wl_shm_buffer_get_height(shm) == f->height;
	return b && b->width == f->width && b->height == f->height;
}

/* --- linux-dmabuf --- */

static void destroy_resource(struct wl_client *client, struct wl_resource *r)
{
	wl_resource_destroy(r);
}

static void gpu_buffer_gone(struct wl_resource *r)
{
	struct gpu_buffer *b = wl_resource_get_user_data(r);
	b->f->n_gpu_buffers--;
	if (b->f->buffer == r)
		b->f->buffer = NULL;
	close(b->fd);
	free(b);
}

static const struct wl_buffer_interface buffer_impl = {.destroy = destroy_resource};

static void params_gone(struct wl_resource *r)
{
	struct gpu_buffer *b = wl_resource_get_user_data(r);
	if (b && b->fd >= 0)
		close(b->fd);
	free(b);
}

static void params_add(struct wl_client *client, struct wl_resource *r, int fd, uint32_t plane,
	uint32_t offset, uint32_t stride, uint32_t hi, uint32_t lo)
{
	struct gpu_buffer *b = wl_resource_get_user_data(r);
	if (plane != 0 || b->fd >= 0 || ((uint64_t)hi << 32 | lo) != FAKE_MODIFIER)
		wl_resource_post_error(r, ZWP_LINUX_BUFFER_PARAMS_V1_ERROR_PLANE_IDX, "plane");
	b->fd = fd;
	b->offset = offset;
	b->stride = stride;
}

static void params_create(struct wl_client *client, struct wl_resource *r, int32_t width,
	int32_t height, uint32_t format, uint32_t flags)
{
	struct gpu_buffer *b = wl_resource_get_user_data(r);
	if (b->f->fault == FAKE_NO_GPU || format != FAKE_FOURCC) {
		zwp_linux_buffer_params_v1_send_failed(r);
		return;
	}
	b->width = (uint32_t)width;
	b->height = (uint32_t)height;
	b->f->n_gpu_buffers++;
	struct wl_resource *buffer = wl_resource_create(client, &wl_buffer_interface, 1, 0);
	wl_resource_set_implementation(buffer, &buffer_impl, b, gpu_buffer_gone);
	wl_resource_set_user_data(r, NULL);
	zwp_linux_buffer_params_v1_send_created(r, buffer);
}

static void params_create_immed(struct wl_client *client, struct wl_resource *r, uint32_t id,
	int32_t width, int32_t height, uint32_t format, uint32_t flags)
{
	wl_resource_post_error(r, 0, "not used here");
}

static const struct zwp_linux_buffer_params_v1_interface params_impl = {
	.destroy = destroy_resource,
	.add = params_add,
	.create = params_create,
	.create_immed = params_create_immed,
};

static void create_params(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	struct gpu_buffer *b = calloc(1, sizeof(*b));
	if (!b)
		abort();
	b->f = wl_resource_get_user_data(r);
	b->fd = -1;
	struct wl_resource *params = wl_resource_create(
		client, &zwp_linux_buffer_params_v1_interface, wl_resource_get_version(r), id);
	wl_resource_set_implementation(params, &params_impl, b, params_gone);
}

static const struct zwp_linux_dmabuf_feedback_v1_interface feedback_impl = {
	.destroy = destroy_resource,
};

static void get_default_feedback(struct wl_client *client, struct wl_resource *r, uint32_t id)
{
	const struct fake_compositor *f = wl_resource_get_user_data(r);
	struct wl_resource *feedback = wl_resource_create(
		client, &zwp_linux_dmabuf_feedback_v1_interface, wl_resource_get_version(r), id);
	wl_resource_set_implementation(feedback, &feedback_impl, NULL, NULL);
	struct wl_array a;
	wl_array_init(&a);
	memcpy(wl_array_add(&a, sizeof(f->main_device)), &f->main_device, sizeof(f->main_device));
	if (f->fault == FAKE_ODD_DEVICE)
		a.size /= 2;
	if (f->fault != FAKE_NO_GPU)
		zwp_linux_dmabuf_feedback_v1_send_main_device(feedback, &a);
	zwp_linux_dmabuf_feedback_v1_send_tranche_target_device(feedback, &a);
	zwp_linux_dmabuf_feedback_v1_send_tranche_done(feedback);
	zwp_linux_dmabuf_feedback_v1_send_done(feedback);
	wl_array_release(&a);
}

static void get_surface_feedback(
	struct wl_client *client, struct wl_resource *r, uint32_t id, struct wl_resource *surface)
{
	wl_resource_post_error(r, 0, "not used here");
}

static const struct zwp_linux_dmabuf_v1_interface dmabuf_impl = {
	.destroy = destroy_resource,
	.create_params = create_params,
	.get_default_feedback = get_default_feedback,
	.get_surface_feedback = get_surface_feedback,
};

static void bind_dmabuf(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(
		client, &zwp_linux_dmabuf_v1_interface, (int)version, id);
	wl_resource_set_implementation(r, &dmabuf_impl, data, NULL);
}

static void send_gpu(struct fake_compositor *f)
{
	static const uint64_t odd[] = {UINT64_C(0x00ffffffffffffff), 0x0200000000000009};
	struct wl_array a;
	const dev_t device = FAKE_DEVICE;
	wl_array_init(&a);
	memcpy(wl_array_add(&a, sizeof(device)), &device, sizeof(device));
	ext_image_copy_capture_session_v1_send_dmabuf_device(f->session, &a);
	wl_array_release(&a);
	wl_array_init(&a);
	memcpy(wl_array_add(&a, sizeof(odd)), odd, sizeof(odd));
	ext_image_copy_capture_session_v1_send_dmabuf_format(f->session, FAKE_FOURCC, &a);
	if (f->fault != FAKE_OTHER_LAYOUT) {
		uint64_t *more = wl_array_add(&a, 300 * sizeof(uint64_t));
		for (int i = 0; i < 300; i++)
			more[i] = FAKE_MODIFIER;
		ext_image_copy_capture_session_v1_send_dmabuf_format(f->session, 0x30334241, &a);
		a.size = sizeof(odd) + 8;
		ext_image_copy_capture_session_v1_send_dmabuf_format(f->session, FAKE_FOURCC, &a);
	}
	wl_array_release(&a);
}

static void send_constraints(struct fake_compositor *f)
{
	const bool absurd = f->fault == FAKE_ABSURD_SIZE, none = f->fault == FAKE_EMPTY_SIZE;
	ext_image_copy_capture_session_v1_send_buffer_size(f->session,
		absurd	       ? UINT32_MAX
			: none ? 0
			       : f->width,
		absurd ? 0x10000 : f->height);
	ext_image_copy_capture_session_v1_send_shm_format(f->session, 0x30334241); /* AB30 */
	if (f->fault != FAKE_NO_FORMAT) {
		ext_image_copy_capture_session_v1_send_shm_format(
			f->session, WL_SHM_FORMAT_ABGR8888);
		ext_image_copy_capture_session_v1_send_shm_format(
			f->session, WL_SHM_FORMAT_XRGB8888);
	}
	if (f->has_dmabuf)
		send_gpu(f);
	if (f->fault != FAKE_NEVER_DONE)
		ext_image_copy_capture_session_v1_send_done(f->session);
}

static void send_damage(struct fake_compositor *f)
{
	const int32_t w = (int32_t)f->width, from = (int32_t)(f->seq * STEP % f->height);
	if (f->fault == FAKE_BAD_DAMAGE) {
		ext_image_copy_capture_frame_v1_send_damage(
			f->frame, INT32_MIN, INT32_MIN, INT32_MAX, INT32_MAX);
		ext_image_copy_capture_frame_v1_send_damage(f->frame, 5, INT32_MAX, 5, INT32_MAX);
		ext_image_copy_capture_frame_v1_send_damage(f->frame, 0, 9, 5, -5);
	}
	ext_image_copy_capture_frame_v1_send_damage(f->frame, 0, from, w, (int32_t)CHANGED_ROWS);
}

static bool is_flipped(const struct fake_compositor *f)
{
	return f->fault == FAKE_FLIPPED && f->seq % 2;
}

static uint64_t stamp(const struct fake_compositor *f)
{
	if (f->fault == FAKE_BAD_STAMP)
		return f->seq % 2    ? clock_now_ns() + UINT64_C(10000000000)
			: f->seq % 4 ? 0
				     : UINT64_MAX;
	return clock_now_ns() - 1000000;
}

static void finish_image(struct fake_compositor *f)
{
	f->captured = false;
	if (f->fault == FAKE_SCRIBBLES && ++f->n_tries % 2 == 0) {
		struct wl_shm_buffer *shm = wl_shm_buffer_get(f->buffer);
		memset(wl_shm_buffer_get_data(shm), 0xEE,
			(size_t)wl_shm_buffer_get_stride(shm) * f->height);
		ext_image_copy_capture_frame_v1_send_failed(f->frame, 0);
		return;
	}
	if (f->fault == FAKE_REFUSES) {
		ext_image_copy_capture_frame_v1_send_failed(f->frame, 0);
		return;
	}
	if (!is_sized(f)) {
		ext_image_copy_capture_frame_v1_send_failed(f->frame,
			EXT_IMAGE_COPY_CAPTURE_FRAME_V1_FAILURE_REASON_BUFFER_CONSTRAINTS);
		return;
	}
	draw(f);
	copy(f, false);
	f->n_partial += !f->buffer_whole;
	f->n_copies++;
	const uint64_t at_ns = stamp(f);
	ext_image_copy_capture_frame_v1_send_transform(f->frame,
		is_flipped(f) ? WL_OUTPUT_TRANSFORM_FLIPPED_180 : WL_OUTPUT_TRANSFORM_NORMAL);
	send_damage(f);
	ext_image_copy_capture_frame_v1_send_presentation_time(f->frame,
		(uint32_t)(at_ns / 1000000000 >> 32), (uint32_t)(at_ns / 1000000000),
		(uint32_t)(at_ns % 1000000000));
	ext_image_copy_capture_frame_v1_send_ready(f->frame);
	f->seq++;
}

static void misbehave(struct fake_compositor *f)
{
	if (f->fault == FAKE_FLAPS && f->session)
		send_constraints(f);
	if (f->n_copies != SOME || !f->session)
		return;
	if (f->fault == FAKE_STOPS)
		ext_image_copy_capture_session_v1_send_stopped(f->session);
	if (f->fault == FAKE_RESIZES) {
		f->width = 800;
		f->height = 600;
		memset(f->rows, 0, sizeof(f->rows));
		f->seq = 0;
		f->n_copies++;
		send_constraints(f);
	}
	if (f->fault == FAKE_DIES)
		wl_client_destroy(wl_resource_get_client(f->session));
}

static void finish_screencopy(struct fake_compositor *f)
{
	draw(f);
	copy(f, true);
	if (is_flipped(f))
		zwlr_screencopy_frame_v1_send_flags(
			f->screencopy, ZWLR_SCREENCOPY_FRAME_V1_FLAGS_Y_INVERT);
	if (f->with_damage)
		zwlr_screencopy_frame_v1_send_damage(f->screencopy, 0,
			(uint32_t)(f->seq * STEP % f->height), f->width, CHANGED_ROWS);
	zwlr_screencopy_frame_v1_send_ready(f->screencopy, 0, 0, 0);
	f->n_copies++;
	f->seq++;
	f->screencopy = f->buffer = NULL;
}

static int handle_tick(void *data)
{
	struct fake_compositor *f = data;
	if (f->captured && f->frame && f->fault != FAKE_NEVER_READY)
		finish_image(f);
	if (f->screencopy && f->buffer)
		finish_screencopy(f);
	misbehave(f);
	fake_cursor_tick(f);
	wl_event_source_timer_update(f->tick, TICK_MS);
	return 0;
}

/* --- ext-image-copy-capture --- */

static void frame_gone(struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (f->frame != r)
		return;
	f->frame = f->buffer = NULL;
	f->captured = false;
}

static void session_gone(struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (f->session == r)
		f->session = NULL;
}

static void attach_buffer(struct wl_client *client, struct wl_resource *r, struct wl_resource *b)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	f->buffer = b;
	f->buffer_whole = false;
	memset(f->buffer_lacks, 0, sizeof(f->buffer_lacks));
}

static void damage_buffer(struct wl_client *client, struct wl_resource *r, int32_t x, int32_t y,
	int32_t width, int32_t height)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (x < 0 || y < 0 || width <= 0 || height <= 0) {
		wl_resource_post_error(
			r, EXT_IMAGE_COPY_CAPTURE_FRAME_V1_ERROR_INVALID_BUFFER_DAMAGE, "damage");
		return;
	}
	for (int32_t i = y; i < y + height && i < (int32_t)FAKE_MAX_HEIGHT; i++)
		f->buffer_lacks[i] = true;
	f->buffer_whole |= y == 0 && (uint32_t)height == f->height;
}

static void capture(struct wl_client *client, struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (!f->buffer)
		wl_resource_post_error(
			r, EXT_IMAGE_COPY_CAPTURE_FRAME_V1_ERROR_NO_BUFFER, "no buffer");
	f->captured = true;
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
	if (f->frame)
		wl_resource_post_error(r, EXT_IMAGE_COPY_CAPTURE_SESSION_V1_ERROR_DUPLICATE_FRAME,
			"one frame at a time");
	f->frame = wl_resource_create(client, &ext_image_copy_capture_frame_v1_interface, 1, id);
	wl_resource_set_implementation(f->frame, &frame_impl, f, frame_gone);
}

static const struct ext_image_copy_capture_session_v1_interface session_impl = {
	.create_frame = create_frame,
	.destroy = destroy_resource,
};

static void create_session(struct wl_client *client, struct wl_resource *r, uint32_t id,
	struct wl_resource *source, uint32_t options)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	f->session = wl_resource_create(
		client, &ext_image_copy_capture_session_v1_interface, 1, id);
	wl_resource_set_implementation(f->session, &session_impl, f, session_gone);
	f->paints = options & EXT_IMAGE_COPY_CAPTURE_MANAGER_V1_OPTIONS_PAINT_CURSORS;
	send_constraints(f);
}

static void create_cursor_session(struct wl_client *client, struct wl_resource *r, uint32_t id,
	struct wl_resource *source, struct wl_resource *pointer)
{
	fake_cursor_create_session(wl_resource_get_user_data(r), client, id);
}

static const struct ext_image_copy_capture_manager_v1_interface images_impl = {
	.create_session = create_session,
	.create_pointer_cursor_session = create_cursor_session,
	.destroy = destroy_resource,
};

static void bind_images(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(
		client, &ext_image_copy_capture_manager_v1_interface, (int)version, id);
	wl_resource_set_implementation(r, &images_impl, data, NULL);
}

static const struct ext_image_capture_source_v1_interface source_impl = {
	.destroy = destroy_resource,
};

static void create_source(
	struct wl_client *client, struct wl_resource *r, uint32_t id, struct wl_resource *output)
{
	struct wl_resource *source = wl_resource_create(
		client, &ext_image_capture_source_v1_interface, 1, id);
	wl_resource_set_implementation(source, &source_impl, NULL, NULL);
}

static const struct ext_output_image_capture_source_manager_v1_interface sources_impl = {
	.create_source = create_source,
	.destroy = destroy_resource,
};

static void bind_sources(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(
		client, &ext_output_image_capture_source_manager_v1_interface, (int)version, id);
	wl_resource_set_implementation(r, &sources_impl, data, NULL);
}

/* --- wlr-screencopy --- */

static void screencopy_gone(struct wl_resource *r)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	if (f->screencopy == r)
		f->screencopy = f->buffer = NULL;
}

static void screencopy_copy(struct wl_client *client, struct wl_resource *r, struct wl_resource *b)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	f->screencopy = r;
	f->buffer = b;
	f->with_damage = false;
}

static void screencopy_copy_changed(
	struct wl_client *client, struct wl_resource *r, struct wl_resource *b)
{
	screencopy_copy(client, r, b);
	((struct fake_compositor *)wl_resource_get_user_data(r))->with_damage = true;
}

static const struct zwlr_screencopy_frame_v1_interface screencopy_frame_impl = {
	.copy = screencopy_copy,
	.copy_with_damage = screencopy_copy_changed,
	.destroy = destroy_resource,
};

static void capture_output(struct wl_client *client, struct wl_resource *r, uint32_t id,
	int32_t cursor, struct wl_resource *output)
{
	struct fake_compositor *f = wl_resource_get_user_data(r);
	struct wl_resource *frame = wl_resource_create(
		client, &zwlr_screencopy_frame_v1_interface, 3, id);
	wl_resource_set_implementation(frame, &screencopy_frame_impl, f, screencopy_gone);
	f->paints = cursor;
	zwlr_screencopy_frame_v1_send_buffer(frame, WL_SHM_FORMAT_XRGB8888, f->width, f->height,
		f->width * (f->fault == FAKE_BAD_STRIDE ? 2 : 4));
	zwlr_screencopy_frame_v1_send_buffer_done(frame);
}

static void capture_region(struct wl_client *client, struct wl_resource *r, uint32_t id,
	int32_t cursor, struct wl_resource *output, int32_t x, int32_t y, int32_t w, int32_t h)
{
	capture_output(client, r, id, cursor, output);
}

static const struct zwlr_screencopy_manager_v1_interface screencopy_impl = {
	.capture_output = capture_output,
	.capture_output_region = capture_region,
	.destroy = destroy_resource,
};

static void bind_screencopy(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(
		client, &zwlr_screencopy_manager_v1_interface, (int)version, id);
	wl_resource_set_implementation(r, &screencopy_impl, data, NULL);
}

/* --- the compositor --- */

static const struct wl_output_interface output_impl = {.release = destroy_resource};

static void bind_output(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(client, &wl_output_interface, (int)version, id);
	wl_resource_set_implementation(r, &output_impl, data, NULL);
	wl_output_send_name(r, "FAKE-1");
	wl_output_send_done(r);
}

static int handle_stop(int fd, uint32_t mask, void *data)
{
	struct fake_compositor *f = data;
	wl_display_terminate(f->display);
	return 0;
}

static void *run(void *data)
{
	struct fake_compositor *f = data;
	wl_display_run(f->display);
	wl_display_destroy_clients(f->display);
	wl_event_source_remove(f->stop);
	wl_event_source_remove(f->tick);
	wl_display_destroy(f->display);
	return NULL;
}

static void add_globals(struct fake_compositor *f)
{
	wl_display_init_shm(f->display);
	wl_global_create(f->display, &wl_output_interface, 4, f, bind_output);
	if (f->has_images) {
		wl_global_create(f->display, &ext_image_copy_capture_manager_v1_interface, 1, f,
			bind_images);
		wl_global_create(f->display, &ext_output_image_capture_source_manager_v1_interface,
			1, f, bind_sources);
	}
	if (f->has_seat)
		fake_cursor_add_seat(f);
	if (f->has_dmabuf)
		wl_global_create(f->display, &zwp_linux_dmabuf_v1_interface, f->main_device ? 4 : 3,
			f, bind_dmabuf);
	if (f->has_screencopy)
		wl_global_create(
			f->display, &zwlr_screencopy_manager_v1_interface, 3, f, bind_screencopy);
}

int fake_compositor_start(struct fake_compositor *f)
{
	if (test_folder(f->dir, sizeof(f->dir), "punktfunk-fake") < 0)
		return -1;
	setenv("XDG_RUNTIME_DIR", f->dir, 1);
	f->display = wl_display_create();
	if (!f->display || wl_display_add_socket(f->display, "fake") < 0)
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/fake", f->dir);
	add_globals(f);
	struct wl_event_loop *loop = wl_display_get_event_loop(f->display);
	f->stop_fd = eventfd(0, EFD_CLOEXEC);
	f->stop = wl_event_loop_add_fd(loop, f->stop_fd, WL_EVENT_READABLE, handle_stop, f);
	f->tick = wl_event_loop_add_timer(loop, handle_tick, f);
	wl_event_source_timer_update(f->tick, TICK_MS);
	return pthread_create(&f->thread, NULL, run, f) ? -1 : 0;
}

void fake_compositor_stop(struct fake_compositor *f)
{
	const uint64_t one = 1;
	if (write(f->stop_fd, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(f->thread, NULL);
	close(f->stop_fd);
	rmdir(f->dir);
}
