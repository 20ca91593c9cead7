/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_VULKAN_CONVERT_H
#define HOST_GPU_VULKAN_CONVERT_H

#include <stdint.h>

#include "core/base/error.h"
#include "host/gpu/convert.h"

/*
 * As convert.h, by Vulkan, for encoders that work on the CPU: the picture is converted in the GPU and written right
 * into memory that the CPU reads. Each converter has a device of its own, so that one which is lost takes no other
 * with it. One thread at a time.
 */

struct vulkan_convert;

/* display: vulkan_display()'s. Errors: PF_E_UNSUPPORTED, PF_E_NOMEM, PF_E_IO. */
int vulkan_convert_create(struct vulkan_convert **out, const struct gpu_display *display,
	const struct gpu_convert_params *params) PF_MUST_CHECK;
void vulkan_convert_destroy(struct vulkan_convert *c); /* takes NULL */
/*
 * NV12 at y and uv, which have room for the even size. Done when it returns; the picture has to be drawn
 * (dmabuf_wait()).
 * Errors: PF_E_INVALID (see dmabuf_check()), PF_E_UNSUPPORTED (the GPU does not import it), PF_E_NOMEM, PF_E_IO (the
 * device is lost, or hangs: make a new one).
 */
int vulkan_convert_run(struct vulkan_convert *c, const struct frame *f, uint8_t *y,
	uint32_t y_stride, uint8_t *uv, uint32_t uv_stride) PF_MUST_CHECK;

#endif
