/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_CUDA_COPY_H
#define HOST_GPU_CUDA_COPY_H

#include <stdint.h>

#include "core/base/error.h"

/*
 * From what a converter made to memory of CUDA, inside the GPU: NVENC reads only that. The GPU of OpenGL's context
 * and that of CUDA have to be the same; where they are not, create() says so. One thread at a time.
 */

struct gpu_convert;
struct gpu_display;
struct cuda_copier;

/* CUDA's number of the GPU that c converts on. Errors: PF_E_UNSUPPORTED (there is none). */
int cuda_device_of(
	const struct gpu_display *display, struct gpu_convert *c, int *device) PF_MUST_CHECK;
/* Of c's own target; c outlives it. Errors: PF_E_UNSUPPORTED (no CUDA, or not this GPU's), PF_E_NOMEM. */
int cuda_copier_create(struct cuda_copier **out, const struct gpu_display *display,
	struct gpu_convert *c, uint32_t coded_width, uint32_t coded_height) PF_MUST_CHECK;
void cuda_copier_destroy(struct cuda_copier *k); /* takes NULL */
/*
 * Copies to NV12 at y and uv, addresses of the GPU that belong to CUDA's primary context of cuda_device_of(), or
 * with host into the CPU's memory. Done when it returns. Errors: PF_E_IO.
 */
struct cuda_nv12 {
	uint64_t plane[2];
	uint32_t stride[2]; /* bytes */
	uint8_t *host[2];   /* instead of plane, where not NULL */
};
int cuda_copier_run(struct cuda_copier *k, const struct cuda_nv12 *to) PF_MUST_CHECK;
#endif
