/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/vulkan_image.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define OUT_OF_HOST_MEMORY   (-1)
#define OUT_OF_DEVICE_MEMORY (-2)

int vulkan_error(int result)
{
	if (result >= 0)
		return PF_OK;
	return result == OUT_OF_HOST_MEMORY || result == OUT_OF_DEVICE_MEMORY ? PF_E_NOMEM
									      : PF_E_IO;
}

/* --- the device --- */

static bool take_functions(struct vulkan_device *d)
{
	static const struct gpu_function functions[] = {
#define X(ret, name, args) {"vk" #name, offsetof(struct vulkan_device_api, name)},
		VULKAN_DEVICE_FUNCTIONS(X)
#undef X
	};
	bool all = true;
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		vulkan_any_function f = d->gpu->api->GetDeviceProcAddr(
			d->handle, functions[i].name);
		memcpy((char *)&d->api + functions[i].at, &f, sizeof(f));
		/* Only who imports needs it, and has it. */
		all = all &&
			(f ||
				functions[i].at ==
					offsetof(struct vulkan_device_api,
						GetMemoryFdPropertiesKHR));
	}
	return all;
}

int vulkan_device_open(struct vulkan_device *d, const struct gpu_vulkan *gpu)
{
	static const float priority = 1;
	const struct vulkan_queue_create_info queue = {
		.type = VULKAN_T_QUEUE, .family = gpu->family, .n = 1, .priorities = &priority};
	const struct vulkan_device_create_info info = {.type = VULKAN_T_DEVICE,
		.n_queues = 1,
		.queues = &queue,
		.n_extensions = gpu->n_extensions,
		.extensions = gpu->extensions};
	memset(d, 0, sizeof(*d));
	d->gpu = gpu;
	int r = gpu->api->CreateDevice(gpu->gpu, &info, NULL, &d->handle);
	if (r < 0) {
		d->handle = NULL;
		return vulkan_error(r);
	}
	if (!take_functions(d))
		return PF_E_UNSUPPORTED;
	d->api.GetDeviceQueue(d->handle, gpu->family, 0, &d->queue);
	return PF_OK;
}

void vulkan_device_close(struct vulkan_device *d)
{
	if (d->handle && d->api.DestroyDevice)
		d->api.DestroyDevice(d->handle, NULL);
	memset(d, 0, sizeof(*d));
}

/* --- images --- */

void vulkan_image_drop(struct vulkan_device *d, struct vulkan_image *i)
{
	/* 0 is taken, and nothing. */
	d->api.DestroyImageView(d->handle, i->view, NULL);
	d->api.DestroyImage(d->handle, i->image, NULL);
	d->api.FreeMemory(d->handle, i->memory, NULL);
	memset(i, 0, sizeof(*i));
}

static struct vulkan_image_create_info describe(
	enum frame_format format, uint32_t width, uint32_t height, const void *next)
{
	return (struct vulkan_image_create_info){.type = VULKAN_T_IMAGE,
		.next = next,
		.image_type = VULKAN_IMAGE_2D,
		.format = vulkan_format(format),
		.extent = {width, height, 1},
		.levels = 1,
		.layers = 1,
		.samples = 1,
		.tiling = next ? VULKAN_TILING_MODIFIER : VULKAN_TILING_OPTIMAL,
		.usage = next ? VULKAN_USAGE_SAMPLED
			      : VULKAN_USAGE_SAMPLED | VULKAN_USAGE_TRANSFER_DST,
		.layout = VULKAN_LAYOUT_UNDEFINED};
}

static int make_view(struct vulkan_device *d, struct vulkan_image *i, enum frame_format format)
{
	const struct vulkan_view_create_info info = {.type = VULKAN_T_VIEW,
		.image = i->image,
		.view_type = VULKAN_VIEW_2D,
		.format = vulkan_format(format),
		.range = {VULKAN_ASPECT_COLOR, 0, 1, 0, 1}};
	return vulkan_error(d->api.CreateImageView(d->handle, &info, NULL, &i->view));
}

/* fd -1: new memory; else it goes to the driver where this succeeds. */
static int bind_memory(
	struct vulkan_device *d, struct vulkan_image *i, int fd, uint32_t types, uint64_t most)
{
	const struct vulkan_dedicated dedicated = {.type = VULKAN_T_DEDICATED, .image = i->image};
	const struct vulkan_import_fd import = {.type = VULKAN_T_IMPORT_FD,
		.next = &dedicated,
		.handle = VULKAN_HANDLE_DMABUF,
		.fd = fd};
	struct vulkan_requirements need;
	d->api.GetImageMemoryRequirements(d->handle, i->image, &need);
	/* The driver knows where the last pixel of this layout lies. */
	if (need.size > most)
		return PF_E_INVALID;
	const struct vulkan_allocate_info info = {.type = VULKAN_T_ALLOCATE,
		.next = fd < 0 ? (const void *)&dedicated : &import,
		.size = need.size,
		.memory_type = vulkan_memory_kind(d->gpu, need.types & types, 0)};
	if (info.memory_type == UINT32_MAX)
		return PF_E_UNSUPPORTED;
	int r = d->api.AllocateMemory(d->handle, &info, NULL, &i->memory);
	if (r < 0) {
		i->memory = 0;
		/* It may be of another GPU, or too small for the driver's taste. */
		return fd < 0 ? vulkan_error(r) : PF_E_UNSUPPORTED;
	}
	return vulkan_error(d->api.BindImageMemory(d->handle, i->image, i->memory, 0));
}

int vulkan_image_create(struct vulkan_device *d, enum frame_format format, uint32_t width,
	uint32_t height, struct vulkan_image *out)
{
	const struct vulkan_image_create_info info = describe(format, width, height, NULL);
	memset(out, 0, sizeof(*out));
	int err = vulkan_error(d->api.CreateImage(d->handle, &info, NULL, &out->image));
	if (err >= 0)
		err = bind_memory(d, out, -1, UINT32_MAX, UINT64_MAX);
	if (err >= 0)
		err = make_view(d, out, format);
	if (err < 0)
		vulkan_image_drop(d, out);
	return err;
}

/* All planes lie in one piece of memory: others have images that are "disjoint", which no format of RGB needs. */
static bool is_one_piece(const struct image_planes *p)
{
	struct dmabuf_id first, other;
	if (dmabuf_identify(p->fd[0], &first) < 0)
		return false;
	for (uint32_t i = 1; i < p->n_planes; i++)
		if (dmabuf_identify(p->fd[i], &other) < 0 || other.device != first.device ||
			other.inode != first.inode)
			return false;
	return true;
}

static int import_memory(struct vulkan_device *d, struct vulkan_image *i, int fd)
{
	struct vulkan_fd_properties kinds = {.type = VULKAN_T_FD_PROPERTIES};
	const off_t size = lseek(fd, 0, SEEK_END);
	if (size <= 0)
		return PF_E_INVALID;
	/* Drivers that compute on the CPU take whatever can be mapped. */
	if (!dmabuf_keeps_its_size(fd))
		return PF_E_UNSUPPORTED;
	if (d->api.GetMemoryFdPropertiesKHR(d->handle, VULKAN_HANDLE_DMABUF, fd, &kinds) < 0)
		return PF_E_UNSUPPORTED;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return PF_E_NOMEM;
	int err = bind_memory(d, i, copy, kinds.types, (uint64_t)size);
	if (!i->memory)
		close(copy);
	return err;
}

int vulkan_image_import(
	struct vulkan_device *d, const struct image_planes *p, struct vulkan_image *out)
{
	const enum frame_format format = p->fourcc == DMABUF_XR24 || p->fourcc == DMABUF_AR24
		? FRAME_BGRX
		: FRAME_RGBX;
	const struct vulkan_modifier *layout = vulkan_find_layout(
		d->gpu, format, p->modifier, p->width, p->height);
	struct vulkan_plane_layout planes[FRAME_MAX_PLANES] = {0};
	memset(out, 0, sizeof(*out));
	/* What is not in its list a driver need not refuse: it may as well crash. */
	if (!d->api.GetMemoryFdPropertiesKHR || !layout || layout->n_planes != p->n_planes ||
		!is_one_piece(p))
		return PF_E_UNSUPPORTED;
	for (uint32_t i = 0; i < p->n_planes; i++) {
		planes[i].offset = p->offset[i];
		planes[i].row = p->stride[i];
	}
	const struct vulkan_modifier_explicit how = {.type = VULKAN_T_MODIFIER_EXPLICIT,
		.modifier = p->modifier,
		.n_planes = p->n_planes,
		.planes = planes};
	const struct vulkan_external_image external = {
		.type = VULKAN_T_EXTERNAL_IMAGE, .next = &how, .handles = VULKAN_HANDLE_DMABUF};
	const struct vulkan_image_create_info info = describe(
		format, p->width, p->height, &external);
	/* Here the driver looks at strides and offsets. */
	int err = d->api.CreateImage(d->handle, &info, NULL, &out->image) < 0 ? PF_E_UNSUPPORTED
									      : PF_OK;
	if (err < 0)
		out->image = 0;
	if (err >= 0)
		err = import_memory(d, out, p->fd[0]);
	if (err >= 0)
		err = make_view(d, out, format);
	if (err < 0)
		vulkan_image_drop(d, out);
	return err;
}
