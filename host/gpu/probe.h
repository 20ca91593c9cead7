/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GPU_PROBE_H
#define HOST_GPU_PROBE_H

#include <stdbool.h>

/*
 * What this machine's GPUs can do for a host, for a person to read. Each finding is one sentence about `what`; good:
 * usable as it is. Opens every driver, which takes up to some seconds; changes nothing. Thread: any.
 */
typedef void (*gpu_probe_say)(const char *what, bool good, const char *text, void *userdata);
void gpu_probe(gpu_probe_say say, void *userdata);

#endif
