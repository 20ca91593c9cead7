/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_INJECT_XKB_TYPING_H
#define HOST_INJECT_XKB_TYPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * A character -> the keys of somebody else's keymap that type it: a key, and Shift or AltGr where it needs them.
 * Thread: one at a time.
 */

struct xkb_typing;

#define XKB_TYPING_MAX_KEYMAP (1024u * 1024u) /* real ones have 70 kB */

struct xkb_typing_keys {
	uint32_t code; /* evdev */
	bool shift, altgr;
};

/* text: XKB format 1, len bytes. Errors: PF_E_INVALID (no keymap), PF_E_NOMEM. */
int xkb_typing_create(struct xkb_typing **out, const char *text, size_t len) PF_MUST_CHECK;
/* From a layout's name; NULL = "us". Errors as above. */
int xkb_typing_create_layout(struct xkb_typing **out, const char *layout) PF_MUST_CHECK;
void xkb_typing_destroy(struct xkb_typing *t); /* takes NULL */
/* What the server's keyboard has locked (CapsLock), and its layout of several. */
void xkb_typing_set_state(struct xkb_typing *t, uint32_t locked, uint32_t group);
/* '\n' and '\t' are keys too. Errors: PF_E_UNSUPPORTED (this keymap cannot type it). */
int xkb_typing_find(
	struct xkb_typing *t, uint32_t scalar, struct xkb_typing_keys *out) PF_MUST_CHECK;

#endif
