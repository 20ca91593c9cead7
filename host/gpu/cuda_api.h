/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_CUDA_API_H
#define HOST_GPU_CUDA_API_H

#include <stddef.h>
#include <stdint.h>

#include "host/gpu/library.h"

/* What of the CUDA driver's interface is used here: from a texture of OpenGL to memory that NVENC reads. */

enum {
	CUDA_SUCCESS = 0,
	CUDA_MEMORY_HOST = 1,
	CUDA_MEMORY_DEVICE = 2,
	CUDA_MEMORY_ARRAY = 3,
	CUDA_REGISTER_READ_ONLY = 1,
	CUDA_HANDLE_DMA_BUF = 1,
};

/* CUDA_MEMCPY2D_v2 */
struct cuda_copy {
	size_t from_x, from_y;
	int from_type;
	const void *from_host;
	uint64_t from_device;
	void *from_array;
	size_t from_pitch;
	size_t to_x, to_y;
	int to_type;
	void *to_host;
	uint64_t to_device;
	void *to_array;
	size_t to_pitch;
	size_t width, height; /* bytes, rows */
};

#define CUDA_FUNCTIONS(X) \
	X(int, Init, cuInit, (unsigned flags)) \
	X(int, DriverGetVersion, cuDriverGetVersion, (int *out)) \
	X(int, GetErrorName, cuGetErrorName, (int error, const char **out)) \
	X(int, DeviceGetCount, cuDeviceGetCount, (int *out)) \
	X(int, DeviceGet, cuDeviceGet, (int *out, int ordinal)) \
	X(int, DeviceGetName, cuDeviceGetName, (char *out, int cap, int device)) \
	X(int, PrimaryCtxRetain, cuDevicePrimaryCtxRetain, (void **out, int device)) \
	X(int, PrimaryCtxRelease, cuDevicePrimaryCtxRelease_v2, (int device)) \
	X(int, CtxPush, cuCtxPushCurrent_v2, (void *context)) \
	X(int, CtxPop, cuCtxPopCurrent_v2, (void **out)) \
	X(int, CtxSynchronize, cuCtxSynchronize, (void)) \
	X(int, MemAlloc, cuMemAlloc_v2, (uint64_t * out, size_t len)) \
	X(int, MemFree, cuMemFree_v2, (uint64_t at)) \
	X(int, Memcpy2D, cuMemcpy2D_v2, (const struct cuda_copy *copy)) \
	X(int, GLGetDevices, cuGLGetDevices_v2, \
		(unsigned *n, int *devices, unsigned max, int which)) \
	X(int, GLRegisterImage, cuGraphicsGLRegisterImage, \
		(void **out, uint32_t texture, unsigned target, unsigned flags)) \
	X(int, Unregister, cuGraphicsUnregisterResource, (void *resource)) \
	X(int, Map, cuGraphicsMapResources, (unsigned n, void **resources, void *stream)) \
	X(int, Unmap, cuGraphicsUnmapResources, (unsigned n, void **resources, void *stream)) \
	X(int, MappedArray, cuGraphicsSubResourceGetMappedArray, \
		(void **out, void *resource, unsigned index, unsigned level))

struct cuda_api {
#define X(ret, name, symbol, args) ret(*name) args;
	CUDA_FUNCTIONS(X)
#undef X
};

static inline const struct cuda_api *gpu_cuda(void)
{
	return gpu_library(GPU_CUDA, NULL);
}

#endif
