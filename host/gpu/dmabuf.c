/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/dmabuf.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/dma-buf.h>

#include "host/media/clock.h"

#define PIXEL 4u
/* What no picture lay in for so many of them the compositor has given up: its memory is not ours to keep. */
#define STALE_CALLS 120u

static const struct format {
	uint32_t fourcc;
	enum frame_format format;
} formats[] = {
	{DMABUF_XR24, FRAME_BGRX},
	{DMABUF_AR24, FRAME_BGRX},
	{DMABUF_XB24, FRAME_RGBX},
	{DMABUF_AB24, FRAME_RGBX},
};

static int check_format(const struct frame *f)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].fourcc == f->dmabuf.fourcc)
			return formats[i].format == f->format ? PF_OK : PF_E_INVALID;
	return PF_E_UNSUPPORTED;
}

/* -1: it has none. Of a DMA-BUF it never changes. */
static int64_t memory_size(int fd)
{
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	/* Kernels before 5.3 say it only so. */
	return S_ISREG(st.st_mode) && st.st_size ? st.st_size : lseek(fd, 0, SEEK_END);
}

static int check_plane(const struct frame *f, unsigned i)
{
	const struct frame_dmabuf *d = &f->dmabuf;
	uint32_t offset = d->offset[i], stride = d->stride[i];
	int64_t size = memory_size(d->fd[i]);
	if (size <= 0 || !stride || stride > DMABUF_MAX_STRIDE || offset >= (uint64_t)size)
		return PF_E_INVALID;
	if (d->modifier == DMABUF_LINEAR) {
		uint64_t row = (uint64_t)f->width * PIXEL;
		if (stride < row || stride % PIXEL || offset % PIXEL || stride != f->stride)
			return PF_E_INVALID;
		return offset + (uint64_t)stride * (f->height - 1) + row <= (uint64_t)size
			? PF_OK
			: PF_E_INVALID;
	}
	/*
	 * How long another layout is only its driver knows; but the first plane has a place for every pixel, also of
	 * compressed ones, whose further planes say how.
	 */
	return i || (uint64_t)f->width * f->height * PIXEL <= (uint64_t)size - offset
		? PF_OK
		: PF_E_INVALID;
}

int dmabuf_check(const struct frame *f)
{
	const struct frame_dmabuf *d = &f->dmabuf;
	if (!d->n_planes || d->n_planes > FRAME_MAX_PLANES || !f->width || !f->height ||
		f->width > DMABUF_MAX_SIDE || f->height > DMABUF_MAX_SIDE)
		return PF_E_INVALID;
	int err = check_format(f);
	if (err < 0)
		return err;
	if (d->modifier == DMABUF_INVALID)
		return PF_E_UNSUPPORTED;
	if (d->modifier == DMABUF_LINEAR && d->n_planes != 1)
		return PF_E_INVALID;
	for (unsigned i = 0; i < d->n_planes && err >= 0; i++)
		err = check_plane(f, i);
	return err;
}

/* A DMA-BUF is readable when no writer of it is at work, and other files always. */
static int wait_readable(int fd, uint64_t until_ns)
{
	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now_ns = clock_now_ns();
		uint64_t left_ns = until_ns > now_ns ? until_ns - now_ns : 0;
		int n = poll(&p, 1, (int)((left_ns + 999999) / 1000000));
		if (n > 0)
			return p.revents & (POLLIN | POLLHUP) ? PF_OK : PF_E_INVALID;
		if (n < 0 && errno != EINTR)
			return PF_E_IO;
		if (!left_ns)
			return PF_E_TIMEOUT;
	}
}

int dmabuf_wait(const struct frame *f)
{
	const struct frame_dmabuf *d = &f->dmabuf;
	const uint64_t until_ns = clock_now_ns() + DMABUF_WAIT_MS * UINT64_C(1000000);
	if (!d->n_planes || d->n_planes > FRAME_MAX_PLANES)
		return PF_E_INVALID;
	for (uint32_t i = 0; i < d->n_planes; i++) {
		int err = d->fd[i] < 0 ? PF_E_INVALID : wait_readable(d->fd[i], until_ns);
		if (err < 0)
			return err;
	}
	return PF_OK;
}

int dmabuf_identify(int fd, struct dmabuf_id *out)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return PF_E_IO;
	*out = (struct dmabuf_id){st.st_dev, st.st_ino};
	return PF_OK;
}

/* --- for the CPU --- */

static bool is_dmabuf(int fd)
{
	/* Nothing else knows this call; with flags that do not exist it does nothing. */
	struct dma_buf_sync none = {.flags = ~UINT64_C(0)};
	return ioctl(fd, DMA_BUF_IOCTL_SYNC, &none) < 0 && errno == EINVAL;
}

/* Who could make it shorter could end us with SIGBUS: DMA-BUFs cannot be, nor can files that are sealed so. */
bool dmabuf_keeps_its_size(int fd)
{
	if (is_dmabuf(fd))
		return true;
	int seals = fcntl(fd, F_GET_SEALS);
	return seals >= 0 && (seals & F_SEAL_SHRINK);
}

/* Interrupted while it waits for the GPU, it wants to be called again. */
static void sync_memory(int fd, uint64_t flags)
{
	struct dma_buf_sync sync = {.flags = flags | DMA_BUF_SYNC_READ};
	while (ioctl(fd, DMA_BUF_IOCTL_SYNC, &sync) < 0 && (errno == EINTR || errno == EAGAIN))
		;
}

void dmabuf_maps_init(struct dmabuf_maps *m)
{
	memset(m, 0, sizeof(*m));
}

static void drop_map(struct dmabuf_map *map)
{
	if (map->at)
		munmap(map->at, map->len);
	memset(map, 0, sizeof(*map));
}

void dmabuf_maps_finish(struct dmabuf_maps *m)
{
	for (unsigned i = 0; i < DMABUF_MAPS; i++)
		drop_map(&m->maps[i]);
}

/* A mapping keeps its memory, so that no other can have its number. */
static struct dmabuf_map *find_map(struct dmabuf_maps *m, const struct dmabuf_id *id)
{
	struct dmabuf_map *oldest = &m->maps[0];
	for (unsigned i = 0; i < DMABUF_MAPS; i++) {
		struct dmabuf_map *map = &m->maps[i];
		if (map->at && map->id.device == id->device && map->id.inode == id->inode)
			return map;
		if (map->used < oldest->used)
			oldest = map;
	}
	drop_map(oldest);
	return oldest;
}

static void drop_stale(struct dmabuf_maps *m)
{
	for (unsigned i = 0; i < DMABUF_MAPS; i++)
		if (m->n_calls - m->maps[i].used > STALE_CALLS)
			drop_map(&m->maps[i]);
}

const uint8_t *dmabuf_begin(struct dmabuf_maps *m, const struct frame *f)
{
	const int fd = f->dmabuf.fd[0];
	struct dmabuf_id id;
	if (f->dmabuf.modifier != DMABUF_LINEAR || dmabuf_identify(fd, &id) < 0)
		return NULL;
	struct dmabuf_map *map = find_map(m, &id);
	if (!map->at) {
		int64_t size = dmabuf_keeps_its_size(fd) ? memory_size(fd) : -1;
		void *at = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fd, 0)
				    : MAP_FAILED;
		if (at == MAP_FAILED)
			return NULL;
		*map = (struct dmabuf_map){.id = id, .at = at, .len = (size_t)size};
	}
	/* A file may have grown since, and its picture lie beyond what is mapped. */
	uint64_t end = f->dmabuf.offset[0] + (uint64_t)f->dmabuf.stride[0] * (f->height - 1) +
		(uint64_t)f->width * PIXEL;
	if (end > map->len)
		return NULL;
	map->used = ++m->n_calls;
	drop_stale(m);
	sync_memory(fd, DMA_BUF_SYNC_START);
	return (const uint8_t *)map->at + f->dmabuf.offset[0];
}

void dmabuf_end(const struct frame *f)
{
	sync_memory(f->dmabuf.fd[0], DMA_BUF_SYNC_END);
}
