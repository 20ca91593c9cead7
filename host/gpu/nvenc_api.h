/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_NVENC_API_H
#define HOST_GPU_NVENC_API_H

#include <stdint.h>

#include "host/gpu/library.h"

/*
 * What of NVENC is used here: enough to ask whether a GPU opens a session at all (those for computing do not).
 * libavcodec does the encoding. Drivers take the interface of every older version: 11.0 is of 2020.
 */

#define NVENC_API_VERSION	11u /* major | minor << 24 */
#define NVENC_STRUCT_VERSION(n) (NVENC_API_VERSION | (n) << 16 | 7u << 28)

enum { NVENC_DEVICE_CUDA = 1 };
enum {
	NVENC_SUCCESS = 0,
	NVENC_NO_DEVICE = 1,
	NVENC_UNSUPPORTED_DEVICE = 2,
	NVENC_OUT_OF_MEMORY = 10,
	NVENC_INVALID_VERSION = 15,
};

/* NV_ENCODE_API_FUNCTION_LIST, by the place of a function in it. */
enum { NVENC_DESTROY_ENCODER = 27, NVENC_OPEN_SESSION_EX = 29, NVENC_LIST_LEN = 318 };

struct nvenc_list {
	uint32_t version, reserved; /* NVENC_STRUCT_VERSION(2) */
	void *functions[NVENC_LIST_LEN];
};

/* NV_ENC_OPEN_ENCODE_SESSION_EX_PARAMS */
struct nvenc_open {
	uint32_t version; /* NVENC_STRUCT_VERSION(1) */
	int32_t device_type;
	void *device, *reserved;
	uint32_t api_version;
	uint32_t reserved1[253];
	void *reserved2[64];
};

typedef int (*nvenc_open_function)(struct nvenc_open *params, void **encoder);
typedef int (*nvenc_destroy_function)(void *encoder);

struct nvenc_api {
	int (*GetMaxSupportedVersion)(uint32_t *out); /* major << 4 | minor */
	int (*CreateInstance)(struct nvenc_list *list);
};

static inline const struct nvenc_api *gpu_nvenc(void)
{
	return gpu_library(GPU_NVENC, NULL);
}

#endif
