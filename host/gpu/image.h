/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_IMAGE_H
#define HOST_GPU_IMAGE_H

#include <stdint.h>

#include "core/base/error.h"
#include "host/gpu/dmabuf.h"
#include "host/gpu/gles_api.h"
#include "host/media/frame.h"

/* DMA-BUFs as EGL images and textures. Thread: where the converter's context is current. */

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
struct image_cache;
int image_cache_create(struct image_cache **out, const struct gpu_display *d) PF_MUST_CHECK;
void image_cache_destroy(struct image_cache *c); /* takes NULL */
/*
 * The texture of f's DMA-BUF, the cache's. Errors: those of dmabuf_check(), PF_E_UNSUPPORTED (the driver does not
 * import it).
 */
int image_cache_get(struct image_cache *c, const struct frame *f, uint32_t *texture) PF_MUST_CHECK;

#endif
