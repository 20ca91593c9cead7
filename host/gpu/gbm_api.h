/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_GBM_API_H
#define HOST_GPU_GBM_API_H

#include <stdint.h>

#include "host/gpu/library.h"

/* What of GBM is used here: a way to a display for a render node. */

struct gbm_device;

#define GBM_FUNCTIONS(X) \
	X(struct gbm_device *, create_device, (int fd)) \
	X(void, device_destroy, (struct gbm_device * device)) \
	X(const char *, device_get_backend_name, (struct gbm_device * device))

struct gbm_api {
#define X(ret, name, args) ret(*name) args;
	GBM_FUNCTIONS(X)
#undef X
};

static inline const struct gbm_api *gpu_gbm(void)
{
	return gpu_library(GPU_GBM, NULL);
}

#endif
