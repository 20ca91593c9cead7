/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/cuda_copy.h"

#include <stdbool.h>
#include <stdlib.h>

#include "host/gpu/convert.h"
#include "host/gpu/cuda_api.h"
#include "host/gpu/display.h"

#define GL_DEVICES_ALL 1

struct cuda_copier {
	const struct gpu_display *display;
	const struct cuda_api *cuda;
	struct gpu_convert *convert;
	uint32_t width, height;
	int device;
	void *context; /* CUDA's primary one; NULL = not retained */
	void *resources[2];
};

static bool enter(struct cuda_copier *k)
{
	if (!gpu_context_enter(k->display, gpu_convert_context(k->convert)))
		return false;
	if (!k->cuda->CtxPush(k->context))
		return true;
	gpu_context_leave(k->display);
	return false;
}

static void leave(struct cuda_copier *k)
{
	void *popped;
	k->cuda->CtxPop(&popped);
	gpu_context_leave(k->display);
}

int cuda_device_of(const struct gpu_display *display, struct gpu_convert *c, int *device)
{
	unsigned n = 0;
	const struct cuda_api *cuda = gpu_cuda();
	if (!cuda || display->software || cuda->Init(0) ||
		!gpu_context_enter(display, gpu_convert_context(c)))
		return PF_E_UNSUPPORTED;
	int err = cuda->GLGetDevices(&n, device, 1, GL_DEVICES_ALL);
	gpu_context_leave(display);
	return err || !n ? PF_E_UNSUPPORTED : PF_OK;
}

static int register_textures(struct cuda_copier *k)
{
	const struct gpu_target *own = gpu_convert_own(k->convert);
	for (int i = 0; i < 2; i++)
		if (k->cuda->GLRegisterImage(&k->resources[i], own->texture[i], GL_TEXTURE_2D,
			    CUDA_REGISTER_READ_ONLY)) {
			k->resources[i] = NULL;
			return PF_E_UNSUPPORTED;
		}
	return PF_OK;
}

void cuda_copier_destroy(struct cuda_copier *k)
{
	if (!k)
		return;
	if (k->context && enter(k)) {
		for (int i = 0; i < 2; i++)
			if (k->resources[i])
				k->cuda->Unregister(k->resources[i]);
		leave(k);
	}
	if (k->context)
		k->cuda->PrimaryCtxRelease(k->device);
	free(k);
}

static int open_device(struct cuda_copier *k)
{
	int err = cuda_device_of(k->display, k->convert, &k->device);
	if (err < 0)
		return err;
	if (k->cuda->PrimaryCtxRetain(&k->context, k->device)) {
		k->context = NULL;
		return PF_E_UNSUPPORTED;
	}
	if (!enter(k))
		return PF_E_UNSUPPORTED;
	err = register_textures(k);
	leave(k);
	return err;
}

int cuda_copier_create(struct cuda_copier **out, const struct gpu_display *display,
	struct gpu_convert *c, uint32_t coded_width, uint32_t coded_height)
{
	*out = NULL;
	const struct cuda_api *cuda = gpu_cuda();
	if (!cuda || display->software)
		return PF_E_UNSUPPORTED;
	struct cuda_copier *k = calloc(1, sizeof(*k));
	if (!k)
		return PF_E_NOMEM;
	k->display = display;
	k->cuda = cuda;
	k->convert = c;
	k->width = coded_width;
	k->height = coded_height;
	int err = open_device(k);
	if (err < 0) {
		cuda_copier_destroy(k);
		return err;
	}
	*out = k;
	return PF_OK;
}

/* Both planes have rows of as many bytes: of one byte a pixel, and of two for every second pixel. */
static int copy_plane(struct cuda_copier *k, int i, const struct cuda_nv12 *to)
{
	void *array = NULL;
	if (k->cuda->MappedArray(&array, k->resources[i], 0, 0))
		return PF_E_IO;
	const struct cuda_copy copy = {
		.from_type = CUDA_MEMORY_ARRAY,
		.from_array = array,
		.to_type = to->host[i] ? CUDA_MEMORY_HOST : CUDA_MEMORY_DEVICE,
		.to_host = to->host[i],
		.to_device = to->plane[i],
		.to_pitch = to->stride[i],
		.width = k->width,
		.height = k->height >> i,
	};
	return k->cuda->Memcpy2D(&copy) ? PF_E_IO : PF_OK;
}

int cuda_copier_run(struct cuda_copier *k, const struct cuda_nv12 *to)
{
	if (!enter(k))
		return PF_E_IO;
	/* Mapping waits for what OpenGL was told before. */
	int err = k->cuda->Map(2, k->resources, NULL) ? PF_E_IO : PF_OK;
	if (err >= 0) {
		for (int i = 0; i < 2 && err >= 0; i++)
			err = copy_plane(k, i, to);
		/* Between two places of the GPU a copy may still be under way when it returns. */
		if (k->cuda->CtxSynchronize())
			err = PF_E_IO;
		if (k->cuda->Unmap(2, k->resources, NULL))
			err = PF_E_IO;
	}
	leave(k);
	return err;
}
