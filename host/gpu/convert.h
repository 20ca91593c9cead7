/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_CONVERT_H
#define HOST_GPU_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/media/frame.h"

/*
 * RGB -> NV12 by a GPU. The picture comes from a DMA-BUF that stays where it is, or from the CPU's memory; what is
 * made goes into the GPU's own memory, where an encoder takes it or from where it is read back. The arithmetic is
 * csc.h's. One thread at a time.
 */

struct gpu_display;
struct gpu_convert;

struct gpu_convert_params {
	uint32_t width, height; /* of frames; what is made is of even size, as planes.h has it */
	uint8_t matrix;		/* H.273's number, and its range */
	bool full_range;
};

/* Where a picture of two planes (Y, then UV) lies in the GPU's memory. */
struct gpu_target {
	uint32_t texture[2]; /* OpenGL's */
	uint32_t framebuffer[2];
	void *image[2]; /* EGL's, of an imported one; else NULL */
};

/* Errors: PF_E_UNSUPPORTED (the display cannot, or the matrix is not known), PF_E_NOMEM. */
int gpu_convert_create(struct gpu_convert **out, const struct gpu_display *display,
	const struct gpu_convert_params *params) PF_MUST_CHECK;
void gpu_convert_destroy(struct gpu_convert *c); /* takes NULL */

/*
 * Converts f, which has the size of the params, into target (NULL: one of the converter's own); with wait, it is
 * done when this returns. Errors: PF_E_INVALID (see dmabuf_check()), PF_E_UNSUPPORTED (the GPU does not import
 * it), PF_E_IO.
 */
int gpu_convert_frame(struct gpu_convert *c, const struct frame *f, const struct gpu_target *target,
	bool wait) PF_MUST_CHECK;
/* Reads the converter's own target. Strides in bytes; uv_stride is even. Errors: PF_E_IO. */
int gpu_convert_read(struct gpu_convert *c, uint8_t *y, uint32_t y_stride, uint8_t *uv,
	uint32_t uv_stride) PF_MUST_CHECK;
/* The converter's own target. */
const struct gpu_target *gpu_convert_own(const struct gpu_convert *c);

/* An encoder's picture in NV12: a DMA-BUF for each plane, or one for both. */
struct gpu_nv12 {
	struct gpu_nv12_plane {
		int fd;
		uint32_t offset, stride;
		uint64_t modifier; /* DMABUF_INVALID = the driver's secret */
	} planes[2];
};

/* Takes it as a target. Nothing of it is the target's; it may go while the target stays. Errors: PF_E_UNSUPPORTED. */
int gpu_convert_import(struct gpu_convert *c, const struct gpu_nv12 *picture,
	struct gpu_target *out) PF_MUST_CHECK;
void gpu_convert_forget(struct gpu_convert *c, struct gpu_target *target);

/* EGL's context, to be entered by who uses the textures (display.h). */
void *gpu_convert_context(const struct gpu_convert *c);

#endif
