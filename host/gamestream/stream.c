/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/stream.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "core/base/alloc.h"
#include "host/audio/source.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/config/config.h"
#include "host/encode/encoder.h"
#include "host/gamestream/apps.h"
#include "host/gamestream/streams.h"
#include "host/media/clock.h"

/* From /launch to the end of an app: what of it is a picture, and who gets it. */

#define VIDEO_BUFFER (4 << 20) /* as for native clients: two of the largest keyframes */
#define AUDIO_BUFFER (256 << 10)
#define PING_MAX     64u /* longer ones are none of ours */

struct gs_launch *gs_stream_launch(const struct gs_stream *s)
{
	return launch_by_id(s->all->g->launches, s->launch_id);
}

struct gs_stream *gs_stream_by_id(const struct gs_streams *ss, uint64_t id)
{
	struct gs_stream *s = ss->list;
	while (s && s->id != id)
		s = s->next;
	return s;
}

static void report(const struct gs_stream *s)
{
	const struct gs_video *v = &s->video;
	unsigned long long frames = atomic_load(&v->frames);
	struct session_stats stats;
	session_get_stats(s->session, &stats);
	log_info("gamestream: '%s': %llu frames in %llu packets, %llu keyframes, %llu anchors, "
		 "%llu not sent, %llu errors; %.1f ms from capture to send, %.1f at most",
		s->name, frames, (unsigned long long)stats.packets_sent,
		(unsigned long long)stats.keyframes, (unsigned long long)stats.anchors,
		(unsigned long long)atomic_load(&v->unsent), (unsigned long long)stats.send_errors,
		frames ? (double)atomic_load(&v->latency_sum) / 10 / (double)frames : 0,
		(double)atomic_load(&v->latency_max) / 10);
	if (s->channel.n_bad || s->input.n_bad || s->input.n_dropped)
		log_info("gamestream: '%s': %llu control messages and %llu input events made no "
			 "sense, %llu events were too many",
			s->name, (unsigned long long)s->channel.n_bad,
			(unsigned long long)s->input.n_bad, (unsigned long long)s->input.n_dropped);
}

/* Its display went with the desktop that it was on. */
static void forget_lost_display(struct gs_stream *s)
{
	struct vdisplay *v = s->all->g->host->vdisplay;
	if (s->kept.name[0] && !vdisplay_has_output(v, &s->kept))
		vdisplay_remove_output(v, &s->kept);
}

/* Everything but the display, which is in s->kept then. code: what a connected client is told. */
static void stop(struct gs_stream *s, uint32_t code)
{
	if (s->state == GS_PLAYING)
		report(s);
	gs_channel_close(s, code);
	gs_audio_close(s);
	gs_target_reset(&s->video.target, NULL);
	gs_target_reset(&s->audio_target, NULL);
	if (s->session)
		session_destroy_kept(s->session, &s->kept);
	s->session = NULL;
	forget_lost_display(s);
	gs_video_close(s); /* the send thread is gone */
	pf_wipe(&s->tokens, sizeof(s->tokens));
	s->state = GS_AWAY;
	s->failed = false;
}

/* Nobody looks at it for now. */
static void park(struct gs_stream *s, uint32_t code)
{
	stop(s, code);
	if (s->kept.name[0])
		vdisplay_show_output(s->all->g->host->vdisplay, &s->kept, false);
}

void gs_stream_left(struct gs_stream *s, const char *why, uint32_t code)
{
	struct gs_launch *l = gs_stream_launch(s);
	log_info("gamestream: '%s' left: %s", s->name, why);
	park(s, code);
	if (l)
		launch_left(s->all->g->launches, l);
}

void gs_stream_connected(struct gs_stream *s)
{
	log_info("gamestream: '%s' is connected, %.0f ms after PLAY", s->name,
		(double)(clock_now_ns() - s->played_ns) / 1e6);
}

/* --- pings --- */

static void take_pings(struct gs_streams *ss, struct udp_socket *socket, bool video)
{
	struct udp_packet *packets;
	int n = udp_rx_read(ss->rx, socket, &packets);
	for (int i = 0; i < n; i++) {
		const struct udp_packet *p = &packets[i];
		for (struct gs_stream *s = ss->list; s; s = s->next) {
			struct gs_target *t = video ? &s->video.target : &s->audio_target;
			bool first = false;
			if (!gs_target_ping(t, p->data, p->len, &p->from, p->from_len, &first))
				continue;
			if (first && video && s->session)
				session_request_keyframe(s->session);
			break;
		}
	}
}

static void on_video_readable(uint32_t events, void *userdata)
{
	struct gs_streams *ss = userdata;
	(void)events;
	take_pings(ss, &ss->video, true);
}

static void on_audio_readable(uint32_t events, void *userdata)
{
	struct gs_streams *ss = userdata;
	(void)events;
	take_pings(ss, &ss->audio, false);
}

/* --- time --- */

static void tick(struct gs_stream *s, uint64_t now_ns)
{
	struct launches *launches = s->all->g->launches;
	struct gs_launch *l = gs_stream_launch(s);
	union udp_addr to;
	socklen_t len;
	if (s->failed && l) {
		char why[sizeof(s->why)];
		memcpy(why, s->why, sizeof(why));
		stop(s, PF_NV_FRAME_FAILED);
		launch_end(launches, l, why);
		return;
	}
	if (s->state == GS_PLAYING) {
		bool late = now_ns - s->played_ns > GS_CONNECT_NS;
		if (late && !s->channel.peer)
			gs_stream_left(s, "its control connection never came", PF_NV_ENDED);
		else if (late && !gs_target_get(&s->video.target, &to, &len))
			gs_stream_left(s, "it never asked for the video", PF_NV_ENDED);
		else
			gs_govern_tick(s, gs_channel_rtt_ns(s));
	} else if (s->state != GS_AWAY && l && l->state == LAUNCH_AWAY) {
		park(s, PF_NV_ENDED); /* it was awaited and did not come */
	}
}

static void rearm(struct gs_streams *ss)
{
	uint64_t now_ns = clock_now_ns();
	loop_set_deadline(ss->timer, ss->list ? now_ns + PF_ADAPT_TICK_NS : UINT64_MAX);
}

static void on_time(void *userdata)
{
	struct gs_streams *ss = userdata;
	struct gs_stream *s = ss->list;
	while (s) {
		struct gs_stream *next = s->next; /* a tick ends its own stream at most */
		tick(s, clock_now_ns());
		s = next;
	}
	rearm(ss);
}

/* --- /launch and /resume --- */

static void on_session_lost(const char *why, void *userdata)
{
	struct gs_stream *s = userdata;
	/* Not from inside session code. */
	s->failed = true;
	snprintf(s->why, sizeof(s->why), "%s", why);
	loop_set_deadline(s->all->timer, clock_now_ns());
}

static struct gs_stream *make_stream(struct gs_streams *ss, struct gs_launch *l)
{
	struct gs_stream *s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->all = ss;
	s->id = ++ss->last_id;
	s->launch_id = l->id;
	snprintf(s->name, sizeof(s->name), "%s", l->name);
	s->video.socket.fd = -1;
	gs_target_init(&s->video.target);
	gs_target_init(&s->audio_target);
	s->next = ss->list;
	ss->list = s;
	rearm(ss);
	return s;
}

static int refuse(char *why, size_t why_len, int err, const char *text)
{
	snprintf(why, why_len, "%s", text);
	return err;
}

/* What can be said before anything is touched. */
static int check_request(
	const struct gs_streams *ss, const struct gs_launch *l, char *why, size_t why_len)
{
	const struct pf_mode *m = &l->request.mode;
	const struct host *h = ss->g->host;
	if (l->request.peer.sa.sa_family == AF_INET6)
		return refuse(why, why_len, PF_E_UNSUPPORTED,
			"This host streams to Moonlight over IPv4 only: add it in Moonlight by its "
			"IPv4 address.");
	if (session_mode_allowed(h, m))
		return PF_OK;
	snprintf(why, why_len,
		"A display of %ux%u at %u Hz is more than this host allows (%u megapixels): choose "
		"a smaller one in Moonlight.",
		m->width, m->height, m->refresh_hz, h->config->max_megapixels);
	return PF_E_INVALID;
}

static int make_session(struct gs_stream *s, const struct gs_launch *l, const char **why)
{
	const struct host *h = s->all->g->host;
	forget_lost_display(s);
	struct vdisplay_output kept = s->kept;
	struct session_params params = {
		.host = s->all->g->host,
		.mode = l->request.mode,
		.bitrate_kbps = h->config->bitrate,
		.codec = PF_CODEC_H264, /* until ANNOUNCE */
		.sink = {.video = gs_video_send, .lost = on_session_lost, .userdata = s},
		.name = l->name,
		.owner = l->fp,
		.adopt = kept.name[0] ? &kept : NULL,
	};
	s->kept.name[0] = 0;
	return session_create(&s->session, &params, why);
}

static int prepare(struct gs_launch *l, char *why, size_t why_len, void *userdata)
{
	struct gs_streams *ss = userdata;
	struct gs_stream *s = l->stream;
	const char *text = "";
	int err = check_request(ss, l, why, why_len);
	/* Keys and counters are new. */
	if (s && s->state != GS_AWAY && err < 0)
		park(s, PF_NV_ENDED);
	else if (s && s->state != GS_AWAY)
		stop(s, PF_NV_ENDED);
	if (err < 0)
		return err;
	if (!s)
		s = make_stream(ss, l);
	if (!s)
		return refuse(why, why_len, PF_E_NOMEM, "The host is out of memory.");
	l->stream = s;
	err = make_session(s, l, &text);
	if (err < 0) {
		snprintf(why, why_len, "The display could not be made: %s.", text);
		return err;
	}
	err = gs_audio_source(s, l, l->request.channels);
	if (err < 0) {
		stop(s, PF_NV_ENDED);
		return refuse(why, why_len, err,
			"The host's sound cannot be captured: see its log, or turn it off with "
			"--audio off.");
	}
	gs_audio_env(s, l);
	s->state = GS_READY;
	snprintf(l->wayland_display, sizeof(l->wayland_display), "%s",
		session_wayland_display(s->session));
	return PF_OK;
}

static void running(struct gs_launch *l, int pid, void *userdata)
{
	const struct gs_stream *s = l->stream;
	(void)userdata;
	const int err = session_claim_windows(s->session, pid);
	if (err < 0)
		log_warn(
			"gamestream: windows of '%s' open where the focus is, which may be another "
			"display: %s",
			l->app->title, pf_strerror(err));
}

static void unlink_stream(struct gs_stream *s)
{
	struct gs_stream **at = &s->all->list;
	while (*at && *at != s)
		at = &(*at)->next;
	if (*at)
		*at = s->next;
}

static void teardown(struct gs_launch *l, const char *why, void *userdata)
{
	struct gs_streams *ss = userdata;
	struct gs_stream *s = l->stream;
	(void)why; /* the protocol has no words for it */
	l->stream = NULL;
	if (!s)
		return;
	if (s->state != GS_AWAY)
		stop(s, s->failed ? PF_NV_FRAME_FAILED : PF_NV_ENDED);
	forget_lost_display(s);
	if (s->kept.name[0])
		vdisplay_remove_output(ss->g->host->vdisplay, &s->kept);
	audio_source_destroy(s->sound);
	unlink_stream(s);
	gs_target_finish(&s->video.target);
	gs_target_finish(&s->audio_target);
	free(s);
}

/* --- RTSP --- */

static int setup(struct gs_launch *l, const struct stream_tokens *tokens,
	struct stream_ports *ports, void *userdata)
{
	struct gs_streams *ss = userdata;
	struct gs_stream *s = l->stream;
	if (!s || !s->session || s->state == GS_PLAYING)
		return PF_E_CLOSED;
	s->tokens = *tokens;
	gs_target_reset(&s->video.target, tokens->video_ping);
	gs_target_reset(&s->audio_target, tokens->audio_ping);
	s->state = GS_SETUP;
	int video = udp_local_port(&ss->video), audio = udp_local_port(&ss->audio);
	if (video < 0 || audio < 0)
		return PF_E_IO;
	*ports = (struct stream_ports){
		.audio = (uint16_t)audio,
		.video = (uint16_t)video,
		.control = gs_control_port(ss->control),
	};
	return PF_OK;
}

static int follow_mode(struct gs_stream *s, const struct pf_nv_stream_config *c, const char **why)
{
	struct pf_mode made = session_mode(s->session);
	const struct pf_mode wanted = {(uint16_t)c->width, (uint16_t)c->height, (uint16_t)c->fps};
	uint32_t exact_mhz = 10 * c->refresh_x100;
	if (made.width == c->width && made.height == c->height && made.refresh_hz == c->fps &&
		c->refresh_x100 == 100 * c->fps)
		return PF_OK;
	*why = "the display could not take the size that the device asks for now";
	return session_set_mode(s->session, &wanted, exact_mhz, &made);
}

static int announce(struct gs_launch *l, const struct pf_nv_stream_config *config, const char **why,
	void *userdata)
{
	static const uint8_t codecs[] = {[PF_NV_H264] = PF_CODEC_H264,
		[PF_NV_HEVC] = PF_CODEC_HEVC,
		[PF_NV_AV1] = PF_CODEC_AV1};
	/* Clients go by what they asked for, more than by what the stream says. */
	static const uint8_t matrices[] = {
		[PF_NV_BT601] = 6, [PF_NV_BT709] = 1, [PF_NV_BT2020] = 9};
	struct gs_streams *ss = userdata;
	struct gs_stream *s = l->stream;
	if (!s || s->state < GS_SETUP || s->state == GS_PLAYING)
		return PF_E_CLOSED;
	*why = "it wants 10 bits a channel or 4:4:4, which was not offered";
	if (config->ten_bit || config->yuv444)
		return PF_E_UNSUPPORTED;
	*why = "it does not encrypt its control connection: a newer version of Moonlight does";
	if (!(config->encryption & PF_NV_ENCRYPT_CONTROL))
		return PF_E_UNSUPPORTED;
	const struct session_encoding encoding = {
		.codec = codecs[config->codec],
		.bitrate_kbps = gs_govern_video_kbps(ss->g->config, config),
		.slices = config->slices,
		.max_depth = config->max_references,
		.matrix = matrices[config->csc],
		.full_range = config->full_range,
	};
	*why = "it wants a codec that this host has no encoder for";
	int err = session_configure(s->session, &encoding);
	if (err >= 0)
		err = follow_mode(s, config, why);
	if (err >= 0) {
		*why = "the host's sound cannot be had with as many channels";
		err = gs_audio_source(s, l, config->channels);
	}
	if (err < 0)
		return err;
	s->config = *config;
	s->state = GS_ANNOUNCED;
	return PF_OK;
}

static int start(struct gs_stream *s, const struct gs_launch *l, const char **why)
{
	const uint8_t *key = l->request.rikey;
	*why = "the host is out of memory";
	int err = gs_channel_open(s, key);
	if (err < 0)
		return err;
	gs_input_open(&s->input);
	gs_govern_begin(s);
	err = gs_video_open(s, s->config.encryption & PF_NV_ENCRYPT_VIDEO ? key : NULL);
	if (err < 0)
		return err;
	*why = "the host could not start the stream";
	err = gs_audio_open(s, &l->request);
	return err < 0 ? err : session_start(s->session);
}

static int play(struct gs_launch *l, const char **why, void *userdata)
{
	struct gs_streams *ss = userdata;
	struct gs_stream *s = l->stream;
	if (!s || s->state != GS_ANNOUNCED)
		return PF_E_CLOSED;
	s->played_ns = clock_now_ns();
	int err = start(s, l, why);
	if (err < 0) {
		stop(s, PF_NV_FRAME_FAILED);
		return err;
	}
	s->state = GS_PLAYING;
	struct pf_mode mode = session_mode(s->session);
	log_info("gamestream: '%s': %ux%u at %u Hz, %u kbit/s%s, %u bytes a packet", l->name,
		mode.width, mode.height, mode.refresh_hz, s->governor.set_kbps,
		s->config.encryption & PF_NV_ENCRYPT_VIDEO ? ", encrypted" : "",
		s->config.packet_size);
	launch_running(ss->g->launches, l);
	return PF_OK;
}

/* --- all of them --- */

static int open_port(struct gs_streams *ss, struct udp_socket *socket, int place, int send_buffer)
{
	struct udp_params params = {
		.bind_host = ss->g->bind,
		.port = gs_port(ss->g, place),
		.send_buffer = send_buffer,
	};
	int err = udp_open(socket, &params);
	if (err < 0)
		log_error("gamestream: UDP port %u cannot be opened (%s): is another host running? "
			  "Change --gamestream-port",
			params.port, pf_strerror(err));
	return err;
}

int gs_streams_create(struct gs_streams **out, struct gamestream *g)
{
	struct gs_streams *ss = calloc(1, sizeof(*ss));
	if (!ss)
		return PF_E_NOMEM;
	ss->g = g;
	ss->video.fd = ss->audio.fd = -1;
	int err = open_port(ss, &ss->video, GS_PORT_VIDEO, VIDEO_BUFFER);
	if (err >= 0)
		err = open_port(ss, &ss->audio, GS_PORT_AUDIO, AUDIO_BUFFER);
	if (err >= 0)
		err = udp_rx_create(&ss->rx, PING_MAX, false);
	if (err >= 0)
		err = loop_add_timer(g->loop, &ss->timer, on_time, ss);
	if (err >= 0)
		err = loop_add_fd(
			g->loop, &ss->video_readable, ss->video.fd, EPOLLIN, on_video_readable, ss);
	if (err >= 0)
		err = loop_add_fd(
			g->loop, &ss->audio_readable, ss->audio.fd, EPOLLIN, on_audio_readable, ss);
	if (err >= 0)
		err = gs_control_create(&ss->control, ss);
	if (err < 0) {
		gs_streams_destroy(ss);
		return err;
	}
	*out = ss;
	return PF_OK;
}

void gs_streams_destroy(struct gs_streams *ss)
{
	if (!ss)
		return;
	pf_check(!ss->list); /* the launches had them */
	gs_control_destroy(ss->control);
	loop_remove(&ss->video_readable);
	loop_remove(&ss->audio_readable);
	loop_remove(&ss->timer);
	udp_rx_destroy(ss->rx);
	if (ss->video.fd >= 0)
		udp_close(&ss->video);
	if (ss->audio.fd >= 0)
		udp_close(&ss->audio);
	free(ss);
}

struct launch_hooks gs_streams_launch_hooks(struct gs_streams *ss)
{
	return (struct launch_hooks){
		.prepare = prepare, .running = running, .teardown = teardown, .userdata = ss};
}

struct stream_hooks gs_streams_rtsp_hooks(struct gs_streams *ss)
{
	return (struct stream_hooks){
		.setup = setup, .announce = announce, .play = play, .userdata = ss};
}
