/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_APPS_H
#define HOST_GAMESTREAM_APPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * What clients can start: DIR/apps.json (docs/gamestream.md has its form), written by a person and read again when
 * it changes; where there is none, the desktop alone. A broken file is reported once, with line and column, and the
 * last good list stays. Thread: the control loop.
 */

#define APPS_FILE	"apps.json"
#define APPS_FILE_MAX	(1u << 20)
#define APPS_MAX	256u /* more than a person scrolls through */
#define APP_TITLE_MAX	128u
#define APP_COMMAND_MAX 4096u
#define APP_COMMANDS	16u /* prepare and undo, each */
#define APP_ENV_MAX	64u
#define APP_ART_MAX	(4u << 20) /* bytes of a picture */

struct app_command {
	char *run;  /* for sh -c */
	char *undo; /* NULL = none */
};

/* Counted, immutable. Strings are its own; NULL = absent. */
struct app {
	unsigned refs;
	uint32_t id;   /* 1 to 2^31 - 1, for ever the same for this app */
	char *title;   /* printable UTF-8 */
	char *command; /* for sh -c; NULL = the desktop itself */
	char *compositor; /* one to run it in, inside of the output: "gamescope", "cage"; NULL = none */
	char *dir;
	char **env; /* n_env times "NAME=value" */
	size_t n_env;
	struct app_command commands[APP_COMMANDS];
	size_t n_commands;
	char *art; /* absolute path of a PNG */
};

struct apps;

/* Never fails because of the file: the log says what is wrong with it. Errors: PF_E_NOMEM. */
int apps_create(struct apps **out, const char *dir) PF_MUST_CHECK;
void apps_destroy(struct apps *a); /* takes NULL */

/* Reads the file again if it changed. True: the list is another one. */
bool apps_refresh(struct apps *a);
/* What is wrong with the file, a sentence with line and column; NULL = nothing. Until the next refresh. */
const char *apps_problem(const struct apps *a);
size_t apps_count(const struct apps *a);
/* By position, as in the file. Until the next refresh: take a reference to keep it. */
struct app *apps_at(const struct apps *a, size_t i);
struct app *apps_find(const struct apps *a, uint32_t id); /* NULL = none */

struct app *app_ref(struct app *app);
void app_unref(struct app *app); /* takes NULL */

/*
 * The picture of an app, in memory for free(): its own, or a placeholder where it has none or a bad one (said once
 * in the log). Always a PNG. Errors: PF_E_NOMEM.
 */
int apps_read_art(struct apps *a, const struct app *app, uint8_t **out, size_t *len) PF_MUST_CHECK;

#endif
