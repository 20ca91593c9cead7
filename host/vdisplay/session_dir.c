/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/session_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PREFIX "punktfunk-sway-"
/* A home folder's caches are a few levels deep; what is deeper was put there to hurt. */
#define MAX_DEPTH  64
#define MAX_ROUNDS 4

/*
 * A folder inside, unless something is mounted there: that is not ours to empty. The portal for documents
 * and the file managers' network shares mount themselves in a session's runtime folder, and what one
 * deletes in them is gone where it really lies.
 */
static int open_child(int fd, const char *name)
{
	const struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};
	const long got = syscall(SYS_openat2, fd, name, &how, sizeof(how));
	if (got >= 0 || (errno != ENOSYS && errno != EPERM))
		return (int)got;
	/* Kernels before 5.6, and filters of system calls that do not know it. */
	struct stat outer, inner;
	const int child = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (child >= 0 &&
		(fstat(fd, &outer) < 0 || fstat(child, &inner) < 0 ||
			outer.st_dev != inner.st_dev)) {
		close(child);
		return -1;
	}
	return child;
}

/* Children first. The folder's owner may be changing it: no path is walked twice, no link followed. */
static void empty_dir(int fd, int depth)
{
	const int dup_fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = dup_fd >= 0 ? fdopendir(dup_fd) : NULL;
	if (!dir) {
		if (dup_fd >= 0)
			close(dup_fd);
		return;
	}
	const struct dirent *e;
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, e->d_name, 0) == 0 || (errno != EISDIR && errno != EPERM))
			continue;
		const int child = open_child(fd, e->d_name);
		if (child >= 0) {
			if (depth < MAX_DEPTH)
				empty_dir(child, depth + 1);
			close(child);
		}
		unlinkat(fd, e->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
}

void session_dir_remove(const char *path, int dir_fd)
{
	if (dir_fd < 0)
		return;
	/* Somebody may still be writing the first time. */
	for (int i = 0; i < MAX_ROUNDS; i++) {
		empty_dir(dir_fd, 0);
		if (rmdir(path) == 0 || errno == ENOENT)
			break;
	}
	close(dir_fd);
}

static int open_locked(const char *path)
{
	const int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -1;
	struct stat st;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && flock(fd, LOCK_EX | LOCK_NB) == 0)
		return fd;
	close(fd);
	return -1;
}

static void remove_abandoned(const char *base)
{
	DIR *dir = opendir(base);
	const struct dirent *e;
	while (dir && (e = readdir(dir)) != NULL) {
		if (strncmp(e->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		char path[512];
		if (snprintf(path, sizeof(path), "%s/%s", base, e->d_name) >= (int)sizeof(path))
			continue;
		const int fd = open_locked(path);
		if (fd >= 0)
			session_dir_remove(path, fd);
	}
	if (dir)
		closedir(dir);
}

/* Between its making and its lock a folder looks abandoned: a host that starts at the same time removes it. */
static int make_locked(char *path)
{
	struct stat named, held;
	if (!mkdtemp(path))
		return pf_error_from_errno(errno);
	const int fd = open_locked(path);
	if (fd >= 0 && fstat(fd, &held) == 0 && lstat(path, &named) == 0 &&
		named.st_ino == held.st_ino && named.st_dev == held.st_dev)
		return fd;
	if (fd >= 0)
		close(fd);
	return PF_E_AGAIN;
}

static int create_under(const char *base, char *path, size_t cap)
{
	if (!base || base[0] != '/')
		return PF_E_INVALID;
	int fd = PF_E_AGAIN;
	for (int i = 0; fd == PF_E_AGAIN && i < MAX_ROUNDS; i++) {
		if (snprintf(path, cap, "%s/" PREFIX "XXXXXX", base) >= (int)cap)
			return PF_E_INVALID;
		remove_abandoned(base);
		fd = make_locked(path);
	}
	if (fd < 0)
		return fd == PF_E_AGAIN ? PF_E_IO : fd;
	/* Root's folder holds another user's: that one must get through. */
	if (geteuid() == 0 && fchmod(fd, 0711) < 0) {
		session_dir_remove(path, fd);
		return PF_E_IO;
	}
	return fd;
}

int session_dir_create(char *path, size_t cap)
{
	const char *const bases[] = {geteuid() == 0 ? "/run" : NULL,
		geteuid() ? getenv("XDG_RUNTIME_DIR") : NULL, "/tmp"};
	int err = PF_E_IO;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		if (!bases[i])
			continue;
		err = create_under(bases[i], path, cap);
		if (err >= 0)
			return err;
	}
	path[0] = 0;
	return err;
}

int session_dir_add(int dir_fd, const char *name, uid_t uid, gid_t gid)
{
	if (mkdirat(dir_fd, name, 0700) < 0)
		return pf_error_from_errno(errno);
	if (geteuid() == 0 && fchownat(dir_fd, name, uid, gid, AT_SYMLINK_NOFOLLOW) < 0)
		return pf_error_from_errno(errno);
	return 0;
}

int session_dir_write(int dir_fd, const char *name, const char *text)
{
	const int fd = openat(
		dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return pf_error_from_errno(errno);
	/* The umask of whoever started us does not decide whether the session's user can read it. */
	const size_t len = strlen(text);
	int err = 0;
	if (fchmod(fd, 0644) < 0 || write(fd, text, len) != (ssize_t)len)
		err = PF_E_IO;
	close(fd);
	return err;
}
