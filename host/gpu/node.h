/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_NODE_H
#define HOST_GPU_NODE_H

#include <stdbool.h>
#include <sys/types.h>

#include "core/base/error.h"

/* The GPUs as the kernel shows them: /dev/dri/renderD*. Thread: any. */

#define GPU_MAX_NODES 8u /* more than any desktop has */

struct gpu_node {
	char path[32];
	char driver[32]; /* the kernel's; printable. Empty where it may not be opened. */
	int err;	 /* PF_OK, or why it may not */
};

/* In the kernel's order. Returns how many there are. */
unsigned gpu_nodes(struct gpu_node out[static GPU_MAX_NODES]);
/* Are these two nodes, of which compositors may name either, of one GPU? */
bool gpu_same_card(dev_t a, dev_t b);
/* A node's number, or 0. */
dev_t gpu_node_number(const char *path);
/* Opened for rendering, or an error. */
int gpu_node_open(const char *path) PF_MUST_CHECK;
/* Is there anything at all, a render node or NVIDIA's own device? Costs a look into /dev. */
bool gpu_present(void);

#endif
