/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/wl_app.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>

#include "relative-pointer-client.h"

/*
 * What input arrives, a line an event, coordinates in pixels of the window:
 *   focus 0|1 | key CODE DOWN | text CODEPOINT | held N (keys down by the compositor's word, at focus)
 *   motion X Y | rel DX DY | leave | button CODE DOWN | axis AXIS VALUE | stop AXIS | detents AXIS N
 *   touch down ID X Y | touch motion ID X Y | touch up ID
 */

static struct {
	struct wl_pointer *pointer;
	struct wl_keyboard *keyboard;
	struct wl_touch *touch;
	struct zwp_relative_pointer_manager_v1 *manager;
	struct xkb_context *xkb;
	struct xkb_keymap *keymap;
	struct xkb_state *state;
} seat;

static void on_keymap(void *data, struct wl_keyboard *k, uint32_t format, int fd, uint32_t size)
{
	char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (text == MAP_FAILED)
		return;
	xkb_state_unref(seat.state);
	xkb_keymap_unref(seat.keymap);
	seat.keymap = xkb_keymap_new_from_buffer(
		seat.xkb, text, size - 1, XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
	seat.state = seat.keymap ? xkb_state_new(seat.keymap) : NULL;
	munmap(text, size);
}

static void on_key(void *data, struct wl_keyboard *k, uint32_t serial, uint32_t time_ms,
	uint32_t code, uint32_t state)
{
	printf("key %u %u\n", code, state);
	const uint32_t c = seat.state ? xkb_state_key_get_utf32(seat.state, code + 8) : 0;
	if (state == WL_KEYBOARD_KEY_STATE_PRESSED && c)
		printf("text %u\n", c);
}

static void on_modifiers(void *data, struct wl_keyboard *k, uint32_t serial, uint32_t depressed,
	uint32_t latched, uint32_t locked, uint32_t group)
{
	if (seat.state)
		xkb_state_update_mask(seat.state, depressed, latched, locked, 0, 0, group);
}

static void on_focus(void *data, struct wl_keyboard *k, uint32_t serial, struct wl_surface *s,
	struct wl_array *keys)
{
	printf("focus 1\nheld %zu\n", keys->size / sizeof(uint32_t));
}

static void on_blur(void *data, struct wl_keyboard *k, uint32_t serial, struct wl_surface *s)
{
	puts("focus 0");
}

static void on_repeat(void *data, struct wl_keyboard *k, int32_t rate, int32_t delay)
{
}

static const struct wl_keyboard_listener keyboard_listener = {.keymap = on_keymap,
	.enter = on_focus,
	.leave = on_blur,
	.key = on_key,
	.modifiers = on_modifiers,
	.repeat_info = on_repeat};

static void say_motion(wl_fixed_t x, wl_fixed_t y)
{
	printf("motion %.2f %.2f\n", wl_fixed_to_double(x), wl_fixed_to_double(y));
}

static void on_enter(void *data, struct wl_pointer *w, uint32_t serial, struct wl_surface *s,
	wl_fixed_t x, wl_fixed_t y)
{
	wl_pointer_set_cursor(w, serial, NULL, 0, 0); /* the picture must be ours alone */
	say_motion(x, y);
}

static void on_leave(void *data, struct wl_pointer *w, uint32_t serial, struct wl_surface *s)
{
	puts("leave");
}

static void on_motion(
	void *data, struct wl_pointer *w, uint32_t time_ms, wl_fixed_t x, wl_fixed_t y)
{
	say_motion(x, y);
}

static void on_button(void *data, struct wl_pointer *w, uint32_t serial, uint32_t time_ms,
	uint32_t code, uint32_t state)
{
	printf("button %u %u\n", code, state);
}

static void on_axis(
	void *data, struct wl_pointer *w, uint32_t time_ms, uint32_t axis, wl_fixed_t value)
{
	printf("axis %u %.3f\n", axis, wl_fixed_to_double(value));
}

static void on_axis_stop(void *data, struct wl_pointer *w, uint32_t time_ms, uint32_t axis)
{
	printf("stop %u\n", axis);
}

static void on_detents(void *data, struct wl_pointer *w, uint32_t axis, int32_t n)
{
	printf("detents %u %d\n", axis, n);
}

static void on_pointer_frame(void *data, struct wl_pointer *w)
{
}

static void on_axis_source(void *data, struct wl_pointer *w, uint32_t source)
{
}

static const struct wl_pointer_listener pointer_listener = {.enter = on_enter,
	.leave = on_leave,
	.motion = on_motion,
	.button = on_button,
	.axis = on_axis,
	.frame = on_pointer_frame,
	.axis_source = on_axis_source,
	.axis_stop = on_axis_stop,
	.axis_discrete = on_detents};

static void on_relative(void *data, struct zwp_relative_pointer_v1 *r, uint32_t hi, uint32_t lo,
	wl_fixed_t dx, wl_fixed_t dy, wl_fixed_t raw_dx, wl_fixed_t raw_dy)
{
	printf("rel %.2f %.2f\n", wl_fixed_to_double(raw_dx), wl_fixed_to_double(raw_dy));
}

static const struct zwp_relative_pointer_v1_listener relative_listener = {
	.relative_motion = on_relative};

static void on_touch_down(void *data, struct wl_touch *t, uint32_t serial, uint32_t time_ms,
	struct wl_surface *s, int32_t id, wl_fixed_t x, wl_fixed_t y)
{
	printf("touch down %d %.2f %.2f\n", id, wl_fixed_to_double(x), wl_fixed_to_double(y));
}

static void on_touch_motion(
	void *data, struct wl_touch *t, uint32_t time_ms, int32_t id, wl_fixed_t x, wl_fixed_t y)
{
	printf("touch motion %d %.2f %.2f\n", id, wl_fixed_to_double(x), wl_fixed_to_double(y));
}

static void on_touch_up(
	void *data, struct wl_touch *t, uint32_t serial, uint32_t time_ms, int32_t id)
{
	printf("touch up %d\n", id);
}

static void on_touch_frame(void *data, struct wl_touch *t)
{
}

static const struct wl_touch_listener touch_listener = {.down = on_touch_down,
	.up = on_touch_up,
	.motion = on_touch_motion,
	.frame = on_touch_frame,
	.cancel = on_touch_frame};

static void take_pointer(struct wl_seat *s, bool there)
{
	if (there && !seat.pointer) {
		seat.pointer = wl_seat_get_pointer(s);
		wl_pointer_add_listener(seat.pointer, &pointer_listener, NULL);
		if (seat.manager)
			zwp_relative_pointer_v1_add_listener(
				zwp_relative_pointer_manager_v1_get_relative_pointer(
					seat.manager, seat.pointer),
				&relative_listener, NULL);
	} else if (!there && seat.pointer) {
		wl_pointer_release(seat.pointer);
		seat.pointer = NULL;
	}
}

/* Devices come and go with the clients of the host. */
static void on_capabilities(void *data, struct wl_seat *s, uint32_t caps)
{
	const bool keyboard = caps & WL_SEAT_CAPABILITY_KEYBOARD;
	const bool touch = caps & WL_SEAT_CAPABILITY_TOUCH;
	take_pointer(s, caps & WL_SEAT_CAPABILITY_POINTER);
	if (keyboard && !seat.keyboard) {
		seat.keyboard = wl_seat_get_keyboard(s);
		wl_keyboard_add_listener(seat.keyboard, &keyboard_listener, NULL);
	} else if (!keyboard && seat.keyboard) {
		wl_keyboard_release(seat.keyboard);
		seat.keyboard = NULL;
		puts("focus 0");
	}
	if (touch && !seat.touch) {
		seat.touch = wl_seat_get_touch(s);
		wl_touch_add_listener(seat.touch, &touch_listener, NULL);
	} else if (!touch && seat.touch) {
		wl_touch_release(seat.touch);
		seat.touch = NULL;
	}
}

static void on_name(void *data, struct wl_seat *s, const char *name)
{
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = on_capabilities, .name = on_name};

void wl_app_seat_start(struct wl_seat *s, struct zwp_relative_pointer_manager_v1 *relative)
{
	seat.manager = relative;
	seat.xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	if (!seat.xkb)
		exit(1);
	wl_seat_add_listener(s, &seat_listener, NULL);
}
