/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_TYPE_H
#define CLIENT_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Text as presses of a US keyboard, in Windows virtual-keys. */

#define TYPE_VK_SHIFT  0xA0u /* the left one */
#define TYPE_NAMED_MAX 32u

struct type_key {
	uint8_t vk;
	bool shift;
};

/* The key of one character of the US layout ('\n' is Enter, '\t' Tab). False: there is none. */
bool type_lookup(unsigned char c, struct type_key *out);
/*
 * 0 when every character of the UTF-8 text has a key. Else PUNKTFUNK_E_UNSUPPORTED, and `named` holds the
 * first that lacks one ("'ä' (U+00E4)"; what cannot be shown by its number only).
 */
int type_check(const char *text, char named[TYPE_NAMED_MAX]);

/*
 * Typing as a row of single events: shift down, key down, key up, shift up. Shift is kept down over
 * neighbouring characters that need it.
 */
struct type_state {
	const char *next; /* borrowed; the next character */
	bool shift_down, key_down;
	uint8_t vk; /* of the key that is down */
};
struct type_event {
	uint8_t vk;
	bool down;
	bool ends_char; /* a character is complete with this event */
};
/* text: borrowed, checked by type_check(). */
void type_init(struct type_state *t, const char *text);
/* The next event; false at the end (then no key is down). */
bool type_next(struct type_state *t, struct type_event *out);

#endif
