/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_PIPEWIRE_REST_H
#define HOST_CAPTURE_PIPEWIRE_REST_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When a node is asked for a whole picture. Mutter, up to 48, passes over a picture that comes too soon after word of
 * the pointer, and any version may leave one behind such a word: what a screen shows when it comes to rest may never
 * have been sent. A stream that begins again gets a whole picture. So each rest costs one; so does each word that no
 * picture follows, now and then; and what does not come is asked for again, as the answer may be lost, too, where our
 * end has not begun again when it comes. Thread: the capture's.
 */

#define REST_NS	    150000000ull  /* without a picture: the screen has come to rest */
#define FIRST_NS    400000000ull  /* the first of an agreement comes by then, or is asked for */
#define DOUBT_NS    1000000000ull /* between askings for a word alone: some of them bring the next */
#define FLOW_GAP_NS 100000000ull  /* between pictures on end, at most */
#define MAX_ASKED   4u		  /* times for the same: then it is not lost, there is none yet */

struct pipewire_rest {
	bool came;	 /* a picture, at the last look */
	unsigned n_flow; /* of them on end */
	uint64_t n_seen, words_seen, changed_ns, word_ns;
	uint64_t asked_ns; /* for a picture that has not come yet; 0 = not */
	uint64_t last_ask_ns;
	unsigned n_asked;
	bool owed;    /* a whole picture of the screen at rest */
	bool doubted; /* a word came since the last picture, perhaps in the stead of one */
};

/* A look at how many pictures have come, and how many words without one. */
void pipewire_rest_note(
	struct pipewire_rest *r, uint64_t n_taken, uint64_t n_words, uint64_t now_ns);
/* When to ask for the first picture of an agreement, which is of since_ns; UINT64_MAX = no more. */
uint64_t pipewire_rest_first_due(const struct pipewire_rest *r, uint64_t since_ns);
/* The same where pictures have come. */
uint64_t pipewire_rest_due(const struct pipewire_rest *r);
void pipewire_rest_asked(struct pipewire_rest *r, uint64_t now_ns);

#endif
