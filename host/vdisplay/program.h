/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_PROGRAM_H
#define HOST_VDISPLAY_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>

struct run_user;

/* What every compositor that we start needs: where it is, its environment, and what it said last. */

#define PROGRAM_MAX_ENV	 128u
#define PROGRAM_ENV_TEXT 4096u

struct program_env {
	const char
		*vars[PROGRAM_MAX_ENV + 1]; /* ends with NULL; some borrow the host's environment */
	size_t n;
	char text[PROGRAM_ENV_TEXT];
	size_t used;
};

/* The program's absolute path in $PATH; a name with a slash is a path. */
bool program_find(const char *name, char *path, size_t cap);
/*
 * Takes zeroed memory. The host's own environment without what would tie the session to the host's desktop or service
 * manager, and without the variables that `without` names ("NAME=", ends with NULL; may be NULL); of root's only PATH
 * and LANG. And who the user is; home: for one who has none.
 */
void program_env_init(struct program_env *e, const struct run_user *user, const char *home,
	const char *const *without);
/* For a name that is not there yet. value NULL: nothing. */
void program_env_set(struct program_env *e, const char *name, const char *value);

/* The end of a log in one clean line; valid until the next call. */
const char *program_last_words(int log_fd);

#endif
