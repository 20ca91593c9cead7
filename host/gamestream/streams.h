/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_STREAMS_H
#define HOST_GAMESTREAM_STREAMS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/crypto/aead.h"
#include "core/flow/adapt.h"
#include "core/flow/pacer.h"
#include "core/nv/control.h"
#include "core/nv/input.h"
#include "core/nv/sdp.h"
#include "core/packet/nvvideo.h"
#include "host/gamestream/internal.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/stream.h"
#include "host/session/paced.h"
#include "host/session/session.h"
#include "host/vdisplay/vdisplay.h"
#include "net/udp.h"

/*
 * What stream.c shares with the planes of a stream: control.c, video.c, audio.c, input.c and govern.c.
 * Thread: the control loop, but for what says otherwise.
 */

struct _ENetPeer;
struct audio_source;
struct gs_audio;
struct gs_control;
struct loop_source;
struct udp_rx;

/* --- where packets go --- */

/* The address that the newest ping of a client came from: set by the loop, read by a thread that sends. */
struct gs_target {
	pthread_mutex_t lock;
	union udp_addr addr;
	socklen_t len; /* 0 = no ping yet */
	char token[PF_NV_PING_LEN + 1];
};

void gs_target_init(struct gs_target *t);
void gs_target_finish(struct gs_target *t);
/* No ping counts any more until there is another token; token NULL = none. */
void gs_target_reset(struct gs_target *t, const char *token);
/* A datagram that came; true: it is a ping of this client, the first when *first. */
bool gs_target_ping(struct gs_target *t, const uint8_t *data, size_t len,
	const union udp_addr *from, socklen_t from_len, bool *first);
/* False: nowhere yet. Thread: any. */
bool gs_target_get(struct gs_target *t, union udp_addr *to, socklen_t *len);

/* --- video.c --- */

struct gs_video {
	struct udp_socket socket; /* its own, of the port that all share */
	struct gs_target target;
	struct pf_aead *aead; /* NULL = in clear */
	struct pf_nvvideo *packetizer;
	struct paced_loss loss; /* test only */
	const struct config *config;
	struct session *session; /* to ask for a keyframe */

	/* The loop's wishes, granted before the next frame. */
	_Atomic uint32_t fec_percent, heal_percent;
	_Atomic uint64_t pace; /* struct pf_adapt_pace: kbps << 1 | narrow */
	uint32_t refresh_hz;

	/* the send thread's own */
	struct pf_pacer pacer;
	uint64_t pace_set;
	uint32_t fec_set;
	bool running;	     /* a keyframe went out, and nothing is missing since */
	uint32_t next_index; /* as the client counts: from 1 */
	/*
	 * Where the run of frames without a hole began, its keyframe: index of the session << 32 | as the client
	 * counts. 0 = none yet.
	 */
	_Atomic uint64_t run;

	_Atomic uint64_t frames,
		unsent; /* unsent: made, but there was no one to send it to, or it was too large */
	_Atomic uint64_t latency_sum, latency_max; /* 0.1 ms */
};

struct gs_stream;
struct unit;
/* After play; aead_key NULL = in clear. Errors: PF_E_NOMEM, PF_E_IO, PF_E_INVALID. */
int gs_video_open(struct gs_stream *s, const uint8_t *aead_key) PF_MUST_CHECK;
void gs_video_close(struct gs_stream *s);
/* session_sink::video; userdata is the stream. Thread: send. */
int gs_video_send(struct unit *unit, uint32_t frame_index, void *userdata);
/* The client lost frames, as it counts them. */
void gs_video_invalidate(struct gs_stream *s, uint32_t first, uint32_t last);

/* --- audio.c --- */

/* Where its sound comes from, made anew only for another number of channels. Errors: as audio_make_source(). */
int gs_audio_source(
	struct gs_stream *s, const struct gs_launch *l, unsigned channels) PF_MUST_CHECK;
/* What the app needs to be heard. */
void gs_audio_env(const struct gs_stream *s, struct gs_launch *l);
/* The key of request counts. Errors: PF_E_NOMEM, PF_E_IO, PF_E_CRYPTO, PF_E_INVALID. */
int gs_audio_open(struct gs_stream *s, const struct launch_request *request) PF_MUST_CHECK;
void gs_audio_close(struct gs_stream *s);

/* --- input.c --- */

#define GS_TOUCHES 16u

struct gs_input {
	struct pf_nv_mapper mapper;
	uint8_t held; /* enum pf_nv_modifier: keys that are really down */
	uint8_t pen_down; /* buttons of the pointer that a pen holds: bit 0 the tip, 1 and 2 its buttons */
	uint32_t touches[GS_TOUCHES];
	size_t n_touches;
	uint64_t refilled_ns;
	uint32_t left;
	uint64_t n_dropped, n_bad;
};

void gs_input_open(struct gs_input *in);
void gs_input_take(struct gs_stream *s, const uint8_t *data, size_t len);

/* --- govern.c --- */

struct gs_governor {
	struct pf_adapt adapt;
	uint32_t set_kbps;
	uint64_t asked_from_ns; /* what a client asks for while it starts is no loss */
	/* since the last report */
	uint64_t report_at_ns, missing, sent_then;
	bool reports; /* the client tells what came of its frames */
};

/* Video without parity, of what the client allows for everything. */
uint32_t gs_govern_video_kbps(const struct config *config, const struct pf_nv_stream_config *c);
void gs_govern_begin(struct gs_stream *s);
void gs_govern_tick(struct gs_stream *s, uint64_t rtt_ns);
void gs_govern_status(struct gs_stream *s, const struct pf_nv_fec_status *status);
void gs_govern_asked(struct gs_stream *s);

/* --- control.c --- */

struct gs_channel {		/* zeroed = closed */
	struct _ENetPeer *peer; /* proved that it has the key; NULL = not yet */
	struct pf_aead *aead;
	struct pf_nv_control box;
	uint32_t connect_data; /* 0 = nobody is awaited */
	uint64_t n_messages, n_bad;
};

/* bind: as in struct gamestream. Errors: PF_E_BUSY, PF_E_INVALID, PF_E_NOMEM; a sentence went to the log. */
int gs_control_create(struct gs_control **out, struct gs_streams *ss) PF_MUST_CHECK;
void gs_control_destroy(struct gs_control *c);
uint16_t gs_control_port(const struct gs_control *c);
/* From here on a connection with s->tokens counts. Errors: PF_E_NOMEM, PF_E_CRYPTO. */
int gs_channel_open(struct gs_stream *s, const uint8_t key[static LAUNCH_KEY_LEN]) PF_MUST_CHECK;
/* code: PF_NV_ENDED, ..., what a connected client is told. */
void gs_channel_close(struct gs_stream *s, uint32_t code);
/* Drops it when nobody is connected. Errors: as pf_nv_feedback_write(), PF_E_NOMEM. */
int gs_channel_send(struct gs_stream *s, const struct pf_nv_feedback *f);
/* 0 = not known. */
uint64_t gs_channel_rtt_ns(const struct gs_stream *s);

/* --- stream.c --- */

enum gs_state {
	GS_AWAY,  /* the display is kept, nothing runs */
	GS_READY, /* prepared: session made, not started */
	GS_SETUP,
	GS_ANNOUNCED,
	GS_PLAYING,
};

#define GS_CONNECT_NS \
	10000000000ull /* control connection, and the first ping of video, after PLAY */

struct gs_stream {
	struct gs_stream *next;
	struct gs_streams *all;
	uint64_t id; /* never used twice */
	uint64_t launch_id;
	char name[PF_NAME_MAX + 1]; /* of the client, for the log */
	enum gs_state state;
	struct session *session;     /* all but AWAY */
	struct vdisplay_output kept; /* AWAY */
	struct stream_tokens tokens;
	struct pf_nv_stream_config config;
	uint64_t played_ns;
	bool failed; /* the session cannot go on */
	char why[160];

	struct gs_channel channel;
	struct gs_video video;
	struct gs_target audio_target;
	struct audio_source *sound; /* from prepare() on */
	struct gs_audio *audio;
	struct gs_input input;
	struct gs_governor governor;
};

struct gs_streams {
	struct gamestream *g;
	struct gs_control *control;
	struct udp_socket video, audio;
	struct udp_rx *rx;
	struct loop_source *video_readable, *audio_readable, *timer;
	struct gs_stream *list;
	uint64_t last_id;
};

struct gs_launch *gs_stream_launch(const struct gs_stream *s); /* NULL = it is gone */
struct gs_stream *gs_stream_by_id(const struct gs_streams *ss, uint64_t id);
/* Its control connection is there and proved itself. */
void gs_stream_connected(struct gs_stream *s);
/* The client is gone, or was never there: display and app stay. */
void gs_stream_left(struct gs_stream *s, const char *why, uint32_t code);

#endif
