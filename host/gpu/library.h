/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_LIBRARY_H
#define HOST_GPU_LIBRARY_H

#include <stddef.h>

#include "core/base/error.h"

/*
 * A GPU's libraries are opened while the program runs, so that the same program starts where there are none. Each
 * is opened once in a process, at its first use, and stays: drivers leave threads and destructors behind. Thread: any.
 */

struct gpu_function {
	const char *name;
	size_t at; /* of its pointer in the table */
};

/* What a library is expected to have. */
struct gpu_library {
	const char *file; /* its soname */
	const char *purpose;
	const struct gpu_function *functions;
	size_t n_functions;
};

#define GPU_WHY_LEN 200u

/*
 * Fills the table, or leaves one sentence in why. What was opened stays open. Errors: PF_E_UNSUPPORTED (it is not
 * there, or is older than what is wanted here).
 */
int gpu_library_load(
	const struct gpu_library *l, void *table, char why[static GPU_WHY_LEN]) PF_MUST_CHECK;

enum gpu_library_id {
	GPU_EGL,
	GPU_GLES,
	GPU_GBM,
	GPU_VA,
	GPU_VA_DRM,
	GPU_VULKAN,
	GPU_CUDA,
	GPU_NVENC,
	GPU_LIBRARIES,
};

/* Its table, or NULL; *why (which may be NULL) is then one sentence, for good. */
const void *gpu_library(enum gpu_library_id id, const char **why);
/* The soname and what it is for. */
const struct gpu_library *gpu_library_about(enum gpu_library_id id);

#endif
