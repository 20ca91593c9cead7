/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/launch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/sha.h>

#include "core/base/alloc.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/gamestream/apps.h"
#include "host/media/clock.h"

struct launches {
	struct loop *loop;
	struct launch_hooks hooks;
	unsigned max, n;
	uint64_t last_id;
	struct gs_launch *list; /* newest first */
	struct app_runs *runs;
	struct loop_source *timer;
};

static void rearm(struct launches *ls)
{
	uint64_t next = UINT64_MAX;
	for (const struct gs_launch *l = ls->list; l; l = l->next)
		if (l->deadline_ns < next)
			next = l->deadline_ns;
	loop_set_deadline(ls->timer, next);
}

static void set_state(
	struct launches *ls, struct gs_launch *l, enum launch_state state, uint64_t wait_ns)
{
	l->state = state;
	l->deadline_ns = wait_ns == UINT64_MAX ? UINT64_MAX : clock_now_ns() + wait_ns;
	if (state == LAUNCH_AWAY)
		pf_wipe(l->request.rikey, sizeof(l->request.rikey));
	rearm(ls);
}

static void tell(struct gs_launch *l, int err, const char *why)
{
	void (*done)(struct gs_launch *, int, const char *, void *) = l->done;
	l->done = NULL;
	if (done)
		done(l, err, why, l->done_userdata);
}

static void free_launch(struct gs_launch *l)
{
	app_unref(l->app);
	pf_wipe(&l->request, sizeof(l->request));
	free(l);
}

static void unlink_launch(struct launches *ls, struct gs_launch *l)
{
	for (struct gs_launch **at = &ls->list; *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			ls->n--;
			break;
		}
	rearm(ls);
}

void launch_end(struct launches *ls, struct gs_launch *l, const char *why)
{
	unlink_launch(ls, l);
	l->state = LAUNCH_ENDED;
	log_info("gamestream: '%s' of '%s' ends: %s", l->app->title, l->name, why);
	app_run_end(l->run);
	ls->hooks.teardown(l, why, ls->hooks.userdata);
	tell(l, PF_E_CLOSED, why);
	free_launch(l);
}

static void on_time(void *userdata)
{
	struct launches *ls = userdata;
	uint64_t now_ns = clock_now_ns();
	struct gs_launch *l = ls->list;
	while (l) {
		struct gs_launch *next = l->next;
		if (l->deadline_ns > now_ns) {
			l = next;
			continue;
		}
		if (l->state == LAUNCH_PENDING && l->ran)
			set_state(ls, l, LAUNCH_AWAY, UINT64_MAX);
		else
			launch_end(ls, l,
				l->state == LAUNCH_PREPARING ? "preparing it took too long"
							     : "the device did not come for it");
		l = next;
	}
	rearm(ls);
}

/* The last step that can fail is done. */
static void prepared(struct launches *ls, struct gs_launch *l, int err, const char *why)
{
	if (err < 0) {
		char copy[256];
		snprintf(copy, sizeof(copy), "%s", why);
		log_warn("gamestream: '%s' for '%s': %s", l->app->title, l->name, copy);
		tell(l, err, copy);
		if (l->ran)
			set_state(ls, l, LAUNCH_AWAY, UINT64_MAX);
		else
			launch_end(ls, l, copy);
		return;
	}
	set_state(ls, l, LAUNCH_PENDING, LAUNCH_PENDING_NS);
	tell(l, PF_OK, NULL);
}

static void prepare(struct launches *ls, struct gs_launch *l)
{
	char why[256] = "The display could not be prepared: see the host's log.";
	int err = ls->hooks.prepare(l, why, sizeof(why), ls->hooks.userdata);
	if (err >= 0 && !l->started)
		err = app_run_start(l->run, l->wayland_display, l->environment, why, sizeof(why));
	l->started |= err >= 0;
	if (err >= 0 && ls->hooks.running && app_run_pid(l->run))
		ls->hooks.running(l, app_run_pid(l->run), ls->hooks.userdata);
	prepared(ls, l, err, why);
}

static void on_run_prepared(int err, const char *why, void *userdata)
{
	struct gs_launch *l = userdata;
	if (err < 0)
		prepared(l->all, l, err, why);
	else
		prepare(l->all, l);
}

static void on_run_ended(void *userdata)
{
	struct gs_launch *l = userdata;
	launch_end(l->all, l, "the app ended");
}

static int start_run(struct launches *ls, struct gs_launch *l, char *why, size_t why_len)
{
	const struct app_run_params params = {
		.app = l->app,
		.mode = l->request.mode,
		.client = l->name,
		.owner = l->fp,
		.prepared = on_run_prepared,
		.ended = on_run_ended,
		.userdata = l,
	};
	return app_run_create(ls->runs, &l->run, &params, why, why_len);
}

static void take_request(struct gs_launch *l, const struct launch_request *request,
	void (*done)(struct gs_launch *l, int err, const char *why, void *userdata), void *userdata)
{
	l->request = *request;
	l->created_ns = clock_now_ns();
	l->done = done;
	l->done_userdata = userdata;
}

static int fail(char *why, size_t why_len, int err, const char *text)
{
	snprintf(why, why_len, "%s", text);
	return err;
}

int launch_start(struct launches *ls, const uint8_t fp[static LAUNCH_FP_LEN], const char *name,
	struct app *app, const struct launch_request *request,
	void (*done)(struct gs_launch *l, int err, const char *why, void *userdata), void *userdata,
	char *why, size_t why_len)
{
	struct gs_launch *l = launch_of(ls, fp);
	if (l && l->app->id == app->id)
		return launch_resume(ls, fp, request, done, userdata, why, why_len);
	if (l) {
		snprintf(why, why_len, "%s is still running for this device: quit it first.",
			l->app->title);
		return PF_E_BUSY;
	}
	if (ls->n >= ls->max)
		return fail(why, why_len, PF_E_BUSY,
			"The host serves as many devices as it may (--max-concurrent): quit what "
			"runs on another one.");
	l = calloc(1, sizeof(*l));
	if (!l)
		return fail(why, why_len, PF_E_NOMEM, "The host is out of memory.");
	l->all = ls;
	l->id = ++ls->last_id;
	memcpy(l->fp, fp, sizeof(l->fp));
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->app = app_ref(app);
	take_request(l, request, done, userdata);
	int err = start_run(ls, l, why, why_len);
	if (err < 0) {
		free_launch(l);
		return err;
	}
	l->next = ls->list;
	ls->list = l;
	ls->n++;
	set_state(ls, l, LAUNCH_PREPARING, LAUNCH_PREPARE_NS);
	log_info("gamestream: '%s' starts '%s' at %ux%u@%u", l->name, app->title,
		request->mode.width, request->mode.height, request->mode.refresh_hz);
	if (err == 1)
		prepare(ls, l);
	return PF_OK;
}

/* Sequences begin anew with each connection: under the same key that would be nonces used twice. */
static bool is_used_key(const struct gs_launch *l, const uint8_t key[static LAUNCH_KEY_LEN])
{
	uint8_t hash[LAUNCH_KEY_HASH_LEN];
	SHA256(key, LAUNCH_KEY_LEN, hash);
	return l->ran && !memcmp(hash, l->used_key, sizeof(hash));
}

int launch_resume(struct launches *ls, const uint8_t fp[static LAUNCH_FP_LEN],
	const struct launch_request *request,
	void (*done)(struct gs_launch *l, int err, const char *why, void *userdata), void *userdata,
	char *why, size_t why_len)
{
	struct gs_launch *l = launch_of(ls, fp);
	if (!l)
		return fail(why, why_len, PF_E_NO_FRAME,
			"Nothing is running for this device any more: start it again.");
	if (l->state == LAUNCH_PREPARING)
		return fail(why, why_len, PF_E_BUSY,
			"It is just being started for this device: try again in a moment.");
	if (is_used_key(l, request->rikey))
		return fail(why, why_len, PF_E_CRYPTO,
			"The device came with the key of its last connection, which is not safe: "
			"update Moonlight on it.");
	take_request(l, request, done, userdata);
	set_state(ls, l, LAUNCH_PREPARING, LAUNCH_RESUME_NS);
	log_info("gamestream: '%s' comes back to '%s' at %ux%u@%u", l->name, l->app->title,
		request->mode.width, request->mode.height, request->mode.refresh_hz);
	prepare(ls, l);
	return PF_OK;
}

void launch_abandon(struct launches *ls, const void *userdata)
{
	for (struct gs_launch *l = ls->list; l; l = l->next)
		if (l->done && l->done_userdata == userdata)
			l->done = NULL;
}

struct gs_launch *launch_of(const struct launches *ls, const uint8_t fp[static LAUNCH_FP_LEN])
{
	for (struct gs_launch *l = ls->list; l; l = l->next)
		if (!memcmp(l->fp, fp, sizeof(l->fp)))
			return l;
	return NULL;
}

struct gs_launch *launch_by_id(const struct launches *ls, uint64_t id)
{
	for (struct gs_launch *l = ls->list; l; l = l->next)
		if (l->id == id)
			return l;
	return NULL;
}

struct gs_launch *launch_next(const struct launches *ls, const struct gs_launch *before)
{
	return before ? before->next : ls->list;
}

struct gs_launch *launch_next_pending(const struct launches *ls, const union udp_addr *from,
	bool encrypted, const struct gs_launch *before)
{
	struct gs_launch *l = launch_next(ls, before);
	while (l &&
		(l->state != LAUNCH_PENDING || l->encrypted_rtsp != encrypted ||
			(!encrypted && !udp_addr_same_host(from, &l->request.peer))))
		l = l->next;
	return l;
}

void launch_touch(struct launches *ls, struct gs_launch *l)
{
	if (l->state == LAUNCH_PENDING)
		set_state(ls, l, LAUNCH_PENDING, LAUNCH_PENDING_NS);
}

void launch_running(struct launches *ls, struct gs_launch *l)
{
	if (l->state == LAUNCH_ENDED)
		return;
	l->ran = true;
	SHA256(l->request.rikey, LAUNCH_KEY_LEN, l->used_key);
	set_state(ls, l, LAUNCH_RUNNING, UINT64_MAX);
}

void launch_left(struct launches *ls, struct gs_launch *l)
{
	/* What is prepared for a new connection stays, however late the old one's end is noticed. */
	if (l->state == LAUNCH_RUNNING)
		set_state(ls, l, LAUNCH_AWAY, UINT64_MAX);
}

int launches_create(struct launches **out, struct loop *loop, const struct launch_hooks *hooks,
	unsigned max, const char *user)
{
	struct launches *ls = calloc(1, sizeof(*ls));
	if (!ls)
		return PF_E_NOMEM;
	ls->loop = loop;
	ls->hooks = *hooks;
	ls->max = max < LAUNCH_MAX ? max : LAUNCH_MAX;
	int err = loop_add_timer(loop, &ls->timer, on_time, ls);
	if (err >= 0)
		err = app_runs_create(&ls->runs, loop, user);
	if (err < 0) {
		launches_destroy(ls);
		return err;
	}
	*out = ls;
	return PF_OK;
}

void launches_destroy(struct launches *ls)
{
	if (!ls)
		return;
	while (ls->list)
		launch_end(ls, ls->list, "the host is being stopped");
	app_runs_destroy(ls->runs);
	loop_remove(&ls->timer);
	free(ls);
}
