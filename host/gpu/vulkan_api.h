/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_VULKAN_API_H
#define HOST_GPU_VULKAN_API_H

#include <stddef.h>
#include <stdint.h>

#include "host/gpu/library.h"

/*
 * What of Vulkan 1.1 and its extensions is used here, in the names and the order of the registry of Khronos, without
 * their prefixes. Objects of a device are numbers of 64 bits on every processor, others are pointers.
 */

typedef void (*vulkan_any_function)(void);

enum {
	VULKAN_API_1_1 = 1u << 22 | 1u << 12,
	VULKAN_TIMEOUT = 2,
	VULKAN_INCOMPLETE = 5,
	VULKAN_DEVICE_CPU = 4,
	VULKAN_QUEUE_COMPUTE = 2,
	VULKAN_FORMAT_R8G8B8A8 = 37,
	VULKAN_FORMAT_B8G8R8A8 = 44,
	VULKAN_TILING_OPTIMAL = 0,
	VULKAN_TILING_MODIFIER = 1000158000,
	VULKAN_USAGE_TRANSFER_DST = 2,
	VULKAN_USAGE_SAMPLED = 4,
	VULKAN_FEATURE_SAMPLED = 1,
	VULKAN_BUFFER_TRANSFER_SRC = 1,
	VULKAN_BUFFER_STORAGE = 0x20,
	VULKAN_MEMORY_HOST_VISIBLE = 2,
	VULKAN_MEMORY_HOST_COHERENT = 4,
	VULKAN_MEMORY_HOST_CACHED = 8,
	VULKAN_HANDLE_DMABUF = 0x200,
	VULKAN_EXTERNAL_IMPORTABLE = 4,
	VULKAN_LAYOUT_UNDEFINED = 0,
	VULKAN_LAYOUT_GENERAL = 1,
	VULKAN_ASPECT_COLOR = 1,
	VULKAN_VIEW_2D = 1,
	VULKAN_IMAGE_2D = 1,
	VULKAN_DESCRIPTOR_IMAGE = 1, /* with its sampler */
	VULKAN_DESCRIPTOR_BUFFER = 7,
	VULKAN_STAGE_COMPUTE = 0x20,
	VULKAN_BIND_COMPUTE = 1,
	VULKAN_PIPE_TOP = 1,
	VULKAN_PIPE_COMPUTE = 0x800,
	VULKAN_PIPE_TRANSFER = 0x1000,
	VULKAN_PIPE_BOTTOM = 0x2000,
	VULKAN_PIPE_HOST = 0x4000,
	VULKAN_ACCESS_SHADER_READ = 0x20,
	VULKAN_ACCESS_SHADER_WRITE = 0x40,
	VULKAN_ACCESS_TRANSFER_WRITE = 0x1000,
	VULKAN_ACCESS_HOST_READ = 0x2000,
	VULKAN_POOL_RESETS = 2,
	VULKAN_ONE_TIME = 1,
};
#define VULKAN_QUEUE_IGNORED UINT32_MAX
#define VULKAN_QUEUE_FOREIGN (UINT32_MAX - 2)

/* Structures say what they are. */
enum {
	VULKAN_T_APPLICATION = 0,
	VULKAN_T_INSTANCE = 1,
	VULKAN_T_QUEUE = 2,
	VULKAN_T_DEVICE = 3,
	VULKAN_T_SUBMIT = 4,
	VULKAN_T_ALLOCATE = 5,
	VULKAN_T_FENCE = 8,
	VULKAN_T_BUFFER = 12,
	VULKAN_T_IMAGE = 14,
	VULKAN_T_VIEW = 15,
	VULKAN_T_SHADER = 16,
	VULKAN_T_STAGE = 18,
	VULKAN_T_COMPUTE_PIPELINE = 29,
	VULKAN_T_PIPELINE_LAYOUT = 30,
	VULKAN_T_SAMPLER = 31,
	VULKAN_T_SET_LAYOUT = 32,
	VULKAN_T_DESCRIPTOR_POOL = 33,
	VULKAN_T_ALLOCATE_SETS = 34,
	VULKAN_T_WRITE_SET = 35,
	VULKAN_T_COMMAND_POOL = 39,
	VULKAN_T_ALLOCATE_COMMANDS = 40,
	VULKAN_T_BEGIN = 42,
	VULKAN_T_BUFFER_BARRIER = 44,
	VULKAN_T_IMAGE_BARRIER = 45,
	VULKAN_T_PROPERTIES2 = 1000059001,
	VULKAN_T_FORMAT2 = 1000059002,
	VULKAN_T_IMAGE_FORMAT2 = 1000059003,
	VULKAN_T_IMAGE_FORMAT_INFO2 = 1000059004,
	VULKAN_T_EXTERNAL_FORMAT_INFO = 1000071000,
	VULKAN_T_EXTERNAL_FORMAT = 1000071001,
	VULKAN_T_EXTERNAL_IMAGE = 1000072001,
	VULKAN_T_IMPORT_FD = 1000074000,
	VULKAN_T_FD_PROPERTIES = 1000074001,
	VULKAN_T_DEDICATED = 1000127001,
	VULKAN_T_MODIFIER_LIST = 1000158000,
	VULKAN_T_MODIFIER_INFO = 1000158002,
	VULKAN_T_MODIFIER_EXPLICIT = 1000158004,
	VULKAN_T_DRM = 1000353000,
};

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

struct vulkan_properties2 {
	int32_t type;
	void *next;
	struct vulkan_device_properties properties;
};

/* VK_EXT_physical_device_drm */
struct vulkan_drm {
	int32_t type;
	void *next;
	uint32_t has_primary, has_render;
	int64_t primary_major, primary_minor, render_major, render_minor;
};

struct vulkan_extension {
	char name[256];
	uint32_t version;
};

struct vulkan_extent {
	uint32_t width, height, depth;
};

struct vulkan_queue_family {
	uint32_t flags, n;
	uint32_t timestamp_bits;
	struct vulkan_extent granularity;
};

struct vulkan_memory_properties {
	uint32_t n_types;
	struct vulkan_memory_type {
		uint32_t flags, heap;
	} types[32];
	uint32_t n_heaps;
	struct {
		uint64_t size;
		uint32_t flags;
	} heaps[16];
};

/* VK_EXT_image_drm_format_modifier */
struct vulkan_modifier {
	uint64_t modifier;
	uint32_t n_planes, features;
};

struct vulkan_modifier_list {
	int32_t type;
	void *next;
	uint32_t n;
	struct vulkan_modifier *modifiers;
};

struct vulkan_format2 {
	int32_t type;
	void *next;
	uint32_t linear, optimal, buffer;
};

struct vulkan_modifier_info {
	int32_t type;
	const void *next;
	uint64_t modifier;
	int32_t sharing;
	uint32_t n_families;
	const uint32_t *families;
};

struct vulkan_external_format_info {
	int32_t type;
	const void *next;
	uint32_t handle;
};

struct vulkan_image_format_info2 {
	int32_t type;
	const void *next;
	int32_t format, image_type, tiling;
	uint32_t usage, flags;
};

struct vulkan_external_format {
	int32_t type;
	void *next;
	uint32_t features, exports, compatible;
};

struct vulkan_image_format2 {
	int32_t type;
	void *next;
	struct vulkan_extent most;
	uint32_t levels, layers, samples;
	uint64_t size;
};

struct vulkan_queue_create_info {
	int32_t type;
	const void *next;
	uint32_t flags, family, n;
	const float *priorities;
};

struct vulkan_device_create_info {
	int32_t type;
	const void *next;
	uint32_t flags, n_queues;
	const struct vulkan_queue_create_info *queues;
	uint32_t n_layers;
	const char *const *layers;
	uint32_t n_extensions;
	const char *const *extensions;
	const void *features;
};

struct vulkan_plane_layout {
	uint64_t offset, size, row, array, depth;
};

struct vulkan_modifier_explicit {
	int32_t type;
	const void *next;
	uint64_t modifier;
	uint32_t n_planes;
	const struct vulkan_plane_layout *planes;
};

struct vulkan_external_image {
	int32_t type;
	const void *next;
	uint32_t handles;
};

struct vulkan_image_create_info {
	int32_t type;
	const void *next;
	uint32_t flags;
	int32_t image_type, format;
	struct vulkan_extent extent;
	uint32_t levels, layers, samples;
	int32_t tiling;
	uint32_t usage;
	int32_t sharing;
	uint32_t n_families;
	const uint32_t *families;
	int32_t layout;
};

struct vulkan_requirements {
	uint64_t size, alignment;
	uint32_t types;
};

struct vulkan_fd_properties {
	int32_t type;
	void *next;
	uint32_t types;
};

struct vulkan_import_fd {
	int32_t type;
	const void *next;
	uint32_t handle;
	int fd;
};

struct vulkan_dedicated {
	int32_t type;
	const void *next;
	uint64_t image, buffer;
};

struct vulkan_allocate_info {
	int32_t type;
	const void *next;
	uint64_t size;
	uint32_t memory_type;
};

struct vulkan_range {
	uint32_t aspect, level, n_levels, layer, n_layers;
};

struct vulkan_view_create_info {
	int32_t type;
	const void *next;
	uint32_t flags;
	uint64_t image;
	int32_t view_type, format;
	int32_t swizzle[4];
	struct vulkan_range range;
};

struct vulkan_buffer_create_info {
	int32_t type;
	const void *next;
	uint32_t flags;
	uint64_t size;
	uint32_t usage;
	int32_t sharing;
	uint32_t n_families;
	const uint32_t *families;
};

struct vulkan_sampler_create_info {
	int32_t type;
	const void *next;
	uint32_t flags;
	int32_t mag, min, mipmap, address[3];
	float bias;
	uint32_t anisotropy;
	float max_anisotropy;
	uint32_t compare;
	int32_t compare_how;
	float min_lod, max_lod;
	int32_t border;
	uint32_t unnormalized;
};

struct vulkan_binding {
	uint32_t binding;
	int32_t descriptor;
	uint32_t n, stages;
	const uint64_t *samplers;
};

struct vulkan_set_layout_create_info {
	int32_t type;
	const void *next;
	uint32_t flags, n;
	const struct vulkan_binding *bindings;
};

struct vulkan_push_range {
	uint32_t stages, offset, size;
};

struct vulkan_pipeline_layout_create_info {
	int32_t type;
	const void *next;
	uint32_t flags, n_sets;
	const uint64_t *sets;
	uint32_t n_ranges;
	const struct vulkan_push_range *ranges;
};

struct vulkan_shader_create_info {
	int32_t type;
	const void *next;
	uint32_t flags;
	size_t len;
	const uint32_t *code;
};

struct vulkan_compute_create_info {
	int32_t type;
	const void *next;
	uint32_t flags;
	struct {
		int32_t type;
		const void *next;
		uint32_t flags, stage;
		uint64_t module;
		const char *name;
		const void *specialization;
	} stage;
	uint64_t layout, base;
	int32_t base_index;
};

struct vulkan_descriptor_pool_create_info {
	int32_t type;
	const void *next;
	uint32_t flags, max_sets, n_sizes;
	const struct vulkan_pool_size {
		int32_t descriptor;
		uint32_t n;
	} * sizes;
};

struct vulkan_allocate_sets {
	int32_t type;
	const void *next;
	uint64_t pool;
	uint32_t n;
	const uint64_t *layouts;
};

struct vulkan_image_descriptor {
	uint64_t sampler, view;
	int32_t layout;
};

struct vulkan_buffer_descriptor {
	uint64_t buffer, offset, range;
};

struct vulkan_write_set {
	int32_t type;
	const void *next;
	uint64_t set;
	uint32_t binding, element, n;
	int32_t descriptor;
	const struct vulkan_image_descriptor *images;
	const struct vulkan_buffer_descriptor *buffers;
	const void *texels;
};

struct vulkan_command_pool_create_info {
	int32_t type;
	const void *next;
	uint32_t flags, family;
};

struct vulkan_allocate_commands {
	int32_t type;
	const void *next;
	uint64_t pool;
	int32_t level;
	uint32_t n;
};

struct vulkan_begin_info {
	int32_t type;
	const void *next;
	uint32_t flags;
	const void *inheritance;
};

struct vulkan_image_barrier {
	int32_t type;
	const void *next;
	uint32_t from_access, to_access;
	int32_t from_layout, to_layout;
	uint32_t from_family, to_family;
	uint64_t image;
	struct vulkan_range range;
};

struct vulkan_buffer_barrier {
	int32_t type;
	const void *next;
	uint32_t from_access, to_access, from_family, to_family;
	uint64_t buffer, offset, size;
};

struct vulkan_buffer_image_copy {
	uint64_t offset;
	uint32_t row_pixels, rows;
	struct {
		uint32_t aspect, level, layer, n_layers;
	} part;
	int32_t at[3];
	struct vulkan_extent extent;
};

struct vulkan_submit_info {
	int32_t type;
	const void *next;
	uint32_t n_waits;
	const uint64_t *waits;
	const uint32_t *wait_stages;
	uint32_t n_commands;
	void *const *commands;
	uint32_t n_signals;
	const uint64_t *signals;
};

struct vulkan_fence_create_info {
	int32_t type;
	const void *next;
	uint32_t flags;
};

struct vulkan_api {
	vulkan_any_function (*GetInstanceProcAddr)(void *instance, const char *name);
};

/* Of an instance, and of a device: a table each. "d" is the device, "g" a GPU, "c" a command buffer. */
#define VULKAN_INSTANCE_FUNCTIONS(X) \
	X(void, DestroyInstance, (void *instance, const void *a)) \
	X(int, EnumeratePhysicalDevices, (void *instance, uint32_t *n, void **out)) \
	X(int, EnumerateDeviceExtensionProperties, \
		(void *g, const char *layer, uint32_t *n, struct vulkan_extension *out)) \
	X(void, GetPhysicalDeviceProperties2, (void *g, struct vulkan_properties2 *out)) \
	X(void, GetPhysicalDeviceMemoryProperties, \
		(void *g, struct vulkan_memory_properties *out)) \
	X(void, GetPhysicalDeviceQueueFamilyProperties, \
		(void *g, uint32_t *n, struct vulkan_queue_family *out)) \
	X(void, GetPhysicalDeviceFormatProperties2, \
		(void *g, int32_t format, struct vulkan_format2 *out)) \
	X(int, GetPhysicalDeviceImageFormatProperties2, \
		(void *g, const struct vulkan_image_format_info2 *info, \
			struct vulkan_image_format2 *out)) \
	X(int, CreateDevice, \
		(void *g, const struct vulkan_device_create_info *info, const void *a, \
			void **out)) \
	X(vulkan_any_function, GetDeviceProcAddr, (void *d, const char *name))

#define VULKAN_DEVICE_FUNCTIONS(X) \
	X(void, DestroyDevice, (void *d, const void *a)) \
	X(void, GetDeviceQueue, (void *d, uint32_t family, uint32_t index, void **out)) \
	X(int, CreateImage, \
		(void *d, const struct vulkan_image_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyImage, (void *d, uint64_t image, const void *a)) \
	X(void, GetImageMemoryRequirements, \
		(void *d, uint64_t image, struct vulkan_requirements *out)) \
	X(int, GetMemoryFdPropertiesKHR, \
		(void *d, uint32_t handle, int fd, struct vulkan_fd_properties *out)) \
	X(int, AllocateMemory, \
		(void *d, const struct vulkan_allocate_info *info, const void *a, uint64_t *out)) \
	X(void, FreeMemory, (void *d, uint64_t memory, const void *a)) \
	X(int, BindImageMemory, (void *d, uint64_t image, uint64_t memory, uint64_t offset)) \
	X(int, BindBufferMemory, (void *d, uint64_t buffer, uint64_t memory, uint64_t offset)) \
	X(int, MapMemory, \
		(void *d, uint64_t memory, uint64_t offset, uint64_t size, uint32_t flags, \
			void **out)) \
	X(int, CreateImageView, \
		(void *d, const struct vulkan_view_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyImageView, (void *d, uint64_t view, const void *a)) \
	X(int, CreateBuffer, \
		(void *d, const struct vulkan_buffer_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyBuffer, (void *d, uint64_t buffer, const void *a)) \
	X(void, GetBufferMemoryRequirements, \
		(void *d, uint64_t buffer, struct vulkan_requirements *out)) \
	X(int, CreateSampler, \
		(void *d, const struct vulkan_sampler_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroySampler, (void *d, uint64_t sampler, const void *a)) \
	X(int, CreateDescriptorSetLayout, \
		(void *d, const struct vulkan_set_layout_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyDescriptorSetLayout, (void *d, uint64_t layout, const void *a)) \
	X(int, CreatePipelineLayout, \
		(void *d, const struct vulkan_pipeline_layout_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyPipelineLayout, (void *d, uint64_t layout, const void *a)) \
	X(int, CreateShaderModule, \
		(void *d, const struct vulkan_shader_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyShaderModule, (void *d, uint64_t module, const void *a)) \
	X(int, CreateComputePipelines, \
		(void *d, uint64_t cache, uint32_t n, \
			const struct vulkan_compute_create_info *infos, const void *a, \
			uint64_t *out)) \
	X(void, DestroyPipeline, (void *d, uint64_t pipeline, const void *a)) \
	X(int, CreateDescriptorPool, \
		(void *d, const struct vulkan_descriptor_pool_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyDescriptorPool, (void *d, uint64_t pool, const void *a)) \
	X(int, AllocateDescriptorSets, \
		(void *d, const struct vulkan_allocate_sets *info, uint64_t *out)) \
	X(void, UpdateDescriptorSets, \
		(void *d, uint32_t n, const struct vulkan_write_set *writes, uint32_t n_copies, \
			const void *copies)) \
	X(int, CreateCommandPool, \
		(void *d, const struct vulkan_command_pool_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyCommandPool, (void *d, uint64_t pool, const void *a)) \
	X(int, AllocateCommandBuffers, \
		(void *d, const struct vulkan_allocate_commands *info, void **out)) \
	X(int, BeginCommandBuffer, (void *c, const struct vulkan_begin_info *info)) \
	X(int, EndCommandBuffer, (void *c)) \
	X(void, CmdPipelineBarrier, \
		(void *c, uint32_t from_stage, uint32_t to_stage, uint32_t flags, uint32_t n, \
			const void *memory, uint32_t n_buffers, \
			const struct vulkan_buffer_barrier *buffers, uint32_t n_images, \
			const struct vulkan_image_barrier *images)) \
	X(void, CmdBindPipeline, (void *c, int32_t point, uint64_t pipeline)) \
	X(void, CmdBindDescriptorSets, \
		(void *c, int32_t point, uint64_t layout, uint32_t first, uint32_t n, \
			const uint64_t *sets, uint32_t n_offsets, const uint32_t *offsets)) \
	X(void, CmdPushConstants, \
		(void *c, uint64_t layout, uint32_t stages, uint32_t offset, uint32_t size, \
			const void *data)) \
	X(void, CmdDispatch, (void *c, uint32_t x, uint32_t y, uint32_t z)) \
	X(void, CmdCopyBufferToImage, \
		(void *c, uint64_t buffer, uint64_t image, int32_t layout, uint32_t n, \
			const struct vulkan_buffer_image_copy *parts)) \
	X(int, QueueSubmit, \
		(void *queue, uint32_t n, const struct vulkan_submit_info *infos, uint64_t fence)) \
	X(int, CreateFence, \
		(void *d, const struct vulkan_fence_create_info *info, const void *a, \
			uint64_t *out)) \
	X(void, DestroyFence, (void *d, uint64_t fence, const void *a)) \
	X(int, WaitForFences, \
		(void *d, uint32_t n, const uint64_t *fences, uint32_t all, uint64_t ns)) \
	X(int, ResetFences, (void *d, uint32_t n, const uint64_t *fences))

struct vulkan_instance_api {
#define X(ret, name, args) ret(*name) args;
	VULKAN_INSTANCE_FUNCTIONS(X)
#undef X
};

struct vulkan_device_api {
#define X(ret, name, args) ret(*name) args;
	VULKAN_DEVICE_FUNCTIONS(X)
#undef X
};

static inline const struct vulkan_api *gpu_vulkan(void)
{
	return gpu_library(GPU_VULKAN, NULL);
}

#endif
