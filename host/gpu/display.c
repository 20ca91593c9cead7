/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gpu/display.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/gpu/gbm_api.h"
#include "host/gpu/node.h"
#include "host/gpu/vulkan.h"

#define MAX_DEVICES   16
#define MAX_MODIFIERS 128

/* A word of a list with spaces between. */
static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);
	for (const char *at = list; at && (at = strstr(at, word)); at += len)
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
	return false;
}

static void take_function(const struct egl_api *egl, const char *name, void *out)
{
	egl_any_function f = egl->GetProcAddress(name);
	memcpy(out, &f, sizeof(f));
}

static void take_platform(struct gpu_display *d)
{
	const char *client = d->egl->QueryString(NULL, EGL_EXTENSIONS);
	if (has_word(client, "EGL_EXT_platform_base"))
		take_function(d->egl, "eglGetPlatformDisplayEXT", &d->ext.get_platform_display);
	if (!has_word(client, "EGL_EXT_platform_device"))
		return;
	take_function(d->egl, "eglQueryDevicesEXT", &d->ext.query_devices);
	take_function(d->egl, "eglQueryDeviceStringEXT", &d->ext.query_device_string);
}

static void take_extensions(struct gpu_display *d)
{
	const char *list = d->egl->QueryString(d->handle, EGL_EXTENSIONS);
	struct egl_extensions *e = &d->ext;
	/* Of a display that was tried before. */
	e->create_image = NULL;
	e->query_modifiers = NULL;
	e->export_query = NULL;
	e->export = NULL;
	e->reset_status = NULL;
	e->robust = has_word(list, "EGL_EXT_create_context_robustness");
	if (has_word(list, "EGL_KHR_image_base")) {
		take_function(d->egl, "eglCreateImageKHR", &e->create_image);
		take_function(d->egl, "eglDestroyImageKHR", &e->destroy_image);
		take_function(d->egl, "glEGLImageTargetTexture2DOES", &e->image_to_texture);
	}
	bool images = e->create_image && e->destroy_image && e->image_to_texture;
	d->imports = images && has_word(list, "EGL_EXT_image_dma_buf_import");
	if (d->imports && has_word(list, "EGL_EXT_image_dma_buf_import_modifiers"))
		take_function(d->egl, "eglQueryDmaBufModifiersEXT", &e->query_modifiers);
	d->modifiers = e->query_modifiers;
	if (images && has_word(list, "EGL_MESA_image_dma_buf_export")) {
		take_function(d->egl, "eglExportDMABUFImageQueryMESA", &e->export_query);
		take_function(d->egl, "eglExportDMABUFImageMESA", &e->export);
	}
}

void *gpu_context_create(const struct gpu_display *d)
{
	static const int32_t plain[] = {EGL_CONTEXT_MAJOR_VERSION, 3, EGL_NONE};
	/* Without it some drivers end the process after a reset that they think was its doing. */
	static const int32_t robust[] = {EGL_CONTEXT_MAJOR_VERSION, 3, EGL_CONTEXT_RESET_STRATEGY,
		EGL_LOSE_CONTEXT_ON_RESET, EGL_NONE};
	/* No config: EGL_KHR_no_config_context, which was asked for. */
	if (!d->egl->BindAPI(EGL_OPENGL_ES_API))
		return NULL;
	void *context = NULL;
	if (d->ext.robust)
		context = d->egl->CreateContext(d->handle, NULL, NULL, robust);
	return context ? context : d->egl->CreateContext(d->handle, NULL, NULL, plain);
}

bool gpu_context_lost(const struct gpu_display *d)
{
	return d->ext.reset_status && d->ext.reset_status();
}

void gpu_context_destroy(const struct gpu_display *d, void *context)
{
	if (context)
		d->egl->DestroyContext(d->handle, context);
}

bool gpu_context_enter(const struct gpu_display *d, void *context)
{
	/* Which interface is current is kept for each thread. */
	return d->egl->BindAPI(EGL_OPENGL_ES_API) &&
		d->egl->MakeCurrent(d->handle, NULL, NULL, context);
}

void gpu_context_leave(const struct gpu_display *d)
{
	d->egl->MakeCurrent(d->handle, NULL, NULL, NULL);
}

static bool is_software(const char *renderer)
{
	static const char *const names[] = {"llvmpipe", "softpipe", "swrast", "Software"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strstr(renderer, names[i]))
			return true;
	return false;
}

static void read_renderer(struct gpu_display *d)
{
	const uint8_t *text = d->gl->GetString(GL_RENDERER);
	snprintf(d->renderer, sizeof(d->renderer), "%s", text ? (const char *)text : "unnamed");
	for (char *c = d->renderer; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	d->software = is_software(d->renderer);
	/* Mesa 22.3's says that it imports, and crashes at the first look at what it imported. */
	if (d->software && !d->modifiers)
		d->imports = false;
}

static void take_reset_status(struct gpu_display *d)
{
	const char *list = (const char *)d->gl->GetString(GL_EXTENSIONS);
	if (d->ext.robust && has_word(list, "GL_KHR_robustness"))
		take_function(d->egl, "glGetGraphicsResetStatusKHR", &d->ext.reset_status);
	else if (d->ext.robust && has_word(list, "GL_EXT_robustness"))
		take_function(d->egl, "glGetGraphicsResetStatusEXT", &d->ext.reset_status);
}

/* Has it what is needed here? */
static bool try_handle(struct gpu_display *d, void *handle)
{
	int32_t major, minor;
	d->handle = handle;
	if (!handle || !d->egl->Initialize(handle, &major, &minor))
		return false;
	const char *list = d->egl->QueryString(handle, EGL_EXTENSIONS);
	if (!has_word(list, "EGL_KHR_no_config_context") ||
		!has_word(list, "EGL_KHR_surfaceless_context"))
		return false;
	take_extensions(d);
	void *context = gpu_context_create(d);
	bool good = context && gpu_context_enter(d, context);
	if (good) {
		read_renderer(d);
		take_reset_status(d);
		gpu_context_leave(d);
	}
	gpu_context_destroy(d, context);
	return good;
}

/* node NULL: those that have none, but for the CPU's. */
static bool try_devices(struct gpu_display *d, const char *node)
{
	void *devices[MAX_DEVICES];
	int32_t n = 0;
	if (!d->ext.query_devices || !d->ext.query_device_string ||
		!d->ext.query_devices(MAX_DEVICES, devices, &n))
		return false;
	for (int32_t i = 0; i < n && i < MAX_DEVICES; i++) {
		const char *list = d->ext.query_device_string(devices[i], EGL_EXTENSIONS);
		const char *file = has_word(list, "EGL_EXT_device_drm_render_node")
			? d->ext.query_device_string(devices[i], EGL_DRM_RENDER_NODE_FILE)
			: NULL;
		if (node ? !file || strcmp(file, node) != 0
			 : file || has_word(list, "EGL_MESA_device_software"))
			continue;
		if (try_handle(
			    d, d->ext.get_platform_display(EGL_PLATFORM_DEVICE, devices[i], NULL)))
			return true;
	}
	return false;
}

/* GBM's device and its descriptor stay with the display, which stays with the process. */
static bool try_gbm(struct gpu_display *d, const char *node)
{
	const struct gbm_api *gbm = gpu_gbm();
	int fd = gbm ? gpu_node_open(node) : -1;
	struct gbm_device *device = fd >= 0 ? gbm->create_device(fd) : NULL;
	if (device && try_handle(d, d->ext.get_platform_display(EGL_PLATFORM_GBM, device, NULL)))
		return true;
	if (fd >= 0 && !device)
		close(fd);
	return false;
}

static bool try_node(struct gpu_display *d, const struct gpu_node *node)
{
	if (node->err < 0 || (!try_devices(d, node->path) && !try_gbm(d, node->path)))
		return false;
	_Static_assert(sizeof(d->node) == sizeof(node->path), "a path fits");
	memcpy(d->node, node->path, sizeof(d->node));
	d->device = gpu_node_number(d->node);
	return true;
}

static bool person_says(const char *word)
{
	const char *text = getenv("PUNKTFUNK_GPU");
	return text && !strcmp(text, word);
}

/* The node that a person named; NULL = none was. */
static const char *persons_node(void)
{
	const char *text = getenv("PUNKTFUNK_GPU");
	return text && !strncmp(text, "/dev/", 5) ? text : NULL;
}

static _Atomic dev_t preferred;

void gpu_prefer(dev_t device)
{
	atomic_store(&preferred, device);
}

bool gpu_is_desktops(const struct gpu_display *d)
{
	const dev_t desktops = atomic_load(&preferred);
	return !desktops || !d->device || gpu_same_card(desktops, d->device);
}

/* The one that is wanted goes to the front; the others keep their order. */
static void put_first(struct gpu_node *nodes, unsigned n, dev_t device)
{
	for (unsigned i = 1; i < n; i++) {
		const struct gpu_node wanted = nodes[i];
		if (!gpu_same_card(gpu_node_number(wanted.path), device))
			continue;
		memmove(&nodes[1], &nodes[0], i * sizeof(nodes[0]));
		nodes[0] = wanted;
		return;
	}
}

dev_t gpu_wanted(bool *must)
{
	const char *named = persons_node();
	*must = named;
	return named ? gpu_node_number(named) : atomic_load(&preferred);
}

static bool find_gpu(struct gpu_display *d, bool software)
{
	struct gpu_node nodes[GPU_MAX_NODES];
	unsigned n = gpu_nodes(nodes);
	bool named;
	const dev_t first = gpu_wanted(&named);
	software = software || person_says("software");
	if (first)
		put_first(nodes, n, first);
	if (named)
		n = first && n && gpu_same_card(gpu_node_number(nodes[0].path), first) ? 1 : 0;
	for (unsigned i = 0; i < n; i++)
		if (try_node(d, &nodes[i]) && (software || !d->software))
			return true;
	d->node[0] = 0;
	d->device = 0;
	if (named)
		return false;
	if (try_devices(d, NULL) && (software || !d->software))
		return true;
	return software &&
		try_handle(d, d->ext.get_platform_display(EGL_PLATFORM_SURFACELESS, NULL, NULL));
}

bool gpu_allowed(const char **why)
{
	const char *said = getenv("PUNKTFUNK_GPU");
	*why = NULL;
	if (person_says("off"))
		*why = "no GPU is used, as PUNKTFUNK_GPU=off says";
	else if (said && *said && !person_says("software") && !persons_node())
		*why = "no GPU is used: PUNKTFUNK_GPU is neither off nor software nor a node such "
		       "as /dev/dri/renderD128";
	else if (!gpu_present())
		*why = "there is no GPU: no render node in /dev/dri, and no /dev/nvidiactl";
	return !*why;
}

static const char *open_display(struct gpu_display *d, bool software)
{
	const char *why;
	if (!software && !gpu_allowed(&why))
		return why;
	d->egl = gpu_library(GPU_EGL, &why);
	if (!d->egl)
		return why;
	d->gl = gpu_library(GPU_GLES, &why);
	if (!d->gl)
		return why;
	take_platform(d);
	if (!d->ext.get_platform_display)
		return "EGL is too old: it has no EGL_EXT_platform_base";
	if (find_gpu(d, software))
		return NULL;
	if (persons_node())
		return "the GPU that PUNKTFUNK_GPU names does not open with EGL and OpenGL ES 3: "
		       "see that it is a node in /dev/dri, that its driver is installed and that "
		       "the user is in the group render";
	return "no GPU opens with EGL and OpenGL ES 3: see that its driver is installed "
	       "and that the user is in the group render";
}

/* [0] what counts as a GPU, [1] anything. Written under the lock, once. */
static struct {
	bool tried;
	struct gpu_display display;
	const char *why;
} found[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

const struct gpu_display *gpu_display(bool software, const char **why)
{
	pthread_mutex_lock(&lock);
	if (!found[software].tried)
		found[software].why = open_display(&found[software].display, software);
	found[software].tried = true;
	pthread_mutex_unlock(&lock);
	if (why)
		*why = found[software].why;
	return found[software].why ? NULL : &found[software].display;
}

/* [0] EGL's, [1] Vulkan's. */
static _Atomic bool refused[2];

const struct gpu_display *gpu_importer_egl(void)
{
	const struct gpu_display *d = atomic_load(&refused[0]) ? NULL : gpu_display(false, NULL);
	return d && d->imports ? d : NULL;
}

const struct gpu_display *gpu_importer(void)
{
	const struct gpu_display *d = gpu_importer_egl();
	if (d)
		return d;
	d = atomic_load(&refused[1]) ? NULL : vulkan_display(person_says("software"), NULL);
	return d && d->imports ? d : NULL;
}

void gpu_importer_refuse(const struct gpu_display *d, const char *why)
{
	if (!atomic_exchange(&refused[d->vulkan != NULL], true))
		log_warn("encoder: %s does not take the pictures that the compositor draws through "
			 "%s (%s); from here on they go another way",
			d->renderer, d->vulkan ? "Vulkan" : "EGL", why);
}

size_t gpu_display_modifiers(
	const struct gpu_display *d, uint32_t fourcc, uint64_t *out, size_t max)
{
	uint64_t modifiers[MAX_MODIFIERS];
	unsigned external[MAX_MODIFIERS];
	int32_t n = 0;
	size_t kept = 0;
	if (d->vulkan)
		return vulkan_display_modifiers(d->vulkan, FRAME_BGRX, out, max);
	if (!d->modifiers ||
		!d->ext.query_modifiers(
			d->handle, (int32_t)fourcc, MAX_MODIFIERS, modifiers, external, &n))
		return 0;
	for (int32_t i = 0; i < n && i < MAX_MODIFIERS && kept < max; i++)
		if (!external[i])
			out[kept++] = modifiers[i];
	return kept;
}
