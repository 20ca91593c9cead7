/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/sway_ipc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/media/clock.h"

/*
 *  0      6        10       14
 * +------+--------+--------+---------------+
 * |i3-ipc| length |  type  | length bytes  |   both numbers in the machine's own byte order
 * +------+--------+--------+---------------+
 */
#define MAGIC	  "i3-ipc"
#define MAGIC_LEN 6u
#define EVENT_BIT 0x80000000u
/* Events that come in between although none was asked for. */
#define MAX_EVENTS 64u

static int fail(struct sway_ipc *ipc, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct sway_ipc *ipc, int err, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vsnprintf(ipc->error, sizeof(ipc->error), format, ap);
	va_end(ap);
	sway_ipc_close(ipc);
	return err;
}

static int wait_for(struct sway_ipc *ipc, short events, uint64_t deadline_ns)
{
	for (;;) {
		const uint64_t now_ns = clock_now_ns();
		if (now_ns >= deadline_ns)
			return fail(ipc, PF_E_TIMEOUT, "sway does not answer within %u ms",
				ipc->timeout_ms);
		struct pollfd p = {.fd = ipc->fd, .events = events};
		const int n = poll(&p, 1, (int)((deadline_ns - now_ns) / 1000000u) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return fail(ipc, PF_E_IO, "waiting for sway failed: %s", strerror(errno));
	}
}

static int send_all(struct sway_ipc *ipc, const void *data, size_t len, uint64_t deadline_ns)
{
	const char *p = data;
	while (len > 0) {
		const ssize_t n = send(ipc->fd, p, len, MSG_NOSIGNAL);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			const int err = wait_for(ipc, POLLOUT, deadline_ns);
			if (err < 0)
				return err;
		} else if (n < 0 && errno != EINTR) {
			return fail(ipc, PF_E_CLOSED, "sway closed its control socket: %s",
				strerror(errno));
		}
	}
	return 0;
}

static int receive_all(struct sway_ipc *ipc, void *data, size_t len, uint64_t deadline_ns)
{
	char *p = data;
	while (len > 0) {
		const ssize_t n = recv(ipc->fd, p, len, 0);
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		} else if (n == 0) {
			return fail(ipc, PF_E_CLOSED, "sway closed its control socket");
		} else if (errno == EAGAIN) {
			const int err = wait_for(ipc, POLLIN, deadline_ns);
			if (err < 0)
				return err;
		} else if (errno != EINTR) {
			return fail(ipc, PF_E_CLOSED, "sway closed its control socket: %s",
				strerror(errno));
		}
	}
	return 0;
}

static int receive_message(
	struct sway_ipc *ipc, uint32_t *type, char **payload, size_t *len, uint64_t deadline_ns)
{
	unsigned char header[SWAY_IPC_HEADER_LEN];
	uint32_t n;
	int err = receive_all(ipc, header, sizeof(header), deadline_ns);
	if (err < 0)
		return err;
	if (memcmp(header, MAGIC, MAGIC_LEN) != 0)
		return fail(ipc, PF_E_BAD_PACKET,
			"what listens on the control socket does not speak sway's protocol");
	memcpy(&n, header + MAGIC_LEN, 4);
	memcpy(type, header + MAGIC_LEN + 4, 4);
	if (n > SWAY_IPC_MAX_REPLY)
		return fail(ipc, PF_E_BAD_PACKET, "sway's reply of %u bytes is too long", n);
	*payload = malloc((size_t)n + 1);
	if (!*payload)
		return fail(ipc, PF_E_NOMEM, "no memory for sway's reply");
	err = receive_all(ipc, *payload, n, deadline_ns);
	if (err < 0) {
		free(*payload);
		return err;
	}
	(*payload)[n] = 0;
	*len = n;
	return 0;
}

void sway_ipc_attach(struct sway_ipc *ipc, int fd)
{
	*ipc = (struct sway_ipc){
		.fd = fd, .peer_uid = (uid_t)-1, .timeout_ms = SWAY_IPC_TIMEOUT_MS};
	fcntl(fd, F_SETFL, O_NONBLOCK);
	struct ucred cred;
	socklen_t len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0) {
		ipc->peer_pid = cred.pid;
		ipc->peer_uid = cred.uid;
	}
}

int sway_ipc_open(struct sway_ipc *ipc, const char *path)
{
	*ipc = (struct sway_ipc){.fd = -1, .timeout_ms = SWAY_IPC_TIMEOUT_MS};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const size_t len = strlen(path);
	if (len == 0 || len >= sizeof(addr.sun_path))
		return fail(ipc, PF_E_INVALID, "sway's socket path has %zu characters", len);
	memcpy(addr.sun_path, path, len);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return fail(ipc, pf_error_from_errno(errno), "no socket: %s", strerror(errno));
	/* A unix socket connects at once, or its listener's queue is full. */
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		const int e = errno;
		close(fd);
		return fail(ipc, PF_E_IO, "no sway listens on %s: %s", path, strerror(e));
	}
	sway_ipc_attach(ipc, fd);
	return 0;
}

void sway_ipc_close(struct sway_ipc *ipc)
{
	if (ipc->fd >= 0)
		close(ipc->fd);
	ipc->fd = -1;
}

int sway_ipc_request(
	struct sway_ipc *ipc, enum sway_ipc_type type, const char *payload, json_t **reply)
{
	*reply = NULL;
	if (ipc->fd < 0)
		return PF_E_CLOSED;
	uint64_t deadline_ns = clock_now_ns() + (uint64_t)ipc->timeout_ms * 1000000u;
	if (ipc->until_ns && deadline_ns > ipc->until_ns)
		deadline_ns = ipc->until_ns;
	const size_t len = payload ? strlen(payload) : 0;
	if (len > SWAY_IPC_MAX_COMMAND)
		return PF_E_INVALID;
	unsigned char message[SWAY_IPC_HEADER_LEN + SWAY_IPC_MAX_COMMAND];
	const uint32_t n = (uint32_t)len, want = type;
	memcpy(message, MAGIC, MAGIC_LEN);
	memcpy(message + MAGIC_LEN, &n, 4);
	memcpy(message + MAGIC_LEN + 4, &want, 4);
	if (len)
		memcpy(message + SWAY_IPC_HEADER_LEN, payload, len);
	int err = send_all(ipc, message, SWAY_IPC_HEADER_LEN + len, deadline_ns);
	if (err < 0)
		return err;

	for (unsigned events = 0; events <= MAX_EVENTS; events++) {
		uint32_t got = 0;
		char *text = NULL;
		size_t text_len = 0;
		err = receive_message(ipc, &got, &text, &text_len, deadline_ns);
		if (err < 0)
			return err;
		if (got & EVENT_BIT) {
			free(text);
			continue;
		}
		json_error_t why;
		*reply = got == want ? json_loadb(text, text_len, 0, &why) : NULL;
		free(text);
		if (got != want)
			return fail(ipc, PF_E_BAD_PACKET, "sway answered request %u with reply %u",
				want, got);
		if (!*reply)
			return fail(ipc, PF_E_BAD_PACKET,
				"sway's reply to request %u is no JSON: %s", want, why.text);
		return 0;
	}
	return fail(ipc, PF_E_BAD_PACKET, "sway sends events that were not asked for");
}

int sway_ipc_event(struct sway_ipc *ipc, json_t **event)
{
	uint32_t type = 0;
	char *text = NULL;
	size_t len = 0;
	json_error_t why;
	*event = NULL;
	if (ipc->fd < 0)
		return PF_E_CLOSED;
	const int err = receive_message(
		ipc, &type, &text, &len, clock_now_ns() + (uint64_t)ipc->timeout_ms * 1000000u);
	if (err < 0)
		return err;
	*event = type & EVENT_BIT ? json_loadb(text, len, 0, &why) : NULL;
	free(text);
	if (!(type & EVENT_BIT))
		return fail(ipc, PF_E_BAD_PACKET, "sway answered what was not asked");
	if (!*event)
		return fail(ipc, PF_E_BAD_PACKET, "sway's event is no JSON: %s", why.text);
	return 0;
}

/* Each command's result is an object: {"success": bool, "error": string}. */
static int check_results(struct sway_ipc *ipc, const char *command, const json_t *reply)
{
	if (!json_is_array(reply) || json_array_size(reply) == 0)
		return fail(ipc, PF_E_BAD_PACKET, "sway's answer to '%s' is no list", command);
	for (size_t i = 0; i < json_array_size(reply); i++) {
		const json_t *result = json_array_get(reply, i);
		if (json_is_true(json_object_get(result, "success")))
			continue;
		const char *text = json_string_value(json_object_get(result, "error"));
		snprintf(ipc->error, sizeof(ipc->error), "sway refused '%.100s': %.100s", command,
			text ? text : "no reason given");
		return PF_E_UNSUPPORTED;
	}
	return 0;
}

int sway_ipc_command(struct sway_ipc *ipc, const char *format, ...)
{
	char command[SWAY_IPC_MAX_COMMAND];
	va_list ap;
	va_start(ap, format);
	const int n = vsnprintf(command, sizeof(command), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(command))
		return PF_E_INVALID;
	json_t *reply;
	int err = sway_ipc_request(ipc, SWAY_IPC_RUN_COMMAND, command, &reply);
	if (err < 0)
		return err;
	err = check_results(ipc, command, reply);
	json_decref(reply);
	return err;
}

int sway_ipc_check_name(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
	const size_t len = name ? strnlen(name, 64) : 0;
	if (len == 0 || len >= 64 || strspn(name, allowed) != len)
		return PF_E_INVALID;
	return 0;
}
