/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/detect.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <systemd/sd-login.h>
#include <unistd.h>

#include "host/vdisplay/run_user.h"

/* What desktops call themselves, in lower case; "ubuntu" and "pop" are GNOME with another name in front. */
static const struct {
	const char *desktop, *backend;
} names[] = {
	{"auto", "auto"},
	{"own", "own"},
	{"none", "none"},
	{"portal", "portal"},
	{"wlroots", "wlroots"},
	{"sway", "wlroots"},
	{"hyprland", "hyprland"},
	{"mutter", "mutter"},
	{"gnome", "mutter"},
	{"ubuntu", "mutter"},
	{"pop", "mutter"},
	{"kwin", "kwin"},
	{"kde", "kwin"},
	{"plasma", "kwin"},
	{"plasmawayland", "kwin"},
	{"gamescope", "gamescope"},
};

/* A variable that only this compositor sets, with the way to it. */
static const struct {
	const char *variable, *backend;
} sockets[] = {
	{"SWAYSOCK", "wlroots"},
	{"HYPRLAND_INSTANCE_SIGNATURE", "hyprland"},
	{"GAMESCOPE_WAYLAND_DISPLAY", "gamescope"},
	{"KDE_FULL_SESSION", "kwin"},
	{"GNOME_SHELL_SESSION_MODE", "mutter"},
};

#define N_NAMES	  (sizeof(names) / sizeof(names[0]))
#define N_SOCKETS (sizeof(sockets) / sizeof(sockets[0]))

const char *detect_backend(const char *desktop)
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (!strcasecmp(names[i].desktop, desktop))
			return names[i].backend;
	return NULL;
}

/* "ubuntu:GNOME", "gnome-classic": is one of the names this backend's? known: one is somebody's. */
static bool names_backend(const char *list, const char *backend, bool *known)
{
	bool found = false;
	while (*list) {
		char one[32];
		const size_t len = strcspn(list, ":"), word = strcspn(list, ":-");
		if (word < sizeof(one)) {
			memcpy(one, list, word);
			one[word] = 0;
			const char *b = detect_backend(one);
			*known |= b != NULL;
			found |= b && !strcmp(b, backend);
		}
		list += len + (list[len] == ':');
	}
	return found;
}

static unsigned weigh(const char *list, const char *backend)
{
	bool known = false;
	bool named = names_backend(list, backend, &known);
	/* What no backend of its own knows is left to the portal. */
	return named || (*list && !known && !strcmp(backend, "portal"));
}

unsigned detect_rank(const struct detect *d, const char *backend)
{
	unsigned rank = 4 * weigh(d->active, backend) + 2 * weigh(d->own, backend);
	for (size_t i = 0; i < N_SOCKETS; i++)
		if (d->sockets & 1u << i && !strcmp(sockets[i].backend, backend))
			rank++;
	return rank;
}

/* The active session with a picture of this user: files under /run/systemd, so that nothing can hang. */
static void read_active(struct detect *d, uid_t uid)
{
	char **sessions = NULL;
	const int n = sd_uid_get_sessions(uid, 1, &sessions);
	for (int i = 0; i < n && sessions; i++) {
		char *type = NULL, *desktop = NULL;
		const bool picture = sd_session_get_type(sessions[i], &type) >= 0 &&
			(!strcmp(type, "wayland") || !strcmp(type, "x11"));
		if (picture && !d->active[0] &&
			sd_session_get_desktop(sessions[i], &desktop) >= 0 &&
			strlen(desktop) < sizeof(d->active))
			strcpy(d->active, desktop);
		free(type);
		free(desktop);
	}
	for (int i = 0; i < n && sessions; i++)
		free(sessions[i]);
	free(sessions);
}

void detect_read(struct detect *d, const char *user)
{
	static const char *const variables[] = {
		"XDG_CURRENT_DESKTOP", "XDG_SESSION_DESKTOP", "DESKTOP_SESSION"};
	memset(d, 0, sizeof(*d));
	read_active(d, run_user_person(user));
	for (size_t i = 0; i < 3 && !d->own[0]; i++) {
		const char *value = getenv(variables[i]);
		if (value && *value && strlen(value) < sizeof(d->own))
			strcpy(d->own, value);
	}
	for (size_t i = 0; i < N_SOCKETS; i++) {
		const char *value = getenv(sockets[i].variable);
		d->sockets |= value && *value ? 1u << i : 0;
	}
}

int detect_runtime_dir(const char *user, char *dir, size_t cap, char *why, size_t why_cap)
{
	struct stat st;
	const uid_t person = run_user_person(user);
	const char *given = getenv("XDG_RUNTIME_DIR");
	const bool named = given && *given;
	if (named && (*given != '/' || strlen(given) >= cap)) {
		snprintf(why, why_cap,
			"XDG_RUNTIME_DIR is '%.100s', which is no absolute path of a usual length; "
			"unset "
			"it or set it to /run/user/%u",
			given, (unsigned)person);
		return PF_E_INVALID;
	}
	if (named && stat(given, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == person) {
		snprintf(dir, cap, "%s", given);
		return PF_OK;
	}
	const bool others = named && stat(given, &st) == 0 && S_ISDIR(st.st_mode);
	snprintf(dir, cap, "/run/user/%u", (unsigned)person);
	if (stat(dir, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == person)
		return PF_OK;
	dir[0] = 0;
	if (others) {
		stat(given, &st);
		snprintf(why, why_cap,
			"XDG_RUNTIME_DIR %.100s is user %u's, not user %u's: start the host as the "
			"user of the desktop%s",
			given, (unsigned)st.st_uid, (unsigned)person,
			geteuid() == 0 ? ", or name that user with --session-user" : "");
		return PF_E_DENIED;
	}
	snprintf(why, why_cap,
		"%s%.100s%s and user %u has no /run/user/%u: no desktop of that user can be found; "
		"log in there, or keep the folder with: loginctl enable-linger%s",
		named ? "XDG_RUNTIME_DIR names " : "XDG_RUNTIME_DIR is not set", named ? given : "",
		named ? ", which is no folder," : "", (unsigned)person, (unsigned)person,
		geteuid() == 0 ? " USER (and name it with --session-user)" : "");
	return PF_E_NO_FRAME;
}
