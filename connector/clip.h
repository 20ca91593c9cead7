/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CONNECTOR_CLIP_H
#define CONNECTOR_CLIP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/wire/control.h"
#include "punktfunk_core.h"

/*
 * The clipboard of a connection. Two offers (theirs and ours) and a few transfers, each on a bidirectional
 * stream of its own, are all its state; callers and the library's thread meet under one lock.
 */

#define CLIP_FETCHES  2u	      /* of ours: QUIC allows four streams, one is the control's */
#define CLIP_SERVES   4u	      /* of the host's: as many streams as it may open */
#define CLIP_CHUNK    (64u << 10)     /* bytes handed to QUIC at once */
#define CLIP_IDLE_NS  15000000000ull  /* a transfer that stands still for so long is cut */
#define CLIP_LIFE_NS  120000000000ull /* and one that crawls for so long: 64 MiB at 5 Mbit/s */
#define CLIP_HEAD_MAX (2u + 160u)     /* of a ClipFetch, the longer of the two heads */

enum clip_step {
	CLIP_FREE,
	CLIP_TO_OPEN, /* fetch: the thread opens the stream */
	CLIP_HEAD,    /* the head is coming */
	CLIP_BODY,    /* fetch: bytes are coming; serve: bytes are going */
	CLIP_ASKED,   /* serve: next_clipboard is to give it */
	CLIP_GIVEN,   /* serve: clipboard_serve is to answer it */
	CLIP_DONE,    /* fetch: next_clipboard is to give it */
};

struct clip_transfer {
	enum clip_step step;
	bool serve;    /* the host fetches */
	bool answered; /* serve: the head has been sent */
	bool reset;    /* the stream is to be cancelled by the thread */
	uint32_t id, seq, file, status;
	int64_t stream; /* -1 = none */
	char mime[PF_CLIP_MIME_MAX + 1];
	uint8_t head[PF_CLIP_HEAD_LEN + CLIP_HEAD_MAX];
	size_t head_len;
	uint8_t *data; /* ours; one NUL more than len */
	size_t len, cap, sent;
	uint64_t total; /* that the host announced; 0 = not */
	uint64_t began_ns, moved_ns;
};

struct clip_offer {
	uint32_t seq;
	uint32_t n;
	bool fresh; /* next_clipboard is to give it */
	uint64_t size_hint[PUNKTFUNK_CLIP_MAX_KINDS];
	char mime[PUNKTFUNK_CLIP_MAX_KINDS][PF_CLIP_MIME_MAX + 1];
};

struct clip {
	pthread_mutex_t lock;
	pthread_cond_t cond;
	bool ready, closed, enabled;
	bool state_fresh, state_on;
	uint8_t state_reason;
	uint32_t next_id, next_seq;
	struct clip_offer theirs, ours;
	struct clip_transfer fetches[CLIP_FETCHES], serves[CLIP_SERVES];
	size_t bytes_in, bytes_out; /* held, each at most PUNKTFUNK_CLIP_MAX_BYTES */
	_Atomic bool work;	    /* the thread has something to do */
	/* what next_clipboard gave last */
	struct clip_offer given_offer;
	struct punktfunk_clip_kind given_kinds[PUNKTFUNK_CLIP_MAX_KINDS];
	char given_mime[PF_CLIP_MIME_MAX + 1];
	uint8_t *given_data;
	size_t given_cap; /* counted in bytes_in */
};

struct punktfunk_connection;

/* Errors: PF_E_NOMEM; finish takes what is half made. */
int clip_init(struct clip *k) PF_MUST_CHECK;
void clip_finish(struct clip *k);
void clip_close(struct clip *k);

/* The rest on the library's thread. Control messages of either kind; others are not looked at. */
void clip_msg(struct punktfunk_connection *c, const struct pf_msg *m);
/* Bytes of any stream but the control stream. fin: the end, or reset = it was broken off. */
void clip_stream(struct punktfunk_connection *c, int64_t stream, const uint8_t *data, size_t len,
	bool fin, bool reset);
/* Opens, sends, cuts what took too long: often, and at least once a second. */
void clip_run(struct punktfunk_connection *c, uint64_t now_ns);
/* Ends a transfer early; under the lock. Thread: any. */
void clip_cut(struct clip *k, struct clip_transfer *t);

#endif
