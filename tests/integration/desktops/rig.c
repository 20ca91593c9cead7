/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/rig.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/media/clock.h"

#define NOBODY	 65534
#define START_NS 20000000000ull /* a cold start of a compositor on a busy machine */

struct rig rig;

static int program_fds[2] = {-1, -1};
static char program_paths[2][32];

void rig_pause_ms(unsigned ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000l}, NULL);
}

/* --- who we are --- */

/* The build folder may be closed to an ordinary user: an open descriptor is not. */
static int open_program(int i, const char *variable)
{
	const char *path = getenv(variable);
	program_fds[i] = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	if (program_fds[i] < 0) {
		fprintf(stderr, "%s: %s\n", variable, path ? strerror(errno) : "is not set");
		return -1;
	}
	snprintf(program_paths[i], sizeof(program_paths[i]), "/proc/self/fd/%d", program_fds[i]);
	return 0;
}

int rig_prepare(void)
{
	const char *uid_text = getenv("PUNKTFUNK_TEST_UID");
	const uid_t uid = uid_text ? (uid_t)atoi(uid_text) : NOBODY;
	if (open_program(0, "PUNKTFUNK_HOST") < 0 || open_program(1, "PUNKTFUNK_WL_APP") < 0)
		return -1;
	if (geteuid() == 0 &&
		(setgroups(0, NULL) < 0 || setgid((gid_t)uid) < 0 || setuid(uid) < 0)) {
		perror("cannot become an ordinary user");
		return -1;
	}
	/* Else /proc/self is root's, and with it the paths of those programs. */
	prctl(PR_SET_DUMPABLE, 1);
	/* What loses its parent becomes ours, so that it is counted. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	return 0;
}

const char *rig_host(void)
{
	return program_paths[0];
}

const char *rig_wl_app(void)
{
	return program_paths[1];
}

/* --- processes --- */

pid_t rig_spawn(const char *const *argv, int in, int out)
{
	char log[128];
	snprintf(log, sizeof(log), "%s/%s.log", rig.dir,
		strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0]);
	pid_t pid = fork();
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	const int null = open("/dev/null", O_RDWR),
		  text = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	dup2(in < 0 ? null : in, STDIN_FILENO);
	dup2(out < 0 ? text : out, STDOUT_FILENO);
	dup2(text, STDERR_FILENO);
	execvp(argv[0], (char *const *)argv);
	perror(argv[0]);
	_exit(127);
}

static void end_process(pid_t *pid, int signal)
{
	if (*pid <= 0)
		return;
	kill(*pid, signal);
	kill(*pid, SIGCONT);
	const uint64_t until = clock_now_ns() + UINT64_C(3000000000);
	while (waitpid(*pid, NULL, WNOHANG) == 0) {
		if (clock_now_ns() > until)
			kill(*pid, SIGKILL);
		rig_pause_ms(2);
	}
	*pid = 0;
}

static bool answers(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	snprintf(a.sun_path, sizeof(a.sun_path), "%.80s/run/%s", rig.dir, name);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const bool ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;
	close(fd);
	return ok;
}

static int wait_answers(const char *name, pid_t *pid)
{
	const uint64_t until = clock_now_ns() + START_NS;
	while (!answers(name)) {
		if (waitpid(*pid, NULL, WNOHANG) == *pid || clock_now_ns() > until) {
			fprintf(stderr, "%s did not come up; see %s (PUNKTFUNK_KEEP=1 keeps it)\n",
				name, rig.dir);
			end_process(pid, SIGKILL);
			return -1;
		}
		rig_pause_ms(5);
	}
	return 0;
}

static int write_file(const char *name, const char *text)
{
	char path[160];
	snprintf(path, sizeof(path), "%s/%s", rig.dir, name);
	FILE *f = fopen(path, "we");
	if (!f)
		return -1;
	fputs(text, f);
	return fclose(f);
}

/* --- what a session has --- */

static const char bus_config[] =
	"<busconfig><type>session</type><listen>unix:path=%s/run/bus</listen>\n"
	"<auth>EXTERNAL</auth><policy context=\"default\"><allow send_destination=\"*\" "
	"eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy></busconfig>\n";

/* Nothing is started on demand: no portal, no keyring, nobody else's service. */
static int start_bus(void)
{
	char text[1024], path[128], address[128];
	snprintf(text, sizeof(text), bus_config, rig.dir);
	snprintf(path, sizeof(path), "--config-file=%s/bus.conf", rig.dir);
	const char *const argv[] = {"dbus-daemon", path, "--nofork", "--nopidfile", NULL};
	if (write_file("bus.conf", text) < 0)
		return -1;
	snprintf(address, sizeof(address), "unix:path=%s/run/bus", rig.dir);
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
	rig.bus = rig_spawn(argv, -1, -1);
	return wait_answers("bus", &rig.bus);
}

static const char pipewire_config[] =
	"context.properties = { core.daemon = true core.name = pipewire-0 support.dbus = false }\n"
	"context.spa-libs = { audio.convert.* = audioconvert/libspa-audioconvert support.* = "
	"support/libspa-support }\n"
	"context.modules = [ { name = libpipewire-module-protocol-native }\n"
	" { name = libpipewire-module-metadata } { name = libpipewire-module-spa-node-factory }\n"
	" { name = libpipewire-module-client-node } { name = libpipewire-module-access }\n"
	" { name = libpipewire-module-adapter } { name = libpipewire-module-link-factory } ]\n"
	"context.objects = [ { factory = spa-node-factory args = { factory.name = "
	"support.node.driver\n"
	" node.name = Dummy-Driver node.group = pipewire.dummy priority.driver = 20000 } } ]\n";

int rig_start_pipewire(void)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/pipewire.conf", rig.dir);
	const char *const argv[] = {"pipewire", "-c", path, NULL};
	if (write_file("pipewire.conf", pipewire_config) < 0)
		return -1;
	rig.pipewire = rig_spawn(argv, -1, -1);
	return wait_answers("pipewire-0", &rig.pipewire);
}

void rig_end_pipewire(void)
{
	end_process(&rig.pipewire, SIGTERM);
}

int rig_start_compositor(void)
{
	const char *argv[17] = {NULL};
	static char paths[4][160];
	int n_paths = 0;
	for (int i = 0; i < 16 && rig.kind->argv[i]; i++) {
		const char *arg = rig.kind->argv[i];
		argv[i] = arg;
		if (strncmp(arg, "%d", 2) == 0 && n_paths < 4) {
			snprintf(paths[n_paths], sizeof(paths[0]), "%s%s", rig.dir, arg + 2);
			argv[i] = paths[n_paths++];
		}
	}
	if (rig.kind->config && write_file("config", rig.kind->config) < 0)
		return -1;
	rig.compositor = rig_spawn(argv, -1, -1);
	if (wait_answers("wayland-1", &rig.compositor) < 0)
		return -1;
	/* The socket is there before the screen is. */
	const uint64_t until = clock_now_ns() + START_NS;
	struct rig_output outputs[RIG_MAX_OUTPUTS];
	while (rig_list_outputs(outputs, RIG_MAX_OUTPUTS) < 1 && clock_now_ns() < until)
		rig_pause_ms(20);
	return 0;
}

void rig_end_compositor(int signal)
{
	end_process(&rig.compositor, signal);
}

static int make_folders(void)
{
	static const char *const names[] = {"run", "home"};
	char path[128];
	if (test_folder(rig.dir, sizeof(rig.dir), "pf-desk") < 0)
		return -1;
	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", rig.dir, names[i]);
		if (mkdir(path, 0700) < 0)
			return -1;
		setenv(i ? "HOME" : "XDG_RUNTIME_DIR", path, 1);
	}
	return 0;
}

/* A window is where it belongs at once, and the pointer goes as far as it is told. */
static int write_settings(void)
{
	static const char *const folders[] = {
		"home/.config", "home/.config/glib-2.0", "home/.config/glib-2.0/settings"};
	char path[160];
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", rig.dir, folders[i]);
		if (mkdir(path, 0700) < 0)
			return -1;
	}
	return write_file("home/.config/glib-2.0/settings/keyfile",
		"[org/gnome/desktop/interface]\nenable-animations=false\n"
		"[org/gnome/desktop/peripherals/mouse]\naccel-profile='flat'\n");
}

/* Nothing of the desktop of whoever runs the tests. */
static void clear_environment(void)
{
	static const char *const names[] = {"SWAYSOCK", "I3SOCK", "DISPLAY", "SUDO_UID",
		"XDG_CURRENT_DESKTOP", "XDG_SESSION_ID", "XDG_CONFIG_HOME", "XDG_DATA_HOME",
		"PIPEWIRE_REMOTE", "PIPEWIRE_RUNTIME_DIR", "PUNKTFUNK_COMPOSITOR",
		"HYPRLAND_INSTANCE_SIGNATURE"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
	setenv("WAYLAND_DISPLAY", "wayland-1", 1);
	/* A system bus of the machine has nothing to do with it. */
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", 1);
}

int rig_open(const struct rig_compositor *kind)
{
	memset(&rig, 0, sizeof(rig));
	rig.kind = kind;
	signal(SIGPIPE, SIG_IGN);
	clear_environment();
	for (int i = 0; i < 8 && kind->env[i]; i++)
		putenv((char *)(uintptr_t)kind->env[i]);
	/* The installed .desktop file is part of what is tested. */
	if (getenv("PUNKTFUNK_TEST_PERMISSION"))
		unsetenv("KWIN_WAYLAND_NO_PERMISSION_CHECKS");
	if (make_folders() < 0 || write_settings() < 0 || start_bus() < 0)
		return -1;
	if (kind->pipewire && rig_start_pipewire() < 0)
		return -1;
	return rig_start_compositor();
}

void rig_close(void)
{
	char command[128];
	rig_end_host();
	rig_end_compositor(SIGTERM);
	rig_end_pipewire();
	end_process(&rig.bus, SIGTERM);
	if (!rig.dir[0] || getenv("PUNKTFUNK_KEEP"))
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", rig.dir);
	if (system(command) != 0)
		fprintf(stderr, "%s is left\n", rig.dir);
}

/* --- the host --- */

static int start_host(struct host_process *host, const char *const *args, bool choose)
{
	const char *all[16];
	size_t n = 0;
	for (int i = 0; choose && i < 3 && rig.kind->host_args[i]; i++)
		all[n++] = rig.kind->host_args[i];
	while (*args && n < 15)
		all[n++] = *args++;
	all[n] = NULL;
	return host_process_start(host, program_paths[0], all);
}

int rig_start_host(const char *const *args, bool choose)
{
	return start_host(&rig.host, args, choose);
}

int rig_start_host_as(struct host_process *host, const char *const *args)
{
	return start_host(host, args, true);
}

void rig_end_host(void)
{
	if (rig.host.pid > 0)
		host_process_end(&rig.host);
	if (rig.host.dir[0] && !getenv("PUNKTFUNK_KEEP"))
		host_process_clean(&rig.host);
	rig.host.dir[0] = 0;
}

/* --- asking --- */

int rig_ask(const char *const *argv, char *text, size_t cap)
{
	int ends[2], status = -1;
	size_t len = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pid_t pid = rig_spawn(argv, -1, ends[1]);
	close(ends[1]);
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	const uint64_t until = clock_now_ns() + UINT64_C(5000000000);
	for (bool over = false; !over;) {
		over = waitpid(pid, &status, WNOHANG) == pid;
		if (!over && clock_now_ns() > until) {
			end_process(&pid, SIGKILL);
			over = true;
			status = -1;
		}
		ssize_t n;
		while (len + 1 < cap && (n = read(ends[0], text + len, cap - 1 - len)) > 0)
			len += (size_t)n;
		if (!over)
			rig_pause_ms(1);
	}
	close(ends[0]);
	text[len] = 0;
	return status == 0 ? (int)len : -1;
}

int rig_list_outputs(struct rig_output *out, int cap)
{
	const char *const argv[] = {rig_wl_app(), "--list", NULL};
	char text[4096];
	int n = 0;
	if (rig_ask(argv, text, sizeof(text)) < 0)
		return -1;
	for (char *line = strtok(text, "\n"); line && n < cap; line = strtok(NULL, "\n"))
		n += sscanf(line, "output %63s %d %d %d %d %d", out[n].name, &out[n].width,
			     &out[n].height, &out[n].mhz, &out[n].x, &out[n].y) == 6;
	return n;
}

int rig_count_outputs(int width, int height, int mhz)
{
	struct rig_output outputs[RIG_MAX_OUTPUTS];
	const int n = rig_list_outputs(outputs, RIG_MAX_OUTPUTS);
	int found = 0;
	for (int i = 0; i < n; i++)
		found += outputs[i].width == width && outputs[i].height == height &&
			(!mhz || abs(outputs[i].mhz - mhz) <= 10 + rig.kind->rate_off_mhz);
	return n < 0 ? -1 : found;
}

bool rig_wait_outputs(int width, int height, int mhz, int n, unsigned timeout_ms)
{
	const uint64_t until = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	while (rig_count_outputs(width, height, mhz) != n) {
		if (clock_now_ns() > until)
			return false;
		rig_pause_ms(10);
	}
	return true;
}

int rig_count_used(void)
{
	struct rig_output outputs[RIG_MAX_OUTPUTS];
	const int n = rig_list_outputs(outputs, RIG_MAX_OUTPUTS);
	int used = 0;
	for (int i = 0; i < n; i++)
		used += outputs[i].width != RIG_IDLE_WIDTH;
	return n < 0 ? -1 : used;
}
