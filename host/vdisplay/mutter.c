/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>
#include <unistd.h>

#include "core/wire/handshake.h"
#include "core/wire/text.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/vdisplay/mutter_link.h"
#include "host/vdisplay/vdisplay.h"

/*
 * GNOME. Each output is a RemoteDesktop session (its input) with a ScreenCast session (its one stream, a virtual
 * monitor) tied to it. The monitor comes to be when a consumer has agreed with the stream's node on a size and a
 * rate, which are the monitor's then; another size later changes the monitor in place.
 */

/* One GNOME, one output a client; more than this is a mistake. */
#define MAX_OUTPUTS 64
/* From Start until the node is there: a few milliseconds, unless PipeWire hangs or does not run. */
#define NODE_WAIT_NS 1500000000ull
#define SETTLE_NS    60000000l /* see let_settle(); mutter needs one turn of its loop */

#define CURSOR_METADATA 2u /* the pointer's shape and place beside the picture */

struct output {
	uint64_t id; /* 0 = free */
	bool closed; /* GNOME ended it */
	uint32_t node, width, height, refresh_mhz;
	int eis; /* a connection that nobody took yet; 0 = none */
	bool has_eis;
	char mapping[64]; /* of its region there */
	char remote[MUTTER_NAME_MAX], cast[MUTTER_NAME_MAX], stream[MUTTER_NAME_MAX];
};

struct mutter {
	struct vdisplay base;
	struct mutter_link link;
	bool up;
	char gone[160]; /* why the link is of no use any more; empty = it is */
	struct loop_source *tell_lost;
	struct output outputs[MAX_OUTPUTS];
	uint64_t last_id;
};

static char why_text[VDISPLAY_NOTE_LEN]; /* Thread: the control loop */

static struct mutter *from_base(struct vdisplay *base)
{
	pf_check(base->impl == &vdisplay_mutter_impl);
	return (struct mutter *)base;
}

/* --- what mutter tells --- */

static void on_node(const char *stream, uint32_t node, void *userdata)
{
	struct mutter *m = userdata;
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		struct output *o = &m->outputs[i];
		if (o->id && !o->node && strcmp(o->stream, stream) == 0)
			o->node = node;
	}
}

static bool any_output(const struct mutter *m, bool open_only)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (m->outputs[i].id && !(open_only && m->outputs[i].closed))
			return true;
	}
	return false;
}

/* Told from the loop, not from within a call of ours: the callee ends sessions. */
static void lose(struct mutter *m, const char *why)
{
	if (m->gone[0])
		return;
	snprintf(m->gone, sizeof(m->gone), "%s", why);
	if (m->tell_lost)
		loop_set_deadline(m->tell_lost, 0);
}

static void on_gone(const char *why, void *userdata)
{
	lose(userdata, why);
}

static void on_closed(const char *session, void *userdata)
{
	struct mutter *m = userdata;
	bool ours = false;
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		struct output *o = &m->outputs[i];
		if (!o->id || o->closed ||
			(strcmp(o->remote, session) != 0 && strcmp(o->cast, session) != 0))
			continue;
		o->closed = ours = true;
		log_warn("mutter: GNOME ended the session of output GNOME-%u", (unsigned)o->id);
	}
	/* One of several: its capture finds out, and the others go on. */
	if (ours && !any_output(m, true))
		lose(m, "GNOME ended the remote session (its screen sharing was stopped)");
}

static void drop(struct output *o)
{
	if (o->eis > 0)
		close(o->eis);
	memset(o, 0, sizeof(*o));
}

static void forget(struct mutter *m)
{
	mutter_link_close(&m->link);
	for (size_t i = 0; i < MAX_OUTPUTS; i++)
		drop(&m->outputs[i]);
	if (m->tell_lost)
		loop_set_deadline(m->tell_lost, UINT64_MAX);
	m->up = false;
	m->gone[0] = 0;
}

static void handle_lost(void *userdata)
{
	struct mutter *m = userdata;
	if (!m->gone[0])
		return;
	snprintf(why_text, sizeof(why_text), "%s", m->gone);
	const bool matters = any_output(m, false);
	forget(m);
	log_warn("mutter: %s", why_text);
	if (matters && m->base.params.on_lost) /* last: the callee may destroy us */
		m->base.params.on_lost(why_text, m->base.params.userdata);
}

/* --- the connection --- */

static int ensure_up(struct mutter *m)
{
	if (m->gone[0]) {
		/* Not on_lost: sessions on it hear of its end from their captures, and the caller's is a new one. */
		log_warn("mutter: %s", m->gone);
		forget(m);
	}
	if (m->up)
		return PF_OK;
	int err = mutter_link_open(&m->link, m->base.params.user, why_text, sizeof(why_text));
	if (err < 0)
		return err;
	if (m->base.params.loop &&
		sd_bus_attach_event(m->link.user.bus, loop_sd_event(m->base.params.loop), 0) < 0) {
		forget(m);
		snprintf(why_text, sizeof(why_text), "no memory");
		return PF_E_NOMEM;
	}
	m->up = true;
	log_info("mutter: using the GNOME of user %u", (unsigned)m->link.user.uid);
	return PF_OK;
}

static void destroy(struct vdisplay *base)
{
	struct mutter *m = from_base(base);
	forget(m); /* with the connection go the sessions and their outputs */
	loop_remove(&m->tell_lost);
	free(m);
}

static int create(struct vdisplay **out, const struct vdisplay_params *params)
{
	struct mutter *m = calloc(1, sizeof(*m));
	int err = PF_E_NOMEM;
	snprintf(why_text, sizeof(why_text), "no memory");
	if (!m)
		return err;
	m->base.impl = &vdisplay_mutter_impl;
	m->base.params = *params;
	m->link.on_node = on_node;
	m->link.on_closed = on_closed;
	m->link.on_gone = on_gone;
	m->link.userdata = m;
	if (params->own_session) {
		err = PF_E_UNSUPPORTED;
		snprintf(why_text, sizeof(why_text),
			"a session of its own is not GNOME; leave --own-session out to use the one "
			"that runs");
		goto fail;
	}
	err = params->loop ? loop_add_timer(params->loop, &m->tell_lost, handle_lost, m) : PF_OK;
	if (err >= 0)
		err = ensure_up(m);
	if (err < 0)
		goto fail;
	*out = &m->base;
	return PF_OK;
fail:
	destroy(&m->base);
	return err;
}

/* The shell's own version; nothing when it is a bare mutter. */
static void shell_version(struct mutter_link *l, char *out, size_t cap)
{
	sd_bus_message *reply = NULL;
	const char *text;
	out[0] = 0;
	if (sd_bus_call_method(l->user.bus, l->owner, "/org/gnome/Shell",
		    "org.freedesktop.DBus.Properties", "Get", NULL, &reply, "ss", "org.gnome.Shell",
		    "ShellVersion") >= 0 &&
		sd_bus_message_read(reply, "v", "s", &text) >= 0)
		pf_text_clean(out, cap, text, strlen(text));
	sd_bus_message_unref(reply);
}

static void ignore_node(const char *stream, uint32_t node, void *userdata)
{
	(void)stream;
	(void)node;
	(void)userdata;
}

static void ignore_text(const char *text, void *userdata)
{
	(void)text;
	(void)userdata;
}

/* From a session that is never started, and ends with the connection. */
static void learn_alone(struct mutter_link *l)
{
	sd_bus_message *reply = NULL;
	const char *session;
	if (mutter_link_call(l, MUTTER_REMOTE_PATH, MUTTER_REMOTE, "CreateSession", &reply, NULL) >=
			0 &&
		sd_bus_message_read(reply, "o", &session) >= 0)
		mutter_link_learn(l, session);
	sd_bus_message_unref(reply);
}

#define LAYOUT_TEXT "; text is typed as far as the current keyboard layout has it"

static const char *input_note(const struct mutter_link *l)
{
	if (!l->known)
		return "it lets nobody send input: allow remote control in GNOME's settings";
	if (!l->keeps_rate)
		return "input goes by its own calls (libei needs GNOME 49)" LAYOUT_TEXT;
	return inject_has("libei")
		? "input goes by libei" LAYOUT_TEXT
		: "input goes by its own calls, since this host was built without libei: install "
		  "libei-dev and build it again" LAYOUT_TEXT;
}

static int probe(const struct vdisplay_params *params, char *note)
{
	struct mutter_link link = {
		.on_node = ignore_node, .on_closed = ignore_text, .on_gone = ignore_text};
	char version[32];
	const int err = mutter_link_open(&link, params->user, note, VDISPLAY_NOTE_LEN);
	if (err < 0)
		return err;
	shell_version(&link, version, sizeof(version));
	learn_alone(&link);
	snprintf(note, VDISPLAY_NOTE_LEN,
		"GNOME %s runs on the session bus of user %u (screen cast version %d); %s",
		version[0] ? version : "(mutter without its shell)", (unsigned)link.user.uid,
		(int)link.version, input_note(&link));
	mutter_link_close(&link);
	return VDISPLAY_RUNS;
}

/* --- outputs --- */

static struct output *find_id(struct mutter *m, uint64_t id)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (m->outputs[i].id == id)
			return &m->outputs[i];
	}
	return NULL;
}

/* The name in an answer, which is let go. */
static int keep_name(int err, sd_bus_message *reply, const char *types, char out[MUTTER_NAME_MAX])
{
	const char *name = "";
	const int r = err < 0	? 0
		: *types == 'v' ? sd_bus_message_read(reply, "v", types + 1, &name)
				: sd_bus_message_read(reply, types, &name);
	if (err >= 0 && (r < 0 || strlen(name) >= MUTTER_NAME_MAX)) {
		log_error("mutter: an answer is not what this interface says");
		err = PF_E_IO;
	}
	if (err >= 0)
		snprintf(out, MUTTER_NAME_MAX, "%s", name);
	sd_bus_message_unref(reply);
	return err;
}

static int make_sessions(struct mutter *m, struct output *o)
{
	char id[MUTTER_NAME_MAX];
	sd_bus_message *reply = NULL;
	int err = mutter_link_call(
		&m->link, MUTTER_REMOTE_PATH, MUTTER_REMOTE, "CreateSession", &reply, NULL);
	err = keep_name(err, reply, "o", o->remote);
	if (err < 0)
		return err;
	reply = NULL;
	err = mutter_link_call(&m->link, o->remote, "org.freedesktop.DBus.Properties", "Get",
		&reply, "ss", MUTTER_REMOTE_SESSION, "SessionId");
	err = keep_name(err, reply, "vs", id);
	if (err < 0)
		return err;
	reply = NULL;
	err = mutter_link_call(&m->link, MUTTER_CAST_PATH, MUTTER_CAST, "CreateSession", &reply,
		"a{sv}", 1, "remote-desktop-session-id", "s", id);
	err = keep_name(err, reply, "o", o->cast);
	if (err < 0)
		return err;
	reply = NULL;
	err = mutter_link_call(&m->link, o->cast, MUTTER_CAST_SESSION, "RecordVirtual", &reply,
		"a{sv}", 1, "cursor-mode", "u", CURSOR_METADATA);
	return keep_name(err, reply, "o", o->stream);
}

static int await_node(struct mutter *m, struct output *o)
{
	const uint64_t due_ns = clock_now_ns() + NODE_WAIT_NS, end_ns = m->link.call_until_ns;
	const uint64_t deadline_ns = due_ns < end_ns ? due_ns : end_ns;
	int err = PF_OK;
	while (err >= 0 && !o->node && !o->closed && !m->gone[0])
		err = mutter_link_wait(&m->link, deadline_ns);
	if (err == PF_E_TIMEOUT)
		snprintf(why_text, sizeof(why_text),
			"GNOME made a virtual display and gave no pictures of it: does PipeWire "
			"run for this user? systemctl --user restart pipewire");
	return err < 0 ? err : o->node && o->node != UINT32_MAX && !o->closed ? PF_OK : PF_E_IO;
}

static void end_sessions(struct mutter *m, const struct output *o)
{
	if (o->remote[0] && !o->closed)
		mutter_link_tell(&m->link, o->remote, MUTTER_REMOTE_SESSION, "Stop");
}

static int connect_eis(struct mutter *m, const struct output *o)
{
	sd_bus_message *reply = NULL;
	int fd = -1;
	int err = mutter_link_call(
		&m->link, o->remote, MUTTER_REMOTE_SESSION, "ConnectToEIS", &reply, "a{sv}", 0);
	if (err >= 0 && sd_bus_message_read(reply, "h", &fd) < 0)
		err = PF_E_IO;
	if (err >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3); /* the answer's own goes with it */
		err = fd < 0 ? pf_error_from_errno(errno) : fd;
	}
	sd_bus_message_unref(reply);
	return err;
}

/* What the stream's region is called there; else it is known by its size. */
static void ask_mapping(struct mutter *m, struct output *o)
{
	sd_bus_message *reply = NULL;
	const char *name, *id;
	if (mutter_link_call(&m->link, o->stream, "org.freedesktop.DBus.Properties", "Get", &reply,
		    "ss", MUTTER_CAST_STREAM, "Parameters") >= 0 &&
		sd_bus_message_enter_container(reply, 'v', "a{sv}") > 0 &&
		sd_bus_message_enter_container(reply, 'a', "{sv}") > 0) {
		while (sd_bus_message_enter_container(reply, 'e', "sv") > 0) {
			if (sd_bus_message_read(reply, "s", &name) > 0 &&
				strcmp(name, "mapping-id") == 0 &&
				sd_bus_message_read(reply, "v", "s", &id) > 0 &&
				strlen(id) < sizeof(o->mapping))
				snprintf(o->mapping, sizeof(o->mapping), "%s", id);
			else
				(void)sd_bus_message_skip(reply, "v");
			(void)sd_bus_message_exit_container(reply);
		}
	}
	sd_bus_message_unref(reply);
}

/*
 * Where anything of it fails, the session's own calls are as good. Before GNOME 49 they are taken at once: with mutter
 * 48 and the libei of its time (1.3.901) each session left a descriptor behind.
 */
static void open_input(struct mutter *m, struct output *o)
{
	if (!m->link.keeps_rate || !inject_has("libei"))
		return;
	const int fd = connect_eis(m, o);
	if (fd < 0) {
		log_warn(
			"mutter: no input by libei, but by GNOME's own calls: %s", pf_strerror(fd));
		return;
	}
	o->eis = fd;
	o->has_eis = true;
	ask_mapping(m, o);
}

static int open_output(struct mutter *m, struct output *o)
{
	o->id = ++m->last_id;
	int err = make_sessions(m, o);
	if (err >= 0)
		mutter_link_learn(&m->link, o->remote);
	if (err >= 0)
		err = mutter_link_call(
			&m->link, o->remote, MUTTER_REMOTE_SESSION, "Start", NULL, NULL);
	if (err >= 0)
		err = await_node(m, o);
	if (err >= 0) {
		open_input(m, o);
		return PF_OK;
	}
	end_sessions(m, o);
	drop(o);
	/* A session that was not started, or hangs, may stay: it ends with the connection for sure. */
	if (!any_output(m, false))
		forget(m);
	return err == PF_E_UNSUPPORTED ? PF_E_IO : err;
}

static void describe(const struct mutter *m, const struct output *o, struct vdisplay_output *out)
{
	memset(out, 0, sizeof(*out));
	snprintf(out->name, sizeof(out->name), "GNOME-%u", (unsigned)o->id);
	out->width = o->width;
	out->height = o->height;
	out->refresh_mhz = o->refresh_mhz;
	out->capture = "pipewire";
	out->inject = o->has_eis ? "libei" : "mutter";
	out->node.id = o->node;
	out->node.keeps_rate = m->link.keeps_rate;
	if (m->link.user.dir[0])
		snprintf(out->node.remote, sizeof(out->node.remote), "%.90s/pipewire-0",
			m->link.user.dir);
	out->remote.bus = m->link.user.bus;
	snprintf(out->remote.session, sizeof(out->remote.session), "%s", o->remote);
	snprintf(out->remote.stream, sizeof(out->remote.stream), "%s", o->stream);
	snprintf(out->mapping, sizeof(out->mapping), "%s", o->mapping);
	out->id = o->id;
}

static void say_refused(const struct mutter *m, int err)
{
	if (err == PF_E_TIMEOUT)
		snprintf(why_text, sizeof(why_text),
			"GNOME does not answer: see whether the desktop hangs, and log in again");
	else
		snprintf(why_text, sizeof(why_text),
			"GNOME made no virtual display: it says '%s'; %s",
			m->link.said[0] ? m->link.said : pf_strerror(err),
			strcasestr(m->link.said, "pipewire")
				? "systemctl --user restart pipewire, and log in again"
				: "see journalctl --user -b");
}

static int add_output(struct vdisplay *base, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct mutter *m = from_base(base);
	int err = ensure_up(m);
	if (err < 0) {
		log_error("mutter: %s", why_text);
		return err;
	}
	struct output *o = find_id(m, 0);
	if (!o) {
		snprintf(why_text, sizeof(why_text),
			"%d displays are in use already: end a client's session", MAX_OUTPUTS);
		log_error("mutter: %s", why_text);
		return PF_E_IO;
	}
	m->link.call_until_ns = clock_now_ns() + VDISPLAY_HOLD_NS;
	why_text[0] = m->link.said[0] = 0;
	err = open_output(m, o);
	m->link.call_until_ns = 0;
	if (err < 0) {
		if (!why_text[0])
			say_refused(m, err);
		log_error("mutter: %s", why_text);
		return err;
	}
	o->width = width;
	o->height = height;
	o->refresh_mhz = refresh_mhz;
	describe(m, o, out);
	log_info("mutter: output %s of %ux%u at %.7g Hz, PipeWire's node %u, input by %s",
		out->name, width, height, (double)refresh_mhz / 1000, out->node.id,
		o->has_eis ? "libei" : "its own calls");
	return PF_OK;
}

static struct output *find(struct mutter *m, const struct vdisplay_output *output)
{
	return output->id && m->up && !m->gone[0] ? find_id(m, output->id) : NULL;
}

/*
 * Up to 48 mutter lays its monitors out anew a moment after a stream agreed on another size or rate, and crashes where
 * the monitor is gone by then.
 */
static void let_settle(const struct mutter *m, const struct output *o)
{
	if (!m->link.keeps_rate && !o->closed)
		nanosleep(&(struct timespec){.tv_nsec = SETTLE_NS}, NULL);
}

static void remove_output(struct vdisplay *base, struct vdisplay_output *output)
{
	struct mutter *m = from_base(base);
	struct output *o = find(m, output);
	if (!o)
		return;
	let_settle(m, o);
	end_sessions(m, o);
	drop(o);
}

/*
 * The consumer's next agreement changes the monitor, unless only the rate is another: mutter takes a rate together
 * with a size. Then the output is made anew.
 */
static int set_mode(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	struct mutter *m = from_base(base);
	struct output *o = find(m, output);
	struct vdisplay_output anew;
	if (!o || o->closed)
		return PF_E_IO;
	if (width == o->width && height == o->height && refresh_mhz != o->refresh_mhz) {
		const int err = add_output(base, width, height, refresh_mhz, &anew);
		if (err < 0)
			return err;
		remove_output(base, output);
		*output = anew;
		return PF_OK;
	}
	o->width = output->width = width;
	o->height = output->height = height;
	o->refresh_mhz = output->refresh_mhz = refresh_mhz;
	return PF_OK;
}

static int open_eis(struct vdisplay *base, const struct vdisplay_output *output)
{
	struct mutter *m = from_base(base);
	struct output *o = find(m, output);
	if (!o || o->closed)
		return PF_E_IO;
	const int fd = o->eis;
	o->eis = 0;
	return fd > 0 ? fd : connect_eis(m, o);
}

static const char *why(void)
{
	return why_text;
}

const struct vdisplay_impl vdisplay_mutter_impl = {
	.name = "mutter",
	.compositor = PF_COMPOSITOR_MUTTER,
	.probe = probe,
	.create = create,
	.destroy = destroy,
	.add_output = add_output,
	.set_mode = set_mode,
	.remove_output = remove_output,
	.open_eis = open_eis,
	.why = why,
};
