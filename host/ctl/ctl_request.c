/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/alloc.h"
#include "host/ctl/ctl.h"
#include "host/ctl/wire.h"

/* The asking end: one packet there, one back. */

static int fail(char *why, size_t why_len, int err, const char *path, const char *what)
{
	snprintf(why, why_len, "%s (control socket %s).", what, path);
	return err;
}

static int open_socket(int *out, const char *path, char *why, size_t why_len)
{
	struct sockaddr_un address;
	if (ctl_address(&address, path) < 0)
		return fail(why, why_len, PF_E_INVALID, path,
			"This path is too long for a socket; name a shorter one with --ctl PATH");
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(why, why_len, PF_E_IO, path, strerror(errno));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0) {
		*out = fd;
		return PF_OK;
	}
	int saved = errno;
	close(fd);
	if (saved == ENOENT || saved == ECONNREFUSED || saved == ENOTDIR)
		return fail(why, why_len, PF_E_CLOSED, path, "No host is running here");
	if (saved == EACCES || saved == EPERM)
		return fail(why, why_len, PF_E_DENIED, path,
			"The host is another user's: run this as that user or as root");
	if (saved == EAGAIN)
		return fail(why, why_len, PF_E_TIMEOUT, path,
			"The host has too many requests; try again in a moment");
	return fail(why, why_len, PF_E_IO, path, strerror(saved));
}

static int exchange(int fd, const char *request, char *reply, int timeout_ms)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return errno == EPIPE || errno == ECONNRESET ? PF_E_DENIED : PF_E_IO;
	int n = poll(&pfd, 1, timeout_ms);
	if (n <= 0)
		return n ? PF_E_IO : PF_E_TIMEOUT;
	ssize_t len = recv(fd, reply, CTL_REPLY_MAX, MSG_TRUNC);
	if (len <= 0) /* hung up on: we are not who may ask */
		return len && errno != ECONNRESET ? PF_E_IO : PF_E_DENIED;
	return len > (ssize_t)CTL_REPLY_MAX ? PF_E_BAD_PACKET : (int)len;
}

static int read_reply(
	const char *reply, int len, const char *path, json_t **result, char *why, size_t why_len)
{
	json_t *root = json_loadb(reply, (size_t)len, JSON_REJECT_DUPLICATES, NULL);
	const json_t *ok = json_object_get(root, "ok");
	const char *error = json_string_value(json_object_get(root, "error"));
	int err = PF_E_BAD_PACKET;
	if (json_is_true(ok)) {
		*result = json_incref(json_object_get(root, "result"));
		err = PF_OK;
	} else if (json_is_false(ok) && error) {
		snprintf(why, why_len, "%s", error);
		err = PF_E_INVALID;
	} else {
		fail(why, why_len, err, path,
			"The answer makes no sense: host and command are of different versions");
	}
	json_decref(root);
	return err;
}

int ctl_request(const char *path, const char *name, const json_t *args, json_t **result,
	int timeout_ms, char *why, size_t why_len)
{
	int fd = -1;
	*result = NULL;
	int err = open_socket(&fd, path, why, why_len);
	if (err < 0)
		return err;
	json_t *request = json_pack("{s:s, s:O*}", "command", name, "args", args);
	char *text = json_dumps(request, JSON_COMPACT), *reply = malloc(CTL_REPLY_MAX);
	int len = text && reply ? exchange(fd, text, reply, timeout_ms) : PF_E_NOMEM;
	if (len >= 0)
		err = read_reply(reply, len, path, result, why, why_len);
	else
		err = fail(why, why_len, len, path,
			len == PF_E_TIMEOUT
				? "The host does not answer; is it stopped, or very busy?"
				: len == PF_E_DENIED
				? "The host hung up: it takes orders of its own user and of root"
				: pf_strerror(len));
	if (reply && len > 0)
		pf_wipe(reply, (size_t)len); /* a PIN, maybe */
	free(reply);
	free(text);
	json_decref(request);
	close(fd);
	return err;
}
