/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_VULKAN_API_H
#define HOST_GPU_VULKAN_API_H

#include <stdint.h>

#include "host/gpu/library.h"

/* What of Vulkan 1.0 is used here: the names of the GPUs, and which extensions they have. */

typedef void (*vulkan_any_function)(void);

enum { VULKAN_API_1_1 = 1u << 22 | 1u << 12, VULKAN_INCOMPLETE = 5 };
enum { VULKAN_TYPE_APPLICATION_INFO = 0, VULKAN_TYPE_INSTANCE_CREATE_INFO = 1 };
enum { VULKAN_DEVICE_CPU = 4 };

struct vulkan_application_info {
	int32_t type;
	const void *next;
	const char *name;
	uint32_t version;
	const char *engine;
	uint32_t engine_version, api_version;
};

struct vulkan_instance_create_info {
	int32_t type;
	const void *next;
	uint32_t flags;
	const struct vulkan_application_info *application;
	uint32_t n_layers;
	const char *const *layers;
	uint32_t n_extensions;
	const char *const *extensions;
};

/* VkPhysicalDeviceProperties begins so; it is 824 bytes long. */
struct vulkan_device_properties {
	uint32_t api_version, driver_version, vendor, device;
	int32_t type;
	char name[256];
	uint64_t rest[128];
};

struct vulkan_extension {
	char name[256];
	uint32_t version;
};

struct vulkan_api {
	vulkan_any_function (*GetInstanceProcAddr)(void *instance, const char *name);
};

static inline const struct vulkan_api *gpu_vulkan(void)
{
	return gpu_library(GPU_VULKAN, NULL);
}

#endif
