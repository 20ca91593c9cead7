/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/capture/capture.h"
#include "host/config/config.h"
#include "host/encode/encoder.h"
#include "host/gpu/display.h"
#include "host/gpu/dmabuf.h"
#include "host/host.h"
#include "host/inject/inject.h"
#include "host/session/cursor.h"
#include "host/session/hold.h"
#include "host/session/report.h"
#include "host/session/video.h"
#include "host/vdisplay/vdisplay.h"

/* Who may say that the session is over: a capture that is replaced meanwhile has nothing to say any more. */
enum loser { LOST_CAPTURE, LOST_OTHER, N_LOSERS };

/* Written once by a media thread before it posts; read by the loop after that post. */
struct lost_note {
	_Atomic bool claimed;
	char why[160];
};

struct session {
	struct session *next; /* host::sessions */
	struct host *host;
	uint64_t id;
	struct session_params params;
	struct pf_mode mode;
	struct vdisplay_output output;
	bool has_output;
	struct capture *capture; /* NULL only after it could not follow a mode: then lost says so */
	uint32_t n_captures;	 /* changes only while no capture runs */
	bool in_memory;		 /* pictures in a GPU's memory cannot be read here */
	bool cursor_left_out;
	struct inject *inject;
	struct hold hold; /* without a timer: nothing has to wait */
	struct video video;
	struct trace *trace;
	struct cursor_relay cursor;
	bool told_lost;
	struct lost_note lost[N_LOSERS];
};

/* What a media thread posts: the session may be gone when it arrives, so it is named by number. */
struct session_post {
	struct host *host;
	uint64_t id;
	enum loser loser;
	uint32_t n_captures; /* with LOST_CAPTURE: which one it was */
};

static struct session *posted_session(struct session_post *post, const void *data, size_t len)
{
	pf_check(len == sizeof(*post));
	memcpy(post, data, sizeof(*post));
	struct session *s = post->host->sessions;
	while (s && s->id != post->id)
		s = s->next;
	return s;
}

static void tell_lost(struct session *s, const char *why)
{
	if (s->told_lost)
		return;
	s->told_lost = true;
	s->params.sink.lost(why, s->params.sink.userdata);
}

static void handle_lost(const void *data, size_t len)
{
	struct session_post post;
	struct session *s = posted_session(&post, data, len);
	if (s && (post.loser != LOST_CAPTURE || post.n_captures == s->n_captures))
		tell_lost(s, s->lost[post.loser].why);
}

static void post_lost(struct session *s, enum loser loser, const char *why)
{
	struct lost_note *note = &s->lost[loser];
	if (atomic_exchange(&note->claimed, true))
		return;
	snprintf(note->why, sizeof(note->why), "%s", why);
	struct session_post post = {.host = s->host, .id = s->id, .loser = loser};
	if (loser == LOST_CAPTURE)
		post.n_captures = s->n_captures;
	/* A full queue would lose the news; the client's own timeout then ends the session. */
	if (loop_post(s->host->loop, handle_lost, &post, sizeof(post)) < 0)
		log_warn("session: the control loop is stuck");
}

static void on_frame(struct frame *frame, void *userdata)
{
	struct session *s = userdata;
	frame->source = s->n_captures;
	video_push(&s->video, frame);
}

static void handle_cursor(const void *data, size_t len)
{
	struct session_post post;
	struct session *s = posted_session(&post, data, len);
	if (!s)
		return;
	struct cursor_state state;
	struct cursor_shape *shape = cursor_relay_take(&s->cursor, &state);
	s->params.sink.cursor(shape, &state, s->params.sink.userdata);
	cursor_shape_unref(shape);
}

static void on_cursor(struct cursor_shape *shape, const struct cursor_state *state, void *userdata)
{
	struct session *s = userdata;
	struct session_post post = {.host = s->host, .id = s->id};
	if (cursor_relay_put(&s->cursor, shape, state) &&
		loop_post(s->host->loop, handle_cursor, &post, sizeof(post)) < 0)
		cursor_relay_untold(&s->cursor);
}

static void on_capture_lost(int err, const char *why, void *userdata)
{
	(void)err;
	post_lost(userdata, LOST_CAPTURE, why);
}

static void on_encoder_failed(const char *why, void *userdata)
{
	post_lost(userdata, LOST_OTHER, why);
}

static void handle_unreadable(const void *data, size_t len);

static void on_unreadable(void *userdata)
{
	struct session *s = userdata;
	const struct session_post post = {.host = s->host, .id = s->id};
	if (loop_post(s->host->loop, handle_unreadable, &post, sizeof(post)) < 0)
		log_warn("session: the control loop is stuck");
}

static void on_inject_lost(const char *why, void *userdata)
{
	(void)userdata;
	log_warn("session: input: %s", why);
}

bool session_mode_allowed(const struct host *h, const struct pf_mode *mode)
{
	return pf_mode_valid(mode) &&
		(uint64_t)mode->width * mode->height <=
		(uint64_t)h->config->max_megapixels * 1000000u;
}

/* The client's own rate where it told one that rounds to its mode's. */
static uint32_t refresh_mhz(const struct session *s, const struct pf_mode *m)
{
	uint32_t exact = s->params.refresh_mhz;
	return vdisplay_hz(exact) == m->refresh_hz ? exact : VDISPLAY_MHZ(m->refresh_hz);
}

/* What is on it stays where it is: the display changes its size, as in mid-session. */
static int adopt_output(struct session *s)
{
	const struct pf_mode *m = &s->params.mode;
	struct vdisplay *v = s->host->vdisplay;
	s->output = *s->params.adopt;
	int err = vdisplay_set_mode(v, &s->output, m->width, m->height, refresh_mhz(s, m));
	if (err == PF_E_UNSUPPORTED && s->params.adopt_any_size)
		err = PF_OK;
	if (err < 0)
		vdisplay_remove_output(v, &s->output);
	else
		vdisplay_show_output(v, &s->output, true);
	return err;
}

static int make_output(struct session *s, const char **why)
{
	const struct pf_mode *m = &s->params.mode;
	vdisplay_set_owner(s->host->vdisplay, s->params.owner);
	s->params.owner = NULL;
	int err = s->params.adopt ? adopt_output(s) : PF_E_IO;
	if (err < 0)
		err = vdisplay_add_output(
			s->host->vdisplay, m->width, m->height, refresh_mhz(s, m), &s->output);
	s->params.adopt = NULL;
	if (err < 0) {
		const char *said = vdisplay_why_output(s->host->vdisplay);
		*why = said		      ? said
			: err == PF_E_INVALID ? "the desktop cannot make a display of this size"
					      : "the desktop made no display: the host's log says "
						"why";
		return err;
	}
	s->has_output = true;
	s->mode = (struct pf_mode){
		s->output.width, s->output.height, vdisplay_hz(s->output.refresh_mhz)};
	return PF_OK;
}

#define MAX_MODIFIERS 64u /* capture.h's */

/* The GPU that frames may stay on; NULL = they come in memory. */
static const struct gpu_display *find_importer(const struct session *s)
{
	const struct gpu_display *d = s->in_memory ? NULL
						   : encoder_importer(s->host->config->encoder);
	if (!d || gpu_is_desktops(d))
		return d;
	log_warn("session: the desktop draws on another GPU than %s (%s), which encodes: pictures "
		 "go through memory that the CPU reads. PUNKTFUNK_GPU=/dev/dri/renderD* names the "
		 "one to encode on",
		d->renderer, d->node);
	return NULL;
}

static int make_capture(struct session *s, const char **why)
{
	uint64_t modifiers[MAX_MODIFIERS];
	const struct gpu_display *importer = find_importer(s);
	struct capture_params params = {
		.wayland_display = s->output.wayland_display,
		.output_name = s->output.name,
		.width = s->mode.width,
		.height = s->mode.height,
		.refresh_mhz = s->output.refresh_mhz,
		.dmabuf = importer != NULL,
		.device = importer ? importer->device : 0,
		.modifiers = modifiers,
		.n_modifiers = importer ? (uint32_t)gpu_display_modifiers(
						  importer, DMABUF_XR24, modifiers, MAX_MODIFIERS)
					: 0,
		.node_id = s->output.node.id,
		.node_sized = s->output.node.sized,
		.node_remote = s->output.node.remote,
		.node_keeps_rate = s->output.node.keeps_rate,
		.cursor = true,
		.on_frame = on_frame,
		.on_cursor = s->params.sink.cursor ? on_cursor : NULL,
		.on_lost = on_capture_lost,
		.userdata = s,
	};
	*why = "the new display could not be captured";
	const char *name = s->output.capture ? s->output.capture : s->host->capture_name;
	if (s->output.node.opened) {
		params.node_fd = vdisplay_open_node(s->host->vdisplay, &s->output);
		if (params.node_fd < 0)
			return params.node_fd;
	}
	return capture_create(&s->capture, name, &params);
}

static int make_inject(struct session *s, const char **why)
{
	struct inject_params params = {
		.loop = s->host->loop,
		.wayland_display = s->output.wayland_display,
		.output_name = s->output.name,
		.width = s->output.width,
		.height = s->output.height,
		.bus = s->output.remote.bus,
		.remote_session = s->output.remote.session,
		.remote_stream = s->output.remote.stream,
		.eis_fd = -1,
		.mapping_id = s->output.mapping,
		.xkb_layout = s->host->config->layout,
		.record_path = s->host->config->test_input,
		.on_lost = on_inject_lost,
		.userdata = s,
	};
	const char *name = s->output.inject ? s->output.inject : s->host->inject_name;
	*why = "the desktop takes no input from this host";
	if (!strcmp(name, "libei")) {
		params.eis_fd = vdisplay_open_eis(s->host->vdisplay, &s->output);
		if (params.eis_fd < 0)
			return params.eis_fd;
	}
	return inject_create(&s->inject, name, &params);
}

static bool is_pad(const struct pf_input *e)
{
	return e->kind == PF_INPUT_PAD_BUTTON || e->kind == PF_INPUT_PAD_AXIS ||
		e->kind == PF_INPUT_PAD_SNAPSHOT || e->kind == PF_INPUT_PAD_REMOVED ||
		e->kind == PF_INPUT_PAD_ARRIVED;
}

/* Sessions of one desktop share its pointer and its focus: what this client does is meant for its own display. */
static void claim_input(struct session *s)
{
	if (s->host->last_input == s->id)
		return;
	s->host->last_input = s->id;
	if (s->host->sessions->next || s->host->sessions != s)
		inject_claim(s->inject);
}

static void deliver(const struct pf_input *event, void *userdata)
{
	struct session *s = userdata;
	if (!is_pad(event)) /* pads are no part of the seat */
		claim_input(s);
	inject_event(s->inject, event);
}

static uint32_t away(void *userdata)
{
	struct session *s = userdata;
	return s->capture ? atomic_load(&s->capture->away) : 0;
}

/* GNOME's outputs, which are known by their remote session, take no places while their stream is away. */
static int make_hold(struct session *s)
{
	const struct hold_params params = {
		.loop = s->host->loop, .away = away, .deliver = deliver, .userdata = s};
	return s->output.remote.bus ? hold_init(&s->hold, &params) : PF_OK;
}

static int check_params(const struct session *s, const char **why)
{
	*why = "the display is larger than this host allows";
	if (!session_mode_allowed(s->host, &s->params.mode))
		return PF_E_INVALID;
	*why = "the host has no encoder for a codec that the client can decode";
	if (!(encoder_codecs(s->host->config->encoder) & s->params.codec))
		return PF_E_UNSUPPORTED;
	return PF_OK;
}

int session_create(struct session **out, const struct session_params *params, const char **why)
{
	struct session *s = calloc(1, sizeof(*s));
	*why = "the host is out of memory";
	if (!s)
		return PF_E_NOMEM;
	struct host *h = params->host;
	s->host = h;
	s->id = h->next_session_id++;
	s->params = *params;
	s->next = h->sessions;
	h->sessions = s;
	s->video.encoder_name = h->config->encoder;
	s->video.codec = params->codec;
	s->video.sink = params->sink;
	s->video.on_failed = on_encoder_failed;
	s->video.on_unreadable = on_unreadable;
	s->video.userdata = s;
	atomic_store(&s->video.bitrate_kbps, params->bitrate_kbps);

	int err = check_params(s, why);
	if (err >= 0)
		err = make_output(s, why);
	if (err >= 0)
		err = make_capture(s, why);
	if (err >= 0)
		err = make_inject(s, why);
	if (err >= 0)
		err = make_hold(s);
	if (err >= 0 && h->config->trace)
		err = trace_create(&s->trace);
	if (err < 0)
		goto fail;
	h->last_input = s->id; /* a new display has the focus */
	s->video.trace = s->trace;
	atomic_store(&s->video.refresh_hz, s->mode.refresh_hz);
	*out = s;
	return PF_OK;
fail:
	log_error("session: %s: %s (%s)", params->name, *why, pf_strerror(err));
	session_destroy(s);
	return err;
}

int session_configure(struct session *s, const struct session_encoding *e)
{
	pf_check(!s->video.running);
	if (!(encoder_codecs(s->host->config->encoder) & e->codec))
		return PF_E_UNSUPPORTED;
	s->video.codec = e->codec;
	s->video.slices = e->slices;
	s->video.max_depth = e->max_depth;
	s->video.matrix = e->matrix;
	s->video.full_range = e->full_range;
	session_set_bitrate(s, e->bitrate_kbps);
	return PF_OK;
}

int session_start(struct session *s)
{
	int err = video_start(&s->video);
	if (err >= 0)
		err = capture_start(s->capture);
	return err;
}

static void unlink_session(struct session *s)
{
	struct session **at = &s->host->sessions;
	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
}

void session_destroy(struct session *s)
{
	struct vdisplay_output output;
	if (!s)
		return;
	struct vdisplay *v = s->host->vdisplay;
	session_destroy_kept(s, &output);
	if (output.name[0])
		vdisplay_remove_output(v, &output);
}

void session_destroy_kept(struct session *s, struct vdisplay_output *output)
{
	struct session_stats stats;
	bool ran = s->video.running;
	hold_finish(&s->hold);
	capture_destroy(s->capture);
	cursor_shape_unref(atomic_load(&s->cursor.shape));
	video_stop(&s->video);
	inject_destroy(s->inject);
	memset(output, 0, sizeof(*output));
	if (s->has_output)
		*output = s->output;
	unlink_session(s);
	session_get_stats(s, &stats);
	if (ran)
		report_write(s->host->config, &stats, s->trace);
	trace_destroy(s->trace);
	free(s);
}

struct pf_mode session_mode(const struct session *s)
{
	return s->mode;
}

uint8_t session_compositor(const struct session *s)
{
	return s->output.compositor;
}

const char *session_wayland_display(const struct session *s)
{
	return s->output.wayland_display;
}

int session_claim_windows(const struct session *s, int pid)
{
	return vdisplay_claim_windows(s->host->vdisplay, &s->output, pid);
}

/* Its node may have gone before it was stopped: whatever it said of that is over with it. */
static void end_capture(struct session *s)
{
	capture_destroy(s->capture);
	s->capture = NULL;
	s->n_captures++;
	atomic_store(&s->lost[LOST_CAPTURE].claimed, false);
}

static int remake_capture(struct session *s, const char **why)
{
	end_capture(s);
	int err = make_capture(s, why);
	if (err < 0)
		return err;
	capture_draw_cursor(s->capture, !s->cursor_left_out);
	/* Moonlight's clients say their mode once more before the start, which is session_start()'s. */
	return s->video.running ? capture_start(s->capture) : PF_OK;
}

/* The encode thread cannot read what comes: from now on it comes in memory. */
static void handle_unreadable(const void *data, size_t len)
{
	struct session_post post;
	struct session *s = posted_session(&post, data, len);
	const char *why;
	if (!s || !s->capture || s->in_memory)
		return;
	s->in_memory = true;
	log_warn("session: no GPU or encoder here reads the pictures in the compositor's GPU "
		 "memory; capturing them anew through memory that the CPU reads");
	if (remake_capture(s, &why) < 0)
		post_lost(s, LOST_OTHER,
			"the display could not be captured in memory that the host can read");
}

/* The pictures of the new mode come from another node where the backend had to make one. */
static int follow_output(struct session *s, const struct vdisplay_output *before, const char **why)
{
	*why = "the display of the new size could not be captured";
	if (!s->capture)
		return PF_E_CLOSED;
	if (s->output.node.id == before->node.id)
		return s->capture->impl->set_mode ? capture_set_mode(s->capture, s->mode.width,
							    s->mode.height, s->output.refresh_mhz)
						  : PF_OK;
	return remake_capture(s, why);
}

/* Input goes to the new size, and where the backend had to make another output, to that one. */
static int follow_input(struct session *s, const struct vdisplay_output *before, const char **why)
{
	struct inject *old = s->inject;
	if (strcmp(s->output.remote.session, before->remote.session) == 0 &&
		strcmp(s->output.name, before->name) == 0) {
		inject_set_size(s->inject, s->output.width, s->output.height);
		return PF_OK;
	}
	int err = make_inject(s, why);
	if (err < 0)
		s->inject = old;
	else
		inject_destroy(old);
	return err;
}

int session_set_mode(
	struct session *s, const struct pf_mode *mode, uint32_t exact_mhz, struct pf_mode *made)
{
	s->params.refresh_mhz = exact_mhz;
	if (!session_mode_allowed(s->host, mode))
		return PF_E_INVALID;
	const struct vdisplay_output before = s->output;
	const char *why = NULL;
	int err = vdisplay_set_mode(
		s->host->vdisplay, &s->output, mode->width, mode->height, refresh_mhz(s, mode));
	if (err < 0)
		return err;
	s->mode = (struct pf_mode){
		s->output.width, s->output.height, vdisplay_hz(s->output.refresh_mhz)};
	err = follow_output(s, &before, &why);
	if (err >= 0)
		err = follow_input(s, &before, &why);
	if (err < 0) {
		post_lost(s, LOST_OTHER, why);
		return err;
	}
	atomic_store(&s->video.refresh_hz, s->mode.refresh_hz);
	*made = s->mode;
	return PF_OK;
}

bool session_reports_cursor(const struct session *s)
{
	return s->params.sink.cursor && s->capture && s->capture->caps.cursor;
}

void session_draw_cursor(struct session *s, bool drawn)
{
	s->cursor_left_out = !drawn;
	if (s->capture)
		capture_draw_cursor(s->capture, drawn);
}

void session_wake_sender(struct session *s)
{
	video_wake_sender(&s->video);
}

void session_request_keyframe(struct session *s)
{
	video_request_keyframe(&s->video);
}

void session_invalidate(struct session *s, uint32_t first, uint32_t last)
{
	video_invalidate(&s->video, first, last);
}

uint32_t session_set_bitrate(struct session *s, uint32_t kbps)
{
	uint32_t most = s->host->config->max_bitrate;
	if (kbps < ENCODER_MIN_KBPS)
		kbps = ENCODER_MIN_KBPS;
	if (kbps > most)
		kbps = most;
	atomic_store(&s->video.bitrate_kbps, kbps);
	return kbps;
}

void session_input(struct session *s, const struct pf_input *event)
{
	if (s->hold.timer && !is_pad(event))
		hold_input(&s->hold, event);
	else
		deliver(event, s);
}

void session_release_input(struct session *s)
{
	hold_drop(&s->hold);
	inject_release_all(s->inject);
}

void session_rich_input(struct session *s, const struct pf_rich *event)
{
	inject_rich(s->inject, event);
}

struct inject_caps session_input_caps(const struct session *s)
{
	return s->inject->caps;
}

void session_get_stats(const struct session *s, struct session_stats *out)
{
	video_get_stats(&s->video, out);
}

void session_desktop_lost(struct host *h, const char *why)
{
	/* The sink may not destroy a session inside lost(): see session.h. One that is being made has lost nothing. */
	for (struct session *s = h->sessions; s; s = s->next)
		if (s->has_output && !vdisplay_has_output(h->vdisplay, &s->output))
			tell_lost(s, why);
}
