/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/file.h"
#include "punktfunk_core.h"

char *trust_path(void)
{
	char *path;
	const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;
	/* The XDG rules: a relative path there counts as unset. */
	if (dir && dir[0] == '/')
		n = asprintf(&path, "%s/punktfunk/known_hosts", dir);
	else if (home && home[0] == '/')
		n = asprintf(&path, "%s/.config/punktfunk/known_hosts", home);
	else
		return NULL;
	return n < 0 ? NULL : path;
}

void trust_hex(const uint8_t sha256[32], char out[TRUST_HEX_MAX])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", sha256[i]);
}

static void make_key(char key[TRUST_LINE_MAX], const char *host, uint16_t port)
{
	bool v6 = strchr(host, ':') != NULL;
	snprintf(key, TRUST_LINE_MAX, "%s%.300s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static bool read_hex(const char *s, size_t len, uint8_t out[32])
{
	if (len != 64)
		return false;
	for (size_t i = 0; i < 64; i++) {
		char c = s[i];
		int digit = c >= '0' && c <= '9' ? c - '0'
			: c >= 'a' && c <= 'f'	 ? c - 'a' + 10
						 : -1;
		if (digit < 0)
			return false;
		out[i / 2] = (uint8_t)(i % 2 ? out[i / 2] | digit : digit << 4);
	}
	return true;
}

/*
 * line:  host:port SP sha256hex
 *        1..n         64 lower-case hexadecimal digits
 */
static bool read_line(const char *line, size_t len, size_t *key_len, uint8_t sha256[32])
{
	const char *blank = memchr(line, ' ', len);
	if (len >= TRUST_LINE_MAX || !blank || blank == line)
		return false;
	*key_len = (size_t)(blank - line);
	return memchr(line, ':', *key_len) && read_hex(blank + 1, len - *key_len - 1, sha256);
}

/* The whole file as text ("" when there is none), after the checks of owner and mode. */
static int load(const char *path, char **text, size_t *len, char message[TRUST_MESSAGE_MAX])
{
	struct stat st;
	/* Not blocking: a pipe under this name must not hold the client up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT) {
		*text = strdup("");
		*len = 0;
		return *text ? PUNKTFUNK_OK : PUNKTFUNK_E_NOMEM;
	}
	int err = PUNKTFUNK_E_IO;
	if (fd < 0 || fstat(fd, &st) != 0) {
		snprintf(message, TRUST_MESSAGE_MAX,
			"The file of known hosts, %s, cannot be read (%s); make it readable or use "
			"--pin.",
			path, strerror(errno));
	} else if (st.st_uid != geteuid()) {
		err = PUNKTFUNK_E_INVALID;
		snprintf(message, TRUST_MESSAGE_MAX,
			"The file of known hosts, %s, belongs to user %u and not to you; "
			"take it over with chown after checking it, or use --pin.",
			path, (unsigned)st.st_uid);
	} else if (st.st_mode & (S_IWGRP | S_IWOTH)) {
		err = PUNKTFUNK_E_INVALID;
		snprintf(message, TRUST_MESSAGE_MAX,
			"Others may write to the file of known hosts, %s; check it, then: chmod "
			"600 %s",
			path, path);
	} else {
		err = file_read(fd, TRUST_FILE_MAX, text, len);
		if (err)
			snprintf(message, TRUST_MESSAGE_MAX,
				"The file of known hosts, %s, %s; mend it or use --pin.", path,
				err == PUNKTFUNK_E_FULL ? "is larger than 1 MiB"
							: "cannot be read");
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int search(const char *path, const char *text, size_t len, const char *key,
	uint8_t sha256[32], char message[TRUST_MESSAGE_MAX])
{
	int found = TRUST_UNKNOWN;
	size_t key_wanted = strlen(key), n_line = 0;
	for (const char *p = text, *end = text + len; p < end;) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t line_len = nl ? (size_t)(nl - p) : (size_t)(end - p), key_len;
		uint8_t hash[32];
		n_line++;
		/* A last line without its end is a write that was cut off. */
		if (line_len && *p != '#' && (!nl || !read_line(p, line_len, &key_len, hash))) {
			snprintf(message, TRUST_MESSAGE_MAX,
				"Line %zu of %s is not 'host:port sha256'; mend or remove that "
				"line, "
				"or use --pin.",
				n_line, path);
			return PUNKTFUNK_E_INVALID;
		}
		if (line_len && *p != '#' && key_len == key_wanted &&
			!strncasecmp(p, key, key_len) && found == TRUST_UNKNOWN) {
			memcpy(sha256, hash, 32);
			found = TRUST_KNOWN;
		}
		p += line_len + 1;
	}
	return found;
}

int trust_lookup(const char *path, const char *host, uint16_t port, uint8_t sha256[32],
	char message[TRUST_MESSAGE_MAX])
{
	char key[TRUST_LINE_MAX], *text = NULL;
	size_t len;
	message[0] = '\0';
	make_key(key, host, port);
	int err = load(path, &text, &len, message);
	if (err)
		return err;
	err = search(path, text, len, key, sha256, message);
	free(text);
	return err;
}

/* Makes the folders of path that are missing. */
static void make_folders(const char *path)
{
	char *copy = strdup(path);
	if (!copy)
		return;
	for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(copy, 0700);
		*slash = '/';
	}
	free(copy);
}

/* Two clients that meet two hosts at once must not lose one: the lock is on the folder. */
static int lock_folder(const char *path)
{
	char *copy = strdup(path);
	char *slash = copy ? strrchr(copy, '/') : NULL;
	int fd = -1;
	if (slash) {
		*slash = '\0';
		fd = open(*copy ? copy : "/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (fd >= 0)
		while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
			;
	free(copy);
	return fd;
}

int trust_remember(const char *path, const char *host, uint16_t port, const uint8_t sha256[32],
	char message[TRUST_MESSAGE_MAX])
{
	char key[TRUST_LINE_MAX], hex[TRUST_HEX_MAX], *text = NULL, *whole = NULL;
	uint8_t known[32];
	size_t len;
	message[0] = '\0';
	make_key(key, host, port);
	trust_hex(sha256, hex);
	make_folders(path);
	int lock = lock_folder(path);
	int err = load(path, &text, &len, message);
	if (!err)
		err = search(path, text, len, key, known, message);
	if (err == TRUST_KNOWN) {
		err = PUNKTFUNK_OK;
		if (memcmp(known, sha256, 32) != 0) {
			err = PUNKTFUNK_E_PIN;
			trust_explain_mismatch(path, host, port, message);
		}
	} else if (err == TRUST_UNKNOWN) {
		size_t room = len + TRUST_LINE_MAX;
		whole = malloc(room);
		if (whole) {
			memcpy(whole, text,
				len); /* a comment may hold a NUL: no string functions */
			len += (size_t)snprintf(whole + len, room - len, "%s %s\n", key, hex);
		}
		err = whole ? file_write_atomic(path, whole, len, 0600) : PUNKTFUNK_E_NOMEM;
		if (err)
			snprintf(message, TRUST_MESSAGE_MAX,
				"The host's certificate could not be noted in %s (%s); make that "
				"folder "
				"writable or use --pin %s.",
				path, strerror(errno), hex);
	}
	if (lock >= 0)
		close(lock);
	free(text);
	free(whole);
	return err;
}

void trust_explain_mismatch(
	const char *path, const char *host, uint16_t port, char message[TRUST_MESSAGE_MAX])
{
	char key[TRUST_LINE_MAX];
	make_key(key, host, port);
	snprintf(message, TRUST_MESSAGE_MAX,
		"The certificate of %s is not the one that it had before, so somebody may be in "
		"between; "
		"if the host was set up anew, remove its line from %s (or give its fingerprint "
		"with "
		"--pin) and connect again.",
		key, path);
}
