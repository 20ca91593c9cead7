/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/pipewire_buffer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/dma-buf.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/stream.h>
#include <spa/buffer/buffer.h>
#include <spa/buffer/meta.h>

#include "host/capture/capture.h"

#define PIXEL	    4u
#define COPY_ALIGN  64u
#define MAX_STRIDE  (CAPTURE_MAX_SIZE * 8u) /* bytes: a row with room for any alignment */
#define MAX_MEMORY  ((size_t)MAX_STRIDE * CAPTURE_MAX_SIZE)
#define DMABUF_SYNC DMA_BUF_IOCTL_SYNC

int pipewire_wake_create(struct pipewire_wake **out)
{
	struct pipewire_wake *w = calloc(1, sizeof(*w));
	if (!w)
		return PF_E_NOMEM;
	atomic_init(&w->refs, 1);
	w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (w->fd < 0) {
		int err = pf_error_from_errno(errno);
		free(w);
		return err;
	}
	*out = w;
	return PF_OK;
}

void pipewire_wake_unref(struct pipewire_wake *w)
{
	if (!w || atomic_fetch_sub(&w->refs, 1) != 1)
		return;
	close(w->fd);
	free(w);
}

void pipewire_wake_up(struct pipewire_wake *w)
{
	/* Full is awake as well. */
	(void)eventfd_write(w->fd, 1);
}

/* --- memory --- */

void pipewire_buffer_unref(struct pipewire_buffer *b)
{
	if (!b || atomic_fetch_sub(&b->refs, 1) != 1)
		return;
	if (b->heap)
		free(b->map);
	else if (b->map && !b->borrowed)
		munmap(b->map, b->map_len);
	for (uint32_t i = 0; i < b->n_fds; i++)
		close(b->fds[i]);
	pipewire_wake_unref(b->wake);
	free(b);
}

static struct pipewire_buffer *new_buffer(struct pipewire_wake *wake)
{
	struct pipewire_buffer *b = calloc(1, sizeof(*b));
	if (!b)
		return NULL;
	atomic_init(&b->refs, 1);
	atomic_fetch_add(&wake->refs, 1);
	b->wake = wake;
	return b;
}

static int keep_fd(struct pipewire_buffer *b, int64_t fd)
{
	if (fd < 0 || fd > INT32_MAX)
		return PF_E_INVALID;
	int copy = fcntl((int)fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return pf_error_from_errno(errno);
	b->fds[b->n_fds++] = copy;
	return PF_OK;
}

static int map(struct pipewire_buffer *b, const struct spa_data *d)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t skip = d->mapoffset % page;
	void *at = mmap(NULL, skip + d->maxsize, PROT_READ, MAP_SHARED, b->fds[0],
		(off_t)(d->mapoffset - skip));
	if (at == MAP_FAILED)
		return PF_E_UNSUPPORTED;
	b->map = at;
	b->map_len = skip + d->maxsize;
	b->map_skip = skip;
	return PF_OK;
}

/*
 * What its owner can make shorter would kill us with SIGBUS when we look at it: that is copied by read calls, which
 * only end early. An owner who forgot to seal it may leave that to us.
 */
static bool may_shrink(int fd)
{
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
	int seals = fcntl(fd, F_GET_SEALS);
	return seals < 0 || !(seals & F_SEAL_SHRINK);
}

static int take_shared(struct pipewire_buffer *b, const struct spa_data *d)
{
	struct stat st;
	int err = keep_fd(b, d->fd);
	if (err < 0)
		return err;
	if (fstat(b->fds[0], &st) < 0 || !S_ISREG(st.st_mode) ||
		(uint64_t)st.st_size < (uint64_t)d->mapoffset + d->maxsize)
		return PF_E_INVALID;
	b->fd_skip = d->mapoffset;
	return may_shrink(b->fds[0]) ? PF_OK : map(b, d);
}

static bool is_dmabuf(int fd)
{
	/* Nothing else knows this call; with a flag that does not exist it does nothing. */
	struct dma_buf_sync none = {.flags = ~0ull};
	return ioctl(fd, DMABUF_SYNC, &none) == 0 || errno == EINVAL;
}

static int take_gpu(struct pipewire_buffer *b, const struct spa_buffer *spa, bool must_map)
{
	b->gpu = true;
	for (uint32_t i = 0; i < spa->n_datas && spa->datas[i].type == SPA_DATA_DmaBuf; i++) {
		int err = i < FRAME_MAX_PLANES ? keep_fd(b, spa->datas[i].fd) : PF_E_INVALID;
		if (err < 0)
			return err;
		if (!is_dmabuf(b->fds[i]))
			return PF_E_INVALID;
	}
	/* Its size never changes. */
	off_t len = lseek(b->fds[0], 0, SEEK_END);
	const struct spa_data *d = &spa->datas[0];
	if (!must_map)
		return PF_OK;
	if (len < 0 || b->n_fds != 1 || !d->maxsize)
		return PF_E_UNSUPPORTED;
	if ((uint64_t)len < (uint64_t)d->mapoffset + d->maxsize)
		return PF_E_INVALID;
	return map(b, d);
}

static int take_memory(struct pipewire_buffer *b, const struct spa_buffer *spa,
	const struct pipewire_format *format, bool must_map)
{
	const struct spa_data *d = &spa->datas[0];
	if (!spa->n_datas || !d->chunk || d->maxsize > MAX_MEMORY)
		return PF_E_INVALID;
	b->len = d->maxsize;
	if (format->gpu)
		return d->type == SPA_DATA_DmaBuf ? take_gpu(b, spa, must_map) : PF_E_UNSUPPORTED;
	switch (d->type) {
	case SPA_DATA_MemFd:
		return take_shared(b, d);
	case SPA_DATA_MemPtr:
		b->borrowed = true;
		b->map = d->data;
		return b->map ? PF_OK : PF_E_INVALID;
	default:
		return PF_E_UNSUPPORTED;
	}
}

int pipewire_buffer_create(struct pipewire_buffer **out, struct pipewire_wake *wake,
	struct pw_buffer *pw, const struct pipewire_format *format, bool must_map)
{
	*out = NULL;
	struct pipewire_buffer *b = new_buffer(wake);
	if (!b)
		return PF_E_NOMEM;
	b->pw = pw;
	int err = take_memory(b, pw->buffer, format, must_map);
	if (err < 0)
		pipewire_buffer_unref(b);
	else
		*out = b;
	return err;
}

int pipewire_buffer_create_copy(
	struct pipewire_buffer **out, struct pipewire_wake *wake, size_t len)
{
	*out = NULL;
	struct pipewire_buffer *b = new_buffer(wake);
	if (!b)
		return PF_E_NOMEM;
	b->heap = true;
	b->len = (len + COPY_ALIGN - 1) / COPY_ALIGN * COPY_ALIGN;
	b->map = aligned_alloc(COPY_ALIGN, b->len);
	if (!b->map) {
		pipewire_buffer_unref(b);
		return PF_E_NOMEM;
	}
	*out = b;
	return PF_OK;
}

/* --- frames --- */

static void sync_gpu(const struct pipewire_buffer *b, uint64_t flags)
{
	struct dma_buf_sync s = {.flags = flags | DMA_BUF_SYNC_READ};
	if (b->gpu && b->map)
		(void)ioctl(b->fds[0], DMABUF_SYNC, &s);
}

static void release(struct frame *f)
{
	struct pipewire_buffer *b = f->owner;
	sync_gpu(b, DMA_BUF_SYNC_END);
	atomic_store(&b->back, true);
	pipewire_wake_up(b->wake);
	pipewire_buffer_unref(b);
}

static void begin_frame(struct pipewire_buffer *b)
{
	atomic_fetch_add(&b->refs, 1);
	atomic_store(&b->back, false);
	b->out = true;
	frame_init(&b->frame);
	b->frame.release = release;
	b->frame.owner = b;
}

bool pipewire_buffer_came_back(struct pipewire_buffer *b)
{
	return atomic_exchange(&b->back, false);
}

/* What a chunk says of a plane, read once: it lies in memory that the node writes. */
struct plane {
	uint32_t offset, size, stride;
};

static bool read_plane(const struct spa_data *d, const struct pipewire_format *f, struct plane *out)
{
	struct spa_chunk chunk;
	memcpy(&chunk, d->chunk, sizeof(chunk));
	out->offset = chunk.offset;
	out->size = chunk.size;
	out->stride = chunk.stride ? (uint32_t)chunk.stride : f->width * PIXEL;
	return chunk.stride >= 0 && out->stride <= MAX_STRIDE;
}

static uint64_t picture_len(const struct plane *p, const struct pipewire_format *f)
{
	return (uint64_t)p->stride * (f->height - 1) + f->width * PIXEL;
}

static int fill_planes(struct frame *f, const struct pipewire_buffer *b,
	const struct spa_buffer *spa, const struct pipewire_format *format)
{
	struct frame_dmabuf *dma = &f->dmabuf;
	dma->fourcc = pipewire_offer_fourcc(format);
	dma->modifier = format->modifier;
	for (uint32_t i = 0; i < b->n_fds; i++) {
		struct plane p;
		if (!read_plane(&spa->datas[i], format, &p))
			return PF_E_INVALID;
		dma->fd[i] = b->fds[i];
		dma->offset[i] = p.offset;
		dma->stride[i] = p.stride;
	}
	dma->n_planes = b->n_fds;
	return PF_OK;
}

static int crop_frame(struct frame *f, struct pipewire_buffer *b, const struct pipewire_box *crop)
{
	if (b->gpu && f->dmabuf.modifier) /* only rows have a place that can be computed */
		return PF_E_UNSUPPORTED;
	size_t skip = crop->y * f->stride + (size_t)crop->x * PIXEL;
	b->first += skip;
	f->dmabuf.offset[0] += (uint32_t)skip;
	f->width = crop->width;
	f->height = crop->height;
	return PF_OK;
}

static int check_picture(struct pipewire_buffer *b, const struct spa_buffer *spa,
	const struct pipewire_format *format, struct plane *p)
{
	if (!read_plane(&spa->datas[0], format, p))
		return PF_E_INVALID;
	if (b->gpu && format->modifier) /* laid out as only the GPU knows */
		return PF_OK;
	uint64_t len = picture_len(p, format);
	if (p->stride < format->width * PIXEL || p->stride % PIXEL || p->offset % PIXEL)
		return PF_E_INVALID;
	/* Of a GPU's memory some say no size. */
	if (!b->gpu && p->size < len)
		return PF_E_INVALID;
	if ((!b->gpu || b->map) && p->offset + len > b->len)
		return PF_E_INVALID;
	return PF_OK;
}

int pipewire_buffer_fill(struct pipewire_buffer *b, const struct spa_buffer *spa,
	const struct pipewire_format *format, const struct pipewire_box *crop, uint32_t transform)
{
	struct plane p;
	struct frame *f = &b->frame;
	int err = check_picture(b, spa, format, &p);
	if (err < 0)
		return err;
	begin_frame(b);
	f->width = format->width;
	f->height = format->height;
	f->stride = p.stride;
	f->format = format->format;
	b->first = b->map_skip + p.offset;
	b->transform = transform;
	sync_gpu(b, DMA_BUF_SYNC_START);
	if (b->gpu)
		err = fill_planes(f, b, spa, format);
	if (err >= 0 && crop)
		err = crop_frame(f, b, crop);
	if (b->map)
		f->pixels = b->map + b->first;
	f->y_invert = transform == SPA_META_TRANSFORMATION_Flipped180;
	if (err < 0) {
		frame_unref(f);
		atomic_store(&b->back, false);
	}
	return err;
}

bool pipewire_buffer_is_plain(const struct pipewire_buffer *b)
{
	return (b->map || b->gpu) && !b->borrowed &&
		(b->transform == SPA_META_TRANSFORMATION_None ||
			b->transform == SPA_META_TRANSFORMATION_Flipped180);
}

bool pipewire_buffer_is_readable(const struct pipewire_buffer *b)
{
	return b->map || !b->gpu;
}

/* --- copies --- */

static bool is_on_its_side(uint32_t transform)
{
	return transform == SPA_META_TRANSFORMATION_90 ||
		transform == SPA_META_TRANSFORMATION_270 ||
		transform == SPA_META_TRANSFORMATION_Flipped90 ||
		transform == SPA_META_TRANSFORMATION_Flipped270;
}

static void copied_size(const struct pipewire_buffer *b, uint32_t *width, uint32_t *height)
{
	bool side = is_on_its_side(b->transform);
	*width = side ? b->frame.height : b->frame.width;
	*height = side ? b->frame.width : b->frame.height;
}

static size_t copied_stride(uint32_t width)
{
	return ((size_t)width * PIXEL + COPY_ALIGN - 1) / COPY_ALIGN * COPY_ALIGN;
}

size_t pipewire_buffer_copy_len(const struct pipewire_buffer *b)
{
	uint32_t width, height;
	copied_size(b, &width, &height);
	return copied_stride(width) * height;
}

static int read_row(uint8_t *to, const struct pipewire_buffer *from, size_t at, size_t len)
{
	if (from->map) {
		memcpy(to, from->map + at, len);
		return PF_OK;
	}
	ssize_t n = pread(from->fds[0], to, len, (off_t)((size_t)from->fd_skip + at));
	return n == (ssize_t)len ? PF_OK : PF_E_IO;
}

static int copy_rows(struct pipewire_buffer *to, const struct pipewire_buffer *from)
{
	const struct frame *f = &from->frame;
	bool flipped = from->transform == SPA_META_TRANSFORMATION_Flipped180;
	for (uint32_t y = 0; y < f->height; y++) {
		uint32_t row = flipped ? f->height - 1 - y : y;
		int err = read_row(to->map + y * to->frame.stride, from,
			from->first + row * f->stride, (size_t)f->width * PIXEL);
		if (err < 0)
			return err;
	}
	return PF_OK;
}

/* The place in memory of the pixel that is seen at x, y of a picture of w * h. */
static void turned(uint32_t transform, uint32_t *x, uint32_t *y, uint32_t w, uint32_t h)
{
	uint32_t sx = *x, sy = *y;
	if (transform >= SPA_META_TRANSFORMATION_Flipped)
		sx = w - 1 - sx;
	switch (transform % SPA_META_TRANSFORMATION_Flipped) {
	case SPA_META_TRANSFORMATION_90:
		*x = sy;
		*y = w - 1 - sx;
		break;
	case SPA_META_TRANSFORMATION_180:
		*x = w - 1 - sx;
		*y = h - 1 - sy;
		break;
	case SPA_META_TRANSFORMATION_270:
		*x = h - 1 - sy;
		*y = sx;
		break;
	default:
		*x = sx;
		*y = sy;
	}
}

static void copy_turned(struct pipewire_buffer *to, const struct pipewire_buffer *from)
{
	struct frame *f = &to->frame;
	for (uint32_t y = 0; y < f->height; y++)
		for (uint32_t x = 0; x < f->width; x++) {
			uint32_t sx = x, sy = y;
			turned(from->transform, &sx, &sy, f->width, f->height);
			memcpy(to->map + y * f->stride + (size_t)x * PIXEL,
				from->map + from->first + sy * from->frame.stride +
					(size_t)sx * PIXEL,
				PIXEL);
		}
}

int pipewire_buffer_copy(struct pipewire_buffer *to, const struct pipewire_buffer *from)
{
	struct frame *f = &to->frame;
	bool rows = from->transform == SPA_META_TRANSFORMATION_None ||
		from->transform == SPA_META_TRANSFORMATION_Flipped180;
	if (!rows && !from->map)
		return PF_E_UNSUPPORTED;
	pf_check(pipewire_buffer_copy_len(from) <= to->len);
	begin_frame(to);
	copied_size(from, &f->width, &f->height);
	f->stride = copied_stride(f->width);
	f->format = from->frame.format;
	f->pixels = to->map;
	f->times = from->frame.times;
	int err = PF_OK;
	if (rows)
		err = copy_rows(to, from);
	else
		copy_turned(to, from);
	if (err < 0)
		frame_unref(f);
	return err;
}
