/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_IMAGE_H
#define HOST_GPU_IMAGE_H

#include <stdint.h>

#include "core/base/error.h"
#include "host/gpu/dmabuf.h"
#include "host/gpu/gles_api.h"
#include "host/media/frame.h"

/* DMA-BUFs as EGL images and textures, or as what else imports them. Thread: the one that converts. */

struct gpu_display;

#define IMAGE_R8   DMABUF_FOURCC('R', '8', ' ', ' ')
#define IMAGE_GR88 DMABUF_FOURCC('G', 'R', '8', '8')

struct image_planes {
	uint32_t width, height, fourcc;
	uint64_t modifier; /* DMABUF_INVALID: none is told */
	uint32_t n_planes;
	int fd[FRAME_MAX_PLANES];
	uint32_t offset[FRAME_MAX_PLANES], stride[FRAME_MAX_PLANES];
};

/* An EGLImage, which keeps the memory but not the descriptors; NULL where the driver refuses. */
void *image_import(const struct gpu_display *d, const struct image_planes *p);
/* Of the texture that is bound: no smoothing, no levels. */
void image_set_filters(const struct gles_api *gl);

/*
 * A compositor draws into the same few buffers again and again: each is imported once. The cache holds them open,
 * 16 at most; the longest unused goes first, and who was not used for 120 pictures.
 */
struct image_made {
	void *image;	   /* EGL's */
	uint64_t names[3]; /* OpenGL's texture; Vulkan's image, memory, view */
};

/* Who makes them of planes whose descriptors stay the cache's, and drops them again. */
struct image_kind {
	int (*make)(void *owner, const struct image_planes *p, struct image_made *out);
	void (*drop)(void *owner, struct image_made *made);
};
/* EGL's; owner: the struct gpu_display, not written to. Where the converter's context is current. */
extern const struct image_kind image_egl;

struct image_cache;
int image_cache_create(
	struct image_cache **out, const struct image_kind *kind, void *owner) PF_MUST_CHECK;
void image_cache_destroy(struct image_cache *c); /* takes NULL */
/*
 * What was made of f's DMA-BUF, the cache's until the next call. Errors: those of dmabuf_check(), and the maker's, as
 * PF_E_UNSUPPORTED (the driver does not import it).
 */
int image_cache_get(
	struct image_cache *c, const struct frame *f, const struct image_made **out) PF_MUST_CHECK;

#endif
