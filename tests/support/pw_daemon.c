/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/support/pw_daemon.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/media/clock.h"

#define WAIT_NS 20000000000ull

/* Only what a test needs; the timer that drives it is the one of the usual configuration. */
static const char conf[] =
	"context.properties = { core.daemon = true core.name = pipewire-0 support.dbus = false "
	"log.level = 0 }\n"
	"context.spa-libs = { audio.convert.* = audioconvert/libspa-audioconvert support.* = "
	"support/libspa-support }\n"
	"context.modules = [ { name = libpipewire-module-protocol-native }\n"
	" { name = libpipewire-module-metadata } { name = libpipewire-module-spa-node-factory }\n"
	" { name = libpipewire-module-client-node } { name = libpipewire-module-access }\n"
	" { name = libpipewire-module-adapter } %s ]\n"
	"context.objects = [ { factory = spa-node-factory args = { factory.name = "
	"support.node.driver\n"
	" node.name = Dummy-Driver node.group = pipewire.dummy priority.driver = 20000 } } ]\n";

pid_t pw_daemon_spawn(const char *const *argv)
{
	pid_t pid = fork();
	if (pid)
		return pid;
	int fd = open("/dev/null", O_RDWR);
	dup2(fd, 1);
	if (!getenv("PUNKTFUNK_TEST_SAY"))
		dup2(fd, 2);
	execvp(argv[0], (char *const *)argv);
	_exit(127);
}

int pw_daemon_run(const char *const *argv)
{
	int status;
	pid_t pid = pw_daemon_spawn(argv);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int pw_daemon_start(struct pw_daemon *d)
{
	char path[192], socket[192];
	struct stat st;
	snprintf(path, sizeof(path), "%s/test.conf", d->dir);
	snprintf(socket, sizeof(socket), "%s/pipewire-0", d->dir);
	const char *const argv[] = {"pipewire", "-c", path, NULL};
	unlink(socket);
	d->pid = pw_daemon_spawn(argv);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (stat(socket, &st) < 0) {
		if (clock_now_ns() > until)
			return -1;
		usleep(5000);
	}
	return 0;
}

void pw_daemon_end(struct pw_daemon *d)
{
	if (d->pid <= 0)
		return;
	kill(d->pid, SIGKILL);
	waitpid(d->pid, NULL, 0);
	d->pid = 0;
}

int pw_daemon_init(struct pw_daemon *d, const char *name)
{
	char path[192];
	d->pid = 0;
	if (test_folder(d->dir, sizeof(d->dir), name) < 0)
		return -1;
	setenv("XDG_RUNTIME_DIR", d->dir, 1);
	unsetenv("PIPEWIRE_REMOTE");
	unsetenv("PIPEWIRE_RUNTIME_DIR");
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	snprintf(path, sizeof(path), "%s/test.conf", d->dir);
	FILE *f = fopen(path, "w");
	if (!f ||
		fprintf(f, conf, d->no_links ? "" : "{ name = libpipewire-module-link-factory }") <
			0 ||
		fclose(f))
		return -1;
	return pw_daemon_start(d);
}

int pw_daemon_finish(struct pw_daemon *d)
{
	pw_daemon_end(d);
	const char *const argv[] = {"rm", "-rf", d->dir, NULL};
	return pw_daemon_run(argv);
}
