/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <libavutil/frame.h>
#include <libavutil/log.h>

#include "client/again.h"
#include "client/change.h"
#include "client/clock.h"
#include "client/command.h"
#include "client/connect.h"
#include "client/copied.h"
#include "client/file.h"
#include "client/pipeline.h"
#include "client/planes.h"
#include "client/play.h"
#include "client/png.h"
#include "client/record.h"
#include "client/script.h"
#include "client/stats.h"
#include "client/tell.h"

#define FIRST_PICTURE_NS (10 * NS_PER_S) /* the host's display, compositor and encoder must start */
#define SCRIPT_AFTER_NS	 NS_PER_S	 /* time to learn the picture before it is typed into */
#define JUDGE_AFTER_NS	 (500 * NS_PER_MS) /* an application must have had time to show a key */
#define RETRY_NS	 (5 * NS_PER_MS)   /* the library's input queue was full */
#define TICK_NS		 (100 * NS_PER_MS) /* how late an answer of the host may be seen */

struct run {
	const struct options *o;
	struct connect connect;
	struct punktfunk_connection *connection;
	struct pipeline *pipeline;
	struct record *record;
	struct stats_trace *trace;
	struct change *change;
	const struct pipeline_picture *last; /* the pipeline's */
	AVFrame *kept;			     /* the last of a connection that was lost */
	struct script script;
	struct planes planes;
	struct copied copied;
	struct play play;
	struct punktfunk_input_event unsent;
	bool has_unsent, scripted, steps_wait, told_unsupported;
	int typing_blocks;
	int wake_fd;

	uint64_t connected_ns, first_ns, now_ns; /* CLOCK_MONOTONIC */
	uint64_t linked_ns;			 /* of the connection that stands now */
	bool link_shown;			 /* and it has given a picture */
	struct pipeline_counters before;	 /* of the connections before it */
	struct punktfunk_stats before_library;
	enum stats_switch mode_switch;
	uint64_t asked_ns, old_size;
	double switch_ms;

	uint64_t shown_ns, shown_decoded, shown_bytes;
	struct stats_summary summary;
	int code;
	bool over;
};

static volatile sig_atomic_t signalled;
static int signal_fd = -1;

static void handle_signal(int number)
{
	(void)number;
	int saved = errno;
	uint64_t one = 1;
	signalled = 1;
	ssize_t n = write(signal_fd, &one, sizeof(one));
	(void)n;
	errno = saved;
}

static bool was_signalled(void)
{
	return signalled;
}

static void catch_signals(int fd)
{
	/* Once: the second signal ends a client that hangs. */
	struct sigaction action = {.sa_handler = handle_signal, .sa_flags = (int)SA_RESETHAND};
	signal_fd = fd;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

void run_say(const char *format, ...)
{
	char line[CONNECT_MESSAGE_MAX + 512];
	va_list args;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	for (char *p = line; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = ' ';
	fprintf(stderr, "%spunktfunk-client: %s\n", isatty(2) ? "\r\033[K" : "", line);
}

/* The stream is over with this code; the first reason counts. */
static void end_with(struct run *r, int code)
{
	if (!r->over)
		r->code = code;
	r->over = true;
}

static void output_failed(struct run *r, const char *what, const char *path, int error)
{
	const char *advice = error == ENOSPC || error == EDQUOT
		? "make room there or name another file"
		: "check that its folder is there and yours to write, or name another file";
	run_say("%s could not be written to %s (%s); %s.", what, path, strerror(error), advice);
	end_with(r, EXIT_OUTPUT);
	r->code = EXIT_OUTPUT;
}

static bool open_outputs(struct run *r)
{
	if (r->o->out && record_create(&r->record, r->o->out) != 0) {
		output_failed(r, "The recording", r->o->out, errno);
		return false;
	}
	if (r->o->trace && stats_trace_create(&r->trace, r->o->trace) != 0) {
		output_failed(r, "The trace", r->o->trace, errno);
		return false;
	}
	return true;
}

/* Takes a verdict on the typing, if there is something to judge and the text had time to show. */
static void judge_typing(struct run *r)
{
	if (!r->o->type.keys || !r->scripted || !r->last ||
		r->now_ns - r->script.start_ns < JUDGE_AFTER_NS)
		return;
	int blocks = change_judge(r->change, r->last->frame);
	if (blocks >= 0)
		r->typing_blocks = blocks;
}

static void take_picture(struct run *r)
{
	const struct pipeline_picture *picture = pipeline_take(r->pipeline);
	if (!picture)
		return;
	r->last = picture;
	r->link_shown = true;
	if (!r->first_ns) {
		r->first_ns = r->now_ns;
		r->summary.first_picture_ns = picture->decode_end_ns;
		script_init(
			&r->script, r->o->type.keys, r->o->mouse, r->first_ns + SCRIPT_AFTER_NS);
	}
	script_set_size(
		&r->script, (uint32_t)picture->frame->width, (uint32_t)picture->frame->height);
	if (!r->scripted && r->o->type.keys)
		change_learn(r->change, picture->frame);
}

/* False: the queue is full, the event is kept for the next try. */
static bool send_event(struct run *r, const struct punktfunk_input_event *e)
{
	if (e->kind == PUNKTFUNK_INPUT_MOUSE_ABS)
		change_hide(r->change, e->x, e->y);
	if (punktfunk_connection_send_input(r->connection, e) == PUNKTFUNK_E_FULL) {
		r->unsent = *e;
		r->has_unsent = true;
	}
	return !r->has_unsent;
}

static void play_script(struct run *r)
{
	struct punktfunk_input_event e;
	if (!r->first_ns)
		return;
	if (!r->scripted && r->now_ns < r->script.start_ns) {
		/*
		 * Where the pointer was before is not known. Moved away at once, its old place is learned
		 * with it and without it, and so cannot pass for typing later.
		 */
		if (r->o->mouse && !r->script.n_moves) {
			r->script.n_moves = 1;
			e = script_first_move(&r->script);
			send_event(r, &e);
		}
		return;
	}
	r->scripted = true;
	if (r->has_unsent) {
		e = r->unsent;
		r->has_unsent = false;
		if (!send_event(r, &e))
			return;
	}
	while (script_poll(&r->script, r->now_ns, &e) && send_event(r, &e))
		;
}

/* The size that the pointer's places refer to, as the wire has it. */
static uint32_t surface(const struct run *r)
{
	return r->script.width << 16 | (r->script.height & 0xffff);
}

static void save_clipboard(struct run *r, const char *path)
{
	const struct copied *c = &r->copied;
	if (file_write_atomic(path, c->text ? c->text : "", c->text ? c->len : 0, 0600) != 0)
		output_failed(r, "The clipboard", path, errno);
}

/* Returns PUNKTFUNK_E_FULL when the step must be tried again. */
static int do_step(struct run *r, const struct play_step *s)
{
	struct punktfunk_connection *c = r->connection;
	struct punktfunk_input_event e = s->input;
	switch (s->kind) {
	case PLAY_INPUT:
		if (e.kind == PUNKTFUNK_INPUT_MOUSE_ABS ||
			(e.kind >= PUNKTFUNK_INPUT_TOUCH_DOWN &&
				e.kind <= PUNKTFUNK_INPUT_TOUCH_UP))
			e.flags = surface(r);
		if (e.kind == PUNKTFUNK_INPUT_MOUSE_ABS)
			change_hide(r->change, e.x, e.y);
		return punktfunk_connection_send_input(c, &e);
	case PLAY_RICH:
		return punktfunk_connection_send_rich_input(c, s->rich);
	case PLAY_CLIP_SET:
		return copied_set(&r->copied, s->text, s->text_len);
	case PLAY_CLIP_GET:
		save_clipboard(r, s->text);
		return PUNKTFUNK_OK;
	case PLAY_MODE:
		return punktfunk_connection_request_mode(
			c, s->mode.width, s->mode.height, s->mode.refresh_hz);
	case PLAY_BITRATE:
		return punktfunk_connection_request_bitrate(c, s->number);
	case PLAY_DELIVERY:
		return punktfunk_connection_set_delivery(c, s->number);
	case PLAY_CURSOR:
		return punktfunk_connection_set_cursor_render(c, s->number != 0);
	case PLAY_KEYFRAME:
		return punktfunk_connection_request_keyframe(c);
	}
	return PUNKTFUNK_OK;
}

/* The script file, from the time when --type begins. False: the queue is full. */
static bool play_steps(struct run *r)
{
	const struct play_step *s;
	if (!r->first_ns || r->now_ns < r->script.start_ns)
		return true;
	uint64_t since_ms = (r->now_ns - r->script.start_ns) / NS_PER_MS;
	while ((s = play_due(&r->play, since_ms))) {
		int err = do_step(r, s);
		if (err == PUNKTFUNK_E_FULL)
			return false;
		if (err == PUNKTFUNK_E_UNSUPPORTED && !r->told_unsupported)
			run_say("The host takes no such input as the script has (text or touch); "
				"it is "
				"left out.");
		r->told_unsupported |= err == PUNKTFUNK_E_UNSUPPORTED;
		play_done(&r->play);
	}
	return true;
}

static void switch_mode(struct run *r, const struct pipeline_counters *c)
{
	const struct punktfunk_mode *want = &r->o->remode.mode;
	uint64_t size = (uint64_t)c->width << 32 | c->height;
	if (!want->width || !r->first_ns)
		return;
	if (r->mode_switch == STATS_SWITCH_NONE &&
		r->now_ns >= r->first_ns + r->o->remode.at_s * NS_PER_S) {
		judge_typing(r);
		r->asked_ns = clock_mono_ns();
		r->old_size = size;
		r->mode_switch = STATS_SWITCH_OPEN;
		int err = punktfunk_connection_request_mode(
			r->connection, want->width, want->height, want->refresh_hz);
		if (err == PUNKTFUNK_E_FULL)
			r->mode_switch = STATS_SWITCH_NONE; /* again on the next round */
		else if (err)
			r->mode_switch = STATS_SWITCH_REFUSED;
	} else if (r->mode_switch == STATS_SWITCH_OPEN) {
		int result = punktfunk_connection_mode_result(r->connection);
		bool same_size = r->old_size == ((uint64_t)want->width << 32 | want->height);
		if (size != r->old_size) {
			r->mode_switch = STATS_SWITCH_DONE;
			r->switch_ms = (double)(int64_t)(c->size_since_ns - r->asked_ns) / 1e6;
		} else if (same_size && result == 1) {
			r->mode_switch = STATS_SWITCH_DONE;
			r->switch_ms = (double)(r->now_ns - r->asked_ns) / 1e6;
		} else if (result < 0 && result != PUNKTFUNK_E_NO_FRAME) {
			r->mode_switch = STATS_SWITCH_REFUSED;
		}
	}
}

/* Of this connection and those before it. */
static struct pipeline_counters count(struct run *r)
{
	struct pipeline_counters c = r->before;
	if (!r->pipeline)
		return c;
	struct pipeline_counters now = pipeline_counters(r->pipeline);
	now.decoded += c.decoded;
	now.damaged += c.damaged;
	now.delayed += c.delayed;
	now.bytes += c.bytes;
	return now;
}

static struct punktfunk_stats count_library(const struct run *r)
{
	struct punktfunk_stats now = {.size = sizeof(now)};
	if (r->connection)
		punktfunk_connection_get_stats(r->connection, &now);
	stats_add(&now, &r->before_library);
	return now;
}

static void show_progress(struct run *r, const struct pipeline_counters *c)
{
	bool terminal = isatty(2);
	uint64_t every = terminal ? NS_PER_S : 5 * NS_PER_S;
	if (r->o->quiet || r->now_ns - r->shown_ns < every)
		return;
	double s = (double)(r->now_ns - r->shown_ns) / 1e9;
	struct punktfunk_stats stats = count_library(r);
	fprintf(stderr,
		"%s%4.0f s  %4ux%-4u  %5.1f fps  %6.0f of %u kbit/s%s  rtt %.1f ms  host %.1f ms  "
		"lost %llu  repaired %llu%s",
		terminal ? "\r" : "", (double)(r->now_ns - r->connected_ns) / 1e9, c->width,
		c->height, (double)(c->decoded - r->shown_decoded) / s,
		(double)(stats.bytes_received - r->shown_bytes) * 8 / 1000 / s,
		punktfunk_connection_bitrate(r->connection), planes_bitrate_word(&r->planes),
		(double)stats.rtt_ns / 1e6, planes_host_us(&r->planes) / 1e3,
		(unsigned long long)(stats.frames_lost + c->damaged),
		(unsigned long long)stats.frames_recovered, terminal ? "\033[K" : "\n");
	r->shown_ns = r->now_ns;
	r->shown_decoded = c->decoded;
	r->shown_bytes = stats.bytes_received;
}

/* Why the library says that there is no more. */
static void note_end(struct run *r)
{
	static const char *const words[] = {
		"none", "local", "game-exited", "host-ended", "host-error", "lost"};
	int reason = punktfunk_connection_end_reason(r->connection);
	bool known = reason > PUNKTFUNK_END_NONE && reason <= PUNKTFUNK_END_LOST;
	r->summary.end_reason = words[known ? reason : PUNKTFUNK_END_LOST];
	bool planned = !r->o->seconds &&
		(reason == PUNKTFUNK_END_GAME_EXITED || reason == PUNKTFUNK_END_HOST_ENDED);
	const char *said = punktfunk_connection_end_message(r->connection);
	connect_note_end(&r->connect, punktfunk_connection_end_reject(r->connection));
	if (reason == PUNKTFUNK_END_LOST || !known)
		run_say("The host was lost (%s); check the network and that the host runs, then "
			"connect "
			"again.",
			said);
	else
		run_say("The host ended the stream%s: %s.", planned ? "" : " early", said);
	end_with(r, planned ? EXIT_FINE : EXIT_ENDED);
}

/* Puts the lost connection away; what it counted and its last picture stay. */
static void put_away(struct run *r)
{
	r->connect.mode.width = 0;
	punktfunk_connection_mode(r->connection, &r->connect.mode);
	pipeline_stop(r->pipeline);
	r->now_ns = clock_mono_ns();
	take_picture(r);
	r->before = count(r);
	r->before.ended = false;
	r->before_library = count_library(r);
	if (r->last) {
		av_frame_free(&r->kept);
		r->kept = av_frame_clone(r->last->frame);
	}
	r->last = NULL;
	pipeline_destroy(r->pipeline);
	punktfunk_connection_close(r->connection);
	r->pipeline = NULL;
	r->connection = NULL;
	r->has_unsent = false;
}

static bool link_up(struct run *r);

/*
 * The link was lost: the host keeps the display for a while (its --grace), and who comes back in time finds it
 * as it was. False: it did not work out, and that was said.
 */
static bool come_back(struct run *r)
{
	char message[CONNECT_MESSAGE_MAX] = "";
	uint64_t start = clock_mono_ns(), until = start + r->o->reconnect * NS_PER_S;
	uint64_t end = r->first_ns + r->o->seconds * NS_PER_S;
	if (r->o->seconds && end < until)
		until = end;
	run_say("The link to %s was lost (%s); trying for %u s to get it back.",
		target_label(&r->connect.target), punktfunk_connection_end_message(r->connection),
		r->o->reconnect);
	put_away(r);
	const struct again a = {.connect = &r->connect,
		.wake_fd = r->wake_fd,
		.until_ns = until,
		.stopped = was_signalled};
	if (again_connect(&a, &r->connection, message)) {
		r->summary.reconnects++;
		if (!r->o->quiet)
			run_say("Back after %.1f s.", (double)(clock_mono_ns() - start) / 1e9);
		return link_up(r);
	}
	if (signalled)
		end_with(r, EXIT_FINE);
	else
		run_say("%s did not come back: %s", target_label(&r->connect.target),
			message[0] ? message : "it does not answer; connect again later.");
	end_with(r, EXIT_ENDED);
	r->summary.end_reason = signalled ? "local" : "lost";
	return false;
}

static bool wants_back(const struct run *r)
{
	return r->o->reconnect && r->first_ns && r->connect.has_identity &&
		punktfunk_connection_end_reason(r->connection) == PUNKTFUNK_END_LOST;
}

static void check_end(struct run *r, const struct pipeline_counters *c)
{
	if (c->record_error)
		output_failed(r, "The recording", r->o->out, c->record_error);
	else if (signalled)
		end_with(r, EXIT_FINE);
	else if (c->ended && wants_back(r))
		come_back(r);
	else if (c->ended)
		note_end(r);
	else if (!r->link_shown && r->now_ns - r->linked_ns > FIRST_PICTURE_NS)
		end_with(r, EXIT_NO_PICTURE);
	else if (r->first_ns && r->o->seconds &&
		r->now_ns - r->first_ns >= r->o->seconds * NS_PER_S)
		end_with(r, EXIT_FINE);
}

/* Sleeps until something is due or the pipeline or a signal wakes. */
static void wait_for_work(struct run *r)
{
	uint64_t until = r->now_ns + TICK_NS, count;
	if (r->first_ns) {
		uint64_t due = r->has_unsent ? r->now_ns + RETRY_NS : script_deadline(&r->script);
		until = due < until ? due : until;
		uint64_t step_ms = play_deadline_ms(&r->play);
		due = step_ms == UINT64_MAX ? UINT64_MAX : r->script.start_ns + step_ms * NS_PER_MS;
		if (r->steps_wait)
			due = r->now_ns + RETRY_NS;
		until = due < until ? due : until;
		uint64_t end = r->first_ns + r->o->seconds * NS_PER_S;
		if (r->o->seconds && end < until)
			until = end;
	}
	uint64_t now = clock_mono_ns(), left = until > now ? until - now : 0;
	struct timespec timeout = {.tv_sec = 0, .tv_nsec = (long)left};
	struct pollfd fd = {.fd = r->wake_fd, .events = POLLIN};
	if (ppoll(&fd, 1, &timeout, NULL) > 0) {
		ssize_t n = read(r->wake_fd, &count, sizeof(count));
		(void)n;
	}
}

/* What was asked for on the command line and is asked of each connection. */
static void settle_session(struct run *r)
{
	struct punktfunk_connection *c = r->connection;
	char text[PLANES_GRANTS_MAX];
	uint32_t grants = punktfunk_connection_grants(c);
	if (r->o->delivery != OPTIONS_DELIVERY_ANY)
		punktfunk_connection_set_delivery(c, (uint32_t)r->o->delivery - 1);
	if (r->o->cursor == OPTIONS_CURSOR_CLIENT &&
		!(punktfunk_connection_host_caps(c) & PUNKTFUNK_HOST_CAP_CURSOR))
		run_say("The host draws the pointer itself, into the picture: it cannot send it "
			"apart.");
	else if (r->o->cursor == OPTIONS_CURSOR_CLIENT)
		punktfunk_connection_set_cursor_render(c, 1);
	copied_connected(&r->copied, c);
	planes_grants_text(grants, text);
	if (grants != r->planes.grants && !r->o->quiet && strcmp(text, "everything") != 0)
		run_say("What this client may do at the host: %s.", text);
	r->planes.grants = grants;
}

/* Decodes what the connection gives. False: it cannot, and that was said. */
static bool link_up(struct run *r)
{
	struct pipeline_params params = {.connection = r->connection,
		.record = r->record,
		.trace = r->trace,
		.wake_fd = r->wake_fd};
	int err = pipeline_start(&r->pipeline, &params);
	if (err) {
		run_say("The decoder cannot start (%s); check that libavcodec has H.264 and that "
			"memory is left.",
			punktfunk_strerror(err));
		end_with(r, EXIT_NO_PICTURE);
		return false;
	}
	settle_session(r);
	r->linked_ns = r->now_ns = clock_mono_ns();
	r->link_shown = false;
	return true;
}

static void stream(struct run *r)
{
	if (!link_up(r))
		return;
	r->connected_ns = r->shown_ns = r->linked_ns;
	punktfunk_connection_mode(r->connection, &r->connect.mode);
	tell_start(r->o, target_label(&r->connect.target), &r->connect.mode,
		punktfunk_connection_bitrate(r->connection));
	while (!r->over) {
		r->now_ns = clock_mono_ns();
		take_picture(r);
		struct pipeline_counters c = count(r);
		check_end(r, &c);
		if (r->over)
			break;
		planes_poll(&r->planes, r->connection);
		copied_poll(&r->copied, r->connection, r->now_ns);
		play_script(r);
		r->steps_wait = !play_steps(r);
		c = count(r);
		switch_mode(r, &c);
		show_progress(r, &c);
		if (!r->over)
			wait_for_work(r);
	}
	if (!r->pipeline)
		return;
	script_cancel(&r->script);
	struct punktfunk_input_event e;
	while (r->scripted && script_poll(&r->script, UINT64_MAX, &e))
		punktfunk_connection_send_input(r->connection, &e);
	pipeline_stop(r->pipeline);
	planes_poll(&r->planes, r->connection);
	r->now_ns = clock_mono_ns();
	take_picture(r);
	struct pipeline_counters c = count(r);
	switch_mode(r, &c);
	judge_typing(r);
}

/* What the host keeps of the stream must be asked before the connection is closed. */
static void collect(struct run *r)
{
	struct stats_summary *s = &r->summary;
	s->mode = r->connect.mode;
	s->library = count_library(r);
	s->counters = count(r);
	if (r->connection) {
		punktfunk_connection_mode(r->connection, &s->mode);
		s->bitrate_kbps = punktfunk_connection_bitrate(r->connection);
		s->clock_offset_ns = punktfunk_connection_clock_offset_ns(r->connection);
		s->end_message = punktfunk_connection_end_message(r->connection);
	}
	s->grants = r->planes.grants;
	s->planes = r->planes.counters;
	s->host_us = planes_host_us(&r->planes);
	s->clip_from_host = r->copied.n_from_host;
	s->clip_to_host = r->copied.n_to_host;
	s->mode_switch = r->mode_switch;
	s->mode_switch_ms = r->switch_ms;
	s->typing_blocks = r->typing_blocks;
	if (!s->end_reason)
		s->end_reason = "local";
	if (!s->end_message)
		s->end_message = "the link was lost and did not come back";
}

static void finish_files(struct run *r)
{
	if (r->record && r->code != EXIT_OUTPUT) {
		int err = record_finish(r->record);
		if (err && err != PUNKTFUNK_E_NO_FRAME)
			output_failed(r, "The recording", r->o->out, errno);
	}
	if (stats_trace_finish(r->trace) != 0)
		output_failed(r, "The trace", r->o->trace, errno);
	r->trace = NULL;
	const AVFrame *frame = r->last ? r->last->frame : r->kept;
	if (r->o->frame_png && frame) {
		errno = 0;
		if (png_write(r->o->frame_png, frame) != 0)
			output_failed(r, "The picture", r->o->frame_png, errno ? errno : EINVAL);
	}
}

/* Turns a good end into a bad one when what was wanted did not happen. */
static void check_outcome(struct run *r)
{
	const struct pipeline_counters *c = &r->summary.counters;
	if (c->delayed)
		run_say("The decoder held %llu pictures back; set the host's encoder to no "
			"B-frames and no "
			"reordering.",
			(unsigned long long)c->delayed);
	if (!c->decoded && (r->code == EXIT_FINE || r->code == EXIT_NO_PICTURE)) {
		r->code = EXIT_NO_PICTURE;
		run_say("The host sent no picture that could be decoded (%llu damaged); look at "
			"its "
			"messages.",
			(unsigned long long)c->damaged);
	}
	if (r->code == EXIT_FINE && !signalled && r->o->remode.mode.width &&
		r->mode_switch != STATS_SWITCH_DONE) {
		r->code = EXIT_REFUSED;
		run_say("The host did not switch to %ux%u at %u Hz (%s); ask for a mode that it "
			"offers.",
			r->o->remode.mode.width, r->o->remode.mode.height,
			r->o->remode.mode.refresh_hz,
			r->mode_switch == STATS_SWITCH_REFUSED ? "it refused"
							       : "no new picture came in time");
	}
}

static void finish(struct run *r)
{
	if (!r->o->quiet && isatty(2))
		fputc('\n', stderr);
	collect(r);
	if (r->connection && strcmp(r->summary.end_reason, "local") == 0)
		punktfunk_connection_disconnect_quit(r->connection);
	finish_files(r);
	check_outcome(r);
	if (r->first_ns && r->code != EXIT_OUTPUT)
		tell_end(r->o, r->now_ns - r->first_ns, r->summary.counters.decoded);
	r->summary.exit_code = r->code;
	if (r->o->summary && stats_summary_write(r->o->summary, &r->summary) != 0)
		output_failed(r, "The summary", r->o->summary, errno);
	pipeline_destroy(r->pipeline);
	record_destroy(r->record);
	punktfunk_connection_close(r->connection);
	av_frame_free(&r->kept);
	signal_fd = -1;
}

/* The script is read before anybody is connected to. */
static bool load_script(struct run *r)
{
	const char *path = r->o->script;
	char message[PLAY_MESSAGE_MAX], *text = NULL;
	size_t len;
	if (!path)
		return true;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int err = fd < 0 ? PUNKTFUNK_E_IO : file_read(fd, PLAY_FILE_MAX, &text, &len);
	if (err)
		run_say("--script: %s cannot be read (%s).", path,
			err == PUNKTFUNK_E_FULL ? "it is larger than 1 MiB" : strerror(errno));
	else if ((err = play_parse(&r->play, text, len, message)) != 0)
		run_say("--script: %s: %s See docs/client.md for what there is.", path, message);
	if (fd >= 0)
		close(fd);
	free(text);
	return !err;
}

static int open_host(struct run *r)
{
	char message[CONNECT_MESSAGE_MAX];
	int code = connect_prepare(&r->connect, r->o, message);
	if (!code)
		code = connect_open(&r->connect, &r->connection, message);
	if (message[0] && (code || !r->o->quiet))
		run_say("%s", message);
	memcpy(r->summary.fingerprint, r->connect.fingerprint, sizeof(r->summary.fingerprint));
	r->summary.host = r->connect.target.host;
	r->summary.port = r->connect.target.port;
	return code;
}

static int run_prepared(struct run *r)
{
	int code = open_host(r);
	if (code)
		return code;
	r->summary.connected_ns = clock_real_ns();
	catch_signals(r->wake_fd);
	if (open_outputs(r))
		stream(r);
	r->summary.ended_ns = clock_real_ns();
	finish(r);
	return r->code;
}

int run_stream(const struct options *o)
{
	struct run r = {.o = o, .typing_blocks = -1};
	int code = EXIT_USAGE;
	planes_init(&r.planes, o->quiet);
	copied_init(&r.copied, o->clipboard, o->clipboard_file, o->quiet);
	r.change = change_create();
	r.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (!r.change || r.wake_fd < 0) {
		run_say("The system has no memory or descriptors left; end other programs and try "
			"again.");
		code = EXIT_CONNECT;
	} else if (load_script(&r)) {
		code = run_prepared(&r);
	}
	connect_finish(&r.connect);
	copied_finish(&r.copied);
	play_finish(&r.play);
	change_destroy(r.change);
	if (r.wake_fd >= 0)
		close(r.wake_fd);
	return code;
}

int run_command(int argc, char **argv)
{
	struct options o;
	char message[ARGS_MESSAGE_MAX];
	if (options_parse(&o, argc, argv, message) != PUNKTFUNK_OK) {
		run_say("%s", message);
		return EXIT_USAGE;
	}
	int code = EXIT_FINE;
	if (o.help) {
		if (strcmp(argv[0], "stream") != 0)
			command_print(stdout);
		code = command_help(options_help());
	} else if (o.version) {
		code = command_version();
	} else {
		/* What libavcodec finds wrong in a stream is counted and reported by us. */
		av_log_set_level(AV_LOG_QUIET);
		signal(SIGPIPE, SIG_IGN);
		code = run_stream(&o);
	}
	options_finish(&o);
	return code;
}
