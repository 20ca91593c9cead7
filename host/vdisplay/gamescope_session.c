/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/gamescope_session.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/wire/text.h"
#include "host/media/clock.h"
#include "host/pipewire/pwnode.h"
#include "host/vdisplay/program.h"
#include "host/vdisplay/session_dir.h"
#include "host/vdisplay/shepherd.h"
#include "host/vdisplay/vdisplay.h"

/* The first window of Vulkan takes a second on a cold disk; the control loop waits, and with it every client. */
#define START_TIMEOUT_NS VDISPLAY_HOLD_NS
#define LOOK_EVERY_NS	 5000000
/* Its first display, as the folder that it makes it in is new. */
#define EIS_SOCKET "gamescope-0-ei"
#define NODE_NAME  "gamescope"
/* What the reason is looked for in: an error of Vulkan is followed by some screens of others. */
#define LOG_TAIL 8192

static int fail(char *why, size_t cap, int err, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(char *why, size_t cap, int err, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vsnprintf(why, cap, format, ap);
	va_end(ap);
	return err;
}

/* --- what has to be there --- */

static bool is_theirs(const char *path, uid_t uid)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == uid;
}

/* The user's own runtime folder: root is told the one that logind makes. */
static int find_runtime(struct gamescope_setup *u, char *why, size_t cap)
{
	const char *own = getenv("XDG_RUNTIME_DIR");
	char path[GAMESCOPE_PATH_MAX];
	if (!u->user.drop && own && *own)
		snprintf(path, sizeof(path), "%s", own);
	else
		snprintf(path, sizeof(path), "/run/user/%u", (unsigned)u->user.uid);
	if (path[0] != '/' || !is_theirs(path, u->user.uid))
		return fail(why, cap, PF_E_UNSUPPORTED,
			"the runtime folder %s is not there or is not %s's, so there is no "
			"PipeWire "
			"to get gamescope's pictures from: log in as that user, or run loginctl "
			"enable-linger %s",
			path, u->user.name, u->user.name);
	snprintf(u->runtime, sizeof(u->runtime), "%s", path);
	return PF_OK;
}

static int find_pipewire(struct gamescope_setup *u, char *why, size_t cap)
{
	const char *remote = u->user.drop ? NULL : getenv("PIPEWIRE_REMOTE");
	const char *dir = u->user.drop ? NULL : getenv("PIPEWIRE_RUNTIME_DIR");
	struct stat st;
	if (!remote || !*remote)
		remote = "pipewire-0";
	if (!dir || !*dir)
		dir = u->runtime;
	const int n = remote[0] == '/'
		? snprintf(u->pipewire, sizeof(u->pipewire), "%s", remote)
		: snprintf(u->pipewire, sizeof(u->pipewire), "%s/%s", dir, remote);
	if (n < (int)sizeof(u->pipewire) && stat(u->pipewire, &st) == 0 && S_ISSOCK(st.st_mode))
		return PF_OK;
	return fail(why, cap, PF_E_UNSUPPORTED,
		"gamescope gives its pictures through PipeWire, and no PipeWire daemon listens at "
		"%.100s: start it as %s with systemctl --user start pipewire wireplumber",
		u->pipewire, u->user.name);
}

/* A display each is asked for anew, and the program stays the same. */
static int ask(struct gamescope_setup *u)
{
	static struct {
		char program[sizeof(u->program)];
		struct stat st;
		struct gamescope_version version;
	} last;
	struct stat st;
	if (stat(u->program, &st) < 0)
		return pf_error_from_errno(errno);
	if (strcmp(last.program, u->program) == 0 && st.st_ino == last.st.st_ino &&
		st.st_dev == last.st.st_dev && st.st_ctim.tv_sec == last.st.st_ctim.tv_sec &&
		st.st_ctim.tv_nsec == last.st.st_ctim.tv_nsec) {
		u->version = last.version;
		return PF_OK;
	}
	const int err = gamescope_ask(&u->version, u->program);
	if (err < 0)
		return err;
	snprintf(last.program, sizeof(last.program), "%s", u->program);
	last.st = st;
	last.version = u->version;
	return PF_OK;
}

int gamescope_setup_find(struct gamescope_setup *u, const char *user, char *why, size_t cap)
{
	char version[48];
	memset(u, 0, sizeof(*u));
	/* Debian keeps it where only players look. */
	if (!program_find("gamescope", u->program, sizeof(u->program)) &&
		!program_find("/usr/games/gamescope", u->program, sizeof(u->program)))
		return fail(why, cap, PF_E_UNSUPPORTED,
			"gamescope is not installed: install it in version 3.16.22 or newer");
	int err = run_user_find(&u->user, user, why, cap);
	if (err < 0)
		return err;
	err = ask(u);
	if (err < 0)
		return fail(why, cap, err, "%.100s --help %s: see that it runs in a terminal",
			u->program, err == PF_E_TIMEOUT ? "does not end" : "cannot be run");
	gamescope_version_text(&u->version, version, sizeof(version));
	if (!gamescope_is_headless(&u->version))
		return fail(why, cap, PF_E_UNSUPPORTED,
			"the installed gamescope (%.100s, %s) has no headless mode: it came with "
			"3.12; install 3.16.22 or newer",
			u->program, version);
	err = find_runtime(u, why, cap);
	return err < 0 ? err : find_pipewire(u, why, cap);
}

/* --- its start --- */

struct start {
	struct gamescope_session *s;
	const struct gamescope_setup *u;
	const char *layout;
	char *why;
	size_t cap;
};

void gamescope_session_init(struct gamescope_session *s)
{
	*s = (struct gamescope_session){.dir_fd = -1, .log_fd = -1};
}

/* gamescope shows windows of X. */
static bool default_app(char *command, size_t cap)
{
	const char *const terminals[] = {getenv("TERMINAL"), "xterm", "alacritty", "kitty",
		"gnome-terminal", "konsole", "x-terminal-emulator"};
	for (size_t i = 0; i < sizeof(terminals) / sizeof(terminals[0]); i++) {
		if (terminals[i] && terminals[i][0] && program_find(terminals[i], command, cap))
			return true;
	}
	return false;
}

/*
 * A runtime folder of its own, so that its sockets cannot be taken for another gamescope's and are gone with it; what
 * its programs want of the user's is linked there. Not the desktop's Wayland socket: windows would go there.
 */
static int link_runtime(const struct start *st)
{
	static const char *const names[] = {"bus", "doc", "pulse"};
	char target[GAMESCOPE_PATH_MAX + 16];
	const int run_fd = openat(
		st->s->dir_fd, "run", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (run_fd < 0)
		return pf_error_from_errno(errno);
	int err = symlinkat(st->u->pipewire, run_fd, "pipewire-0") < 0 ? pf_error_from_errno(errno)
								       : PF_OK;
	for (size_t i = 0; err >= 0 && i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(target, sizeof(target), "%s/%s", st->u->runtime, names[i]);
		if (access(target, F_OK) == 0 && symlinkat(target, run_fd, names[i]) < 0)
			err = pf_error_from_errno(errno);
	}
	close(run_fd);
	return err;
}

static int write_files(const struct start *st, const char *app)
{
	struct gamescope_session *s = st->s;
	char command[4096], script[4352];
	if (app && *app) {
		if (snprintf(command, sizeof(command), "%s", app) >= (int)sizeof(command))
			return fail(st->why, st->cap, PF_E_INVALID,
				"the app's command line is too long");
	} else if (!default_app(command, sizeof(command))) {
		return fail(st->why, st->cap, PF_E_UNSUPPORTED,
			"gamescope needs a program to show, and no terminal of X is installed: "
			"name "
			"one with --app COMMAND, or install xterm");
	}
	/* What a game says fills no memory. */
	snprintf(script, sizeof(script), "cd\nexec >/dev/null 2>&1\n%s\n", command);
	const struct run_user *user = &st->u->user;
	int err = session_dir_write(s->dir_fd, "app", script);
	if (err >= 0)
		err = session_dir_add(s->dir_fd, "run", user->uid, user->gid);
	if (err >= 0 && !user->home[0])
		err = session_dir_add(s->dir_fd, "home", user->uid, user->gid);
	if (err >= 0)
		err = link_runtime(st);
	if (err >= 0) {
		s->log_fd = openat(s->dir_fd, "gamescope.log",
			O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (s->log_fd < 0)
			err = pf_error_from_errno(errno);
	}
	if (err < 0)
		return fail(st->why, st->cap, err, "cannot write to %s (%s); make room there",
			s->dir, pf_strerror(err));
	return PF_OK;
}

static void build_env(const struct start *st, struct program_env *e)
{
	static const char *const own[] = {"GAMESCOPE_WAYLAND_DISPLAY=", "LIBEI_SOCKET=",
		"STEAM_GAME_DISPLAY_0=", "PIPEWIRE_REMOTE=", "PIPEWIRE_RUNTIME_DIR=",
		"PULSE_SERVER=", "DBUS_SESSION_BUS_ADDRESS=", "XKB_DEFAULT_LAYOUT=", NULL};
	const char *runtime = st->u->runtime;
	char text[GAMESCOPE_PATH_MAX + 64], bus[GAMESCOPE_PATH_MAX + 64];
	snprintf(text, sizeof(text), "%s/home", st->s->dir);
	program_env_init(e, &st->u->user, text, own);
	snprintf(text, sizeof(text), "%s/run", st->s->dir);
	program_env_set(e, "XDG_RUNTIME_DIR", text);
	program_env_set(e, "XKB_DEFAULT_LAYOUT", st->layout);
	/* Pulse's library trusts no folder that is a link. */
	snprintf(text, sizeof(text), "%s/pulse/native", runtime);
	const bool pulse = access(text, F_OK) == 0;
	snprintf(text, sizeof(text), "unix:%s/pulse/native", runtime);
	const char *pulse_own = st->u->user.drop ? NULL : getenv("PULSE_SERVER");
	program_env_set(e, "PULSE_SERVER", pulse_own ? pulse_own : pulse ? text : NULL);
	snprintf(bus, sizeof(bus), "%s/bus", runtime);
	const bool has_bus = access(bus, F_OK) == 0;
	snprintf(bus, sizeof(bus), "unix:path=%s/bus", runtime);
	const char *bus_own = st->u->user.drop ? NULL : getenv("DBUS_SESSION_BUS_ADDRESS");
	program_env_set(e, "DBUS_SESSION_BUS_ADDRESS", bus_own ? bus_own : has_bus ? bus : NULL);
}

static int spawn(const struct start *st, const struct gamescope_mode *mode)
{
	char width[16], height[16], hz[16], app[GAMESCOPE_PATH_MAX];
	const bool newer = st->u->version.backend_option;
	snprintf(width, sizeof(width), "%u", mode->width);
	snprintf(height, sizeof(height), "%u", mode->height);
	snprintf(hz, sizeof(hz), "%u", mode->refresh_hz);
	snprintf(app, sizeof(app), "%s/app", st->s->dir);
	const char *const words[] = {"gamescope", "-W", width, "-H", height, "-w", width, "-h",
		height, "-r", hz, newer ? "--backend" : "--headless", newer ? "headless" : "--",
		newer ? "--" : "/bin/sh", newer ? "/bin/sh" : app, newer ? app : NULL, NULL};
	struct program_env *env = calloc(1, sizeof(*env));
	if (!env)
		return fail(st->why, st->cap, PF_E_NOMEM, "no memory to start gamescope");
	build_env(st, env);
	const struct shepherd_params params = {
		.path = st->u->program,
		.argv = (char *const *)words,
		.envp = (char *const *)env->vars,
		.dir = "/",
		.log_fd = st->s->log_fd,
		.drop = st->u->user.drop,
		.uid = st->u->user.uid,
		.gid = st->u->user.gid,
		.groups = st->u->user.groups,
		.n_groups = st->u->user.n_groups,
	};
	const int err = shepherd_start(&params, &st->s->pid);
	free(env);
	if (err < 0)
		return fail(st->why, st->cap, err, "cannot start a process for gamescope: %s",
			pf_strerror(err));
	return PF_OK;
}

static int look(const struct start *st, struct pwnode *node)
{
	struct gamescope_session *s = st->s;
	int status;
	if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
		s->pid = 0;
		return fail(st->why, st->cap, PF_E_IO, "gamescope ended at its start: %s",
			gamescope_session_words(s));
	}
	const int got = pwnode_get(node, &s->node_id);
	if (got < 0)
		return fail(st->why, st->cap, got,
			"the PipeWire daemon at %s does not answer, so gamescope's pictures cannot "
			"be "
			"had: restart it with systemctl --user restart pipewire wireplumber",
			st->u->pipewire);
	return got;
}

static int wait_until_up(const struct start *st)
{
	struct gamescope_session *s = st->s;
	const struct pwnode_params params = {st->u->pipewire, NODE_NAME, s->pid};
	const uint64_t deadline_ns = clock_now_ns() + START_TIMEOUT_NS;
	struct pwnode *node;
	int err = pwnode_create(&node, &params);
	if (err < 0)
		return fail(st->why, st->cap, err, "no memory to look for gamescope's pictures");
	while ((err = look(st, node)) == 0 && clock_now_ns() < deadline_ns) {
		const struct timespec pause = {0, LOOK_EVERY_NS};
		nanosleep(&pause, NULL);
	}
	pwnode_destroy(node);
	if (err == 0)
		return fail(st->why, st->cap, PF_E_TIMEOUT,
			"gamescope gave no pictures to PipeWire within %u s: %s",
			(unsigned)(START_TIMEOUT_NS / 1000000000u), gamescope_session_words(s));
	if (err > 0) /* it was made before the node */
		s->has_eis = access(s->eis_path, F_OK) == 0;
	return err < 0 ? err : PF_OK;
}

int gamescope_session_start(struct gamescope_session *s, const struct gamescope_setup *u,
	const char *app, const char *layout, const struct gamescope_mode *mode, char *why,
	size_t cap)
{
	const struct start st = {s, u, layout, why, cap};
	gamescope_session_init(s);
	s->dir_fd = session_dir_create(s->dir, sizeof(s->dir));
	if (s->dir_fd < 0)
		return fail(
			why, cap, PF_E_IO, "no folder for the session can be made in /run or /tmp");
	snprintf(s->eis_path, sizeof(s->eis_path), "%s/run/" EIS_SOCKET, s->dir);
	int err = write_files(&st, app);
	if (err >= 0)
		err = spawn(&st, mode);
	return err < 0 ? err : wait_until_up(&st);
}

/* --- its end --- */

void gamescope_session_ask_end(struct gamescope_session *s)
{
	if (s->pid > 0)
		kill(s->pid, SIGTERM);
}

void gamescope_session_stop(struct gamescope_session *s)
{
	shepherd_stop(s->pid);
	gamescope_session_forget(s);
}

void gamescope_session_forget(struct gamescope_session *s)
{
	if (s->log_fd >= 0)
		close(s->log_fd);
	session_dir_remove(s->dir, s->dir_fd);
	gamescope_session_init(s);
}

const char *gamescope_session_words(const struct gamescope_session *s)
{
	static char text[700];
	char tail[LOG_TAIL], said[240];
	const off_t size = s->log_fd >= 0 ? lseek(s->log_fd, 0, SEEK_END) : 0;
	const off_t from = size > LOG_TAIL - 1 ? size - LOG_TAIL + 1 : 0;
	const ssize_t n = size > 0 ? pread(s->log_fd, tail, sizeof(tail) - 1, from) : 0;
	tail[n > 0 ? n : 0] = 0;
	const char *line = NULL;
	size_t len = 0;
	const char *remedy = gamescope_remedy(tail, &line, &len);
	if (!remedy)
		return program_last_words(s->log_fd);
	pf_text_clean(said, sizeof(said), line, len);
	snprintf(text, sizeof(text), "%s; it said: %s", remedy, said);
	return text;
}
