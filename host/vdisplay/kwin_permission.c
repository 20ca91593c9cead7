/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/kwin_permission.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "core/wire/text.h"

/*
 * KWin lets a program have an interface when an installed .desktop file, whose Exec= is what /proc/PID/exe points to,
 * names it. Ours is installed as punktfunk-host.desktop.
 */

#define FILE_NAME "punktfunk-host.desktop"
#define PATH_CAP  256u
#define LINE_CAP  1024u
#define MAX_LINES 200u /* ours has seven */

static const char *const interfaces[] = {"zkde_screencast_unstable_v1", "org_kde_kwin_fake_input"};

struct entry {
	char path[PATH_CAP];
	char exec[PATH_CAP]; /* its first word */
	bool named[2];	     /* of interfaces[] */
};

static void read_exec(struct entry *e, const char *value)
{
	const bool quoted = *value == '"';
	value += quoted;
	const size_t len = strcspn(value, quoted ? "\"\n" : " \t\n");
	pf_text_clean(e->exec, sizeof(e->exec), value, len);
}

/* The names stand between commas or semicolons. */
static bool lists(const char *value, const char *name)
{
	const size_t len = strlen(name);
	for (const char *at = value; *at && *at != '\n';) {
		const size_t n = strcspn(at, ",;\n");
		if (n == len && !memcmp(at, name, len))
			return true;
		at += n + (at[n] == ',' || at[n] == ';');
	}
	return false;
}

static bool read_entry(struct entry *e, const char *dir)
{
	static const char exec[] = "Exec=", wanted[] = "X-KDE-Wayland-Interfaces=";
	char line[LINE_CAP];
	const int n = snprintf(e->path, sizeof(e->path), "%s/applications/" FILE_NAME, dir);
	FILE *f = n < (int)sizeof(e->path) ? fopen(e->path, "re") : NULL;
	if (!f)
		return false;
	e->exec[0] = 0;
	for (unsigned lines = 0; lines < MAX_LINES && fgets(line, sizeof(line), f); lines++) {
		if (!strncmp(line, exec, sizeof(exec) - 1) && !e->exec[0])
			read_exec(e, line + sizeof(exec) - 1);
		for (size_t i = 0; i < 2; i++)
			if (!strncmp(line, wanted, sizeof(wanted) - 1))
				e->named[i] |= lists(line + sizeof(wanted) - 1, interfaces[i]);
	}
	fclose(f);
	return true;
}

/* The first of a list of folders is the one that counts. */
static bool find_entry(struct entry *e)
{
	char dir[PATH_CAP];
	const char *home = getenv("HOME"), *own = getenv("XDG_DATA_HOME"),
		   *dirs = getenv("XDG_DATA_DIRS");
	if (own && *own)
		snprintf(dir, sizeof(dir), "%s", own);
	else
		snprintf(dir, sizeof(dir), "%s/.local/share", home ? home : "");
	if (read_entry(e, dir))
		return true;
	for (const char *at = dirs && *dirs ? dirs : "/usr/local/share:/usr/share"; *at;) {
		const size_t len = strcspn(at, ":");
		if (len < sizeof(dir)) {
			memcpy(dir, at, len);
			dir[len] = 0;
			if (len && read_entry(e, dir))
				return true;
		}
		at += len + (at[len] == ':');
	}
	return false;
}

/* KWin resolves links in it, and looks into no $PATH. */
static bool is_us(const struct entry *e, const char *exe)
{
	char *real = e->exec[0] == '/' ? realpath(e->exec, NULL) : NULL;
	const bool same = real && !strcmp(real, exe);
	free(real);
	return same;
}

void kwin_permission_explain(char *out, size_t cap)
{
	struct entry e = {0};
	char exe[PATH_CAP];
	const ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = 0;
	/* Of root nothing is hidden from a KWin that is root's as well. */
	if (geteuid() != 0 && prctl(PR_GET_DUMPABLE) != 1)
		snprintf(out, cap,
			"KWin cannot see which program this is, as it has file capabilities "
			"(setcap "
			"-r %.200s takes them away) or began as another user",
			exe);
	else if (!find_entry(&e))
		snprintf(out, cap,
			FILE_NAME
			" is not installed: run 'meson install', or copy it to "
			"~/.local/share/applications with Exec=%.200s, and start the host again",
			exe);
	else if (!is_us(&e, exe))
		snprintf(out, cap,
			"%.120s is for the program '%.100s': set it to Exec=%.120s, run "
			"kbuildsycoca6 (or 5) and start the host again",
			e.path, e.exec, exe);
	else if (!e.named[0] || !e.named[1])
		snprintf(out, cap,
			"%.200s does not name %s under X-KDE-Wayland-Interfaces: install the one "
			"that came with this host, and start the host again",
			e.path, interfaces[e.named[0]]);
	else
		snprintf(out, cap,
			"%.200s is as it should be, but KWin does not know it yet: run "
			"kbuildsycoca6 (or 5) and start the host again, or log out and in",
			e.path);
}
