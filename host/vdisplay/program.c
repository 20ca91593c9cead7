/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/vdisplay/run_user.h"

/* What a session sets for itself has room behind what is inherited. */
#define MAX_INHERITED (PROGRAM_MAX_ENV - 20u)

bool program_find(const char *name, char *path, size_t cap)
{
	if (strchr(name, '/')) {
		snprintf(path, cap, "%s", name);
		return access(path, X_OK) == 0;
	}
	const char *dirs = getenv("PATH");
	if (!dirs || !*dirs)
		dirs = "/usr/local/bin:/usr/bin:/bin";
	while (*dirs) {
		const size_t len = strcspn(dirs, ":");
		const int n = snprintf(path, cap, "%.*s/%s", (int)len, dirs, name);
		if (dirs[0] == '/' && n > 0 && (size_t)n < cap && access(path, X_OK) == 0)
			return true;
		dirs += len + (dirs[len] == ':');
	}
	return false;
}

void program_env_set(struct program_env *e, const char *name, const char *value)
{
	if (!value || e->n >= PROGRAM_MAX_ENV)
		return;
	const int len = snprintf(
		e->text + e->used, PROGRAM_ENV_TEXT - e->used, "%s=%s", name, value);
	if (len < 0 || (size_t)len >= PROGRAM_ENV_TEXT - e->used)
		return;
	e->vars[e->n++] = e->text + e->used;
	e->used += (size_t)len + 1;
}

extern char **environ;

static bool is_named(const char *var, const char *const *names)
{
	for (; names && *names; names++) {
		if (strncmp(var, *names, strlen(*names)) == 0)
			return true;
	}
	return false;
}

static void inherit(struct program_env *e, const char *const *without)
{
	static const char *const host_own[] = {"WAYLAND_DISPLAY=", "WAYLAND_SOCKET=", "DISPLAY=",
		"SWAYSOCK=", "I3SOCK=", "XDG_RUNTIME_DIR=", "XDG_SESSION_ID=", "XDG_SEAT=",
		"XDG_VTNR=", "XDG_SESSION_TYPE=", "XDG_CURRENT_DESKTOP=", "NOTIFY_SOCKET=",
		"LISTEN_FDS=", "LISTEN_PID=", "LISTEN_FDNAMES=", "INVOCATION_ID=",
		"JOURNAL_STREAM=", "WATCHDOG_USEC=", "WATCHDOG_PID=", "HOME=", "SHELL=", "USER=",
		"LOGNAME=", "PWD=", "PUNKTFUNK_APP=", NULL};
	for (char **v = environ; *v && e->n < MAX_INHERITED; v++) {
		if (!is_named(*v, host_own) && !is_named(*v, without))
			e->vars[e->n++] = *v;
	}
}

void program_env_init(struct program_env *e, const struct run_user *user, const char *home,
	const char *const *without)
{
	/* Their own environment to somebody who starts their own session; root's is nobody's business. */
	if (!user->drop) {
		inherit(e, without);
	} else {
		const char *path = getenv("PATH"), *lang = getenv("LANG");
		program_env_set(e, "PATH", path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
		program_env_set(e, "LANG", lang && *lang ? lang : "C.UTF-8");
	}
	program_env_set(e, "HOME", user->home[0] ? user->home : home);
	program_env_set(e, "SHELL", user->shell);
	program_env_set(e, "USER", user->name);
	program_env_set(e, "LOGNAME", user->name);
}

const char *program_last_words(int log_fd)
{
	static char text[400];
	text[0] = 0;
	const off_t size = log_fd >= 0 ? lseek(log_fd, 0, SEEK_END) : 0;
	const off_t from = size > (off_t)sizeof(text) - 1 ? size - (off_t)sizeof(text) + 1 : 0;
	const ssize_t n = size > 0 ? pread(log_fd, text, sizeof(text) - 1, from) : 0;
	if (n <= 0)
		return "it wrote no reason";
	text[n] = 0;
	while (text[0] && text[strlen(text) - 1] == '\n')
		text[strlen(text) - 1] = 0;
	for (char *p = text; *p; p++) {
		if (*p == '\n')
			*p = '|';
		else if ((unsigned char)*p < 0x20 || (unsigned char)*p == 0x7F)
			*p = '?';
	}
	const char *line = from > 0 ? strchr(text, '|') : NULL; /* not from the middle of a line */
	return line ? line + 1 : text;
}
