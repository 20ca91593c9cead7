/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_GAMESCOPE_SESSION_H
#define HOST_VDISPLAY_GAMESCOPE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/vdisplay/gamescope_probe.h"
#include "host/vdisplay/run_user.h"

/*
 * One headless gamescope with its app: its folder, its processes, its node in PipeWire and its EIS socket.
 * Thread: the control loop.
 */

#define GAMESCOPE_PATH_MAX 108 /* what a unix socket's address holds */

/* What every gamescope of this host needs, found before the first one. */
struct gamescope_setup {
	char program[256];
	struct gamescope_version version;
	struct run_user user;
	char runtime[GAMESCOPE_PATH_MAX];  /* the user's own runtime folder; empty = none */
	char pipewire[GAMESCOPE_PATH_MAX]; /* the daemon's socket */
};

struct gamescope_session {
	int pid;	    /* of the shepherd (shepherd.h); 0 = not running */
	int dir_fd, log_fd; /* -1 = none; dir_fd holds the lock that keeps the folder */
	char dir[64];	    /* empty = none */
	char eis_path[GAMESCOPE_PATH_MAX];
	bool has_eis;
	uint32_t node_id;
};

struct gamescope_mode {
	uint32_t width, height, refresh_hz;
};

/*
 * Looks for all of it, starting nothing but `gamescope --help`; within a second. user: as in run_user.h. why: one
 * sentence that says what to do. Errors: PF_E_UNSUPPORTED (not installed, too old, no PipeWire), PF_E_INVALID (user),
 * PF_E_IO, PF_E_TIMEOUT.
 */
int gamescope_setup_find(
	struct gamescope_setup *u, const char *user, char *why, size_t why_cap) PF_MUST_CHECK;

void gamescope_session_init(struct gamescope_session *s);
/*
 * Starts one and waits until its node is there: about a second, VDISPLAY_HOLD_NS at most. app: a shell command, NULL =
 * a terminal of X. layout: of its keyboard. why: one sentence on failure; what is left of it is still to be ended, which
 * may take longer (pid 0: only forgotten). Errors: PF_E_UNSUPPORTED (no app), PF_E_IO, PF_E_TIMEOUT, PF_E_NOMEM.
 */
int gamescope_session_start(struct gamescope_session *s, const struct gamescope_setup *u,
	const char *app, const char *layout, const struct gamescope_mode *mode, char *why,
	size_t why_cap) PF_MUST_CHECK;
/* Asks every process of it to end; the shepherd's end says that they did. Does not wait. */
void gamescope_session_ask_end(struct gamescope_session *s);
/* Ends every process of it, waits for that, and removes its folder. Takes one that does not run. */
void gamescope_session_stop(struct gamescope_session *s);
/* The same when the shepherd has ended and was reaped. */
void gamescope_session_forget(struct gamescope_session *s);
/* What it said last and, where that is known, what to do about it; valid until the next call. */
const char *gamescope_session_words(const struct gamescope_session *s);

#endif
