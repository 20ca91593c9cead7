/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/run.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/gamestream/apps.h"
#include "host/media/clock.h"
#include "host/vdisplay/run_user.h"
#include "host/vdisplay/shepherd.h"

#define MAX_ENV	 512u /* a person's environment has some fifty */
#define ENV_TEXT 4096u
/* Ends with the number of the command that failed. */
#define PREPARE_SCRIPT "i=0; for c; do i=$((i+1)); sh -c \"$c\" || exit $i; done"
#define UNDO_SCRIPT    "for c; do sh -c \"$c\"; done"

enum step { PREPARING, READY, RUNNING, ENDING, UNDOING };

struct app_run {
	struct app_run *next;
	struct app_runs *all;
	struct app_run_params params;
	enum step step;
	char client[PF_NAME_MAX + 1];
	uint8_t owner[APP_RUN_OWNER_LEN];
	size_t n_undo; /* of the first so many commands */
	uint64_t started_ns;
	int pid;
	struct loop_source *child;
	bool orphan; /* app_run_end() was called */
};

struct app_runs {
	struct loop *loop;
	struct run_user user;
	struct app_run *list;
};

struct env {
	size_t n, used;
	const char *vars[MAX_ENV + 1];
	char text[ENV_TEXT];
};

extern char **environ;

static void env_add(struct env *e, const char *name, const char *value)
{
	size_t left = sizeof(e->text) - e->used;
	int len = snprintf(e->text + e->used, left, "%s=%s", name, value);
	if (len < 0 || (size_t)len >= left || e->n == MAX_ENV)
		return;
	e->vars[e->n++] = e->text + e->used;
	e->used += (size_t)len + 1;
}

/* Root's environment is nobody's business. */
static void add_base(struct env *e, const struct run_user *user)
{
	const char *path = getenv("PATH"), *lang = getenv("LANG");
	if (!user->drop) {
		for (char **v = environ; *v && e->n < MAX_ENV / 2; v++)
			if (strncmp(*v, "NOTIFY_SOCKET=", 14) && strncmp(*v, "LISTEN_", 7) &&
				strncmp(*v, "WAYLAND_DISPLAY=", 16))
				e->vars[e->n++] = *v;
		return;
	}
	env_add(e, "PATH", path && *path ? path : "/usr/local/bin:/usr/bin:/bin");
	env_add(e, "LANG", lang && *lang ? lang : "C.UTF-8");
	env_add(e, "HOME", user->home[0] ? user->home : "/");
	env_add(e, "SHELL", user->shell);
	env_add(e, "USER", user->name);
	env_add(e, "LOGNAME", user->name);
}

static void add_display(struct env *e, const struct run_user *user, const char *wayland_display)
{
	char dir[108];
	if (!*wayland_display)
		return;
	env_add(e, "WAYLAND_DISPLAY", wayland_display);
	snprintf(dir, sizeof(dir), "%s", wayland_display);
	char *slash = strrchr(dir, '/');
	if (!slash || slash == dir || !user->drop)
		return;
	*slash = '\0';
	env_add(e, "XDG_RUNTIME_DIR", dir);
}

static void add_own(struct env *e, const struct app_run *r)
{
	const struct app *app = r->params.app;
	char text[16];
	env_add(e, "PUNKTFUNK_CLIENT_NAME", r->client);
	snprintf(text, sizeof(text), "%u", r->params.mode.width);
	env_add(e, "PUNKTFUNK_CLIENT_WIDTH", text);
	snprintf(text, sizeof(text), "%u", r->params.mode.height);
	env_add(e, "PUNKTFUNK_CLIENT_HEIGHT", text);
	snprintf(text, sizeof(text), "%u", r->params.mode.refresh_hz);
	env_add(e, "PUNKTFUNK_CLIENT_FPS", text);
	for (size_t i = 0; i < app->n_env && e->n < MAX_ENV; i++)
		e->vars[e->n++] = app->env[i];
}

/* argv[0] is a program of PATH. */
static int spawn(struct app_run *r, char *const *argv, const char *wayland_display,
	char (*more)[APP_RUN_ENV_LEN], bool quiet)
{
	const struct run_user *user = &r->all->user;
	struct env *env = calloc(1, sizeof(*env));
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC), err = PF_E_NOMEM;
	if (!env || null_fd < 0)
		goto done;
	add_base(env, user);
	add_display(env, user, wayland_display);
	for (size_t i = 0; more && i < APP_RUN_ENV && env->n < MAX_ENV; i++)
		if (more[i][0])
			env->vars[env->n++] = more[i];
	add_own(env, r);
	const char *dir = r->params.app->dir;
	const struct shepherd_params params = {
		.path = "/bin/sh",
		.argv = argv,
		.envp = (char *const *)env->vars,
		.dir = dir		? dir
			: user->home[0] ? user->home
					: "/",
		.log_fd = quiet && log_get_level() < LOG_DEBUG ? null_fd : STDERR_FILENO,
		.drop = user->drop,
		.uid = user->uid,
		.gid = user->gid,
		.groups = user->groups,
		.n_groups = user->n_groups,
	};
	err = shepherd_start(&params, &r->pid);
done:
	if (null_fd >= 0)
		close(null_fd);
	free(env);
	return err;
}

static void free_run(struct app_run *r)
{
	for (struct app_run **at = &r->all->list; *at; at = &(*at)->next)
		if (*at == r) {
			*at = r->next;
			break;
		}
	loop_remove(&r->child);
	app_unref(r->params.app);
	free(r);
}

static void on_child(int pid, int status, void *userdata);

static int watch(struct app_run *r)
{
	int err = loop_add_child(r->all->loop, &r->child, r->pid, on_child, r);
	if (err < 0) {
		shepherd_stop(r->pid);
		r->pid = 0;
	}
	return err;
}

static int start_undo(struct app_run *r)
{
	const struct app *app = r->params.app;
	const char *argv[APP_COMMANDS + 5] = {"sh", "-c", UNDO_SCRIPT, "sh"};
	size_t n = 4;
	for (size_t i = r->n_undo; i-- > 0;)
		if (app->commands[i].undo)
			argv[n++] = app->commands[i].undo;
	r->n_undo = 0;
	r->step = UNDOING;
	return n > 4 ? spawn(r, (char *const *)argv, "", NULL, false) : PF_E_NO_FRAME;
}

/* Nothing of it runs: undo, then it is over. */
static void undo_or_free(struct app_run *r)
{
	int err = start_undo(r);
	if (err >= 0)
		err = watch(r);
	if (err < 0 && err != PF_E_NO_FRAME)
		log_warn("gamestream: '%s' could not be undone: %s", r->params.app->title,
			pf_strerror(err));
	if (err < 0)
		free_run(r);
}

static void on_prepared(struct app_run *r, int status)
{
	const struct app *app = r->params.app;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 255;
	char why[256] = "";
	size_t failed = code >= 1 && (size_t)code <= app->n_commands ? (size_t)code : 0;
	if (failed)
		snprintf(why, sizeof(why), "Prepare command %zu of %s failed: see the host's log.",
			failed, app->title);
	else if (code)
		snprintf(why, sizeof(why), "The prepare commands of %s were ended.", app->title);
	r->n_undo = failed ? failed : app->n_commands;
	r->step = READY;
	if (r->orphan)
		undo_or_free(r);
	else
		r->params.prepared(code ? PF_E_IO : PF_OK, why, r->params.userdata);
}

static void on_child(int pid, int status, void *userdata)
{
	struct app_run *r = userdata;
	(void)pid;
	loop_remove(&r->child);
	r->pid = 0;
	switch (r->step) {
	case PREPARING:
		on_prepared(r, status);
		break;
	case RUNNING:
		r->step = READY;
		if (status == 0 && clock_now_ns() - r->started_ns < APP_RUN_LAUNCHER_NS)
			log_info("gamestream: '%s' ended well at once: it handed over to another "
				 "program, the session goes on",
				r->params.app->title);
		else
			r->params.ended(r->params.userdata);
		break;
	case ENDING:
		undo_or_free(r);
		break;
	default:
		free_run(r);
	}
}

static int start_prepare(struct app_run *r)
{
	const struct app *app = r->params.app;
	const char *argv[APP_COMMANDS + 5] = {"sh", "-c", PREPARE_SCRIPT, "sh"};
	for (size_t i = 0; i < app->n_commands; i++)
		argv[4 + i] = app->commands[i].run ? app->commands[i].run : ":";
	r->step = PREPARING;
	int err = spawn(r, (char *const *)argv, "", NULL, false);
	return err < 0 ? err : watch(r);
}

/* Nobody may heap up processes by starting and quitting. */
static bool is_ending_too_much(const struct app_runs *rs, const uint8_t *owner)
{
	unsigned n = 0;
	for (const struct app_run *r = rs->list; r; r = r->next)
		n += r->orphan && !memcmp(r->owner, owner, sizeof(r->owner));
	return n >= APP_RUN_ENDING;
}

int app_run_create(struct app_runs *rs, struct app_run **out, const struct app_run_params *params,
	char *why, size_t why_len)
{
	struct stat st;
	const struct app *app = params->app;
	if (app->dir && (stat(app->dir, &st) < 0 || !S_ISDIR(st.st_mode))) {
		snprintf(why, why_len, "The working directory of %s is missing on the host.",
			app->title);
		return PF_E_INVALID;
	}
	if ((app->n_commands || app->command) && is_ending_too_much(rs, params->owner)) {
		snprintf(why, why_len,
			"What this device quit before is still being ended on the host: wait, or "
			"look there which undo command hangs.");
		return PF_E_BUSY;
	}
	struct app_run *r = calloc(1, sizeof(*r));
	if (!r) {
		snprintf(why, why_len, "The host is out of memory.");
		return PF_E_NOMEM;
	}
	r->all = rs;
	r->params = *params;
	app_ref(r->params.app);
	snprintf(r->client, sizeof(r->client), "%s", params->client);
	memcpy(r->owner, params->owner, sizeof(r->owner));
	r->params.owner = r->owner;
	r->step = READY;
	r->next = rs->list;
	rs->list = r;
	int err = app->n_commands ? start_prepare(r) : 1;
	if (err < 0) {
		snprintf(why, why_len, "The prepare commands of %s could not be started: %s.",
			app->title, pf_strerror(err));
		free_run(r);
		return err;
	}
	*out = r;
	return err;
}

int app_run_start(struct app_run *r, const char *wayland_display, char (*env)[APP_RUN_ENV_LEN],
	char *why, size_t why_len)
{
	const struct app *app = r->params.app;
	char width[12], height[12], hz[12];
	const char *argv[24] = {"sh", "-c", "exec \"$@\"", "sh"};
	size_t n = 4;
	if (!app->command)
		return PF_OK;
	snprintf(width, sizeof(width), "%u", r->params.mode.width);
	snprintf(height, sizeof(height), "%u", r->params.mode.height);
	snprintf(hz, sizeof(hz), "%u", r->params.mode.refresh_hz);
	if (app->compositor && !strcmp(app->compositor, "gamescope")) {
		const char *const words[] = {"gamescope", "-f", "-W", width, "-H", height, "-w",
			width, "-h", height, "-r", hz, "--"};
		memcpy(argv + n, words, sizeof(words));
		n += sizeof(words) / sizeof(words[0]);
	} else if (app->compositor) {
		argv[n++] = app->compositor;
		argv[n++] = "--";
	}
	argv[n++] = "sh";
	argv[n++] = "-c";
	argv[n++] = app->command;
	r->started_ns = clock_now_ns();
	int err = spawn(r, (char *const *)argv, wayland_display, env, true);
	if (err >= 0)
		err = watch(r);
	if (err < 0) {
		snprintf(
			why, why_len, "%s could not be started: %s.", app->title, pf_strerror(err));
		return err;
	}
	r->step = RUNNING;
	return PF_OK;
}

int app_run_pid(const struct app_run *r)
{
	return r && r->step == RUNNING ? r->pid : 0;
}

void app_run_end(struct app_run *r)
{
	if (!r)
		return;
	r->orphan = true;
	if (r->step == READY) {
		undo_or_free(r);
		return;
	}
	if (r->step == RUNNING)
		r->step = ENDING;
	kill(r->pid, SIGTERM); /* a shepherd: it ends all that it has, by force where it must */
}

int app_runs_create(struct app_runs **out, struct loop *loop, const char *user)
{
	char why[256];
	struct app_runs *rs = calloc(1, sizeof(*rs));
	if (!rs)
		return PF_E_NOMEM;
	rs->loop = loop;
	int err = run_user_find(&rs->user, user, why, sizeof(why));
	if (err < 0) {
		log_error("gamestream: %s", why);
		free(rs);
		return err;
	}
	*out = rs;
	return PF_OK;
}

static void finish_undo(struct app_run *r)
{
	if (start_undo(r) < 0)
		return;
	for (unsigned ms = 0; ms < APP_RUN_UNDO_MS; ms += 10) {
		if (waitpid(r->pid, NULL, WNOHANG) == r->pid)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	shepherd_stop(r->pid);
}

void app_runs_destroy(struct app_runs *rs)
{
	if (!rs)
		return;
	while (rs->list) {
		struct app_run *r = rs->list;
		loop_remove(&r->child);
		if (r->step == PREPARING)
			r->n_undo = r->params.app->n_commands;
		shepherd_stop(r->pid);
		if (r->step != UNDOING)
			finish_undo(r);
		free_run(r);
	}
	free(rs);
}
