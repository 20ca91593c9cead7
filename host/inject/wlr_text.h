/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_INJECT_WLR_TEXT_H
#define HOST_INJECT_WLR_TEXT_H

#include <stdint.h>

#include "core/base/error.h"

/*
 * Types characters that no key of the layout may have: on a virtual keyboard of its own, whose keymap has a key
 * for each. Thread: the control loop.
 */

struct wl_seat;
struct wlr_text;
struct zwp_virtual_keyboard_manager_v1;

/* The keyboard is made with the first character. manager and seat are borrowed for life. */
int wlr_text_create(struct wlr_text **out, struct zwp_virtual_keyboard_manager_v1 *manager,
	struct wl_seat *seat) PF_MUST_CHECK;
void wlr_text_destroy(struct wlr_text *t); /* takes NULL */
/* Presses and releases; nothing is flushed. Characters above the rate of new ones are dropped. */
void wlr_text_type(struct wlr_text *t, uint32_t scalar, uint32_t time_ms);

#endif
