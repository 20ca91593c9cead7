/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/vulkan.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "host/gpu/display.h"
#include "host/gpu/node.h"

#define MAX_GPUS     8u
#define MAX_NAMES    512u /* extensions of a driver: some have 250 */
#define MAX_FAMILIES 16u

static const char DRM_EXTENSION[] = "VK_EXT_physical_device_drm";

/* What an import needs, of what is not in Vulkan 1.1. */
static const char *const needed[] = {"VK_KHR_external_memory_fd", "VK_EXT_external_memory_dma_buf",
	"VK_KHR_image_format_list", "VK_EXT_image_drm_format_modifier",
	"VK_EXT_queue_family_foreign"};

#define N_NEEDED (sizeof(needed) / sizeof(needed[0]))

/* Written once, under the lock. */
static struct vulkan_instance_api api;

/* --- the instance --- */

static void *make_instance(void)
{
	int (*create)(const struct vulkan_instance_create_info *, const void *, void **);
	const struct vulkan_application_info application = {
		.type = VULKAN_T_APPLICATION, .api_version = VULKAN_API_1_1};
	const struct vulkan_instance_create_info info = {
		.type = VULKAN_T_INSTANCE, .application = &application};
	const struct vulkan_api *vk = gpu_vulkan();
	vulkan_any_function f = vk ? vk->GetInstanceProcAddr(NULL, "vkCreateInstance") : NULL;
	void *instance = NULL;
	memcpy(&create, &f, sizeof(f));
	return f && !create(&info, NULL, &instance) ? instance : NULL;
}

static bool take_functions(void *instance)
{
	static const struct gpu_function functions[] = {
#define X(ret, name, args) {"vk" #name, offsetof(struct vulkan_instance_api, name)},
		VULKAN_INSTANCE_FUNCTIONS(X)
#undef X
	};
	for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		vulkan_any_function f = gpu_vulkan()->GetInstanceProcAddr(
			instance, functions[i].name);
		if (!f)
			return false;
		memcpy((char *)&api + functions[i].at, &f, sizeof(f));
	}
	return true;
}

/* --- one GPU --- */

static bool has(const struct vulkan_extension *list, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strncmp(list[i].name, name, sizeof(list[i].name)))
			return true;
	return false;
}

static bool find_family(struct gpu_vulkan *v)
{
	struct vulkan_queue_family families[MAX_FAMILIES];
	uint32_t n = MAX_FAMILIES;
	api.GetPhysicalDeviceQueueFamilyProperties(v->gpu, &n, families);
	for (uint32_t i = 0; i < n; i++)
		if (families[i].flags & VULKAN_QUEUE_COMPUTE && families[i].n) {
			v->family = i;
			return true;
		}
	return false;
}

int32_t vulkan_format(enum frame_format format)
{
	return format == FRAME_BGRX ? VULKAN_FORMAT_B8G8R8A8 : VULKAN_FORMAT_R8G8B8A8;
}

static bool can_import(const struct gpu_vulkan *v, enum frame_format format, uint64_t modifier,
	struct vulkan_extent *most)
{
	const struct vulkan_modifier_info layout = {
		.type = VULKAN_T_MODIFIER_INFO, .modifier = modifier};
	const struct vulkan_external_format_info external = {.type = VULKAN_T_EXTERNAL_FORMAT_INFO,
		.next = &layout,
		.handle = VULKAN_HANDLE_DMABUF};
	const struct vulkan_image_format_info2 info = {.type = VULKAN_T_IMAGE_FORMAT_INFO2,
		.next = &external,
		.format = vulkan_format(format),
		.image_type = VULKAN_IMAGE_2D,
		.tiling = VULKAN_TILING_MODIFIER,
		.usage = VULKAN_USAGE_SAMPLED};
	struct vulkan_external_format how = {.type = VULKAN_T_EXTERNAL_FORMAT};
	struct vulkan_image_format2 out = {.type = VULKAN_T_IMAGE_FORMAT2, .next = &how};
	if (api.GetPhysicalDeviceImageFormatProperties2(v->gpu, &info, &out))
		return false;
	*most = out.most;
	return how.features & VULKAN_EXTERNAL_IMPORTABLE;
}

static void list_layouts(struct gpu_vulkan *v, enum frame_format format)
{
	struct vulkan_modifier found[VULKAN_MODIFIERS];
	struct vulkan_modifier_list list = {
		.type = VULKAN_T_MODIFIER_LIST, .n = VULKAN_MODIFIERS, .modifiers = found};
	struct vulkan_format2 out = {.type = VULKAN_T_FORMAT2, .next = &list};
	struct vulkan_layouts *l = &v->layouts[format];
	api.GetPhysicalDeviceFormatProperties2(v->gpu, vulkan_format(format), &out);
	for (uint32_t i = 0; i < list.n && i < VULKAN_MODIFIERS; i++) {
		const struct vulkan_modifier *m = &found[i];
		if (m->features & VULKAN_FEATURE_SAMPLED && m->n_planes &&
			m->n_planes <= FRAME_MAX_PLANES &&
			can_import(v, format, m->modifier, &l->most[l->n]))
			l->list[l->n++] = *m;
	}
}

static void take_extensions(struct gpu_display *d, struct gpu_vulkan *v, bool *has_drm)
{
	struct vulkan_extension *list = calloc(MAX_NAMES, sizeof(*list));
	uint32_t n = MAX_NAMES;
	if (!list || api.EnumerateDeviceExtensionProperties(v->gpu, NULL, &n, list) < 0)
		n = 0;
	*has_drm = has(list, n, DRM_EXTENSION);
	v->n_extensions = 0;
	for (size_t i = 0; i < N_NEEDED; i++)
		if (has(list, n, needed[i]))
			v->extensions[v->n_extensions++] = needed[i];
	d->imports = d->modifiers = v->n_extensions == N_NEEDED;
	if (!d->imports)
		v->n_extensions = 0;
	free(list);
}

static void take_node(struct gpu_display *d, const struct vulkan_drm *drm)
{
	if (!drm->has_render)
		return;
	snprintf(d->node, sizeof(d->node), "/dev/dri/renderD%lld", (long long)drm->render_minor);
	d->device = makedev((unsigned)drm->render_major, (unsigned)drm->render_minor);
}

static bool look_at(struct gpu_display *d, struct gpu_vulkan *v, void *gpu)
{
	struct vulkan_drm drm = {.type = VULKAN_T_DRM};
	struct vulkan_properties2 about = {.type = VULKAN_T_PROPERTIES2};
	bool has_drm;
	memset(d, 0, sizeof(*d));
	memset(v, 0, sizeof(*v));
	v->api = &api;
	v->gpu = gpu;
	d->vulkan = v;
	take_extensions(d, v, &has_drm);
	about.next = has_drm ? &drm : NULL;
	api.GetPhysicalDeviceProperties2(gpu, &about);
	if (about.properties.api_version < VULKAN_API_1_1 || !find_family(v))
		return false;
	take_node(d, &drm);
	d->software = about.properties.type == VULKAN_DEVICE_CPU;
	snprintf(d->renderer, sizeof(d->renderer), "%.80s", about.properties.name);
	for (char *c = d->renderer; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	api.GetPhysicalDeviceMemoryProperties(gpu, &v->memory);
	if (d->imports) {
		list_layouts(v, FRAME_BGRX);
		list_layouts(v, FRAME_RGBX);
	}
	d->imports = d->imports && v->layouts[FRAME_BGRX].n;
	return true;
}

/* --- the choice --- */

static int rank(const struct gpu_display *d, bool software)
{
	bool must;
	const dev_t wanted = gpu_wanted(&must);
	const bool is_it = wanted && d->device && gpu_same_card(d->device, wanted);
	if ((d->software && !software) || (must && !is_it))
		return 0;
	return 1 + d->imports + 2 * !d->software + 4 * is_it;
}

static const char *choose(struct gpu_display *best, struct gpu_vulkan *best_v, bool software)
{
	void *gpus[MAX_GPUS];
	uint32_t n = MAX_GPUS;
	int most = 0;
	const char *why;
	if (!software && !gpu_allowed(&why))
		return why;
	if (!gpu_library(GPU_VULKAN, &why))
		return why;
	void *instance = make_instance();
	if (!instance || !take_functions(instance) ||
		api.EnumeratePhysicalDevices(instance, &n, gpus) < 0)
		return "Vulkan finds no driver: install the one of the GPU";
	for (uint32_t i = 0; i < n && i < MAX_GPUS; i++) {
		struct gpu_display d;
		struct gpu_vulkan *v = malloc(sizeof(*v));
		if (!v)
			return "the host is out of memory";
		if (look_at(&d, v, gpus[i]) && rank(&d, software) > most) {
			most = rank(&d, software);
			*best = d;
			*best_v = *v;
			best->vulkan = best_v;
		}
		free(v);
	}
	return most ? NULL : "Vulkan finds no GPU that may be used";
}

static struct {
	bool tried;
	struct gpu_display display;
	struct gpu_vulkan vulkan;
	const char *why;
} found[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

const struct gpu_display *vulkan_display(bool software, const char **why)
{
	pthread_mutex_lock(&lock);
	if (!found[software].tried)
		found[software].why = choose(
			&found[software].display, &found[software].vulkan, software);
	found[software].tried = true;
	pthread_mutex_unlock(&lock);
	if (why)
		*why = found[software].why;
	return found[software].why ? NULL : &found[software].display;
}

size_t vulkan_display_modifiers(
	const struct gpu_vulkan *v, enum frame_format format, uint64_t *out, size_t max)
{
	const struct vulkan_layouts *l = &v->layouts[format];
	size_t n = 0;
	while (n < l->n && n < max) {
		out[n] = l->list[n].modifier;
		n++;
	}
	return n;
}

const struct vulkan_modifier *vulkan_find_layout(const struct gpu_vulkan *v,
	enum frame_format format, uint64_t modifier, uint32_t width, uint32_t height)
{
	const struct vulkan_layouts *l = &v->layouts[format];
	for (uint32_t i = 0; i < l->n; i++)
		if (l->list[i].modifier == modifier)
			return width <= l->most[i].width && height <= l->most[i].height
				? &l->list[i]
				: NULL;
	return NULL;
}

uint32_t vulkan_memory_kind(const struct gpu_vulkan *v, uint32_t types, uint32_t flags)
{
	for (uint32_t i = 0; i < v->memory.n_types && i < 32; i++)
		if (types & 1u << i && (v->memory.types[i].flags & flags) == flags)
			return i;
	return UINT32_MAX;
}
