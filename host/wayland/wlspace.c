/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/wayland/wlspace.h"

#include <string.h>

#include <wayland-client.h>

#include "core/wire/text.h"
#include "xdg-output-unstable-v1-client.h"

#define OUTPUT_VERSION 4u /* the first that tells an output's name */
/* The last that KWin of all ages has; before it, the name is told by wl_output just as well. */
#define XDG_VERSION 2u

static void output_geometry(void *data, struct wl_output *wl, int32_t x, int32_t y, int32_t w_mm,
	int32_t h_mm, int32_t subpixel, const char *make, const char *model, int32_t transform)
{
}

static void output_mode(void *data, struct wl_output *wl, uint32_t flags, int32_t width,
	int32_t height, int32_t refresh)
{
	struct wlspace_output *o = data;
	if (!(flags & WL_OUTPUT_MODE_CURRENT) || width <= 0 || height <= 0 || refresh < 0)
		return;
	o->mode_width = (uint32_t)width;
	o->mode_height = (uint32_t)height;
	o->mode_mhz = (uint32_t)refresh;
}

static void output_done(void *data, struct wl_output *wl)
{
}

static void output_scale(void *data, struct wl_output *wl, int32_t factor)
{
}

static void output_name(void *data, struct wl_output *wl, const char *name)
{
	struct wlspace_output *o = data;
	size_t len = strlen(name);
	if (len < sizeof(o->name) && pf_text_printable((const uint8_t *)name, len))
		memcpy(o->name, name, len + 1);
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

static void xdg_position(void *data, struct zxdg_output_v1 *xdg, int32_t x, int32_t y)
{
	struct wlspace_output *o = data;
	if (x < -WLSPACE_MAX_PLACE || x > WLSPACE_MAX_PLACE || y < -WLSPACE_MAX_PLACE ||
		y > WLSPACE_MAX_PLACE)
		return;
	o->x = x;
	o->y = y;
}

static void xdg_size(void *data, struct zxdg_output_v1 *xdg, int32_t width, int32_t height)
{
	struct wlspace_output *o = data;
	if (width <= 0 || width > WLSPACE_MAX_PLACE || height <= 0 || height > WLSPACE_MAX_PLACE)
		return;
	o->width = width;
	o->height = height;
}

static void xdg_done(void *data, struct zxdg_output_v1 *xdg)
{
}

static void xdg_text(void *data, struct zxdg_output_v1 *xdg, const char *text)
{
}

static const struct zxdg_output_v1_listener xdg_listener = {
	.logical_position = xdg_position,
	.logical_size = xdg_size,
	.done = xdg_done,
	.name = xdg_text,
	.description = xdg_text,
};

static void ask_place(struct wlspace *s, struct wlspace_output *o)
{
	if (!s->manager || !o->wl || o->xdg)
		return;
	o->xdg = zxdg_output_manager_v1_get_xdg_output(s->manager, o->wl);
	if (o->xdg)
		zxdg_output_v1_add_listener(o->xdg, &xdg_listener, o);
}

static void drop(struct wlspace_output *o)
{
	if (o->xdg)
		zxdg_output_v1_destroy(o->xdg);
	if (o->wl)
		wl_output_release(o->wl);
	memset(o, 0, sizeof(*o));
}

static void add_output(struct wlspace *s, struct wl_registry *registry, uint32_t global)
{
	for (size_t i = 0; i < WLSPACE_MAX_OUTPUTS; i++) {
		struct wlspace_output *o = &s->outputs[i];
		if (o->wl)
			continue;
		o->wl = wl_registry_bind(registry, global, &wl_output_interface, OUTPUT_VERSION);
		if (!o->wl)
			return;
		o->global = global;
		wl_output_add_listener(o->wl, &output_listener, o);
		ask_place(s, o);
		return;
	}
}

void wlspace_global(struct wlspace *s, struct wl_registry *registry, uint32_t global,
	const char *interface, uint32_t version)
{
	if (!strcmp(interface, wl_output_interface.name) && version >= OUTPUT_VERSION) {
		add_output(s, registry, global);
	} else if (!strcmp(interface, zxdg_output_manager_v1_interface.name) && !s->manager &&
		version >= XDG_VERSION) {
		s->manager = wl_registry_bind(
			registry, global, &zxdg_output_manager_v1_interface, XDG_VERSION);
		for (size_t i = 0; i < WLSPACE_MAX_OUTPUTS; i++)
			ask_place(s, &s->outputs[i]);
	}
}

void wlspace_global_remove(struct wlspace *s, uint32_t global)
{
	for (size_t i = 0; i < WLSPACE_MAX_OUTPUTS; i++) {
		if (s->outputs[i].wl && s->outputs[i].global == global)
			drop(&s->outputs[i]);
	}
}

const struct wlspace_output *wlspace_find(const struct wlspace *s, const char *name)
{
	for (size_t i = 0; i < WLSPACE_MAX_OUTPUTS; i++) {
		const struct wlspace_output *o = &s->outputs[i];
		if (o->wl && o->width && o->mode_width && !strcmp(o->name, name))
			return o;
	}
	return NULL;
}

void wlspace_finish(struct wlspace *s)
{
	for (size_t i = 0; i < WLSPACE_MAX_OUTPUTS; i++)
		drop(&s->outputs[i]);
	if (s->manager)
		zxdg_output_manager_v1_destroy(s->manager);
	memset(s, 0, sizeof(*s));
}
