/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_SESSION_H
#define HOST_SESSION_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/datagram.h"
#include "core/wire/handshake.h"
#include "host/inject/inject.h"
#include "host/media/cursor.h"
#include "host/media/unit.h"

/*
 * One client's stream, whatever protocol carries it: an output, its capture, an encoder, input, and the
 * threads between. native/ and gamestream/ create one per client and give it a sink.
 * Thread: the control loop, except the sink's video() (the session's send thread).
 */

struct loop;
struct host;
struct session;
struct vdisplay_output;

/* What a protocol does with a session's output. */
struct session_sink {
	/* One access unit, on the send thread. Keeps no reference. Returns packets sent or an error (counted). */
	int (*video)(struct unit *unit, uint32_t frame_index, void *userdata);
	/*
	 * What else there is to send, on the send thread, between two units. Returns when to be called again at
	 * the latest, CLOCK_MONOTONIC ns: UINT64_MAX = after the next unit or session_wake_sender(). May be NULL.
	 */
	uint64_t (*between)(void *userdata);
	/*
	 * The pointer, from the loop, where the capture tells it apart: its newest place, and its shape where that
	 * changed (else NULL; borrowed). NULL = not wanted.
	 */
	void (*cursor)(
		struct cursor_shape *shape, const struct cursor_state *state, void *userdata);
	/* The session cannot go on (compositor gone, encoder failed); once, from the loop. The owner ends it,
	 * but must not destroy the session inside this call. */
	void (*lost)(const char *why, void *userdata);
	void *userdata;
};

struct session_params {
	struct host *host;
	struct pf_mode mode;
	uint32_t
		refresh_mhz; /* the client's exact rate, in thousandths of a hertz; 0 = as in mode */
	uint32_t bitrate_kbps; /* already clamped */
	uint8_t codec;	       /* one bit */
	struct session_sink sink;
	const char *name; /* of the client, for the log */
	const uint8_t
		*owner; /* VDISPLAY_OWNER_LEN bytes that are this client's only; NULL = none */
	/* A display that this client had: it is set to mode and used, or goes. NULL = make a new one. */
	const struct vdisplay_output *adopt;
	/* That display is used as it is where its desktop cannot change it: the game on it would go with it. */
	bool adopt_any_size;
};

struct session_stats {
	uint64_t frames_captured, frames_replaced, frames_encoded, frames_repeated, frames_sent;
	uint64_t units_dropped; /* the send ring was full */
	uint64_t send_errors, keyframes, anchors;
	uint64_t packets_sent;
};

/*
 * May a client have this mode at all? A person set how large (--max-megapixels): each pixel costs some 25
 * bytes of the host, in the compositor, the capture and the encoder.
 */
bool session_mode_allowed(const struct host *h, const struct pf_mode *mode);
/*
 * Makes the output, the capture and the encoder. *why: one sentence on failure. Nothing runs yet. Errors:
 * PF_E_INVALID (the mode is not allowed) and those of the parts.
 */
int session_create(
	struct session **out, const struct session_params *params, const char **why) PF_MUST_CHECK;
/* What a client says of the encoder only after its display is there. */
struct session_encoding {
	uint8_t codec; /* one bit */
	uint32_t bitrate_kbps;
	uint8_t slices;	   /* of a picture; 0 = as the host likes */
	uint8_t max_depth; /* references that its decoder has room for; 0 = as the host likes */
	uint8_t matrix;	   /* H.273's number; 0 = as the host likes */
	bool full_range;   /* with a matrix */
};
/* Before session_start(). The bitrate is clamped. Errors: PF_E_UNSUPPORTED (no encoder for this codec). */
int session_configure(struct session *s, const struct session_encoding *e) PF_MUST_CHECK;
/* Starts the threads; the first frame is a keyframe. */
int session_start(struct session *s) PF_MUST_CHECK;
/* Stops the threads, releases keys, removes the output. Synchronous. Takes NULL. */
void session_destroy(struct session *s);
/* The same, but the output stays and is the caller's: an empty name when there is none. */
void session_destroy_kept(struct session *s, struct vdisplay_output *output);

/* The mode as really made. */
struct pf_mode session_mode(const struct session *s);
uint8_t session_compositor(const struct session *s);
/* The Wayland socket of the session's desktop; empty where there is none. Borrowed. */
const char *session_wayland_display(const struct session *s);
/* As vdisplay_claim_windows(), for the session's output. */
int session_claim_windows(const struct session *s, int pid) PF_MUST_CHECK;
/*
 * exact_mhz: as session_params.refresh_mhz. The stream goes on with a keyframe of the new size. Errors: PF_E_INVALID,
 * PF_E_IO: the old mode goes on; or the capture could not follow, and the sink hears lost().
 */
int session_set_mode(struct session *s, const struct pf_mode *mode, uint32_t exact_mhz,
	struct pf_mode *made) PF_MUST_CHECK;
/* Does the sink's cursor() get the pointer? Then it may be left out of the picture. */
bool session_reports_cursor(const struct session *s);
/* Only where it is reported. Pictures have the pointer until this says otherwise. */
void session_draw_cursor(struct session *s, bool drawn);
void session_wake_sender(struct session *s);
void session_request_keyframe(struct session *s); /* Thread: any */
/*
 * The client lost frames first to last, by their index. What comes next refers to older ones only, marked as a
 * recovery anchor, or is a keyframe where the encoder has none left; nothing comes where a later frame has
 * healed that loss. Thread: any.
 */
void session_invalidate(struct session *s, uint32_t first, uint32_t last);
/* Takes effect with the next frame, without a keyframe. Returns the clamped rate. Thread: any */
uint32_t session_set_bitrate(struct session *s, uint32_t kbps);
void session_input(struct session *s, const struct pf_input *event);
/* Releases every key and button that the client holds. */
void session_release_input(struct session *s);
void session_rich_input(struct session *s, const struct pf_rich *event);
struct inject_caps session_input_caps(const struct session *s);
void session_get_stats(const struct session *s, struct session_stats *out); /* Thread: any */

/* Every session whose display is gone is told through its sink's lost(). From the loop, when a desktop went away. */
void session_desktop_lost(struct host *h, const char *why);

#endif
