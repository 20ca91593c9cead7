/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/pw_source.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/pipewire.h>
#include <spa/param/format-utils.h>
#include <spa/param/video/format-utils.h>

#include "host/base/thread.h"
#include "host/media/clock.h"
#include "host/pipewire/pwconn.h"

#define WAIT_NS	    10000000000ull
#define CURSOR_SIDE 16u
#define ROOM	    4096u

struct pw_source {
	struct pw_source_params params;
	struct thread thread;
	_Atomic bool quit, ready, paused, pointer, dead;
	_Atomic uint32_t node, chunk, width, height, refresh_mhz, limit_mhz;
	_Atomic uint64_t sent, resize; /* width << 32 | height; 0 = none is due */

	/* the thread's */
	struct pwconn conn;
	struct pw_stream *stream;
	struct spa_hook listener;
	struct spa_source *timer;
	bool streams, due;
	uint32_t stride, moved;
	bool shape_sent;
};

/* Kept apart: when a node ends, the library has freed its own by the time that it tells. */
struct memory {
	int fd;
	void *map;
	uint32_t len;
};

static const struct spa_pod *format(struct pw_source *s, struct spa_pod_builder *b)
{
	const struct spa_rectangle fixed = SPA_RECTANGLE(s->params.width, s->params.height);
	const struct spa_rectangle usual = SPA_RECTANGLE(1280, 720), least = SPA_RECTANGLE(1, 1),
				   most = SPA_RECTANGLE(16384, 16384);
	const struct spa_fraction none = SPA_FRACTION(0, 1), one = SPA_FRACTION(1, 1),
				  sixty = SPA_FRACTION(60, 1), top = SPA_FRACTION(1000, 1);
	struct spa_pod_frame f;
	spa_pod_builder_push_object(b, &f, SPA_TYPE_OBJECT_Format, SPA_PARAM_EnumFormat);
	spa_pod_builder_add(b, SPA_FORMAT_mediaType, SPA_POD_Id(SPA_MEDIA_TYPE_video),
		SPA_FORMAT_mediaSubtype, SPA_POD_Id(SPA_MEDIA_SUBTYPE_raw), SPA_FORMAT_VIDEO_format,
		SPA_POD_Id(s->params.planar ? SPA_VIDEO_FORMAT_I420 : SPA_VIDEO_FORMAT_BGRx),
		SPA_FORMAT_VIDEO_framerate, SPA_POD_Fraction(&none), 0);
	if (s->params.width)
		spa_pod_builder_add(b, SPA_FORMAT_VIDEO_size, SPA_POD_Rectangle(&fixed), 0);
	else
		spa_pod_builder_add(b, SPA_FORMAT_VIDEO_size,
			SPA_POD_CHOICE_RANGE_Rectangle(&usual, &least, &most), 0);
	spa_pod_builder_add(b, SPA_FORMAT_VIDEO_maxFramerate,
		SPA_POD_CHOICE_RANGE_Fraction(&sixty, &one, &top), 0);
	return spa_pod_builder_pop(b, &f);
}

static const struct spa_pod *meta(struct spa_pod_builder *b, uint32_t type, size_t size)
{
	return spa_pod_builder_add_object(b, SPA_TYPE_OBJECT_ParamMeta, SPA_PARAM_Meta,
		SPA_PARAM_META_type, SPA_POD_Id(type), SPA_PARAM_META_size, SPA_POD_Int((int)size));
}

static void on_param(void *userdata, uint32_t id, const struct spa_pod *param)
{
	struct pw_source *s = userdata;
	struct spa_video_info_raw info = {0};
	uint8_t room[ROOM];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(room, sizeof(room));
	const struct spa_pod *pods[4];
	if (!param || id != SPA_PARAM_Format || spa_format_video_raw_parse(param, &info) < 0)
		return;
	s->stride = info.size.width * 4;
	bool same = atomic_exchange(&s->width, info.size.width) == info.size.width;
	same &= atomic_exchange(&s->height, info.size.height) == info.size.height;
	if (info.max_framerate.denom)
		atomic_store(&s->limit_mhz,
			(uint32_t)(info.max_framerate.num * 1000ull / info.max_framerate.denom));
	if (info.max_framerate.denom && !same)
		atomic_store(&s->refresh_mhz, atomic_load(&s->limit_mhz));
	int types = s->params.memory == PW_SOURCE_POINTER ? 1 << SPA_DATA_MemPtr
							  : 1 << SPA_DATA_MemFd;
	uint32_t n = s->params.n_buffers;
	pods[0] = spa_pod_builder_add_object(&b, SPA_TYPE_OBJECT_ParamBuffers, SPA_PARAM_Buffers,
		SPA_PARAM_BUFFERS_buffers,
		SPA_POD_CHOICE_RANGE_Int((int)(n ? n : 16), (int)(n ? n : 2), (int)(n ? n : 16)),
		SPA_PARAM_BUFFERS_blocks, SPA_POD_Int(1), SPA_PARAM_BUFFERS_size,
		SPA_POD_Int((int)(s->stride * info.size.height)), SPA_PARAM_BUFFERS_stride,
		SPA_POD_Int((int)s->stride), SPA_PARAM_BUFFERS_dataType,
		SPA_POD_CHOICE_FLAGS_Int(types));
	pods[1] = meta(&b, SPA_META_Header, sizeof(struct spa_meta_header));
	pods[2] = meta(&b, SPA_META_VideoDamage, sizeof(struct spa_meta_region) * 2);
	pods[3] = meta(&b, SPA_META_Cursor,
		sizeof(struct spa_meta_cursor) + sizeof(struct spa_meta_bitmap) +
			CURSOR_SIDE * CURSOR_SIDE * 4);
	s->shape_sent = false;
	pw_stream_update_params(s->stream, pods, 4);
}

static void on_add_buffer(void *userdata, struct pw_buffer *buffer)
{
	struct pw_source *s = userdata;
	struct spa_data *d = &buffer->buffer->datas[0];
	if (s->params.memory == PW_SOURCE_POINTER)
		return;
	uint32_t len = s->stride * atomic_load(&s->height);
	int fd = memfd_create("test-pictures", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || ftruncate(fd, len) < 0)
		abort();
	if (s->params.memory == PW_SOURCE_SEALED)
		fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
	else if (s->params.memory == PW_SOURCE_UNSEALED)
		fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL); /* and so it stays */
	d->type = SPA_DATA_MemFd;
	d->flags = SPA_DATA_FLAG_READWRITE;
	d->fd = fd;
	d->mapoffset = 0;
	d->maxsize = s->params.memory == PW_SOURCE_SEALS_NOT_TRUE ? len * 2 : len;
	d->data = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct memory *m = malloc(sizeof(*m));
	if (d->data == MAP_FAILED || !m)
		abort();
	*m = (struct memory){fd, d->data, len};
	buffer->user_data = m;
}

static void on_remove_buffer(void *userdata, struct pw_buffer *buffer)
{
	struct memory *m = buffer->user_data;
	(void)userdata;
	if (!m)
		return;
	munmap(m->map, m->len);
	close(m->fd);
	free(m);
	buffer->user_data = NULL;
}

static void on_state(
	void *userdata, enum pw_stream_state old, enum pw_stream_state state, const char *error)
{
	struct pw_source *s = userdata;
	(void)old;
	(void)error;
	s->streams = state == PW_STREAM_STATE_STREAMING;
	s->due |= s->streams;
	if (state == PW_STREAM_STATE_ERROR)
		atomic_store(&s->dead, true);
	if (state == PW_STREAM_STATE_PAUSED && !atomic_load(&s->ready)) {
		atomic_store(&s->node, pw_stream_get_node_id(s->stream));
		atomic_store(&s->ready, true);
	}
}

static const struct pw_stream_events events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = on_state,
	.param_changed = on_param,
	.add_buffer = on_add_buffer,
	.remove_buffer = on_remove_buffer,
};

static void write_cursor(struct pw_source *s, struct spa_meta_cursor *c)
{
	c->id = 1;
	c->position = SPA_POINT((int)(s->moved % 100), 20);
	c->hotspot = SPA_POINT(2, 3);
	c->bitmap_offset = 0;
	s->moved++;
	if (s->shape_sent)
		return;
	struct spa_meta_bitmap *b = (struct spa_meta_bitmap *)(c + 1);
	c->bitmap_offset = sizeof(*c);
	b->format = SPA_VIDEO_FORMAT_RGBA;
	b->size = SPA_RECTANGLE(CURSOR_SIDE, CURSOR_SIDE);
	b->stride = CURSOR_SIDE * 4;
	b->offset = sizeof(*b);
	/* Red, opaque. */
	uint8_t *p = (uint8_t *)(b + 1);
	for (uint32_t i = 0; i < CURSOR_SIDE * CURSOR_SIDE; i++)
		memcpy(p + i * 4, (const uint8_t[]){255, 0, 0, 255}, 4);
	s->shape_sent = true;
}

static void write_metas(struct pw_source *s, struct spa_buffer *b, uint64_t n)
{
	struct spa_meta_header *h = spa_buffer_find_meta_data(b, SPA_META_Header, sizeof(*h));
	struct spa_meta *m = spa_buffer_find_meta(b, SPA_META_VideoDamage);
	struct spa_meta_cursor *c = spa_buffer_find_meta_data(b, SPA_META_Cursor, sizeof(*c));
	if (h) {
		h->pts = (int64_t)clock_now_ns();
		h->flags = 0;
	}
	if (m && m->size >= 2 * sizeof(struct spa_meta_region)) {
		struct spa_meta_region *r = m->data;
		r[0].region = SPA_REGION(0, (int)(n % atomic_load(&s->height)), 8, 4);
		r[1].region = SPA_REGION(0, 0, 0, 0);
	}
	if (c && s->params.cursor)
		write_cursor(s, c);
}

static void write_chunk(struct pw_source *s, struct spa_data *d, enum pw_source_chunk kind)
{
	struct spa_chunk *c = d->chunk;
	*c = (struct spa_chunk){
		.size = s->stride * atomic_load(&s->height), .stride = (int)s->stride};
	switch (kind) {
	case PW_SOURCE_BAD_STRIDE:
		c->stride = (int)s->stride / 2;
		break;
	case PW_SOURCE_NEGATIVE_STRIDE:
		c->stride = -(int)s->stride;
		break;
	case PW_SOURCE_BAD_OFFSET:
		c->offset = 0xfffffff0u;
		break;
	case PW_SOURCE_BAD_SIZE:
		c->size = 16;
		break;
	case PW_SOURCE_CORRUPTED:
		c->flags = SPA_CHUNK_FLAG_CORRUPTED;
		break;
	case PW_SOURCE_EMPTY:
		c->size = 0;
		break;
	default:
		break;
	}
}

static void send_one(struct pw_source *s, enum pw_source_chunk kind)
{
	struct pw_buffer *b = pw_stream_dequeue_buffer(s->stream);
	if (!b)
		return;
	struct spa_data *d = &b->buffer->datas[0];
	uint64_t n = atomic_load(&s->sent);
	if (kind == PW_SOURCE_GOOD && d->data)
		memset(d->data, (int)(n & 0xff), (size_t)s->stride * atomic_load(&s->height));
	write_metas(s, b->buffer, n);
	write_chunk(s, d, kind);
	if (s->params.shrinks && n % 3 == 2 && ftruncate((int)d->fd, 0) < 0)
		abort();
	if (kind == PW_SOURCE_GOOD)
		atomic_store(&s->sent, n + 1);
	pw_stream_queue_buffer(s->stream, b);
	if (s->params.shrinks && n % 3 == 2) { /* its own end may draw in it again */
		usleep(2000);
		if (ftruncate((int)d->fd, d->maxsize) < 0)
			abort();
	}
}

static void follow_resize(struct pw_source *s)
{
	uint8_t room[ROOM];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(room, sizeof(room));
	const uint64_t size = atomic_exchange(&s->resize, 0);
	if (!size)
		return;
	s->params.width = (uint32_t)(size >> 32);
	s->params.height = (uint32_t)size;
	s->due = false;
	const struct spa_pod *pod = format(s, &b);
	pw_stream_update_params(s->stream, &pod, 1);
}

static void on_timer(void *userdata, uint64_t expirations)
{
	struct pw_source *s = userdata;
	(void)expirations;
	follow_resize(s);
	if (!s->streams || s->params.silent || !pw_stream_is_driving(s->stream))
		return;
	if (s->params.still && !s->due)
		return;
	s->due = false;
	if (atomic_load(&s->paused)) {
		if (atomic_load(&s->pointer))
			send_one(s, PW_SOURCE_CORRUPTED);
		return;
	}
	send_one(s, (enum pw_source_chunk)atomic_load(&s->chunk));
}

static int open_stream(struct pw_source *s)
{
	uint8_t room[ROOM];
	struct spa_pod_builder b = SPA_POD_BUILDER_INIT(room, sizeof(room));
	const struct spa_pod *pod = format(s, &b);
	if (pwconn_open(&s->conn, true) < 0 || pwconn_connect(&s->conn, NULL) < 0)
		return -1;
	const char *name = s->params.name ? s->params.name : "test-source";
	s->stream = pw_stream_new(s->conn.core, name,
		pw_properties_new(PW_KEY_NODE_NAME, name, "adapter.auto-port-config",
			"{ mode = passthrough }", NULL));
	if (!s->stream)
		return -1;
	pw_stream_add_listener(s->stream, &s->listener, &events, s);
	enum pw_stream_flags flags = PW_STREAM_FLAG_DRIVER | PW_STREAM_FLAG_NO_CONVERT;
	flags |= s->params.memory == PW_SOURCE_POINTER ? PW_STREAM_FLAG_MAP_BUFFERS
						       : PW_STREAM_FLAG_ALLOC_BUFFERS;
	if (pw_stream_connect(s->stream, PW_DIRECTION_OUTPUT, PW_ID_ANY, flags, &pod, 1) < 0)
		return -1;
	s->timer = pw_loop_add_timer(s->conn.loop, on_timer, s);
	struct timespec every = {.tv_nsec = s->params.interval_ms * 1000000l};
	pw_loop_update_timer(s->conn.loop, s->timer, &every, &every, false);
	return 0;
}

static void run(void *userdata)
{
	struct pw_source *s = userdata;
	if (open_stream(s) < 0)
		atomic_store(&s->dead, true);
	while (!atomic_load(&s->quit) && !atomic_load(&s->dead)) {
		if (s->params.hangs && atomic_load(&s->ready))
			usleep(5000);
		else
			pw_loop_iterate(s->conn.loop, 10);
	}
	if (s->timer)
		pw_loop_destroy_source(s->conn.loop, s->timer);
	if (s->stream)
		pw_stream_destroy(s->stream);
	pwconn_close(&s->conn);
}

struct pw_source *pw_source_start(const struct pw_source_params *params)
{
	struct pw_source *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->params = *params;
	if (thread_start(&s->thread, "test-source", THREAD_NORMAL, run, s) < 0) {
		free(s);
		return NULL;
	}
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!atomic_load(&s->ready) && !atomic_load(&s->dead) && clock_now_ns() < until)
		usleep(1000);
	if (atomic_load(&s->ready))
		return s;
	pw_source_stop(s);
	return NULL;
}

void pw_source_stop(struct pw_source *s)
{
	if (!s)
		return;
	atomic_store(&s->quit, true);
	thread_join(&s->thread);
	free(s);
}

uint32_t pw_source_node(const struct pw_source *s)
{
	return atomic_load(&s->node);
}

void pw_source_mode(
	const struct pw_source *s, uint32_t *width, uint32_t *height, uint32_t *refresh_mhz)
{
	*width = atomic_load(&s->width);
	*height = atomic_load(&s->height);
	*refresh_mhz = atomic_load(&s->refresh_mhz);
}

uint32_t pw_source_limit(const struct pw_source *s)
{
	return atomic_load(&s->limit_mhz);
}

void pw_source_resize(struct pw_source *s, uint32_t width, uint32_t height)
{
	atomic_store(&s->resize, (uint64_t)width << 32 | height);
}

uint64_t pw_source_sent(const struct pw_source *s)
{
	return atomic_load(&s->sent);
}

void pw_source_chunks(struct pw_source *s, enum pw_source_chunk chunk)
{
	atomic_store(&s->chunk, chunk);
}

void pw_source_pause(struct pw_source *s, bool paused, bool pointer)
{
	atomic_store(&s->pointer, pointer);
	atomic_store(&s->paused, paused);
}
