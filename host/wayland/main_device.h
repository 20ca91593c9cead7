/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_WAYLAND_MAIN_DEVICE_H
#define HOST_WAYLAND_MAIN_DEVICE_H

#include <sys/types.h>

#include "core/base/error.h"

/* Which GPU a compositor draws on, as it tells every client (linux-dmabuf from version 4). Thread: any. */

/*
 * display: as in wlconn.h. The number of one of the GPU's nodes, not always of the one to render on. Errors:
 * PF_E_UNSUPPORTED (it tells none), those of wlconn_open().
 */
int main_device_ask(const char *display, dev_t *out) PF_MUST_CHECK;
/* Of the first compositor in a runtime folder that tells; $WAYLAND_DISPLAY's goes first. Errors: PF_E_NO_FRAME. */
int main_device_find(const char *runtime_dir, dev_t *out) PF_MUST_CHECK;

#endif
