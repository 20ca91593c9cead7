/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_LAUNCH_H
#define HOST_GAMESTREAM_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/handshake.h"
#include "host/gamestream/run.h"
#include "net/udp.h"

/*
 * What clients have started, from /launch to the end of the app. A client, that is a certificate, has at most one.
 *
 *   /launch ─► PREPARING ─► PENDING ─ launch_running() ─► RUNNING ─ launch_left() ─► AWAY ─ /resume ─► PREPARING
 *                   │           │                                                    ▲
 *                   ▼ failed    └─ nobody came in time ──────────────────────────────┘ (never ran: ▼ ended)
 *                 ended                              ended: /cancel, unpaired, app ended, host ends, any state
 *
 * A pointer is good until the loop goes round; who keeps something keeps the id. Keys are wiped with the state that
 * they belong to. Thread: the control loop.
 */

struct app;
struct loop;
struct launches;

#define LAUNCH_KEY_LEN	    16u
#define LAUNCH_FP_LEN	    32u
#define LAUNCH_KEY_HASH_LEN 32u
#define LAUNCH_MAX	    64u /* the most that --max-concurrent allows */
#define LAUNCH_PENDING_NS \
	15000000000ull /* a client connects to RTSP at once, and gives up after 10 s */
#define LAUNCH_PREPARE_NS   90000000000ull /* clients wait for 120 s */
#define LAUNCH_RESUME_NS    25000000000ull /* and for 30 s here */
#define LAUNCH_AUDIO_STEREO ((0x3u << 16) | 2u)

enum launch_state {
	LAUNCH_PREPARING,
	LAUNCH_PENDING,
	LAUNCH_RUNNING,
	LAUNCH_AWAY,
	LAUNCH_ENDED, /* seen by teardown() only */
};

/* What the client asks for; checked, and new with each /launch and /resume. */
struct launch_request {
	uint8_t rikey[LAUNCH_KEY_LEN]; /* of RTSP, control, video, audio */
	uint32_t rikeyid;    /* first 4 bytes (BE) of the legacy IV; audio counts on from it */
	struct pf_mode mode; /* fractions of a rate come with RTSP */
	bool sops;	     /* the host's resolution may change */
	bool hdr, local_audio;
	uint32_t surround_mask;
	uint8_t channels; /* 2, 6 or 8 */
	uint32_t corever; /* 1 = knows encrypted RTSP */
	uint32_t pads;	  /* bitmap of those that are there */
	bool keep_pads;
	union udp_addr peer;  /* of the HTTPS connection; the port means nothing */
	union udp_addr local; /* the address of ours that it reached */
};

struct gs_launch {
	struct gs_launch *next;
	uint64_t id; /* never used twice */
	enum launch_state state;
	uint8_t fp[LAUNCH_FP_LEN]; /* SHA-256 of the client's certificate */
	char name[PF_NAME_MAX + 1];
	uint8_t grants;	 /* enum pf_grant: what the client may do; follows changes at once */
	struct app *app; /* a reference: as it was when it was started */
	struct launch_request request;
	bool encrypted_rtsp; /* what sessionUrl0 says */
	bool ran;	     /* it was RUNNING before */
	uint64_t created_ns; /* CLOCK_MONOTONIC, of the newest /launch or /resume */
	uint64_t deadline_ns;

	/* The hooks' own. */
	void *stream;
	/* From prepare(), for the app's environment; empty = none. */
	char wayland_display[108];
	char environment[APP_RUN_ENV][APP_RUN_ENV_LEN]; /* more of "NAME=value" */

	/* launch.c's own */
	uint8_t used_key[LAUNCH_KEY_HASH_LEN]; /* SHA-256 of the newest that a stream ran with */
	struct launches *all;
	struct app_run *run;
	bool started; /* its app was */
	void (*done)(struct gs_launch *l, int err, const char *why, void *userdata);
	void *done_userdata;
};

/* What stream.c does for a launch. */
struct launch_hooks {
	/*
	 * All that can fail before a client hears that it may come: output, capture, encoder. On the first
	 * launch l->stream is NULL; on a resume it is what was there, and what still runs of it with the old keys
	 * stops first. The request may have another mode than before. Returns PF_OK, or an error with why, a
	 * sentence for the client's screen that says what to do; after a failed resume the app is AWAY as before.
	 */
	int (*prepare)(struct gs_launch *l, char *why, size_t why_len, void *userdata);
	/*
	 * optional: the app runs, after prepare(). Its windows belong on the display of l->stream. pid: the process
	 * that all of it descends from.
	 */
	void (*running)(struct gs_launch *l, int pid, void *userdata);
	/* Stops everything of l->stream, tells a client that is connected (why: a sentence), synchronously. */
	void (*teardown)(struct gs_launch *l, const char *why, void *userdata);
	void *userdata;
};

/* hooks are copied. max: launches at once, at most LAUNCH_MAX. user: who runs the apps, as --session-user. */
int launches_create(struct launches **out, struct loop *loop, const struct launch_hooks *hooks,
	unsigned max, const char *user) PF_MUST_CHECK;
void launches_destroy(struct launches *ls); /* ends all; takes NULL */

/* --- nvhttp --- */

/*
 * Starts app for the client fp. done is called once, from the loop or from inside this call: err PF_OK when the
 * launch is PENDING, else why is a sentence and the launch is gone after the call. Errors, at once and without
 * done, with why: PF_E_BUSY (this client runs another app or quit too many of late, or the host is full), PF_E_NOMEM.
 * The same app again is a resume.
 */
int launch_start(struct launches *ls, const uint8_t fp[static LAUNCH_FP_LEN], const char *name,
	struct app *app, const struct launch_request *request,
	void (*done)(struct gs_launch *l, int err, const char *why, void *userdata), void *userdata,
	char *why, size_t why_len) PF_MUST_CHECK;
/*
 * Takes over what this client has, in any state. As launch_start(); PF_E_NO_FRAME: it has nothing; PF_E_CRYPTO: its
 * key is that of before.
 */
int launch_resume(struct launches *ls, const uint8_t fp[static LAUNCH_FP_LEN],
	const struct launch_request *request,
	void (*done)(struct gs_launch *l, int err, const char *why, void *userdata), void *userdata,
	char *why, size_t why_len) PF_MUST_CHECK;
/* The one who waits for done has gone: it is not called any more. */
void launch_abandon(struct launches *ls, const void *userdata);
/* The app, its display and l end before this returns. why: for the client and the log. */
void launch_end(struct launches *ls, struct gs_launch *l, const char *why);
struct gs_launch *launch_of(const struct launches *ls, const uint8_t fp[static LAUNCH_FP_LEN]);
struct gs_launch *launch_by_id(const struct launches *ls, uint64_t id);
/* In no particular order; before NULL = the first. */
struct gs_launch *launch_next(const struct launches *ls, const struct gs_launch *before);

/* --- RTSP --- */

/*
 * The launches that an RTSP connection from this address may belong to: PENDING, newest first. encrypted: all that
 * were told to come encrypted, whatever their address (the key decides); plain: those of this address that were
 * told to come plain. before NULL = the first.
 */
struct gs_launch *launch_next_pending(const struct launches *ls, const union udp_addr *from,
	bool encrypted, const struct gs_launch *before);
/* A good request of its client came: it has LAUNCH_PENDING_NS more for the next. */
void launch_touch(struct launches *ls, struct gs_launch *l);

/* --- stream --- */

/* PLAY was answered and the stream runs. */
void launch_running(struct launches *ls, struct gs_launch *l);
/* The client is gone, the app stays: keys are wiped, /resume goes on. */
void launch_left(struct launches *ls, struct gs_launch *l);

#endif
