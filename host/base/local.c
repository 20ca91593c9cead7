/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/local.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

int local_check(int fd, const char *path)
{
	char dir[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');
	const size_t len = slash && slash != path ? (size_t)(slash - path) : 1;
	struct stat st;
	struct ucred peer;
	socklen_t peer_len = sizeof(peer);
	if (geteuid() != 0)
		return PF_OK;
	if (!slash || len >= sizeof(dir))
		return PF_E_IO;
	memcpy(dir, path, len);
	dir[len] = 0;
	if (stat(dir, &st) < 0 || getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_len) < 0)
		return PF_E_IO;
	return st.st_uid == 0 || st.st_uid == peer.uid ? PF_OK : PF_E_DENIED;
}

int local_connect(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	const size_t len = strlen(path);
	if (path[0] != '/' || len >= sizeof(to.sun_path))
		return PF_E_INVALID;
	memcpy(to.sun_path, path, len);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pf_error_from_errno(errno);
	/* A unix socket connects at once, or its listener's queue is full. */
	int err = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? PF_OK
		: errno == EAGAIN					     ? PF_E_TIMEOUT
									     : PF_E_IO;
	if (err >= 0)
		err = local_check(fd, path);
	if (err >= 0)
		return fd;
	close(fd);
	return err;
}
