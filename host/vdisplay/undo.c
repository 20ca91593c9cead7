/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/vdisplay/run_user.h"
#include "host/vdisplay/undo_record.h"
#include "net/folder.h"

#define PREFIX "punktfunk-undo-"
#define LOCK   ".lock"
#define JSON   ".json"
/* Records of one process: one a compositor that it uses, and what a process of the same number left. */
#define MAX_SUFFIX 64
/* Hosts that were killed since the last start; more is somebody's play with the folder. */
#define MAX_RECORDS 64
#define WHY_LEN	    300

/* Someone's folder as it is: nothing is made in its place. */
static int look(struct folder *f, const char *dir, char *why)
{
	snprintf(why, WHY_LEN, "there is no folder %s", dir);
	*f = (struct folder){.fd = -1, .lock_fd = -1};
	return dir[0] == '/' && access(dir, F_OK) == 0 ? folder_look(f, dir, why, WHY_LEN)
						       : PF_E_IO;
}

static bool is_ours(const struct folder *f, const struct stat *st)
{
	return S_ISREG(st->st_mode) && st->st_nlink == 1 && !(st->st_mode & 022) &&
		(st->st_uid == f->owner || st->st_uid == geteuid());
}

/* Locked, and the file of that name still. Errors: PF_E_DENIED (not of a host), PF_E_BUSY (a living one's), PF_E_IO. */
static int lock_file(const struct folder *f, const char *name, int flags)
{
	struct stat held, named;
	const int fd = openat(
		f->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags, 0600);
	if (fd < 0)
		return errno == ELOOP ? PF_E_DENIED : PF_E_IO;
	int err = PF_OK;
	if (fstat(fd, &held) < 0 || !is_ours(f, &held))
		err = PF_E_DENIED;
	else if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		err = PF_E_BUSY;
	else if (fstatat(f->fd, name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
		named.st_ino != held.st_ino || named.st_dev != held.st_dev)
		err = PF_E_BUSY;
	if (err >= 0)
		return fd;
	close(fd);
	return err;
}

static void file_name(char *out, size_t cap, const char *name, const char *end)
{
	snprintf(out, cap, "%s%s", name, end);
}

static void unlink_record(const struct folder *f, const char *name)
{
	char file[64];
	file_name(file, sizeof(file), name, JSON);
	folder_clean(f, file);
	(void)unlinkat(f->fd, file, 0);
	/* Last: without its lock nobody looks for a record. */
	file_name(file, sizeof(file), name, LOCK);
	(void)unlinkat(f->fd, file, 0);
}

/* --- what this host changes --- */

void undo_init(struct undo *u)
{
	*u = (struct undo){.lock_fd = -1};
}

static void drop_files(struct undo *u)
{
	struct folder f;
	char why[WHY_LEN];
	if (u->lock_fd < 0)
		return;
	if (look(&f, u->dir, why) >= 0)
		unlink_record(&f, u->name);
	folder_leave(&f);
	close(u->lock_fd);
	u->lock_fd = -1;
}

void undo_forget(struct undo *u)
{
	drop_files(u);
	undo_init(u);
}

void undo_finish(struct undo *u)
{
	if (u->lock_fd >= 0)
		close(u->lock_fd);
	undo_init(u);
}

void undo_set_compositor(
	struct undo *u, const char *kind, const char *dir, const char *socket, int pid)
{
	undo_forget(u);
	snprintf(u->dir, sizeof(u->dir), "%s", dir);
	snprintf(u->record.kind, sizeof(u->record.kind), "%s", kind);
	snprintf(u->record.socket, sizeof(u->record.socket), "%s", socket);
	u->record.pid = pid;
	u->record.started = undo_process_started(pid);
}

void undo_set_focus(struct undo *u, const char *name)
{
	snprintf(u->record.focus, sizeof(u->record.focus), "%s", name);
}

/* Between its making and its lock a file looks abandoned: a host that starts at the same time removes it. */
static int take_lock(struct undo *u, const struct folder *f)
{
	char file[64];
	for (int i = 0; i < MAX_SUFFIX && u->lock_fd < 0; i++) {
		snprintf(u->name, sizeof(u->name), PREFIX "%d-%d", (int)getpid(), i);
		file_name(file, sizeof(file), u->name, LOCK);
		const int fd = lock_file(f, file, O_CREAT | O_EXCL);
		/* Whose compositor it is may need it when root is gone. */
		if (fd >= 0 && geteuid() == 0 && f->owner != 0)
			(void)!fchown(fd, f->owner, (gid_t)-1);
		u->lock_fd = fd >= 0 ? fd : -1;
	}
	return u->lock_fd >= 0 ? PF_OK : PF_E_IO;
}

static int save(struct undo *u, char *why)
{
	struct folder f;
	char file[64];
	int err = look(&f, u->dir, why);
	if (err >= 0 && u->lock_fd < 0) {
		snprintf(why, WHY_LEN, "no file can be made in %s", u->dir);
		err = take_lock(u, &f);
	}
	if (err >= 0) {
		char *text = undo_record_write(&u->record);
		snprintf(why, WHY_LEN, "no memory");
		file_name(file, sizeof(file), u->name, JSON);
		err = text ? folder_write(&f, file, text, strlen(text)) : PF_E_NOMEM;
		free(text);
	}
	folder_leave(&f);
	return err;
}

static void save_or_tell(struct undo *u)
{
	char why[WHY_LEN];
	if (save(u, why) < 0)
		log_warn("%s: if this host is killed, its displays stay in the compositor: %s",
			u->record.kind, why);
}

void undo_add_output(struct undo *u, const char *name)
{
	struct undo_record *r = &u->record;
	if (!r->socket[0] || r->n_outputs == UNDO_MAX_OUTPUTS)
		return;
	snprintf(r->outputs[r->n_outputs++], UNDO_NAME_LEN, "%s", name);
	save_or_tell(u);
}

void undo_drop_output(struct undo *u, const char *name)
{
	struct undo_record *r = &u->record;
	size_t i = 0;
	while (i < r->n_outputs && strcmp(r->outputs[i], name) != 0)
		i++;
	if (i == r->n_outputs)
		return;
	memmove(r->outputs[i], r->outputs[r->n_outputs - 1], UNDO_NAME_LEN);
	r->n_outputs--;
	if (r->n_outputs)
		save_or_tell(u);
	else
		drop_files(u);
}

/* --- what others left --- */

/*
 * Returns its length, 0 = there is none. A link is none: root would open what the folder's owner chose, and to open a
 * device may be all that it takes.
 */
static int read_file(const struct folder *f, const char *name, char *out, size_t cap)
{
	struct stat st;
	const int fd = openat(f->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : errno == ELOOP ? PF_E_INVALID : PF_E_IO;
	ssize_t n = -1;
	const bool good = fstat(fd, &st) == 0 && is_ours(f, &st);
	if (good)
		n = read(fd, out, cap);
	close(fd);
	return good && n < 0 ? PF_E_IO : n > 0 && (size_t)n < cap ? (int)n : PF_E_INVALID;
}

/* Returns PF_E_TIMEOUT when a compositor hangs, so that a start is not held by each of its records. */
static int undo_one(const struct folder *f, const char *name, int (*fn)(const struct undo_record *))
{
	static struct undo_record r; /* Thread: the control loop */
	static char text[UNDO_MAX_FILE + 1];
	char file[64];
	file_name(file, sizeof(file), name, JSON);
	int err = read_file(f, file, text, sizeof(text));
	if (err > 0)
		err = undo_record_read(&r, text, (size_t)err);
	else if (err == 0)
		r = (struct undo_record){0}; /* killed before it had changed anything */
	r.owner = f->owner;
	if (err == PF_E_INVALID)
		log_warn("vdisplay: %s/%s is no record of a host's displays; it is thrown away",
			f->path, file);
	else if (err < 0)
		return err;
	else if (r.n_outputs)
		err = fn(&r);
	if (err < 0 && err != PF_E_INVALID)
		return err;
	if (err > 0)
		log_info("vdisplay: a host that was killed left %d display%s in the compositor at "
			 "%s; removed",
			err, err == 1 ? "" : "s", r.socket);
	unlink_record(f, name);
	return PF_OK;
}

static int undo_file(
	const struct folder *f, const char *lock, int (*fn)(const struct undo_record *))
{
	char name[48];
	const int fd = lock_file(f, lock, 0);
	if (fd == PF_E_DENIED)
		log_warn("vdisplay: %s/%s is not what a host makes; it is left alone", f->path,
			lock);
	if (fd < 0)
		return PF_OK;
	snprintf(name, sizeof(name), "%.*s", (int)(strlen(lock) - strlen(LOCK)), lock);
	const int err = undo_one(f, name, fn);
	close(fd);
	if (err < 0)
		log_warn("vdisplay: what a killed host left is kept for the next start: %s/%s (%s)",
			f->path, lock, pf_strerror(err));
	return err;
}

static bool is_lock_name(const char *name)
{
	const size_t len = strlen(name),
		     digits = strspn(name + strcspn(name, "0123456789"), "0123456789-");
	return len < 48 && digits > 0 && strncmp(name, PREFIX, strlen(PREFIX)) == 0 &&
		digits + strlen(PREFIX) + strlen(LOCK) == len &&
		strcmp(name + len - strlen(LOCK), LOCK) == 0;
}

static int undo_folder(const char *dir, int (*fn)(const struct undo_record *))
{
	struct folder f;
	char why[WHY_LEN], names[MAX_RECORDS][48];
	size_t n = 0;
	int err = PF_OK;
	if (look(&f, dir, why) < 0) {
		log_debug("vdisplay: %s", why);
		folder_leave(&f);
		return PF_OK;
	}
	DIR *list = opendir(dir);
	const struct dirent *e;
	while (list && n < MAX_RECORDS && (e = readdir(list)) != NULL) {
		if (is_lock_name(e->d_name))
			snprintf(names[n++], sizeof(names[0]), "%.47s", e->d_name);
	}
	if (list)
		closedir(list);
	for (size_t i = 0; i < n && err != PF_E_TIMEOUT; i++)
		err = undo_file(&f, names[i], fn);
	folder_leave(&f);
	return err;
}

void undo_abandoned(const char *user, int (*fn)(const struct undo_record *r))
{
	char dirs[3][108] = {"", "", ""};
	const char *named = getenv("SWAYSOCK"), *runtime = getenv("XDG_RUNTIME_DIR");
	if (named && snprintf(dirs[0], sizeof(dirs[0]), "%s", named) < (int)sizeof(dirs[0])) {
		char *slash = strrchr(dirs[0], '/');
		*(slash ? slash : dirs[0]) = 0;
	}
	if (runtime && snprintf(dirs[1], sizeof(dirs[1]), "%s", runtime) >= (int)sizeof(dirs[1]))
		dirs[1][0] = 0;
	snprintf(dirs[2], sizeof(dirs[2]), "/run/user/%u", (unsigned)run_user_person(user));
	for (size_t i = 0; i < 3; i++) {
		const bool again = (i > 0 && !strcmp(dirs[i], dirs[0])) ||
			(i > 1 && !strcmp(dirs[i], dirs[1]));
		if (dirs[i][0] == '/' && !again && undo_folder(dirs[i], fn) == PF_E_TIMEOUT)
			return;
	}
}
