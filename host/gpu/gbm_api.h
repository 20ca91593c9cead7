/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_GBM_API_H
#define HOST_GPU_GBM_API_H

#include <stdint.h>

#include "host/gpu/library.h"

/* What of GBM is used here: a way to a display for a render node, and memory that a compositor can copy into. */

struct gbm_bo;
struct gbm_device;

#define GBM_FUNCTIONS(X) \
	X(struct gbm_device *, create_device, (int fd)) \
	X(void, device_destroy, (struct gbm_device * device)) \
	X(const char *, device_get_backend_name, (struct gbm_device * device)) \
	X(struct gbm_bo *, bo_create_with_modifiers, \
		(struct gbm_device * device, uint32_t width, uint32_t height, uint32_t format, \
			const uint64_t *modifiers, unsigned count)) \
	X(void, bo_destroy, (struct gbm_bo * bo)) \
	X(uint64_t, bo_get_modifier, (struct gbm_bo * bo)) \
	X(int, bo_get_plane_count, (struct gbm_bo * bo)) \
	X(int, bo_get_fd_for_plane, (struct gbm_bo * bo, int plane)) \
	X(uint32_t, bo_get_stride_for_plane, (struct gbm_bo * bo, int plane)) \
	X(uint32_t, bo_get_offset, (struct gbm_bo * bo, int plane))

struct gbm_api {
#define X(ret, name, args) ret(*name) args;
	GBM_FUNCTIONS(X)
#undef X
};

static inline const struct gbm_api *gpu_gbm(void)
{
	return gpu_library(GPU_GBM, NULL);
}

#endif
