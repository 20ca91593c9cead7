/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_VULKAN_H
#define HOST_GPU_VULKAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/gpu/vulkan_api.h"
#include "host/media/frame.h"

/* A GPU by Vulkan, for what EGL does not import. One instance for the whole process, which is never closed. */

struct gpu_display;

#define VULKAN_MODIFIERS 64u /* of a format; drivers have up to 20 */

struct gpu_vulkan {
	const struct vulkan_instance_api *api;
	void *gpu;
	uint32_t family; /* of queues that compute */
	struct vulkan_memory_properties memory;
	const char *extensions[8]; /* that a device is made with */
	uint32_t n_extensions;
	struct vulkan_layouts {
		uint32_t n;
		struct vulkan_modifier list[VULKAN_MODIFIERS];
		struct vulkan_extent most[VULKAN_MODIFIERS]; /* pixels */
	} layouts[2]; /* by enum frame_format: what can be imported */
};

/*
 * The GPU that gpu_display() would choose, or the first that there is, with display.vulkan set. With software: else the
 * CPU's, for tests. NULL: there is none, and *why (which may be NULL) is one sentence. The first call takes some
 * tenths of a second. Thread: any.
 */
const struct gpu_display *vulkan_display(bool software, const char **why);

/* DRM's layouts of this format that can be imported, at most max of them. */
size_t vulkan_display_modifiers(
	const struct gpu_vulkan *v, enum frame_format format, uint64_t *out, size_t max);
/* One of them; NULL = it is none, and must not even be tried. */
const struct vulkan_modifier *vulkan_find_layout(const struct gpu_vulkan *v,
	enum frame_format format, uint64_t modifier, uint32_t width, uint32_t height);
int32_t vulkan_format(enum frame_format format);
/* A kind of memory out of types (bits) that has all the flags, or UINT32_MAX. */
uint32_t vulkan_memory_kind(const struct gpu_vulkan *v, uint32_t types, uint32_t flags);

#endif
