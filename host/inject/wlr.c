/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "host/inject/wlr_text.h"
#include "host/media/clock.h"
#include "host/wayland/wlconn.h"
#include "virtual-keyboard-unstable-v1-client.h"
#include "wlr-virtual-pointer-unstable-v1-client.h"

/* A virtual pointer on the client's output and a virtual keyboard with a keymap of its own. */

#define EVDEV_TO_XKB  8u  /* xkb key codes are evdev's plus this */
#define DETENT_AXIS   15  /* what a detent of a wheel moves an axis by, as libinput has it */
#define DETENT_AMOUNT 120 /* of the wire */

#define LAST_NS	     200000000ull /* the last releases are read by then: the control loop waits */
#define LAST_TURN_MS 20

struct wlr_inject {
	struct inject base;
	char display_name[128], output_name[64];
	struct wlconn conn;
	struct wlconn_bind binds[3];
	struct wl_seat *seat;
	struct zwlr_virtual_pointer_manager_v1 *pointers;
	struct zwp_virtual_keyboard_manager_v1 *keyboards;
	struct zwlr_virtual_pointer_v1 *pointer;
	struct zwp_virtual_keyboard_v1 *keyboard;
	struct xkb_context *xkb;
	struct xkb_keymap *keymap;
	struct xkb_state *state;
	xkb_mod_mask_t num_lock;
	struct loop_source *readable;
	bool stalled;			    /* the compositor reads nothing: nothing is sent */
	uint64_t sent[INJECT_MAX_KEY / 64]; /* what the compositor takes for down */
	struct wlr_text *text;
	int32_t scroll_rest[2]; /* amount not yet told as whole detents: vertical, horizontal */
	bool pointer_dirty, told_lost;
};

static struct wlr_inject *from_base(struct inject *base)
{
	pf_check(base->impl == &inject_wlr_impl);
	return (struct wlr_inject *)base;
}

static uint32_t now_ms(void)
{
	return (uint32_t)(clock_now_ns() / 1000000u);
}

static void lose(struct wlr_inject *w)
{
	loop_remove(&w->readable);
	if (!w->told_lost && w->base.params.on_lost)
		w->base.params.on_lost(
			"the compositor takes no more input: it is gone", w->base.params.userdata);
	w->told_lost = true;
}

/* --- keyboard --- */

static int make_keymap(struct wlr_inject *w)
{
	const char *layout = w->base.params.xkb_layout ? w->base.params.xkb_layout : "us";
	struct xkb_rule_names names = {.rules = "evdev", .model = "pc105", .layout = layout};
	w->xkb = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	if (w->xkb)
		w->keymap = xkb_keymap_new_from_names(w->xkb, &names, XKB_KEYMAP_COMPILE_NO_FLAGS);
	if (w->keymap)
		w->state = xkb_state_new(w->keymap);
	if (w->state) {
		xkb_mod_index_t num = xkb_keymap_mod_get_index(w->keymap, XKB_MOD_NAME_NUM);
		w->num_lock = num < 32 ? UINT32_C(1) << num : 0;
		return PF_OK;
	}
	log_error("input: there is no keyboard layout '%s': see --layout, and install xkb-data",
		layout);
	return PF_E_INVALID;
}

static int send_keymap(struct wlr_inject *w)
{
	char *text = xkb_keymap_get_as_string(w->keymap, XKB_KEYMAP_FORMAT_TEXT_V1);
	if (!text)
		return PF_E_NOMEM;
	size_t len = strlen(text) + 1;
	int err = PF_OK;
	int fd = memfd_create("punktfunk-keymap", MFD_CLOEXEC);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		err = pf_error_from_errno(errno);
	else
		zwp_virtual_keyboard_v1_keymap(
			w->keyboard, WL_KEYBOARD_KEYMAP_FORMAT_XKB_V1, fd, (uint32_t)len);
	if (fd >= 0)
		close(fd);
	free(text);
	return err;
}

static void send_modifiers(struct wlr_inject *w)
{
	/*
	 * NumLock is the client's: its keypad arrives as digits or as arrows already (two virtual keys),
	 * and the digits must stay digits here.
	 */
	zwp_virtual_keyboard_v1_modifiers(w->keyboard,
		xkb_state_serialize_mods(w->state, XKB_STATE_MODS_DEPRESSED),
		xkb_state_serialize_mods(w->state, XKB_STATE_MODS_LATCHED),
		xkb_state_serialize_mods(w->state, XKB_STATE_MODS_LOCKED) | w->num_lock,
		xkb_state_serialize_layout(w->state, XKB_STATE_LAYOUT_EFFECTIVE));
}

static bool can_send(const struct wlr_inject *w)
{
	return !w->stalled && !w->told_lost;
}

static void remember(struct wlr_inject *w, uint32_t code, bool down)
{
	uint64_t bit = UINT64_C(1) << (code % 64);
	if (down)
		w->sent[code / 64] |= bit;
	else
		w->sent[code / 64] &= ~bit;
}

static void key(struct inject *base, uint32_t code, bool down)
{
	struct wlr_inject *w = from_base(base);
	if (!can_send(w))
		return;
	remember(w, code, down);
	zwp_virtual_keyboard_v1_key(w->keyboard, now_ms(), code,
		down ? WL_KEYBOARD_KEY_STATE_PRESSED : WL_KEYBOARD_KEY_STATE_RELEASED);
	/* Compositors take modifiers from this message only, not from the keys. */
	if (xkb_state_update_key(w->state, code + EVDEV_TO_XKB, down ? XKB_KEY_DOWN : XKB_KEY_UP))
		send_modifiers(w);
}

/* --- pointer --- */

static void motion(struct inject *base, int32_t dx, int32_t dy)
{
	struct wlr_inject *w = from_base(base);
	if (!can_send(w))
		return;
	zwlr_virtual_pointer_v1_motion(
		w->pointer, now_ms(), wl_fixed_from_int(dx), wl_fixed_from_int(dy));
	w->pointer_dirty = true;
}

static void motion_absolute(
	struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct wlr_inject *w = from_base(base);
	if (!can_send(w))
		return;
	zwlr_virtual_pointer_v1_motion_absolute(w->pointer, now_ms(), x, y, width, height);
	w->pointer_dirty = true;
}

/*
 * All clients of a compositor share its seat: one pointer, one focus. A pointer that is bound to an output
 * moves on that one only, so that any motion brings it there, and the focus with it.
 */
static void claim(struct inject *base)
{
	struct wlr_inject *w = from_base(base);
	if (base->at.width)
		motion_absolute(base, base->at.x, base->at.y, base->at.width, base->at.height);
	else
		motion(base, 0, 0);
	w->base.impl->flush(base);
}

static void button(struct inject *base, uint32_t code, bool down)
{
	struct wlr_inject *w = from_base(base);
	if (!can_send(w))
		return;
	remember(w, code, down);
	zwlr_virtual_pointer_v1_button(w->pointer, now_ms(), code,
		down ? WL_POINTER_BUTTON_STATE_PRESSED : WL_POINTER_BUTTON_STATE_RELEASED);
	w->pointer_dirty = true;
}

static void scroll(struct inject *base, bool horizontal, int32_t amount)
{
	struct wlr_inject *w = from_base(base);
	if (!can_send(w))
		return;
	uint32_t axis = horizontal ? WL_POINTER_AXIS_HORIZONTAL_SCROLL
				   : WL_POINTER_AXIS_VERTICAL_SCROLL;
	/* The wire's vertical axis points up, Wayland's down. */
	int32_t moved = horizontal ? amount : -amount;
	int32_t *rest = &w->scroll_rest[horizontal];
	*rest += moved;
	int32_t detents = *rest / DETENT_AMOUNT;
	*rest -= detents * DETENT_AMOUNT;
	wl_fixed_t value = wl_fixed_from_double((double)moved * DETENT_AXIS / DETENT_AMOUNT);
	zwlr_virtual_pointer_v1_axis_source(w->pointer, WL_POINTER_AXIS_SOURCE_WHEEL);
	if (detents)
		zwlr_virtual_pointer_v1_axis_discrete(w->pointer, now_ms(), axis, value, detents);
	else
		zwlr_virtual_pointer_v1_axis(w->pointer, now_ms(), axis, value);
	w->pointer_dirty = true;
}

static void scroll_smooth(
	struct inject *base, bool horizontal, int32_t amount_q8, enum inject_scroll source)
{
	struct wlr_inject *w = from_base(base);
	static const uint32_t sources[] = {
		[INJECT_SCROLL_WHEEL] = WL_POINTER_AXIS_SOURCE_WHEEL,
		[INJECT_SCROLL_FINGER] = WL_POINTER_AXIS_SOURCE_FINGER,
		[INJECT_SCROLL_CONTINUOUS] = WL_POINTER_AXIS_SOURCE_CONTINUOUS,
	};
	if (!can_send(w))
		return;
	uint32_t axis = horizontal ? WL_POINTER_AXIS_HORIZONTAL_SCROLL
				   : WL_POINTER_AXIS_VERTICAL_SCROLL;
	zwlr_virtual_pointer_v1_axis_source(w->pointer, sources[source]);
	if (amount_q8) /* a wl_fixed_t is in 256ths too */
		zwlr_virtual_pointer_v1_axis(
			w->pointer, now_ms(), axis, horizontal ? amount_q8 : -amount_q8);
	else
		zwlr_virtual_pointer_v1_axis_stop(w->pointer, now_ms(), axis);
	w->pointer_dirty = true;
}

static void text(struct inject *base, uint32_t scalar)
{
	struct wlr_inject *w = from_base(base);
	if (can_send(w))
		wlr_text_type(w->text, scalar, now_ms());
}

/*
 * When a request does not fit into its buffer any more, libwayland gives the connection up for good. So
 * after a flush that could not write everything nothing is sent until the compositor reads again.
 */
static void send_out(struct wlr_inject *w)
{
	if (w->pointer_dirty)
		zwlr_virtual_pointer_v1_frame(w->pointer);
	w->pointer_dirty = false;
	if (wl_display_flush(w->conn.display) >= 0)
		return;
	if (errno != EAGAIN) {
		lose(w);
		return;
	}
	w->stalled = true;
	if (w->readable)
		loop_set_events(w->readable, EPOLLIN | EPOLLOUT);
}

static void flush(struct inject *base)
{
	struct wlr_inject *w = from_base(base);
	if (can_send(w))
		send_out(w);
}

/* Presses and releases that fell into the stall: the compositor gets their result. */
static void catch_up(struct wlr_inject *w)
{
	for (uint32_t code = 1; code < INJECT_MAX_KEY; code++) {
		bool down = w->base.down[code / 64] >> (code % 64) & 1;
		if (down == (bool)(w->sent[code / 64] >> (code % 64) & 1))
			continue;
		if (code >= BTN_MISC && code < KEY_OK)
			button(&w->base, code, down);
		else
			key(&w->base, code, down);
		send_out(w);
		if (!can_send(w))
			return;
	}
}

static void on_socket(uint32_t events, void *userdata)
{
	struct wlr_inject *w = userdata;
	(void)events;
	if (wlconn_turn(&w->conn, 0, -1) < 0) {
		lose(w);
		return;
	}
	if (!w->stalled || wl_display_flush(w->conn.display) < 0)
		return;
	w->stalled = false;
	loop_set_events(w->readable, EPOLLIN);
	catch_up(w);
}

/* --- the backend --- */

static void on_read(void *data, struct wl_callback *callback, uint32_t serial)
{
	(void)callback;
	(void)serial;
	*(bool *)data = true;
}

/* A compositor that sees the end of the connection first reads no more of it: a button would stay down for ever. */
static void await_read(struct wlr_inject *w)
{
	static const struct wl_callback_listener listener = {.done = on_read};
	const uint64_t until_ns = clock_now_ns() + LAST_NS;
	struct wl_callback *callback = wl_display_sync(w->conn.display);
	bool is_read = false;
	if (!callback)
		return;
	wl_callback_add_listener(callback, &listener, &is_read);
	while (!is_read && clock_now_ns() < until_ns)
		if (wlconn_turn(&w->conn, LAST_TURN_MS, -1) < 0)
			break;
	wl_callback_destroy(callback);
	if (!is_read && !w->conn.dead)
		log_warn("input: the compositor does not take the last releases");
}

static void destroy(struct inject *base)
{
	struct wlr_inject *w = from_base(base);
	loop_remove(&w->readable);
	if (w->pointer)
		zwlr_virtual_pointer_v1_destroy(w->pointer);
	if (w->keyboard)
		zwp_virtual_keyboard_v1_destroy(w->keyboard);
	wlr_text_destroy(w->text);
	if (w->pointers)
		zwlr_virtual_pointer_manager_v1_destroy(w->pointers);
	if (w->keyboards)
		zwp_virtual_keyboard_manager_v1_destroy(w->keyboards);
	if (w->seat)
		wl_seat_destroy(w->seat);
	if (w->conn.display && !w->stalled && !w->conn.dead)
		await_read(w);
	wlconn_close(&w->conn);
	xkb_state_unref(w->state);
	xkb_keymap_unref(w->keymap);
	xkb_context_unref(w->xkb);
	free(w);
}

static int open_compositor(struct wlr_inject *w)
{
	w->binds[0] = (struct wlconn_bind){&wl_seat_interface, 1, (void **)&w->seat};
	w->binds[1] = (struct wlconn_bind){
		&zwlr_virtual_pointer_manager_v1_interface, 2, (void **)&w->pointers};
	w->binds[2] = (struct wlconn_bind){
		&zwp_virtual_keyboard_manager_v1_interface, 1, (void **)&w->keyboards};
	int err = wlconn_open(&w->conn, w->display_name, w->output_name, w->binds, 3);
	if (err < 0) {
		log_error("input: no compositor answers at '%s': is it still running?",
			w->display_name);
		return err;
	}
	if (w->seat && w->pointers && w->keyboards)
		return PF_OK;
	log_error("input: the compositor has no virtual pointer (version 2) and keyboard: use sway "
		  "or another compositor made of wlroots");
	return PF_E_UNSUPPORTED;
}

static int make_devices(struct wlr_inject *w)
{
	w->pointer = zwlr_virtual_pointer_manager_v1_create_virtual_pointer_with_output(
		w->pointers, w->seat, w->conn.output);
	w->keyboard = zwp_virtual_keyboard_manager_v1_create_virtual_keyboard(
		w->keyboards, w->seat);
	if (!w->pointer || !w->keyboard)
		return PF_E_NOMEM;
	int err = wlr_text_create(&w->text, w->keyboards, w->seat);
	if (err >= 0)
		err = send_keymap(w);
	if (err < 0)
		return err;
	send_modifiers(w);
	err = wlconn_round_trip(&w->conn);
	if (err < 0)
		return err;
	return loop_add_fd(w->base.params.loop, &w->readable, wl_display_get_fd(w->conn.display),
		EPOLLIN, on_socket, w);
}

static int create(struct inject **out, const struct inject_params *params)
{
	struct wlr_inject *w = calloc(1, sizeof(*w));
	if (!w)
		return PF_E_NOMEM;
	w->base.impl = &inject_wlr_impl;
	w->base.params = *params;
	int n = snprintf(w->display_name, sizeof(w->display_name), "%s",
		params->wayland_display ? params->wayland_display : "");
	int m = snprintf(w->output_name, sizeof(w->output_name), "%s",
		params->output_name ? params->output_name : "");
	int err = PF_E_INVALID;
	if (n < (int)sizeof(w->display_name) && m < (int)sizeof(w->output_name))
		err = make_keymap(w);
	if (err >= 0)
		err = open_compositor(w);
	if (err >= 0)
		err = make_devices(w);
	if (err < 0) {
		destroy(&w->base);
		return err;
	}
	*out = &w->base;
	return PF_OK;
}

const struct inject_impl inject_wlr_impl = {
	.name = "wlr",
	.create = create,
	.destroy = destroy,
	.key = key,
	.motion = motion,
	.motion_absolute = motion_absolute,
	.button = button,
	.scroll = scroll,
	.scroll_smooth = scroll_smooth,
	.flush = flush,
	.text = text,
	.claim = claim,
};
