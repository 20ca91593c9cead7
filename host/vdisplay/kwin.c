/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <wayland-client.h>

#include "core/wire/handshake.h"
#include "core/wire/text.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/media/clock.h"
#include "host/vdisplay/kwin_link.h"
#include "host/vdisplay/kwin_permission.h"
#include "host/vdisplay/vdisplay.h"
#include "zkde-screencast-unstable-v1-client.h"

/*
 * Outputs of a running KWin. Each lives as long as its stream, and all of them as long as our connection: KWin takes
 * them away when the host is gone, however it went. docs/internals/kwin.md tells more.
 */

#define MAX_OUTPUTS 64u
/* KWin answers in some tens of milliseconds; every client of the host waits with us. */
#define ANSWER_NS 2000000000ull
#define PROBE_NS  900000000ull
/* One that let a request time out is not asked again for so long. */
#define HUNG_REST_NS 5000000000ull

#define STREAM_SINCE	  2u /* of zkde_screencast: stream_virtual_output */
#define DESCRIPTION_SINCE 4u
/* What KWin makes when nobody says more. */
#define PLAIN_MHZ 60000u
/* A made mode's rate is not quite the one that was asked for. */
#define NEAR_MHZ 1000u
/* For a replaced output, until who captures it has changed to the new one. */
#define LEAVE_NS 300000000ull
#define LEAVING	 UINT64_MAX /* id of such a one */

/* Events of a stream by number, as the protocol lists them. */
enum stream_event { STREAM_CLOSED, STREAM_CREATED, STREAM_FAILED };

struct kwin_output {
	uint64_t id; /* 0 = free, LEAVING = replaced by another */
	uint32_t number;
	char name[64]; /* as KWin calls it: ours with "Virtual-" before it */
	struct zkde_screencast_stream_unstable_v1 *stream;
	uint32_t node;
	bool created, failed, closed;
	char reason[160]; /* KWin's words, cleaned */
};

struct kwin {
	struct vdisplay base;
	bool up;
	struct kwin_link link;
	struct loop_source *readable, *leave_timer;
	struct kwin_output outputs[MAX_OUTPUTS];
	uint64_t next_id, hung_until_ns;
};

static char why_text[VDISPLAY_NOTE_LEN]; /* Thread: the control loop */

static struct kwin *from_base(struct vdisplay *base)
{
	pf_check(base->impl == &vdisplay_kwin_impl);
	return (struct kwin *)base;
}

static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void say(const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why_text, sizeof(why_text), format, args);
	va_end(args);
}

/* --- the connection --- */

static void drop_stream(struct kwin_output *o)
{
	if (o->stream)
		zkde_screencast_stream_unstable_v1_close(o->stream);
	memset(o, 0, sizeof(*o));
}

static void forget_kwin(struct kwin *k)
{
	loop_remove(&k->readable);
	for (size_t i = 0; i < MAX_OUTPUTS; i++)
		drop_stream(&k->outputs[i]);
	kwin_link_close(&k->link);
	k->up = false;
	k->hung_until_ns = 0;
}

static void on_socket(uint32_t events, void *userdata)
{
	struct kwin *k = userdata;
	(void)events;
	if (wlconn_turn(&k->link.conn, 0, -1) >= 0)
		return;
	forget_kwin(k);
	say("KWin, which the host used, was ended or closed the connection");
	log_warn("kwin: %s", why_text);
	if (k->base.params.on_lost)
		k->base.params.on_lost(why_text, k->base.params.userdata);
}

static void say_hidden(const struct kwin_link *l)
{
	char hint[VDISPLAY_NOTE_LEN - 128] = "it is another user's: start the host as the user of "
					     "the desktop";
	if (l->peer_uid == geteuid())
		kwin_permission_explain(hint, sizeof(hint));
	say("KWin at %.60s hides zkde_screencast_unstable_v1 from this host: %s", l->path, hint);
}

/* Is there all that outputs need? */
static int check_link(const struct kwin_link *l)
{
	if (!l->screencast) {
		say_hidden(l);
		return PF_E_DENIED;
	}
	if (l->screencast_version < STREAM_SINCE) {
		say("KWin at %s is too old to make displays (zkde_screencast_unstable_v1 version "
		    "%u): update to Plasma 6.5.6 or newer",
			l->path, (unsigned)l->screencast_version);
		return PF_E_UNSUPPORTED;
	}
	return PF_OK;
}

static int find(struct kwin_link *l, const char *user, uint64_t until_ns)
{
	const int err = kwin_find(l, user, until_ns);
	if (err == PF_E_TIMEOUT)
		say("a Wayland compositor in the user's runtime folder does not answer: is it "
		    "hanging? See 'systemctl --user status plasma-kwin_wayland'");
	else if (err < 0)
		say("no KWin runs in $WAYLAND_DISPLAY, $XDG_RUNTIME_DIR or the user's folder under "
		    "/run/user: log in to a Plasma session on Wayland, as the user that the host "
		    "runs as");
	return err >= 0 ? check_link(l) : err;
}

static int ensure_up(struct kwin *k, uint64_t until_ns)
{
	if (k->up)
		return PF_OK;
	int err = find(&k->link, k->base.params.user, until_ns);
	if (err >= 0 && k->base.params.loop)
		err = loop_add_fd(k->base.params.loop, &k->readable,
			wl_display_get_fd(k->link.conn.display), EPOLLIN, on_socket, k);
	if (err < 0) {
		kwin_link_close(&k->link);
		return err;
	}
	k->up = true;
	log_info("kwin: using the KWin at %s", k->link.path);
	return PF_OK;
}

/* --- an output --- */

static int on_stream(const void *impl, void *target, uint32_t opcode,
	const struct wl_message *message, union wl_argument *args)
{
	struct kwin_output *o = wl_proxy_get_user_data(target);
	if (opcode == STREAM_CREATED && !o->created) {
		o->created = true;
		o->node = args[0].u;
	} else if (opcode == STREAM_FAILED) {
		o->failed = true;
		pf_text_clean(o->reason, sizeof(o->reason), args[0].s, strlen(args[0].s));
	} else if (opcode == STREAM_CLOSED) {
		o->closed = true;
	}
	return 0;
}

static bool is_decided(void *userdata)
{
	const struct kwin_output *o = userdata;
	return o->created || o->failed || o->closed;
}

struct showing {
	struct kwin *k;
	const char *name;
	uint32_t width, height; /* 0 = any */
};

static bool is_showing(void *userdata)
{
	const struct showing *s = userdata;
	const struct wlspace_output *o = wlspace_find(&s->k->link.space, s->name);
	if (!o || !s->width)
		return o;
	return o->mode_width == s->width && o->mode_height == s->height &&
		o->width == (int32_t)s->width && o->height == (int32_t)s->height;
}

static bool name_is_free(const struct kwin *k, const char *name)
{
	for (size_t i = 0; i < WLSPACE_MAX_OUTPUTS; i++) {
		if (k->link.space.outputs[i].wl && !strcmp(k->link.space.outputs[i].name, name))
			return false;
	}
	return true;
}

/*
 * KWin remembers each name that it ever saw with its place on the desk: few names, used again, so that what a person
 * arranged is there the next time, and KWin's file does not grow. Other hosts may have made some of them.
 */
static int choose_name(struct kwin *k, struct kwin_output *o, char *asked, size_t cap)
{
	for (uint32_t n = 1; n <= 2 * MAX_OUTPUTS; n++) {
		bool taken = false;
		for (size_t i = 0; i < MAX_OUTPUTS; i++)
			taken |= k->outputs[i].number == n;
		snprintf(asked, cap, "punktfunk-%u", (unsigned)n);
		snprintf(o->name, sizeof(o->name), "Virtual-%s", asked);
		if (taken || !name_is_free(k, o->name))
			continue;
		o->number = n;
		return PF_OK;
	}
	return PF_E_FULL;
}

static void say_refused(const struct kwin *k, const char *reason)
{
	const char *hint = "see that PipeWire runs: systemctl --user status pipewire";
	/* In KWin's language: where it is not English, the general hint has to do. */
	if (strstr(reason, "Could not find output"))
		hint = "a KWin without a screen (kwin_wayland --virtual) makes displays from "
		       "6.5.6 on; update it, or log in on a machine with a GPU";
	else if (strstr(reason, "Unsupported compositing type"))
		hint = "it draws without OpenGL, for want of a GPU that it may use (/dev/dri), "
		       "and streams nothing then";
	say("KWin (zkde_screencast_unstable_v1 version %u) made no display: it says '%s'; %s",
		(unsigned)k->link.screencast_version, reason, hint);
}

static int ask_output(struct kwin *k, struct kwin_output *o, uint32_t width, uint32_t height)
{
	char asked[32], description[48];
	struct zkde_screencast_unstable_v1 *s = k->link.screencast;
	if (choose_name(k, o, asked, sizeof(asked)) < 0) {
		say("every name for a display of this host is in use in KWin");
		return PF_E_FULL;
	}
	snprintf(description, sizeof(description), "Punktfunk %u", (unsigned)o->number);
	const uint32_t pointer = ZKDE_SCREENCAST_UNSTABLE_V1_POINTER_METADATA;
	const wl_fixed_t scale = wl_fixed_from_int(1);
	if (zkde_screencast_unstable_v1_get_version(s) >= DESCRIPTION_SINCE)
		o->stream = zkde_screencast_unstable_v1_stream_virtual_output_with_description(
			s, asked, description, (int32_t)width, (int32_t)height, scale, pointer);
	else
		o->stream = zkde_screencast_unstable_v1_stream_virtual_output(
			s, asked, (int32_t)width, (int32_t)height, scale, pointer);
	if (!o->stream)
		return PF_E_NOMEM;
	wl_proxy_add_dispatcher((struct wl_proxy *)o->stream, on_stream, NULL, o);
	return PF_OK;
}

/* Waits for the stream and its output. */
static int await_output(struct kwin *k, struct kwin_output *o, uint64_t until_ns)
{
	struct showing any = {.k = k, .name = o->name};
	int err = kwin_link_wait(&k->link, is_decided, o, until_ns);
	if (err >= 0 && !o->created) {
		say_refused(k, o->reason[0] ? o->reason : "closed");
		return PF_E_IO;
	}
	if (err >= 0 && (o->node == 0 || o->node == UINT32_MAX)) {
		say("KWin told no PipeWire node for its display (%u); see that PipeWire runs: "
		    "systemctl --user status pipewire",
			(unsigned)o->node);
		return PF_E_IO;
	}
	if (err >= 0)
		err = kwin_link_wait(&k->link, is_showing, &any, until_ns);
	if (err == PF_E_TIMEOUT)
		say("KWin did not %s within %u s; if it goes on, log out and in again",
			o->created ? "show the display that it made" : "answer",
			(unsigned)(ANSWER_NS / 1000000000u));
	return err;
}

/* To the person, where the rate is not the one that was asked for. */
static void say_rate(
	const struct kwin *k, const struct kwin_output *o, uint32_t refresh_mhz, const char *reason)
{
	const struct wlspace_output *w = wlspace_find(&k->link.space, o->name);
	const uint32_t got = w && w->mode_mhz ? w->mode_mhz : PLAIN_MHZ;
	if (refresh_mhz - got + NEAR_MHZ <= 2 * NEAR_MHZ)
		return;
	if (kwin_devices_has_custom(&k->link.devices))
		log_warn("kwin: %s stays at %.7g Hz: KWin %s %.7g Hz (%s)", o->name,
			(double)got / 1000, reason[0] ? "refuses" : "makes no mode of",
			(double)refresh_mhz / 1000,
			reason[0] ? reason : "its modes are multiples of 8 pixels wide");
	else
		log_warn("kwin: %s stays at %.7g Hz: KWin makes other rates from 6.6 on", o->name,
			(double)got / 1000);
}

/*
 * KWin makes outputs at 60 Hz, or as it remembers one of this name. Where it cannot do the rate, the output stays
 * as it is; where it is not of the right size, it is none.
 */
static int set_mode_of(struct kwin *k, struct kwin_output *o, uint32_t width, uint32_t height,
	uint32_t refresh_mhz, uint64_t until_ns)
{
	struct showing s = {.k = k, .name = o->name, .width = width, .height = height};
	char reason[160] = "";
	const struct wlspace_output *w = wlspace_find(&k->link.space, o->name);
	if (is_showing(&s) && w->mode_mhz == refresh_mhz)
		return PF_OK;
	int err = kwin_device_set_mode(
		&k->link, o->name, width, height, refresh_mhz, until_ns, reason, sizeof(reason));
	if (err >= 0)
		err = kwin_link_wait(&k->link, is_showing, &s, until_ns);
	if (err == PF_E_TIMEOUT)
		say("KWin did not set %s to %ux%u in time", o->name, width, height);
	if (err >= 0 || (err == PF_E_UNSUPPORTED && is_showing(&s))) {
		say_rate(k, o, refresh_mhz, reason);
		return PF_OK;
	}
	if (err == PF_E_UNSUPPORTED)
		say("KWin does not set %s to %ux%u%s%s%s", o->name, (unsigned)width,
			(unsigned)height, reason[0] ? ": " : "", reason,
			kwin_devices_has_custom(&k->link.devices)
				? ""
				: "; it makes modes of any size from 6.6 on");
	return err;
}

/* The user's PipeWire, where that is not our own session's: it lies beside KWin's socket. */
static void find_pipewire(const struct kwin *k, char *remote, size_t cap)
{
	const char *slash = strrchr(k->link.path, '/'), *own = getenv("XDG_RUNTIME_DIR");
	const size_t len = slash ? (size_t)(slash - k->link.path) : 0;
	struct stat st;
	remote[0] = 0;
	if (own && strlen(own) == len && !memcmp(own, k->link.path, len))
		return;
	if (snprintf(remote, cap, "%.*s/pipewire-0", (int)len, k->link.path) >= (int)cap ||
		stat(remote, &st) < 0 || !S_ISSOCK(st.st_mode))
		remote[0] = 0;
}

static void describe(struct kwin *k, const struct kwin_output *o, struct vdisplay_output *out)
{
	const struct wlspace_output *w = wlspace_find(&k->link.space, o->name);
	memcpy(out->name, o->name, sizeof(out->name));
	memcpy(out->wayland_display, k->link.path, sizeof(out->wayland_display));
	if (w) {
		out->width = w->mode_width;
		out->height = w->mode_height;
		out->refresh_mhz = w->mode_mhz ? w->mode_mhz : PLAIN_MHZ;
	}
	out->capture = "pipewire";
	out->inject = "kwin";
	out->node.id = o->node;
	out->node.sized = true;
	find_pipewire(k, out->node.remote, sizeof(out->node.remote));
	out->id = o->id;
}

/* When the next wait is over at the latest, in a call that ends at end_ns. */
static uint64_t answer_by(uint64_t end_ns)
{
	const uint64_t until_ns = clock_now_ns() + ANSWER_NS;
	return until_ns < end_ns ? until_ns : end_ns;
}

static int make_output(struct kwin *k, struct kwin_output *o, uint32_t width, uint32_t height,
	uint32_t refresh_mhz, uint64_t until_ns)
{
	/* So that the names of outputs that went are free. */
	int err = kwin_link_sync(&k->link, until_ns);
	if (err == PF_E_TIMEOUT)
		say("KWin does not answer; if it goes on, log out and in again");
	if (err >= 0)
		err = ask_output(k, o, width, height);
	if (err >= 0)
		err = await_output(k, o, until_ns);
	if (err >= 0)
		err = set_mode_of(k, o, width, height, refresh_mhz, until_ns);
	if (err >= 0)
		o->id = ++k->next_id;
	else
		drop_stream(o);
	wl_display_flush(k->link.conn.display);
	return err;
}

static struct kwin_output *find_output(struct kwin *k, uint64_t id)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (k->outputs[i].id == id)
			return &k->outputs[i];
	}
	return NULL;
}

/* KWin, or another one: what it refuses is PF_E_IO. */
static int finish(struct kwin *k, int err)
{
	if (err == PF_E_TIMEOUT)
		k->hung_until_ns = clock_now_ns() + HUNG_REST_NS;
	if (err == PF_E_CLOSED)
		say("KWin closed the connection");
	else if (err == PF_E_NOMEM)
		say("no memory");
	if (err < 0)
		log_error("kwin: %s", why_text);
	return err >= 0 || err == PF_E_TIMEOUT || err == PF_E_NOMEM ? err : PF_E_IO;
}

static bool is_resting(const struct kwin *k)
{
	if (clock_now_ns() >= k->hung_until_ns)
		return false;
	say("KWin does not answer; it is left alone for a moment");
	log_error("kwin: %s", why_text);
	return true;
}

static int add_output(struct vdisplay *base, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct kwin *k = from_base(base);
	struct kwin_output *o = NULL;
	int err = PF_E_CLOSED;
	const uint64_t end_ns = clock_now_ns() + VDISPLAY_HOLD_NS;
	if (is_resting(k))
		return PF_E_TIMEOUT;
	/* A second time when the first finds out that KWin was started anew. */
	for (int n = 0; n < 2 && err == PF_E_CLOSED; n++) {
		err = ensure_up(k, answer_by(end_ns));
		o = find_output(k, 0);
		if (err >= 0 && !o)
			say("%u displays are in use already", MAX_OUTPUTS);
		if (err >= 0)
			err = o ? make_output(k, o, width, height, refresh_mhz, answer_by(end_ns))
				: PF_E_FULL;
		/* Not on_lost: sessions on it hear of its end from their captures. */
		if (err == PF_E_CLOSED)
			forget_kwin(k);
	}
	if (err < 0)
		return finish(k, err);
	describe(k, o, out);
	log_info("kwin: output %s of %ux%u at %.7g Hz, PipeWire node %u", out->name, out->width,
		out->height, (double)out->refresh_mhz / 1000, out->node.id);
	return PF_OK;
}

static void on_leave(void *userdata)
{
	struct kwin *k = userdata;
	struct kwin_output *o;
	while ((o = find_output(k, LEAVING)))
		drop_stream(o);
	if (k->up)
		wl_display_flush(k->link.conn.display);
}

/* KWin before 6.6 makes outputs in one size: another one instead, and then the old one goes. */
static int replace(struct kwin *k, struct kwin_output *old, uint32_t width, uint32_t height,
	uint32_t refresh_mhz, uint64_t until_ns)
{
	struct kwin_output *o = find_output(k, 0);
	const uint64_t id = old->id;
	if (!o)
		say("%u displays are in use already", MAX_OUTPUTS);
	const int err = o ? make_output(k, o, width, height, refresh_mhz, until_ns) : PF_E_FULL;
	if (err < 0)
		return err;
	o->id = id;
	old->id = LEAVING;
	if (k->leave_timer)
		loop_set_deadline(k->leave_timer, clock_now_ns() + LEAVE_NS);
	else
		on_leave(k);
	return PF_OK;
}

static int set_mode(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	struct kwin *k = from_base(base);
	struct kwin_output *o = output->id && k->up ? find_output(k, output->id) : NULL;
	if (!o)
		return PF_E_IO;
	if (is_resting(k))
		return PF_E_TIMEOUT;
	int err = PF_E_UNSUPPORTED;
	const uint64_t end_ns = clock_now_ns() + VDISPLAY_HOLD_NS;
	if (!o->closed && kwin_devices_has_custom(&k->link.devices))
		err = set_mode_of(k, o, width, height, refresh_mhz, answer_by(end_ns));
	if (err == PF_E_UNSUPPORTED)
		err = replace(k, o, width, height, refresh_mhz, answer_by(end_ns));
	if (err < 0)
		return finish(k, err);
	describe(k, find_output(k, output->id), output);
	return PF_OK;
}

static void remove_output(struct vdisplay *base, struct vdisplay_output *output)
{
	struct kwin *k = from_base(base);
	struct kwin_output *o = output->id && k->up ? find_output(k, output->id) : NULL;
	if (!o)
		return;
	drop_stream(o);
	/* Not waited for: one that hangs does it when it goes on. */
	wl_display_flush(k->link.conn.display);
}

/* --- the backend --- */

static void destroy(struct vdisplay *base)
{
	struct kwin *k = from_base(base);
	forget_kwin(k);
	loop_remove(&k->leave_timer);
	free(k);
}

static int create(struct vdisplay **out, const struct vdisplay_params *params)
{
	if (params->own_session) {
		say("KWin is not started by the host: log in to a Plasma session, or leave out the "
		    "wish for a session of its own");
		return PF_E_UNSUPPORTED;
	}
	struct kwin *k = calloc(1, sizeof(*k));
	say("no memory");
	if (!k)
		return PF_E_NOMEM;
	k->base.impl = &vdisplay_kwin_impl;
	k->base.params = *params;
	int err = ensure_up(k, clock_now_ns() + ANSWER_NS);
	if (err >= 0 && params->loop)
		err = loop_add_timer(params->loop, &k->leave_timer, on_leave, k);
	if (err < 0) {
		/* Where another desktop is taken instead, nobody else tells why it is not this one. */
		if (err != PF_E_NO_FRAME)
			log_warn("kwin: %s", why_text);
		destroy(&k->base);
		return err;
	}
	*out = &k->base;
	return PF_OK;
}

static void say_found(const struct kwin_link *l)
{
	const bool custom = kwin_devices_has_custom(&l->devices);
	char hint[VDISPLAY_NOTE_LEN - 128] = "";
	if (!l->input_version)
		kwin_permission_explain(hint, sizeof(hint));
	say("KWin %s at %.60s makes displays %s%s%s", custom ? "6.6 or newer" : "before 6.6",
		l->path,
		custom ? "of any size and rate"
		       : "at 60 Hz; above that it needs 6.6, and where it has no screen 6.5.6",
		hint[0] ? "; it hides org_kde_kwin_fake_input, so nobody can type or click: " : "",
		hint);
}

static int probe(const struct vdisplay_params *params, char *note)
{
	struct kwin_link *l = calloc(1, sizeof(*l));
	if (!l)
		return PF_E_NOMEM;
	const int err = find(l, params->user, clock_now_ns() + PROBE_NS);
	if (err >= 0)
		say_found(l);
	kwin_link_close(l);
	free(l);
	snprintf(note, VDISPLAY_NOTE_LEN, "%.*s", (int)VDISPLAY_NOTE_LEN - 1, why_text);
	return err < 0 ? err : VDISPLAY_RUNS;
}

static const char *why(void)
{
	return why_text;
}

const struct vdisplay_impl vdisplay_kwin_impl = {
	.name = "kwin",
	.compositor = PF_COMPOSITOR_KWIN,
	.probe = probe,
	.create = create,
	.destroy = destroy,
	.add_output = add_output,
	.set_mode = set_mode,
	.remove_output = remove_output,
	.why = why,
};
