/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/file.h"

char *identity_path(void)
{
	return trust_file("client.pem");
}

void identity_finish(struct identity *id)
{
	explicit_bzero(id, sizeof(*id));
}

/* Takes the text; says what it is not. */
static int take(struct identity *id, const char *path, const char *text, size_t len,
	char message[TRUST_MESSAGE_MAX])
{
	int err = PUNKTFUNK_E_INVALID;
	/* The library takes each half up to its bound; here they are one text. */
	if (len < PUNKTFUNK_PEM_MAX && !memchr(text, '\0', len)) {
		memcpy(id->pem, text, len + 1);
		err = punktfunk_identity_fingerprint(id->pem, id->pem, id->sha256);
	}
	if (err)
		snprintf(message, TRUST_MESSAGE_MAX,
			"%s holds no certificate with its key (%s). Put back the file as it was; "
			"without it, move this one away, and pair with your hosts again.",
			path, punktfunk_strerror(err));
	return err;
}

/* Returns 1 when there is no file. */
static int read_file(struct identity *id, const char *path, char message[TRUST_MESSAGE_MAX])
{
	struct stat st;
	char *text = NULL;
	size_t len = 0;
	/* Not blocking: a pipe under this name must not hold the client up. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
	if (fd < 0 && errno == ENOENT)
		return 1;
	int err = PUNKTFUNK_E_INVALID;
	if (fd < 0 || fstat(fd, &st) != 0) {
		err = PUNKTFUNK_E_IO;
		snprintf(message, TRUST_MESSAGE_MAX,
			"This client's identity, %s, cannot be read (%s); make it readable for "
			"yourself alone: chmod 600 %s",
			path, strerror(errno), path);
	} else if (st.st_uid != geteuid()) {
		snprintf(message, TRUST_MESSAGE_MAX,
			"This client's identity, %s, belongs to user %u and not to you; each user "
			"has an identity of their own: move the file away.",
			path, (unsigned)st.st_uid);
	} else if (st.st_mode & 077) {
		snprintf(message, TRUST_MESSAGE_MAX,
			"Others may read this client's identity, %s, and with it pass for you at "
			"your hosts. If somebody may have: move it away and pair with your hosts "
			"again. If not: chmod 600 %s",
			path, path);
	} else {
		err = file_read(fd, PUNKTFUNK_PEM_MAX, &text, &len);
		if (err)
			snprintf(message, TRUST_MESSAGE_MAX,
				"This client's identity, %s, cannot be read (%s); put back the "
				"file "
				"as it was.",
				path,
				err == PUNKTFUNK_E_FULL ? "it is too large" : strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	if (!err)
		err = take(id, path, text, len, message);
	if (text)
		explicit_bzero(text, len);
	free(text);
	return err;
}

/*
 * Writes what must not replace anything: a whole file under another name, then a link under the right one.
 * Returns 1 when somebody else was first.
 */
static int write_new(const char *path, const char *text)
{
	char *temp;
	if (asprintf(&temp, "%s.new.%ld", path, (long)getpid()) < 0)
		return PUNKTFUNK_E_NOMEM;
	int err = file_write_atomic(temp, text, strlen(text), 0600);
	if (!err && link(temp, path) != 0)
		err = errno == EEXIST ? 1 : PUNKTFUNK_E_IO;
	int saved = errno;
	unlink(temp);
	free(temp);
	errno = saved;
	return err;
}

static int make(struct identity *id, const char *path, char message[TRUST_MESSAGE_MAX])
{
	char key[PUNKTFUNK_PEM_MAX];
	int err = punktfunk_generate_identity(id->pem, PUNKTFUNK_PEM_MAX, key, sizeof(key));
	if (!err) {
		size_t len = strlen(id->pem);
		snprintf(id->pem + len, sizeof(id->pem) - len, "%s", key);
		err = punktfunk_identity_fingerprint(id->pem, id->pem, id->sha256);
	}
	explicit_bzero(key, sizeof(key));
	if (err) {
		snprintf(message, TRUST_MESSAGE_MAX,
			"No identity could be made for this client (%s); end other programs and "
			"try again.",
			punktfunk_strerror(err));
		return err;
	}
	trust_make_folders(path);
	err = write_new(path, id->pem);
	if (err < 0)
		snprintf(message, TRUST_MESSAGE_MAX,
			"This client's identity could not be kept in %s (%s); make that folder "
			"writable: a host knows a paired client by it.",
			path, strerror(errno));
	return err;
}

int identity_load(struct identity *id, const char *path, char message[TRUST_MESSAGE_MAX])
{
	message[0] = '\0';
	int err = read_file(id, path, message);
	if (err == 1)
		err = make(id, path, message);
	if (err == 1)
		err = read_file(id, path, message);
	return err == 1 ? PUNKTFUNK_E_IO : err;
}
