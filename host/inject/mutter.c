/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"

/*
 * GNOME's RemoteDesktop session of an output, by calls on the bus that made it. Only one call at a time asks for an
 * answer: its coming says that mutter has taken what went before. Where it stays away, mutter hangs, and nothing
 * more is sent than MAX_UNTAKEN.
 */

#define SESSION_INTERFACE "org.gnome.Mutter.RemoteDesktop.Session"
#define MAX_UNTAKEN	  512u /* calls: half a second of a fast mouse */
#define NAME_MAX_LEN	  128u

#define DETENT_AMOUNT 120  /* of the wire */
#define DETENT_AXIS   10.0 /* what a detent of a wheel moves an axis by, as mutter has it */

/* NotifyPointerAxis's flags */
#define AXIS_FINISH	1u
#define AXIS_WHEEL	2u
#define AXIS_FINGER	4u
#define AXIS_CONTINUOUS 8u

#define NOWHERE (-100000.0) /* a place that no desktop reaches to */

#define UNICODE_KEYSYM 0x01000000u /* plus the character, where it is not Latin-1 */

struct mutter_inject {
	struct inject base;
	char session[NAME_MAX_LEN], stream[NAME_MAX_LEN];
	sd_bus *bus;
	sd_bus_slot *answer, *locks; /* of calls that are under way */
	uint32_t untaken;	     /* calls since the last answer */
	bool stalled, told_lost;
	bool num_lock_off, num_lock_ours;   /* as the desktop told; we have turned it on */
	uint64_t sent[INJECT_MAX_KEY / 64]; /* what mutter takes for down */
	uint32_t touch_ids[INJECT_MAX_TOUCHES];
	bool touch_used[INJECT_MAX_TOUCHES];
};

static struct mutter_inject *from_base(struct inject *base)
{
	pf_check(base->impl == &inject_mutter_impl);
	return (struct mutter_inject *)base;
}

static void lose(struct mutter_inject *m)
{
	if (!m->told_lost && m->base.params.on_lost)
		m->base.params.on_lost("GNOME takes no more input: the remote session is gone",
			m->base.params.userdata);
	m->told_lost = true;
}

static void catch_up(struct mutter_inject *m);

static int handle_answer(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct mutter_inject *m = userdata;
	const sd_bus_error *e = sd_bus_message_get_error(reply);
	(void)error;
	m->answer = sd_bus_slot_unref(m->answer);
	m->untaken = 0;
	/* Another error is about one event, as a key that the keymap has not. */
	if (sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_OBJECT) ||
		sd_bus_error_has_name(e, SD_BUS_ERROR_UNKNOWN_METHOD) ||
		sd_bus_error_has_name(e, SD_BUS_ERROR_SERVICE_UNKNOWN) ||
		sd_bus_error_has_name(e, SD_BUS_ERROR_NAME_HAS_NO_OWNER) ||
		sd_bus_error_has_name(e, SD_BUS_ERROR_NO_REPLY)) {
		lose(m);
		return 0;
	}
	if (m->stalled) {
		m->stalled = false;
		catch_up(m);
	}
	return 0;
}

static bool can_send(struct mutter_inject *m)
{
	if (m->untaken >= MAX_UNTAKEN)
		m->stalled = true;
	return !m->stalled && !m->told_lost;
}

/* Makes the call, or drops it: before, can_send() was asked. */
static void tell(struct mutter_inject *m, const char *member, const char *types, ...)
{
	sd_bus_message *call = NULL;
	va_list args;
	int r = sd_bus_message_new_method_call(m->bus, &call, "org.gnome.Mutter.RemoteDesktop",
		m->session, SESSION_INTERFACE, member);
	va_start(args, types);
	if (r >= 0)
		r = sd_bus_message_appendv(call, types, args);
	va_end(args);
	if (r >= 0 && !m->answer)
		r = sd_bus_call_async(m->bus, &m->answer, call, handle_answer, m, UINT64_MAX);
	else if (r >= 0 && (r = sd_bus_message_set_expect_reply(call, 0)) >= 0)
		r = sd_bus_send(m->bus, call, NULL);
	sd_bus_message_unref(call);
	m->untaken++;
	if (r == -ENOTCONN || r == -ECONNRESET || r == -EPIPE)
		lose(m);
}

/* --- keyboard --- */

static void remember(struct mutter_inject *m, uint32_t code, bool down)
{
	const uint64_t bit = UINT64_C(1) << (code % 64);
	if (down)
		m->sent[code / 64] |= bit;
	else
		m->sent[code / 64] &= ~bit;
}

static void tap_num_lock(struct mutter_inject *m)
{
	tell(m, "NotifyKeyboardKeycode", "ub", (uint32_t)KEY_NUMLOCK, 1);
	tell(m, "NotifyKeyboardKeycode", "ub", (uint32_t)KEY_NUMLOCK, 0);
}

static void key(struct inject *base, uint32_t code, bool down)
{
	struct mutter_inject *m = from_base(base);
	if (!can_send(m))
		return;
	/*
	 * The client says with two virtual keys whether its keypad has digits or arrows; what comes as
	 * the keypad's own must stay digits here.
	 */
	if (down && m->num_lock_off && inject_is_keypad(code)) {
		tap_num_lock(m);
		m->num_lock_off = false;
		m->num_lock_ours = true;
	}
	remember(m, code, down);
	tell(m, "NotifyKeyboardKeycode", "ub", code, (int)down);
}

/* What X11 calls a character; most are their own number. */
static uint32_t keysym_of(uint32_t scalar)
{
	switch (scalar) {
	case '\b':
	case '\t':
		return 0xFF00u + scalar;
	case '\n':
		return 0xFF0Du;
	default:
		return scalar < 0x100u ? scalar : UNICODE_KEYSYM + scalar;
	}
}

static void text(struct inject *base, uint32_t scalar)
{
	struct mutter_inject *m = from_base(base);
	if (!can_send(m))
		return;
	tell(m, "NotifyKeyboardKeysym", "ub", keysym_of(scalar), 1);
	tell(m, "NotifyKeyboardKeysym", "ub", keysym_of(scalar), 0);
}

/* --- pointer --- */

static void motion(struct inject *base, int32_t dx, int32_t dy)
{
	struct mutter_inject *m = from_base(base);
	if (can_send(m))
		tell(m, "NotifyPointerMotionRelative", "dd", (double)dx, (double)dy);
}

/* A place of the client's surface in the stream's pixels: the middle of what is there one pixel of it. */
static double across(uint32_t at, uint32_t of, uint32_t pixels)
{
	const double place = ((double)at + 0.5) * pixels / of;
	return of == pixels ? at : place < pixels ? place : pixels - 1u;
}

static void motion_absolute(
	struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct mutter_inject *m = from_base(base);
	if (can_send(m))
		tell(m, "NotifyPointerMotionAbsolute", "sdd", m->stream,
			across(x, width, base->params.width),
			across(y, height, base->params.height));
}

/* All clients of a GNOME share its seat, and its pointer goes everywhere: it comes back to this output. */
static void claim(struct inject *base)
{
	if (base->at.width)
		motion_absolute(base, base->at.x, base->at.y, base->at.width, base->at.height);
	else
		motion_absolute(base, 1, 1, 2, 2);
}

static void button(struct inject *base, uint32_t code, bool down)
{
	struct mutter_inject *m = from_base(base);
	if (!can_send(m))
		return;
	remember(m, code, down);
	tell(m, "NotifyPointerButton", "ib", (int32_t)code, (int)down);
}

static void tell_axis(struct mutter_inject *m, bool horizontal, double moved, uint32_t flags)
{
	tell(m, "NotifyPointerAxis", "ddu", horizontal ? moved : 0.0, horizontal ? 0.0 : -moved,
		flags);
}

/* The wire's vertical axis points up, mutter's down. mutter makes detents of the parts of one by itself. */
static void scroll(struct inject *base, bool horizontal, int32_t amount)
{
	struct mutter_inject *m = from_base(base);
	const int32_t detents = amount / DETENT_AMOUNT;
	if (!can_send(m))
		return;
	if (detents * DETENT_AMOUNT == amount)
		tell(m, "NotifyPointerAxisDiscrete", "ui", (uint32_t)horizontal,
			horizontal ? detents : -detents);
	else
		tell_axis(m, horizontal, amount * DETENT_AXIS / DETENT_AMOUNT, AXIS_WHEEL);
}

static void scroll_smooth(
	struct inject *base, bool horizontal, int32_t amount_q8, enum inject_scroll source)
{
	struct mutter_inject *m = from_base(base);
	static const uint32_t flags[] = {
		[INJECT_SCROLL_WHEEL] = AXIS_WHEEL,
		[INJECT_SCROLL_FINGER] = AXIS_FINGER,
		[INJECT_SCROLL_CONTINUOUS] = AXIS_CONTINUOUS,
	};
	if (can_send(m))
		tell_axis(m, horizontal, amount_q8 / 256.0,
			flags[source] | (amount_q8 ? 0 : AXIS_FINISH));
}

/* --- touch --- */

static int slot_of(struct mutter_inject *m, const struct inject_touch *t)
{
	int free_slot = -1;
	for (int i = 0; i < (int)INJECT_MAX_TOUCHES; i++) {
		if (m->touch_used[i] && m->touch_ids[i] == t->id)
			return i;
		if (!m->touch_used[i] && free_slot < 0)
			free_slot = i;
	}
	return t->kind == PF_INPUT_TOUCH_DOWN ? free_slot : -1;
}

/* A finger that went down in a stall did so nowhere; one that went up in it does so when it may. */
static void touch(struct inject *base, const struct inject_touch *t)
{
	struct mutter_inject *m = from_base(base);
	const int slot = slot_of(m, t);
	const bool up = t->kind == PF_INPUT_TOUCH_UP;
	if (slot < 0 || m->told_lost || (!can_send(m) && !up))
		return;
	m->touch_ids[slot] = t->id;
	m->touch_used[slot] = !up;
	if (up)
		tell(m, "NotifyTouchUp", "u", (uint32_t)slot);
	else
		tell(m, t->kind == PF_INPUT_TOUCH_DOWN ? "NotifyTouchDown" : "NotifyTouchMotion",
			"sudd", m->stream, (uint32_t)slot,
			across(t->x, t->width, base->params.width),
			across(t->y, t->height, base->params.height));
}

/* --- the backend --- */

static void flush(struct inject *base)
{
	(void)base; /* sd-bus writes at once, and the loop what did not fit */
}

/* Presses and releases that fell into the stall: mutter gets their result. */
static void catch_up(struct mutter_inject *m)
{
	for (uint32_t code = 1; code < INJECT_MAX_KEY && can_send(m); code++) {
		const bool down = m->base.down[code / 64] >> (code % 64) & 1;
		if (down == (bool)(m->sent[code / 64] >> (code % 64) & 1))
			continue;
		if (code >= BTN_MISC && code < KEY_OK)
			button(&m->base, code, down);
		else
			key(&m->base, code, down);
	}
}

static int handle_locks(sd_bus_message *reply, void *userdata, sd_bus_error *error)
{
	struct mutter_inject *m = userdata;
	int on = 1;
	(void)error;
	m->locks = sd_bus_slot_unref(m->locks);
	if (!sd_bus_message_get_error(reply) && sd_bus_message_read(reply, "v", "b", &on) >= 0)
		m->num_lock_off = !on;
	return 0;
}

static void destroy(struct inject *base)
{
	struct mutter_inject *m = from_base(base);
	if (m->num_lock_ours && can_send(m))
		tap_num_lock(m);
	sd_bus_slot_unref(m->answer);
	sd_bus_slot_unref(m->locks);
	sd_bus_unref(m->bus);
	free(m);
}

/*
 * mutter makes a device when it is told of the first event of one. On a seat without a keyboard programs hear then
 * only that there is one, and the first key would be lost: so here are events that
 * do nothing by themselves.
 */
static void wake_devices(struct mutter_inject *m)
{
	tell(m, "NotifyPointerMotionRelative", "dd", 0.0, 0.0);
	tell(m, "NotifyKeyboardKeycode", "ub", (uint32_t)KEY_LEFTSHIFT, 1);
	tell(m, "NotifyKeyboardKeycode", "ub", (uint32_t)KEY_LEFTSHIFT, 0);
	tell(m, "NotifyTouchDown", "sudd", m->stream, 0u, NOWHERE, NOWHERE);
	tell(m, "NotifyTouchUp", "u", 0u);
}

static int create(struct inject **out, const struct inject_params *params)
{
	const char *session = params->remote_session, *stream = params->remote_stream;
	if (!params->bus || !session || strlen(session) >= NAME_MAX_LEN || !stream ||
		strlen(stream) >= NAME_MAX_LEN || !params->width || !params->height ||
		!sd_bus_object_path_is_valid(session))
		return PF_E_INVALID;
	struct mutter_inject *m = calloc(1, sizeof(*m));
	if (!m)
		return PF_E_NOMEM;
	m->base.impl = &inject_mutter_impl;
	m->base.params = *params;
	snprintf(m->session, sizeof(m->session), "%s", session);
	snprintf(m->stream, sizeof(m->stream), "%s", stream);
	m->bus = sd_bus_ref(params->bus); /* the desktop may be lost before the session ends */
	(void)sd_bus_call_method_async(m->bus, &m->locks, "org.gnome.Mutter.RemoteDesktop",
		m->session, "org.freedesktop.DBus.Properties", "Get", handle_locks, m, "ss",
		SESSION_INTERFACE, "NumLockState");
	wake_devices(m);
	*out = &m->base;
	return PF_OK;
}

const struct inject_impl inject_mutter_impl = {
	.name = "mutter",
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
	.touch = touch,
	.claim = claim,
	.roams = true,
};
