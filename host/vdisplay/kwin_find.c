/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/media/clock.h"
#include "host/vdisplay/kwin_link.h"
#include "host/vdisplay/run_user.h"

/* A desktop has one or two; more are somebody's joke on who looks at each. */
#define MAX_SOCKETS 16
/* Of the time that there is, for one socket: another's compositor that hangs does not hide KWin. */
#define SHARE 2

#define ANYBODY ((uid_t)-1)

static int try_socket(struct kwin_link *l, const char *path, uid_t owner, uint64_t until_ns)
{
	const uint64_t now_ns = clock_now_ns();
	if (now_ns >= until_ns)
		return PF_E_TIMEOUT;
	const int err = kwin_link_open(l, path, owner, now_ns + (until_ns - now_ns) / SHARE);
	if (err < 0)
		kwin_link_close(l);
	return err;
}

/* The first trouble that says more than "there is none" is the answer. */
static int worse(int had, int err)
{
	return had == PF_E_TIMEOUT ? had : err == PF_E_TIMEOUT || err == PF_E_NOMEM ? err : had;
}

static int try_dir(struct kwin_link *l, const char *base, uid_t owner, uint64_t until_ns)
{
	DIR *dir = base && base[0] == '/' ? opendir(base) : NULL;
	int err = PF_E_NO_FRAME;
	const struct dirent *e;
	for (int n = 0; dir && err != PF_OK && n < MAX_SOCKETS && (e = readdir(dir)) != NULL;) {
		char path[KWIN_PATH_MAX];
		if (strncmp(e->d_name, "wayland-", 8) != 0 || strchr(e->d_name, '.'))
			continue;
		n++;
		if (snprintf(path, sizeof(path), "%s/%s", base, e->d_name) >= (int)sizeof(path))
			continue;
		const int one = try_socket(l, path, owner, until_ns);
		err = one >= 0 ? PF_OK : worse(err, one);
	}
	if (dir)
		closedir(dir);
	return err;
}

/* Whoever sets this variable says which one to trust. */
static int try_named(struct kwin_link *l, uint64_t until_ns)
{
	const char *named = getenv("WAYLAND_DISPLAY"), *base = getenv("XDG_RUNTIME_DIR");
	char path[KWIN_PATH_MAX];
	if (!named || !*named || (named[0] != '/' && !base))
		return PF_E_NO_FRAME;
	if (snprintf(path, sizeof(path), "%s%s%s", named[0] == '/' ? "" : base,
		    named[0] == '/' ? "" : "/", named) >= (int)sizeof(path))
		return PF_E_NO_FRAME;
	const int err = try_socket(l, path, ANYBODY, until_ns);
	return err >= 0 ? PF_OK : worse(PF_E_NO_FRAME, err);
}

int kwin_find(struct kwin_link *l, const char *user, uint64_t until_ns)
{
	const uid_t owner = run_user_person(user);
	int err = try_named(l, until_ns);
	if (err < 0)
		err = worse(err, try_dir(l, getenv("XDG_RUNTIME_DIR"), owner, until_ns));
	if (err < 0 && !l->conn.display) {
		char base[64];
		snprintf(base, sizeof(base), "/run/user/%u", (unsigned)owner);
		err = worse(err, try_dir(l, base, owner, until_ns));
	}
	return l->conn.display ? PF_OK : err;
}
