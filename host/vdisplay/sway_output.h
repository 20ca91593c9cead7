/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SWAY_OUTPUT_H
#define HOST_VDISPLAY_SWAY_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/vdisplay/sway_ipc.h"
#include "host/vdisplay/vdisplay.h"

/*
 * Headless outputs of a sway. What is not a transport error is PF_E_UNSUPPORTED (sway refused; the
 * connection goes on), with the sentence in ipc->error.
 */

/* Takes an idle headless output that is not in use, or makes a new one; writes its name. */
int sway_output_make(struct sway_ipc *ipc, bool (*used)(const char *name, void *userdata),
	void *userdata, char *name, size_t cap) PF_MUST_CHECK;
/* Sets exactly this mode and reads back what was made into output. */
int sway_output_set_mode(struct sway_ipc *ipc, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz) PF_MUST_CHECK;
/* Focuses it; starts the script app_path there when its workspace is empty (empty path: nothing). */
int sway_output_show(struct sway_ipc *ipc, const char *name, const char *app_path) PF_MUST_CHECK;
/* Focuses it and, on its workspace, a window: the one that had the focus last. */
int sway_output_focus(struct sway_ipc *ipc, const char *name) PF_MUST_CHECK;
/* The window id goes to the output's visible workspace, unless it is on the output already. */
int sway_output_bring(struct sway_ipc *ipc, const char *name, json_int_t id) PF_MUST_CHECK;
/*
 * Nobody needs it any more. unplug: takes it away, where sway can (1.8 and later), and its windows go to
 * another output; where sway cannot, they go to the output `to` and it stays, small and slow, for the next
 * make. Without unplug it stays so with its windows.
 */
void sway_output_drop(struct sway_ipc *ipc, const char *name, bool unplug, const char *to);
/* Is there a headless output of this name that is not idle? 1, 0 or an error. */
int sway_output_is_used(struct sway_ipc *ipc, const char *name) PF_MUST_CHECK;
/* The focused output's name; empty when there is none. */
int sway_output_focused(struct sway_ipc *ipc, char *name, size_t cap) PF_MUST_CHECK;

#endif
