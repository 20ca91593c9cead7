/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_SCRIPT_H
#define CLIENT_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

#include "client/type.h"
#include "punktfunk_core.h"

/*
 * Plays input at a person's pace: some 30 characters a second, and beside them a pointer that draws an
 * eight in the lower right quarter of the picture until it is cancelled. Sans-IO: time comes in, events come out.
 */

struct script {
	struct type_state type;
	bool typing, moving;
	uint64_t start_ns, key_ns, mouse_ns; /* CLOCK_MONOTONIC: the start, and what is due next */
	uint32_t n_chars, n_moves;
	uint32_t width, height; /* of the surface that the pointer moves on */
};

/* text: NULL = no typing; borrowed. It starts at start_ns. */
void script_init(struct script *s, const char *text, bool mouse, uint64_t start_ns);
/* The picture's size, for the pointer. */
void script_set_size(struct script *s, uint32_t width, uint32_t height);
/* Where the pointer's figure begins. */
struct punktfunk_input_event script_first_move(const struct script *s);
/* When script_poll() has something; UINT64_MAX = never again. */
uint64_t script_deadline(const struct script *s);
/* The next event that is due; false: none. */
bool script_poll(struct script *s, uint64_t now_ns, struct punktfunk_input_event *out);
/* Whether all was typed and no pointer moves. */
bool script_done(const struct script *s);
/* From now on only the keys that are down come up, at once. */
void script_cancel(struct script *s);

#endif
