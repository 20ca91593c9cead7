/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_EGL_API_H
#define HOST_GPU_EGL_API_H

#include <stdbool.h>
#include <stdint.h>

#include "host/gpu/library.h"

/* What of EGL 1.5 and its extensions is used here; numbers as in the registry of Khronos. */

typedef void (*egl_any_function)(void);

enum {
	EGL_EXTENSIONS = 0x3055,
	EGL_VENDOR = 0x3053,
	EGL_NONE = 0x3038,
	EGL_HEIGHT = 0x3056,
	EGL_WIDTH = 0x3057,
	EGL_OPENGL_ES_API = 0x30A0,
	EGL_CONTEXT_MAJOR_VERSION = 0x3098,
	/* EGL_EXT_create_context_robustness */
	EGL_CONTEXT_RESET_STRATEGY = 0x3138,
	EGL_LOSE_CONTEXT_ON_RESET = 0x31BF,
	EGL_IMAGE_PRESERVED = 0x30D2,
	EGL_GL_TEXTURE_2D = 0x30B1,
	EGL_DRM_RENDER_NODE_FILE = 0x3377,
	EGL_PLATFORM_DEVICE = 0x313F,
	EGL_PLATFORM_GBM = 0x31D7,
	EGL_PLATFORM_SURFACELESS = 0x31DD,
	/* EGL_EXT_image_dma_buf_import, and its _modifiers */
	EGL_LINUX_DMA_BUF = 0x3270,
	EGL_LINUX_DRM_FOURCC = 0x3271,
	EGL_DMA_BUF_PLANE0_FD = 0x3272,		 /* then offset, pitch; then those of 1 and 2 */
	EGL_DMA_BUF_PLANE3_FD = 0x3440,		 /* then offset, pitch */
	EGL_DMA_BUF_PLANE0_MODIFIER_LO = 0x3443, /* then high; then those of 1 to 3 */
};

#define EGL_FUNCTIONS(X) \
	X(egl_any_function, GetProcAddress, (const char *name)) \
	X(const char *, QueryString, (void *display, int32_t name)) \
	X(unsigned, Initialize, (void *display, int32_t *major, int32_t *minor)) \
	X(int32_t, GetError, (void)) \
	X(unsigned, BindAPI, (unsigned api)) \
	X(void *, CreateContext, \
		(void *display, void *config, void *share, const int32_t *attributes)) \
	X(unsigned, DestroyContext, (void *display, void *context)) \
	X(unsigned, MakeCurrent, (void *display, void *draw, void *read, void *context))

struct egl_api {
#define X(ret, name, args) ret(*name) args;
	EGL_FUNCTIONS(X)
#undef X
};

/* What only some drivers have; NULL where they have not. */
struct egl_extensions {
	void *(*get_platform_display)(unsigned platform, void *native, const int32_t *attributes);
	unsigned (*query_devices)(int32_t max, void **devices, int32_t *n);
	const char *(*query_device_string)(void *device, int32_t name);
	void *(*create_image)(void *display, void *context, unsigned target, void *buffer,
		const int32_t *attributes);
	unsigned (*destroy_image)(void *display, void *image);
	unsigned (*query_modifiers)(void *display, int32_t fourcc, int32_t max, uint64_t *modifiers,
		unsigned *external_only, int32_t *n);
	unsigned (*export_query)(
		void *display, void *image, int *fourcc, int *n_planes, uint64_t *modifiers);
	unsigned (*export)(
		void *display, void *image, int *fds, int32_t *strides, int32_t *offsets);
	void (*image_to_texture)(unsigned target, void *image);
	unsigned (*reset_status)(void); /* OpenGL's, of the current context */
	bool robust; /* a context may be asked to say that its GPU was reset, instead of ending the process */
};

static inline const struct egl_api *gpu_egl(void)
{
	return gpu_library(GPU_EGL, NULL);
}

#endif
