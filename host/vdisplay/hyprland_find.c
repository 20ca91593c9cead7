/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "core/wire/text.h"
#include "host/vdisplay/hyprland_ipc.h"
#include "host/vdisplay/run_user.h"
#include "host/vdisplay/sway_find.h"

/* Folders of instances that ended stay; of more than this in one place none is looked at. */
#define MAX_INSTANCES 64

static bool join(char out[HYPRLAND_PATH_MAX], const char *dir, const char *rest)
{
	const int n = snprintf(out, HYPRLAND_PATH_MAX, "%s/%s", dir, rest);
	return n > 0 && (unsigned)n < HYPRLAND_PATH_MAX;
}

/* {"version": "0.41.2", "tag": "v0.41.2", ...}; older ones have only the tag. */
static void read_version(struct hyprland_instance *h, const char *text)
{
	json_error_t why;
	json_t *root = json_loads(text, 0, &why);
	const char *version = json_string_value(json_object_get(root, "version"));
	if (!version)
		version = json_string_value(json_object_get(root, "tag"));
	if (version)
		pf_text_clean(h->version, sizeof(h->version), version,
			strnlen(version, sizeof(h->version)));
	json_decref(root);
}

/* hyprland.lock: the process and, in the second line, the name of its Wayland socket. */
static bool read_lock(struct hyprland_instance *h, const char *dir)
{
	char path[HYPRLAND_PATH_MAX], name[64] = "";
	if (!join(path, dir, "hyprland.lock"))
		return false;
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	const bool ok = fscanf(f, "%*15[0-9]\n%63[A-Za-z0-9._-]", name) == 1 &&
		strncmp(name, "wayland-", 8) == 0 && join(h->wayland, h->runtime, name);
	fclose(f);
	return ok;
}

/* A folder of somebody else's may have the real control socket linked in it, and beside it what is not Hyprland's. */
static bool is_theirs(const char *path, uid_t owner)
{
	uid_t uid;
	const int fd = hyprland_connect(path, NULL, &uid);
	if (fd < 0)
		return false;
	close(fd);
	return uid == owner || uid == geteuid();
}

static int try_instance(
	struct hyprland_instance *h, const char *runtime, const char *signature, uid_t owner)
{
	char hypr[HYPRLAND_PATH_MAX], dir[HYPRLAND_PATH_MAX], *reply;
	uid_t uid;
	memset(h, 0, sizeof(*h));
	if (strchr(signature, '/') || signature[0] == '.' || !join(hypr, runtime, "hypr") ||
		!join(dir, hypr, signature) || !join(h->socket, dir, ".socket.sock") ||
		!join(h->events, dir, ".socket2.sock"))
		return PF_E_INVALID;
	snprintf(h->runtime, sizeof(h->runtime), "%s", runtime);
	if (access(h->socket, F_OK) < 0)
		return PF_E_NO_FRAME;
	const int err = hyprland_request(h->socket, "j/version", &reply, &h->pid, &uid);
	if (err < 0)
		return err;
	read_version(h, reply);
	free(reply);
	/* What a stranger put there would see all that the remote person types. */
	if (uid != owner && uid != geteuid())
		return PF_E_DENIED;
	/* The one that listens on the control socket listens on the Wayland socket in the folder above. */
	if (sway_find_wayland(hypr, h->pid, h->wayland, sizeof(h->wayland)) >= 0 ||
		(read_lock(h, dir) && is_theirs(h->wayland, owner)))
		return PF_OK;
	return PF_E_NO_FRAME;
}

static int try_runtime(struct hyprland_instance *out, const char *runtime, uid_t owner)
{
	char path[HYPRLAND_PATH_MAX];
	int err = PF_E_NO_FRAME;
	if (!runtime || runtime[0] != '/' || !join(path, runtime, "hypr"))
		return err;
	DIR *dir = opendir(path);
	const struct dirent *e;
	for (int n = 0; dir && err < 0 && err != PF_E_TIMEOUT && n < MAX_INSTANCES &&
		(e = readdir(dir)) != NULL;
		n++)
		err = try_instance(out, runtime, e->d_name, owner);
	if (dir)
		closedir(dir);
	return err;
}

int hyprland_find(struct hyprland_instance *out, const char *user)
{
	const char *signature = getenv("HYPRLAND_INSTANCE_SIGNATURE");
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	const uid_t owner = run_user_person(user);
	char base[64];
	int err = PF_E_NO_FRAME;
	if (signature && *signature && runtime && runtime[0] == '/')
		err = try_instance(out, runtime, signature, owner);
	if (err < 0 && err != PF_E_TIMEOUT)
		err = try_runtime(out, runtime, owner);
	snprintf(base, sizeof(base), "/run/user/%u", (unsigned)owner);
	if (err < 0 && err != PF_E_TIMEOUT && (!runtime || strcmp(runtime, base) != 0))
		err = try_runtime(out, base, owner);
	return err >= 0 || err == PF_E_TIMEOUT ? err : PF_E_NO_FRAME;
}
