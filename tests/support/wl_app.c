/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/wl_app.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <wayland-client.h>

#include "relative-pointer-client.h"
#include "xdg-shell-client.h"

/*
 * wl_app --list                  says of each output `output NAME WIDTH HEIGHT MILLIHERTZ X Y`, and ends.
 * wl_app WIDTHxHEIGHT RRGGBB     shows its picture (wl_app.h) full screen on the output of that mode, waits for one.
 * It says `shown W H` when a picture of a new size is on the screen, `drawn N` each second while it moves, and what
 * input it gets (wl_app_seat.c). It reads `move` and `still`, and ends with its stdin or the compositor.
 */

#define MAX_OUTPUTS 32
#define N_BUFFERS   3 /* one shown, one waiting, one to draw on */
#define SIDE_MAX    8192

struct output {
	struct wl_output *wl; /* NULL = free */
	uint32_t global;
	char name[64];
	int32_t width, height, mhz, x, y;
};

struct buffer {
	struct wl_buffer *wl;
	uint32_t *pixels;
	bool busy;
};

static struct {
	struct wl_display *display;
	struct wl_registry *registry;
	struct wl_compositor *compositor;
	struct wl_shm *shm;
	struct wl_seat *seat;
	struct zwp_relative_pointer_manager_v1 *relative;
	struct xdg_wm_base *shell;
	struct wl_surface *surface;
	struct xdg_surface *xdg_surface;
	struct xdg_toplevel *toplevel;
	struct wl_callback *callback; /* of the newest picture; NULL = none is awaited */
	struct output outputs[MAX_OUTPUTS];
	struct buffer buffers[N_BUFFERS];
	size_t bytes;
	int32_t wanted_width, wanted_height;
	int32_t width, height, made_width, made_height, shown_width, shown_height;
	uint32_t colour, n_drawn, second_ms, second_drawn;
	bool moving, quit;
} app;

/* --- drawing --- */

static void fill(uint32_t *pixels, int32_t x0, int32_t y0, int32_t w, int32_t h, uint32_t rgb)
{
	for (int32_t y = y0; y < y0 + h; y++)
		for (int32_t x = x0; x < x0 + w; x++)
			pixels[(size_t)y * (size_t)app.made_width + (size_t)x] = rgb;
}

static void draw_still(uint32_t *pixels)
{
	const int32_t w = app.made_width, h = app.made_height, c = WL_APP_CORNER;
	fill(pixels, 0, 0, w, h, app.colour);
	if (w < 2 * c || h < 2 * c)
		return;
	fill(pixels, 0, 0, c, c, WL_APP_TOP_LEFT);
	fill(pixels, w - c, 0, c, c, WL_APP_TOP_RIGHT);
	fill(pixels, 0, h - c, c, c, WL_APP_BOTTOM_LEFT);
	fill(pixels, w - c, h - c, c, c, WL_APP_BOTTOM_RIGHT);
}

static void on_release(void *data, struct wl_buffer *wl)
{
	struct buffer *b = data;
	b->busy = false;
}

static const struct wl_buffer_listener buffer_listener = {.release = on_release};

static void make_buffer(struct buffer *b)
{
	if (b->wl) {
		wl_buffer_destroy(b->wl);
		munmap(b->pixels, app.bytes);
	}
	const size_t bytes = (size_t)app.width * (size_t)app.height * 4;
	const int fd = memfd_create("wl_app", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)bytes) < 0)
		exit(1);
	b->pixels = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (b->pixels == MAP_FAILED)
		exit(1);
	struct wl_shm_pool *pool = wl_shm_create_pool(app.shm, fd, (int32_t)bytes);
	b->wl = wl_shm_pool_create_buffer(
		pool, 0, app.width, app.height, app.width * 4, WL_SHM_FORMAT_XRGB8888);
	wl_buffer_add_listener(b->wl, &buffer_listener, b);
	wl_shm_pool_destroy(pool);
	close(fd);
	b->busy = false;
}

static void make_buffers(void)
{
	for (int i = 0; i < N_BUFFERS; i++)
		make_buffer(&app.buffers[i]);
	app.bytes = (size_t)app.width * (size_t)app.height * 4;
	app.made_width = app.width;
	app.made_height = app.height;
	for (int i = 0; i < N_BUFFERS; i++)
		draw_still(app.buffers[i].pixels);
}

static struct buffer *free_buffer(void)
{
	for (int i = 0; i < N_BUFFERS; i++)
		if (!app.buffers[i].busy)
			return &app.buffers[i];
	return &app.buffers[app.n_drawn % N_BUFFERS]; /* torn is better than stuck */
}

static void on_shown(void *data, struct wl_callback *callback, uint32_t time_ms);

static const struct wl_callback_listener callback_listener = {.done = on_shown};

static void draw(bool whole)
{
	struct buffer *b = free_buffer();
	const int32_t side = WL_APP_CELL, x0 = app.made_width / 2 - WL_APP_BITS / 2 * side,
		      y0 = app.made_height / 2 - side / 2;
	const bool room = app.made_width >= side * WL_APP_BITS && app.made_height >= side;
	for (int i = 0; i < WL_APP_BITS && app.moving && room; i++)
		fill(b->pixels, x0 + i * side, y0, side, side, app.n_drawn >> i & 1 ? 0xFFFFFF : 0);
	app.n_drawn++;
	if (app.callback)
		wl_callback_destroy(app.callback);
	app.callback = wl_surface_frame(app.surface);
	wl_callback_add_listener(app.callback, &callback_listener, NULL);
	b->busy = true;
	wl_surface_attach(app.surface, b->wl, 0, 0);
	if (whole)
		wl_surface_damage_buffer(app.surface, 0, 0, app.made_width, app.made_height);
	else
		wl_surface_damage_buffer(app.surface, x0, y0, WL_APP_BITS * side, side);
	wl_surface_commit(app.surface);
}

static void on_shown(void *data, struct wl_callback *callback, uint32_t time_ms)
{
	wl_callback_destroy(callback);
	app.callback = NULL;
	if (app.shown_width != app.made_width || app.shown_height != app.made_height) {
		app.shown_width = app.made_width;
		app.shown_height = app.made_height;
		printf("shown %d %d\n", app.shown_width, app.shown_height);
	}
	if (time_ms - app.second_ms >= 1000) {
		if (app.moving)
			printf("drawn %u\n", app.n_drawn - app.second_drawn);
		app.second_ms = time_ms;
		app.second_drawn = app.n_drawn;
	}
	if (app.moving)
		draw(false);
}

/* --- the window --- */

static void on_configure(void *data, struct xdg_surface *s, uint32_t serial)
{
	xdg_surface_ack_configure(s, serial);
	if (app.made_width == app.width && app.made_height == app.height) {
		wl_surface_commit(app.surface);
		return;
	}
	make_buffers();
	draw(true);
}

static const struct xdg_surface_listener surface_listener = {.configure = on_configure};

static void on_size(void *data, struct xdg_toplevel *t, int32_t w, int32_t h, struct wl_array *s)
{
	if (w > 0 && h > 0 && w <= SIDE_MAX && h <= SIDE_MAX) {
		app.width = w;
		app.height = h;
	}
}

static void on_close(void *data, struct xdg_toplevel *t)
{
	app.quit = true;
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

static void open_window(struct wl_output *output)
{
	app.width = app.wanted_width;
	app.height = app.wanted_height;
	app.surface = wl_compositor_create_surface(app.compositor);
	app.xdg_surface = xdg_wm_base_get_xdg_surface(app.shell, app.surface);
	xdg_surface_add_listener(app.xdg_surface, &surface_listener, NULL);
	app.toplevel = xdg_surface_get_toplevel(app.xdg_surface);
	xdg_toplevel_add_listener(app.toplevel, &toplevel_listener, NULL);
	xdg_toplevel_set_title(app.toplevel, "wl_app");
	xdg_toplevel_set_app_id(app.toplevel, "wl_app");
	xdg_toplevel_set_fullscreen(app.toplevel, output);
	wl_surface_commit(app.surface);
}

/* --- outputs --- */

static void on_geometry(void *data, struct wl_output *o, int32_t x, int32_t y, int32_t w_mm,
	int32_t h_mm, int32_t subpixel, const char *make, const char *model, int32_t transform)
{
	struct output *out = data;
	out->x = x;
	out->y = y;
}

static void on_mode(
	void *data, struct wl_output *o, uint32_t flags, int32_t w, int32_t h, int32_t mhz)
{
	struct output *out = data;
	if (!(flags & WL_OUTPUT_MODE_CURRENT))
		return;
	out->width = w;
	out->height = h;
	out->mhz = mhz;
}

static void on_done(void *data, struct wl_output *wl)
{
	struct output *o = data;
	if (!app.surface && o->width == app.wanted_width && o->height == app.wanted_height)
		open_window(wl);
}

static void on_scale(void *data, struct wl_output *wl, int32_t scale)
{
}

static void on_output_name(void *data, struct wl_output *wl, const char *name)
{
	struct output *o = data;
	snprintf(o->name, sizeof(o->name), "%s", name);
}

static void on_description(void *data, struct wl_output *wl, const char *text)
{
}

static const struct wl_output_listener output_listener = {.geometry = on_geometry,
	.mode = on_mode,
	.done = on_done,
	.scale = on_scale,
	.name = on_output_name,
	.description = on_description};

static void add_output(uint32_t global, uint32_t version)
{
	for (int i = 0; i < MAX_OUTPUTS; i++) {
		struct output *o = &app.outputs[i];
		if (o->wl)
			continue;
		*o = (struct output){.global = global, .name = "-"};
		o->wl = wl_registry_bind(
			app.registry, global, &wl_output_interface, version < 4 ? version : 4);
		wl_output_add_listener(o->wl, &output_listener, o);
		return;
	}
}

/* --- the connection --- */

static void on_global(
	void *data, struct wl_registry *r, uint32_t name, const char *interface, uint32_t version)
{
	if (!strcmp(interface, wl_compositor_interface.name))
		app.compositor = wl_registry_bind(r, name, &wl_compositor_interface, 4);
	else if (!strcmp(interface, wl_shm_interface.name))
		app.shm = wl_registry_bind(r, name, &wl_shm_interface, 1);
	else if (!strcmp(interface, wl_seat_interface.name) && !app.seat)
		app.seat = wl_registry_bind(r, name, &wl_seat_interface, 5);
	else if (!strcmp(interface, zwp_relative_pointer_manager_v1_interface.name))
		app.relative = wl_registry_bind(
			r, name, &zwp_relative_pointer_manager_v1_interface, 1);
	else if (!strcmp(interface, xdg_wm_base_interface.name))
		app.shell = wl_registry_bind(r, name, &xdg_wm_base_interface, 1);
	else if (!strcmp(interface, wl_output_interface.name))
		add_output(name, version);
}

static void on_global_gone(void *data, struct wl_registry *r, uint32_t name)
{
	for (int i = 0; i < MAX_OUTPUTS; i++) {
		if (app.outputs[i].wl && app.outputs[i].global == name) {
			wl_output_destroy(app.outputs[i].wl);
			app.outputs[i].wl = NULL;
		}
	}
}

static const struct wl_registry_listener registry_listener = {
	.global = on_global, .global_remove = on_global_gone};

static int list_outputs(void)
{
	for (int i = 0; i < MAX_OUTPUTS; i++) {
		const struct output *o = &app.outputs[i];
		if (o->wl)
			printf("output %s %d %d %d %d %d\n", o->name, o->width, o->height, o->mhz,
				o->x, o->y);
	}
	return 0;
}

static void read_commands(void)
{
	char text[256];
	const ssize_t n = read(STDIN_FILENO, text, sizeof(text) - 1);
	if (n <= 0) {
		app.quit = true;
		return;
	}
	text[n] = 0;
	const bool was = app.moving;
	app.moving = strstr(text, "move") != NULL;
	app.second_ms = 0;
	if (app.moving && !was && app.made_width)
		draw(false);
}

static int turn(void)
{
	struct pollfd fds[2] = {{.fd = wl_display_get_fd(app.display), .events = POLLIN},
		{.fd = STDIN_FILENO, .events = POLLIN}};
	while (wl_display_prepare_read(app.display) < 0)
		if (wl_display_dispatch_pending(app.display) < 0)
			return -1;
	wl_display_flush(app.display);
	if (poll(fds, 2, -1) < 0 && errno != EINTR) {
		wl_display_cancel_read(app.display);
		return -1;
	}
	if (fds[0].revents)
		wl_display_read_events(app.display);
	else
		wl_display_cancel_read(app.display);
	if (wl_display_dispatch_pending(app.display) < 0)
		return -1;
	if (fds[1].revents)
		read_commands();
	return 0;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	const bool list = argc == 2 && !strcmp(argv[1], "--list");
	if (!list &&
		(argc != 3 ||
			sscanf(argv[1], "%dx%d", &app.wanted_width, &app.wanted_height) != 2)) {
		fprintf(stderr, "wl_app: give --list, or WIDTHxHEIGHT RRGGBB\n");
		return 2;
	}
	app.colour = list ? 0 : (uint32_t)strtoul(argv[2], NULL, 16);
	app.display = wl_display_connect(NULL);
	if (!app.display) {
		fprintf(stderr, "wl_app: no compositor at $WAYLAND_DISPLAY\n");
		return 1;
	}
	app.registry = wl_display_get_registry(app.display);
	wl_registry_add_listener(app.registry, &registry_listener, NULL);
	if (wl_display_roundtrip(app.display) < 0 || !app.compositor || !app.shm || !app.shell) {
		fprintf(stderr, "wl_app: this compositor lacks wl_shm or xdg_wm_base\n");
		return 1;
	}
	xdg_wm_base_add_listener(app.shell, &shell_listener, NULL);
	if (app.seat)
		wl_app_seat_start(app.seat, app.relative);
	if (wl_display_roundtrip(app.display) < 0)
		return 1;
	if (list)
		return list_outputs();
	while (!app.quit && turn() >= 0)
		;
	wl_display_disconnect(app.display);
	return 0;
}
