/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/sway_session.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "host/vdisplay/program.h"
#include "host/vdisplay/run_user.h"
#include "host/vdisplay/session_dir.h"
#include "host/vdisplay/shepherd.h"
#include "host/vdisplay/sway_find.h"
#include "host/vdisplay/sway_ipc.h"

/* sway is up in 70 ms here; a cold disk on a loaded machine is slower by two orders. */
#define START_TIMEOUT_MS 10000u

/* Nothing that pops up (no bar, no swaynag), nothing that covers the app, keys only to come back to it. */
static const char config_text[] =
	"swaynag_command -\n"
	"output * background #1d2433 solid_color\n"
	"default_border none\n"
	"default_floating_border none\n"
	"focus_on_window_activation focus\n"
	"bindsym Mod4+Return exec \"exec /bin/sh $PUNKTFUNK_APP >/dev/null 2>&1\"\n"
	"bindsym Mod4+Shift+q kill\n";

struct start {
	struct sway_session *s;
	struct run_user user;
	const char *renderer; /* NULL: sway's choice */
	char *why;
	size_t why_cap;
};

static int fail(const struct start *st, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(const struct start *st, int err, const char *format, ...)
{
	va_list ap;
	va_start(ap, format);
	vsnprintf(st->why, st->why_cap, format, ap);
	va_end(ap);
	return err;
}

void sway_session_init(struct sway_session *s)
{
	*s = (struct sway_session){.dir_fd = -1, .log_fd = -1};
}

/* The shell command that the session shows when nobody named one; false: no terminal is installed. */
static bool default_app(const struct run_user *user, char *command, size_t cap)
{
	char path[256];
	if (program_find("foot", path, sizeof(path))) {
		/* Its own size is for a desk, not for a sofa; who has a configuration chose theirs. */
		char own[512];
		snprintf(own, sizeof(own), "%s/.config/foot/foot.ini", user->home);
		const bool configured = user->home[0] && access(own, F_OK) == 0;
		snprintf(command, cap, "%s%s", path,
			configured ? "" : " -o main.font=monospace:size=13 -o main.pad=8x8");
		return true;
	}
	const char *const others[] = {getenv("TERMINAL"), "alacritty", "kitty", "wezterm",
		"gnome-terminal", "konsole", "weston-terminal", "x-terminal-emulator"};
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (others[i] && others[i][0] && program_find(others[i], path, sizeof(path))) {
			snprintf(command, cap, "%s", path);
			return true;
		}
	}
	return false;
}

static int write_files(const struct start *st, const char *app)
{
	struct sway_session *s = st->s;
	char command[4096], script[4352];
	if (app && *app) {
		if (snprintf(command, sizeof(command), "%s", app) >= (int)sizeof(command))
			return fail(st, PF_E_INVALID, "the app's command line is too long");
	} else if (!default_app(&st->user, command, sizeof(command))) {
		command[0] = 0;
	}
	int err = 0;
	if (command[0]) {
		snprintf(script, sizeof(script), "cd\n%s\n", command);
		snprintf(s->app_path, sizeof(s->app_path), "%s/app", s->dir);
		err = session_dir_write(s->dir_fd, "app", script);
	}
	if (err >= 0)
		err = session_dir_write(s->dir_fd, "config", config_text);
	if (err >= 0)
		err = session_dir_add(s->dir_fd, "run", st->user.uid, st->user.gid);
	if (err >= 0 && !st->user.home[0])
		err = session_dir_add(s->dir_fd, "home", st->user.uid, st->user.gid);
	if (err >= 0) {
		s->log_fd = openat(s->dir_fd, "sway.log",
			O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (s->log_fd < 0)
			err = pf_error_from_errno(errno);
	}
	if (err < 0)
		return fail(st, err, "cannot write to %s (%s); make room there", s->dir,
			pf_strerror(err));
	return 0;
}

static void build_env(const struct start *st, struct program_env *e)
{
	static const char *const own[] = {"WLR_BACKENDS=", "WLR_LIBINPUT_NO_DEVICES=",
		"WLR_HEADLESS_OUTPUTS=", "WLR_RENDERER=", NULL};
	const struct sway_session *s = st->s;
	char text[SWAY_SESSION_PATH_MAX];
	snprintf(text, sizeof(text), "%s/home", s->dir);
	program_env_init(e, &st->user, text, own);
	snprintf(text, sizeof(text), "%s/run", s->dir);
	program_env_set(e, "XDG_RUNTIME_DIR", text);
	program_env_set(e, "XDG_SESSION_TYPE", "wayland");
	program_env_set(e, "XDG_CURRENT_DESKTOP", "sway");
	program_env_set(e, "SWAYSOCK", s->ipc_path);
	program_env_set(e, "WLR_BACKENDS", "headless");
	program_env_set(e, "WLR_LIBINPUT_NO_DEVICES", "1");
	/* Outputs are the clients', made to their size. */
	program_env_set(e, "WLR_HEADLESS_OUTPUTS", "0");
	program_env_set(e, "WLR_RENDERER", st->renderer);
	if (s->app_path[0])
		program_env_set(e, "PUNKTFUNK_APP", s->app_path);
}

static int spawn(const struct start *st, const char *program)
{
	struct sway_session *s = st->s;
	char config[SWAY_SESSION_PATH_MAX], home[SWAY_SESSION_PATH_MAX];
	snprintf(config, sizeof(config), "%s/config", s->dir);
	snprintf(home, sizeof(home), "%s/home", s->dir);
	struct program_env *env = calloc(1, sizeof(*env));
	if (!env)
		return fail(st, PF_E_NOMEM, "no memory to start sway");
	build_env(st, env);
	char *const argv[] = {(char *)"sway", (char *)"-c", config, NULL};
	const struct shepherd_params params = {
		.path = program,
		.argv = argv,
		.envp = (char *const *)env->vars,
		.dir = "/",
		.log_fd = s->log_fd,
		.drop = st->user.drop,
		.uid = st->user.uid,
		.gid = st->user.gid,
		.groups = st->user.groups,
		.n_groups = st->user.n_groups,
	};
	const int err = shepherd_start(&params, &s->pid);
	free(env);
	if (err < 0)
		return fail(st, err, "cannot start a process for sway: %s", pf_strerror(err));
	return 0;
}

static int wait_until_up(const struct start *st)
{
	struct sway_session *s = st->s;
	const uint64_t deadline_ns = clock_now_ns() + START_TIMEOUT_MS * UINT64_C(1000000);
	while (clock_now_ns() < deadline_ns) {
		struct sway_ipc ipc;
		json_t *version = NULL;
		int err = sway_ipc_open(&ipc, s->ipc_path);
		if (err >= 0)
			err = sway_ipc_request(&ipc, SWAY_IPC_GET_VERSION, NULL, &version);
		json_decref(version);
		if (err >= 0)
			err = sway_find_wayland(s->ipc_path, ipc.peer_pid, s->wayland_path,
				sizeof(s->wayland_path));
		sway_ipc_close(&ipc);
		if (err >= 0)
			return 0;
		int status;
		if (waitpid(s->pid, &status, WNOHANG) == s->pid) {
			s->pid = 0;
			return fail(st, PF_E_IO, "sway ended at its start: %s",
				sway_session_last_words(s));
		}
		const struct timespec pause = {0, 5000000};
		nanosleep(&pause, NULL);
	}
	return fail(st, PF_E_TIMEOUT, "sway did not come up within %u s: %s",
		START_TIMEOUT_MS / 1000, sway_session_last_words(s));
}

static int start_once(const struct start *st, const char *program, const char *app)
{
	struct sway_session *s = st->s;
	sway_session_init(s);
	s->dir_fd = session_dir_create(s->dir, sizeof(s->dir));
	if (s->dir_fd < 0)
		return fail(st, PF_E_IO, "no folder for the session can be made in /run or /tmp");
	snprintf(s->ipc_path, sizeof(s->ipc_path), "%s/run/sway.sock", s->dir);
	int err = write_files(st, app);
	if (err >= 0)
		err = spawn(st, program);
	if (err >= 0)
		err = wait_until_up(st);
	if (err < 0)
		sway_session_stop(s);
	return err;
}

static bool has_render_node(void)
{
	DIR *dir = opendir("/dev/dri");
	bool found = false;
	const struct dirent *e;
	while (dir && !found && (e = readdir(dir)) != NULL) {
		char path[300];
		snprintf(path, sizeof(path), "/dev/dri/%s", e->d_name);
		const int fd = strncmp(e->d_name, "renderD", 7) == 0
			? open(path, O_RDWR | O_CLOEXEC)
			: -1;
		found = fd >= 0;
		if (found)
			close(fd);
	}
	if (dir)
		closedir(dir);
	return found;
}

static int check(struct start *st, const char *user, char *program, size_t cap)
{
	if (!program_find("sway", program, cap))
		return fail(st, PF_E_UNSUPPORTED,
			"no compositor is running and sway is not installed; install the packages "
			"sway and foot");
	return run_user_find(&st->user, user, st->why, st->why_cap);
}

int sway_session_check(const char *user, char *why, size_t why_cap)
{
	struct start st = {.why = why, .why_cap = why_cap};
	char program[256];
	return check(&st, user, program, sizeof(program));
}

int sway_session_start(
	struct sway_session *s, const char *app, const char *user, char *why, size_t why_cap)
{
	struct start st = {.s = s, .why = why, .why_cap = why_cap};
	char program[256];
	sway_session_init(s);
	int err = check(&st, user, program, sizeof(program));
	if (err < 0)
		return err;
	const char *asked = getenv("WLR_RENDERER");
	st.renderer = asked && *asked ? asked : has_render_node() ? NULL : "pixman";
	err = start_once(&st, program, app);
	if (err < 0 &&
		!st.renderer) { /* a GPU that does not work is no reason to have no session */
		st.renderer = "pixman";
		err = start_once(&st, program, app);
	}
	return err;
}

void sway_session_stop(struct sway_session *s)
{
	shepherd_stop(s->pid);
	sway_session_forget(s);
}

void sway_session_forget(struct sway_session *s)
{
	if (s->log_fd >= 0)
		close(s->log_fd);
	session_dir_remove(s->dir, s->dir_fd);
	sway_session_init(s);
}

const char *sway_session_last_words(const struct sway_session *s)
{
	return program_last_words(s->log_fd);
}
