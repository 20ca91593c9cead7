/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/hyprland_ipc.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <jansson.h>

#include "core/wire/text.h"
#include "host/media/clock.h"
#include "host/vdisplay/sway_ipc.h"

int hyprland_connect(const char *path, int *peer_pid, uid_t *peer_uid)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct ucred cred;
	socklen_t cred_len = sizeof(cred);
	const size_t len = strlen(path);
	if (len == 0 || len >= sizeof(addr.sun_path))
		return PF_E_INVALID;
	memcpy(addr.sun_path, path, len);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pf_error_from_errno(errno);
	/* A unix socket connects at once, or its listener's queue is full: one that hangs. */
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		const int err = errno == EAGAIN ? PF_E_TIMEOUT : PF_E_IO;
		close(fd);
		return err;
	}
	const bool known = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) == 0;
	if (peer_pid)
		*peer_pid = known ? cred.pid : 0;
	if (peer_uid)
		*peer_uid = known ? cred.uid : (uid_t)-1;
	return fd;
}

static int wait_for(int fd, short events, uint64_t deadline_ns)
{
	for (;;) {
		const uint64_t now_ns = clock_now_ns();
		if (now_ns >= deadline_ns)
			return PF_E_TIMEOUT;
		struct pollfd p = {.fd = fd, .events = events};
		const int n = poll(&p, 1, (int)((deadline_ns - now_ns) / 1000000u) + 1);
		if (n > 0)
			return PF_OK;
		if (n < 0 && errno != EINTR)
			return PF_E_IO;
	}
}

static int send_all(int fd, const char *text, uint64_t deadline_ns)
{
	size_t len = strlen(text);
	while (len > 0) {
		const ssize_t n = send(fd, text, len, MSG_NOSIGNAL);
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			const int err = wait_for(fd, POLLOUT, deadline_ns);
			if (err < 0)
				return err;
		} else if (n < 0 && errno != EINTR) {
			return PF_E_IO;
		}
	}
	return PF_OK;
}

/* As far as the end. */
static int receive_all(int fd, char *out, size_t cap, uint64_t deadline_ns)
{
	size_t len = 0;
	for (;;) {
		const ssize_t n = recv(fd, out + len, cap - 1 - len, 0);
		if (n == 0)
			break;
		if (n < 0 && errno == EAGAIN) {
			const int err = wait_for(fd, POLLIN, deadline_ns);
			if (err < 0)
				return err;
		} else if (n < 0 && errno != EINTR) {
			return PF_E_IO;
		}
		len += n > 0 ? (size_t)n : 0;
		if (len == cap - 1)
			return PF_E_BAD_PACKET;
	}
	out[len] = 0;
	return (int)len;
}

static uint64_t limit_ns; /* Thread: the control loop */

void hyprland_limit(uint64_t until_ns)
{
	limit_ns = until_ns;
}

int hyprland_request(
	const char *socket, const char *request, char **reply, int *peer_pid, uid_t *peer_uid)
{
	uint64_t deadline_ns = clock_now_ns() + HYPRLAND_TIMEOUT_MS * UINT64_C(1000000);
	if (limit_ns && deadline_ns > limit_ns)
		deadline_ns = limit_ns;
	*reply = NULL;
	const int fd = hyprland_connect(socket, peer_pid, peer_uid);
	if (fd < 0)
		return fd;
	char *text = malloc(HYPRLAND_MAX_REPLY);
	int err = text ? send_all(fd, request, deadline_ns) : PF_E_NOMEM;
	if (err >= 0)
		err = receive_all(fd, text, HYPRLAND_MAX_REPLY, deadline_ns);
	close(fd);
	if (err < 0)
		free(text);
	else
		*reply = text;
	return err;
}

int hyprland_command(const char *socket, char *why, size_t why_len, const char *format, ...)
{
	char request[256], *reply;
	va_list ap;
	va_start(ap, format);
	const int n = vsnprintf(request, sizeof(request), format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= sizeof(request))
		return PF_E_INVALID;
	int err = hyprland_request(socket, request, &reply, NULL, NULL);
	if (err < 0) {
		snprintf(why, why_len, "Hyprland did not answer '%s' (%s)", request,
			pf_strerror(err));
		return err;
	}
	if (strcmp(reply, "ok") != 0) {
		char said[100];
		pf_text_clean(said, sizeof(said), reply, strnlen(reply, sizeof(said)));
		snprintf(why, why_len, "Hyprland refused '%s': %s", request, said);
		err = PF_E_UNSUPPORTED;
	}
	free(reply);
	return err < 0 ? err : PF_OK;
}

/* [{"name": "DP-1", "width": 1920, "height": 1080, "refreshRate": 60.0, "scale": 1.0, "focused": true, ...}, ...] */
static bool read_monitor(struct hyprland_monitor *m, const json_t *o)
{
	const char *name = json_string_value(json_object_get(o, "name"));
	const json_int_t width = json_integer_value(json_object_get(o, "width"));
	const json_int_t height = json_integer_value(json_object_get(o, "height"));
	const double hz = json_number_value(json_object_get(o, "refreshRate"));
	if (sway_ipc_check_name(name) < 0)
		return false;
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->width = width > 0 && width < 100000 ? (uint32_t)width : 0;
	m->height = height > 0 && height < 100000 ? (uint32_t)height : 0;
	m->refresh_mhz = hz > 0 && hz < 10000 ? (uint32_t)lround(hz * 1000) : 0;
	m->scale = json_number_value(json_object_get(o, "scale"));
	m->focused = json_is_true(json_object_get(o, "focused"));
	return true;
}

int hyprland_parse_monitors(const char *text, size_t len, struct hyprland_monitor *out)
{
	json_error_t why;
	json_t *list = json_loadb(text, len, 0, &why);
	size_t n = 0;
	if (!json_is_array(list) || json_array_size(list) > HYPRLAND_MAX_MONITORS) {
		json_decref(list);
		return PF_E_BAD_PACKET;
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		n += read_monitor(&out[n], json_array_get(list, i));
	json_decref(list);
	return (int)n;
}

int hyprland_monitors(const char *socket, struct hyprland_monitor *out)
{
	char *reply;
	int err = hyprland_request(socket, "j/monitors", &reply, NULL, NULL);
	if (err >= 0)
		err = hyprland_parse_monitors(reply, (size_t)err, out);
	free(reply);
	return err;
}
