/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_DISPLAY_H
#define HOST_GPU_DISPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"
#include "host/gpu/egl_api.h"
#include "host/gpu/gles_api.h"

struct gpu_vulkan;

/*
 * EGL's display on a GPU, without a screen. A display is one for the whole process and is never closed: EGL counts
 * no users, and closing it would take the contexts of others with it.
 */
struct gpu_display {
	const struct egl_api *egl;
	const struct gles_api *gl;
	struct egl_extensions ext;
	void *handle;	   /* EGLDisplay */
	char node[32];	   /* its render node; empty where it has none */
	dev_t device;	   /* that one's number; 0 where it has none */
	char renderer[96]; /* printable: what OpenGL ES says it is */
	bool software;	   /* computed by the CPU */
	bool imports;	   /* DMA-BUFs */
	bool modifiers;	   /* DMA-BUFs in other layouts than the linear one */
	const struct gpu_vulkan
		*vulkan; /* not NULL: it is not EGL's, but Vulkan's (vulkan_convert.h) */
};

/*
 * The first GPU that opens: the preferred one, then render nodes in their order, then what has none. With software:
 * else the CPU's, for tests. NULL: there is none, and *why (which may be NULL) is one sentence. $PUNKTFUNK_GPU is a
 * person's say: off: there is none, for who has a driver that crashes; a node in /dev/dri: that one or none; software:
 * a CPU's counts as one. The first call takes some tenths of a second. Thread: any.
 */
const struct gpu_display *gpu_display(bool software, const char **why);
/* Which GPU the compositor draws on, as a node's number; 0 = not known. Counts before the first gpu_display(). */
void gpu_prefer(dev_t device);
/* False: the desktop is known to draw on another one, whose memory this one must not be given. */
bool gpu_is_desktops(const struct gpu_display *d);
/* The node of the GPU that a person named (then *must) or that is preferred; 0 = neither. */
dev_t gpu_wanted(bool *must);
/* Is there a GPU, and does the person allow one? Else *why says why not. */
bool gpu_allowed(const char **why);

/*
 * The GPU that imports DMA-BUFs for an encoder on the CPU: by EGL, else by Vulkan. NULL where there is none, or where
 * all refused one before, as what a compositor draws they will refuse again. Thread: any.
 */
const struct gpu_display *gpu_importer(void);
/* The same for encoders of hardware, which need EGL's. */
const struct gpu_display *gpu_importer_egl(void);
/* From now on it is none; says so once, with the reason. */
void gpu_importer_refuse(const struct gpu_display *d, const char *why);

/* The layouts of fourcc (DRM's) that it imports into a plain texture, best first, at most max of them. */
size_t gpu_display_modifiers(
	const struct gpu_display *d, uint32_t fourcc, uint64_t *out, size_t max);

/* An OpenGL ES 3 context of it, current nowhere; NULL when there is none. */
void *gpu_context_create(const struct gpu_display *d);
void gpu_context_destroy(const struct gpu_display *d, void *context); /* takes NULL */
/* Current on this thread until gpu_context_leave(), with everything that follows on it. */
bool gpu_context_enter(const struct gpu_display *d, void *context);
void gpu_context_leave(const struct gpu_display *d);
/* The GPU was reset, or is gone: whatever the current context did is lost, and what it will do. */
bool gpu_context_lost(const struct gpu_display *d);

#endif
