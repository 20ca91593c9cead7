/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/vdisplay/portal_internal.h"
#include "host/vdisplay/user_bus.h"
#include "host/vdisplay/vdisplay.h"

/*
 * Compositors with no way of their own: the desktop portal shares a screen of theirs, which a person allows once; the
 * token of that answer spares the question from then on. A dialog may stay open for long, so the steps run from the
 * bus's answers; who asks for an output meanwhile hears that somebody has to allow it.
 */

#define DEST   PORTAL_DEST
#define OBJECT PORTAL_OBJECT
#define CAST   PORTAL_CAST
#define REMOTE PORTAL_REMOTE

#define CALL_US 1000000u /* of a call that asks nobody */
#define WAIT_NS \
	1000000000ull /* without a dialog all steps are done by then; it holds the control loop */
#define CONSENT_NS 30000000000ull /* who is there sees the dialog by then */
#define UNUSED_NS  60000000000ull /* allowed, and the client did not come back */

#define MAX_GRANTS 4u /* a person allows each */

enum { TYPE_MONITOR = 1, TYPE_VIRTUAL = 4 };
enum { CURSOR_EMBEDDED = 2, CURSOR_METADATA = 4 };
enum step { STEP_NONE, STEP_CREATE, STEP_DEVICES, STEP_SOURCES, STEP_START, STEP_READY };

struct grant {
	struct portal *all;
	enum step step;
	bool used;
	int eis_fd; /* that open_eis() gives out; 0 = none */
	sd_bus_slot *call;
	char request[160]; /* whose answer is waited for */
	uint64_t until_ns;
	struct portal_answer got;
	uint32_t width, height, refresh_mhz; /* wished */
};

struct portal {
	struct vdisplay base;
	struct user_bus bus;
	sd_bus_slot *slots[4];
	struct loop_source *timer;
	struct grant grants[MAX_GRANTS];
	char sender[64]; /* our name in the paths of requests */
	char owner[64];	 /* the portal's on the bus: others could answer in its stead */
	char why[256];
	unsigned n_requests;
	uint32_t types, cursors, remote_version; /* remote_version 0 = no input, 2 = with EIS */
	bool gone, denied;
};

static char why_text[400]; /* Thread: the control loop */

static struct portal *from_base(const struct vdisplay *base)
{
	pf_check(base->impl == &vdisplay_portal_impl);
	return (struct portal *)base;
}

/* --- the steps --- */

static void reset(struct grant *g)
{
	struct portal *p = g->all;
	g->call = sd_bus_slot_unref(g->call);
	if (g->got.session[0] && !p->gone) {
		sd_bus_message *m = NULL;
		if (sd_bus_message_new_method_call(p->bus.bus, &m, DEST, g->got.session,
			    "org.freedesktop.portal.Session", "Close") >= 0) {
			sd_bus_message_set_expect_reply(m, 0);
			(void)!sd_bus_send(p->bus.bus, m, NULL);
		}
		sd_bus_message_unref(m);
	}
	if (g->eis_fd > 0)
		close(g->eis_fd);
	memset(g, 0, sizeof(*g));
	g->all = p;
}

static void give_up(struct grant *g, const char *why)
{
	snprintf(g->all->why, sizeof(g->all->why), "%s", why);
	log_warn("portal: %s", why);
	reset(g);
}

static void rearm(struct portal *p)
{
	uint64_t first_ns = UINT64_MAX;
	for (size_t i = 0; i < MAX_GRANTS; i++) {
		const struct grant *g = &p->grants[i];
		if (g->step != STEP_NONE && !g->used && g->until_ns < first_ns)
			first_ns = g->until_ns;
	}
	if (p->timer)
		loop_set_deadline(p->timer, first_ns);
}

static int handle_call(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct grant *g = userdata;
	(void)error;
	g->call = sd_bus_slot_unref(g->call);
	/* A good one has said nothing yet: its answer is a signal. */
	if (sd_bus_message_is_method_error(m, NULL) && g->step != STEP_READY)
		give_up(g, "the desktop portal refuses to share a screen");
	rearm(g->all);
	return 0;
}

static int add_choice(sd_bus_message *m, const char *key, uint32_t value)
{
	return sd_bus_message_append(m, "{sv}", key, "u", value);
}

/* What is remembered, and that it shall be. Goes with the call that the portal's version wants it in. */
static int add_memory(sd_bus_message *m, struct grant *g)
{
	char token[PORTAL_TOKEN_LEN];
	int r = add_choice(m, "persist_mode", 2);
	portal_token_load(token, g->all->base.params.config_dir, (unsigned)(g - g->all->grants));
	if (r >= 0 && token[0])
		r = sd_bus_message_append(m, "{sv}", "restore_token", "s", token);
	return r;
}

static int add_choices(sd_bus_message *m, struct grant *g, const char *token)
{
	const struct portal *p = g->all;
	const bool virtual = p->types & TYPE_VIRTUAL;
	int r = 0;
	switch (g->step) {
	case STEP_CREATE:
		return sd_bus_message_append(m, "{sv}", "session_handle_token", "s", token);
	case STEP_DEVICES:
		r = add_choice(m, "types", 1 | 2 | 4);
		return r < 0 ? r : add_memory(m, g);
	case STEP_SOURCES:
		r = add_choice(m, "types", virtual ? TYPE_VIRTUAL : TYPE_MONITOR);
		if (r >= 0)
			r = add_choice(m, "cursor_mode",
				p->cursors & CURSOR_METADATA ? CURSOR_METADATA : CURSOR_EMBEDDED);
		return r < 0 || p->remote_version ? r : add_memory(m, g);
	default:
		return 0;
	}
}

static int make_step(struct grant *g, enum step step)
{
	static const char *const names[] = {
		"", "CreateSession", "SelectDevices", "SelectSources", "Start"};
	struct portal *p = g->all;
	sd_bus_message *m = NULL;
	char token[32];
	g->step = step;
	const bool cast = step == STEP_SOURCES || !p->remote_version;
	snprintf(token, sizeof(token), "punktfunk%u", ++p->n_requests);
	snprintf(g->request, sizeof(g->request), OBJECT "/request/%s/%s", p->sender, token);
	int r = sd_bus_message_new_method_call(
		p->bus.bus, &m, DEST, OBJECT, cast ? CAST : REMOTE, names[step]);
	if (r >= 0 && step != STEP_CREATE)
		r = sd_bus_message_append(m, "o", g->got.session);
	if (r >= 0 && step == STEP_START)
		r = sd_bus_message_append(m, "s", "");
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'a', "{sv}");
	if (r >= 0)
		r = sd_bus_message_append(m, "{sv}", "handle_token", "s", token);
	if (r >= 0)
		r = add_choices(m, g, token);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_call_async(p->bus.bus, &g->call, m, handle_call, g, CONSENT_NS / 1000);
	sd_bus_message_unref(m);
	return r < 0 ? PF_E_IO : PF_OK;
}

static void take_start(struct grant *g, const struct portal_answer *a)
{
	struct portal *p = g->all;
	if (!a->node) {
		give_up(g, "the desktop portal allowed it and named no screen");
		return;
	}
	char session[sizeof(g->got.session)];
	memcpy(session, g->got.session, sizeof(session));
	g->got = *a;
	memcpy(g->got.session, session, sizeof(session));
	portal_token_store(p->base.params.config_dir, (unsigned)(g - p->grants), a->token);
	g->step = STEP_READY;
	g->until_ns = clock_now_ns() + UNUSED_NS;
	log_info("portal: the screen is shared (node %u)", a->node);
}

static void take_answer(struct grant *g, const struct portal_answer *a)
{
	const struct portal *p = g->all;
	enum step next = STEP_START;
	g->request[0] = 0;
	if (a->code) {
		g->all->denied = a->code == 1;
		give_up(g,
			a->code == 1
				? "the person at the host did not allow its screen to be shared"
				: "the desktop portal could not share the screen");
		return;
	}
	switch (g->step) {
	case STEP_CREATE:
		if (!sd_bus_object_path_is_valid(a->session)) {
			give_up(g, "the desktop portal gave no session");
			return;
		}
		memcpy(g->got.session, a->session, sizeof(a->session));
		next = p->remote_version ? STEP_DEVICES : STEP_SOURCES;
		break;
	case STEP_DEVICES:
		next = STEP_SOURCES;
		break;
	case STEP_SOURCES:
		next = STEP_START;
		break;
	case STEP_START:
		take_start(g, a);
		return;
	default:
		return;
	}
	if (make_step(g, next) < 0)
		give_up(g, "the desktop portal went away");
}

static int handle_answer(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct portal *p = userdata;
	struct portal_answer a;
	const char *path = sd_bus_message_get_path(m);
	(void)error;
	for (size_t i = 0; path && i < MAX_GRANTS; i++) {
		struct grant *g = &p->grants[i];
		if (g->step == STEP_NONE || strcmp(g->request, path) != 0)
			continue;
		if (portal_read_answer(&a, m) < 0)
			give_up(g, "the desktop portal's answer makes no sense");
		else
			take_answer(g, &a);
		break;
	}
	rearm(p);
	return 0;
}

static int handle_closed(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	struct portal *p = userdata;
	const char *path = sd_bus_message_get_path(m);
	(void)error;
	for (size_t i = 0; path && i < MAX_GRANTS; i++) {
		struct grant *g = &p->grants[i];
		if (g->step == STEP_NONE || strcmp(g->got.session, path) != 0)
			continue;
		/* Whoever streams it hears of it from PipeWire, where the node ends. */
		g->got.session[0] = 0;
		if (g->used)
			log_warn("portal: somebody at the host ended the sharing of the screen");
		else
			give_up(g, "somebody at the host ended the sharing of the screen");
	}
	return 0;
}

static void tell_gone(struct portal *p, const char *why)
{
	if (p->gone)
		return;
	p->gone = true;
	if (p->base.params.on_lost)
		p->base.params.on_lost(why, p->base.params.userdata);
}

static int handle_owner(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	const char *name, *before, *now;
	(void)error;
	if (user_bus_said(m) && sd_bus_message_read(m, "sss", &name, &before, &now) >= 0 && *before)
		tell_gone(userdata, "the desktop portal, which shared the screen, ended");
	return 0;
}

static int handle_disconnected(sd_bus_message *m, void *userdata, sd_bus_error *error)
{
	(void)m;
	(void)error;
	tell_gone(userdata, "the D-Bus session bus, and with it the desktop, is gone");
	return 0;
}

static void on_timer(void *userdata)
{
	struct portal *p = userdata;
	const uint64_t now_ns = clock_now_ns();
	for (size_t i = 0; i < MAX_GRANTS; i++) {
		struct grant *g = &p->grants[i];
		if (g->step == STEP_NONE || g->used || g->until_ns > now_ns)
			continue;
		give_up(g,
			g->step == STEP_READY
				? "the screen was shared, and no client came for it: ended"
				: "nobody at the host allowed the screen to be shared in time");
	}
	rearm(p);
}

/* --- the backend --- */

static void destroy(struct vdisplay *base)
{
	struct portal *p = from_base(base);
	for (size_t i = 0; i < MAX_GRANTS && p->bus.bus; i++)
		reset(&p->grants[i]);
	for (size_t i = 0; i < 4; i++)
		sd_bus_slot_unref(p->slots[i]);
	loop_remove(&p->timer);
	user_bus_close(&p->bus);
	free(p);
}

static int find_owner(struct portal *p)
{
	sd_bus_message *m = NULL, *reply = NULL;
	const char *owner = "";
	int r = sd_bus_message_new_method_call(p->bus.bus, &m, "org.freedesktop.DBus",
		"/org/freedesktop/DBus", "org.freedesktop.DBus", "GetNameOwner");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", DEST);
	if (r >= 0)
		r = sd_bus_call(p->bus.bus, m, CALL_US, NULL, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "s", &owner);
	snprintf(p->owner, sizeof(p->owner), "%s", r < 0 ? "" : owner);
	sd_bus_message_unref(m);
	sd_bus_message_unref(reply);
	return r;
}

static int listen_to(struct portal *p)
{
	sd_bus *bus = p->bus.bus;
	const char *name = NULL;
	int r = find_owner(p);
	if (r >= 0)
		r = sd_bus_get_unique_name(bus, &name);
	if (r >= 0) {
		snprintf(p->sender, sizeof(p->sender), "%s", name + (*name == ':'));
		for (char *c = p->sender; *c; c++)
			*c = *c == '.' ? '_' : *c;
		r = sd_bus_match_signal(bus, &p->slots[0], p->owner, NULL,
			"org.freedesktop.portal.Request", "Response", handle_answer, p);
	}
	if (r >= 0)
		r = sd_bus_match_signal(bus, &p->slots[1], p->owner, NULL,
			"org.freedesktop.portal.Session", "Closed", handle_closed, p);
	if (r >= 0)
		r = sd_bus_add_match(bus, &p->slots[2],
			"type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged',"
			"arg0='" DEST "'",
			handle_owner, p);
	if (r >= 0)
		r = sd_bus_match_signal(bus, &p->slots[3], "org.freedesktop.DBus.Local", NULL,
			"org.freedesktop.DBus.Local", "Disconnected", handle_disconnected, p);
	if (r >= 0 && p->base.params.loop)
		r = sd_bus_attach_event(bus, loop_sd_event(p->base.params.loop), 0);
	return r < 0 ? PF_E_IO : PF_OK;
}

static int create(struct vdisplay **out, const struct vdisplay_params *params)
{
	struct portal *p = calloc(1, sizeof(*p));
	snprintf(why_text, sizeof(why_text), "the host is out of memory");
	if (!p)
		return PF_E_NOMEM;
	p->base.impl = &vdisplay_portal_impl;
	p->base.params = *params;
	for (size_t i = 0; i < MAX_GRANTS; i++)
		p->grants[i].all = p;
	int err = user_bus_open(&p->bus, params->user, why_text, sizeof(why_text));
	if (err < 0)
		goto fail;
	err = portal_start(p->bus.bus, why_text, sizeof(why_text));
	if (err < 0)
		goto fail;
	snprintf(why_text, sizeof(why_text),
		"the desktop portal shares no screens now: install the one of the desktop "
		"(xdg-desktop-portal-wlr, -gnome, -kde), and restart it with systemctl --user "
		"restart xdg-desktop-portal");
	p->types = portal_get_number(p->bus.bus, CAST, "AvailableSourceTypes");
	err = p->types & (TYPE_MONITOR | TYPE_VIRTUAL) ? PF_OK : PF_E_UNSUPPORTED;
	if (err < 0)
		goto fail;
	p->cursors = portal_get_number(p->bus.bus, CAST, "AvailableCursorModes");
	/* Without it a stream is only to look at, and its token is ScreenCast's. */
	p->remote_version = portal_get_number(p->bus.bus, REMOTE, "version");
	err = listen_to(p);
	if (err >= 0 && params->loop)
		err = loop_add_timer(params->loop, &p->timer, on_timer, p);
	if (err < 0)
		goto fail;
	*out = &p->base;
	return PF_OK;
fail:
	destroy(&p->base);
	return err;
}

static struct grant *choose(struct portal *p)
{
	struct grant *free_one = NULL;
	on_timer(p); /* also where no loop runs it */
	for (size_t i = 0; i < MAX_GRANTS; i++) {
		struct grant *g = &p->grants[i];
		if (g->step != STEP_NONE && !g->used)
			return g; /* asked for before, by whoever */
		if (g->step == STEP_NONE && !free_one)
			free_one = g;
	}
	return free_one;
}

/* Without a dialog everything is there within WAIT_NS. */
static void wait_a_moment(struct portal *p, const struct grant *g)
{
	const uint64_t until_ns = clock_now_ns() + WAIT_NS;
	while (g->step != STEP_NONE && g->step != STEP_READY && !p->gone) {
		const uint64_t now_ns = clock_now_ns();
		if (now_ns >= until_ns)
			return;
		const int r = sd_bus_process(p->bus.bus, NULL);
		if (r < 0 || (r == 0 && sd_bus_wait(p->bus.bus, (until_ns - now_ns) / 1000) < 0))
			return;
	}
}

/* A call that takes the session and gives back a descriptor. */
static int open_fd(const struct grant *g, const char *interface, const char *method)
{
	const struct portal *p = g->all;
	sd_bus_message *m = NULL, *reply = NULL;
	int fd = -1;
	if (!g->got.session[0] || p->gone)
		return PF_E_IO;
	int r = sd_bus_message_new_method_call(p->bus.bus, &m, DEST, OBJECT, interface, method);
	if (r >= 0)
		r = sd_bus_message_append(m, "oa{sv}", g->got.session, 0);
	if (r >= 0)
		r = sd_bus_call(p->bus.bus, m, CALL_US, NULL, &reply);
	if (r >= 0)
		r = sd_bus_message_read(reply, "h", &fd);
	if (r >= 0) /* the message's own ends with it */
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	sd_bus_message_unref(m);
	sd_bus_message_unref(reply);
	if (r >= 0 && fd >= 0)
		return fd;
	log_warn("portal: %s: %s", method, strerror(r < 0 ? -r : errno));
	return r == -ETIMEDOUT ? PF_E_TIMEOUT : PF_E_IO;
}

/* The portal may have a version with EIS and a desktop behind it that has none. */
static void choose_input(struct grant *g, struct vdisplay_output *out)
{
	const struct portal *p = g->all;
	const bool may = g->got.devices & (PORTAL_KEYBOARD | PORTAL_POINTER);
	out->inject = inject_view_only_impl.name;
	if (!p->remote_version || !may) {
		log_warn("portal: the desktop takes no input: the stream is only to look at%s",
			p->remote_version
				? "; somebody at the host has to allow pointer and keyboard, too"
				: "; xdg-desktop-portal-gnome and -kde can, others have no "
				  "RemoteDesktop");
		return;
	}
	if (p->remote_version >= 2 && inject_has("libei")) {
		g->eis_fd = open_fd(g, REMOTE, "ConnectToEIS");
		if (g->eis_fd > 0) {
			out->inject = "libei";
			return;
		}
		g->eis_fd = 0;
	}
	out->inject = inject_portal_impl.name;
	out->remote.bus = p->bus.bus;
	snprintf(out->remote.session, sizeof(out->remote.session), "%s", g->got.session);
	snprintf(out->remote.stream, sizeof(out->remote.stream), "%u", g->got.node);
}

static void fill_output(const struct portal *p, const struct grant *g, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	const struct portal_answer *a = &g->got;
	const bool follows = a->source_type == TYPE_VIRTUAL || !a->width;
	snprintf(out->name, sizeof(out->name), "portal-%u", (unsigned)(g - p->grants) + 1);
	out->width = follows ? g->width : a->width;
	out->height = follows ? g->height : a->height;
	out->refresh_mhz = refresh_mhz;
	out->capture = "pipewire";
	out->node.id = a->node;
	out->node.opened = true;
	snprintf(out->mapping, sizeof(out->mapping), "%s", a->mapping);
	out->id = (uint64_t)(g - p->grants);
}

static int add_output(struct vdisplay *base, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct portal *p = from_base(base);
	p->why[0] = 0;
	p->denied = false;
	struct grant *g = p->gone ? NULL : choose(p);
	if (!g) {
		snprintf(p->why, sizeof(p->why), "the host shares as many screens as it may");
		return PF_E_IO;
	}
	g->width = width;
	g->height = height;
	g->refresh_mhz = refresh_mhz;
	if (g->step == STEP_NONE) {
		g->until_ns = clock_now_ns() + CONSENT_NS;
		if (make_step(g, STEP_CREATE) < 0)
			give_up(g, "the desktop portal went away");
	}
	wait_a_moment(p, g);
	rearm(p);
	if (g->step == STEP_NONE)
		return p->gone ? PF_E_IO : p->denied ? PF_E_DENIED : PF_E_UNSUPPORTED;
	if (g->step != STEP_READY) {
		snprintf(p->why, sizeof(p->why),
			"waiting for consent: somebody at the host has to allow its screen to be "
			"shared; "
			"allow it there and connect again");
		log_warn("portal: %s", p->why);
		return PF_E_BUSY;
	}
	g->used = true;
	rearm(p);
	fill_output(p, g, refresh_mhz, out);
	choose_input(g, out);
	return PF_OK;
}

static struct grant *find(struct portal *p, const struct vdisplay_output *output)
{
	struct grant *g = output->id < MAX_GRANTS ? &p->grants[output->id] : NULL;
	return g && g->used ? g : NULL;
}

static int set_mode(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	const struct grant *g = find(from_base(base), output);
	if (!g)
		return PF_E_IO;
	const bool same = width == output->width && height == output->height;
	/* A virtual one has the size and rate that its consumer asks for, a monitor its own. */
	if (g->got.source_type != TYPE_VIRTUAL)
		return same ? PF_OK : PF_E_UNSUPPORTED;
	output->width = width;
	output->height = height;
	output->refresh_mhz = refresh_mhz;
	return PF_OK;
}

static void remove_output(struct vdisplay *base, struct vdisplay_output *output)
{
	struct grant *g = find(from_base(base), output);
	if (g)
		reset(g);
}

static int open_node(struct vdisplay *base, const struct vdisplay_output *output)
{
	const struct grant *g = find(from_base(base), output);
	return g ? open_fd(g, CAST, "OpenPipeWireRemote") : PF_E_IO;
}

static int open_eis(struct vdisplay *base, const struct vdisplay_output *output)
{
	struct grant *g = find(from_base(base), output);
	if (!g)
		return PF_E_IO;
	const int fd = g->eis_fd;
	g->eis_fd = 0;
	return fd > 0 ? fd : open_fd(g, REMOTE, "ConnectToEIS");
}

static const char *why(void)
{
	return why_text;
}

static const char *why_output(const struct vdisplay *base)
{
	return from_base(base)->why;
}

const struct vdisplay_impl vdisplay_portal_impl = {
	.name = "portal",
	.compositor = PF_COMPOSITOR_AUTO,
	.asks_person = true,
	.probe = portal_probe,
	.create = create,
	.destroy = destroy,
	.add_output = add_output,
	.set_mode = set_mode,
	.remove_output = remove_output,
	.open_eis = open_eis,
	.open_node = open_node,
	.why = why,
	.why_output = why_output,
};
