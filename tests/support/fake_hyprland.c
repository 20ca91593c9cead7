/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/fake_hyprland.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/test.h"

static int listen_at(const char *dir, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const int n = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name);
	if (n >= (int)sizeof(addr.sun_path) ||
		bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 16) < 0)
		abort();
	return fd;
}

static void write_text(int fd, const char *text)
{
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
		return;
}

static int find(struct fake_hyprland *f, const char *name)
{
	for (int i = 0; i < FAKE_MONITORS; i++)
		if (strcmp(f->monitors[i].name, name) == 0)
			return i;
	return -1;
}

static void put_monitors(struct fake_hyprland *f, char *out, size_t cap)
{
	size_t n = (size_t)snprintf(out, cap, "[");
	for (int i = 0; i < FAKE_MONITORS; i++) {
		if (f->monitors[i].name[0])
			n += (size_t)snprintf(out + n, cap - n,
				"%s{\"id\":%d,\"name\":\"%s\",\"width\":%u,\"height\":%u,"
				"\"refreshRate\":%.5f,\"scale\":1.00,\"focused\":%s}",
				n > 1 ? "," : "", i, f->monitors[i].name, f->monitors[i].width,
				f->monitors[i].height, f->monitors[i].hz,
				strcmp(f->focused, f->monitors[i].name) ? "false" : "true");
	}
	snprintf(out + n, cap - n, "]");
}

static const char *create_output(struct fake_hyprland *f, const char *name)
{
	char made[64];
	snprintf(made, sizeof(made), "%s", name);
	if (f->fault == HYPR_NO_NAMES)
		snprintf(made, sizeof(made), "HEADLESS-2");
	if (find(f, made) >= 0)
		return "Name already taken";
	const int at = find(f, "");
	if (f->fault == HYPR_MAKES_NONE)
		return "ok";
	if (at < 0)
		return "no room";
	memcpy(f->monitors[at].name, made, sizeof(made));
	f->monitors[at].width = 1920;
	f->monitors[at].height = 1080;
	f->monitors[at].hz = 60;
	return "ok";
}

static const char *set_monitor(struct fake_hyprland *f, const char *text)
{
	char name[64];
	unsigned width, height;
	double hz;
	int end = 0;
	f->n_keywords++;
	if (sscanf(text, "%63[^,],%ux%u@%lf,auto,1%n", name, &width, &height, &hz, &end) != 4 ||
		text[end])
		return "invalid monitor rule";
	const int at = find(f, name);
	if (at >= 0 && f->fault != HYPR_OTHER_MODE) {
		f->monitors[at].width = width;
		f->monitors[at].height = height;
		f->monitors[at].hz = hz;
	}
	return "ok";
}

static const char *remove_output(struct fake_hyprland *f, const char *name)
{
	const int at = find(f, name);
	if (at <= 0)
		return "output not found";
	memset(&f->monitors[at], 0, sizeof(f->monitors[at]));
	if (strcmp(f->focused, name) == 0)
		snprintf(f->focused, sizeof(f->focused), "none");
	return "ok";
}

static const char *focus(struct fake_hyprland *f, const char *name)
{
	if (find(f, name) < 0)
		return "no such monitor";
	snprintf(f->focused, sizeof(f->focused), "%s", name);
	return "ok";
}

static const struct {
	const char *prefix;
	const char *(*run)(struct fake_hyprland *f, const char *rest);
} commands[] = {
	{"output create headless ", create_output},
	{"keyword monitor ", set_monitor},
	{"output remove ", remove_output},
	{"dispatch focusmonitor ", focus},
};

static void answer(struct fake_hyprland *f, int fd, const char *request)
{
	static char text[65536]; /* one thread */
	if (!strcmp(request, "j/version")) {
		write_text(fd, "{\"version\":\"0.41.2\\u001b\",\"tag\":\"v0.41.2\"}");
		return;
	}
	if (!strcmp(request, "j/monitors")) {
		put_monitors(f, text, sizeof(text));
		if (f->fault == HYPR_HALF)
			text[strlen(text) / 2] = 0;
		write_text(fd, f->fault == HYPR_GARBAGE ? "\xff\xfe{{{[" : text);
		return;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const size_t n = strlen(commands[i].prefix);
		if (strncmp(request, commands[i].prefix, n) != 0)
			continue;
		write_text(fd,
			f->fault == HYPR_REFUSES ? "not\n\033[1m today"
						 : commands[i].run(f, request + n));
		return;
	}
	write_text(fd, "unknown request");
}

static void serve(struct fake_hyprland *f, int fd)
{
	char request[512];
	const ssize_t n = recv(fd, request, sizeof(request) - 1, 0);
	if (n <= 0)
		return;
	request[n] = 0;
	f->n_requests++;
	usleep(f->delay_ms * 1000);
	if (f->fault == HYPR_ENDLESS) {
		char block[4096];
		memset(block, '[', sizeof(block));
		for (int i = 0; i < 400; i++)
			if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
				return;
	}
	pthread_mutex_lock(&f->lock);
	answer(f, fd, request);
	pthread_mutex_unlock(&f->lock);
}

static void *run(void *data)
{
	struct fake_hyprland *f = data;
	int silent[32], n_silent = 0;
	for (;;) {
		struct pollfd p[] = {{.fd = f->request_fd, .events = POLLIN},
			{.fd = f->events_fd, .events = POLLIN},
			{.fd = f->stop_fd, .events = POLLIN}};
		if (poll(p, 3, -1) < 0 || p[2].revents)
			break;
		if (p[1].revents) {
			const int fd = accept(f->events_fd, NULL, NULL);
			pthread_mutex_lock(&f->lock);
			if (f->listener_fd >= 0)
				close(f->listener_fd);
			f->listener_fd = fd;
			pthread_mutex_unlock(&f->lock);
		}
		if (!p[0].revents)
			continue;
		const int fd = accept(f->request_fd, NULL, NULL);
		if (f->fault == HYPR_HANGS && n_silent < 32) {
			silent[n_silent++] = fd;
			continue;
		}
		serve(f, fd);
		close(fd);
	}
	while (n_silent > 0)
		close(silent[--n_silent]);
	return NULL;
}

int fake_hyprland_start(struct fake_hyprland *f)
{
	char hypr[112];
	memset(f, 0, sizeof(*f));
	if (test_folder(f->dir, sizeof(f->dir), "pf-hypr") < 0)
		return -1;
	snprintf(hypr, sizeof(hypr), "%s/hypr", f->dir);
	snprintf(f->base, sizeof(f->base), "%s/abcdef_17_42", hypr);
	if (mkdir(hypr, 0700) < 0 || mkdir(f->base, 0700) < 0)
		return -1;
	setenv("XDG_RUNTIME_DIR", f->dir, 1);
	f->wayland_fd = listen_at(f->dir, "wayland-1");
	f->request_fd = listen_at(f->base, ".socket.sock");
	f->events_fd = listen_at(f->base, ".socket2.sock");
	f->stop_fd = eventfd(0, EFD_CLOEXEC);
	f->listener_fd = -1;
	pthread_mutex_init(&f->lock, NULL);
	snprintf(f->monitors[0].name, sizeof(f->monitors[0].name), "DP-1");
	f->monitors[0].width = 2560;
	f->monitors[0].height = 1440;
	f->monitors[0].hz = 143.998;
	snprintf(f->focused, sizeof(f->focused), "DP-1");
	return pthread_create(&f->thread, NULL, run, f) ? -1 : 0;
}

void fake_hyprland_stop(struct fake_hyprland *f)
{
	const uint64_t one = 1;
	char command[160];
	if (write(f->stop_fd, &one, sizeof(one)) != sizeof(one))
		abort();
	pthread_join(f->thread, NULL);
	const int fds[] = {f->wayland_fd, f->request_fd, f->events_fd, f->stop_fd};
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
	if (f->listener_fd >= 0)
		close(f->listener_fd);
	pthread_mutex_destroy(&f->lock);
	snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
	if (system(command) != 0)
		abort();
}

unsigned fake_hyprland_count(struct fake_hyprland *f)
{
	unsigned n = 0;
	pthread_mutex_lock(&f->lock);
	for (int i = 1; i < FAKE_MONITORS; i++)
		n += f->monitors[i].name[0] != 0;
	pthread_mutex_unlock(&f->lock);
	return n;
}

void fake_hyprland_tell(struct fake_hyprland *f, const char *text)
{
	pthread_mutex_lock(&f->lock);
	if (f->listener_fd >= 0)
		write_text(f->listener_fd, text);
	pthread_mutex_unlock(&f->lock);
}
