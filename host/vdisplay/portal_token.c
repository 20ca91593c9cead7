/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/wire/text.h"
#include "host/base/log.h"
#include "host/vdisplay/portal_internal.h"

static int open_dir(const char *dir)
{
	return dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
}

static void file_name(char name[static 32], unsigned slot)
{
	snprintf(name, 32, "portal-token-%u", slot);
}

void portal_token_load(char out[static PORTAL_TOKEN_LEN], const char *dir, unsigned slot)
{
	char name[32];
	struct stat st;
	file_name(name, slot);
	out[0] = 0;
	const int at = open_dir(dir);
	const int fd = at < 0 ? -1
			      : openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = -1;
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid())
		n = read(fd, out, PORTAL_TOKEN_LEN);
	if (n < 0 || n >= (ssize_t)PORTAL_TOKEN_LEN ||
		!pf_text_printable((uint8_t *)out, (size_t)n))
		n = 0; /* then the person is asked again */
	out[n] = 0;
	if (fd >= 0)
		close(fd);
	if (at >= 0)
		close(at);
}

void portal_token_store(const char *dir, unsigned slot, const char *token)
{
	char name[32], fresh[40];
	const size_t len = strlen(token);
	file_name(name, slot);
	snprintf(fresh, sizeof(fresh), "%s.new", name);
	const int at = open_dir(dir);
	if (at < 0)
		return;
	(void)!unlinkat(at, fresh, 0);
	bool good = true;
	if (!len) {
		good = unlinkat(at, name, 0) == 0 || errno == ENOENT;
	} else {
		const int fd = openat(
			at, fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		good = fd >= 0 && write(fd, token, len) == (ssize_t)len;
		if (fd >= 0)
			good &= close(fd) == 0;
		good = good && renameat(at, fresh, at, name) == 0;
	}
	if (!good)
		log_warn(
			"portal: %s/%s cannot be written (%s): the person is asked again next time",
			dir, name, strerror(errno));
	close(at);
}
