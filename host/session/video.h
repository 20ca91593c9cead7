/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_VIDEO_H
#define HOST_SESSION_VIDEO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/base/mailbox.h"
#include "host/base/spsc.h"
#include "host/base/thread.h"
#include "host/session/heal.h"
#include "host/session/session.h"
#include "host/session/trace.h"

/*
 * A session's video: capture's thread -> mailbox of one -> encode thread -> ring -> send thread.
 * No lock and no allocation on the way of a frame (the encoder is remade when the picture's size changes).
 */

struct encoder;

struct video {
	/* constant while running */
	const char *encoder_name;
	uint8_t codec;
	uint8_t slices, max_depth, matrix; /* 0 = as the encoder likes */
	bool full_range;		   /* with a matrix */
	struct session_sink sink;
	/* The encoder cannot go on. Once, on the encode thread. */
	void (*on_failed)(const char *why, void *userdata);
	/*
	 * Pictures lie in a GPU's memory that nothing here reads: the producer should give others. Once, on the
	 * encode thread. May be NULL.
	 */
	void (*on_unreadable)(void *userdata);
	void *userdata;

	struct mailbox frames;
	struct spsc units;
	struct unit_pool *pool;
	struct thread encode_thread, send_thread;
	bool running;

	/* knobs: any thread */
	_Atomic bool want_keyframe;
	_Atomic uint32_t bitrate_kbps, refresh_hz;
	struct heal_request lost; /* what clients named since the encode thread looked */

	/* the encode thread's own */
	struct encoder *encoder;
	uint32_t encoder_kbps;
	uint64_t last_pts_ns, next_keyframe_ns, next_anchor_ns, next_remake_ns;
	uint64_t
		unread_since_ns; /* the first of the pictures in a row that could not be read; 0 = it was */
	bool told_unreadable;
	uint64_t next_index;	/* its low half is what the wire counts */
	uint64_t encoder_index; /* of the encoder's unit 0 */
	struct heal heal;
	bool anchor_owed;     /* the encoder has been told of a loss; its next unit is the answer */
	uint64_t anchor_from; /* the oldest frame of that loss */

	/* the send thread's own */
	struct trace *trace; /* NULL = not wanted */

	/* counters */
	_Atomic uint64_t captured, replaced, encoded, repeated, sent, skipped, send_errors,
		keyframes, anchors, packets;
};

/* codec, encoder_name, sink, on_failed and the knobs must be set. Errors: PF_E_NOMEM, PF_E_IO. */
int video_start(struct video *v) PF_MUST_CHECK;
/* Joins both threads and frees what they held. Takes one that was never started. No push after it. */
void video_stop(struct video *v);
/* A new picture; replaces one that was not taken. Thread: capture's. */
void video_push(struct video *v, struct frame *frame);
void video_wake_sender(struct video *v);      /* Thread: the one that starts and stops */
void video_request_keyframe(struct video *v); /* Thread: any */
/* The client lost frames first to last: see session_invalidate(). Thread: any. */
void video_invalidate(struct video *v, uint32_t first, uint32_t last);
void video_get_stats(const struct video *v, struct session_stats *out); /* Thread: any */

#endif
