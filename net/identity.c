/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "net/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/base/alloc.h"

#define CERT_FILE "cert.pem"
#define KEY_FILE  "key.pem"
#define FILE_MAX  (64u << 10) /* bytes; a PEM file is one or two thousand */

struct place {
	const char *dir;
	int fd;	     /* of dir, locked */
	uid_t owner; /* of dir */
	char *why;
	size_t why_len;
};

__attribute__((format(printf, 3, 4))) static int fail(
	const struct place *p, int err, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(p->why, p->why_len, fmt, args);
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

/* Whoever can write to the folder can put another identity there. */
static int check_folder(struct place *p)
{
	struct stat st;
	if (fstat(p->fd, &st) < 0)
		return fail(
			p, PF_E_IO, "Cannot look at the folder %s: %s.", p->dir, strerror(errno));
	p->owner = st.st_uid;
	/* Root may be told to use somebody's: what that one does with their own folder is their affair. */
	if (geteuid() != 0 && st.st_uid != geteuid() && st.st_uid != 0)
		return fail(p, PF_E_INVALID,
			"The folder %s of the identity belongs to another user (uid %u). Name one "
			"of your own with PUNKTFUNK_CONFIG_DIR.",
			p->dir, (unsigned)st.st_uid);
	if (st.st_mode & 022)
		return fail(p, PF_E_INVALID,
			"Others can write to the folder %s of the identity (mode %04o). Run: chmod "
			"go-w '%s'",
			p->dir, (unsigned)(st.st_mode & 07777), p->dir);
	return PF_OK;
}

static int enter(struct place *p)
{
	int err = make_dirs(p->dir);
	if (err < 0)
		return fail(p, PF_E_IO,
			"Cannot make the folder %s for the identity: %s. Make it by hand, or name "
			"another one with PUNKTFUNK_CONFIG_DIR.",
			p->dir, strerror(-err));
	p->fd = open(p->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->fd < 0)
		return fail(p, PF_E_IO,
			"Cannot open the folder %s of the identity: %s. Check its owner and its "
			"mode "
			"(it should be yours, 0700).",
			p->dir, strerror(errno));
	int safe = check_folder(p);
	if (safe < 0)
		return safe;
	while (flock(p->fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return fail(p, PF_E_IO, "Cannot lock the folder %s: %s.", p->dir,
				strerror(errno));
	return PF_OK;
}

static int check_file(const struct place *p, const char *name, int fd, bool secret, size_t *len)
{
	struct stat st;
	if (fstat(fd, &st) < 0)
		return fail(p, PF_E_IO, "Cannot look at %s/%s: %s.", p->dir, name, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size <= 0 || st.st_size > (off_t)FILE_MAX)
		return fail(p, PF_E_INVALID,
			"%s/%s is empty or not a PEM file. Restore it from a copy, or remove "
			"both " CERT_FILE " and " KEY_FILE
			" there to get a new identity (paired devices must pair again).",
			p->dir, name);
	if (secret && (st.st_mode & 077))
		return fail(p, PF_E_INVALID,
			"%s/%s can be read or written by others (mode %04o). Run: chmod 600 "
			"'%s/%s'",
			p->dir, name, (unsigned)(st.st_mode & 07777), p->dir, name);
	if (st.st_uid != geteuid() && st.st_uid != 0 && st.st_uid != p->owner)
		return fail(p, PF_E_INVALID,
			"%s/%s belongs to another user (uid %u): somebody put it there. Restore "
			"yours from a copy, or remove both " CERT_FILE " and " KEY_FILE
			" there to get a new identity (paired devices must pair again).",
			p->dir, name, (unsigned)st.st_uid);
	*len = (size_t)st.st_size;
	return PF_OK;
}

/* The whole file in memory of the caller's. Returns 1, 0 when there is no such file, or an error. */
static int read_file(
	const struct place *p, const char *name, bool secret, char **out, size_t *out_len)
{
	size_t len = 0, at = 0;
	int fd = openat(p->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail(p, PF_E_IO,
			"Cannot read %s/%s: %s. Check its owner and its mode (it should be yours, "
			"0600).",
			p->dir, name, strerror(errno));
	int err = check_file(p, name, fd, secret, &len);
	char *data = err < 0 ? NULL : pf_calloc(1, len + 1);
	if (!err && !data)
		err = fail(p, PF_E_NOMEM, "No memory left to read %s/%s.", p->dir, name);
	while (!err && at < len) {
		ssize_t n = read(fd, data + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			err = fail(p, PF_E_IO, "Cannot read %s/%s: %s.", p->dir, name,
				n < 0 ? strerror(errno) : "it became shorter meanwhile");
		else
			at += (size_t)n;
	}
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

/* The file is either whole and on the disk under its name, or not there. */
static int write_file(const struct place *p, const char *name, const char *text)
{
	char temp[64];
	snprintf(temp, sizeof temp, ".%s.%ld.tmp", name, (long)getpid());
	(void)unlinkat(p->fd, temp, 0); /* of an earlier process with our number that was killed */
	int fd = openat(p->fd, temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int err = fd < 0 ? -errno : write_all(fd, text, strlen(text));
	if (fd >= 0 && close(fd) < 0 && !err)
		err = -errno;
	if (!err && renameat(p->fd, temp, p->fd, name) < 0)
		err = -errno;
	if (!err && fsync(p->fd) < 0)
		err = -errno;
	if (!err)
		return PF_OK;
	(void)unlinkat(p->fd, temp, 0);
	return fail(p, PF_E_IO,
		"Cannot write %s/%s: %s. Check that there is room and that the folder is yours.",
		p->dir, name, strerror(-err));
}

static int create(const struct place *p, const char *name, struct pf_identity **out)
{
	struct pf_identity *id = NULL;
	int err = pf_identity_generate(&id, name, (uint64_t)time(NULL));
	if (err < 0)
		return fail(
			p, err, "Cannot make an identity named '%s': %s.", name, pf_strerror(err));
	/* The key first: a certificate without its key would look like a loss. */
	err = write_file(p, KEY_FILE, pf_identity_key_pem(id));
	if (!err)
		err = write_file(p, CERT_FILE, pf_identity_cert_pem(id));
	if (err < 0) {
		(void)unlinkat(p->fd, KEY_FILE, 0); /* ours of a moment ago; the lock is held */
		pf_identity_destroy(id);
		return err;
	}
	*out = id;
	return PF_OK;
}

static int load(const struct place *p, const char *name, struct pf_identity **out)
{
	char *cert = NULL, *key = NULL;
	size_t cert_len = 0, key_len = 0;
	int has_cert = read_file(p, CERT_FILE, false, &cert, &cert_len);
	int has_key = has_cert < 0 ? 0 : read_file(p, KEY_FILE, true, &key, &key_len);
	int err = has_cert < 0 ? has_cert : has_key < 0 ? has_key : PF_OK;
	if (!err && !has_cert && !has_key) {
		err = create(p, name, out);
	} else if (!err && has_cert != has_key) {
		err = fail(p, PF_E_INVALID,
			"%s has %s but no %s. Restore the missing file from a copy, or remove the "
			"other one "
			"to get a new identity (paired devices must pair again).",
			p->dir, has_cert ? CERT_FILE : KEY_FILE, has_cert ? KEY_FILE : CERT_FILE);
	} else if (!err) {
		err = pf_identity_from_pem(out, cert, cert_len, key, key_len);
		if (err < 0)
			fail(p, err,
				"%s/" CERT_FILE " and %s/" KEY_FILE
				" are damaged or do not belong together. Restore both from a copy, "
				"or "
				"remove both to get a new identity (paired devices must pair "
				"again).",
				p->dir, p->dir);
	}
	pf_free(cert);
	pf_free_secret(key, key_len);
	return err;
}

int identity_load_or_create(
	struct pf_identity **out, const char *dir, const char *name, char *why, size_t why_len)
{
	struct place p = {.dir = dir, .fd = -1, .why = why, .why_len = why_len};
	*out = NULL;
	if (why_len)
		why[0] = '\0';
	int err = enter(&p);
	if (!err)
		err = load(&p, name, out);
	if (p.fd >= 0)
		close(p.fd);
	return err;
}

int identity_config_dir(char *out, size_t cap, char *why, size_t why_len)
{
	const char *own = getenv("PUNKTFUNK_CONFIG_DIR");
	const char *xdg = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	const struct place p = {.why = why, .why_len = why_len};
	int n;
	if (why_len)
		why[0] = '\0';
	if (own && *own) {
		if (*own != '/')
			return fail(&p, PF_E_INVALID,
				"PUNKTFUNK_CONFIG_DIR is '%s', which is not an absolute path. Set "
				"it to one "
				"that begins with '/', or unset it.",
				own);
		n = snprintf(out, cap, "%s", own);
	} else if (xdg && *xdg == '/') { /* the XDG specification says to ignore a relative one */
		n = snprintf(out, cap, "%s/punktfunk", xdg);
	} else if (home && *home == '/') {
		n = snprintf(out, cap, "%s/.config/punktfunk", home);
	} else {
		return fail(&p, PF_E_INVALID,
			"Cannot tell where the configuration lives: HOME is not set. Set HOME, or "
			"name a "
			"folder with PUNKTFUNK_CONFIG_DIR.");
	}
	if (n < 0 || (size_t)n >= cap)
		return fail(&p, PF_E_INVALID,
			"The path of the configuration folder is too long. Name a shorter one with "
			"PUNKTFUNK_CONFIG_DIR.");
	return PF_OK;
}
