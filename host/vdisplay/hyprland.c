/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/media/clock.h"
#include "host/vdisplay/hyprland_ipc.h"
#include "host/vdisplay/sway_ipc.h"
#include "host/vdisplay/undo.h"
#include "host/vdisplay/vdisplay.h"

/*
 * Outputs of a Hyprland that somebody runs. None is started: without one, sway is the better headless desktop. Names
 * are of our choice, so that they are on record before they are there.
 */

#define MAX_OUTPUTS 64u
#define PREFIX	    "PUNKTFUNK-"
/* A monitor is there with the next turn of Hyprland's loop. */
#define TRIES	    50
#define TRY_WAIT_MS 10
/* One that let a request time out is left alone for so long: each try holds the control loop. */
#define HUNG_REST_NS 5000000000ull
/* Events of one line; what is longer is a window's title. */
#define EVENT_LEN 512u

struct hyprland {
	struct vdisplay base;
	struct hyprland_instance at;
	bool up;
	int events_fd;
	struct loop_source *on_events;
	char line[EVENT_LEN]; /* of the events, as far as it came */
	size_t line_len;
	bool line_too_long;
	struct vdisplay_output used[MAX_OUTPUTS]; /* as given out; an empty name = free */
	bool hidden[MAX_OUTPUTS];
	struct undo undo;
	uint64_t hung_until_ns;
	char focus_before[HYPRLAND_NAME_LEN];
};

/* Thread: the control loop, as all of this. */
static char why_text[400];
static struct hyprland_monitor monitors[HYPRLAND_MAX_MONITORS], older[HYPRLAND_MAX_MONITORS];
static int n_older;

static struct hyprland *from_base(struct vdisplay *base)
{
	pf_check(base->impl == &vdisplay_hyprland_impl);
	return (struct hyprland *)base;
}

static void note_hung(struct hyprland *h, int err)
{
	if (err == PF_E_TIMEOUT)
		h->hung_until_ns = clock_now_ns() + HUNG_REST_NS;
}

/* May it be asked now? */
static int check_hung(const struct hyprland *h)
{
	if (clock_now_ns() >= h->hung_until_ns)
		return PF_OK;
	snprintf(why_text, sizeof(why_text),
		"Hyprland does not answer and is left alone for a moment; if it goes on, end it");
	log_error("hyprland: %s", why_text);
	return PF_E_TIMEOUT;
}

static const struct hyprland_monitor *find(int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(monitors[i].name, name) == 0)
			return &monitors[i];
	return NULL;
}

/* Of each call from outside: what follows in it has an end. */
static void begin(void)
{
	hyprland_limit(clock_now_ns() + VDISPLAY_HOLD_NS);
}

static int list(struct hyprland *h)
{
	const int n = hyprland_monitors(h->at.socket, monitors);
	note_hung(h, n);
	if (n < 0)
		snprintf(why_text, sizeof(why_text), "Hyprland does not tell its monitors (%s)",
			pf_strerror(n));
	return n;
}

/* --- its end --- */

static void forget(struct hyprland *h)
{
	loop_remove(&h->on_events);
	if (h->events_fd >= 0)
		close(h->events_fd);
	h->events_fd = -1;
	undo_forget(&h->undo);
	h->up = false;
	h->line_len = 0;
	h->focus_before[0] = 0;
	h->hung_until_ns = 0;
	memset(h->used, 0, sizeof(h->used));
	memset(h->hidden, 0, sizeof(h->hidden));
}

static int send_mode(
	struct hyprland *h, const char *name, uint32_t width, uint32_t height, uint32_t mhz)
{
	const int err = hyprland_command(h->at.socket, why_text, sizeof(why_text),
		"keyword monitor %s,%ux%u@%u.%03u,auto,1", name, width, height, mhz / 1000,
		mhz % 1000);
	note_hung(h, err);
	return err;
}

/* A configuration that was read again knows nothing of our modes. */
static void handle_reload(struct hyprland *h)
{
	begin();
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		const struct vdisplay_output *o = &h->used[i];
		if (o->name[0] && clock_now_ns() >= h->hung_until_ns &&
			send_mode(h, o->name, o->width, o->height, o->refresh_mhz) < 0)
			log_warn("hyprland: %s", why_text);
	}
}

/* EVENT>>DATA, one a line */
static void handle_bytes(struct hyprland *h, const char *text, size_t len)
{
	static const char reload[] = "configreloaded>>";
	for (size_t i = 0; i < len; i++) {
		if (text[i] != '\n') {
			h->line_too_long |= h->line_len == EVENT_LEN;
			if (!h->line_too_long)
				h->line[h->line_len++] = text[i];
			continue;
		}
		const bool is_reload = !h->line_too_long && h->line_len >= sizeof(reload) - 1 &&
			memcmp(h->line, reload, sizeof(reload) - 1) == 0;
		h->line_len = 0;
		h->line_too_long = false;
		if (is_reload)
			handle_reload(h);
	}
}

static void handle_events(uint32_t events, void *userdata)
{
	struct hyprland *h = userdata;
	char text[4096];
	const ssize_t n = recv(h->events_fd, text, sizeof(text), MSG_DONTWAIT);
	if (n > 0) {
		handle_bytes(h, text, (size_t)n);
		return;
	}
	if (n < 0 && !(events & (EPOLLHUP | EPOLLERR)))
		return;
	forget(h);
	snprintf(why_text, sizeof(why_text), "Hyprland, which the host used, was ended");
	log_warn("hyprland: %s", why_text);
	if (h->base.params.on_lost)
		h->base.params.on_lost(why_text, h->base.params.userdata);
}

/* --- its beginning --- */

static int connect_running(struct hyprland *h)
{
	int err = hyprland_find(&h->at, h->base.params.user);
	if (err < 0) {
		snprintf(why_text, sizeof(why_text),
			err == PF_E_TIMEOUT
				? "Hyprland does not answer; end it, or see what holds it"
				: "no Hyprland is running; start it, or start the host as the "
				  "user whose Hyprland it is");
		return err == PF_E_TIMEOUT ? err : PF_E_UNSUPPORTED;
	}
	int pid = 0;
	h->events_fd = hyprland_connect(h->at.events, &pid, NULL);
	err = h->events_fd < 0 ? h->events_fd : pid == h->at.pid ? PF_OK : PF_E_DENIED;
	if (err >= 0 && h->base.params.loop)
		err = loop_add_fd(h->base.params.loop, &h->on_events, h->events_fd, EPOLLIN,
			handle_events, h);
	if (err < 0) {
		snprintf(why_text, sizeof(why_text), "Hyprland's events cannot be read at %s (%s)",
			h->at.events, pf_strerror(err));
		forget(h);
		return err;
	}
	undo_set_compositor(
		&h->undo, vdisplay_hyprland_impl.name, h->at.runtime, h->at.socket, h->at.pid);
	h->up = true;
	log_info("hyprland: using Hyprland %s at %s", h->at.version, h->at.socket);
	return PF_OK;
}

static int probe(const struct vdisplay_params *params, char *note)
{
	struct hyprland_instance at;
	begin();
	const int err = hyprland_find(&at, params->user);
	if (err >= 0) {
		snprintf(note, VDISPLAY_NOTE_LEN, "Hyprland %s runs at %s", at.version, at.socket);
		return VDISPLAY_RUNS;
	}
	if (err == PF_E_TIMEOUT)
		snprintf(note, VDISPLAY_NOTE_LEN,
			"Hyprland runs at %s and does not answer; end it, or see what holds it",
			at.socket);
	else
		snprintf(note, VDISPLAY_NOTE_LEN, "Hyprland does not run");
	return err == PF_E_TIMEOUT ? err : PF_E_UNSUPPORTED;
}

static void drop_output(struct hyprland *h, size_t slot);

static void destroy(struct vdisplay *base)
{
	struct hyprland *h = from_base(base);
	begin();
	h->hung_until_ns = 0; /* the last chance to tidy up */
	for (size_t i = 0; h->up && i < MAX_OUTPUTS; i++)
		if (h->used[i].name[0] && clock_now_ns() >= h->hung_until_ns)
			drop_output(h, i);
	undo_finish(&h->undo); /* what one that hangs did not let go of */
	forget(h);
	free(h);
}

static int create(struct vdisplay **out, const struct vdisplay_params *params)
{
	snprintf(why_text, sizeof(why_text), "no memory");
	begin();
	if (params->own_session) {
		snprintf(why_text, sizeof(why_text), "the host starts sway, not Hyprland");
		return PF_E_UNSUPPORTED;
	}
	struct hyprland *h = calloc(1, sizeof(*h));
	if (!h)
		return PF_E_NOMEM;
	h->base.impl = &vdisplay_hyprland_impl;
	h->base.params = *params;
	h->events_fd = -1;
	undo_init(&h->undo);
	const int err = connect_running(h);
	if (err < 0) {
		destroy(&h->base);
		return err;
	}
	*out = &h->base;
	return PF_OK;
}

/* --- outputs --- */

static void pause_a_little(void)
{
	const struct timespec ts = {0, TRY_WAIT_MS * 1000000L};
	nanosleep(&ts, NULL);
}

static void choose_name(int n_monitors, char *name)
{
	for (unsigned i = 1; i <= HYPRLAND_MAX_MONITORS + 1; i++) {
		snprintf(name, HYPRLAND_NAME_LEN, PREFIX "%u", i);
		if (!find(n_monitors, name))
			return;
	}
}

static int ask(struct hyprland *h, char *name)
{
	const int n = list(h);
	if (n < 0)
		return n;
	for (int i = 0; i < n; i++)
		if (monitors[i].focused && !h->focus_before[0])
			memcpy(h->focus_before, monitors[i].name, sizeof(h->focus_before));
	memcpy(older, monitors, sizeof(older));
	n_older = n;
	choose_name(n, name);
	undo_set_focus(&h->undo, h->focus_before);
	undo_add_output(&h->undo, name);
	const int err = hyprland_command(
		h->at.socket, why_text, sizeof(why_text), "output create headless %s", name);
	note_hung(h, err);
	if (err < 0 && err != PF_E_TIMEOUT)
		undo_drop_output(&h->undo, name);
	return err;
}

static bool is_headless(const char *name)
{
	return strncmp(name, PREFIX, sizeof(PREFIX) - 1) == 0 || strncmp(name, "HEADLESS-", 9) == 0;
}

/* Versions that take no name give one of their own. */
static bool find_made(struct hyprland *h, int n, char *name)
{
	if (find(n, name))
		return true;
	for (int i = 0; i < n; i++) {
		bool is_new = is_headless(monitors[i].name);
		for (int k = 0; k < n_older; k++)
			is_new = is_new && strcmp(monitors[i].name, older[k].name) != 0;
		if (!is_new)
			continue;
		undo_drop_output(&h->undo, name);
		memcpy(name, monitors[i].name, HYPRLAND_NAME_LEN);
		undo_add_output(&h->undo, name);
		return true;
	}
	return false;
}

/* Asks for the output and waits until it is there. */
static int make(struct hyprland *h, char *name)
{
	int err = ask(h, name);
	if (err == PF_E_UNSUPPORTED)
		err = ask(h, name); /* another host was quicker with the name */
	for (int i = 0; err >= 0 && i < TRIES; i++) {
		const int n = list(h);
		if (n < 0)
			return n;
		if (find_made(h, n, name))
			return PF_OK;
		pause_a_little();
	}
	if (err < 0)
		return err;
	snprintf(why_text, sizeof(why_text),
		"Hyprland %s said that it made output %s, and it is not there", h->at.version,
		name);
	undo_drop_output(&h->undo, name);
	return PF_E_UNSUPPORTED;
}

static int apply_mode(struct hyprland *h, struct vdisplay_output *o, uint32_t width,
	uint32_t height, uint32_t mhz)
{
	int err = send_mode(h, o->name, width, height, mhz);
	for (int i = 0; err >= 0 && i < TRIES; i++) {
		const int n = list(h);
		if (n < 0)
			return n;
		const struct hyprland_monitor *m = find(n, o->name);
		if (m && m->width == width && m->height == height && m->scale == 1.0) {
			o->width = width;
			o->height = height;
			o->refresh_mhz = m->refresh_mhz ? m->refresh_mhz : mhz;
			return PF_OK;
		}
		pause_a_little();
	}
	if (err < 0)
		return err;
	snprintf(why_text, sizeof(why_text), "Hyprland did not give output %s the mode %ux%u",
		o->name, width, height);
	return PF_E_IO;
}

static void focus(struct hyprland *h, const char *name)
{
	const int err = hyprland_command(
		h->at.socket, why_text, sizeof(why_text), "dispatch focusmonitor %s", name);
	note_hung(h, err);
	if (err < 0)
		log_debug("hyprland: %s", why_text);
}

static void drop_output(struct hyprland *h, size_t slot)
{
	char name[HYPRLAND_NAME_LEN];
	memcpy(name, h->used[slot].name, sizeof(name));
	/* Its windows go to another monitor, which is Hyprland's own doing. */
	const int err = hyprland_command(
		h->at.socket, why_text, sizeof(why_text), "output remove %s", name);
	note_hung(h, err);
	if (err < 0)
		log_warn("hyprland: %s", why_text);
	memset(&h->used[slot], 0, sizeof(h->used[slot]));
	h->hidden[slot] = false;
	/* One that could not be asked keeps its record, for the next start. */
	if (err != PF_E_TIMEOUT)
		undo_drop_output(&h->undo, name);
}

static int find_slot(const struct hyprland *h, const char *name)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++)
		if (strcmp(h->used[i].name, name) == 0)
			return (int)i;
	return PF_E_FULL;
}

static int slot_of(const struct hyprland *h, const struct vdisplay_output *o)
{
	const bool ours = h->up && o->name[0] && strcmp(o->wayland_display, h->at.wayland) == 0;
	return ours ? find_slot(h, o->name) : PF_E_IO;
}

static int add_output(struct vdisplay *base, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct hyprland *h = from_base(base);
	const int slot = find_slot(h, "");
	begin();
	if (slot < 0) {
		snprintf(why_text, sizeof(why_text),
			"%u displays are in use already: end a client's session", MAX_OUTPUTS);
		log_error("hyprland: %s", why_text);
		return PF_E_IO;
	}
	if (h->up && check_hung(h) < 0)
		return PF_E_TIMEOUT;
	int err = h->up ? PF_OK : connect_running(h);
	if (err >= 0)
		err = make(h, out->name);
	if (err >= 0) {
		err = apply_mode(h, out, width, height, refresh_mhz);
		snprintf(out->wayland_display, sizeof(out->wayland_display), "%s", h->at.wayland);
		out->capture = out->inject = "wlr";
		h->used[slot] = *out;
		if (err < 0)
			drop_output(h, (size_t)slot);
	}
	if (err < 0) {
		log_error("hyprland: %s", why_text);
		return err == PF_E_TIMEOUT || err == PF_E_NOMEM ? err : PF_E_IO;
	}
	focus(h, out->name);
	log_info("hyprland: output %s of %ux%u at %.7g Hz", out->name, out->width, out->height,
		(double)out->refresh_mhz / 1000);
	return PF_OK;
}

static int set_mode(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	struct hyprland *h = from_base(base);
	const int slot = slot_of(h, output);
	int err = slot < 0 ? PF_E_IO : check_hung(h);
	begin();
	if (err < 0)
		return err;
	const struct vdisplay_output before = *output;
	err = apply_mode(h, output, width, height, refresh_mhz);
	if (err < 0) {
		log_error("hyprland: %s", why_text);
		*output = before;
		if (err != PF_E_TIMEOUT)
			(void)!send_mode(
				h, output->name, before.width, before.height, before.refresh_mhz);
		return err == PF_E_TIMEOUT || err == PF_E_NOMEM ? err : PF_E_IO;
	}
	h->used[slot] = *output;
	return PF_OK;
}

/* To another client's output, else to where the user was: what is typed goes nowhere else. */
static void give_focus(struct hyprland *h)
{
	const char *next = h->focus_before;
	for (size_t i = 0; i < MAX_OUTPUTS; i++)
		if (h->used[i].name[0] && !h->hidden[i])
			next = h->used[i].name;
	if (next[0])
		focus(h, next);
}

static bool has_focus(struct hyprland *h, const char *name)
{
	const int n = list(h);
	const struct hyprland_monitor *m = n > 0 ? find(n, name) : NULL;
	return m && m->focused;
}

static void remove_output(struct vdisplay *base, struct vdisplay_output *output)
{
	struct hyprland *h = from_base(base);
	const int slot = slot_of(h, output);
	begin();
	if (slot < 0)
		return;
	if (check_hung(h) < 0) { /* its record stays, for the next start */
		memset(&h->used[slot], 0, sizeof(h->used[slot]));
		return;
	}
	const bool had_focus = has_focus(h, output->name);
	drop_output(h, (size_t)slot);
	if (had_focus && clock_now_ns() >= h->hung_until_ns)
		give_focus(h);
}

static void show_output(struct vdisplay *base, const struct vdisplay_output *output, bool shown)
{
	struct hyprland *h = from_base(base);
	const int slot = slot_of(h, output);
	begin();
	if (slot < 0)
		return;
	h->hidden[slot] = !shown;
	if (check_hung(h) < 0)
		return;
	if (shown)
		focus(h, output->name);
	else if (has_focus(h, output->name))
		give_focus(h);
}

static int undo(const struct undo_record *r)
{
	char *reply, why[200];
	int pid = 0, n_removed = 0;
	uid_t uid = 0;
	begin();
	int n = hyprland_request(r->socket, "j/monitors", &reply, &pid, &uid);
	if (n == PF_E_TIMEOUT)
		return n;
	/* Its socket without it, or another Hyprland: what was made went with the one that was there. */
	if (n >= 0)
		n = undo_record_check_peer(r, pid, uid) < 0
			? 0
			: hyprland_parse_monitors(reply, (size_t)n, monitors);
	free(reply);
	bool focused = false;
	for (size_t i = 0; n > 0 && i < r->n_outputs; i++) {
		const struct hyprland_monitor *m = find(n, r->outputs[i]);
		if (!m || !is_headless(m->name))
			continue;
		const int err = hyprland_command(
			r->socket, why, sizeof(why), "output remove %s", m->name);
		if (err == PF_E_TIMEOUT)
			return err;
		n_removed += err >= 0;
		focused |= m->focused;
	}
	if (focused && sway_ipc_check_name(r->focus) >= 0)
		(void)!hyprland_command(
			r->socket, why, sizeof(why), "dispatch focusmonitor %s", r->focus);
	return n_removed;
}

static const char *why(void)
{
	return why_text;
}

const struct vdisplay_impl vdisplay_hyprland_impl = {
	.name = "hyprland",
	.compositor = PF_COMPOSITOR_HYPRLAND,
	.probe = probe,
	.create = create,
	.destroy = destroy,
	.add_output = add_output,
	.set_mode = set_mode,
	.remove_output = remove_output,
	.show_output = show_output,
	.undo = undo,
	.why = why,
};
