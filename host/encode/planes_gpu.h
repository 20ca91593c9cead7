/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_PLANES_GPU_H
#define HOST_ENCODE_PLANES_GPU_H

#include <stdint.h>

#include "core/base/error.h"
#include "host/media/frame.h"

/*
 * Pictures that lie in a GPU's memory, for encoders that work on the CPU: the GPU converts them and only the result,
 * a third of the bytes, is read back. Where it cannot, linear ones are mapped. One thread at a time.
 */

struct planes_gpu;

struct planes_gpu_params {
	uint32_t width, height;
	uint8_t matrix;
	bool full_range;
};

int planes_gpu_create(
	struct planes_gpu **out, const struct planes_gpu_params *params) PF_MUST_CHECK;
void planes_gpu_destroy(struct planes_gpu *g); /* takes NULL */

/*
 * NV12 at y and uv, which have room for a size rounded up to even numbers. Errors: PF_E_UNSUPPORTED (the GPU does not
 * take it: planes_gpu_map() may), PF_E_INVALID (the frame cannot be true), PF_E_IO.
 */
int planes_gpu_convert(struct planes_gpu *g, const struct frame *f, uint8_t *y, int y_stride,
	uint8_t *uv, int uv_stride) PF_MUST_CHECK;
/*
 * view: of the frame, with pixels, until planes_gpu_unmap(). Errors: PF_E_UNSUPPORTED (not linear, or it cannot be
 * mapped), PF_E_INVALID.
 */
int planes_gpu_map(struct planes_gpu *g, const struct frame *f, struct frame *view) PF_MUST_CHECK;
void planes_gpu_unmap(const struct frame *f);

#endif
