/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/input-event-codes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <libei.h>

#include "core/wire/text.h"
#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "host/inject/libei_device.h"
#include "host/inject/libei_gate.h"
#include "host/inject/libei_region.h"
#include "host/inject/xkb_typing.h"
#include "host/media/clock.h"

/*
 * Input through EIS, the input server of a compositor: it gives a seat, the seat gives devices, each with some
 * capabilities, and a device takes events while it is resumed. docs/internals/libei.md
 */

/* A compositor gives its devices in some milliseconds; a person is told when it did not. */
#define DEVICES_DUE_NS 3000000000ull
#define Q8	       256.0
/* Smooth scrolling's units of a detent: what a detent moves an axis by, as libinput has it. */
#define DETENT_AXIS   15
#define DETENT_AMOUNT 120

#define MUTTER_SESSIONS \
	"/org/gnome/Mutter/RemoteDesktop/" /* object paths of mutter's, not of a portal's */

struct touch {
	struct ei_touch *ei; /* NULL = free, or adrift */
	struct libei_device *device;
	uint32_t id;
	bool ended;  /* while its device slept */
	bool adrift; /* its device went: mutter makes new ones whenever a monitor changes */
};

struct libei_inject {
	struct inject base;
	struct inject *calls; /* see open_calls(); NULL = none */
	char mapping_id[64];
	struct ei *ei;
	int fd;		/* libei's; -1 = not given to it yet */
	bool connected; /* the handshake is over: see libei_gate.h */
	struct loop_source *readable, *devices_due;
	struct libei_devices devices;
	struct libei_device *pointer; /* moved last: its buttons go where it points */
	struct libei_place absolute, touchscreen;
	struct touch touches[INJECT_MAX_TOUCHES];
	bool finger; /* is the pointer with its left button, where no device takes touches */
	uint32_t finger_id;
	struct xkb_typing *typing; /* NULL = no character can be typed by keys */
	struct libei_device *typing_of;
	struct inject_touch last; /* where the pointer was put, when width is not 0 */
	int32_t scroll_rest[2];	  /* smooth amounts not yet told as 120ths: vertical, horizontal */
	bool handling, told_lost, told_unmatched;
};

/* Of a seat with other people's screens, mutter's: see claim() and inject_impl.roams. */
static const struct inject_impl shared_impl;

static struct libei_inject *from_base(struct inject *base)
{
	pf_check(base->impl == &inject_libei_impl || base->impl == &shared_impl);
	return (struct libei_inject *)base;
}

static void handle_events(struct libei_inject *w);

/* --- keys and buttons --- */

static bool is_button(uint32_t code)
{
	return code >= BTN_MISC && code < KEY_OK;
}

/* What should be down: what the client holds, and a finger that is a button. */
static bool is_wanted(const struct libei_inject *w, uint32_t code)
{
	return (w->base.down[code / 64] >> (code % 64) & 1) || (code == BTN_LEFT && w->finger);
}

/* The calls' backend knows about NumLock. */
static bool is_for_calls(const struct libei_inject *w, uint32_t code)
{
	return w->calls && inject_is_keypad(code);
}

static void press(struct libei_inject *w, uint32_t code)
{
	const bool button = is_button(code);
	if (is_for_calls(w, code))
		return;
	struct libei_device *d = libei_device_find(&w->devices,
		button ? EI_DEVICE_CAP_BUTTON : EI_DEVICE_CAP_KEYBOARD, button ? w->pointer : NULL);
	if (d && !libei_device_any_down(&w->devices, code))
		libei_device_press(d, code, true);
}

static void release(struct libei_inject *w, uint32_t code)
{
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++) {
		if (w->devices.of[i].ei && w->devices.of[i].awake)
			libei_device_press(&w->devices.of[i], code, false);
	}
}

static void key(struct inject *base, uint32_t code, bool down)
{
	struct libei_inject *w = from_base(base);
	if (is_for_calls(w, code))
		w->calls->impl->key(w->calls, code, down);
	else if (down)
		press(w, code);
	else
		release(w, code);
}

/* --- pointer --- */

static void motion(struct inject *base, int32_t dx, int32_t dy)
{
	struct libei_inject *w = from_base(base);
	struct libei_device *d = libei_device_find(&w->devices, EI_DEVICE_CAP_POINTER, w->pointer);
	w->last.width = 0;
	if (!d)
		return;
	ei_device_pointer_motion(d->ei, dx, dy);
	d->dirty = true;
	w->pointer = d;
}

static struct libei_wanted wanted(const struct libei_inject *w)
{
	return (struct libei_wanted){w->mapping_id, w->base.params.width, w->base.params.height};
}

static void motion_absolute(
	struct inject *base, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	struct libei_inject *w = from_base(base);
	const struct libei_place *p = &w->absolute;
	const struct libei_wanted output = wanted(w);
	double to_x, to_y;
	w->last = (struct inject_touch){.x = x, .y = y, .width = width, .height = height};
	if (!p->device)
		return;
	libei_region_place(&p->region, &output, x, y, width, height, &to_x, &to_y);
	ei_device_pointer_motion_absolute(p->device->ei, to_x, to_y);
	p->device->dirty = true;
	w->pointer = p->device;
}

static void claim(struct inject *base)
{
	if (base->at.width)
		motion_absolute(base, base->at.x, base->at.y, base->at.width, base->at.height);
	else if (base->impl->roams)
		motion_absolute(base, 1, 1, 2, 2);
	base->impl->flush(base);
}

static void scroll(struct inject *base, bool horizontal, int32_t amount)
{
	struct libei_inject *w = from_base(base);
	struct libei_device *d = libei_device_find(&w->devices, EI_DEVICE_CAP_SCROLL, w->pointer);
	if (w->calls && amount % DETENT_AMOUNT) {
		w->calls->impl->scroll(w->calls, horizontal, amount);
		return;
	}
	if (!d)
		return;
	/* The wire's vertical axis points up, EI's down. */
	ei_device_scroll_discrete(d->ei, horizontal ? amount : 0, horizontal ? 0 : -amount);
	d->dirty = true;
}

static void scroll_smooth(
	struct inject *base, bool horizontal, int32_t amount_q8, enum inject_scroll source)
{
	struct libei_inject *w = from_base(base);
	struct libei_device *d = libei_device_find(&w->devices, EI_DEVICE_CAP_SCROLL, w->pointer);
	if (w->calls) {
		w->calls->impl->scroll_smooth(w->calls, horizontal, amount_q8, source);
		return;
	}
	if (!d) /* and EI has no word for the source */
		return;
	const double moved = (horizontal ? amount_q8 : -amount_q8) / Q8;
	if (!amount_q8) {
		ei_device_scroll_stop(d->ei, horizontal, !horizontal);
	} else if (d->scrolls_detents) {
		int32_t *rest = &w->scroll_rest[horizontal];
		*rest += amount_q8 * (DETENT_AMOUNT / DETENT_AXIS);
		const int32_t whole = *rest / (int32_t)Q8;
		*rest -= whole * (int32_t)Q8;
		if (!whole)
			return;
		scroll(base, horizontal, whole);
	} else {
		ei_device_scroll_delta(d->ei, horizontal ? moved : 0, horizontal ? 0 : moved);
	}
	d->dirty = true;
}

/* --- touch --- */

static struct touch *find_touch(struct libei_inject *w, uint32_t id)
{
	for (size_t i = 0; i < INJECT_MAX_TOUCHES; i++) {
		const struct touch *t = &w->touches[i];
		if (((t->ei && !t->ended) || t->adrift) && t->id == id)
			return &w->touches[i];
	}
	return NULL;
}

static void forget_touch(struct touch *t)
{
	ei_touch_unref(t->ei);
	*t = (struct touch){.ei = NULL};
}

static void lift(struct touch *t)
{
	t->ended = true;
	if (!t->device->awake)
		return;
	ei_touch_up(t->ei);
	t->device->dirty = true;
	forget_touch(t);
}

/* Without a touch screen the first finger is the pointer with its left button. */
static void touch_as_pointer(struct libei_inject *w, const struct inject_touch *t)
{
	if (t->kind == PF_INPUT_TOUCH_DOWN ? w->finger : !w->finger || w->finger_id != t->id)
		return;
	if (t->kind != PF_INPUT_TOUCH_UP)
		motion_absolute(&w->base, t->x, t->y, t->width, t->height);
	w->finger = t->kind != PF_INPUT_TOUCH_UP;
	w->finger_id = t->id;
	if (t->kind == PF_INPUT_TOUCH_DOWN)
		press(w, BTN_LEFT);
	else if (!w->finger && !is_wanted(w, BTN_LEFT))
		release(w, BTN_LEFT);
}

static void touch_down(struct libei_inject *w, uint32_t id, double x, double y)
{
	struct touch *t = w->touches;
	while (t < w->touches + INJECT_MAX_TOUCHES && (t->ei || t->adrift))
		t++;
	if (t == w->touches + INJECT_MAX_TOUCHES)
		return; /* those before it ended while their device slept */
	struct ei_touch *ei = ei_device_touch_new(w->touchscreen.device->ei);
	if (!ei)
		return;
	*t = (struct touch){.ei = ei, .device = w->touchscreen.device, .id = id};
	ei_touch_down(ei, x, y);
	t->device->dirty = true;
}

/* It goes on where it is next, on the device that took the other's place. */
static void touch_adrift(struct libei_inject *w, struct touch *t, uint8_t kind, double x, double y)
{
	if (kind != PF_INPUT_TOUCH_UP && !w->touchscreen.device)
		return;
	const uint32_t id = t->id;
	*t = (struct touch){.ei = NULL};
	if (kind != PF_INPUT_TOUCH_UP)
		touch_down(w, id, x, y);
}

static void touch(struct inject *base, const struct inject_touch *event)
{
	struct libei_inject *w = from_base(base);
	const struct libei_place *p = &w->touchscreen;
	const struct libei_wanted output = wanted(w);
	struct touch *t = find_touch(w, event->id);
	double x = 0, y = 0;
	if (!t && (!p->device || w->finger)) {
		touch_as_pointer(w, event);
		return;
	}
	if (p->device)
		libei_region_place(&p->region, &output, event->x, event->y, event->width,
			event->height, &x, &y);
	if (t && t->adrift) {
		touch_adrift(w, t, event->kind, x, y);
	} else if (event->kind == PF_INPUT_TOUCH_DOWN && !t) {
		touch_down(w, event->id, x, y);
	} else if (t && event->kind == PF_INPUT_TOUCH_UP) {
		lift(t);
	} else if (t && t->device == p->device) {
		ei_touch_motion(t->ei, x, y);
		t->device->dirty = true;
	}
}

/* --- text --- */

static void tap(struct libei_device *d, uint32_t code)
{
	const bool held = libei_device_is_down(d, code);
	for (int i = 0; i < 2; i++) {
		libei_device_press(d, code, held ? i == 1 : i == 0);
		libei_device_frame(d);
	}
}

/* With only these modifiers, whatever the client holds meanwhile. */
static void tap_with(struct libei_device *d, const struct xkb_typing_keys *keys)
{
	static const uint16_t modifiers[] = {KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_LEFTCTRL,
		KEY_RIGHTCTRL, KEY_LEFTALT, KEY_RIGHTALT, KEY_LEFTMETA, KEY_RIGHTMETA};
	const size_t n = sizeof(modifiers) / sizeof(modifiers[0]);
	bool before[sizeof(modifiers) / sizeof(modifiers[0])];
	for (size_t i = 0; i < n; i++) {
		before[i] = libei_device_is_down(d, modifiers[i]);
		libei_device_press(d, modifiers[i],
			(modifiers[i] == KEY_LEFTSHIFT && keys->shift) ||
				(modifiers[i] == KEY_RIGHTALT && keys->altgr));
		libei_device_frame(d);
	}
	tap(d, keys->code);
	for (size_t i = 0; i < n; i++) {
		libei_device_press(d, modifiers[i], before[i]);
		libei_device_frame(d);
	}
}

static void text(struct inject *base, uint32_t scalar)
{
	struct libei_inject *w = from_base(base);
	struct xkb_typing_keys keys;
	struct libei_device *d = libei_device_find(&w->devices, LIBEI_CAP_TEXT, NULL);
	const bool letter = scalar >= ' ';
	if (d && letter && libei_device_type(d, scalar))
		return;
	d = libei_device_find(&w->devices, EI_DEVICE_CAP_KEYBOARD, w->typing_of);
	if (!d || !w->typing || xkb_typing_find(w->typing, scalar, &keys) < 0) {
		w->base.dropped++;
		return;
	}
	libei_device_frame(d);
	tap_with(d, &keys);
}

/*
 * The server's keymap says which key is which letter. Its length is the server's word: what is not there is not read,
 * and what is there may shrink meanwhile.
 */
static int read_keymap(struct ei_keymap *keymap, struct xkb_typing **out)
{
	const size_t size = ei_keymap_get_size(keymap);
	if (ei_keymap_get_type(keymap) != EI_KEYMAP_TYPE_XKB || !size ||
		size > XKB_TYPING_MAX_KEYMAP)
		return PF_E_INVALID;
	char *buf = malloc(size);
	if (!buf)
		return PF_E_NOMEM;
	const ssize_t n = pread(ei_keymap_get_fd(keymap), buf, size, 0);
	const int err = n > 0 ? xkb_typing_create(out, buf, (size_t)n) : PF_E_IO;
	free(buf);
	return err;
}

/* A server without a keymap (gamescope) has the layout that its environment named: the host's, as it started it. */
static void learn_keymap(struct libei_inject *w, struct libei_device *d)
{
	struct ei_keymap *keymap = ei_device_keyboard_get_keymap(d->ei);
	struct xkb_typing *typing = NULL;
	const int err = keymap ? read_keymap(keymap, &typing)
			       : xkb_typing_create_layout(&typing, w->base.params.xkb_layout);
	if (err < 0) {
		log_warn("input: the compositor's keyboard has no keymap that can be read; text "
			 "from clients is not typed");
		return;
	}
	xkb_typing_destroy(w->typing);
	w->typing = typing;
	w->typing_of = d;
}

/* --- the server's side --- */

/* Devices came, went, woke: what is held and where the pointer is follow. */
static void catch_up(struct libei_inject *w)
{
	const struct libei_wanted output = wanted(w);
	const bool had_place = w->absolute.device;
	bool unmatched;
	w->touchscreen = libei_device_place(&w->devices, EI_DEVICE_CAP_TOUCH, &output, &unmatched);
	w->absolute = libei_device_place(
		&w->devices, EI_DEVICE_CAP_POINTER_ABSOLUTE, &output, &unmatched);
	if (unmatched && !w->told_unmatched)
		log_warn("input: none of the compositor's screens is %ux%u; the pointer moves only "
			 "as a mouse does",
			output.width, output.height);
	w->told_unmatched |= unmatched;
	for (size_t i = 0; i < INJECT_MAX_TOUCHES; i++) {
		if (w->touches[i].ei && w->touches[i].ended)
			lift(&w->touches[i]);
	}
	if (!had_place && w->absolute.device && w->last.width)
		motion_absolute(&w->base, w->last.x, w->last.y, w->last.width, w->last.height);
	for (uint32_t code = 1; code < INJECT_MAX_KEY; code++) {
		if (!is_wanted(w, code))
			release(w, code);
		else
			press(w, code);
	}
	libei_device_frame_all(&w->devices);
}

static void forget_device(struct libei_inject *w, struct libei_device *d)
{
	for (size_t i = 0; i < INJECT_MAX_TOUCHES; i++) {
		struct touch *t = &w->touches[i];
		if (!t->ei || t->device != d)
			continue;
		const struct touch gone = {.id = t->id, .adrift = !t->ended};
		forget_touch(t);
		*t = gone;
	}
	if (w->pointer == d)
		w->pointer = NULL;
	if (w->absolute.device == d)
		w->absolute.device = NULL;
	if (w->touchscreen.device == d)
		w->touchscreen.device = NULL;
	if (w->typing_of == d)
		w->typing_of = NULL;
	libei_device_remove(d);
}

static void lose(struct libei_inject *w)
{
	loop_remove(&w->readable);
	loop_remove(&w->devices_due);
	if (w->told_lost)
		return;
	w->told_lost = true;
	if (w->base.params.on_lost)
		w->base.params.on_lost(
			"the compositor takes no more input: it ended the connection",
			w->base.params.userdata);
}

/* As many as a seat has: what it lacks is asked for under the name of what it has. */
static void bind_seat(struct ei_seat *seat)
{
	enum ei_device_capability caps[] = {EI_DEVICE_CAP_POINTER, EI_DEVICE_CAP_POINTER_ABSOLUTE,
		EI_DEVICE_CAP_KEYBOARD, EI_DEVICE_CAP_TOUCH, EI_DEVICE_CAP_SCROLL,
		EI_DEVICE_CAP_BUTTON, LIBEI_CAP_TEXT};
	const size_t n = sizeof(caps) / sizeof(caps[0]);
	enum ei_device_capability one = 0;
	for (size_t i = 0; i < n; i++) {
		if (!caps[i] || !ei_seat_has_capability(seat, caps[i]))
			caps[i] = 0;
		else
			one = caps[i];
	}
	if (!one)
		return;
	for (size_t i = 0; i < n; i++)
		caps[i] = caps[i] ? caps[i] : one;
	ei_seat_bind_capabilities(
		seat, caps[0], caps[1], caps[2], caps[3], caps[4], caps[5], caps[6], NULL);
}

static void on_device(struct libei_inject *w, enum ei_event_type type, struct ei_device *ei)
{
	if (type == EI_EVENT_DEVICE_ADDED)
		libei_device_add(&w->devices, ei);
	struct libei_device *d = libei_device_of(&w->devices, ei);
	if (!d)
		return;
	if (type == EI_EVENT_DEVICE_ADDED) {
		if (!w->typing_of && ei_device_has_capability(ei, EI_DEVICE_CAP_KEYBOARD))
			learn_keymap(w, d);
	} else if (type == EI_EVENT_DEVICE_RESUMED) {
		libei_device_wake(&w->devices, d);
	} else if (type == EI_EVENT_DEVICE_PAUSED) {
		d->awake = d->dirty = false;
	} else {
		forget_device(w, d);
	}
	catch_up(w);
}

static void on_modifiers(struct libei_inject *w, struct ei_event *e)
{
	const struct libei_device *d = libei_device_of(&w->devices, ei_event_get_device(e));
	if (d && d == w->typing_of)
		xkb_typing_set_state(w->typing, ei_event_keyboard_get_xkb_mods_locked(e),
			ei_event_keyboard_get_xkb_group(e));
}

static void on_event(struct libei_inject *w, struct ei_event *e)
{
	const enum ei_event_type type = ei_event_get_type(e);
	switch (type) {
	case EI_EVENT_SEAT_ADDED:
		bind_seat(ei_event_get_seat(e));
		break;
	case EI_EVENT_DEVICE_ADDED:
	case EI_EVENT_DEVICE_REMOVED:
	case EI_EVENT_DEVICE_PAUSED:
	case EI_EVENT_DEVICE_RESUMED:
		on_device(w, type, ei_event_get_device(e));
		break;
	case EI_EVENT_KEYBOARD_MODIFIERS:
		on_modifiers(w, e);
		break;
	default:
		break;
	}
}

static void handle_events(struct libei_inject *w)
{
	struct ei_event *e;
	bool gone = false;
	if (w->handling)
		return;
	w->handling = true;
	while ((e = ei_get_event(w->ei)) != NULL) {
		gone |= ei_event_get_type(e) == EI_EVENT_DISCONNECT;
		on_event(w, e);
		ei_event_unref(e);
	}
	w->handling = false;
	if (gone)
		lose(w);
}

static void on_readable(uint32_t events, void *userdata)
{
	struct libei_inject *w = userdata;
	(void)events;
	const int got = w->connected ? LIBEI_GATE_PASSED : libei_gate_look(w->fd);
	if (got < 0) {
		lose(w);
		return;
	}
	if (got != LIBEI_GATE_QUIET)
		ei_dispatch(w->ei);
	w->connected |= got == LIBEI_GATE_PASSED;
	handle_events(w);
}

static void on_devices_due(void *userdata)
{
	struct libei_inject *w = userdata;
	for (size_t i = 0; i < LIBEI_MAX_DEVICES; i++) {
		if (w->devices.of[i].awake)
			return;
	}
	log_warn("input: the compositor gives no devices to send input with: allow this host's "
		 "input "
		 "there, and see its own log");
}

/* A connection that broke while it was written to says so at the next look, and the descriptor may stay quiet. */
static void flush(struct inject *base)
{
	struct libei_inject *w = from_base(base);
	libei_device_frame_all(&w->devices);
	handle_events(w);
}

/* --- the backend --- */

static void log_library(
	struct ei *ei, enum ei_log_priority priority, const char *message, struct ei_log_context *c)
{
	char clean[200];
	(void)ei;
	(void)c;
	if (priority < EI_LOG_PRIORITY_WARNING || !message)
		return;
	pf_text_clean(clean, sizeof(clean), message, strnlen(message, sizeof(clean)));
	log_debug("input: libei: %s", clean);
}

/* See libei_gate.h: a context that old versions do not survive the end of is left where it lies, some kilobytes. */
static void close_server(struct libei_inject *w)
{
	if (w->ei && (w->connected || LIBEI_ENDS_EARLY || w->fd < 0)) {
		ei_unref(w->ei);
	} else if (w->ei) {
		close(ei_get_fd(w->ei));
		close(w->fd);
	}
}

static void destroy(struct inject *base)
{
	struct libei_inject *w = from_base(base);
	if (w->calls)
		w->calls->impl->destroy(w->calls); /* it holds nothing down: that is ours */
	loop_remove(&w->readable);
	loop_remove(&w->devices_due);
	for (size_t i = 0; i < INJECT_MAX_TOUCHES; i++) {
		if (w->touches[i].ei)
			forget_touch(&w->touches[i]);
	}
	libei_device_remove_all(&w->devices);
	xkb_typing_destroy(w->typing);
	close_server(w);
	free(w);
}

/* Takes fd. */
static int open_server(struct libei_inject *w, int fd)
{
	const int flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0) {
		const int err = pf_error_from_errno(errno);
		close(fd);
		return err;
	}
	w->ei = ei_new_sender(w);
	if (!w->ei) {
		close(fd);
		return PF_E_NOMEM;
	}
	ei_log_set_handler(w->ei, log_library);
	ei_log_set_priority(w->ei, EI_LOG_PRIORITY_WARNING);
	ei_configure_name(w->ei, "punktfunk");
	const int err = ei_setup_backend_fd(w->ei, fd);
	w->fd = err < 0 ? -1 : fd;
	if (err < 0) {
		log_error("input: the compositor's input server does not answer: %s",
			strerrordesc_np(-err));
		return pf_error_from_errno(-err);
	}
	return PF_OK;
}

static int watch(struct libei_inject *w)
{
	struct loop *loop = w->base.params.loop;
	int err = loop_add_fd(loop, &w->readable, ei_get_fd(w->ei), EPOLLIN, on_readable, w);
	if (err >= 0)
		err = loop_add_timer(loop, &w->devices_due, on_devices_due, w);
	if (err >= 0)
		loop_set_deadline(w->devices_due, clock_now_ns() + DEVICES_DUE_NS);
	return err;
}

/*
 * mutter's EIS (50) makes a whole detent of each smooth step, drops the parts of one, and has no word of NumLock before
 * the first key. The calls of the same session do these right.
 */
static void open_calls(struct libei_inject *w)
{
	struct inject_params params = w->base.params;
	params.eis_fd = -1;
	params.on_lost = NULL; /* that is told once, by the connection */
	if (!params.bus || !params.remote_session ||
		strncmp(params.remote_session, MUTTER_SESSIONS, strlen(MUTTER_SESSIONS)) != 0)
		return;
	w->base.impl = &shared_impl;
	if (inject_create(&w->calls, "mutter", &params) < 0)
		log_warn("input: scrolling goes by detents only");
}

static int create(struct inject **out, const struct inject_params *params)
{
	if (params->eis_fd < 0)
		return PF_E_INVALID;
	struct libei_inject *w = calloc(1, sizeof(*w));
	if (!w) {
		close(params->eis_fd);
		return PF_E_NOMEM;
	}
	w->base.impl = &inject_libei_impl;
	w->base.params = *params;
	w->fd = -1;
	snprintf(w->mapping_id, sizeof(w->mapping_id), "%s",
		params->mapping_id ? params->mapping_id : "");
	int err = open_server(w, params->eis_fd);
	if (err >= 0)
		err = watch(w);
	if (err < 0) {
		destroy(&w->base);
		return err;
	}
	open_calls(w);
	*out = &w->base;
	return PF_OK;
}

#define LIBEI_IMPL \
	.name = "libei", .create = create, .destroy = destroy, .key = key, .motion = motion, \
	.motion_absolute = motion_absolute, .button = key, .scroll = scroll, \
	.scroll_smooth = scroll_smooth, .flush = flush, .text = text, .touch = touch, \
	.claim = claim

const struct inject_impl inject_libei_impl = {LIBEI_IMPL};
static const struct inject_impl shared_impl = {LIBEI_IMPL, .roams = true};
