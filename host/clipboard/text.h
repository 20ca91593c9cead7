/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CLIPBOARD_TEXT_H
#define HOST_CLIPBOARD_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Text on its way from or to a clipboard: counted, wiped when it is freed, never logged. Thread: the control
 * loop.
 */

/* A book has one million characters; more than a few of them is no text that a person pastes. */
#define CLIP_TEXT_MAX (8u << 20)

struct clip_text {
	unsigned refs;
	size_t len;    /* at most CLIP_TEXT_MAX */
	uint8_t *data; /* UTF-8 without NUL, not ended by one */
	size_t cap;
};

struct clip_text *clip_text_ref(struct clip_text *t);
void clip_text_unref(struct clip_text *t); /* takes NULL */

/* Text that comes in pieces, checked as it comes. Zeroed at the start. */
struct clip_build {
	struct clip_text *text;
	size_t checked; /* bytes that are known to be UTF-8 */
};

/* Errors: PF_E_INVALID (no UTF-8, or a NUL), PF_E_FULL (above CLIP_TEXT_MAX), PF_E_NOMEM. */
int clip_build_add(struct clip_build *b, const void *data, size_t len) PF_MUST_CHECK;
/* The whole text, the caller's; b is empty again. Errors: PF_E_INVALID (it ends in mid-character), PF_E_NOMEM. */
int clip_build_take(struct clip_build *b, struct clip_text **out) PF_MUST_CHECK;
void clip_build_drop(struct clip_build *b);

#endif
