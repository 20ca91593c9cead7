/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_HYPRLAND_IPC_H
#define HOST_VDISPLAY_HYPRLAND_IPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"

/*
 * Hyprland's sockets, in $XDG_RUNTIME_DIR/hypr/SIGNATURE: .socket.sock takes one request a connection and closes it
 * after the answer; .socket2.sock tells events. The peer is not trusted: every request is bounded in time and size.
 * Thread: the control loop.
 */

#define HYPRLAND_PATH_MAX     108u /* what a unix socket's address holds */
#define HYPRLAND_NAME_LEN     64u
#define HYPRLAND_MAX_MONITORS 128u
/* 128 monitors of some hundred bytes, or of a few kilobytes with all their modes. */
#define HYPRLAND_MAX_REPLY (512u << 10)
/* It answers within a frame; the control loop, and with it every client, waits no longer than this. */
#define HYPRLAND_TIMEOUT_MS 1000u

struct hyprland_instance {
	char socket[HYPRLAND_PATH_MAX], events[HYPRLAND_PATH_MAX]; /* both sockets' paths */
	char runtime[HYPRLAND_PATH_MAX]; /* the folder that `hypr` is in */
	char wayland[HYPRLAND_PATH_MAX];
	char version[32]; /* as it says itself, cleaned; empty = it does not say */
	int pid;	  /* who listens; 0 = not known */
};

struct hyprland_monitor {
	char name[HYPRLAND_NAME_LEN];
	uint32_t width, height, refresh_mhz;
	double scale;
	bool focused;
};

/*
 * The instance in $HYPRLAND_INSTANCE_SIGNATURE, else the first that answers in $XDG_RUNTIME_DIR and in the user's
 * (run_user_person()). Errors: PF_E_NO_FRAME (none), PF_E_TIMEOUT (one hangs).
 */
int hyprland_find(struct hyprland_instance *out, const char *user) PF_MUST_CHECK;

/* No request goes on beyond until_ns, from here on; 0 = each has HYPRLAND_TIMEOUT_MS. */
void hyprland_limit(uint64_t until_ns);
/*
 * One request; the answer, with a 0 behind it, is for free(). peer_pid, peer_uid: who listens; may be NULL. Errors:
 * PF_E_IO (nobody listens), PF_E_TIMEOUT, PF_E_BAD_PACKET (too long), PF_E_NOMEM.
 */
int hyprland_request(const char *socket, const char *request, char **reply, int *peer_pid,
	uid_t *peer_uid) PF_MUST_CHECK;
/* A request that is answered "ok". why: what was answered else. Errors: and PF_E_UNSUPPORTED. */
int hyprland_command(const char *socket, char *why, size_t why_len, const char *format, ...)
	__attribute__((format(printf, 4, 5))) PF_MUST_CHECK;
/* Returns how many; those with a name that cannot stand in a request are left out. */
int hyprland_monitors(const char *socket, struct hyprland_monitor *out) PF_MUST_CHECK;
/* The answer to j/monitors. Errors: PF_E_BAD_PACKET. */
int hyprland_parse_monitors(
	const char *text, size_t len, struct hyprland_monitor *out) PF_MUST_CHECK;
/* A connection to an events' socket. */
int hyprland_connect(const char *path, int *peer_pid, uid_t *peer_uid) PF_MUST_CHECK;

#endif
