/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "punktfunk_core.h"

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return PUNKTFUNK_E_IO;
		data += n;
		len -= (size_t)n;
	}
	return PUNKTFUNK_OK;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode)
{
	char *temp;
	if (asprintf(&temp, "%s.XXXXXX", path) < 0)
		return PUNKTFUNK_E_NOMEM;
	int err = PUNKTFUNK_E_IO;
	int fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		goto out;
	bool good = write_all(fd, data, len) == PUNKTFUNK_OK && fchmod(fd, mode) == 0 &&
		fsync(fd) == 0;
	if (close(fd) != 0)
		good = false;
	if (good && rename(temp, path) == 0) {
		err = PUNKTFUNK_OK;
	} else {
		int saved = errno;
		unlink(temp);
		errno = saved;
	}
out:
	free(temp);
	return err;
}

int file_read(int fd, size_t max, char **out, size_t *len)
{
	struct stat st;
	if (fstat(fd, &st) != 0)
		return PUNKTFUNK_E_IO;
	if (!S_ISREG(st.st_mode)) {
		errno = EINVAL;
		return PUNKTFUNK_E_IO;
	}
	if (st.st_size < 0 || (uintmax_t)st.st_size > max)
		return PUNKTFUNK_E_FULL;
	size_t want = (size_t)st.st_size, have = 0;
	char *text = malloc(want + 1);
	if (!text)
		return PUNKTFUNK_E_NOMEM;
	while (have < want) {
		ssize_t n = read(fd, text + have, want - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			free(text);
			return PUNKTFUNK_E_IO;
		}
		if (n == 0)
			break;
		have += (size_t)n;
	}
	text[have] = '\0';
	*out = text;
	*len = have;
	return PUNKTFUNK_OK;
}
