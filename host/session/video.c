/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/video.h"

#include "host/base/log.h"
#include "host/base/probe.h"
#include "host/encode/encoder.h"
#include "host/media/clock.h"

/*
 * When nothing moves the last picture goes out again, so that a client that lost the last packets learns
 * of it, and the picture sharpens to full quality.
 */
#define REPEAT_NS 100000000ull

/*
 * A keyframe that was asked for comes at once, but for this long after one that is out. Who asks again
 * waits for its answer anyway; who asks a thousand times a second gets no encoder of their own.
 */
#define KEYFRAME_GAP_NS 50000000ull

/*
 * The next picture after a loss heals it, whenever that comes; one more is made for it at most this often.
 * Such frames are as small as any, so who needs several is served sooner than with keyframes.
 */
#define ANCHOR_GAP_NS	20000000ull
#define SENDER_RETRY_NS 2000000ull /* for one that the sender has no room for */

/* Without caps.live_bitrate a change costs a keyframe: no more of them than the picture gains by. */
#define REMAKE_GAP_NS 3000000000ull
/* But a link that fell by a quarter does not wait so long for who needs no new encoder for it. */
#define DROP_GAP_NS 500000000ull

/* So long a desktop that hangs, or a capture begun anew in other memory, has to show a picture that can be read. */
#define UNREAD_NS 5000000000ull
#define MAX_TRIES \
	4u /* encoders that break one after the other: more than there are kinds of hardware */

/* Units that may wait for the sender: one being sent and one ready. More would only be latency. */
#define UNITS_WAITING 2u
#define UNITS_MADE    (SPSC_SLOTS + 3u) /* ring, one in each thread, one spare */

static bool rate_waits(const struct video *v, uint32_t kbps)
{
	const struct encoder_caps *caps = &v->encoder->caps;
	uint64_t at_ns = v->next_remake_ns;
	if (caps->live_bitrate)
		return false;
	if (caps->bitrate_keyframe && kbps < v->encoder_kbps - v->encoder_kbps / 4)
		at_ns -= REMAKE_GAP_NS - DROP_GAP_NS;
	return clock_now_ns() < at_ns;
}

/* Remakes the encoder when the picture's size or rate is not what it was made for. */
static int fit_encoder(struct video *v, const struct frame *frame)
{
	uint32_t hz = atomic_load(&v->refresh_hz), kbps = atomic_load(&v->bitrate_kbps);
	struct encoder *e = v->encoder;
	if (e && e->params.width == frame->width && e->params.height == frame->height &&
		e->params.refresh_hz == hz) {
		if (kbps == v->encoder_kbps || rate_waits(v, kbps))
			return PF_OK;
		v->encoder_kbps = kbps;
		if (!e->caps.live_bitrate)
			v->next_remake_ns = clock_now_ns() + REMAKE_GAP_NS;
		if (encoder_set_bitrate(e, kbps) >= 0)
			return PF_OK;
	}
	encoder_destroy(e);
	v->encoder = NULL;
	struct encoder_params params = {
		.width = frame->width,
		.height = frame->height,
		.refresh_hz = hz,
		.bitrate_kbps = kbps,
		.codec = v->codec,
		.slices = v->slices,
		.max_depth = v->max_depth,
		.matrix = v->matrix,
		.full_range = v->full_range,
	};
	int err = encoder_create(&v->encoder, v->encoder_name, &params);
	if (err == PF_OK)
		v->encoder_kbps = kbps;
	v->next_remake_ns = clock_now_ns() + REMAKE_GAP_NS;
	v->encoder_index = v->next_index;
	v->anchor_owed = false;
	return err;
}

static void mark_repeated(struct unit *u)
{
	/* The picture is still what the screen shows now: its time is now. */
	u->repeated = true;
	u->times.presented_ns = u->times.captured_ns = u->convert_start_ns;
	u->pts_ns = clock_to_realtime_ns(u->convert_start_ns);
}

static bool keyframe_due(struct video *v, uint64_t now_ns)
{
	return now_ns >= v->next_keyframe_ns && atomic_load(&v->want_keyframe);
}

static bool anchor_due(const struct video *v, uint64_t now_ns)
{
	return v->anchor_owed && now_ns >= v->next_anchor_ns;
}

/* Tells the encoder what clients lost since the last look; where it has nothing older left, only a keyframe helps. */
static void take_losses(struct video *v)
{
	struct heal_range lost;
	if (!heal_take(&v->lost, v->next_index, &lost) || !v->encoder)
		return;
	if (heal_knows(&v->heal, &lost) || (v->anchor_owed && lost.first >= v->anchor_from))
		return;
	/* The first frame of an encoder is a keyframe: from there on is all there is. */
	uint64_t first = lost.first > v->encoder_index ? lost.first : v->encoder_index;
	if (encoder_invalidate(v->encoder, first - v->encoder_index) < 0) {
		atomic_store(&v->want_keyframe, true);
		return;
	}
	if (!v->anchor_owed || lost.first < v->anchor_from)
		v->anchor_from = lost.first;
	v->anchor_owed = true;
}

static void note_encoded(struct video *v, struct unit *unit)
{
	unit->index = (uint32_t)v->next_index;
	if (unit->keyframe) {
		/* Also the answer to whoever asked while it was being made. */
		atomic_store(&v->want_keyframe, false);
		v->next_keyframe_ns = unit->encode_end_ns + KEYFRAME_GAP_NS;
		heal_note(&v->heal, 0, v->next_index);
	} else if (unit->anchor) {
		v->next_anchor_ns = unit->encode_end_ns + ANCHOR_GAP_NS;
		heal_note(&v->heal, v->anchor_from, v->next_index);
	}
	v->anchor_owed = false;
	v->next_index++;
	atomic_fetch_add(&v->encoded, 1);
	atomic_fetch_add(&v->keyframes, unit->keyframe);
	atomic_fetch_add(&v->anchors, unit->anchor);
}

enum { GIVE_UP = -1, LEAVE_OUT, TRY_AGAIN };

/* What to do about a picture that could not be encoded. */
static int recover(struct video *v, const struct frame *frame, int err)
{
	struct encoder *e = v->encoder;
	bool unread = err == PF_E_TIMEOUT || err == PF_E_INVALID || err == PF_E_UNSUPPORTED;
	/* What lies in memory everybody reads. */
	if (e && e->impl->hardware && (!unread || frame->pixels)) {
		encoder_retire(e, err);
		encoder_destroy(e);
		v->encoder = NULL;
		return TRY_AGAIN;
	}
	if (frame->pixels || !e || !unread)
		return GIVE_UP;
	const uint64_t now_ns = clock_now_ns();
	if (!v->unread_since_ns)
		v->unread_since_ns = now_ns;
	if (err == PF_E_UNSUPPORTED && v->on_unreadable && !v->told_unreadable) {
		v->told_unreadable = true;
		v->on_unreadable(v->userdata);
	}
	return now_ns - v->unread_since_ns < UNREAD_NS ? LEAVE_OUT : GIVE_UP;
}

static int encode_picture(struct video *v, struct frame *frame, struct unit *unit)
{
	int err = PF_OK;
	for (unsigned tries = 0; tries < MAX_TRIES; tries++) {
		err = fit_encoder(v, frame);
		if (err < 0)
			return err;
		bool keyframe = keyframe_due(v, clock_now_ns()) &&
			atomic_exchange(&v->want_keyframe, false);
		err = encoder_encode(v->encoder, frame, keyframe, unit);
		if (err >= 0) {
			v->unread_since_ns = 0;
			return 1;
		}
		if (keyframe)
			atomic_store(&v->want_keyframe, true);
		int next = recover(v, frame, err);
		if (next != TRY_AGAIN)
			return next == LEAVE_OUT ? 0 : err;
	}
	return err;
}

static int encode_one(struct video *v, struct frame *frame, bool repeated)
{
	if (spsc_len(&v->units) >= UNITS_WAITING) {
		atomic_fetch_add(&v->skipped, 1);
		uint64_t again_ns = clock_now_ns() + SENDER_RETRY_NS;
		if (v->next_keyframe_ns < again_ns)
			v->next_keyframe_ns = again_ns;
		if (v->next_anchor_ns < again_ns)
			v->next_anchor_ns = again_ns;
		return PF_OK;
	}
	struct unit *unit = unit_pool_get(v->pool);
	pf_check(unit); /* UNITS_MADE covers every place where one can be */
	int err = encode_picture(v, frame, unit);
	if (err <= 0) {
		atomic_fetch_add(&v->skipped, !err);
		unit_unref(unit);
		return err;
	}
	if (repeated)
		mark_repeated(unit);
	if (unit->pts_ns <= v->last_pts_ns)
		unit->pts_ns = v->last_pts_ns + 1;
	v->last_pts_ns = unit->pts_ns;
	unit->frame_seq = frame->seq;
	note_encoded(v, unit);
	probe_frame(encoded, unit->pts_ns);
	atomic_fetch_add(&v->repeated, repeated);
	if (!spsc_push(&v->units, unit))
		unit_unref(unit); /* only when closed: room was seen above */
	return PF_OK;
}

/* How long to wait for a picture before the last one is due again, as a repeat or to heal a loss. */
static uint64_t repeat_wait(struct video *v, uint64_t repeat_ns)
{
	uint64_t at_ns = repeat_ns, now_ns = clock_now_ns();
	if (atomic_load(&v->want_keyframe) && v->next_keyframe_ns < at_ns)
		at_ns = v->next_keyframe_ns;
	if (v->anchor_owed && v->next_anchor_ns < at_ns)
		at_ns = v->next_anchor_ns;
	return at_ns > now_ns ? at_ns - now_ns : 0;
}

static void encode_loop(void *userdata)
{
	struct video *v = userdata;
	struct frame *last = NULL;
	uint64_t repeat_ns = 0;
	while (!mailbox_closed(&v->frames)) {
		struct frame *frame = mailbox_take(
			&v->frames, last ? repeat_wait(v, repeat_ns) : UINT64_MAX);
		if (mailbox_closed(&v->frames)) {
			frame_unref(frame);
			break;
		}
		if (frame) {
			frame_unref(last);
			last = frame;
		} else if (!last) {
			continue;
		}
		take_losses(v);
		uint64_t now_ns = clock_now_ns();
		if (!frame && now_ns < repeat_ns && !keyframe_due(v, now_ns) &&
			!anchor_due(v, now_ns))
			continue; /* woken for an answer that is there, or whose time has not come */
		repeat_ns = clock_now_ns() + REPEAT_NS;
		int err = encode_one(v, last, !frame);
		if (err < 0) {
			bool unread = v->unread_since_ns;
			log_error("video: %s %ux%u%s: %s",
				unread ? "none of the desktop's pictures of"
				       : "the encoder cannot take",
				last->width, last->height,
				unread ? " could be read for five seconds" : "", pf_strerror(err));
			v->on_failed(unread ? "the desktop's pictures could not be read"
					    : "the host's video encoder failed",
				v->userdata);
			break;
		}
	}
	frame_unref(last);
}

static void send_one(struct video *v, struct unit *unit)
{
	uint64_t start_ns = clock_now_ns();
	int n = v->sink.video(unit, unit->index, v->sink.userdata);
	uint64_t end_ns = clock_now_ns();
	probe_frame(sent, unit->pts_ns);
	if (n < 0) {
		atomic_fetch_add(&v->send_errors, 1);
	} else {
		atomic_fetch_add(&v->sent, 1);
		atomic_fetch_add(&v->packets, (uint64_t)n);
	}
	if (v->trace)
		trace_add(v->trace, unit, unit->index, start_ns, end_ns, n);
}

static uint64_t between_units(struct video *v)
{
	uint64_t at_ns = v->sink.between ? v->sink.between(v->sink.userdata) : UINT64_MAX;
	uint64_t now_ns = clock_now_ns();
	return at_ns == UINT64_MAX ? UINT64_MAX : at_ns > now_ns ? at_ns - now_ns : 0;
}

static void send_loop(void *userdata)
{
	struct video *v = userdata;
	for (;;) {
		/* Before the wait: what is pushed until the close is still sent. */
		bool closed = spsc_closed(&v->units);
		struct unit *unit = spsc_pop(&v->units, closed ? 0 : between_units(v));
		if (!unit && closed)
			return;
		if (!unit)
			continue;
		send_one(v, unit);
		unit_unref(unit);
	}
}

int video_start(struct video *v)
{
	mailbox_init(&v->frames);
	spsc_init(&v->units);
	v->running = true;
	int err = unit_pool_create(&v->pool, UNITS_MADE);
	if (err < 0)
		return err;
	err = thread_start(&v->encode_thread, "pf-encode", THREAD_MEDIA, encode_loop, v);
	if (err < 0)
		return err;
	return thread_start(&v->send_thread, "pf-send", THREAD_MEDIA, send_loop, v);
}

void video_stop(struct video *v)
{
	if (!v->running)
		return;
	mailbox_close(&v->frames);
	thread_join(&v->encode_thread);
	spsc_close(&v->units);
	thread_join(&v->send_thread);
	frame_unref(mailbox_take(&v->frames, 0));
	struct unit *unit;
	while ((unit = spsc_pop(&v->units, 0)))
		unit_unref(unit);
	encoder_destroy(v->encoder);
	v->encoder = NULL;
	unit_pool_destroy(v->pool);
	v->pool = NULL;
	v->running = false;
}

void video_push(struct video *v, struct frame *frame)
{
	struct frame *old = mailbox_put(&v->frames, frame_ref(frame));
	atomic_fetch_add(&v->captured, 1);
	if (old)
		atomic_fetch_add(&v->replaced, 1);
	frame_unref(old);
}

void video_wake_sender(struct video *v)
{
	if (v->running)
		spsc_wake(&v->units);
}

void video_request_keyframe(struct video *v)
{
	/* The wake makes it now, of the picture at hand, not at the next change of the screen. */
	if (!atomic_exchange(&v->want_keyframe, true))
		mailbox_wake(&v->frames);
}

void video_invalidate(struct video *v, uint32_t first, uint32_t last)
{
	if (!heal_ask(&v->lost, first, last))
		video_request_keyframe(v);
	else
		mailbox_wake(&v->frames);
}

void video_get_stats(const struct video *v, struct session_stats *out)
{
	*out = (struct session_stats){
		.frames_captured = atomic_load(&v->captured),
		.frames_replaced = atomic_load(&v->replaced),
		.frames_encoded = atomic_load(&v->encoded),
		.frames_repeated = atomic_load(&v->repeated),
		.frames_sent = atomic_load(&v->sent),
		.units_dropped = atomic_load(&v->skipped),
		.send_errors = atomic_load(&v->send_errors),
		.keyframes = atomic_load(&v->keyframes),
		.anchors = atomic_load(&v->anchors),
		.packets_sent = atomic_load(&v->packets),
	};
}
