/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/stream.h>
#include <spa/buffer/buffer.h>
#include <spa/buffer/meta.h>
#include <spa/param/format-utils.h>
#include <spa/param/video/format-utils.h>

#include "host/capture/capture.h"
#include "host/capture/pipewire_buffer.h"
#include "host/capture/pipewire_pictures.h"

/* What a PipeWire node says, and what is said to it; the memory of its pictures. */

/* --- beside the picture --- */

static void damage_is_cut_to_the_picture(void **state)
{
	(void)state;
	const struct spa_meta_region r[] = {
		{SPA_REGION(0, 10, 8, 4)},
		{SPA_REGION(0, -5, 8, 7)},
		{SPA_REGION(0, 90, 8, UINT32_MAX)},
		{SPA_REGION(0, 2000, 8, 8)},
		{SPA_REGION(0, 0, 0, 0)},
		{SPA_REGION(0, 50, 8, 8)},
	};
	struct frame_damage d = {.known = true};
	pipewire_meta_damage(r, sizeof(r), 100, &d);
	assert_true(d.known);
	assert_int_equal(d.n_bands, 3);
	assert_int_equal(d.bands[0].y0, 0);
	assert_int_equal(d.bands[0].y1, 2);
	assert_int_equal(d.bands[1].y0, 10);
	assert_int_equal(d.bands[2].y1, 100);
	/* Nothing said of a picture that came: anything may differ. */
	pipewire_meta_damage(r + 4, sizeof(r[0]), 100, &d);
	assert_false(d.known);
	d.known = true;
	pipewire_meta_damage(NULL, 0, 100, &d);
	assert_false(d.known);
}

static void a_crop_lies_inside(void **state)
{
	(void)state;
	const struct {
		struct spa_region region;
		bool good;
	} cases[] = {
		{SPA_REGION(10, 20, 30, 40), true},
		{SPA_REGION(70, 60, 30, 40), true},
		{SPA_REGION(0, 0, 100, 100), false},
		{SPA_REGION(0, 0, 0, 0), false},
		{SPA_REGION(-1, 0, 10, 10), false},
		{SPA_REGION(71, 0, 30, 10), false},
		{SPA_REGION(1, 1, UINT32_MAX, 10), false},
		{SPA_REGION(INT32_MAX, 1, INT32_MAX, 10), false},
	};
	struct pipewire_box b;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(
			pipewire_meta_crop(&cases[i].region, sizeof(cases[i].region), 100, 100, &b),
			cases[i].good);
	assert_false(pipewire_meta_crop(&cases[0].region, 15, 100, 100, &b));
}

static void a_stamp_of_another_clock_is_not_taken(void **state)
{
	(void)state;
	const uint64_t now_ns = 100000000000u;
	assert_int_equal(pipewire_meta_presented(now_ns - 5, now_ns), now_ns - 5);
	assert_int_equal(pipewire_meta_presented(0, now_ns), now_ns);
	assert_int_equal(pipewire_meta_presented(now_ns + 1, now_ns), now_ns);
	assert_int_equal(pipewire_meta_presented(now_ns - 1000000000u, now_ns), now_ns);
	struct pipewire_header h;
	const struct spa_meta_header raw = {.flags = SPA_META_HEADER_FLAG_CORRUPTED, .pts = -7};
	assert_true(pipewire_meta_header(&raw, sizeof(raw), &h));
	assert_true(h.corrupted);
	assert_int_equal(h.pts_ns, 0);
	assert_false(pipewire_meta_header(&raw, sizeof(raw) - 1, &h));
}

struct cursor_bytes {
	struct spa_meta_cursor c;
	struct spa_meta_bitmap b;
	uint8_t pixels[2 * 12]; /* two rows of two, and a gap of one */
};

static struct cursor_bytes a_cursor(void)
{
	struct cursor_bytes r = {
		.c = {.id = 1,
			.position = {5, -6},
			.hotspot = {9, -1},
			.bitmap_offset = sizeof(r.c)},
		.b = {.format = SPA_VIDEO_FORMAT_BGRA,
			.size = {2, 2},
			.stride = 12,
			.offset = sizeof(r.b)},
		.pixels = {64, 32, 16, 128, 1, 2, 3, 255, 0, 0, 0, 0, 200, 0, 0, 100, 9, 9, 9, 0},
	};
	return r;
}

static void a_cursor_comes_with_its_colours(void **state)
{
	(void)state;
	static const uint8_t rgba[] = {32, 64, 128, 128, 3, 2, 1, 255, 0, 0, 255, 100, 0, 0, 0, 0};
	struct pipewire_cursor c, again;
	struct cursor_bytes r = a_cursor();
	assert_true(pipewire_meta_cursor(&r, sizeof(r), &c));
	assert_true(c.inside && !c.empty);
	assert_int_equal(c.x, 5);
	assert_int_equal(c.y, -6);
	assert_non_null(c.shape);
	assert_int_equal(c.shape->hot_x, 1);
	assert_int_equal(c.shape->hot_y, 0);
	assert_memory_equal(c.shape->rgba, rgba, sizeof(rgba));
	/* The same picture has the same number, another one another. */
	assert_true(pipewire_meta_cursor(&r, sizeof(r), &again));
	assert_int_equal(c.shape->serial, again.shape->serial);
	cursor_shape_unref(again.shape);
	r.pixels[0]++;
	assert_true(pipewire_meta_cursor(&r, sizeof(r), &again));
	assert_int_not_equal(c.shape->serial, again.shape->serial);
	cursor_shape_unref(again.shape);
	cursor_shape_unref(c.shape);
}

static void a_cursor_without_a_picture_keeps_or_loses_it(void **state)
{
	(void)state;
	struct pipewire_cursor c;
	struct cursor_bytes r = a_cursor();
	r.c.bitmap_offset = 0; /* the one of before */
	assert_true(pipewire_meta_cursor(&r, sizeof(r), &c));
	assert_true(c.inside && !c.empty && !c.shape);
	r = a_cursor();
	r.b.format = 0; /* none any more */
	assert_true(pipewire_meta_cursor(&r, sizeof(r), &c));
	assert_true(c.inside && c.empty && !c.shape);
	r.c.id = 0; /* not here */
	assert_true(pipewire_meta_cursor(&r, sizeof(r), &c));
	assert_false(c.inside);
	assert_false(pipewire_meta_cursor(&r, sizeof(r.c) - 1, &c));
	assert_false(pipewire_meta_cursor(NULL, 0, &c));
}

static void bad_cursor_pictures_are_left_out(void **state)
{
	(void)state;
	for (unsigned k = 0; k < 10; k++) {
		struct pipewire_cursor c;
		struct cursor_bytes r = a_cursor();
		size_t size = sizeof(r);
		switch (k) {
		case 0:
			r.b.stride = 7;
			break;
		case 1:
			r.b.stride = -12;
			break;
		case 2:
			r.b.stride = INT32_MAX;
			break;
		case 3:
			r.b.size.width = CURSOR_MAX_SIDE + 1;
			break;
		case 4:
			r.b.size.height = UINT32_MAX;
			break;
		case 5:
			r.b.offset = UINT32_MAX;
			break;
		case 6:
			r.c.bitmap_offset = UINT32_MAX;
			break;
		case 7:
			r.b.format = SPA_VIDEO_FORMAT_I420;
			break;
		case 8:
			r.b.offset = 4;
			break;
		default:
			size -= 5; /* the last pixel is cut */
		}
		assert_true(pipewire_meta_cursor(&r, size, &c));
		assert_true(c.inside);
		assert_null(c.shape);
	}
}

/* --- formats --- */

static uint32_t read_offer(const struct spa_pod *pod, bool *gpu, uint32_t *width, uint32_t *mhz)
{
	struct spa_video_info_raw info = {0};
	assert_true(spa_format_video_raw_parse(pod, &info) >= 0);
	*gpu = spa_pod_find_prop(pod, NULL, SPA_FORMAT_VIDEO_modifier) != NULL;
	*width = info.size.width;
	*mhz = info.max_framerate.denom ? info.max_framerate.num * (1000 / info.max_framerate.denom)
					: 0;
	return info.format;
}

static void what_is_offered_first_is_exact(void **state)
{
	(void)state;
	uint8_t room[PIPEWIRE_POD_ROOM];
	const struct spa_pod *pods[PIPEWIRE_OFFERS];
	uint64_t modifiers[PIPEWIRE_MODIFIERS];
	for (unsigned i = 0; i < PIPEWIRE_MODIFIERS; i++)
		modifiers[i] = 0x0100000000000001ull + i;
	struct pipewire_wish w = {1280, 720, 59940, .memory = PIPEWIRE_GPU_FIRST,
		.modifiers = modifiers, .n_modifiers = PIPEWIRE_MODIFIERS};
	bool gpu;
	uint32_t width, mhz;
	assert_int_equal(pipewire_offer_formats(&w, room, pods), 2);
	read_offer(pods[0], &gpu, &width, &mhz);
	assert_true(gpu);
	assert_int_equal(width, 1280);
	assert_int_equal(mhz, 59940);
	read_offer(pods[1], &gpu, &width, &mhz);
	assert_false(gpu);
	w.step = PIPEWIRE_RAISED;
	w.memory = PIPEWIRE_SHARED;
	assert_int_equal(pipewire_offer_formats(&w, room, pods), 2);
	read_offer(pods[0], &gpu, &width, &mhz);
	assert_false(gpu);
	assert_int_equal(mhz, CAPTURE_MAX_HZ * 1000);
	read_offer(pods[1], &gpu, &width, &mhz);
	assert_int_equal(mhz, 59940);
	/* Where any size does, a size is no value but a range. */
	w.step = PIPEWIRE_ANY;
	w.memory = PIPEWIRE_SHARED_FIRST;
	assert_int_equal(pipewire_offer_formats(&w, room, pods), 4);
	read_offer(pods[0], &gpu, &width, &mhz);
	assert_false(gpu);
	assert_int_equal(width, 1280);
	read_offer(pods[3], &gpu, &width, &mhz);
	assert_true(gpu);
	assert_int_equal(width, 0);
}

static int parse(uint32_t format, uint32_t width, uint32_t height, uint64_t modifier, bool has,
	struct pipewire_format *out)
{
	uint8_t room[1024];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(room, sizeof(room));
	struct spa_video_info_raw info = {.format = format,
		.size = {width, height},
		.flags = has ? SPA_VIDEO_FLAG_MODIFIER : 0,
		.modifier = (int64_t)modifier};
	return pipewire_offer_parse(spa_format_video_raw_build(&b, SPA_PARAM_Format, &info), out);
}

static void what_was_agreed_on_is_checked(void **state)
{
	(void)state;
	struct pipewire_format f;
	assert_int_equal(parse(SPA_VIDEO_FORMAT_RGBA, 64, 32, 0, false, &f), 0);
	assert_true(f.format == FRAME_RGBX && f.alpha && !f.gpu && f.width == 64 && f.height == 32);
	assert_int_equal(pipewire_offer_fourcc(&f), 0x34324241);
	assert_int_equal(parse(SPA_VIDEO_FORMAT_BGRx, 64, 32, 0, true, &f), 0);
	assert_true(f.format == FRAME_BGRX && f.gpu && !f.open && !f.modifier);
	assert_int_equal(pipewire_offer_fourcc(&f), 0x34325258);
	assert_true(parse(SPA_VIDEO_FORMAT_BGRx, 64, 32, 0x00ffffffffffffffull, true, &f) < 0);
	assert_true(parse(SPA_VIDEO_FORMAT_I420, 64, 32, 0, false, &f) < 0);
	assert_true(parse(SPA_VIDEO_FORMAT_BGRx, 0, 32, 0, false, &f) < 0);
	assert_true(parse(SPA_VIDEO_FORMAT_BGRx, CAPTURE_MAX_SIZE + 1, 32, 0, false, &f) < 0);
	assert_true(parse(SPA_VIDEO_FORMAT_BGRx, 64, UINT32_MAX, 0, false, &f) < 0);
}

/* --- memory --- */

/* A picture of three columns and two rows, each pixel its number. */
#define W 3u
#define H 2u

static void see(const struct frame *f, uint32_t width, uint32_t height, const uint8_t *expect)
{
	assert_int_equal(f->width, width);
	assert_int_equal(f->height, height);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			assert_int_equal(f->pixels[y * f->stride + x * 4], expect[y * width + x]);
}

static void turned_pictures_are_copied_upright(void **state)
{
	(void)state;
	/* 0 1 2 / 3 4 5 in memory, as it is seen when the transform is undone. */
	static const uint8_t seen[8][W * H] = {
		{0, 1, 2, 3, 4, 5},
		{3, 0, 4, 1, 5, 2},
		{5, 4, 3, 2, 1, 0},
		{2, 5, 1, 4, 0, 3},
		{2, 1, 0, 5, 4, 3},
		{0, 3, 1, 4, 2, 5},
		{3, 4, 5, 0, 1, 2},
		{5, 2, 4, 1, 3, 0},
	};
	uint8_t pixels[W * H * 4] = {0};
	for (uint8_t i = 0; i < W * H; i++)
		pixels[i * 4] = i;
	struct spa_chunk chunk = {.size = sizeof(pixels), .stride = W * 4};
	struct spa_data data = {.type = SPA_DATA_MemPtr,
		.maxsize = sizeof(pixels),
		.data = pixels,
		.chunk = &chunk};
	struct spa_buffer spa = {.n_datas = 1, .datas = &data};
	struct pw_buffer pw = {.buffer = &spa};
	const struct pipewire_format format = {.width = W, .height = H};
	struct pipewire_wake *wake;
	struct pipewire_buffer *b, *copy;
	assert_int_equal(pipewire_wake_create(&wake), 0);
	assert_int_equal(pipewire_buffer_create(&b, wake, &pw, &format, true), 0);
	assert_int_equal(pipewire_buffer_create_copy(&copy, wake, 4096), 0);
	for (uint32_t t = 0; t < 8; t++) {
		bool side = t % 2;
		assert_int_equal(pipewire_buffer_fill(b, &spa, &format, NULL, t), 0);
		assert_false(pipewire_buffer_is_plain(b)); /* lent memory never goes out */
		assert_int_equal(pipewire_buffer_copy(copy, b), 0);
		see(&copy->frame, side ? H : W, side ? W : H, seen[t]);
		frame_unref(&copy->frame);
		frame_unref(&b->frame);
		assert_true(pipewire_buffer_came_back(b) && pipewire_buffer_came_back(copy));
		assert_false(pipewire_buffer_came_back(b));
	}
	const struct pipewire_box crop = {1, 1, 2, 1};
	assert_int_equal(pipewire_buffer_fill(b, &spa, &format, &crop, 0), 0);
	assert_int_equal(pipewire_buffer_copy(copy, b), 0);
	see(&copy->frame, 2, 1, (const uint8_t[]){4, 5});
	frame_unref(&copy->frame);
	frame_unref(&b->frame);
	pipewire_buffer_unref(copy);
	pipewire_buffer_unref(b);
	pipewire_wake_unref(wake);
}

static void strange_memory_is_refused(void **state)
{
	(void)state;
	const struct pipewire_format format = {.width = W, .height = H};
	const struct pipewire_format gpu = {.width = W, .height = H, .gpu = true};
	struct spa_chunk chunk = {0};
	int fd = memfd_create("test", MFD_CLOEXEC), ends[2];
	assert_true(fd >= 0 && ftruncate(fd, 4096) == 0 && pipe(ends) == 0);
	const struct {
		struct spa_data data;
		const struct pipewire_format *format;
	} cases[] = {
		{{.type = SPA_DATA_MemFd, .fd = -1, .maxsize = 64, .chunk = &chunk}, &format},
		{{.type = SPA_DATA_MemFd, .fd = 1ll << 40, .maxsize = 64, .chunk = &chunk},
			&format},
		{{.type = SPA_DATA_MemFd, .fd = ends[0], .maxsize = 64, .chunk = &chunk}, &format},
		{{.type = SPA_DATA_MemFd, .fd = fd, .maxsize = 4097, .chunk = &chunk}, &format},
		{{.type = SPA_DATA_MemFd,
			 .fd = fd,
			 .mapoffset = 4095,
			 .maxsize = 2,
			 .chunk = &chunk},
			&format},
		{{.type = SPA_DATA_MemFd, .fd = fd, .maxsize = UINT32_MAX, .chunk = &chunk},
			&format},
		{{.type = SPA_DATA_MemPtr, .maxsize = 64, .chunk = &chunk}, &format},
		{{.type = SPA_DATA_MemId, .maxsize = 64, .chunk = &chunk}, &format},
		{{.type = SPA_DATA_MemFd, .fd = fd, .maxsize = 64}, &format},
		/* No DMA-BUF, whatever it says. */
		{{.type = SPA_DATA_DmaBuf, .fd = fd, .maxsize = 64, .chunk = &chunk}, &gpu},
		{{.type = SPA_DATA_MemFd, .fd = fd, .maxsize = 64, .chunk = &chunk}, &gpu},
		{{.type = SPA_DATA_DmaBuf, .fd = fd, .maxsize = 64, .chunk = &chunk}, &format},
	};
	struct pipewire_wake *wake;
	assert_int_equal(pipewire_wake_create(&wake), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spa_data data = cases[i].data;
		struct spa_buffer spa = {.n_datas = 1, .datas = &data};
		struct pw_buffer pw = {.buffer = &spa};
		struct pipewire_buffer *b;
		assert_true(pipewire_buffer_create(&b, wake, &pw, cases[i].format, true) < 0);
		assert_null(b);
	}
	pipewire_wake_unref(wake);
	close(fd);
	close(ends[0]);
	close(ends[1]);
}

/* --- buffers that come and go --- */

static struct node {
	struct pw_buffer *sent, *then; /* NULL = nothing */
	unsigned n_queued;	       /* given back */
	struct frame *held;
	unsigned n_frames;
	struct frame_damage damage; /* of the newest */
	struct cursor_state cursor;
} node;

struct pw_buffer *__wrap_pw_stream_dequeue_buffer(struct pw_stream *stream);
int __wrap_pw_stream_queue_buffer(struct pw_stream *stream, struct pw_buffer *buffer);

struct pw_buffer *__wrap_pw_stream_dequeue_buffer(struct pw_stream *stream)
{
	(void)stream;
	struct pw_buffer *b = node.sent;
	node.sent = node.then;
	node.then = NULL;
	return b;
}

int __wrap_pw_stream_queue_buffer(struct pw_stream *stream, struct pw_buffer *buffer)
{
	(void)stream;
	(void)buffer;
	node.n_queued++;
	return 0;
}

static void hold_frame(struct frame *frame, void *userdata)
{
	(void)userdata;
	node.n_frames++;
	if (!node.held)
		node.held = frame_ref(frame);
}

/* Which buffer is next lies in memory that the node can write: one that is out could be named again. */
static void a_buffer_that_is_out_is_not_filled(void **state)
{
	(void)state;
	struct spa_chunk chunk[2] = {{.size = 64, .stride = 8}, {.size = 64, .stride = 8}};
	struct spa_data data[2];
	struct spa_buffer spa[2];
	struct pw_buffer pw[2];
	struct capture base = {.params = {.on_frame = hold_frame}};
	struct pipewire_pictures p = {.base = &base,
		.stream = (struct pw_stream *)&node,
		.format = {.width = 2, .height = 2},
		.must_map = true};
	const int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_true(fd >= 0 && ftruncate(fd, 64) == 0);
	node = (struct node){0};
	assert_int_equal(pipewire_wake_create(&p.wake), 0);
	for (size_t i = 0; i < 2; i++) {
		data[i] = (struct spa_data){
			.type = SPA_DATA_MemFd, .fd = fd, .maxsize = 64, .chunk = &chunk[i]};
		spa[i] = (struct spa_buffer){.n_datas = 1, .datas = &data[i]};
		pw[i] = (struct pw_buffer){.buffer = &spa[i]};
		assert_int_equal(pipewire_pictures_add(&p, &pw[i]), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		node.sent = &pw[0];
		pipewire_pictures_process(&p);
	}
	assert_int_equal(node.n_frames, 1);
	assert_int_equal(atomic_load(&node.held->refs), 1);
	assert_int_equal(p.n_bad, 2);
	assert_int_equal(node.n_queued, 0);
	frame_unref(node.held);
	pipewire_pictures_turn(&p, false);
	assert_int_equal(node.n_queued, 1);
	node.sent = &pw[0];
	pipewire_pictures_process(&p);
	assert_int_equal(node.n_frames, 2);
	struct pipewire_wake *wake = p.wake;
	pipewire_pictures_finish(&p);
	pipewire_wake_unref(wake);
	close(fd);
}

/* --- what changed from picture to picture --- */

#define PIC_W	   4u
#define PIC_H	   64u
#define PIC_STRIDE (PIC_W * 4)
#define N_PICTURES 4u

static struct picture {
	int fd;
	struct spa_chunk chunk;
	struct spa_data data;
	struct spa_meta_region damage[2];
	struct spa_meta_videotransform transform;
	struct cursor_bytes cursor;
	struct spa_meta metas[3];
	struct spa_buffer spa;
	struct pw_buffer pw;
} pictures[N_PICTURES];

static struct capture pictures_base;

static void note_frame(struct frame *frame, void *userdata)
{
	(void)userdata;
	node.n_frames++;
	node.damage = frame->damage;
}

static void note_cursor(
	struct cursor_shape *shape, const struct cursor_state *state, void *userdata)
{
	(void)shape;
	(void)userdata;
	node.cursor = *state;
}

static void make_pictures(struct pipewire_pictures *p)
{
	node = (struct node){0};
	pictures_base = (struct capture){
		.params = {.on_frame = note_frame, .on_cursor = note_cursor}};
	*p = (struct pipewire_pictures){.base = &pictures_base,
		.stream = (struct pw_stream *)&node,
		.format = {.width = PIC_W, .height = PIC_H},
		.must_map = true};
	assert_int_equal(pipewire_wake_create(&p->wake), 0);
	for (size_t i = 0; i < N_PICTURES; i++) {
		struct picture *t = &pictures[i];
		const int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
		assert_true(fd >= 0 && ftruncate(fd, PIC_STRIDE * PIC_H) == 0);
		*t = (struct picture){.fd = fd,
			.chunk = {.size = PIC_STRIDE * PIC_H, .stride = PIC_STRIDE},
			.cursor = a_cursor()};
		t->cursor.c.id = 0;
		t->cursor.c.hotspot = (struct spa_point){0, 0};
		t->data = (struct spa_data){.type = SPA_DATA_MemFd,
			.fd = fd,
			.maxsize = PIC_STRIDE * PIC_H,
			.chunk = &t->chunk};
		t->metas[0] = (struct spa_meta){SPA_META_VideoDamage, sizeof(t->damage), t->damage};
		t->metas[1] = (struct spa_meta){SPA_META_Cursor, sizeof(t->cursor), &t->cursor};
		t->metas[2] = (struct spa_meta){
			SPA_META_VideoTransform, sizeof(t->transform), &t->transform};
		t->spa = (struct spa_buffer){
			.n_metas = 3, .n_datas = 1, .metas = t->metas, .datas = &t->data};
		t->pw = (struct pw_buffer){.buffer = &t->spa};
		assert_int_equal(pipewire_pictures_add(p, &t->pw), 0);
	}
}

static void drop_pictures(struct pipewire_pictures *p)
{
	struct pipewire_wake *wake = p->wake;
	pipewire_pictures_finish(p);
	pipewire_wake_unref(wake);
	for (size_t i = 0; i < N_PICTURES; i++)
		close(pictures[i].fd);
}

/* Of which rows y to y + 2 are new. */
static struct picture *draw(size_t i, int y)
{
	pictures[i].damage[0].region = SPA_REGION(0, y, PIC_W, 2);
	return &pictures[i];
}

static void send_picture(struct pipewire_pictures *p, struct picture *t)
{
	const unsigned before = node.n_frames;
	node.sent = &t->pw;
	pipewire_pictures_process(p);
	assert_int_equal(node.n_frames, before + 1);
}

static bool is_new(uint32_t row)
{
	for (unsigned i = 0; i < node.damage.n_bands; i++)
		if (row >= node.damage.bands[i].y0 && row < node.damage.bands[i].y1)
			return true;
	return !node.damage.known;
}

static void what_was_in_a_skipped_picture_is_new_in_the_next(void **state)
{
	(void)state;
	struct pipewire_pictures p;
	make_pictures(&p);
	send_picture(&p, draw(0, 0));
	assert_false(node.damage.known); /* the first */
	draw(2, 40);
	node.then = &pictures[2].pw;
	send_picture(&p, draw(1, 10)); /* two, of which the newer goes out */
	assert_true(node.damage.known);
	assert_true(is_new(10) && is_new(40));
	assert_false(is_new(20) || is_new(0));
	assert_int_equal(pictures_base.n_skipped, 1);
	send_picture(&p, draw(1, 20));
	assert_true(is_new(20) && !is_new(10) && !is_new(40));
	drop_pictures(&p);
}

static void a_turned_picture_is_new_as_a_whole(void **state)
{
	(void)state;
	struct pipewire_pictures p;
	make_pictures(&p);
	send_picture(&p, draw(0, 0));
	struct picture *t = draw(1, 10);
	t->transform.transform = 1;
	send_picture(&p, t); /* its rows are columns */
	assert_false(node.damage.known);
	drop_pictures(&p);
}

static void bad_pictures_count_in_a_row_only(void **state)
{
	(void)state;
	struct pipewire_pictures p;
	make_pictures(&p);
	for (unsigned i = 1; i < 4; i++) {
		pictures[1].chunk.stride = 1;
		node.sent = &pictures[1].pw;
		pipewire_pictures_process(&p);
		assert_int_equal(p.n_bad, 1);
		send_picture(&p, draw(0, 0));
		assert_int_equal(p.n_bad, 0);
	}
	drop_pictures(&p);
}

/* Where the pointer was painted the picture without it is seen again. */
static void the_pointers_old_place_is_new_too(void **state)
{
	(void)state;
	struct pipewire_pictures p;
	make_pictures(&p);
	pipewire_pictures_turn(&p, true);
	for (size_t i = 0; i < 3; i++) {
		struct picture *t = draw(i, 60);
		t->cursor.c.id = 1;
		t->cursor.c.position = (struct spa_point){1, 10 + 20 * (int)i};
		send_picture(&p, t);
		assert_int_equal(node.cursor.y, 10 + 20 * (int)i);
		assert_true(node.cursor.visible);
	}
	assert_true(node.damage.known);
	assert_true(is_new(50) && is_new(51) && is_new(30) && is_new(31) && is_new(60));
	assert_false(is_new(10) || is_new(29) || is_new(32) || is_new(52));
	/* A pointer that has no shape any more is not there. */
	struct picture *t = draw(3, 60);
	t->cursor.c.id = 1;
	t->cursor.b.format = 0;
	send_picture(&p, t);
	assert_false(node.cursor.visible);
	assert_true(is_new(50));
	send_picture(&p, draw(0, 60));
	assert_false(is_new(50));
	drop_pictures(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(damage_is_cut_to_the_picture),
		cmocka_unit_test(a_crop_lies_inside),
		cmocka_unit_test(a_stamp_of_another_clock_is_not_taken),
		cmocka_unit_test(a_cursor_comes_with_its_colours),
		cmocka_unit_test(a_cursor_without_a_picture_keeps_or_loses_it),
		cmocka_unit_test(bad_cursor_pictures_are_left_out),
		cmocka_unit_test(what_is_offered_first_is_exact),
		cmocka_unit_test(what_was_agreed_on_is_checked),
		cmocka_unit_test(turned_pictures_are_copied_upright),
		cmocka_unit_test(strange_memory_is_refused),
		cmocka_unit_test(a_buffer_that_is_out_is_not_filled),
		cmocka_unit_test(what_was_in_a_skipped_picture_is_new_in_the_next),
		cmocka_unit_test(a_turned_picture_is_new_as_a_whole),
		cmocka_unit_test(bad_pictures_count_in_a_row_only),
		cmocka_unit_test(the_pointers_old_place_is_new_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
