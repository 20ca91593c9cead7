/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_NATIVE_CLIP_H
#define HOST_NATIVE_CLIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/quic/conn.h"
#include "core/wire/control.h"
#include "host/clipboard/clipboard.h"

/*
 * A client's clipboard (wire 4.5, 0x40 to 0x44): clip.c says who may and what is offered, clip_move.c moves the
 * text. Callbacks of the clipboard only note what is due; the timer does it, where a client may also end.
 * Thread: the control loop.
 */

struct native;
struct native_client;
struct loop_source;

#define CLIP_TRANSFERS \
	(PF_QUIC_MAX_STREAMS - 1) /* all of a client's streams but the control stream */
#define CLIP_FETCH_LEN (2u + 14u + PF_CLIP_MIME_MAX) /* the longest ClipFetch with its length */
#define CLIP_HDR_LEN   (2u + 14u)

/* A client reads what the desktop has. */
struct clip_serve {
	int64_t stream; /* -1 = free */
	enum { SERVE_ASKING, SERVE_READING, SERVE_SENDING } state;
	uint8_t head[PF_CLIP_HEAD_LEN + CLIP_FETCH_LEN];
	size_t head_len;
	uint32_t seq;
	struct clip_text *text;
	size_t sent;
	uint64_t until_ns; /* SENDING: something must have left by then */
};

/* The desktop pastes what the client has. */
struct clip_paste {
	int64_t stream; /* -1 = none */
	uint8_t head[CLIP_HDR_LEN];
	size_t head_len;
	uint64_t total; /* as the client says; 0 = not known */
	struct clip_build build;
	uint64_t until_ns, end_ns;
};

struct clip {
	struct clipboard *board; /* NULL = off */
	struct loop_source *timer;
	bool wanted, wanted_files; /* the newest ClipControl */
	bool control_due, offer_due, take_due, paste_due;
	bool warned;	  /* the log has been told that there is none */
	const char *lost; /* the board is gone, and why */
	uint64_t next_control_ns, next_offer_ns, next_take_ns;
	/* The desktop's selection. */
	uint32_t seq;		  /* of our newest offer; counts through the connection */
	bool has_text, told_text; /* the second: as the client knows it */
	/* The client's. */
	uint32_t peer_seq;
	bool peer_text;
	struct clip_serve serves[CLIP_TRANSFERS];
	struct clip_paste paste;
	uint32_t fetches_left; /* that the client may still ask for now */
	uint64_t refilled_ns;
};

int clip_open(struct native_client *c) PF_MUST_CHECK;
void clip_close(struct native_client *c);
/* The bit for Welcome, or 0. */
uint8_t clip_host_caps(const struct native_client *c);
void clip_wanted(struct native_client *c, const struct pf_msg *m);
void clip_offered(struct native_client *c, const struct pf_msg *m);
/* The client's grants changed. */
void clip_access(struct native_client *c);
/* Sets the timer for what is due next. */
void clip_rearm(struct native_client *c);
/* The session is over. */
void clip_stop(struct native_client *c);

/* --- clip_move.c --- */

/* A stream that is not the control stream. */
void clip_stream(
	struct native_client *c, int64_t stream, const uint8_t *data, size_t len, bool fin);
/* Room may have come on streams: after each turn of the endpoint. Returns whether something is to be flushed. */
bool clip_pump(struct native_client *c);
/* clipboard_params::on_text */
void clip_text_came(struct clip_text *text, void *userdata);
void clip_paste_begin(struct native_client *c);
void clip_paste_cancel(struct native_client *c);
/* Ends what took too long. Returns when to be called again, UINT64_MAX = not for this. */
uint64_t clip_move_expire(struct native_client *c, uint64_t now_ns);
/* Breaks every transfer off. */
void clip_move_stop(struct native_client *c);

#endif
