/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_RUN_H
#define HOST_GAMESTREAM_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/handshake.h"

/*
 * The processes of an app: its prepare commands, the app itself, its undo commands in reverse. What an app starts
 * ends with it (host/vdisplay/shepherd.h). Nothing here waits, except app_runs_destroy(). Thread: the control loop.
 */

struct app;
struct app_run;
struct app_runs;
struct loop;

#define APP_RUN_LAUNCHER_NS \
	5000000000ull /* who ends well before that has only handed over to another program */
#define APP_RUN_UNDO_MS	  5000u /* for the undo commands of an app when the host ends */
#define APP_RUN_ENDING	  4u	/* of one owner, whose undo commands still run */
#define APP_RUN_ENV	  4u
#define APP_RUN_OWNER_LEN 32u
#define APP_RUN_ENV_LEN	  192u

/* user: as --session-user; NULL = chosen. */
int app_runs_create(struct app_runs **out, struct loop *loop, const char *user) PF_MUST_CHECK;
/* Ends every app and waits for that and for what it is to undo. Takes NULL. */
void app_runs_destroy(struct app_runs *rs);

struct app_run_params {
	struct app *app; /* a reference is taken */
	struct pf_mode mode;
	const char *client;
	const uint8_t *owner; /* APP_RUN_OWNER_LEN bytes: the client's certificate; copied */
	/* The prepare commands are done. why: a sentence. Never from inside app_run_create(). */
	void (*prepared)(int err, const char *why, void *userdata);
	/* The app ended by itself; once. app_run_end() is still due. */
	void (*ended)(void *userdata);
	void *userdata;
};

/*
 * Starts the prepare commands. Returns 1 when there are none: prepared() will not be called. Errors: PF_E_IO,
 * PF_E_NOMEM, PF_E_INVALID, PF_E_BUSY (too much of this owner's is still being ended) with why.
 */
int app_run_create(struct app_runs *rs, struct app_run **out, const struct app_run_params *params,
	char *why, size_t why_len) PF_MUST_CHECK;
/*
 * Starts the app on the display; nothing for the desktop. wayland_display: the socket, empty = none; env: more of
 * "NAME=value", empty ones are left out. Errors: PF_E_INVALID, PF_E_IO, PF_E_NOMEM, with why.
 */
int app_run_start(struct app_run *r, const char *wayland_display, char (*env)[APP_RUN_ENV_LEN],
	char *why, size_t why_len) PF_MUST_CHECK;
/* Of the running app: the process that all of it descends from; 0 = none runs. */
int app_run_pid(const struct app_run *r);
/* Ends the app and undoes, by and by; the callbacks are not called any more. Takes NULL. */
void app_run_end(struct app_run *r);

#endif
