/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "host/inject/bus_calls.h"
#include "host/inject/inject.h"
#include "host/vdisplay/portal_names.h"

/* The RemoteDesktop session of the portal by its own calls: where it has no EIS, or this build no libei. */

#define DETENT_AMOUNT 120 /* of the wire */
#define DETENT_AXIS \
	10.0 /* what a detent of a wheel moves an axis by, as GNOME's and KDE's have it */

struct portal_inject {
	struct inject base;
	struct bus_calls calls;
	char session[128];
	uint32_t node;
};

static struct portal_inject *from_base(struct inject *base)
{
	pf_check(base->impl == &inject_portal_impl);
	return (struct portal_inject *)base;
}

static void on_lost(void *userdata)
{
	struct portal_inject *p = userdata;
	if (p->base.params.on_lost)
		p->base.params.on_lost(
			"the desktop portal takes no more input: its session is gone",
			p->base.params.userdata);
}

static void on_resumed(void *userdata)
{
	struct portal_inject *p = userdata;
	bus_calls_catch_up(&p->calls, &p->base);
}

static bool can_send(struct portal_inject *p)
{
	return bus_calls_can_send(&p->calls);
}

/* finish: of NotifyPointerAxis's options, the only one there is. */
static void tell_with(
	struct portal_inject *p, bool finish, const char *member, const char *types, va_list args)
{
	sd_bus_message *m = NULL;
	int r = sd_bus_message_new_method_call(
		p->calls.bus, &m, PORTAL_DEST, PORTAL_OBJECT, PORTAL_REMOTE, member);
	if (r >= 0)
		r = sd_bus_message_append(m, "o", p->session);
	if (r >= 0)
		r = finish ? sd_bus_message_append(m, "a{sv}", 1, "finish", "b", 1)
			   : sd_bus_message_append(m, "a{sv}", 0);
	if (r >= 0)
		r = sd_bus_message_appendv(m, types, args);
	bus_calls_send(&p->calls, m, r);
}

/* Makes the call, or drops it: before, can_send() was asked. */
static void tell(struct portal_inject *p, const char *member, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	tell_with(p, false, member, types, args);
	va_end(args);
}

static void tell_finished(struct portal_inject *p, const char *member, const char *types, ...)
{
	va_list args;
	va_start(args, types);
	tell_with(p, true, member, types, args);
	va_end(args);
}

static void key(struct inject *base, uint32_t code, bool down)
{
	struct portal_inject *p = from_base(base);
	if (!can_send(p))
		return;
	bus_calls_note(&p->calls, code, down);
	tell(p, "NotifyKeyboardKeycode", "iu", (int32_t)code, (uint32_t)down);
}

static void text(struct inject *base, uint32_t scalar)
{
	struct portal_inject *p = from_base(base);
	const int32_t keysym = (int32_t)bus_calls_keysym(scalar);
	if (!can_send(p))
		return;
	tell(p, "NotifyKeyboardKeysym", "iu", keysym, 1u);
	tell(p, "NotifyKeyboardKeysym", "iu", keysym, 0u);
}

static void motion(struct inject *base, int32_t dx, int32_t dy)
{
	struct portal_inject *p = from_base(base);
	if (can_send(p))
		tell(p, "NotifyPointerMotion", "dd", (double)dx, (double)dy);
}

static void motion_absolute(
	struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct portal_inject *p = from_base(base);
	if (can_send(p))
		tell(p, "NotifyPointerMotionAbsolute", "udd", p->node,
			bus_calls_across(x, width, base->params.width),
			bus_calls_across(y, height, base->params.height));
}

/* All clients of a desktop share its seat, and its pointer goes everywhere: it comes back to this output. */
static void claim(struct inject *base)
{
	if (base->at.width)
		motion_absolute(base, base->at.x, base->at.y, base->at.width, base->at.height);
	else
		motion_absolute(base, 1, 1, 2, 2);
}

static void button(struct inject *base, uint32_t code, bool down)
{
	struct portal_inject *p = from_base(base);
	if (!can_send(p))
		return;
	bus_calls_note(&p->calls, code, down);
	tell(p, "NotifyPointerButton", "iu", (int32_t)code, (uint32_t)down);
}

/* The wire's vertical axis points up, the portal's down. */
static void tell_axis(struct portal_inject *p, bool horizontal, double moved)
{
	tell(p, "NotifyPointerAxis", "dd", horizontal ? moved : 0.0, horizontal ? 0.0 : -moved);
}

static void scroll(struct inject *base, bool horizontal, int32_t amount)
{
	struct portal_inject *p = from_base(base);
	const int32_t detents = amount / DETENT_AMOUNT;
	if (!can_send(p))
		return;
	if (detents * DETENT_AMOUNT == amount)
		tell(p, "NotifyPointerAxisDiscrete", "ui", (uint32_t)horizontal,
			horizontal ? detents : -detents);
	else
		tell_axis(p, horizontal, amount * DETENT_AXIS / DETENT_AMOUNT);
}

static void scroll_smooth(
	struct inject *base, bool horizontal, int32_t amount_q8, enum inject_scroll source)
{
	struct portal_inject *p = from_base(base);
	(void)source;
	if (!can_send(p))
		return;
	if (amount_q8)
		tell_axis(p, horizontal, amount_q8 / 256.0);
	else
		tell_finished(p, "NotifyPointerAxis", "dd", 0.0, 0.0);
}

static void touch(struct inject *base, const struct inject_touch *t)
{
	struct portal_inject *p = from_base(base);
	const int slot = bus_calls_touch(&p->calls, t);
	if (slot < 0)
		return;
	if (t->kind == PF_INPUT_TOUCH_UP)
		tell(p, "NotifyTouchUp", "u", (uint32_t)slot);
	else
		tell(p, t->kind == PF_INPUT_TOUCH_DOWN ? "NotifyTouchDown" : "NotifyTouchMotion",
			"uudd", p->node, (uint32_t)slot,
			bus_calls_across(t->x, t->width, base->params.width),
			bus_calls_across(t->y, t->height, base->params.height));
}

static void flush(struct inject *base)
{
	(void)base; /* sd-bus writes at once, and the loop what did not fit */
}

static void destroy(struct inject *base)
{
	struct portal_inject *p = from_base(base);
	bus_calls_finish(&p->calls);
	free(p);
}

static int create(struct inject **out, const struct inject_params *params)
{
	const char *session = params->remote_session, *stream = params->remote_stream;
	char *end = NULL;
	if (!params->bus || !session || !sd_bus_object_path_is_valid(session) || !stream ||
		!*stream || !params->width || !params->height ||
		strlen(session) >= sizeof(((struct portal_inject *)0)->session))
		return PF_E_INVALID;
	errno = 0;
	const unsigned long node = strtoul(stream, &end, 10);
	if (errno || *end || node > UINT32_MAX)
		return PF_E_INVALID;
	struct portal_inject *p = calloc(1, sizeof(*p));
	if (!p)
		return PF_E_NOMEM;
	p->base.impl = &inject_portal_impl;
	p->base.params = *params;
	p->node = (uint32_t)node;
	snprintf(p->session, sizeof(p->session), "%s", session);
	bus_calls_init(&p->calls, params->bus);
	p->calls.on_lost = on_lost;
	p->calls.on_resumed = on_resumed;
	p->calls.userdata = p;
	*out = &p->base;
	return PF_OK;
}

const struct inject_impl inject_portal_impl = {
	.name = "portal",
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
