/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SWAY_SESSION_H
#define HOST_VDISPLAY_SWAY_SESSION_H

#include <stddef.h>

#include "core/base/error.h"

/*
 * A headless sway of our own: its folder, its configuration, its processes. It starts with no output.
 * docs/internals/wlroots.md tells the whole life.
 * Thread: the control loop.
 */

#define SWAY_SESSION_PATH_MAX 108 /* what a unix socket's address holds */

struct sway_session {
	int pid;	    /* of the shepherd (shepherd.h); 0 = not running */
	int dir_fd, log_fd; /* -1 = none; dir_fd holds the lock that keeps the folder */
	char dir[64];	    /* empty = none */
	char ipc_path[SWAY_SESSION_PATH_MAX];
	char wayland_path[SWAY_SESSION_PATH_MAX];
	char app_path
		[SWAY_SESSION_PATH_MAX]; /* a shell script that starts the app; empty = no app */
};

/* Could one be started? why: one sentence on why not. Errors: those of sway_session_start(). */
int sway_session_check(const char *user, char *why, size_t why_cap) PF_MUST_CHECK;
void sway_session_init(struct sway_session *s);
/*
 * Starts sway and waits until it answers. app: a shell command, NULL = a terminal. user: as in
 * run_user.h. why: one sentence on failure, and then nothing is left of it. Errors: PF_E_UNSUPPORTED
 * (not installed), PF_E_INVALID (user), PF_E_IO, PF_E_TIMEOUT.
 */
int sway_session_start(struct sway_session *s, const char *app, const char *user, char *why,
	size_t why_cap) PF_MUST_CHECK;
/* Ends every process of the session and removes its folder. Takes one that does not run. */
void sway_session_stop(struct sway_session *s);
/* The same when the shepherd has ended and was reaped. */
void sway_session_forget(struct sway_session *s);
/* The last lines that sway wrote, in one line; valid until the next call. Empty when there are none. */
const char *sway_session_last_words(const struct sway_session *s);

#endif
