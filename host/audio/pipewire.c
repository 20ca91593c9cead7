/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/* Its macros are full of extensions. */
#pragma GCC diagnostic ignored "-Wpedantic"
#include <pipewire/pipewire.h>
#include <spa/param/audio/format-utils.h>

#include "host/audio/source.h"
#include "host/base/log.h"
#include "host/base/thread.h"
#include "host/media/clock.h"
#include "host/pipewire/pwconn.h"

/*
 * A sink of our own in the person's PipeWire: a node that lives as long as our connection. Programs that are given
 * audio_source_env() play into it; a session manager links them. The daemon may go and come back: the thread tries
 * again, ever more seldom, and there is silence meanwhile.
 */

#define RETRY_MIN_NS 250000000ull
#define RETRY_MAX_NS 8000000000ull /* the longest that sound stays away after the daemon is back */
/* Above sound cards, so that it is what plays by default while it is there, unless a person has chosen another. */
#define PRIORITY   "2000"
#define LABEL_MAX  128u
#define REMOTE_MAX 108u	       /* a socket's path */
#define LATENCY	   "256/48000" /* asked of the graph: about a packet, and a power of two */

struct pipewire {
	struct audio_source base;
	char id[AUDIO_ID_MAX + 1], label[LABEL_MAX], remote[REMOTE_MAX];
	struct thread thread;
	int quit_fd;

	/* the thread's own */
	struct pwconn conn;
	struct pw_stream *stream;
	struct spa_hook core_listener, stream_listener;
	bool quit, lost, told;

	_Atomic bool format_good; /* what comes is as we asked */
};

static struct pipewire *pipewire_from(const struct audio_source *base)
{
	pf_check(base->impl == &audio_pipewire_impl);
	return (struct pipewire *)base;
}

static void on_process(void *userdata)
{
	struct pipewire *p = userdata;
	struct pw_buffer *b = pw_stream_dequeue_buffer(p->stream);
	if (!b)
		return;
	struct spa_data *d = &b->buffer->datas[0];
	uint32_t frame_bytes = audio_source_channels(&p->base) * (uint32_t)sizeof(float);
	/* Shared memory that the daemon writes: bounded here. */
	uint32_t offset = d->chunk->offset, size = d->chunk->size;
	if (d->data && offset <= d->maxsize && size <= d->maxsize - offset &&
		offset % sizeof(float) == 0 && atomic_load(&p->format_good))
		audio_pace_push(&p->base.pace, (const float *)((const uint8_t *)d->data + offset),
			size / frame_bytes, clock_now_ns());
	pw_stream_queue_buffer(p->stream, b);
}

static void on_param(void *userdata, uint32_t id, const struct spa_pod *param)
{
	struct pipewire *p = userdata;
	struct spa_audio_info_raw info = {0};
	if (id != SPA_PARAM_Format)
		return;
	atomic_store(&p->format_good,
		param && spa_format_audio_raw_parse(param, &info) >= 0 &&
			info.format == SPA_AUDIO_FORMAT_F32 && info.rate == AUDIO_RATE_HZ &&
			info.channels == audio_source_channels(&p->base));
}

static void on_state(
	void *userdata, enum pw_stream_state old, enum pw_stream_state state, const char *error)
{
	struct pipewire *p = userdata;
	(void)old;
	(void)error;
	if (state == PW_STREAM_STATE_ERROR || state == PW_STREAM_STATE_UNCONNECTED)
		p->lost = true;
}

static void on_core_error(void *userdata, uint32_t id, int seq, int res, const char *message)
{
	struct pipewire *p = userdata;
	(void)seq;
	(void)message;
	if (id == PW_ID_CORE && res == -EPIPE)
		p->lost = true;
}

static const struct pw_stream_events stream_events = {
	PW_VERSION_STREAM_EVENTS,
	.state_changed = on_state,
	.param_changed = on_param,
	.process = on_process,
};

static const struct pw_core_events core_events = {
	PW_VERSION_CORE_EVENTS,
	.error = on_core_error,
};

static void on_quit(void *userdata, int fd, uint32_t mask)
{
	struct pipewire *p = userdata;
	(void)fd;
	(void)mask;
	p->quit = true;
}

static struct pw_properties *sink_properties(const struct pipewire *p)
{
	return pw_properties_new(PW_KEY_MEDIA_CLASS, "Audio/Sink", PW_KEY_NODE_NAME, p->id,
		PW_KEY_NODE_DESCRIPTION, p->label, PW_KEY_NODE_VIRTUAL, "true", PW_KEY_NODE_LATENCY,
		LATENCY, "session.suspend-timeout-seconds", "0", "priority.session", PRIORITY,
		NULL);
}

static const struct spa_pod *sink_format(const struct pipewire *p, struct spa_pod_builder *builder)
{
	static const uint32_t order[AUDIO_MAX_CHANNELS] = {SPA_AUDIO_CHANNEL_FL,
		SPA_AUDIO_CHANNEL_FR, SPA_AUDIO_CHANNEL_FC, SPA_AUDIO_CHANNEL_LFE,
		SPA_AUDIO_CHANNEL_RL, SPA_AUDIO_CHANNEL_RR, SPA_AUDIO_CHANNEL_SL,
		SPA_AUDIO_CHANNEL_SR};
	struct spa_audio_info_raw info = {
		.format = SPA_AUDIO_FORMAT_F32,
		.rate = AUDIO_RATE_HZ,
		.channels = audio_source_channels(&p->base),
	};
	memcpy(info.position, order, info.channels * sizeof(order[0]));
	return spa_format_audio_raw_build(builder, SPA_PARAM_EnumFormat, &info);
}

static int make_sink(struct pipewire *p)
{
	uint8_t space[1024];
	struct spa_pod_builder builder = SPA_POD_BUILDER_INIT(space, sizeof(space));
	const struct spa_pod *format = sink_format(p, &builder);
	p->stream = pw_stream_new(p->conn.core, p->label, sink_properties(p));
	if (!p->stream)
		return PF_E_NOMEM;
	pw_stream_add_listener(p->stream, &p->stream_listener, &stream_events, p);
	int n = pw_stream_connect(p->stream, PW_DIRECTION_INPUT, PW_ID_ANY,
		PW_STREAM_FLAG_AUTOCONNECT | PW_STREAM_FLAG_MAP_BUFFERS | PW_STREAM_FLAG_RT_PROCESS,
		&format, 1);
	return n < 0 ? PF_E_IO : PF_OK;
}

static void disconnect(struct pipewire *p)
{
	if (p->stream)
		pw_stream_destroy(p->stream);
	p->stream = NULL;
	if (p->conn.core)
		spa_hook_remove(&p->core_listener);
	pwconn_disconnect(&p->conn);
	atomic_store(&p->format_good, false);
}

static int connect_daemon(struct pipewire *p)
{
	p->lost = false;
	int err = pwconn_connect(&p->conn, p->remote);
	if (err < 0)
		return err;
	pw_core_add_listener(p->conn.core, &p->core_listener, &core_events, p);
	return make_sink(p);
}

/* Until the time has passed (0: for ever), the daemon is lost, or the end. */
static void dispatch(struct pipewire *p, uint64_t for_ns)
{
	uint64_t until_ns = for_ns ? clock_now_ns() + for_ns : UINT64_MAX;
	for (;;) {
		uint64_t now_ns = clock_now_ns();
		if (p->quit || now_ns >= until_ns || (p->conn.core && p->lost))
			return;
		int ms = for_ns ? (int)((until_ns - now_ns + 999999u) / 1000000u) : -1;
		if (pw_loop_iterate(p->conn.loop, ms) < 0 && errno != EINTR)
			p->lost = true;
	}
}

static void serve(struct pipewire *p)
{
	uint64_t wait_ns = RETRY_MIN_NS;
	while (!p->quit) {
		uint64_t began_ns = clock_now_ns();
		bool there = connect_daemon(p) >= 0;
		if (there)
			dispatch(p, 0);
		/* A connection that ended at once was none. */
		bool good = there && clock_now_ns() - began_ns > RETRY_MAX_NS;
		disconnect(p);
		if (p->quit)
			return;
		if (!p->told || good)
			log_warn("audio: %s; it is silent until PipeWire answers",
				there ? "PipeWire went away"
				      : "no PipeWire daemon answers this user");
		p->told = true;
		wait_ns = good ? RETRY_MIN_NS : wait_ns;
		dispatch(p, wait_ns);
		wait_ns = wait_ns * 2 > RETRY_MAX_NS ? RETRY_MAX_NS : wait_ns * 2;
	}
}

static void run(void *userdata)
{
	struct pipewire *p = userdata;
	struct spa_source *quit = NULL;
	int err = pwconn_open(&p->conn, false);
	if (err >= 0)
		quit = pw_loop_add_io(p->conn.loop, p->quit_fd, SPA_IO_IN, false, on_quit, p);
	if (quit)
		serve(p);
	if (quit)
		pw_loop_destroy_source(p->conn.loop, quit);
	pwconn_close(&p->conn);
	if (!quit)
		log_error("audio: PipeWire's library does not start; there is no sound. Is "
			  "libspa-0.2-modules installed?");
}

static void pipewire_destroy(struct audio_source *base)
{
	struct pipewire *p = pipewire_from(base);
	if (p->thread.running) {
		pf_check(eventfd_write(p->quit_fd, 1) == 0);
		thread_join(&p->thread);
	}
	if (p->quit_fd >= 0)
		close(p->quit_fd);
	audio_source_finish(base);
	free(p);
}

static int pipewire_create(struct audio_source **out, const struct audio_source_params *params)
{
	struct pipewire *p = calloc(1, sizeof(*p));
	if (!p)
		return PF_E_NOMEM;
	p->base.caps.env = true;
	snprintf(p->id, sizeof(p->id), "%s", params->id);
	snprintf(p->label, sizeof(p->label), "%s", params->label);
	if (params->remote)
		snprintf(p->remote, sizeof(p->remote), "%s", params->remote);
	p->quit_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int err = p->quit_fd < 0 ? pf_error_from_errno(errno) : PF_OK;
	int init_err = audio_source_init(&p->base, &audio_pipewire_impl, params);
	if (err >= 0)
		err = init_err;
	if (err >= 0)
		err = thread_start(&p->thread, "pf-pipewire", THREAD_MEDIA, run, p);
	if (err < 0)
		pipewire_destroy(&p->base);
	else
		*out = &p->base;
	return err;
}

static void pipewire_env(const struct audio_source *base, struct audio_env *env)
{
	const struct pipewire *p = pipewire_from(base);
	env->n = 2;
	snprintf(env->vars[0], sizeof(env->vars[0]), "PULSE_SINK=%s", p->id);
	snprintf(env->vars[1], sizeof(env->vars[1]), "PIPEWIRE_NODE=%s", p->id);
}

const struct audio_source_impl audio_pipewire_impl = {
	.name = "pipewire",
	.create = pipewire_create,
	.destroy = pipewire_destroy,
	.env = pipewire_env,
};
