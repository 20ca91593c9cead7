/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_VULKAN_IMAGE_H
#define HOST_GPU_VULKAN_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/gpu/image.h"
#include "host/gpu/vulkan.h"

/* Pictures as images of a Vulkan device. Thread: the device's owner. */

struct vulkan_device {
	const struct gpu_vulkan *gpu;
	struct vulkan_device_api api;
	void *handle, *queue;
};

/* Errors: PF_E_UNSUPPORTED, PF_E_NOMEM, PF_E_IO. */
int vulkan_device_open(struct vulkan_device *d, const struct gpu_vulkan *gpu) PF_MUST_CHECK;
void vulkan_device_close(struct vulkan_device *d); /* also one half opened */

struct vulkan_image {
	uint64_t image, memory, view;
};

/*
 * A checked picture's DMA-BUF; its descriptors stay the caller's. Errors: PF_E_UNSUPPORTED, PF_E_INVALID (its memory is
 * too small), PF_E_NOMEM, PF_E_IO.
 */
int vulkan_image_import(struct vulkan_device *d, const struct image_planes *p,
	struct vulkan_image *out) PF_MUST_CHECK;
/* An empty one in the GPU's memory, to be copied into. */
int vulkan_image_create(struct vulkan_device *d, enum frame_format format, uint32_t width,
	uint32_t height, struct vulkan_image *out) PF_MUST_CHECK;
void vulkan_image_drop(struct vulkan_device *d, struct vulkan_image *i);
/* VkResult as an error of ours. */
int vulkan_error(int result);

#endif
