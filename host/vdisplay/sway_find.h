/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SWAY_FIND_H
#define HOST_VDISPLAY_SWAY_FIND_H

#include <stddef.h>

#include "core/base/error.h"

/*
 * Finds a sway that somebody runs: $SWAYSOCK, then the sockets in $XDG_RUNTIME_DIR, then those of the
 * user (user, or $SUDO_UID, or ourselves) under /run/user. Only one that answers counts.
 * Errors: PF_E_NO_FRAME when there is none, PF_E_TIMEOUT when one hangs and no other answers.
 */
int sway_find_running(const char *user, char *ipc_path, size_t ipc_cap, char *wayland_path,
	size_t wayland_cap) PF_MUST_CHECK;

/*
 * The Wayland socket of the sway with the given process id: the one beside its control socket that the
 * same process listens on. Errors: PF_E_NO_FRAME.
 */
int sway_find_wayland(
	const char *ipc_path, int sway_pid, char *wayland_path, size_t cap) PF_MUST_CHECK;

#endif
