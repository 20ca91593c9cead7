/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/vdisplay/kwin_link.h"
#include "host/vdisplay/kwin_permission.h"
#include "kde-fake-input-client.h"

/*
 * Input for KWin. Its keyboard is the desktop's own, with the desktop's layout. Places are of the whole desktop: the
 * client's output may lie anywhere in it, and be moved by the person.
 */

#define ANSWER_NS 2000000000ull
#define LAST_NS	  200000000ull
/* The first version with places, touch and keys. */
#define INPUT_LEAST 4u
#define TEXT_SINCE  6u
/* What a detent of a wheel moves an axis by, as libinput has it. */
#define DETENT_AXIS   15
#define DETENT_AMOUNT 120

struct kwin_inject {
	struct inject base;
	char output_name[64];
	struct kwin_link link;
	struct loop_source *readable;
	bool stalled;			    /* KWin reads nothing: nothing is sent */
	uint64_t sent[INJECT_MAX_KEY / 64]; /* what KWin takes for down */
	/* Clients number contacts as they like; KWin gets few small numbers. */
	struct {
		uint32_t id;
		bool down;
	} touches[INJECT_MAX_TOUCHES];
	bool told_lost;
};

static const struct inject_impl no_text_impl;

static struct kwin_inject *from_base(struct inject *base)
{
	pf_check(base->impl == &inject_kwin_impl || base->impl == &no_text_impl);
	return (struct kwin_inject *)base;
}

static void lose(struct kwin_inject *k)
{
	loop_remove(&k->readable);
	if (!k->told_lost && k->base.params.on_lost)
		k->base.params.on_lost("KWin takes no more input: it is gone, or it closed the "
				       "connection",
			k->base.params.userdata);
	k->told_lost = true;
}

static bool can_send(const struct kwin_inject *k)
{
	return !k->stalled && !k->told_lost;
}

static void remember(struct kwin_inject *k, uint32_t code, bool down)
{
	const uint64_t bit = UINT64_C(1) << (code % 64);
	if (down)
		k->sent[code / 64] |= bit;
	else
		k->sent[code / 64] &= ~bit;
}

static void key(struct inject *base, uint32_t code, bool down)
{
	struct kwin_inject *k = from_base(base);
	if (!can_send(k))
		return;
	remember(k, code, down);
	org_kde_kwin_fake_input_keyboard_key(k->link.input, code,
		down ? WL_KEYBOARD_KEY_STATE_PRESSED : WL_KEYBOARD_KEY_STATE_RELEASED);
}

static void text(struct inject *base, uint32_t scalar)
{
	struct kwin_inject *k = from_base(base);
	/* The new line's own symbol is a line feed, which no keyboard has. */
	const xkb_keysym_t sym = scalar == '\n' ? XKB_KEY_Return : xkb_utf32_to_keysym(scalar);
	if (!can_send(k) || sym == XKB_KEY_NoSymbol)
		return;
	org_kde_kwin_fake_input_keyboard_keysym(k->link.input, sym, WL_KEYBOARD_KEY_STATE_PRESSED);
	org_kde_kwin_fake_input_keyboard_keysym(k->link.input, sym, WL_KEYBOARD_KEY_STATE_RELEASED);
}

/* --- pointer and touch --- */

struct place {
	wl_fixed_t x, y;
};

/* A place on the client's surface in KWin's space; false: the output is not there. */
static bool place(const struct kwin_inject *k, uint32_t x, uint32_t y, uint32_t width,
	uint32_t height, struct place *out)
{
	const struct wlspace_output *o = wlspace_find(&k->link.space, k->output_name);
	if (!o)
		return false;
	out->x = wl_fixed_from_double(o->x + (double)x * o->width / width);
	out->y = wl_fixed_from_double(o->y + (double)y * o->height / height);
	return true;
}

static void motion(struct inject *base, int32_t dx, int32_t dy)
{
	struct kwin_inject *k = from_base(base);
	if (can_send(k))
		org_kde_kwin_fake_input_pointer_motion(
			k->link.input, wl_fixed_from_int(dx), wl_fixed_from_int(dy));
}

static void motion_absolute(
	struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct kwin_inject *k = from_base(base);
	struct place at;
	if (can_send(k) && place(k, x, y, width, height, &at))
		org_kde_kwin_fake_input_pointer_motion_absolute(k->link.input, at.x, at.y);
}

/* All clients share one pointer, which may be on any output. */
static void claim(struct inject *base)
{
	struct kwin_inject *k = from_base(base);
	if (base->at.width)
		motion_absolute(base, base->at.x, base->at.y, base->at.width, base->at.height);
	else
		motion_absolute(base, 1, 1, 2, 2);
	k->base.impl->flush(base);
}

static void button(struct inject *base, uint32_t code, bool down)
{
	struct kwin_inject *k = from_base(base);
	if (!can_send(k))
		return;
	remember(k, code, down);
	org_kde_kwin_fake_input_button(k->link.input, code,
		down ? WL_POINTER_BUTTON_STATE_PRESSED : WL_POINTER_BUTTON_STATE_RELEASED);
}

/* The wire's vertical axis points up, Wayland's down. */
static void send_axis(struct kwin_inject *k, bool horizontal, wl_fixed_t value)
{
	if (can_send(k) && value)
		org_kde_kwin_fake_input_axis(k->link.input,
			horizontal ? WL_POINTER_AXIS_HORIZONTAL_SCROLL
				   : WL_POINTER_AXIS_VERTICAL_SCROLL,
			horizontal ? value : -value);
}

static void scroll(struct inject *base, bool horizontal, int32_t amount)
{
	send_axis(from_base(base), horizontal,
		wl_fixed_from_double((double)amount * DETENT_AXIS / DETENT_AMOUNT));
}

static void scroll_smooth(
	struct inject *base, bool horizontal, int32_t amount_q8, enum inject_scroll source)
{
	(void)source;					   /* KWin does not ask */
	send_axis(from_base(base), horizontal, amount_q8); /* a wl_fixed_t is in 256ths too */
}

/* INJECT_MAX_TOUCHES: none. */
static uint32_t touch_slot(const struct kwin_inject *k, const struct inject_touch *t)
{
	const bool fresh = t->kind == PF_INPUT_TOUCH_DOWN;
	uint32_t i = 0;
	while (i < INJECT_MAX_TOUCHES &&
		(k->touches[i].down == fresh || (!fresh && k->touches[i].id != t->id)))
		i++;
	return i;
}

static void touch(struct inject *base, const struct inject_touch *t)
{
	struct kwin_inject *k = from_base(base);
	const uint32_t slot = touch_slot(k, t);
	struct place at;
	if (!can_send(k) || slot == INJECT_MAX_TOUCHES)
		return;
	if (t->kind == PF_INPUT_TOUCH_UP) {
		k->touches[slot].down = false;
		org_kde_kwin_fake_input_touch_up(k->link.input, slot);
	} else if (!place(k, t->x, t->y, t->width, t->height, &at)) {
		return;
	} else if (t->kind == PF_INPUT_TOUCH_DOWN) {
		k->touches[slot].down = true;
		k->touches[slot].id = t->id;
		org_kde_kwin_fake_input_touch_down(k->link.input, slot, at.x, at.y);
	} else {
		org_kde_kwin_fake_input_touch_motion(k->link.input, slot, at.x, at.y);
	}
	org_kde_kwin_fake_input_touch_frame(k->link.input);
}

/*
 * When a request does not fit into its buffer any more, libwayland gives the connection up for good. So after a flush
 * that could not write everything nothing is sent until KWin reads again.
 */
static void send_out(struct kwin_inject *k)
{
	if (wl_display_flush(k->link.conn.display) >= 0)
		return;
	if (errno != EAGAIN) {
		lose(k);
		return;
	}
	k->stalled = true;
	if (k->readable)
		loop_set_events(k->readable, EPOLLIN | EPOLLOUT);
}

static void flush(struct inject *base)
{
	struct kwin_inject *k = from_base(base);
	if (can_send(k))
		send_out(k);
}

/* Presses and releases that fell into the stall: KWin gets their result; contacts are over. */
static void catch_up(struct kwin_inject *k)
{
	memset(k->touches, 0, sizeof(k->touches));
	org_kde_kwin_fake_input_touch_cancel(k->link.input);
	for (uint32_t code = 1; code < INJECT_MAX_KEY; code++) {
		const bool down = k->base.down[code / 64] >> (code % 64) & 1;
		if (down == (bool)(k->sent[code / 64] >> (code % 64) & 1))
			continue;
		if (code >= BTN_MISC && code < KEY_OK)
			button(&k->base, code, down);
		else
			key(&k->base, code, down);
		send_out(k);
		if (!can_send(k))
			return;
	}
}

static void on_socket(uint32_t events, void *userdata)
{
	struct kwin_inject *k = userdata;
	(void)events;
	if (wlconn_turn(&k->link.conn, 0, -1) < 0) {
		lose(k);
		return;
	}
	if (!k->stalled || wl_display_flush(k->link.conn.display) < 0)
		return;
	k->stalled = false;
	loop_set_events(k->readable, EPOLLIN);
	catch_up(k);
}

/* --- the backend --- */

static void destroy(struct inject *base)
{
	struct kwin_inject *k = from_base(base);
	/* Read before the connection ends: a compositor that sees the end first reads no more, and keys stay down. */
	if (k->readable && can_send(k) &&
		kwin_link_sync(&k->link, clock_now_ns() + LAST_NS) == PF_E_TIMEOUT)
		log_warn("input: KWin does not take the last releases");
	loop_remove(&k->readable);
	kwin_link_close(&k->link);
	free(k);
}

static bool is_placed(void *userdata)
{
	const struct kwin_inject *k = userdata;
	return wlspace_find(&k->link.space, k->output_name);
}

static int open_kwin(struct kwin_inject *k)
{
	const char *path = k->base.params.wayland_display ? k->base.params.wayland_display : "";
	const uint64_t until_ns = clock_now_ns() + ANSWER_NS;
	k->link.wants_input = true;
	int err = kwin_link_open(&k->link, path, (uid_t)-1, until_ns);
	if (err < 0) {
		log_error("input: no KWin answers at '%.108s': is it still running?", path);
		return err;
	}
	if (!k->link.input) {
		char hint[400];
		kwin_permission_explain(hint, sizeof(hint));
		log_error("input: KWin at %s hides org_kde_kwin_fake_input from this host: %s",
			path, hint);
		return PF_E_DENIED;
	}
	if (org_kde_kwin_fake_input_get_version(k->link.input) < INPUT_LEAST) {
		log_error("input: KWin at %s is too old to take input (org_kde_kwin_fake_input "
			  "version %u): update to Plasma 5.27 or newer",
			path, (unsigned)k->link.input_version);
		return PF_E_UNSUPPORTED;
	}
	err = kwin_link_wait(&k->link, is_placed, k, until_ns);
	if (err < 0)
		log_error("input: KWin at %s has no output '%s' that input could go to", path,
			k->output_name);
	return err;
}

static int start(struct kwin_inject *k)
{
	org_kde_kwin_fake_input_authenticate(
		k->link.input, "Punktfunk", "input from a streaming client");
	if (org_kde_kwin_fake_input_get_version(k->link.input) < TEXT_SINCE)
		k->base.impl = &no_text_impl;
	if (wl_display_flush(k->link.conn.display) < 0)
		return PF_E_CLOSED;
	return loop_add_fd(k->base.params.loop, &k->readable,
		wl_display_get_fd(k->link.conn.display), EPOLLIN, on_socket, k);
}

static int create(struct inject **out, const struct inject_params *params)
{
	struct kwin_inject *k = calloc(1, sizeof(*k));
	if (!k)
		return PF_E_NOMEM;
	k->base.impl = &inject_kwin_impl;
	k->base.params = *params;
	const int n = snprintf(k->output_name, sizeof(k->output_name), "%s",
		params->output_name ? params->output_name : "");
	int err = PF_E_INVALID;
	if (n < (int)sizeof(k->output_name))
		err = open_kwin(k);
	if (err >= 0)
		err = start(k);
	if (err < 0) {
		destroy(&k->base);
		return err;
	}
	*out = &k->base;
	return PF_OK;
}

#define KWIN_IMPL \
	.name = "kwin", .create = create, .destroy = destroy, .key = key, .motion = motion, \
	.motion_absolute = motion_absolute, .button = button, .scroll = scroll, \
	.scroll_smooth = scroll_smooth, .flush = flush, .touch = touch, .claim = claim, \
	.roams = true

const struct inject_impl inject_kwin_impl = {KWIN_IMPL, .text = text};
/* Of a KWin that has keys, but no characters. */
static const struct inject_impl no_text_impl = {KWIN_IMPL};
