/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/alloc.h"

#define LOCK_FILE     ".lock"
#define LOCK_POLL_MS  5u
#define TEMP_NAME_MAX 128u

int folder_fail(const struct folder *f, int err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(f->why, f->why_len, fmt, args);
	va_end(args);
	return err;
}

/* mkdir -p with mode 0700 for each folder that is missing. */
static int make_dirs(const char *dir)
{
	char path[PATH_MAX];
	size_t len = strlen(dir);
	if (!len || len >= sizeof path)
		return -ENAMETOOLONG;
	memcpy(path, dir, len + 1);
	for (char *p = path + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	return mkdir(path, 0700) < 0 && errno != EEXIST ? -errno : 0;
}

/* Whoever can write to the folder can put other files there. */
static int check_folder(struct folder *f)
{
	struct stat st;
	if (fstat(f->fd, &st) < 0)
		return folder_fail(
			f, PF_E_IO, "Cannot look at the folder %s: %s.", f->path, strerror(errno));
	f->owner = st.st_uid;
	f->shown = st.st_mode & 055;
	/* Root may be told to use somebody's: what that one does with their own folder is their affair. */
	if (geteuid() != 0 && st.st_uid != geteuid() && st.st_uid != 0)
		return folder_fail(f, PF_E_INVALID,
			"The folder %s belongs to another user (uid %u). Name one of your own "
			"(PUNKTFUNK_CONFIG_DIR, or --config-dir of the host).",
			f->path, (unsigned)st.st_uid);
	if (st.st_mode & S_ISVTX && st.st_mode & 022)
		return folder_fail(f, PF_E_INVALID,
			"All users share the folder %s: name a folder of your own in it.", f->path);
	if (st.st_mode & 022)
		return folder_fail(f, PF_E_INVALID,
			"Others can write to the folder %s (mode %04o). Run: chmod go-w '%s'",
			f->path, (unsigned)(st.st_mode & 07777), f->path);
	return PF_OK;
}

/*
 * Whoever can open something can lock it. A folder that others may look into is locked by a file that they cannot
 * open; where that cannot be made, nobody else of ours writes either.
 */
static int open_lock(struct folder *f)
{
	if (!f->shown)
		return f->fd;
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	f->lock_fd = openat(f->fd, LOCK_FILE, flags | O_CREAT | O_EXCL, 0600);
	/* Only one that we have made: another name of somebody's file is not given away. */
	if (f->lock_fd >= 0 && geteuid() == 0 && f->owner != 0)
		(void)!fchown(f->lock_fd, f->owner, (gid_t)-1);
	if (f->lock_fd < 0)
		f->lock_fd = openat(f->fd, LOCK_FILE, flags);
	return f->lock_fd >= 0 ? f->lock_fd : f->fd;
}

static int lock(struct folder *f, unsigned wait_ms)
{
	int fd = open_lock(f);
	for (unsigned waited = 0;; waited += LOCK_POLL_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return PF_OK;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return folder_fail(f, PF_E_IO, "Cannot lock the folder %s: %s.", f->path,
				strerror(errno));
		if (waited >= wait_ms)
			return folder_fail(f, PF_E_TIMEOUT,
				"Another program holds the folder %s (lsof '%s' names it). Try "
				"again when it is done.",
				f->path, f->path);
		nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000l}, NULL);
	}
}

int folder_look(struct folder *f, const char *path, char *why, size_t why_len)
{
	*f = (struct folder){.path = path, .fd = -1, .lock_fd = -1, .why = why, .why_len = why_len};
	int err = make_dirs(path);
	if (err < 0)
		return folder_fail(f, PF_E_IO,
			"Cannot make the folder %s: %s. Make it by hand, or name another one "
			"(PUNKTFUNK_CONFIG_DIR, or --config-dir of the host).",
			path, strerror(-err));
	f->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0)
		return folder_fail(f, PF_E_IO,
			"Cannot open the folder %s: %s. Check its owner and its mode (it should be "
			"yours, 0700).",
			path, strerror(errno));
	return check_folder(f);
}

int folder_enter(struct folder *f, const char *path, unsigned wait_ms, char *why, size_t why_len)
{
	int err = folder_look(f, path, why, why_len);
	return err < 0 ? err : lock(f, wait_ms);
}

void folder_leave(struct folder *f)
{
	if (f->lock_fd >= 0)
		close(f->lock_fd);
	f->lock_fd = -1;
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}

static int check_file(const struct folder *f, const char *name, int fd, size_t max, bool secret,
	const char *remedy, size_t *len)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return folder_fail(
			f, PF_E_IO, "Cannot look at %s/%s: %s.", f->path, name, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)max)
		return folder_fail(f, PF_E_INVALID, "%s/%s is %s. %s", f->path, name,
			!S_ISREG(st.st_mode)	 ? "not an ordinary file"
				: st.st_size > 0 ? "too large to be what it should be"
						 : "empty",
			remedy);
	mode_t bad = secret ? 077 : 022;
	if (st.st_mode & bad)
		return folder_fail(f, PF_E_INVALID,
			"%s/%s can be %s by others (mode %04o). Check it, then run: chmod 600 "
			"'%s/%s'",
			f->path, name, secret ? "read or written" : "written",
			(unsigned)(st.st_mode & 07777), f->path, name);
	if (st.st_uid != geteuid() && st.st_uid != 0 && st.st_uid != f->owner)
		return folder_fail(f, PF_E_INVALID,
			"%s/%s belongs to another user (uid %u): somebody put it there. %s",
			f->path, name, (unsigned)st.st_uid, remedy);
	*len = (size_t)st.st_size;
	return PF_OK;
}

static int read_whole(const struct folder *f, const char *name, int fd, char *data, size_t len)
{
	for (size_t at = 0; at < len;) {
		ssize_t n = read(fd, data + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return folder_fail(f, PF_E_IO, "Cannot read %s/%s: %s.", f->path, name,
				n < 0 ? strerror(errno) : "it became shorter meanwhile");
		at += (size_t)n;
	}
	return PF_OK;
}

int folder_read(const struct folder *f, const char *name, size_t max, bool secret,
	const char *remedy, char **out, size_t *out_len)
{
	size_t len = 0;
	/* Not blocking: a pipe under this name must not hold us up. */
	int fd = openat(f->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return folder_fail(f, PF_E_IO,
			"Cannot read %s/%s: %s. Check its owner and its mode (it should be yours, "
			"0600).",
			f->path, name, strerror(errno));
	int err = check_file(f, name, fd, max, secret, remedy, &len);
	char *data = err < 0 ? NULL : pf_calloc(1, len + 1);
	if (!err && !data)
		err = folder_fail(f, PF_E_NOMEM, "No memory left to read %s/%s.", f->path, name);
	if (!err)
		err = read_whole(f, name, fd, data, len);
	close(fd);
	if (err < 0) {
		pf_free_secret(data, len);
		return err;
	}
	*out = data;
	*out_len = len;
	return 1;
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* One name for all: only the holder of the lock writes, so that one that is there is a killed process's. */
static void temp_name(char out[static TEMP_NAME_MAX], const char *name)
{
	int n = snprintf(out, TEMP_NAME_MAX, ".%s.tmp", name);
	pf_check(n > 0 && (unsigned)n < TEMP_NAME_MAX);
}

void folder_clean(const struct folder *f, const char *name)
{
	char temp[TEMP_NAME_MAX];
	temp_name(temp, name);
	(void)unlinkat(f->fd, temp, 0);
}

int folder_write(const struct folder *f, const char *name, const char *text, size_t len)
{
	char temp[TEMP_NAME_MAX];
	temp_name(temp, name);
	folder_clean(f, name);
	int fd = openat(f->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err = fd < 0 ? -errno : 0;
	if (!err && geteuid() == 0 && f->owner != 0 && fchown(fd, f->owner, (gid_t)-1) < 0)
		err = -errno;
	if (!err)
		err = write_all(fd, text, len);
	if (fd >= 0 && close(fd) < 0 && !err)
		err = -errno;
	if (!err && renameat(f->fd, temp, f->fd, name) < 0)
		err = -errno;
	if (!err && fsync(f->fd) < 0)
		err = -errno;
	if (!err)
		return PF_OK;
	folder_clean(f, name);
	return folder_fail(f, PF_E_IO,
		"Cannot write %s/%s: %s. Check that there is room and that the folder is yours.",
		f->path, name, strerror(-err));
}
