/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/sway_find.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/vdisplay/run_user.h"
#include "host/vdisplay/sway_ipc.h"

static bool ends_with(const char *text, const char *end)
{
	const size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

int sway_find_wayland(const char *ipc_path, int sway_pid, char *wayland_path, size_t cap)
{
	char base[256];
	snprintf(base, sizeof(base), "%s", ipc_path);
	char *slash = strrchr(base, '/');
	if (!slash || sway_pid <= 0)
		return PF_E_NO_FRAME;
	*slash = 0;
	DIR *dir = opendir(base);
	int err = PF_E_NO_FRAME;
	const struct dirent *e;
	while (dir && err < 0 && (e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, "wayland-", 8) != 0 || ends_with(e->d_name, ".lock"))
			continue;
		if (snprintf(wayland_path, cap, "%s/%s", base, e->d_name) >= (int)cap)
			continue;
		struct sway_ipc probe; /* only to learn who listens; nothing is sent */
		if (sway_ipc_open(&probe, wayland_path) >= 0 && probe.peer_pid == sway_pid)
			err = 0;
		sway_ipc_close(&probe);
	}
	if (dir)
		closedir(dir);
	return err;
}

/* One that runs answers at once; who looks for it has a second for all of them. */
#define FIND_TIMEOUT_MS 800u

#define ANYBODY ((uid_t)-1)

/*
 * owner: whose it may be besides ours. What a stranger put in a folder that many can write to would see all
 * that the remote person types.
 */
static int try_socket(const char *ipc_path, uid_t owner, char *wayland_path, size_t cap)
{
	struct sway_ipc ipc;
	json_t *version = NULL;
	int err = sway_ipc_open(&ipc, ipc_path);
	if (ipc.timeout_ms > FIND_TIMEOUT_MS)
		ipc.timeout_ms = FIND_TIMEOUT_MS;
	if (err >= 0 && owner != ANYBODY && ipc.peer_uid != owner && ipc.peer_uid != geteuid())
		err = PF_E_DENIED;
	if (err >= 0)
		err = sway_ipc_request(&ipc, SWAY_IPC_GET_VERSION, NULL, &version);
	json_decref(version);
	const int pid = ipc.peer_pid;
	sway_ipc_close(&ipc);
	return err < 0 ? err : sway_find_wayland(ipc_path, pid, wayland_path, cap);
}

static int try_dir(const char *base, uid_t owner, char *ipc_path, size_t ipc_cap,
	char *wayland_path, size_t cap)
{
	DIR *dir = base && base[0] == '/' ? opendir(base) : NULL;
	int err = PF_E_NO_FRAME;
	const struct dirent *e;
	/* One that hangs is not waited for twice. */
	while (dir && err < 0 && err != PF_E_TIMEOUT && (e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, "sway-ipc.", 9) != 0 || !ends_with(e->d_name, ".sock"))
			continue;
		if (snprintf(ipc_path, ipc_cap, "%s/%s", base, e->d_name) < (int)ipc_cap)
			err = try_socket(ipc_path, owner, wayland_path, cap);
	}
	if (dir)
		closedir(dir);
	return err;
}

int sway_find_running(
	const char *user, char *ipc_path, size_t ipc_cap, char *wayland_path, size_t wayland_cap)
{
	/* Whoever sets this variable says which one to trust. */
	const char *named = getenv("SWAYSOCK");
	int err = PF_E_NO_FRAME;
	if (named && *named && snprintf(ipc_path, ipc_cap, "%s", named) < (int)ipc_cap)
		err = try_socket(ipc_path, ANYBODY, wayland_path, wayland_cap);
	const uid_t owner = run_user_person(user);
	char base[64];
	snprintf(base, sizeof(base), "/run/user/%u", (unsigned)owner);
	const char *const dirs[] = {getenv("XDG_RUNTIME_DIR"), base};
	for (size_t i = 0; i < 2 && err < 0; i++) {
		if (i && dirs[0] && !strcmp(dirs[0], base))
			break;
		const int here = try_dir(
			dirs[i], owner, ipc_path, ipc_cap, wayland_path, wayland_cap);
		if (here >= 0 || err != PF_E_TIMEOUT)
			err = here;
	}
	return err >= 0 || err == PF_E_TIMEOUT ? err : PF_E_NO_FRAME;
}
