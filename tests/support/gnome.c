/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/support/gnome.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "host/media/clock.h"

#define WAIT_NS 20000000000ull

/* Without services nothing of the machine's desktop is started. */
static const char bus_conf[] =
	"<busconfig>%s<type>session</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
	"<policy context='default'><allow send_destination='*' eavesdrop='true'/>"
	"<allow eavesdrop='true'/><allow own='*'/></policy></busconfig>";

int gnome_init(struct gnome *g, const char *name)
{
	memset(g, 0, sizeof(*g));
	if (pw_daemon_init(&g->pw, name) < 0)
		return -1;
	unsetenv("WAYLAND_DISPLAY");
	unsetenv("SUDO_UID");
	setenv("GSETTINGS_BACKEND", "memory", 1);
	setenv("HOME", g->pw.dir, 1);
	snprintf(g->wayland, sizeof(g->wayland), "%s/wayland-pf", g->pw.dir);
	return 0;
}

int gnome_start_bus(struct gnome *g)
{
	char path[192], socket[192], conf[192 + sizeof(bus_conf)];
	struct stat st;
	snprintf(path, sizeof(path), "%s/bus.conf", g->pw.dir);
	snprintf(socket, sizeof(socket), "%s/bus", g->pw.dir);
	FILE *f = fopen(path, "w");
	if (!f ||
		fprintf(f, bus_conf, g->services ? "<standard_session_servicedirs/>" : "",
			g->pw.dir) < 0 ||
		fclose(f))
		return -1;
	unlink(socket);
	snprintf(conf, sizeof(conf), "--config-file=%s", path);
	const char *const argv[] = {"dbus-daemon", conf, "--nofork", NULL};
	g->bus = pw_daemon_spawn(argv);
	snprintf(conf, sizeof(conf), "unix:path=%s", socket);
	setenv("DBUS_SESSION_BUS_ADDRESS", conf, 1);
	for (uint64_t until = clock_now_ns() + WAIT_NS; stat(socket, &st) < 0; usleep(5000)) {
		if (clock_now_ns() > until)
			return -1;
	}
	return 0;
}

static bool is_owned(sd_bus *bus, const char *name)
{
	return sd_bus_call_method(bus, "org.freedesktop.DBus", "/org/freedesktop/DBus",
		       "org.freedesktop.DBus", "GetNameOwner", NULL, NULL, "s", name) >= 0;
}

int gnome_start_mutter(struct gnome *g)
{
	const char *const argv[] = {"mutter", "--headless", "--wayland", "--no-x11",
		"--wayland-display", strrchr(g->wayland, '/') + 1, NULL};
	sd_bus *bus = NULL;
	int result = -1;
	if (sd_bus_open_user(&bus) < 0)
		return -1;
	g->mutter = pw_daemon_spawn(argv);
	for (uint64_t until = clock_now_ns() + WAIT_NS; result < 0 && clock_now_ns() < until;) {
		if (is_owned(bus, "org.gnome.Mutter.ScreenCast") &&
			is_owned(bus, "org.gnome.Mutter.RemoteDesktop"))
			result = 0;
		else
			usleep(10000);
	}
	sd_bus_close_unref(bus);
	return result;
}

void gnome_end(pid_t *pid)
{
	if (*pid <= 0)
		return;
	kill(*pid, SIGKILL);
	waitpid(*pid, NULL, 0);
	*pid = 0;
}

void gnome_finish(struct gnome *g)
{
	gnome_end(&g->mutter);
	gnome_end(&g->bus);
	pw_daemon_finish(&g->pw);
}

int gnome_run(struct gnome_reader *r, const char *const *argv)
{
	int ends[2];
	memset(r, 0, sizeof(*r));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return -1;
	r->pid = fork();
	if (r->pid == 0) {
		dup2(ends[1], 0);
		dup2(ends[1], 1);
		execvp(argv[0], (char *const *)argv);
		_exit(127);
	}
	close(ends[1]);
	r->fd = ends[0];
	fcntl(r->fd, F_SETFL, O_NONBLOCK);
	return r->pid < 0 ? -1 : 0;
}

static bool next_line(struct gnome_reader *r, char *line, size_t cap)
{
	const ssize_t n = read(r->fd, r->text + r->len, sizeof(r->text) - r->len);
	r->len += n > 0 ? (size_t)n : 0;
	const char *end = memchr(r->text, '\n', r->len);
	if (!end)
		return false;
	const size_t len = (size_t)(end - r->text);
	snprintf(line, cap, "%.*s", (int)len, r->text);
	r->len -= len + 1;
	memmove(r->text, end + 1, r->len);
	return true;
}

bool gnome_read(struct gnome_reader *r, const char *begin, char *line, size_t cap)
{
	char text[256];
	while (next_line(r, text, sizeof(text))) {
		if (getenv("PUNKTFUNK_TEST_SAY"))
			fprintf(stderr, "# %s\n", text);
		if (strncmp(text, begin, strlen(begin)) != 0)
			continue;
		if (line)
			snprintf(line, cap, "%s", text);
		return true;
	}
	return false;
}

void gnome_stop(struct gnome_reader *r)
{
	gnome_end(&r->pid);
	if (r->fd > 0)
		close(r->fd);
	memset(r, 0, sizeof(*r));
}
