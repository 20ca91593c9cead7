/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/wayland/wlconn.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include <wayland-client.h>

#include "host/base/local.h"
#include "host/media/clock.h"

#define ANSWER_WAIT_MS 2000 /* a compositor that is alive answers in a few */
#define OUTPUT_VERSION 4u   /* the first that tells an output's name */

static void output_name(void *data, struct wl_output *wl, const char *name)
{
	struct wlconn_output *o = data;
	struct wlconn *c = o->owner;
	if (!c->output_name || strcmp(name, c->output_name) != 0)
		return;
	c->output = wl;
	c->output_global = o->global;
}

static void output_geometry(void *data, struct wl_output *wl, int32_t x, int32_t y, int32_t w_mm,
	int32_t h_mm, int32_t subpixel, const char *make, const char *model, int32_t transform)
{
}

static void output_mode(void *data, struct wl_output *wl, uint32_t flags, int32_t width,
	int32_t height, int32_t refresh)
{
	struct wlconn_output *o = data;
	if (flags & WL_OUTPUT_MODE_CURRENT)
		o->refresh_mhz = refresh > 0 ? (uint32_t)refresh : 0;
}

static void output_done(void *data, struct wl_output *wl)
{
}

static void output_scale(void *data, struct wl_output *wl, int32_t factor)
{
}

static void output_description(void *data, struct wl_output *wl, const char *description)
{
}

static const struct wl_output_listener output_listener = {
	.geometry = output_geometry,
	.mode = output_mode,
	.done = output_done,
	.scale = output_scale,
	.name = output_name,
	.description = output_description,
};

static void add_output(struct wlconn *c, uint32_t global)
{
	if (c->n_outputs == WLCONN_MAX_OUTPUTS)
		return;
	struct wl_output *wl = wl_registry_bind(
		c->registry, global, &wl_output_interface, OUTPUT_VERSION);
	if (!wl)
		return;
	struct wlconn_output *o = &c->outputs[c->n_outputs++];
	*o = (struct wlconn_output){.wl = wl, .global = global, .owner = c};
	wl_output_add_listener(wl, &output_listener, o);
}

static void registry_global(void *data, struct wl_registry *registry, uint32_t name,
	const char *interface, uint32_t version)
{
	struct wlconn *c = data;
	if (!strcmp(interface, wl_output_interface.name) && version >= OUTPUT_VERSION) {
		add_output(c, name);
		return;
	}
	for (size_t i = 0; i < c->n_binds; i++) {
		const struct wlconn_bind *b = &c->binds[i];
		if (strcmp(interface, b->interface->name) != 0 || version < b->version || *b->slot)
			continue;
		*b->slot = wl_registry_bind(registry, name, b->interface, b->version);
		if (*b->slot && b->listener)
			wl_proxy_add_listener(
				*b->slot, (void (**)(void))(uintptr_t)b->listener, b->userdata);
	}
}

static void registry_global_remove(void *data, struct wl_registry *registry, uint32_t name)
{
	struct wlconn *c = data;
	if (c->output && name == c->output_global)
		c->output_gone = true;
}

static const struct wl_registry_listener registry_listener = {
	.global = registry_global,
	.global_remove = registry_global_remove,
};

static int die(struct wlconn *c)
{
	c->dead = true;
	return PF_E_CLOSED;
}

uint32_t wlconn_refresh_mhz(const struct wlconn *c)
{
	for (size_t i = 0; i < c->n_outputs; i++)
		if (c->outputs[i].wl == c->output)
			return c->outputs[i].refresh_mhz;
	return 0;
}

int wlconn_dispatch_pending(struct wlconn *c)
{
	if (c->dead || wl_display_dispatch_pending(c->display) < 0)
		return die(c);
	return PF_OK;
}

int wlconn_turn(struct wlconn *c, int timeout_ms, int wake_fd)
{
	while (wl_display_prepare_read(c->display) != 0)
		if (wlconn_dispatch_pending(c) < 0)
			return PF_E_CLOSED;
	struct pollfd fds[2] = {
		{.fd = wl_display_get_fd(c->display), .events = POLLIN},
		{.fd = wake_fd, .events = POLLIN},
	};
	if (wl_display_flush(c->display) < 0) {
		if (errno != EAGAIN) {
			wl_display_cancel_read(c->display);
			return die(c);
		}
		fds[0].events |= POLLOUT;
	}
	int n = poll(fds, 2, timeout_ms);
	if (n > 0 && fds[0].revents & (POLLIN | POLLHUP | POLLERR)) {
		if (wl_display_read_events(c->display) < 0)
			return die(c);
	} else {
		wl_display_cancel_read(c->display);
	}
	return wlconn_dispatch_pending(c);
}

static void sync_done(void *data, struct wl_callback *callback, uint32_t serial)
{
	*(bool *)data = true;
}

static const struct wl_callback_listener sync_listener = {.done = sync_done};

int wlconn_round_trip(struct wlconn *c)
{
	bool done = false;
	int err = PF_OK;
	uint64_t until_ns = clock_now_ns() + ANSWER_WAIT_MS * 1000000ull;
	struct wl_callback *sync = wl_display_sync(c->display);
	if (!sync)
		return PF_E_NOMEM;
	wl_callback_add_listener(sync, &sync_listener, &done);
	while (!done && err >= 0) {
		uint64_t now_ns = clock_now_ns();
		if (now_ns >= until_ns)
			err = PF_E_TIMEOUT;
		else
			err = wlconn_turn(c, (int)((until_ns - now_ns) / 1000000u) + 1, -1);
	}
	wl_callback_destroy(sync);
	return done ? PF_OK : err;
}

int wlconn_open(struct wlconn *c, const char *display, const char *output_name_wanted,
	const struct wlconn_bind *binds, size_t n_binds)
{
	c->binds = binds;
	c->n_binds = n_binds;
	c->output_name = output_name_wanted;
	if (display && *display == '/') {
		const int fd = local_connect(display);
		if (fd < 0)
			return fd == PF_E_TIMEOUT ? fd : PF_E_IO;
		c->display = wl_display_connect_to_fd(fd); /* which closes it when it fails */
	} else {
		c->display = wl_display_connect(display && *display ? display : NULL);
	}
	if (!c->display)
		return PF_E_IO;
	c->registry = wl_display_get_registry(c->display);
	if (!c->registry)
		return PF_E_NOMEM;
	wl_registry_add_listener(c->registry, &registry_listener, c);
	int err = wlconn_round_trip(c); /* the globals */
	if (err >= 0)
		err = wlconn_round_trip(c); /* the outputs' names */
	return err;
}

void wlconn_close(struct wlconn *c)
{
	for (size_t i = 0; i < c->n_outputs; i++)
		wl_output_destroy(c->outputs[i].wl);
	if (c->registry)
		wl_registry_destroy(c->registry);
	if (c->display)
		wl_display_disconnect(c->display);
	memset(c, 0, sizeof(*c));
}
