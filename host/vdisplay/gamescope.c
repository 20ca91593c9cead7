/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/pipewire/pwnode.h"
#include "host/vdisplay/gamescope_session.h"
#include "host/vdisplay/vdisplay.h"

/*
 * A gamescope of its own for each output, with the app in it: what a person plays is alone on a screen of its size.
 * docs/internals/gamescope.md
 */

/* Each is a compositor, an X server and a game: more than this is a mistake. */
#define MAX_OUTPUTS 16
/* One that did not come up in time held the control loop for as long: the next client waits outside. */
#define HUNG_REST_NS 5000000000ull

struct output {
	struct gamescope *owner;
	uint64_t id; /* 0 = free */
	struct gamescope_session session;
	struct loop_source *on_child;
	bool ending; /* removed: its processes are on their way out */
};

struct gamescope {
	struct vdisplay base;
	struct gamescope_setup setup;
	struct output outputs[MAX_OUTPUTS];
	uint64_t next_id, hung_until_ns;
};

static char why_text[1024]; /* Thread: the control loop */

static struct gamescope *from_base(struct vdisplay *base)
{
	pf_check(base->impl == &vdisplay_gamescope_impl);
	return (struct gamescope *)base;
}

static void forget(struct output *o)
{
	loop_remove(&o->on_child);
	gamescope_session_forget(&o->session);
	o->id = 0;
	o->ending = false;
}

/* The session on it hears of its end from its capture, whose node goes with it. */
static void handle_child(int pid, int status, void *userdata)
{
	struct output *o = userdata;
	(void)pid;
	const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (!o->ending && code == 0)
		log_info("gamescope: the app of display gamescope-%llu ended, and with it the "
			 "display",
			(unsigned long long)o->id);
	else if (!o->ending)
		log_warn("gamescope: display gamescope-%llu ended (%s %d): %s",
			(unsigned long long)o->id, code > 128 ? "signal" : "code",
			code > 128 ? code - 128 : code, gamescope_session_words(&o->session));
	o->session.pid = 0;
	forget(o);
}

static void destroy(struct vdisplay *base)
{
	struct gamescope *g = from_base(base);
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		loop_remove(&g->outputs[i].on_child);
		gamescope_session_ask_end(&g->outputs[i].session);
	}
	for (size_t i = 0; i < MAX_OUTPUTS; i++)
		gamescope_session_stop(&g->outputs[i].session);
	free(g);
}

static void warn_of_version(const struct gamescope_setup *setup)
{
	char version[48];
	if (!gamescope_may_hang(&setup->version))
		return;
	gamescope_version_text(&setup->version, version, sizeof(version));
	log_warn("gamescope: %s (%s) is older than 3.16.22: with PipeWire 1.6 its pictures may "
		 "stop, "
		 "and all sound with them; install 3.16.22 or newer",
		setup->program, version);
}

static int create(struct vdisplay **out, const struct vdisplay_params *params)
{
	struct gamescope *g = calloc(1, sizeof(*g));
	snprintf(why_text, sizeof(why_text), "no memory");
	if (!g)
		return PF_E_NOMEM;
	g->base.impl = &vdisplay_gamescope_impl;
	g->base.params = *params;
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		g->outputs[i].owner = g;
		gamescope_session_init(&g->outputs[i].session);
	}
	const int err = gamescope_setup_find(&g->setup, params->user, why_text, sizeof(why_text));
	if (err < 0) {
		destroy(&g->base);
		return err;
	}
	warn_of_version(&g->setup);
	*out = &g->base;
	return PF_OK;
}

static int probe(const struct vdisplay_params *params, char *note)
{
	struct gamescope_setup setup;
	char version[48];
	const int err = gamescope_setup_find(&setup, params->user, note, VDISPLAY_NOTE_LEN);
	if (err < 0)
		return err;
	gamescope_version_text(&setup.version, version, sizeof(version));
	snprintf(note, VDISPLAY_NOTE_LEN,
		"%s (%s) can be started for each client with --compositor gamescope%s",
		setup.program, version,
		gamescope_may_hang(&setup.version)
			? "; with PipeWire 1.6 it may hang: install 3.16.22 or newer"
			: "");
	return VDISPLAY_STARTS;
}

static struct output *find(struct gamescope *g, uint64_t id)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (g->outputs[i].id == id && !g->outputs[i].ending)
			return &g->outputs[i];
	}
	return NULL;
}

/* Where nothing of an old one is still on its way out. */
static struct output *find_free(struct gamescope *g)
{
	for (size_t i = 0; i < MAX_OUTPUTS; i++) {
		if (!g->outputs[i].id)
			return &g->outputs[i];
	}
	return NULL;
}

/* A game takes its time, up to the shepherd's two seconds: nobody waits for it here. */
static void end_output(struct output *o)
{
	o->ending = true;
	gamescope_session_ask_end(&o->session);
	if (o->on_child)
		return;
	gamescope_session_stop(&o->session);
	forget(o);
}

static int start(struct gamescope *g, struct output *o, const struct gamescope_mode *mode)
{
	int err = gamescope_session_start(&o->session, &g->setup, g->base.params.app,
		g->base.params.layout, mode, why_text, sizeof(why_text));
	o->id = ++g->next_id;
	if (err == PF_E_TIMEOUT)
		g->hung_until_ns = clock_now_ns() + HUNG_REST_NS;
	const int watched = o->session.pid && g->base.params.loop
		? loop_add_child(g->base.params.loop, &o->on_child, o->session.pid, handle_child, o)
		: PF_OK;
	if (err >= 0 && watched < 0) {
		snprintf(why_text, sizeof(why_text), "no memory");
		err = watched;
	}
	if (err < 0)
		end_output(o);
	return err;
}

static int add_output(struct vdisplay *base, uint32_t width, uint32_t height, uint32_t refresh_mhz,
	struct vdisplay_output *out)
{
	struct gamescope *g = from_base(base);
	/* It takes whole hertz only. */
	const struct gamescope_mode mode = {width, height, vdisplay_hz(refresh_mhz)};
	struct output *o = find_free(g);
	int err = PF_OK;
	if (!o)
		err = PF_E_BUSY;
	else if (clock_now_ns() < g->hung_until_ns)
		err = PF_E_TIMEOUT;
	if (err < 0) {
		snprintf(why_text, sizeof(why_text), "%s",
			o ? "the last gamescope did not come up in time; it is tried again in some "
			    "seconds"
			  : "as many gamescopes run as may");
	} else {
		err = start(g, o, &mode);
	}
	if (err < 0) {
		log_error("gamescope: %s", why_text);
		return err;
	}
	out->id = o->id;
	out->width = width;
	out->height = height;
	out->refresh_mhz = VDISPLAY_MHZ(mode.refresh_hz);
	out->capture = "pipewire";
	out->inject = "libei";
	out->node.id = o->session.node_id;
	snprintf(out->name, sizeof(out->name), "gamescope-%llu", (unsigned long long)o->id);
	snprintf(out->node.remote, sizeof(out->node.remote), "%s", g->setup.pipewire);
	log_info("gamescope: display %s of %ux%u at %u Hz is node %u", out->name, width, height,
		mode.refresh_hz, o->session.node_id);
	if (!o->session.has_eis || !inject_has("libei")) {
		/* A game can still be seen, and played with a pad. */
		out->inject = "record";
		log_warn("gamescope: display %s takes no keyboard and no mouse: %s", out->name,
			o->session.has_eis ? "this host was built without libei"
					   : "this gamescope was built without libei; install one "
					     "that has it");
	}
	return PF_OK;
}

/* Its screen is as large as its command line says; another one would be another game. */
static int set_mode(struct vdisplay *base, struct vdisplay_output *output, uint32_t width,
	uint32_t height, uint32_t refresh_mhz)
{
	struct gamescope *g = from_base(base);
	if (!output->id || !find(g, output->id))
		return PF_E_IO;
	if (width == output->width && height == output->height &&
		vdisplay_hz(refresh_mhz) == vdisplay_hz(output->refresh_mhz))
		return PF_OK;
	log_info("gamescope: display %s stays at %ux%u: gamescope cannot change it while its app "
		 "runs; "
		 "end the session and start one at the new size",
		output->name, output->width, output->height);
	return PF_E_UNSUPPORTED;
}

static void remove_output(struct vdisplay *base, struct vdisplay_output *output)
{
	struct gamescope *g = from_base(base);
	struct output *o = output->id ? find(g, output->id) : NULL;
	if (o)
		end_output(o);
}

/* It shows what it was started with. */
static int claim_windows(struct vdisplay *base, const struct vdisplay_output *output, int pid)
{
	(void)base;
	(void)pid;
	log_warn("gamescope: what is started beside display %s does not show on it: name the "
		 "program with --app, or stream it from another desktop",
		output->name);
	return PF_OK;
}

static bool is_ours(const struct output *o, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);
	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
		pwnode_descends(peer.pid, o->session.pid);
}

static int open_eis(struct vdisplay *base, const struct vdisplay_output *output)
{
	struct gamescope *g = from_base(base);
	const struct output *o = output->id ? find(g, output->id) : NULL;
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	if (!o)
		return PF_E_IO;
	if (!o->session.has_eis)
		return PF_E_UNSUPPORTED;
	/* A server that takes nobody in is not waited for. */
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return pf_error_from_errno(errno);
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", o->session.eis_path);
	int err = connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0 ? PF_OK
		: errno == EAGAIN					     ? PF_E_TIMEOUT
				  : pf_error_from_errno(errno);
	/* The folder is the session's user's, who may have put a link there. */
	if (err >= 0 && !is_ours(o, fd))
		err = PF_E_DENIED;
	if (err >= 0)
		return fd;
	log_error("gamescope: display %s takes no input at %s: %s", output->name, to.sun_path,
		pf_strerror(err));
	close(fd);
	return err;
}

static bool has_output(const struct vdisplay *base, const struct vdisplay_output *output)
{
	return output->id && find((struct gamescope *)base, output->id);
}

static const char *why(void)
{
	return why_text;
}

const struct vdisplay_impl vdisplay_gamescope_impl = {
	.name = "gamescope",
	.compositor = PF_COMPOSITOR_GAMESCOPE,
	.by_name_only = true,
	.probe = probe,
	.create = create,
	.destroy = destroy,
	.add_output = add_output,
	.set_mode = set_mode,
	.remove_output = remove_output,
	.claim_windows = claim_windows,
	.open_eis = open_eis,
	.why = why,
	.has_output = has_output,
};
