/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <linux/input-event-codes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "host/inject/bus_calls.h"
#include "host/inject/inject.h"

/*
 * GNOME's RemoteDesktop session of an output, by calls on the bus that made it.
 */

#define SESSION_INTERFACE "org.gnome.Mutter.RemoteDesktop.Session"
#define NAME_MAX_LEN	  128u

#define DETENT_AMOUNT 120  /* of the wire */
#define DETENT_AXIS   10.0 /* what a detent of a wheel moves an axis by, as mutter has it */

/* NotifyPointerAxis's flags */
#define AXIS_FINISH	1u
#define AXIS_WHEEL	2u
#define AXIS_FINGER	4u
#define AXIS_CONTINUOUS 8u

#define NOWHERE (-100000.0) /* a place that no desktop reaches to */

struct mutter_inject {
	struct inject base;
	char session[NAME_MAX_LEN], stream[NAME_MAX_LEN];
	struct bus_calls calls;
	sd_bus_slot *locks;		  /* of a call that is under way */
	bool num_lock_off, num_lock_ours; /* as the desktop told; we have turned it on */
};

static struct mutter_inject *from_base(struct inject *base)
{
	pf_check(base->impl == &inject_mutter_impl);
	return (struct mutter_inject *)base;
}

static void on_lost(void *userdata)
{
	struct mutter_inject *m = userdata;
	if (m->base.params.on_lost)
		m->base.params.on_lost("GNOME takes no more input: the remote session is gone",
			m->base.params.userdata);
}

static void on_resumed(void *userdata)
{
	struct mutter_inject *m = userdata;
	bus_calls_catch_up(&m->calls, &m->base);
}

static bool can_send(struct mutter_inject *m)
{
	return bus_calls_can_send(&m->calls);
}

/* Makes the call, or drops it: before, can_send() was asked. */
static void tell(struct mutter_inject *m, const char *member, const char *types, ...)
{
	sd_bus_message *call = NULL;
	va_list args;
	int r = sd_bus_message_new_method_call(m->calls.bus, &call,
		"org.gnome.Mutter.RemoteDesktop", m->session, SESSION_INTERFACE, member);
	va_start(args, types);
	if (r >= 0)
		r = sd_bus_message_appendv(call, types, args);
	va_end(args);
	bus_calls_send(&m->calls, call, r);
}

/* --- keyboard --- */

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
	bus_calls_note(&m->calls, code, down);
	tell(m, "NotifyKeyboardKeycode", "ub", code, (int)down);
}

static void text(struct inject *base, uint32_t scalar)
{
	struct mutter_inject *m = from_base(base);
	if (!can_send(m))
		return;
	tell(m, "NotifyKeyboardKeysym", "ub", bus_calls_keysym(scalar), 1);
	tell(m, "NotifyKeyboardKeysym", "ub", bus_calls_keysym(scalar), 0);
}

/* --- pointer --- */

static void motion(struct inject *base, int32_t dx, int32_t dy)
{
	struct mutter_inject *m = from_base(base);
	if (can_send(m))
		tell(m, "NotifyPointerMotionRelative", "dd", (double)dx, (double)dy);
}

static void motion_absolute(
	struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct mutter_inject *m = from_base(base);
	if (can_send(m))
		tell(m, "NotifyPointerMotionAbsolute", "sdd", m->stream,
			bus_calls_across(x, width, base->params.width),
			bus_calls_across(y, height, base->params.height));
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
	bus_calls_note(&m->calls, code, down);
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

static void touch(struct inject *base, const struct inject_touch *t)
{
	struct mutter_inject *m = from_base(base);
	const int slot = bus_calls_touch(&m->calls, t);
	if (slot < 0)
		return;
	if (t->kind == PF_INPUT_TOUCH_UP)
		tell(m, "NotifyTouchUp", "u", (uint32_t)slot);
	else
		tell(m, t->kind == PF_INPUT_TOUCH_DOWN ? "NotifyTouchDown" : "NotifyTouchMotion",
			"sudd", m->stream, (uint32_t)slot,
			bus_calls_across(t->x, t->width, base->params.width),
			bus_calls_across(t->y, t->height, base->params.height));
}

/* --- the backend --- */

static void flush(struct inject *base)
{
	(void)base; /* sd-bus writes at once, and the loop what did not fit */
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
	sd_bus_slot_unref(m->locks);
	bus_calls_finish(&m->calls);
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
	bus_calls_init(&m->calls, params->bus);
	m->calls.on_lost = on_lost;
	m->calls.on_resumed = on_resumed;
	m->calls.userdata = m;
	(void)sd_bus_call_method_async(m->calls.bus, &m->locks, "org.gnome.Mutter.RemoteDesktop",
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
