/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_VA_API_H
#define HOST_GPU_VA_API_H

#include <stdint.h>

#include "host/gpu/library.h"

/* What of libva 2 is used here: enough to ask a driver what it encodes. libavcodec does the encoding. */

enum {
	VA_PROFILE_H264_MAIN = 6,
	VA_PROFILE_H264_HIGH = 7,
	VA_PROFILE_HEVC_MAIN = 17,
	VA_PROFILE_AV1_MAIN = 32,
	VA_ENTRYPOINT_ENCODE = 6,
	VA_ENTRYPOINT_ENCODE_LOW_POWER = 8,
};

#define VA_FUNCTIONS(X) \
	X(int, Initialize, (void *display, int *major, int *minor)) \
	X(int, Terminate, (void *display)) \
	X(const char *, QueryVendorString, (void *display)) \
	X(const char *, ErrorStr, (int status)) \
	X(int, MaxNumEntrypoints, (void *display)) \
	X(int, QueryConfigEntrypoints, (void *display, int profile, int *out, int *n)) \
	X(void *, SetInfoCallback, \
		(void *display, void (*log)(void *user, const char *text), void *user)) \
	X(void *, SetErrorCallback, \
		(void *display, void (*log)(void *user, const char *text), void *user))

struct va_api {
#define X(ret, name, args) ret(*name) args;
	VA_FUNCTIONS(X)
#undef X
};

struct va_drm_api {
	void *(*GetDisplayDRM)(int fd);
};

static inline const struct va_api *gpu_va(void)
{
	return gpu_library(GPU_VA, NULL);
}

static inline const struct va_drm_api *gpu_va_drm(void)
{
	return gpu_library(GPU_VA_DRM, NULL);
}

#endif
