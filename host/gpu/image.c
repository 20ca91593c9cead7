/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/image.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/gpu/display.h"

#define ENTRIES 16u
/* What no picture lay in for so many of them the compositor has given up: its memory is not ours to keep. */
#define STALE_CALLS 120u
/* Pairs of width, height, format, of each plane five, and the end. */
#define MAX_ATTRIBUTES (2 * (4 + 5 * FRAME_MAX_PLANES) + 1)

struct image_cache {
	const struct image_kind *kind;
	void *owner;
	uint64_t n_calls;
	struct entry {
		bool full;
		struct image_planes planes; /* fd: copies, which keep the numbers below theirs */
		struct dmabuf_id id[FRAME_MAX_PLANES];
		struct image_made made;
		uint64_t used; /* when, in calls */
	} entries[ENTRIES];
};

void *image_import(const struct gpu_display *d, const struct image_planes *p)
{
	int32_t a[MAX_ATTRIBUTES], n = 0;
	bool tell = p->modifier != DMABUF_INVALID && d->modifiers;
	if (!d->imports || (!tell && p->modifier != DMABUF_INVALID && p->modifier != DMABUF_LINEAR))
		return NULL;
#define PUT(name, value) (a[n++] = (int32_t)(name), a[n++] = (int32_t)(value))
	PUT(EGL_WIDTH, p->width);
	PUT(EGL_HEIGHT, p->height);
	PUT(EGL_LINUX_DRM_FOURCC, p->fourcc);
	PUT(EGL_IMAGE_PRESERVED, 1);
	for (uint32_t i = 0; i < p->n_planes && i < FRAME_MAX_PLANES; i++) {
		uint32_t fd = i < 3 ? EGL_DMA_BUF_PLANE0_FD + 3 * i : EGL_DMA_BUF_PLANE3_FD;
		PUT(fd, p->fd[i]);
		PUT(fd + 1, p->offset[i]);
		PUT(fd + 2, p->stride[i]);
		if (!tell)
			continue;
		PUT(EGL_DMA_BUF_PLANE0_MODIFIER_LO + 2 * i, p->modifier & UINT32_MAX);
		PUT(EGL_DMA_BUF_PLANE0_MODIFIER_LO + 2 * i + 1, p->modifier >> 32);
	}
#undef PUT
	a[n] = EGL_NONE;
	return d->ext.create_image(d->handle, NULL, EGL_LINUX_DMA_BUF, NULL, a);
}

void image_set_filters(const struct gles_api *gl)
{
	gl->TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MIN_FILTER, GL_NEAREST);
	gl->TexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAG_FILTER, GL_NEAREST);
}

static void drop_texture(void *owner, struct image_made *made)
{
	const struct gpu_display *d = owner;
	const uint32_t texture = (uint32_t)made->names[0];
	d->gl->DeleteTextures(1, &texture);
	d->ext.destroy_image(d->handle, made->image);
}

static int make_texture(void *owner, const struct image_planes *p, struct image_made *out)
{
	const struct gpu_display *d = owner;
	uint32_t texture;
	out->image = image_import(d, p);
	if (!out->image)
		return PF_E_UNSUPPORTED;
	d->gl->GenTextures(1, &texture);
	d->gl->BindTexture(GL_TEXTURE_2D, texture);
	d->ext.image_to_texture(GL_TEXTURE_2D, out->image);
	image_set_filters(d->gl);
	out->names[0] = texture;
	if (!d->gl->GetError())
		return PF_OK;
	drop_texture(owner, out);
	return PF_E_UNSUPPORTED;
}

const struct image_kind image_egl = {make_texture, drop_texture};

/* --- the cache --- */

int image_cache_create(struct image_cache **out, const struct image_kind *kind, void *owner)
{
	struct image_cache *c = calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	c->kind = kind;
	c->owner = owner;
	*out = c;
	return PF_OK;
}

static void drop_entry(struct image_cache *c, struct entry *e)
{
	if (!e->full)
		return;
	c->kind->drop(c->owner, &e->made);
	for (uint32_t i = 0; i < e->planes.n_planes; i++)
		close(e->planes.fd[i]);
	memset(e, 0, sizeof(*e));
}

void image_cache_destroy(struct image_cache *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < ENTRIES; i++)
		drop_entry(c, &c->entries[i]);
	free(c);
}

static bool is_same(const struct entry *e, const struct entry *wanted)
{
	const struct image_planes *a = &e->planes, *b = &wanted->planes;
	if (!e->full || a->width != b->width || a->height != b->height || a->fourcc != b->fourcc ||
		a->modifier != b->modifier || a->n_planes != b->n_planes)
		return false;
	for (uint32_t i = 0; i < a->n_planes; i++)
		if (a->offset[i] != b->offset[i] || a->stride[i] != b->stride[i] ||
			e->id[i].device != wanted->id[i].device ||
			e->id[i].inode != wanted->id[i].inode)
			return false;
	return true;
}

static int describe(const struct frame *f, struct entry *out)
{
	const struct frame_dmabuf *d = &f->dmabuf;
	memset(out, 0, sizeof(*out));
	out->planes = (struct image_planes){.width = f->width,
		.height = f->height,
		.fourcc = d->fourcc,
		.modifier = d->modifier,
		.n_planes = d->n_planes};
	for (uint32_t i = 0; i < d->n_planes; i++) {
		out->planes.fd[i] = d->fd[i];
		out->planes.offset[i] = d->offset[i];
		out->planes.stride[i] = d->stride[i];
		int err = dmabuf_identify(d->fd[i], &out->id[i]);
		if (err < 0)
			return err;
	}
	return PF_OK;
}

static void drop_stale(struct image_cache *c)
{
	for (unsigned i = 0; i < ENTRIES; i++)
		if (c->n_calls - c->entries[i].used > STALE_CALLS)
			drop_entry(c, &c->entries[i]);
}

static struct entry *oldest_entry(struct image_cache *c)
{
	struct entry *oldest = &c->entries[0];
	for (unsigned i = 1; i < ENTRIES; i++)
		if (c->entries[i].used < oldest->used)
			oldest = &c->entries[i];
	return oldest;
}

/* What is held open is an own copy: the number of its inode is then nobody else's. */
static int copy_fds(struct entry *e)
{
	for (uint32_t i = 0; i < e->planes.n_planes; i++) {
		e->planes.fd[i] = fcntl(e->planes.fd[i], F_DUPFD_CLOEXEC, 0);
		if (e->planes.fd[i] >= 0)
			continue;
		while (i--)
			close(e->planes.fd[i]);
		return PF_E_NOMEM;
	}
	return PF_OK;
}

static int make_entry(struct image_cache *c, struct entry *e, const struct entry *wanted)
{
	struct entry made = *wanted;
	int err = copy_fds(&made);
	if (err < 0)
		return err;
	err = c->kind->make(c->owner, &made.planes, &made.made);
	if (err < 0) {
		for (uint32_t i = 0; i < made.planes.n_planes; i++)
			close(made.planes.fd[i]);
		return err;
	}
	made.full = true;
	drop_entry(c, e);
	*e = made;
	return PF_OK;
}

int image_cache_get(struct image_cache *c, const struct frame *f, const struct image_made **out)
{
	struct entry wanted;
	int err = dmabuf_check(f);
	if (err >= 0)
		err = describe(f, &wanted);
	if (err < 0)
		return err;
	struct entry *e = NULL;
	for (unsigned i = 0; i < ENTRIES && !e; i++)
		if (is_same(&c->entries[i], &wanted))
			e = &c->entries[i];
	if (!e) {
		e = oldest_entry(c);
		err = make_entry(c, e, &wanted);
		if (err < 0)
			return err;
	}
	e->used = ++c->n_calls;
	drop_stale(c);
	*out = &e->made;
	return PF_OK;
}
