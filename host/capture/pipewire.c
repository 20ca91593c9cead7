/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/pipewire.h>
#include <spa/utils/result.h>

#include "host/base/thread.h"
#include "host/capture/capture.h"
#include "host/capture/pipewire_pictures.h"
#include "host/capture/pipewire_rest.h"
#include "host/media/clock.h"
#include "host/pipewire/pwconn.h"

/*
 * Pictures of a node in PipeWire. A thread of its own does everything: it connects, links the node to a stream of ours
 * (no session manager is needed for that), and answers for the time limits. Mutter makes a virtual monitor at the size
 * and rate that are agreed on, so exactly those are offered first; only where a node has no such mode, any other. Its
 * limit of the rate is raised once it is there: see enum pipewire_step.
 */

#define LINK_FACTORY "link-factory"

#define AGREE_NS     1500000000ull  /* an offer is answered by then, or another is made */
#define NEGOTIATE_NS 3000000000ull  /* a node that has agreed on nothing by then is stuck */
#define PICTURE_NS   10000000000ull /* the first picture: a game may take long to draw one */
#define SETTLE_NS \
	300000000ull /* without a picture: then what was agreed on is in place, and the screen is idle */
#define RAISED_NS \
	60000000ull /* the same where only the limit was another: no display had to be made */
/*
 * The limit matters only where pictures flow, and there raising it takes a moment: neither another mode right after
 * the first picture nor a screen at rest should have to wait for that.
 */
#define RAISE_NS   250000000ull /* after the first picture */
#define RAISE_FLOW 4u		/* pictures on end */
#define AWAY_NS	   100000000ull /* a stream that was halted goes on by then */
#define MAX_BAD	   120u		/* pictures in a row that are none */

enum stage {
	STAGE_CONNECTING, /* the daemon tells what there is */
	STAGE_AGREEING,	  /* on a format, and buffers of it */
	STAGE_WAITING,	  /* for the first picture of it */
	STAGE_FLOWING,
};

struct pipewire {
	struct capture base;
	char remote[108];
	uint64_t modifiers[PIPEWIRE_MODIFIERS];
	struct thread thread;
	struct pipewire_wake *wake;
	_Atomic bool quit, draws_cursor;
	_Atomic uint64_t mode; /* see pack_mode() */

	/* the thread's */
	struct pwconn conn;
	struct spa_source *wake_source;
	struct pw_registry *registry;
	struct pw_stream *stream;
	struct pw_proxy *link;
	struct spa_hook core_listener, registry_listener, stream_listener, link_listener,
		link_info_listener;
	int sync_seq;
	uint32_t port_node; /* whose port was the last to come */
	bool synced, node_seen, linked, agreed;
	bool may_link;	 /* a factory of links is there; a portal's connection sees none */
	bool port_seen;	 /* the node has one */
	bool asked_once; /* for a format, in any attempt: somebody linked us */
	char serial[24]; /* of the node, as a session manager calls it */
	bool refused;	 /* the link of this attempt never was */
	bool managed;	 /* we may not link: the session manager shall */
	struct pipewire_wish wish;
	uint64_t wish_mode;
	bool no_gpu;   /* it was tried and cannot be read here */
	bool no_raise; /* it was tried and the node did not follow */
	/*
	 * A portal's: one agreement, and no pause. xdg-desktop-portal-wlr (0.8.4) ends when its stream begins again
	 * while it copies, and with it every stream of the desktop.
	 */
	bool fragile;
	bool raise;	    /* the size is agreed on: the limit of the rate comes next */
	const char *failed; /* why this attempt is over */
	enum stage stage;
	uint64_t stage_ns, attempt_ns;
	uint64_t n_before; /* pictures until the agreement */
	struct pipewire_rest rest;
	struct pipewire_pictures pictures;
	const char *lost;
	int lost_err;
};

static struct pipewire *pipewire_from(struct capture *base)
{
	pf_check(base->impl == &capture_pipewire_impl);
	return (struct pipewire *)base;
}

static void lose(struct pipewire *c, int err, const char *why)
{
	if (c->lost)
		return;
	c->lost = why;
	c->lost_err = err;
}

static void fail(struct pipewire *c, const char *why)
{
	if (!c->failed)
		c->failed = why;
}

/* Width and height below 65536 by CAPTURE_MAX_SIZE, the rate in thousandths of a hertz. */
static uint64_t pack_mode(uint32_t width, uint32_t height, uint32_t refresh_mhz)
{
	return (uint64_t)width << 48 | (uint64_t)height << 32 | refresh_mhz;
}

/* Thread: the capture's, and to set it the controlling one. */
static void set_away(struct pipewire *c, bool away)
{
	uint32_t n = atomic_load(&c->base.away);
	while ((n & 1) != away && !atomic_compare_exchange_weak(&c->base.away, &n, n + 1))
		;
}

static void enter(struct pipewire *c, enum stage stage)
{
	c->stage = stage;
	c->stage_ns = clock_now_ns();
	c->n_before = c->pictures.n_taken;
}

/* --- the link --- */

static void on_link_error(void *userdata, int seq, int res, const char *message)
{
	struct pipewire *c = userdata;
	(void)seq;
	(void)message;
	if (c->managed)
		return;
	/* Who may not link, or not yet, asks the session manager, which does that for everybody. */
	c->refused = !c->linked;
	if (res == -EPERM || res == -EACCES || res == -ENOENT)
		fail(c, "PipeWire lets nobody but its session manager link to the display");
	else
		fail(c, "the display has no picture format that is known here");
}

static void on_link_removed(void *userdata)
{
	struct pipewire *c = userdata;
	if (c->linked)
		fail(c, "PipeWire took the display's pictures away");
}

static void on_link_info(void *userdata, const struct pw_link_info *info)
{
	struct pipewire *c = userdata;
	c->linked = true;
	if (info->change_mask & PW_LINK_CHANGE_MASK_STATE && info->state == PW_LINK_STATE_ERROR)
		fail(c, "the display has no picture format that is known here");
}

static const struct pw_proxy_events link_events = {
	PW_VERSION_PROXY_EVENTS,
	.error = on_link_error,
	.removed = on_link_removed,
};

static const struct pw_link_events link_info_events = {
	PW_VERSION_LINK_EVENTS,
	.info = on_link_info,
};

/* Once both are known: the stream, and its port. */
static void make_link(struct pipewire *c)
{
	if (c->link || c->managed || !c->stream ||
		pw_stream_get_state(c->stream, NULL) != PW_STREAM_STATE_PAUSED ||
		pw_stream_get_node_id(c->stream) != c->port_node)
		return;
	char from[16], to[16];
	snprintf(from, sizeof(from), "%u", c->base.params.node_id);
	snprintf(to, sizeof(to), "%u", pw_stream_get_node_id(c->stream));
	struct pw_properties *props = pw_properties_new(PW_KEY_LINK_OUTPUT_NODE, from,
		PW_KEY_LINK_INPUT_NODE, to, PW_KEY_OBJECT_LINGER, "false", NULL);
	if (props)
		c->link = pw_core_create_object(c->conn.core, LINK_FACTORY, PW_TYPE_INTERFACE_Link,
			PW_VERSION_LINK, &props->dict, 0);
	pw_properties_free(props);
	if (!c->link) {
		lose(c, PF_E_NOMEM, "the host is out of memory");
		return;
	}
	pw_proxy_add_listener(c->link, &c->link_listener, &link_events, c);
	pw_proxy_add_object_listener(c->link, &c->link_info_listener, &link_info_events, c);
}

static void end_link(struct pipewire *c)
{
	if (!c->link)
		return;
	spa_hook_remove(&c->link_info_listener);
	spa_hook_remove(&c->link_listener);
	pw_proxy_destroy(c->link);
	c->link = NULL;
	c->linked = false;
}

/* --- the stream --- */

static void on_state(
	void *userdata, enum pw_stream_state old, enum pw_stream_state state, const char *error)
{
	struct pipewire *c = userdata;
	(void)error;
	if (state == PW_STREAM_STATE_ERROR)
		fail(c, "the display has no picture format that is known here");
	else if (state == PW_STREAM_STATE_UNCONNECTED && old != PW_STREAM_STATE_UNCONNECTED)
		fail(c, "PipeWire ended the stream");
	else if (state == PW_STREAM_STATE_PAUSED)
		make_link(c);
}

static void on_format(struct pipewire *c, const struct spa_pod *param)
{
	uint8_t room[PIPEWIRE_POD_ROOM];
	const struct spa_pod *pods[PIPEWIRE_METAS];
	c->agreed = false;
	c->asked_once |= param != NULL;
	if (!param) { /* it is being agreed on anew */
		if (c->stage > STAGE_AGREEING)
			enter(c, STAGE_AGREEING);
		return;
	}
	if (pipewire_offer_parse(param, &c->pictures.format) < 0) {
		fail(c, "the display has no picture format that is known here");
		return;
	}
	c->agreed = !c->pictures.format.open;
	/* The node's own wish, in mid-stream: its first picture may have to be asked for. */
	if (c->agreed && c->stage == STAGE_FLOWING)
		enter(c, STAGE_WAITING);
	uint32_t n = pipewire_offer_buffers(&c->pictures.format, room, pods);
	if (pw_stream_update_params(c->stream, pods, n) < 0)
		fail(c, "PipeWire took no answer about the display's format");
}

static void on_param(void *userdata, uint32_t id, const struct spa_pod *param)
{
	if (id == SPA_PARAM_Format)
		on_format(userdata, param);
}

static void on_add_buffer(void *userdata, struct pw_buffer *buffer)
{
	struct pipewire *c = userdata;
	buffer->user_data = NULL;
	if (!c->agreed)
		return;
	if (pipewire_pictures_add(&c->pictures, buffer) < 0) {
		if (c->pictures.unreadable)
			c->no_gpu = true;
		fail(c, "the display's pictures lie in memory that cannot be read here");
	} else if (c->stage == STAGE_AGREEING) {
		enter(c, STAGE_WAITING);
		c->raise = c->wish.step == PIPEWIRE_EXACT && !c->no_raise && !c->fragile &&
			!c->base.params.node_keeps_rate;
	}
}

static void on_remove_buffer(void *userdata, struct pw_buffer *buffer)
{
	struct pipewire *c = userdata;
	pipewire_pictures_remove(&c->pictures, buffer);
}

static void on_process(void *userdata)
{
	struct pipewire *c = userdata;
	if (atomic_load(&c->quit))
		return;
	pipewire_pictures_process(&c->pictures);
	if (c->stage == STAGE_WAITING && c->pictures.n_taken != c->n_before)
		enter(c, STAGE_FLOWING);
	if (c->pictures.n_bad > MAX_BAD)
		lose(c, PF_E_INVALID, "the compositor sends pictures that are none");
}

static const struct pw_stream_events stream_events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = on_state,
	.param_changed = on_param,
	.add_buffer = on_add_buffer,
	.remove_buffer = on_remove_buffer,
	.process = on_process,
};

static void end_attempt(struct pipewire *c)
{
	end_link(c);
	if (c->stream) {
		spa_hook_remove(&c->stream_listener);
		c->pictures.stream = NULL;
		pipewire_pictures_clear(&c->pictures);
		pw_stream_destroy(c->stream);
	}
	c->stream = NULL;
	c->port_node = PW_ID_ANY; /* the next stream may get the same number */
	c->agreed = c->raise = c->refused = false;
	c->failed = NULL;
}

/* A GPU's memory shows no pointer that we would have to draw into it. */
static enum pipewire_memory memory_wanted(const struct pipewire *c)
{
	if (c->no_gpu)
		return PIPEWIRE_SHARED;
	if (!c->base.params.dmabuf)
		return PIPEWIRE_SHARED_FIRST;
	bool paint = c->pictures.apart && atomic_load(&c->draws_cursor);
	return paint ? PIPEWIRE_SHARED : PIPEWIRE_GPU_FIRST;
}

static void update_wish(struct pipewire *c, enum pipewire_step step)
{
	uint64_t mode = atomic_load(&c->mode);
	c->wish_mode = mode;
	c->wish = (struct pipewire_wish){
		.width = (uint32_t)(mode >> 48),
		.height = (uint32_t)(mode >> 32) & 0xffff,
		.refresh_mhz = (uint32_t)mode,
		.step = step,
		.memory = memory_wanted(c),
		.modifiers = c->modifiers,
		.n_modifiers = c->base.params.n_modifiers,
	};
	c->pictures.must_map = c->wish.memory != PIPEWIRE_GPU_FIRST;
	c->pictures.interval_ns = 1000000000000ull / c->wish.refresh_mhz;
}

static void begin_attempt(struct pipewire *c, enum pipewire_step step)
{
	uint8_t room[PIPEWIRE_POD_ROOM];
	const struct spa_pod *pods[PIPEWIRE_OFFERS];
	end_attempt(c);
	update_wish(c, step);
	c->attempt_ns = clock_now_ns();
	struct pw_properties *props = pw_properties_new(PW_KEY_MEDIA_TYPE, "Video",
		PW_KEY_MEDIA_CATEGORY, "Capture", PW_KEY_MEDIA_ROLE, "Screen",
		PW_KEY_NODE_DONT_RECONNECT, "true",
		/* A session manager that does not find the node would link the next best: a camera. */
		"node.dont-fallback", "true",
		/* PipeWire 1.6 puts an adapter before video too: nothing is to be converted. */
		"adapter.auto-port-config", "{ mode = passthrough }", NULL);
	if (props && c->managed && c->serial[0])
		pw_properties_set(props, PW_KEY_TARGET_OBJECT, c->serial);
	c->stream = props ? pw_stream_new(c->conn.core, "punktfunk", props) : NULL;
	if (!c->stream) {
		lose(c, PF_E_NOMEM, "the host is out of memory");
		return;
	}
	c->pictures.stream = c->stream;
	pw_stream_add_listener(c->stream, &c->stream_listener, &stream_events, c);
	enum pw_stream_flags flags = PW_STREAM_FLAG_DONT_RECONNECT | PW_STREAM_FLAG_NO_CONVERT;
	if (c->managed)
		flags |= PW_STREAM_FLAG_AUTOCONNECT;
	uint32_t n = pipewire_offer_formats(&c->wish, room, pods);
	if (pw_stream_connect(c->stream, PW_DIRECTION_INPUT,
		    c->managed && !c->serial[0] ? c->base.params.node_id : PW_ID_ANY, flags, pods,
		    n) < 0)
		fail(c, "PipeWire takes no stream from this host");
}

/* --- the daemon --- */

static void on_global(void *userdata, uint32_t id, uint32_t permissions, const char *type,
	uint32_t version, const struct spa_dict *props)
{
	struct pipewire *c = userdata;
	(void)permissions;
	(void)version;
	if (!strcmp(type, PW_TYPE_INTERFACE_Port) && props) {
		const char *node = spa_dict_lookup(props, PW_KEY_NODE_ID);
		c->port_node = node ? (uint32_t)strtoul(node, NULL, 10) : PW_ID_ANY;
		c->port_seen |= c->port_node == c->base.params.node_id;
		make_link(c);
		return;
	}
	if (!strcmp(type, PW_TYPE_INTERFACE_Factory) && props) {
		const char *name = spa_dict_lookup(props, PW_KEY_FACTORY_NAME);
		c->may_link |= name && !strcmp(name, LINK_FACTORY);
		return;
	}
	if (id != c->base.params.node_id || strcmp(type, PW_TYPE_INTERFACE_Node))
		return;
	const char *serial = props ? spa_dict_lookup(props, PW_KEY_OBJECT_SERIAL) : NULL;
	snprintf(c->serial, sizeof(c->serial), "%s", serial ? serial : "");
	c->node_seen = true;
}

static void on_global_gone(void *userdata, uint32_t id)
{
	struct pipewire *c = userdata;
	if (id == c->base.params.node_id && c->node_seen)
		lose(c, PF_E_CLOSED, "the display that was streamed is gone");
}

static void on_done(void *userdata, uint32_t id, int seq)
{
	struct pipewire *c = userdata;
	if (id == PW_ID_CORE && seq == c->sync_seq)
		c->synced = true;
}

static void on_core_error(void *userdata, uint32_t id, int seq, int res, const char *message)
{
	struct pipewire *c = userdata;
	(void)seq;
	(void)message;
	if (id == PW_ID_CORE && res == -EPIPE)
		lose(c, PF_E_CLOSED,
			"PipeWire is gone: connect again when it runs, and the desktop with it");
}

static const struct pw_registry_events registry_events = {
	PW_VERSION_REGISTRY_EVENTS,
	.global = on_global,
	.global_remove = on_global_gone,
};

static const struct pw_core_events core_events = {
	PW_VERSION_CORE_EVENTS,
	.done = on_done,
	.error = on_core_error,
};

static void on_wake(void *userdata, int fd, uint32_t mask)
{
	eventfd_t n;
	(void)userdata;
	(void)mask;
	(void)eventfd_read(fd, &n);
}

static int connect_core(struct pipewire *c)
{
	const int fd = c->base.params.node_fd;
	if (fd <= 0)
		return pwconn_connect(&c->conn, c->remote);
	c->base.params.node_fd = 0;
	c->fragile = true;
	return pwconn_connect_fd(&c->conn, fd);
}

static void connect_daemon(struct pipewire *c)
{
	if (pwconn_open(&c->conn, true) < 0) {
		lose(c, PF_E_UNSUPPORTED,
			"PipeWire's library does not start: install libspa-0.2-modules");
		return;
	}
	c->wake_source = pw_loop_add_io(c->conn.loop, c->wake->fd, SPA_IO_IN, false, on_wake, c);
	if (!c->wake_source) {
		lose(c, PF_E_NOMEM, "the host is out of memory");
		return;
	}
	if (connect_core(c) < 0) {
		lose(c, PF_E_IO,
			"no PipeWire daemon answers: is it running in the desktop's session?");
		return;
	}
	pw_core_add_listener(c->conn.core, &c->core_listener, &core_events, c);
	c->registry = pw_core_get_registry(c->conn.core, PW_VERSION_REGISTRY, 0);
	if (!c->registry) {
		lose(c, PF_E_NOMEM, "the host is out of memory");
		return;
	}
	pw_registry_add_listener(c->registry, &c->registry_listener, &registry_events, c);
	c->sync_seq = pw_core_sync(c->conn.core, PW_ID_CORE, 0);
	enter(c, STAGE_CONNECTING);
}

static void disconnect(struct pipewire *c)
{
	end_attempt(c);
	pipewire_pictures_finish(&c->pictures);
	if (c->registry) {
		spa_hook_remove(&c->registry_listener);
		pw_proxy_destroy((struct pw_proxy *)c->registry);
	}
	c->registry = NULL;
	if (c->conn.core)
		spa_hook_remove(&c->core_listener);
	pwconn_disconnect(&c->conn);
	if (c->wake_source)
		pw_loop_destroy_source(c->conn.loop, c->wake_source);
	c->wake_source = NULL;
	pwconn_close(&c->conn);
}

/* --- the thread --- */

/* A node that knows its size and rate better is asked for none. */
static enum pipewire_step first_step(const struct pipewire *c)
{
	return c->base.params.node_sized ? PIPEWIRE_ANY : PIPEWIRE_EXACT;
}

/* After an attempt that failed: another one, or the end. */
static void try_again(struct pipewire *c)
{
	const char *why = c->failed;
	enum pipewire_step step = c->wish.step;
	bool other_memory = c->wish.memory != memory_wanted(c);
	if (c->stage > STAGE_AGREEING || step == PIPEWIRE_RAISED) { /* all begins anew */
		c->no_raise |= c->stage == STAGE_AGREEING;
		enter(c, STAGE_AGREEING);
		begin_attempt(c, first_step(c));
	} else if (other_memory) {
		begin_attempt(c, step);
	} else if (step == PIPEWIRE_EXACT) {
		begin_attempt(c, PIPEWIRE_ANY);
	} else if (c->refused && !c->managed) {
		c->managed = true;
		begin_attempt(c, first_step(c));
	} else {
		lose(c, PF_E_UNSUPPORTED, why);
	}
}

/* On the stream that there is. */
static void offer(struct pipewire *c, enum pipewire_step step)
{
	uint8_t room[PIPEWIRE_POD_ROOM];
	const struct spa_pod *pods[PIPEWIRE_OFFERS];
	enter(c, STAGE_AGREEING);
	update_wish(c, step);
	c->attempt_ns = clock_now_ns();
	c->raise = false;
	uint32_t n = pipewire_offer_formats(&c->wish, room, pods);
	if (pw_stream_update_params(c->stream, pods, n) < 0)
		fail(c, "PipeWire takes no other offer");
}

static uint64_t settled_ns(const struct pipewire *c)
{
	return c->stage_ns + (c->wish.step == PIPEWIRE_RAISED ? RAISED_NS : SETTLE_NS);
}

/*
 * Needs no wake of its own: a picture has just come. One that waits for its consumer would be lost with its buffer, and
 * it may be the last before a rest.
 */
static bool raise_due(const struct pipewire *c)
{
	return c->raise && c->stage == STAGE_FLOWING && c->rest.came &&
		c->rest.n_flow >= RAISE_FLOW && !c->pictures.pending &&
		clock_now_ns() - c->stage_ns >= RAISE_NS;
}

/*
 * The consumer wants another mode, or another kind of memory; or the second step is due. One agreement after the other,
 * and not before the first picture of the last one is there: daemons (0.3.65) have crashed of two at once.
 */
static void follow_wish(struct pipewire *c)
{
	bool settled = c->stage == STAGE_FLOWING ||
		(c->stage == STAGE_WAITING && clock_now_ns() > settled_ns(c));
	if (!settled)
		return;
	const bool same_memory = c->wish.memory == memory_wanted(c);
	if (same_memory && c->base.params.node_sized) {
		update_wish(c, c->wish.step);
	} else if (same_memory && atomic_load(&c->mode) == c->wish_mode) {
		if (raise_due(c))
			offer(c, PIPEWIRE_RAISED);
	} else if (c->wish.step == PIPEWIRE_ANY) {
		enter(c, STAGE_AGREEING);
		begin_attempt(c, first_step(c));
	} else {
		offer(c, PIPEWIRE_EXACT);
	}
}

/* With PipeWire 1.6 some nodes (KWin's) have no port before a session manager gave them one. */
static const char *why_stuck(const struct pipewire *c)
{
	if (c->asked_once || (c->may_link && c->port_seen))
		return "the compositor does not agree on a picture format";
	return "PipeWire has no session manager that connects the display's pictures to this host, "
	       "or it hangs: install wireplumber, and start it in the desktop's session with "
	       "systemctl --user restart wireplumber";
}

static void check_time(struct pipewire *c)
{
	uint64_t now_ns = clock_now_ns(), spent_ns = now_ns - c->stage_ns;
	if (c->stage == STAGE_CONNECTING && spent_ns > NEGOTIATE_NS)
		lose(c, PF_E_TIMEOUT,
			"PipeWire does not answer: systemctl --user restart pipewire wireplumber");
	else if (c->stage == STAGE_AGREEING && spent_ns > NEGOTIATE_NS)
		lose(c, PF_E_TIMEOUT, why_stuck(c));
	else if (c->stage == STAGE_AGREEING && now_ns - c->attempt_ns > AGREE_NS)
		fail(c, why_stuck(c));
	else if (c->stage == STAGE_WAITING && spent_ns > PICTURE_NS)
		lose(c, PF_E_TIMEOUT,
			"the compositor promised pictures and sent none: see whether the desktop "
			"hangs");
}

static uint64_t ask_due(const struct pipewire *c)
{
	if (!c->stream || c->fragile)
		return UINT64_MAX;
	if (c->stage == STAGE_WAITING)
		return pipewire_rest_first_due(&c->rest, c->stage_ns);
	return c->stage == STAGE_FLOWING ? pipewire_rest_due(&c->rest) : UINT64_MAX;
}

static void ask_for_rest(struct pipewire *c)
{
	uint64_t now_ns = clock_now_ns();
	pipewire_rest_note(&c->rest, c->pictures.n_taken, c->pictures.n_words, now_ns);
	if (now_ns < ask_due(c))
		return;
	pipewire_rest_asked(&c->rest, now_ns);
	set_away(c, true);
	(void)pw_stream_set_active(c->stream, false);
	(void)pw_stream_set_active(c->stream, true);
}

static uint64_t next_due(const struct pipewire *c)
{
	uint64_t due_ns = pipewire_pictures_due(&c->pictures), limit_ns = UINT64_MAX;
	if (ask_due(c) < due_ns)
		due_ns = ask_due(c);
	if (c->stage == STAGE_AGREEING)
		limit_ns = c->attempt_ns + AGREE_NS < c->stage_ns + NEGOTIATE_NS
			? c->attempt_ns + AGREE_NS
			: c->stage_ns + NEGOTIATE_NS;
	else if (c->stage == STAGE_CONNECTING)
		limit_ns = c->stage_ns + NEGOTIATE_NS;
	else if (c->stage == STAGE_WAITING && clock_now_ns() < settled_ns(c))
		limit_ns = settled_ns(c);
	else if (c->stage == STAGE_WAITING)
		limit_ns = c->stage_ns + PICTURE_NS;
	return due_ns < limit_ns ? due_ns : limit_ns;
}

/* Until its next picture. A screen that is idle may have none. */
static bool is_away(const struct pipewire *c)
{
	const uint64_t now_ns = clock_now_ns();
	if (c->stage == STAGE_FLOWING)
		return atomic_load(&c->mode) != c->wish_mode ||
			(c->rest.asked_ns && now_ns < c->rest.asked_ns + AWAY_NS);
	return c->stage != STAGE_WAITING || now_ns < settled_ns(c);
}

static void turn(struct pipewire *c)
{
	uint64_t due_ns = next_due(c), now_ns = clock_now_ns();
	int ms = due_ns == UINT64_MAX ? -1
		: due_ns <= now_ns    ? 0
				      : (int)((due_ns - now_ns) / 1000000u + 1);
	if (pw_loop_iterate(c->conn.loop, ms) < 0 && errno != EINTR)
		lose(c, PF_E_IO, "PipeWire's loop failed");
	if (c->stage == STAGE_CONNECTING && c->synced && !c->lost) {
		if (!c->node_seen) {
			lose(c, PF_E_CLOSED, "the display that was to be streamed is not there");
			return;
		}
		c->managed = !c->may_link;
		enter(c, STAGE_AGREEING);
		begin_attempt(c, first_step(c));
	}
	if (c->stream && c->stage > STAGE_CONNECTING)
		pipewire_pictures_turn(&c->pictures, atomic_load(&c->draws_cursor));
	check_time(c);
	ask_for_rest(c);
	if (c->failed && !c->lost)
		try_again(c);
	if (!c->lost)
		follow_wish(c);
	set_away(c, is_away(c));
}

static void run(void *userdata)
{
	struct pipewire *c = userdata;
	c->pictures.base = &c->base;
	c->pictures.wake = c->wake;
	c->pictures.drawn = atomic_load(&c->draws_cursor);
	connect_daemon(c);
	while (!atomic_load(&c->quit) && !c->lost)
		turn(c);
	disconnect(c);
	set_away(c, false);
	if (c->lost && !atomic_load(&c->quit) && c->base.params.on_lost)
		c->base.params.on_lost(c->lost_err, c->lost, c->base.params.userdata);
}

/* --- the backend --- */

static void pipewire_destroy(struct capture *base)
{
	struct pipewire *c = pipewire_from(base);
	pipewire_wake_unref(c->wake);
	if (c->base.params.node_fd > 0)
		close(c->base.params.node_fd);
	free(c);
}

static int pipewire_create(struct capture **out, const struct capture_params *params)
{
	if (params->n_modifiers > PIPEWIRE_MODIFIERS)
		return PF_E_INVALID;
	struct pipewire *c = calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	c->base.impl = &capture_pipewire_impl;
	c->base.caps = (struct capture_caps){
		.damage_driven = true, .cursor = true, .resizes = true};
	c->base.params = *params;
	c->base.params.wayland_display = NULL;
	c->base.params.output_name = NULL;
	int n = snprintf(
		c->remote, sizeof(c->remote), "%s", params->node_remote ? params->node_remote : "");
	c->base.params.node_remote = c->remote;
	for (uint32_t i = 0; i < params->n_modifiers; i++)
		c->modifiers[i] = params->modifiers[i];
	c->base.params.modifiers = c->modifiers;
	atomic_init(&c->draws_cursor, params->cursor);
	atomic_init(&c->mode, pack_mode(params->width, params->height, params->refresh_mhz));
	int err = n < (int)sizeof(c->remote) ? pipewire_wake_create(&c->wake) : PF_E_INVALID;
	if (err < 0) {
		c->base.params.node_fd = 0; /* the caller's still */
		pipewire_destroy(&c->base);
		return err;
	}
	*out = &c->base;
	return PF_OK;
}

static int pipewire_start(struct capture *base)
{
	struct pipewire *c = pipewire_from(base);
	atomic_store(&c->quit, false);
	c->synced = c->node_seen = c->managed = c->no_gpu = c->no_raise = false;
	c->may_link = c->port_seen = c->asked_once = false;
	c->lost = c->failed = NULL;
	set_away(c, true);
	return thread_start(&c->thread, "pf-capture", THREAD_MEDIA, run, c);
}

static void pipewire_stop(struct capture *base)
{
	struct pipewire *c = pipewire_from(base);
	atomic_store(&c->quit, true);
	pipewire_wake_up(c->wake);
	thread_join(&c->thread);
}

static int pipewire_set_mode(
	struct capture *base, uint32_t width, uint32_t height, uint32_t refresh_mhz)
{
	struct pipewire *c = pipewire_from(base);
	const uint64_t mode = pack_mode(width, height, refresh_mhz);
	if (atomic_exchange(&c->mode, mode) != mode)
		set_away(c, true);
	pipewire_wake_up(c->wake);
	return PF_OK;
}

static void pipewire_draw_cursor(struct capture *base, bool drawn)
{
	struct pipewire *c = pipewire_from(base);
	atomic_store(&c->draws_cursor, drawn);
	pipewire_wake_up(c->wake);
}

const struct capture_impl capture_pipewire_impl = {
	.name = "pipewire",
	.create = pipewire_create,
	.destroy = pipewire_destroy,
	.start = pipewire_start,
	.stop = pipewire_stop,
	.set_mode = pipewire_set_mode,
	.draw_cursor = pipewire_draw_cursor,
};
