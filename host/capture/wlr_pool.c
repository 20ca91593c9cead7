/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/capture/wlr_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wayland-client.h>

#include "host/capture/capture.h"

static void memory_unref(struct wlr_memory *m)
{
	if (!m || atomic_fetch_sub(&m->refs, 1) != 1)
		return;
	if (m->map)
		munmap(m->map, m->size);
	for (size_t i = 0; i < WLR_POOL_BUFFERS; i++) {
		const struct frame_dmabuf *d = &m->buffers[i].frame.dmabuf;
		for (uint32_t k = 0; k < d->n_planes; k++)
			close(d->fd[k]);
	}
	free(m);
}

static void release(struct frame *f)
{
	struct wlr_buffer *b = f->owner;
	struct wlr_memory *m = b->memory;
	atomic_store(&b->taken, false);
	memory_unref(m);
}

static const struct {
	uint32_t wl;
	enum frame_format frame;
} formats[] = {
	{WL_SHM_FORMAT_XRGB8888, FRAME_BGRX},
	{WL_SHM_FORMAT_ARGB8888, FRAME_BGRX},
	{WL_SHM_FORMAT_XBGR8888, FRAME_RGBX},
	{WL_SHM_FORMAT_ABGR8888, FRAME_RGBX},
};

int wlr_pool_format_rank(uint32_t format)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
		if (formats[i].wl == format)
			return (int)i;
	return -1;
}

static int check_layout(const struct wlr_layout *l)
{
	if (!l->width || l->width > CAPTURE_MAX_SIZE || !l->height || l->height > CAPTURE_MAX_SIZE)
		return PF_E_INVALID;
	if (l->stride < l->width * 4 || l->stride > CAPTURE_MAX_SIZE * 8 || l->stride % 4)
		return PF_E_INVALID;
	return PF_OK;
}

static int map_memory(struct wlr_memory *m, int *fd)
{
	*fd = memfd_create("punktfunk-capture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (*fd < 0)
		return pf_error_from_errno(errno);
	if (ftruncate(*fd, (off_t)m->size) < 0)
		return pf_error_from_errno(errno);
	/* A compositor that could shrink it would kill us with SIGBUS. */
	if (fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return pf_error_from_errno(errno);
	void *map = mmap(NULL, m->size, PROT_READ, MAP_SHARED, *fd, 0);
	if (map == MAP_FAILED)
		return pf_error_from_errno(errno);
	m->map = map;
	return PF_OK;
}

static int make_buffers(struct wlr_memory *m, struct wl_shm *shm, int fd,
	const struct wlr_layout *l, enum frame_format format)
{
	size_t each = (size_t)l->stride * l->height;
	struct wl_shm_pool *pool = wl_shm_create_pool(shm, fd, (int32_t)m->size);
	if (!pool)
		return PF_E_NOMEM;
	int err = PF_OK;
	for (size_t i = 0; i < WLR_POOL_BUFFERS; i++) {
		struct wlr_buffer *b = &m->buffers[i];
		b->wl = wl_shm_pool_create_buffer(pool, (int32_t)(i * each), (int32_t)l->width,
			(int32_t)l->height, (int32_t)l->stride, l->format);
		b->frame.width = l->width;
		b->frame.height = l->height;
		b->frame.stride = l->stride;
		b->frame.format = format;
		b->frame.pixels = m->map + i * each;
		if (!b->wl)
			err = PF_E_NOMEM;
	}
	wl_shm_pool_destroy(pool);
	return err;
}

int wlr_pool_begin(struct wlr_pool *p, const struct wlr_layout *l)
{
	wlr_pool_retire(p);
	struct wlr_memory *m = calloc(1, sizeof(*m));
	if (!m)
		return PF_E_NOMEM;
	atomic_init(&m->refs, 1);
	for (size_t i = 0; i < WLR_POOL_BUFFERS; i++)
		m->buffers[i].memory = m;
	p->memory = m;
	p->layout = *l;
	return PF_OK;
}

int wlr_pool_make(struct wlr_pool *p, struct wl_shm *shm, const struct wlr_layout *l)
{
	const int rank = wlr_pool_format_rank(l->format);
	int fd = -1;
	wlr_pool_retire(p);
	int err = rank >= 0 ? check_layout(l) : PF_E_UNSUPPORTED;
	if (err >= 0)
		err = wlr_pool_begin(p, l);
	if (err < 0)
		return err;
	struct wlr_memory *m = p->memory;
	m->size = (size_t)l->stride * l->height * WLR_POOL_BUFFERS;
	err = m->size > INT32_MAX ? PF_E_INVALID : map_memory(m, &fd);
	if (err >= 0)
		err = make_buffers(m, shm, fd, l, formats[rank].frame);
	if (fd >= 0)
		close(fd);
	if (err < 0)
		wlr_pool_retire(p);
	return err;
}

void wlr_pool_retire(struct wlr_pool *p)
{
	struct wlr_memory *m = p->memory;
	if (!m)
		return;
	for (size_t i = 0; i < WLR_POOL_BUFFERS; i++)
		if (m->buffers[i].wl)
			wl_buffer_destroy(m->buffers[i].wl);
	memory_unref(m);
	memset(p, 0, sizeof(*p));
}

struct wlr_buffer *wlr_pool_take(struct wlr_pool *p)
{
	struct wlr_memory *m = p->memory;
	for (size_t i = 0; m && i < WLR_POOL_BUFFERS; i++) {
		struct wlr_buffer *b = &m->buffers[i];
		if (atomic_load(&b->taken))
			continue;
		struct frame keep = b->frame;
		atomic_store(&b->taken, true);
		atomic_fetch_add(&m->refs, 1);
		frame_init(&b->frame);
		b->frame.width = keep.width;
		b->frame.height = keep.height;
		b->frame.stride = keep.stride;
		b->frame.format = keep.format;
		b->frame.pixels = keep.pixels;
		b->frame.dmabuf = keep.dmabuf;
		b->frame.release = release;
		b->frame.owner = b;
		return b;
	}
	return NULL;
}

void wlr_pool_note_filled(struct wlr_pool *p, struct wlr_buffer *b)
{
	const struct frame_damage *d = &b->frame.damage;
	for (size_t i = 0; i < WLR_POOL_BUFFERS; i++) {
		struct frame_damage *missing = &p->memory->buffers[i].missing;
		missing->known = missing->known && d->known;
		for (unsigned k = 0; missing->known && k < d->n_bands; k++)
			frame_damage_add(missing, d->bands[k].y0, d->bands[k].y1);
	}
	b->missing = (struct frame_damage){.known = true};
}
