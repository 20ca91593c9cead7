/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wayland-client.h>
#include <xkbcommon/xkbcommon.h>

#include "xdg-shell-client.h"

/*
 * A full screen window that says on stdout what it gets, a line an event, coordinates in pixels of it:
 *   size W H | focus 0|1 | key CODE DOWN | text CODEPOINT | motion X Y | button CODE DOWN | axis AXIS VALUE|stop | detents AXIS N |
 *   touch down|motion ID X Y | touch up ID | frames N (once a second, with --moving)
 * --moving: it is drawn anew for each frame that the compositor asks for. --windowed: not on the full screen.
 */

#define SIDE_MAX 8192

struct probe {
	struct wl_display *display;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct wl_seat *seat;
	struct xdg_wm_base *shell;
	struct wl_surface *surface;
	struct xdg_surface *xdg_surface;
	struct xdg_toplevel *toplevel;
	struct wl_pointer *pointer;
	struct wl_keyboard *keyboard;
	struct wl_touch *touch;
	struct xkb_context *xkb;
	struct xkb_keymap *keymap;
	struct xkb_state *state;
	struct wl_buffer *buffers[2];
	uint32_t *pixels[2];
	size_t bytes;
	int32_t width, height, made_width, made_height;
	uint32_t n_drawn, n_frames, second_ms;
	bool moving, closed;
};

static void free_buffers(struct probe *p)
{
	for (int i = 0; i < 2; i++) {
		if (!p->buffers[i])
			continue;
		wl_buffer_destroy(p->buffers[i]);
		munmap(p->pixels[i], p->bytes);
		p->buffers[i] = NULL;
	}
}

static void make_buffers(struct probe *p)
{
	free_buffers(p);
	p->bytes = (size_t)p->width * (size_t)p->height * 4;
	for (int i = 0; i < 2; i++) {
		const int fd = memfd_create("probe", MFD_CLOEXEC);
		if (fd < 0 || ftruncate(fd, (off_t)p->bytes) < 0)
			exit(1);
		p->pixels[i] = mmap(NULL, p->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (p->pixels[i] == MAP_FAILED)
			exit(1);
		struct wl_shm_pool *pool = wl_shm_create_pool(p->shm, fd, (int32_t)p->bytes);
		p->buffers[i] = wl_shm_pool_create_buffer(
			pool, 0, p->width, p->height, p->width * 4, WL_SHM_FORMAT_XRGB8888);
		wl_shm_pool_destroy(pool);
		close(fd);
		for (size_t n = 0; n < p->bytes / 4; n++)
			p->pixels[i][n] = 0x2060C0;
	}
	p->made_width = p->width;
	p->made_height = p->height;
}

static void draw(struct probe *p);

static void on_frame(void *data, struct wl_callback *callback, uint32_t time_ms)
{
	struct probe *p = data;
	wl_callback_destroy(callback);
	p->n_frames++;
	if (time_ms - p->second_ms >= 1000) {
		printf("frames %u\n", p->n_frames);
		p->second_ms = time_ms;
		p->n_frames = 0;
	}
	draw(p);
}

static const struct wl_callback_listener frame_listener = {.done = on_frame};

/* A square of another colour each time, in the middle. */
static void draw(struct probe *p)
{
	const uint32_t n = p->n_drawn++;
	const int32_t side = p->height / 4, x0 = p->width / 2 - side / 2,
		      y0 = p->height / 2 - side / 2;
	for (int32_t y = y0; y < y0 + side && p->moving; y++)
		for (int32_t x = x0; x < x0 + side; x++)
			p->pixels[n % 2][(size_t)y * (size_t)p->width + (size_t)x] = (n * 8 % 256)
					<< 16 |
				0x00FF00;
	if (p->moving)
		wl_callback_add_listener(wl_surface_frame(p->surface), &frame_listener, p);
	wl_surface_attach(p->surface, p->buffers[n % 2], 0, 0);
	if (n > 1)
		wl_surface_damage_buffer(p->surface, x0, y0, side, side);
	else
		wl_surface_damage_buffer(p->surface, 0, 0, p->width, p->height);
	wl_surface_commit(p->surface);
}

/* --- the window --- */

static void on_configure(void *data, struct xdg_surface *s, uint32_t serial)
{
	struct probe *p = data;
	xdg_surface_ack_configure(s, serial);
	if (p->made_width == p->width && p->made_height == p->height)
		return;
	const bool first = !p->made_width;
	make_buffers(p);
	p->n_drawn = 0;
	printf("size %d %d\n", p->width, p->height);
	if (first || !p->moving)
		draw(p);
}

static const struct xdg_surface_listener surface_listener = {.configure = on_configure};

static void on_size(void *data, struct xdg_toplevel *t, int32_t w, int32_t h, struct wl_array *s)
{
	struct probe *p = data;
	if (w > 0 && h > 0 && w <= SIDE_MAX && h <= SIDE_MAX) {
		p->width = w;
		p->height = h;
	}
}

static void on_close(void *data, struct xdg_toplevel *t)
{
	((struct probe *)data)->closed = true;
}

static const struct xdg_toplevel_listener toplevel_listener = {
	.configure = on_size,
	.close = on_close,
};

static void on_ping(void *data, struct xdg_wm_base *shell, uint32_t serial)
{
	xdg_wm_base_pong(shell, serial);
}

static const struct xdg_wm_base_listener shell_listener = {.ping = on_ping};

/* --- input --- */

static void on_keymap(void *data, struct wl_keyboard *k, uint32_t format, int fd, uint32_t size)
{
	struct probe *p = data;
	char *text = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (text == MAP_FAILED)
		return;
	xkb_state_unref(p->state);
	xkb_keymap_unref(p->keymap);
	p->keymap = xkb_keymap_new_from_string(
		p->xkb, text, XKB_KEYMAP_FORMAT_TEXT_V1, XKB_KEYMAP_COMPILE_NO_FLAGS);
	p->state = p->keymap ? xkb_state_new(p->keymap) : NULL;
	munmap(text, size);
}

static void on_key(void *data, struct wl_keyboard *k, uint32_t serial, uint32_t time_ms,
	uint32_t code, uint32_t state)
{
	struct probe *p = data;
	printf("key %u %u\n", code, state);
	const uint32_t c = p->state ? xkb_state_key_get_utf32(p->state, code + 8) : 0;
	if (state == WL_KEYBOARD_KEY_STATE_PRESSED && c)
		printf("text %u\n", c);
}

static void on_modifiers(void *data, struct wl_keyboard *k, uint32_t serial, uint32_t depressed,
	uint32_t latched, uint32_t locked, uint32_t group)
{
	struct probe *p = data;
	if (p->state)
		xkb_state_update_mask(p->state, depressed, latched, locked, 0, 0, group);
}

static void on_focus(void *data, struct wl_keyboard *k, uint32_t serial, struct wl_surface *s,
	struct wl_array *keys)
{
	puts("focus 1");
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

static void say_place(const char *what, wl_fixed_t x, wl_fixed_t y)
{
	printf("%s %.2f %.2f\n", what, wl_fixed_to_double(x), wl_fixed_to_double(y));
}

static void on_enter(void *data, struct wl_pointer *w, uint32_t serial, struct wl_surface *s,
	wl_fixed_t x, wl_fixed_t y)
{
	say_place("motion", x, y);
}

static void on_motion(
	void *data, struct wl_pointer *w, uint32_t time_ms, wl_fixed_t x, wl_fixed_t y)
{
	say_place("motion", x, y);
}

static void on_button(void *data, struct wl_pointer *w, uint32_t serial, uint32_t time_ms,
	uint32_t code, uint32_t state)
{
	printf("button %u %u\n", code, state);
}

static void on_axis(
	void *data, struct wl_pointer *w, uint32_t time_ms, uint32_t axis, wl_fixed_t value)
{
	printf("axis %u %.2f\n", axis, wl_fixed_to_double(value));
}

static void on_detents(void *data, struct wl_pointer *w, uint32_t axis, int32_t n)
{
	printf("detents %u %d\n", axis, n);
}

static void on_leave(void *data, struct wl_pointer *w, uint32_t serial, struct wl_surface *s)
{
}

static void on_pointer_frame(void *data, struct wl_pointer *w)
{
}

static void on_axis_source(void *data, struct wl_pointer *w, uint32_t source)
{
}

static void on_axis_stop(void *data, struct wl_pointer *w, uint32_t time_ms, uint32_t axis)
{
	printf("axis %u stop\n", axis);
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

static void on_touch_down(void *data, struct wl_touch *t, uint32_t serial, uint32_t time_ms,
	struct wl_surface *s, int32_t id, wl_fixed_t x, wl_fixed_t y)
{
	char what[32];
	snprintf(what, sizeof(what), "touch down %d", id);
	say_place(what, x, y);
}

static void on_touch_motion(
	void *data, struct wl_touch *t, uint32_t time_ms, int32_t id, wl_fixed_t x, wl_fixed_t y)
{
	char what[32];
	snprintf(what, sizeof(what), "touch motion %d", id);
	say_place(what, x, y);
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

static void on_capabilities(void *data, struct wl_seat *seat, uint32_t caps)
{
	struct probe *p = data;
	if (caps & WL_SEAT_CAPABILITY_POINTER && !p->pointer) {
		p->pointer = wl_seat_get_pointer(seat);
		wl_pointer_add_listener(p->pointer, &pointer_listener, p);
	}
	if (caps & WL_SEAT_CAPABILITY_KEYBOARD && !p->keyboard) {
		p->keyboard = wl_seat_get_keyboard(seat);
		wl_keyboard_add_listener(p->keyboard, &keyboard_listener, p);
	}
	if (caps & WL_SEAT_CAPABILITY_TOUCH && !p->touch) {
		p->touch = wl_seat_get_touch(seat);
		wl_touch_add_listener(p->touch, &touch_listener, p);
	}
}

static void on_seat_name(void *data, struct wl_seat *seat, const char *name)
{
}

static const struct wl_seat_listener seat_listener = {
	.capabilities = on_capabilities, .name = on_seat_name};

/* --- the connection --- */

static void on_global(
	void *data, struct wl_registry *r, uint32_t name, const char *interface, uint32_t version)
{
	struct probe *p = data;
	if (strcmp(interface, "wl_compositor") == 0)
		p->compositor = wl_registry_bind(r, name, &wl_compositor_interface, 4);
	else if (strcmp(interface, "wl_shm") == 0)
		p->shm = wl_registry_bind(r, name, &wl_shm_interface, 1);
	else if (strcmp(interface, "wl_seat") == 0 && !p->seat) {
		p->seat = wl_registry_bind(r, name, &wl_seat_interface, 5);
		wl_seat_add_listener(p->seat, &seat_listener, p);
	} else if (strcmp(interface, "xdg_wm_base") == 0) {
		p->shell = wl_registry_bind(r, name, &xdg_wm_base_interface, 1);
		xdg_wm_base_add_listener(p->shell, &shell_listener, p);
	}
}

static void on_global_gone(void *data, struct wl_registry *r, uint32_t name)
{
}

static const struct wl_registry_listener registry_listener = {
	.global = on_global, .global_remove = on_global_gone};

int main(int argc, char **argv)
{
	static struct probe p = {.width = 640, .height = 480};
	setvbuf(stdout, NULL, _IOLBF, 0);
	bool windowed = false;
	for (int i = 1; i < argc; i++) {
		p.moving |= strcmp(argv[i], "--moving") == 0;
		windowed |= strcmp(argv[i], "--windowed") == 0;
	}
	p.display = wl_display_connect(NULL);
	p.xkb = xkb_context_new(XKB_CONTEXT_NO_FLAGS);
	if (!p.display || !p.xkb) {
		fprintf(stderr, "wl_probe: no compositor at WAYLAND_DISPLAY\n");
		return 1;
	}
	wl_registry_add_listener(wl_display_get_registry(p.display), &registry_listener, &p);
	if (wl_display_roundtrip(p.display) < 0 || !p.compositor || !p.shm || !p.shell || !p.seat)
		return 1;
	p.surface = wl_compositor_create_surface(p.compositor);
	p.xdg_surface = xdg_wm_base_get_xdg_surface(p.shell, p.surface);
	xdg_surface_add_listener(p.xdg_surface, &surface_listener, &p);
	p.toplevel = xdg_surface_get_toplevel(p.xdg_surface);
	xdg_toplevel_add_listener(p.toplevel, &toplevel_listener, &p);
	xdg_toplevel_set_title(p.toplevel, "probe");
	if (!windowed)
		xdg_toplevel_set_fullscreen(p.toplevel, NULL);
	wl_surface_commit(p.surface);
	while (!p.closed && wl_display_dispatch(p.display) >= 0)
		;
	wl_display_disconnect(p.display);
	return 0;
}
