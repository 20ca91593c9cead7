/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_APPS_JSON_H
#define HOST_GAMESTREAM_APPS_JSON_H

#include <stdbool.h>
#include <stddef.h>

#include "host/gamestream/apps.h"

/* The text of apps.json. Thread: any. */

struct app_list {
	size_t n;
	struct app *apps[APPS_MAX]; /* references */
};

/*
 * All of it or nothing. An app without an id gets one that follows from its title; *rewritten is then the text with
 * the ids in it, for free(), else NULL. why: what is wrong and where ("line 3, column 7: …", "app 2 (Steam): …").
 * dir: what the paths of pictures start from. Errors: PF_E_INVALID, PF_E_NOMEM.
 */
int apps_json_read(struct app_list *out, const char *text, size_t len, const char *dir,
	char **rewritten, char *why, size_t why_len) PF_MUST_CHECK;
/* The desktop alone: where there is no file. */
int apps_json_default(struct app_list *out) PF_MUST_CHECK;
void app_list_finish(struct app_list *l);

#endif
