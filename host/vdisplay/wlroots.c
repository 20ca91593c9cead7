/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/media/clock.h"
#include "host/vdisplay/sway_find.h"
#include "host/vdisplay/sway_ipc.h"
#include "host/vdisplay/sway_output.h"
#include "host/vdisplay/sway_place.h"
#include "host/vdisplay/sway_probe.h"
#include "host/vdisplay/sway_session.h"
#include "host/vdisplay/sway_undo.h"
#include "host/vdisplay/undo.h"
#include "host/vdisplay/vdisplay.h"

/*
 * A sway that let one request time out is not asked again for so long: each try holds the control loop for as
 * long as the time-out, and with it every client, also those that want nothing of the desktop now.
 */
#define HUNG_REST_NS 5000000000ull

/* One sway, one output a client; more than this is a mistake. */
#define MAX_OUTPUTS 64

/* An idle output of a session of our own, with what its client left on it. */
struct left {
	char name[64]; /* empty = free */
	uint8_t owner[VDISPLAY_OWNER_LEN];
};

struct wlroots {
	struct vdisplay base;
	bool up;  /* there is a sway behind ipc_path */
	bool own; /* and it is the session below */
	struct sway_session session;
	struct sway_ipc watch; /* another's sway: its hang-up is the loss */
	struct loop_source *on_child, *on_watch;
	char ipc_path[SWAY_SESSION_PATH_MAX], wayland_path[SWAY_SESSION_PATH_MAX];
	char used[MAX_OUTPUTS][64]; /* names of outputs that are given out; empty = free */
	bool hidden[MAX_OUTPUTS];   /* given out, but nobody looks at it now */
	bool doomed[MAX_OUTPUTS];   /* removed while sway hung: it goes when sway answers */
	uint8_t owners[MAX_OUTPUTS][VDISPLAY_OWNER_LEN]; /* of those given out; zeros = nobody */
	struct left left[MAX_OUTPUTS];
	size_t next_left; /* the entry that goes when all are taken: its output is anybody's */
	struct sway_place place; /* new windows of a client's program go to its output */
	uint64_t hung_until_ns;
	struct undo undo;      /* on disk: what is left in somebody's sway if we are killed */
	char focus_before[64]; /* the output that had the focus when the first was made */
};

static char why_text[700]; /* Thread: the control loop */

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why_text, sizeof(why_text), format, args);
	va_end(args);
	log_error("wlroots: %s", why_text);
}

static struct wlroots *from_base(struct vdisplay *base)
{
	pf_check(base->impl == &vdisplay_wlroots_impl);
	return (struct wlroots *)base;
}

static void forget_compositor(struct wlroots *w)
{
	loop_remove(&w->on_child);
	loop_remove(&w->on_watch);
	sway_ipc_close(&w->watch);
	sway_place_finish(&w->place);
	undo_forget(&w->undo);
	w->up = false;
	w->focus_before[0] = 0;
	memset(w->used, 0, sizeof(w->used));
	memset(w->hidden, 0, sizeof(w->hidden));
	memset(w->doomed, 0, sizeof(w->doomed));
	memset(w->left, 0, sizeof(w->left));
	w->hung_until_ns = 0;
}

static void tell_lost(struct wlroots *w, const char *why)
{
	log_warn("wlroots: %s", why);
	if (w->base.params.on_lost)
		w->base.params.on_lost(why, w->base.params.userdata);
}

static void handle_child(int pid, int status, void *userdata)
{
	struct wlroots *w = userdata;
	(void)pid;
	/* The shepherd passes on how sway ended, as a shell would: 128 and the signal. */
	const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	snprintf(why_text, sizeof(why_text),
		"sway ended (%s %d), and with it the session; it said last: %s",
		code > 128 ? "signal" : "code", code > 128 ? code - 128 : code,
		sway_session_last_words(&w->session));
	w->session.pid = 0;
	forget_compositor(w);
	sway_session_forget(&w->session);
	tell_lost(w, why_text); /* last: the callee may destroy us */
}

static void handle_watch(uint32_t events, void *userdata)
{
	struct wlroots *w = userdata;
	char text[256];
	const ssize_t n = recv(w->watch.fd, text, sizeof(text), MSG_DONTWAIT);
	if (n > 0 || (n < 0 && !(events & (EPOLLHUP | EPOLLERR))))
		return;
	forget_compositor(w);
	snprintf(why_text, sizeof(why_text), "sway, which the host used, was ended");
	tell_lost(w, why_text);
}

static int use_running(struct wlroots *w)
{
	int err = sway_find_running(w->base.params.user, w->ipc_path, sizeof(w->ipc_path),
		w->wayland_path, sizeof(w->wayland_path));
	if (err < 0)
		return err;
	err = sway_ipc_open(&w->watch, w->ipc_path);
	if (err >= 0 && w->base.params.loop)
		err = loop_add_fd(
			w->base.params.loop, &w->on_watch, w->watch.fd, EPOLLIN, handle_watch, w);
	if (err < 0) {
		sway_ipc_close(&w->watch);
		return err;
	}
	char dir[sizeof(w->ipc_path)];
	snprintf(dir, sizeof(dir), "%s", w->ipc_path);
	char *slash = strrchr(dir, '/');
	*(slash ? slash : dir) = 0;
	undo_set_compositor(
		&w->undo, vdisplay_wlroots_impl.name, dir, w->ipc_path, w->watch.peer_pid);
	w->own = false;
	w->up = true;
	log_info("wlroots: using the sway at %s", w->ipc_path);
	return 0;
}

static int start_own(struct wlroots *w)
{
	int err = sway_session_start(
		&w->session, w->base.params.app, w->base.params.user, why_text, sizeof(why_text));
	if (err >= 0 && w->base.params.loop)
		err = loop_add_child(
			w->base.params.loop, &w->on_child, w->session.pid, handle_child, w);
	if (err < 0) {
		sway_session_stop(&w->session);
		return err;
	}
	snprintf(w->ipc_path, sizeof(w->ipc_path), "%s", w->session.ipc_path);
	snprintf(w->wayland_path, sizeof(w->wayland_path), "%s", w->session.wayland_path);
	w->own = true;
	w->up = true;
	log_info("wlroots: started a sway of our own in %s", w->session.dir);
	if (!w->session.app_path[0])
		log_warn("wlroots: no terminal is installed, so the session is empty; install "
			 "the package foot or name an app");
	return 0;
}

static int ensure_up(struct wlroots *w)
{
	if (w->up)
		return 0;
	if (!w->base.params.own_session && use_running(w) >= 0)
		return 0;
	return start_own(w);
}

static void destroy(struct vdisplay *base)
{
	struct wlroots *w = from_base(base);
	w->hung_until_ns = 0; /* the last chance to tidy up */
	for (size_t i = 0; w->up && !w->own && i < MAX_OUTPUTS; i++) {
		struct vdisplay_output output = {0};
		if (!w->used[i][0])
			continue;
		memcpy(output.name, w->used[i], sizeof(output.name));
		memcpy(output.wayland_display, w->wayland_path, sizeof(w->wayland_path));
		base->impl->remove_output(base, &output);
	}
	undo_finish(&w->undo); /* what a hung sway did not let go of */
	forget_compositor(w);
	sway_session_stop(&w->session);
	free(w);
}

static int create(struct vdisplay **out, const struct vdisplay_params *params)
{
	struct wlroots *w = calloc(1, sizeof(*w));
	snprintf(why_text, sizeof(why_text), "no memory");
	if (!w)
		return PF_E_NOMEM;
	w->base.impl = &vdisplay_wlroots_impl;
	w->base.params = *params;
	w->watch.fd = -1;
	undo_init(&w->undo);
	sway_place_init(&w->place, params->loop, w->ipc_path);
	sway_session_init(&w->session);
	const int err = ensure_up(w);
	if (err < 0) {
		destroy(&w->base);
		return err;
	}
	*out = &w->base;
	return 0;
}

static char *find_used(struct wlroots *w, const char *name)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (strcmp(w->used[i], name) == 0)
			return w->used[i];
	}
	return NULL;
}

/* Of this sway, not of one that was lost: names come back. */
static char *find_slot(struct wlroots *w, const struct vdisplay_output *output)
{
	const bool ours = w->up && strcmp(output->wayland_display, w->wayland_path) == 0;
	return ours && output->name[0] ? find_used(w, output->name) : NULL;
}

static struct left *find_left(struct wlroots *w, const char *name)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (strcmp(w->left[i].name, name) == 0)
			return &w->left[i];
	}
	return NULL;
}

static bool is_owners(const struct wlroots *w, const struct left *l)
{
	return w->base.has_owner && memcmp(l->owner, w->base.owner, sizeof(l->owner)) == 0;
}

/* A client that left something gets that, any other one what nobody left something on. */
static bool is_taken(const char *name, void *userdata)
{
	struct wlroots *w = userdata;
	const struct left *l = find_left(w, name);
	bool has_own = false;
	for (size_t i = 0; i < MAX_OUTPUTS; i++)
		has_own |= w->left[i].name[0] && is_owners(w, &w->left[i]);
	return find_used(w, name) || (l ? !is_owners(w, l) : has_own);
}

static void take_left(struct wlroots *w, const char *slot, const char *name)
{
	struct left *l = find_left(w, name);
	uint8_t *owner = w->owners[(size_t)(slot - w->used[0]) / sizeof(w->used[0])];
	if (l)
		memset(l, 0, sizeof(*l));
	memset(owner, 0, VDISPLAY_OWNER_LEN);
	if (w->base.has_owner)
		memcpy(owner, w->base.owner, VDISPLAY_OWNER_LEN);
}

static void note_left(struct wlroots *w, const char *slot)
{
	static const uint8_t nobody[VDISPLAY_OWNER_LEN];
	const uint8_t *owner = w->owners[(size_t)(slot - w->used[0]) / sizeof(w->used[0])];
	if (!w->own || memcmp(owner, nobody, sizeof(nobody)) == 0)
		return;
	struct left *l = find_left(w, "");
	if (!l)
		l = &w->left[w->next_left++ % MAX_OUTPUTS];
	memcpy(l->name, slot, sizeof(l->name));
	memcpy(l->owner, owner, sizeof(l->owner));
}

/* After each request that may be the first to find out. */
static void note_hung(struct wlroots *w, int err)
{
	if (err == PF_E_TIMEOUT)
		w->hung_until_ns = clock_now_ns() + HUNG_REST_NS;
}

static int open_ipc(struct wlroots *w, struct sway_ipc *ipc)
{
	if (clock_now_ns() < w->hung_until_ns) {
		say("sway does not answer and is left alone for a moment; if it goes on, end it");
		return PF_E_TIMEOUT;
	}
	const int err = sway_ipc_open(ipc, w->ipc_path);
	ipc->until_ns = clock_now_ns() + VDISPLAY_HOLD_NS;
	note_hung(w, err);
	if (err < 0)
		say("%s", ipc->error);
	return err >= 0 ? 0 : err == PF_E_TIMEOUT ? err : PF_E_IO;
}

/* What is not PF_E_TIMEOUT or PF_E_INVALID is the compositor's refusal. */
static int finish(struct wlroots *w, struct sway_ipc *ipc, int err)
{
	note_hung(w, err);
	if (err < 0)
		say("%s", ipc->error);
	sway_ipc_close(ipc);
	return err >= 0 ? 0 : err == PF_E_TIMEOUT || err == PF_E_NOMEM ? err : PF_E_IO;
}

static void drop_doomed(struct wlroots *w);

static int try_add_output(struct wlroots *w, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct sway_ipc ipc;
	int err = ensure_up(w);
	if (err < 0) {
		log_error("wlroots: %s", why_text);
		return err;
	}
	drop_doomed(w);
	char *slot = find_used(w, "");
	if (!slot) {
		say("%d displays are in use already: end a client's session", MAX_OUTPUTS);
		return PF_E_IO;
	}
	err = open_ipc(w, &ipc);
	if (err < 0)
		return err;
	if (!w->focus_before[0])
		err = sway_output_focused(&ipc, w->focus_before, sizeof(w->focus_before));
	if (err >= 0)
		err = sway_output_make(&ipc, is_taken, w, out->name, sizeof(out->name));
	if (err >= 0 && !w->own) {
		undo_set_focus(&w->undo, w->focus_before);
		undo_add_output(&w->undo, out->name);
	}
	if (err >= 0)
		err = sway_output_set_mode(&ipc, out, width, height, refresh_mhz);
	if (err >= 0)
		err = sway_output_show(&ipc, out->name, w->own ? w->session.app_path : "");
	if (err < 0) {
		const int first = finish(w, &ipc, err);
		if (out->name[0] && open_ipc(w, &ipc) >= 0) {
			sway_output_drop(&ipc, out->name, !w->own, w->focus_before);
			undo_drop_output(&w->undo, out->name);
			sway_ipc_close(&ipc);
		}
		return first;
	}
	sway_ipc_close(&ipc);
	memcpy(slot, out->name, sizeof(out->name));
	take_left(w, slot, out->name);
	snprintf(out->wayland_display, sizeof(out->wayland_display), "%s", w->wayland_path);
	out->capture = out->inject = "wlr";
	log_info("wlroots: output %s of %ux%u at %.7g Hz", out->name, out->width, out->height,
		(double)out->refresh_mhz / 1000);
	if (!w->own)
		log_info("wlroots: it is an empty screen beside yours; to show all windows on it: "
			 "swaymsg '[title=\".*\"] move container to output %s'",
			out->name);
	return 0;
}

/* Our sway died, and the loop has not come to its end yet: a client that was quick to return is here first. */
static bool bury_dead_session(struct wlroots *w)
{
	struct sway_ipc ipc;
	if (!w->own || !w->up)
		return false;
	/* One that hangs takes connections still: it is not dead. */
	if (sway_ipc_open(&ipc, w->ipc_path) >= 0) {
		sway_ipc_close(&ipc);
		return false;
	}
	forget_compositor(w);
	sway_session_stop(&w->session);
	/* Not on_lost: sessions on it hear of its end from their captures, and the caller's is a new one. */
	log_warn("wlroots: sway ended, and with it the session; starting another");
	return true;
}

static int add_output(struct vdisplay *base, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct wlroots *w = from_base(base);
	int err = try_add_output(w, width, height, refresh_mhz, out);
	if (err < 0 && bury_dead_session(w)) {
		memset(out, 0, sizeof(*out));
		err = try_add_output(w, width, height, refresh_mhz, out);
	}
	return err;
}

static int set_mode(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	struct wlroots *w = from_base(base);
	struct sway_ipc ipc;
	if (!find_slot(w, output))
		return PF_E_IO;
	int err = open_ipc(w, &ipc);
	if (err < 0)
		return err;
	const struct vdisplay_output before = *output;
	err = sway_output_set_mode(&ipc, output, width, height, refresh_mhz);
	if (err == PF_E_UNSUPPORTED) {
		const int back = sway_output_set_mode(
			&ipc, output, before.width, before.height, before.refresh_mhz);
		if (back < 0)
			err = back;
	}
	if (err < 0)
		*output = before;
	return finish(w, &ipc, err);
}

static bool *hidden_of(struct wlroots *w, const char *slot)
{
	return &w->hidden[(size_t)(slot - w->used[0]) / sizeof(w->used[0])];
}

/* 1 or 0, or an error. */
static int has_focus(struct wlroots *w, struct sway_ipc *ipc, const char *name)
{
	char focused[64];
	const int err = sway_output_focused(ipc, focused, sizeof(focused));
	note_hung(w, err);
	return err < 0 ? err : strcmp(focused, name) == 0;
}

/* To another client's output, else to where the user was: what is typed goes nowhere else. */
static void give_focus(struct wlroots *w, struct sway_ipc *ipc)
{
	const char *next = w->focus_before;
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (w->used[i][0] && !w->hidden[i])
			next = w->used[i];
	}
	if (next[0] && sway_output_focus(ipc, next) < 0)
		log_debug("wlroots: %s", ipc->error);
}

static bool any_used(const struct wlroots *w)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (w->used[i][0])
			return true;
	}
	return false;
}

static int drop_output(struct wlroots *w, struct sway_ipc *ipc, char *slot)
{
	char name[sizeof(w->used[0])];
	memcpy(name, slot, sizeof(name));
	const int had_focus = has_focus(w, ipc, name);
	if (had_focus == PF_E_TIMEOUT)
		return had_focus;
	note_left(w, slot);
	memset(slot, 0, sizeof(name));
	*hidden_of(w, slot) = false;
	/* In a session of our own what runs there waits for the client, out of the others' sight. */
	sway_output_drop(ipc, name, !w->own, w->focus_before);
	undo_drop_output(&w->undo, name);
	if (had_focus > 0)
		give_focus(w, ipc);
	if (!any_used(w))
		w->focus_before[0] = 0;
	return PF_OK;
}

/* Those that could not go while sway hung. */
static void drop_doomed(struct wlroots *w)
{
	struct sway_ipc ipc;
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (!w->doomed[i])
			continue;
		if (clock_now_ns() < w->hung_until_ns || open_ipc(w, &ipc) < 0)
			return;
		w->doomed[i] = drop_output(w, &ipc, w->used[i]) < 0;
		sway_ipc_close(&ipc);
	}
}

static void remove_output(struct vdisplay *base, struct vdisplay_output *output)
{
	struct wlroots *w = from_base(base);
	char *slot = find_slot(w, output);
	struct sway_ipc ipc;
	if (!slot)
		return;
	sway_place_drop(&w->place, slot);
	drop_doomed(w);
	int err = open_ipc(w, &ipc);
	if (err >= 0) {
		err = drop_output(w, &ipc, slot);
		sway_ipc_close(&ipc);
	}
	const bool later = err == PF_E_TIMEOUT;
	w->doomed[(size_t)(hidden_of(w, slot) - w->hidden)] = later;
	if (later)
		*hidden_of(w, slot) = true;
	else if (err < 0)
		memset(slot, 0, sizeof(w->used[0])); /* it went with its sway */
}

static void show_output(struct vdisplay *base, const struct vdisplay_output *output, bool shown)
{
	struct wlroots *w = from_base(base);
	char *slot = find_slot(w, output);
	struct sway_ipc ipc;
	if (!slot)
		return;
	*hidden_of(w, slot) = !shown;
	if (open_ipc(w, &ipc) < 0)
		return;
	if (shown) {
		if (sway_output_show(&ipc, output->name, w->own ? w->session.app_path : "") < 0)
			log_debug("wlroots: %s", ipc.error);
	} else if (has_focus(w, &ipc, output->name) > 0) {
		give_focus(w, &ipc);
	}
	sway_ipc_close(&ipc);
}

static int claim_windows(struct vdisplay *base, const struct vdisplay_output *output, int pid)
{
	struct wlroots *w = from_base(base);
	if (!find_slot(w, output))
		return PF_E_INVALID;
	if (clock_now_ns() < w->hung_until_ns)
		return PF_E_TIMEOUT;
	const int err = sway_place_claim(&w->place, output->name, pid);
	note_hung(w, err);
	return err;
}

static const char *why(void)
{
	return why_text;
}

const struct vdisplay_impl vdisplay_wlroots_impl = {
	.name = "wlroots",
	.compositor = PF_COMPOSITOR_WLROOTS,
	.own_session = true,
	.probe = sway_probe,
	.create = create,
	.destroy = destroy,
	.add_output = add_output,
	.set_mode = set_mode,
	.remove_output = remove_output,
	.show_output = show_output,
	.claim_windows = claim_windows,
	.undo = sway_undo,
	.why = why,
};
