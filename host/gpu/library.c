/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "host/gpu/cuda_api.h"
#include "host/gpu/egl_api.h"
#include "host/gpu/gbm_api.h"
#include "host/gpu/gles_api.h"
#include "host/gpu/nvenc_api.h"
#include "host/gpu/va_api.h"
#include "host/gpu/vulkan_api.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct gpu_function egl_functions[] = {
#define X(ret, name, args) {"egl" #name, offsetof(struct egl_api, name)},
	EGL_FUNCTIONS(X)
#undef X
};

static const struct gpu_function gles_functions[] = {
#define X(ret, name, args) {"gl" #name, offsetof(struct gles_api, name)},
	GLES_FUNCTIONS(X)
#undef X
};

static const struct gpu_function gbm_functions[] = {
#define X(ret, name, args) {"gbm_" #name, offsetof(struct gbm_api, name)},
	GBM_FUNCTIONS(X)
#undef X
};

static const struct gpu_function va_functions[] = {
#define X(ret, name, args) {"va" #name, offsetof(struct va_api, name)},
	VA_FUNCTIONS(X)
#undef X
};

static const struct gpu_function va_drm_functions[] = {
	{"vaGetDisplayDRM", offsetof(struct va_drm_api, GetDisplayDRM)},
};

static const struct gpu_function vulkan_functions[] = {
	{"vkGetInstanceProcAddr", offsetof(struct vulkan_api, GetInstanceProcAddr)},
};

static const struct gpu_function cuda_functions[] = {
#define X(ret, name, symbol, args) {#symbol, offsetof(struct cuda_api, name)},
	CUDA_FUNCTIONS(X)
#undef X
};

static const struct gpu_function nvenc_functions[] = {
	{"NvEncodeAPIGetMaxSupportedVersion", offsetof(struct nvenc_api, GetMaxSupportedVersion)},
	{"NvEncodeAPICreateInstance", offsetof(struct nvenc_api, CreateInstance)},
};

static const struct gpu_library libraries[GPU_LIBRARIES] = {
	[GPU_EGL] = {"libEGL.so.1", "conversion on a GPU", egl_functions, COUNT(egl_functions)},
	[GPU_GLES] = {"libGLESv2.so.2", "conversion on a GPU", gles_functions,
		COUNT(gles_functions)},
	[GPU_GBM] = {"libgbm.so.1", "conversion on a GPU", gbm_functions, COUNT(gbm_functions)},
	[GPU_VA] = {"libva.so.2", "encoding on Intel and AMD", va_functions, COUNT(va_functions)},
	[GPU_VA_DRM] = {"libva-drm.so.2", "encoding on Intel and AMD", va_drm_functions,
		COUNT(va_drm_functions)},
	[GPU_VULKAN] = {"libvulkan.so.1", "conversion on a GPU where EGL has none",
		vulkan_functions, COUNT(vulkan_functions)},
	[GPU_CUDA] = {"libcuda.so.1", "encoding on NVIDIA", cuda_functions, COUNT(cuda_functions)},
	[GPU_NVENC] = {"libnvidia-encode.so.1", "encoding on NVIDIA", nvenc_functions,
		COUNT(nvenc_functions)},
};

int gpu_library_load(const struct gpu_library *l, void *table, char why[static GPU_WHY_LEN])
{
	/* Symbols stay out of the way of ours; and what a library lacks shows here, not at its first call. */
	void *handle = dlopen(l->file, RTLD_NOW | RTLD_LOCAL);
	why[0] = 0;
	if (!handle) {
		const char *text = dlerror();
		snprintf(why, GPU_WHY_LEN, "%s", text ? text : "it cannot be opened");
		return PF_E_UNSUPPORTED;
	}
	for (size_t i = 0; i < l->n_functions; i++) {
		const struct gpu_function *f = &l->functions[i];
		void *at = dlsym(handle, f->name);
		if (!at) {
			snprintf(why, GPU_WHY_LEN, "%s is too old: it has no %s", l->file, f->name);
			return PF_E_UNSUPPORTED;
		}
		memcpy((char *)table + f->at, &at, sizeof(at));
	}
	return PF_OK;
}

/* Written under the lock, once; constant afterwards. */
static struct slot {
	bool tried, good;
	char why[GPU_WHY_LEN];
} slots[GPU_LIBRARIES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	struct egl_api egl;
	struct gles_api gles;
	struct gbm_api gbm;
	struct va_api va;
	struct va_drm_api va_drm;
	struct vulkan_api vulkan;
	struct cuda_api cuda;
	struct nvenc_api nvenc;
} tables;

static void *const table_of[GPU_LIBRARIES] = {
	[GPU_EGL] = &tables.egl,
	[GPU_GLES] = &tables.gles,
	[GPU_GBM] = &tables.gbm,
	[GPU_VA] = &tables.va,
	[GPU_VA_DRM] = &tables.va_drm,
	[GPU_VULKAN] = &tables.vulkan,
	[GPU_CUDA] = &tables.cuda,
	[GPU_NVENC] = &tables.nvenc,
};

const void *gpu_library(enum gpu_library_id id, const char **why)
{
	struct slot *s = &slots[id];
	pthread_mutex_lock(&lock);
	if (!s->tried) {
		s->good = gpu_library_load(&libraries[id], table_of[id], s->why) >= 0;
		s->tried = true;
	}
	pthread_mutex_unlock(&lock);
	if (why)
		*why = s->why;
	return s->good ? table_of[id] : NULL;
}

const struct gpu_library *gpu_library_about(enum gpu_library_id id)
{
	return &libraries[id];
}
