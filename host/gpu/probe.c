/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/probe.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/gpu/cuda_api.h"
#include "host/gpu/display.h"
#include "host/gpu/node.h"
#include "host/gpu/nvenc_api.h"
#include "host/gpu/va_api.h"
#include "host/gpu/vulkan_api.h"

#define TEXT_LEN     320u
#define MAX_GPUS     8u
#define MAX_VK_NAMES 512u
#define MAX_ENTRIES  64

struct probe {
	gpu_probe_say say;
	void *userdata;
};

static __attribute__((format(printf, 4, 5))) void tell(
	const struct probe *p, const char *what, bool good, const char *format, ...)
{
	char text[TEXT_LEN];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (char *c = text; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	p->say(what, good, text, p->userdata);
}

/* Says why when it is not there. */
static const void *need(const struct probe *p, const char *what, enum gpu_library_id id)
{
	const char *why;
	const void *table = gpu_library(id, &why);
	if (!table)
		tell(p, what, false, "%s", why);
	return table;
}

static void probe_nodes(
	const struct probe *p, const struct gpu_node nodes[static GPU_MAX_NODES], unsigned n)
{
	if (!n)
		tell(p, "GPU", false,
			"there is no render node in /dev/dri: pictures are converted and encoded "
			"by the "
			"CPU");
	for (unsigned i = 0; i < n; i++) {
		if (nodes[i].err < 0)
			tell(p, "GPU", false,
				"%s cannot be opened (%s): put the user into the group render",
				nodes[i].path, pf_strerror(nodes[i].err));
		else
			tell(p, "GPU", true, "%s is there, with the kernel's driver %s",
				nodes[i].path, nodes[i].driver);
	}
}

static void probe_egl(const struct probe *p)
{
	uint64_t modifiers[64];
	const char *why;
	const struct gpu_display *d = gpu_display(false, &why);
	if (!d) {
		tell(p, "EGL", false, "%s", why);
		return;
	}
	const uint32_t xr24 = 'X' | 'R' << 8 | '2' << 16 | (uint32_t)'4' << 24;
	size_t n = gpu_display_modifiers(d, xr24, modifiers, 64);
	tell(p, "EGL", d->imports, "%s%s%s %s%s", d->renderer, d->node[0] ? " on " : "", d->node,
		d->imports ? "imports DMA-BUFs" : "does not import DMA-BUFs",
		d->imports && !d->modifiers ? ", linear ones only" : "");
	if (n)
		tell(p, "EGL", true, "%zu layouts of XR24 can be imported, the first is %#llx", n,
			(unsigned long long)modifiers[0]);
}

static void be_quiet(void *user, const char *text)
{
	(void)user;
	(void)text;
}

static bool va_encodes(const struct va_api *va, void *display, int profile)
{
	int list[MAX_ENTRIES], n = 0;
	if (va->MaxNumEntrypoints(display) > MAX_ENTRIES ||
		va->QueryConfigEntrypoints(display, profile, list, &n))
		return false;
	for (int i = 0; i < n && i < MAX_ENTRIES; i++)
		if (list[i] == VA_ENTRYPOINT_ENCODE || list[i] == VA_ENTRYPOINT_ENCODE_LOW_POWER)
			return true;
	return false;
}

static void probe_va_node(const struct probe *p, const struct va_api *va,
	const struct va_drm_api *drm, const char *path)
{
	int major, minor, fd = gpu_node_open(path);
	if (fd < 0)
		return; /* said of the node */
	void *display = drm->GetDisplayDRM(fd);
	if (display) {
		/* It writes to stderr else. */
		va->SetInfoCallback(display, be_quiet, NULL);
		va->SetErrorCallback(display, be_quiet, NULL);
		int status = va->Initialize(display, &major, &minor);
		if (status) {
			tell(p, "VA-API", false,
				"%s has no driver (%s): install mesa-va-drivers or "
				"intel-media-va-driver",
				path, va->ErrorStr(status));
		} else {
			const char *vendor = va->QueryVendorString(display);
			bool h264 = va_encodes(va, display, VA_PROFILE_H264_MAIN);
			bool hevc = va_encodes(va, display, VA_PROFILE_HEVC_MAIN);
			bool av1 = va_encodes(va, display, VA_PROFILE_AV1_MAIN);
			tell(p, "VA-API", h264 || hevc || av1, "%s (%s) encodes%s%s%s%s", path,
				vendor ? vendor : "unnamed", h264 ? " H.264" : "",
				hevc ? " HEVC" : "", av1 ? " AV1" : "",
				h264 || hevc || av1 ? "" : " nothing");
		}
		va->Terminate(display);
	}
	close(fd);
}

static void probe_va(
	const struct probe *p, const struct gpu_node nodes[static GPU_MAX_NODES], unsigned n)
{
	const struct va_api *va = need(p, "VA-API", GPU_VA);
	const struct va_drm_api *drm = va ? need(p, "VA-API", GPU_VA_DRM) : NULL;
	if (drm && !n)
		tell(p, "VA-API", false, "the library is there, but no render node to use it on");
	for (unsigned i = 0; drm && i < n; i++)
		probe_va_node(p, va, drm, nodes[i].path);
}

/* --- Vulkan --- */

typedef int (*enumerate_extensions)(
	void *device, const char *layer, uint32_t *n, struct vulkan_extension *out);

static void *vulkan_function(const struct vulkan_api *vk, void *instance, const char *name)
{
	vulkan_any_function f = vk->GetInstanceProcAddr(instance, name);
	void *out;
	memcpy(&out, &f, sizeof(out));
	return out;
}

static bool vulkan_has(const struct vulkan_extension *list, uint32_t n, const char *name)
{
	for (uint32_t i = 0; i < n; i++)
		if (!strncmp(list[i].name, name, sizeof(list[i].name)))
			return true;
	return false;
}

static void probe_vulkan_device(const struct probe *p, void *device,
	void (*properties)(void *, struct vulkan_device_properties *), enumerate_extensions list)
{
	struct vulkan_extension *extensions = calloc(MAX_VK_NAMES, sizeof(*extensions));
	struct vulkan_device_properties about = {0};
	uint32_t n = MAX_VK_NAMES;
	properties(device, &about);
	if (!extensions || list(device, NULL, &n, extensions) < 0 || n > MAX_VK_NAMES)
		n = 0;
	about.name[sizeof(about.name) - 1] = 0;
	bool dmabuf = vulkan_has(extensions, n, "VK_EXT_external_memory_dma_buf") &&
		vulkan_has(extensions, n, "VK_EXT_image_drm_format_modifier");
	bool encode = vulkan_has(extensions, n, "VK_KHR_video_encode_h264") ||
		vulkan_has(extensions, n, "VK_KHR_video_encode_h265");
	tell(p, "Vulkan", about.type != VULKAN_DEVICE_CPU, "%s%s: %s DMA-BUFs with modifiers, %s",
		about.name, about.type == VULKAN_DEVICE_CPU ? " (the CPU)" : "",
		dmabuf ? "takes" : "does not take",
		encode ? "encodes video" : "does not encode video");
	free(extensions);
}

static void probe_vulkan_instance(
	const struct probe *p, const struct vulkan_api *vk, void *instance)
{
	void *devices[MAX_GPUS];
	uint32_t n = MAX_GPUS;
	int (*enumerate)(void *, uint32_t *, void **);
	void (*properties)(void *, struct vulkan_device_properties *);
	enumerate_extensions extensions;
	void *f = vulkan_function(vk, instance, "vkEnumeratePhysicalDevices");
	void *g = vulkan_function(vk, instance, "vkGetPhysicalDeviceProperties");
	void *h = vulkan_function(vk, instance, "vkEnumerateDeviceExtensionProperties");
	memcpy(&enumerate, &f, sizeof(f));
	memcpy(&properties, &g, sizeof(g));
	memcpy(&extensions, &h, sizeof(h));
	int r = f && g && h ? enumerate(instance, &n, devices) : -1;
	if (r < 0 || !n) {
		tell(p, "Vulkan", false, "the library is there, but it finds no GPU");
		return;
	}
	for (uint32_t i = 0; i < n && i < MAX_GPUS; i++)
		probe_vulkan_device(p, devices[i], properties, extensions);
}

static void probe_vulkan(const struct probe *p)
{
	const struct vulkan_api *vk = need(p, "Vulkan", GPU_VULKAN);
	if (!vk)
		return;
	int (*create)(const struct vulkan_instance_create_info *, const void *, void **);
	void (*destroy)(void *, const void *);
	void *f = vulkan_function(vk, NULL, "vkCreateInstance");
	memcpy(&create, &f, sizeof(f));
	const struct vulkan_application_info application = {
		.type = VULKAN_T_APPLICATION, .api_version = VULKAN_API_1_1};
	const struct vulkan_instance_create_info info = {
		.type = VULKAN_T_INSTANCE, .application = &application};
	void *instance = NULL;
	int r = f ? create(&info, NULL, &instance) : -1;
	if (r || !instance) {
		tell(p, "Vulkan", false, "no GPU has a driver here (VkResult %d)", r);
		return;
	}
	probe_vulkan_instance(p, vk, instance);
	f = vulkan_function(vk, instance, "vkDestroyInstance");
	memcpy(&destroy, &f, sizeof(f));
	if (f)
		destroy(instance, NULL);
}

/* --- NVIDIA --- */

static void *entry(const struct nvenc_list *list, unsigned place)
{
	return list->functions[place];
}

/* A session that opens says more than any list: cards for computing have the library and no encoder. */
static void probe_nvenc(const struct probe *p, void *context, const char *name)
{
	struct nvenc_list list = {.version = NVENC_STRUCT_VERSION(2)};
	struct nvenc_open params = {.version = NVENC_STRUCT_VERSION(1),
		.device_type = NVENC_DEVICE_CUDA,
		.device = context,
		.api_version = NVENC_API_VERSION};
	const struct nvenc_api *nv = need(p, "NVENC", GPU_NVENC);
	uint32_t version = 0;
	if (!nv)
		return;
	int r = nv->GetMaxSupportedVersion(&version);
	if (!r)
		r = nv->CreateInstance(&list);
	nvenc_open_function open;
	nvenc_destroy_function destroy;
	void *f = entry(&list, NVENC_OPEN_SESSION_EX), *g = entry(&list, NVENC_DESTROY_ENCODER);
	memcpy(&open, &f, sizeof(f));
	memcpy(&destroy, &g, sizeof(g));
	void *encoder = NULL;
	if (!r)
		r = f && g ? open(&params, &encoder) : NVENC_INVALID_VERSION;
	/* It may have made one that it then refused to open, and that is still to be destroyed. */
	if (encoder && g)
		destroy(encoder);
	if (!r)
		tell(p, "NVENC", true, "%s encodes (interface %u.%u)", name, version >> 4,
			version & 15);
	else if (r == NVENC_UNSUPPORTED_DEVICE || r == NVENC_NO_DEVICE)
		tell(p, "NVENC", false, "%s has no video encoder (interface %u.%u, error %d)", name,
			version >> 4, version & 15, r);
	else
		tell(p, "NVENC", false, "%s opens no session (interface %u.%u, error %d)", name,
			version >> 4, version & 15, r);
}

static void probe_cuda_device(const struct probe *p, const struct cuda_api *cuda, int i)
{
	char name[64] = "unnamed";
	int device = 0, version = 0;
	void *context = NULL;
	if (cuda->DeviceGet(&device, i))
		return;
	cuda->DeviceGetName(name, sizeof(name), device);
	cuda->DriverGetVersion(&version);
	int r = cuda->PrimaryCtxRetain(&context, device);
	tell(p, "CUDA", !r, "%s %s (CUDA %d.%d, error %d)", name, r ? "does not open" : "opens",
		version / 1000, version % 1000 / 10, r);
	if (r)
		return;
	if (!cuda->CtxPush(context)) {
		probe_nvenc(p, context, name);
		cuda->CtxPop(&context);
	}
	cuda->PrimaryCtxRelease(device);
}

static void probe_cuda(const struct probe *p)
{
	const struct cuda_api *cuda = need(p, "CUDA", GPU_CUDA);
	int n = 0;
	if (!cuda)
		return;
	int r = cuda->Init(0);
	if (!r)
		r = cuda->DeviceGetCount(&n);
	if (r || n <= 0)
		tell(p, "CUDA", false, "the library is there, but it finds no GPU (error %d)", r);
	for (int i = 0; i < n && i < (int)MAX_GPUS; i++)
		probe_cuda_device(p, cuda, i);
}

void gpu_probe(gpu_probe_say say, void *userdata)
{
	const struct probe p = {say, userdata};
	struct gpu_node nodes[GPU_MAX_NODES];
	unsigned n = gpu_nodes(nodes);
	probe_nodes(&p, nodes, n);
	probe_egl(&p);
	probe_va(&p, nodes, n);
	probe_vulkan(&p);
	probe_cuda(&p);
}
