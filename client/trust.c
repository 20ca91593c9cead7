/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "client/file.h"
#include "punktfunk_core.h"

#define LOCK_WAIT_MS 2000u /* another client holds it for an fsync */
#define LOCK_POLL_MS 10u

char *trust_file(const char *name)
{
	char *path;
	const char *own = getenv("PUNKTFUNK_CONFIG_DIR");
	const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;
	if (own && own[0]) {
		/* The host's rule as well: who names a folder does not get another one. */
		n = own[0] == '/' ? asprintf(&path, "%s/%s", own, name) : -1;
		return n < 0 ? NULL : path;
	}
	/* The XDG rules: a relative path there counts as unset. */
	if (dir && dir[0] == '/')
		n = asprintf(&path, "%s/punktfunk/%s", dir, name);
	else if (home && home[0] == '/')
		n = asprintf(&path, "%s/.config/punktfunk/%s", home, name);
	else
		return NULL;
	return n < 0 ? NULL : path;
}

char *trust_path(void)
{
	return trust_file("known_hosts");
}

void trust_hex(const uint8_t sha256[32], char out[TRUST_HEX_MAX])
{
	for (size_t i = 0; i < 32; i++)
		snprintf(out + 2 * i, 3, "%02x", sha256[i]);
}

/* The whole file as text ("" when there is none), after the checks of owner and mode. */
static int read_text(const char *path, char **text, size_t *len, char message[TRUST_MESSAGE_MAX])
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

int trust_load(const char *path, struct known *k, char message[TRUST_MESSAGE_MAX])
{
	char *text = NULL;
	size_t len, bad_line = 0;
	message[0] = '\0';
	*k = (struct known){0};
	int err = read_text(path, &text, &len, message);
	if (!err) {
		err = known_parse(k, text, len, &bad_line);
		if (err == PUNKTFUNK_E_INVALID)
			snprintf(message, TRUST_MESSAGE_MAX,
				"Line %zu of %s is not 'host:port sha256 [key=value]...'; mend or "
				"remove "
				"that line, or use --pin.",
				bad_line, path);
		else if (err == PUNKTFUNK_E_FULL)
			snprintf(message, TRUST_MESSAGE_MAX,
				"The file of known hosts, %s, has more than %u hosts; remove some, "
				"or use "
				"--pin.",
				path, KNOWN_HOSTS_MAX);
	}
	if (err && !message[0])
		snprintf(message, TRUST_MESSAGE_MAX,
			"There is no memory left to read %s; end other programs and try again.",
			path);
	free(text);
	return err;
}

void trust_make_folders(const char *path)
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
	/* Whoever may look into the folder could hold it for ever: a note that gets lost is the lesser evil. */
	for (unsigned waited = 0; fd >= 0 && waited < LOCK_WAIT_MS; waited += LOCK_POLL_MS) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			break;
		nanosleep(&(struct timespec){.tv_nsec = LOCK_POLL_MS * 1000000l}, NULL);
	}
	free(copy);
	return fd;
}

static int write_file(const char *path, const struct known *k, char message[TRUST_MESSAGE_MAX])
{
	char *text = NULL;
	size_t len;
	int err = known_format(k, &text, &len);
	/* What could not be read again must not be written. */
	if (!err && len > TRUST_FILE_MAX)
		err = PUNKTFUNK_E_FULL;
	if (!err)
		err = file_write_atomic(path, text, len, 0600);
	if (err)
		snprintf(message, TRUST_MESSAGE_MAX,
			"The file of known hosts, %s, could not be written (%s); make that folder "
			"writable, or use --pin.",
			path,
			err == PUNKTFUNK_E_FULL		   ? "it would be larger than 1 MiB"
				: err == PUNKTFUNK_E_NOMEM ? "no memory is left"
							   : strerror(errno));
	free(text);
	return err;
}

int trust_update(const char *path,
	int (*change)(struct known *k, void *userdata, char message[TRUST_MESSAGE_MAX]),
	void *userdata, char message[TRUST_MESSAGE_MAX])
{
	struct known k;
	trust_make_folders(path);
	int lock = lock_folder(path);
	int err = trust_load(path, &k, message);
	if (!err)
		err = change(&k, userdata, message);
	if (err > 0) {
		int written = write_file(path, &k, message);
		err = written < 0 ? written : err;
	}
	known_finish(&k);
	if (lock >= 0)
		close(lock);
	return err;
}

void trust_explain_mismatch(
	const char *path, const char *host, uint16_t port, char message[TRUST_MESSAGE_MAX])
{
	bool v6 = strchr(host, ':') != NULL;
	char word[ARGS_HOST_MAX + 16];
	snprintf(word, sizeof(word), "%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
	snprintf(message, TRUST_MESSAGE_MAX,
		"The certificate of %s is not the one that it had before: either somebody is in "
		"between, or the host was set up anew. Compare with the fingerprint that the "
		"host's "
		"own log shows. If the host has a new one, pair again: punktfunk-client pair %s. "
		"Without pairing, forget the old one first: punktfunk-client hosts forget %s "
		"(known hosts are in %s).",
		word, word, word, path);
}
