/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_PLAY_H
#define CLIENT_PLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "punktfunk_core.h"

/*
 * Scripts (--script): lines of what to do and when, for everything that a session takes from a client.
 * docs/client.md lists them. Sans-IO: time comes in, steps come out. Thread: one at a time per object.
 */

#define PLAY_FILE_MAX	 (1024u * 1024u)
#define PLAY_STEPS_MAX	 65536u	  /* some minutes of a pointer that moves at 120 Hz */
#define PLAY_WAIT_MAX	 3600000u /* ms of one wait: an hour */
#define PLAY_MESSAGE_MAX 256u

enum play_kind {
	PLAY_INPUT,    /* input; of moves and touches flags is 0: the picture's size is put there */
	PLAY_RICH,     /* rich */
	PLAY_CLIP_SET, /* text */
	PLAY_CLIP_GET, /* text: the file that the clipboard's text goes to */
	PLAY_MODE,     /* mode */
	PLAY_BITRATE,  /* number: kbps */
	PLAY_DELIVERY, /* number: PUNKTFUNK_DELIVERY_ */
	PLAY_CURSOR,   /* number: 1 = the client draws it */
	PLAY_KEYFRAME,
};

struct play_step {
	uint64_t at_ms; /* since the start */
	enum play_kind kind;
	struct punktfunk_input_event input;
	struct punktfunk_rich_input *rich; /* owned by the script; NULL unless PLAY_RICH */
	struct punktfunk_mode mode;
	uint32_t number;
	char *text; /* owned by the script */
	size_t text_len;
};

struct play {
	struct play_step *steps;
	size_t n_steps, room, next;
	uint64_t clock_ms; /* while it is read: when the next step comes */
};

/* Error: PUNKTFUNK_E_INVALID or PUNKTFUNK_E_NOMEM, after a sentence in message; *p is empty then. */
int play_parse(struct play *p, const char *text, size_t len, char message[PLAY_MESSAGE_MAX])
	__attribute__((warn_unused_result));
void play_finish(struct play *p);

/* The next step that is due so long after the start, or NULL; play_done() moves on. */
const struct play_step *play_due(const struct play *p, uint64_t since_ms);
void play_done(struct play *p);
/* When play_due() has something, ms after the start; UINT64_MAX = never again. */
uint64_t play_deadline_ms(const struct play *p);

#endif
