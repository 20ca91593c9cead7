/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/fake_kwin.h"

#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/fake_kwin_private.h"
#include "xdg-output-unstable-v1-server.h"
#include "zkde-screencast-unstable-v1-server.h"

#define NODE 77u

void fake_kwin_note(struct fake_kwin *f, const char *format, ...)
{
	const size_t at = strlen(f->lines);
	if (at + FAKE_LINE > sizeof(f->lines))
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(f->lines + at, FAKE_LINE - 1, format, args);
	va_end(args);
	strcat(f->lines, "\n");
}

/* --- outputs --- */

static void tell_wl(struct fake_output *o, struct wl_resource *r)
{
	const struct fake_mode *m = &o->modes[o->current];
	const bool wild = o->is_virtual && o->f->params.trick == FAKE_KWIN_WILD_PLACE;
	wl_output_send_geometry(r, o->x, o->y, 0, 0, 0, "", "", 0);
	wl_output_send_mode(r, WL_OUTPUT_MODE_CURRENT, wild ? -5 : (int32_t)m->width,
		(int32_t)m->height, wild ? -1 : (int32_t)m->mhz);
	wl_output_send_scale(r, 1);
	wl_output_send_done(r);
}

static void tell_xdg(struct fake_output *o, struct wl_resource *r)
{
	const struct fake_mode *m = &o->modes[o->current];
	const bool wild = o->is_virtual && o->f->params.trick == FAKE_KWIN_WILD_PLACE;
	zxdg_output_v1_send_logical_position(r, wild ? INT32_MAX : o->x, o->y);
	zxdg_output_v1_send_logical_size(r, wild ? INT32_MIN : (int32_t)(m->width / o->scale),
		(int32_t)(m->height / o->scale));
}

void fake_output_tell(struct fake_output *o)
{
	for (size_t i = 0; i < FAKE_CLIENTS; i++) {
		if (o->wl[i])
			tell_wl(o, o->wl[i]);
		if (o->xdg[i])
			tell_xdg(o, o->xdg[i]);
	}
}

/* From old to new in one of the lists of who listens. */
static void swap(struct wl_resource **list, struct wl_resource *old, struct wl_resource *new)
{
	for (size_t i = 0; i < FAKE_CLIENTS; i++) {
		if (list[i] == old) {
			list[i] = new;
			return;
		}
	}
}

static void forget_wl(struct wl_resource *r)
{
	struct fake_output *o = wl_resource_get_user_data(r);
	if (o)
		swap(o->wl, r, NULL);
}

static void forget_xdg(struct wl_resource *r)
{
	struct fake_output *o = wl_resource_get_user_data(r);
	if (o)
		swap(o->xdg, r, NULL);
}

static void destroy_resource(struct wl_client *client, struct wl_resource *r)
{
	wl_resource_destroy(r);
}

static const struct wl_output_interface output_impl = {.release = destroy_resource};

static void bind_output(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct fake_output *o = data;
	struct wl_resource *r = wl_resource_create(client, &wl_output_interface, (int)version, id);
	wl_resource_set_implementation(r, &output_impl, o, forget_wl);
	swap(o->wl, NULL, r);
	if (o->is_virtual && o->f->params.trick == FAKE_KWIN_WILD_PLACE) {
		char name[300];
		memset(name, '\x1b', sizeof(name) - 1);
		name[sizeof(name) - 1] = 0;
		wl_output_send_name(r, name);
	} else {
		wl_output_send_name(r, o->name);
	}
	tell_wl(o, r);
}

struct fake_output *fake_output_add(
	struct fake_kwin *f, const char *name, uint32_t width, uint32_t height, bool is_virtual)
{
	size_t i = 0;
	while (i < FAKE_OUTPUTS && f->outputs[i].f)
		i++;
	if (i == FAKE_OUTPUTS)
		return NULL;
	struct fake_output *o = &f->outputs[i];
	*o = (struct fake_output){.f = f, .is_virtual = is_virtual, .scale = 1};
	snprintf(o->name, sizeof(o->name), "%s%s", is_virtual ? "Virtual-" : "", name);
	o->x = is_virtual ? 1920 : 0;
	o->modes[0] = (struct fake_mode){
		.output = o, .width = width, .height = height, .mhz = 60000};
	if (is_virtual && f->params.trick == FAKE_KWIN_REMEMBERS) {
		o->modes[1] = (struct fake_mode){
			.output = o, .width = 1366, .height = 768, .mhz = 75005, .custom = true};
		o->current = 1;
	}
	o->global = wl_global_create(f->display, &wl_output_interface, 4, o, bind_output);
	fake_modes_announce(o);
	return o;
}

void fake_output_drop(struct fake_output *o)
{
	fake_modes_drop(o);
	wl_global_destroy(o->global);
	for (size_t i = 0; i < FAKE_CLIENTS; i++) {
		if (o->wl[i])
			wl_resource_set_user_data(o->wl[i], NULL);
		if (o->xdg[i])
			wl_resource_set_user_data(o->xdg[i], NULL);
	}
	if (o->stream)
		wl_resource_set_user_data(o->stream, NULL);
	memset(o, 0, sizeof(*o));
}

static const struct zxdg_output_v1_interface xdg_impl = {.destroy = destroy_resource};

static void get_xdg(
	struct wl_client *client, struct wl_resource *r, uint32_t id, struct wl_resource *output)
{
	struct fake_output *o = wl_resource_get_user_data(output);
	struct wl_resource *xdg = wl_resource_create(
		client, &zxdg_output_v1_interface, wl_resource_get_version(r), id);
	wl_resource_set_implementation(xdg, &xdg_impl, o, forget_xdg);
	if (!o)
		return;
	swap(o->xdg, NULL, xdg);
	tell_xdg(o, xdg);
}

static const struct zxdg_output_manager_v1_interface xdg_manager_impl = {destroy_resource, get_xdg};

static void bind_xdg(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(
		client, &zxdg_output_manager_v1_interface, (int)version, id);
	wl_resource_set_implementation(r, &xdg_manager_impl, data, NULL);
}

/* --- streams --- */

static void forget_stream(struct wl_resource *r)
{
	struct fake_output *o = wl_resource_get_user_data(r);
	if (!o)
		return;
	fake_kwin_note(o->f, "close %s", o->name);
	fake_output_drop(o);
}

static const struct zkde_screencast_stream_unstable_v1_interface stream_impl = {
	.close = destroy_resource};

static void answer_stream(struct fake_kwin *f, struct wl_resource *stream, const char *name,
	int32_t width, int32_t height)
{
	struct fake_output *o = NULL;
	const enum fake_kwin_trick t = f->params.trick;
	const char *error = f->params.error ? f->params.error : "Could not find output";
	if (t == FAKE_KWIN_REFUSES)
		zkde_screencast_stream_unstable_v1_send_failed(stream, error);
	else if (t == FAKE_KWIN_CLOSES)
		zkde_screencast_stream_unstable_v1_send_closed(stream);
	else if (t == FAKE_KWIN_HANGS)
		f->hanging = true;
	else if (t == FAKE_KWIN_DIES)
		f->died = true;
	if (t == FAKE_KWIN_REFUSES || t == FAKE_KWIN_CLOSES || t == FAKE_KWIN_HANGS ||
		t == FAKE_KWIN_DIES || t == FAKE_KWIN_SILENT)
		return;
	if (t == FAKE_KWIN_OTHER_SIZE)
		o = fake_output_add(f, name, 800, 600, true);
	else if (t != FAKE_KWIN_NO_OUTPUT)
		o = fake_output_add(f, name, (uint32_t)width, (uint32_t)height, true);
	if (o) {
		o->stream = stream;
		o->scale = t == FAKE_KWIN_OTHER_SIZE ? 2 : 1;
		wl_resource_set_user_data(stream, o);
	}
	zkde_screencast_stream_unstable_v1_send_created(stream,
		t == FAKE_KWIN_NODE_ZERO	   ? 0
			: t == FAKE_KWIN_NODE_NONE ? UINT32_MAX
						   : NODE + (o ? (uint32_t)(o - f->outputs) : 0));
}

static struct wl_resource *new_stream(
	struct wl_client *client, struct wl_resource *manager, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(client,
		&zkde_screencast_stream_unstable_v1_interface, wl_resource_get_version(manager),
		id);
	wl_resource_set_implementation(r, &stream_impl, NULL, forget_stream);
	return r;
}

static void stream_virtual(struct wl_client *client, struct wl_resource *r, uint32_t id,
	const char *name, int32_t width, int32_t height, wl_fixed_t scale, uint32_t pointer)
{
	struct fake_kwin *f = wl_resource_get_user_data(r);
	struct wl_resource *stream = new_stream(client, r, id);
	fake_kwin_note(f, "stream %s %dx%d scale %.2f pointer %u", name, width, height,
		wl_fixed_to_double(scale), pointer);
	answer_stream(f, stream, name, width, height);
}

static void stream_described(struct wl_client *client, struct wl_resource *r, uint32_t id,
	const char *name, const char *description, int32_t width, int32_t height, wl_fixed_t scale,
	uint32_t pointer)
{
	fake_kwin_note(wl_resource_get_user_data(r), "described %s", description);
	stream_virtual(client, r, id, name, width, height, scale, pointer);
}

static const struct zkde_screencast_unstable_v1_interface screencast_impl = {
	.destroy = destroy_resource,
	.stream_virtual_output = stream_virtual,
	.stream_virtual_output_with_description = stream_described,
};

static void bind_screencast(struct wl_client *client, void *data, uint32_t version, uint32_t id)
{
	struct wl_resource *r = wl_resource_create(
		client, &zkde_screencast_unstable_v1_interface, (int)version, id);
	wl_resource_set_implementation(r, &screencast_impl, data, NULL);
}

/* --- the thread --- */

static void *run(void *data)
{
	struct fake_kwin *f = data;
	struct wl_event_loop *loop = wl_display_get_event_loop(f->display);
	struct pollfd fds[2] = {{.fd = wl_event_loop_get_fd(loop), .events = POLLIN},
		{.fd = f->wake[0], .events = POLLIN}};
	char byte;
	pthread_mutex_lock(&f->lock);
	while (!f->quit && !f->died) {
		const bool deaf = f->paused || f->hanging;
		if (!deaf)
			wl_display_flush_clients(f->display);
		pthread_mutex_unlock(&f->lock);
		fds[0].fd = deaf ? -1 : wl_event_loop_get_fd(loop);
		poll(fds, 2, -1);
		if (fds[1].revents & POLLIN && read(f->wake[0], &byte, 1) < 0)
			abort();
		pthread_mutex_lock(&f->lock);
		if (!f->paused && !f->hanging)
			wl_event_loop_dispatch(loop, 0);
	}
	wl_display_destroy_clients(f->display);
	wl_display_destroy(f->display);
	f->died = true;
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

static void wake(struct fake_kwin *f)
{
	if (write(f->wake[1], "w", 1) != 1)
		abort();
}

struct fake_kwin *fake_kwin_start(const char *path, const struct fake_kwin_params *params)
{
	struct fake_kwin *f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->params = *params;
	f->display = wl_display_create();
	if (!f->display || pipe(f->wake) < 0 || pthread_mutex_init(&f->lock, NULL) ||
		wl_display_add_socket(f->display, path) < 0)
		abort();
	wl_global_create(f->display, &zxdg_output_manager_v1_interface, 3, f, bind_xdg);
	if (params->screencast_version)
		wl_global_create(f->display, &zkde_screencast_unstable_v1_interface,
			(int)params->screencast_version, f, bind_screencast);
	fake_input_init(f);
	fake_modes_init(f);
	fake_output_add(f, "DP-1", 1920, 1080, false);
	if (pthread_create(&f->thread, NULL, run, f))
		abort();
	return f;
}

void fake_kwin_stop(struct fake_kwin *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->quit = true;
	pthread_mutex_unlock(&f->lock);
	wake(f);
	pthread_join(f->thread, NULL);
	close(f->wake[0]);
	close(f->wake[1]);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static size_t count(struct fake_kwin *f)
{
	size_t n = 0;
	for (size_t i = 0; i < FAKE_OUTPUTS; i++)
		n += f->outputs[i].f && f->outputs[i].is_virtual;
	return n;
}

static bool has_line(struct fake_kwin *f, const char *begin)
{
	const size_t len = strlen(begin);
	for (const char *at = f->lines; *at; at = strchr(at, '\n') + 1) {
		if (!strncmp(at, begin, len))
			return true;
	}
	return false;
}

static bool within_2_s(struct fake_kwin *f, const char *begin, size_t outputs)
{
	const struct timespec pause = {.tv_nsec = 2000000};
	bool good = false;
	for (int n = 0; n < 1000 && !good; n++) {
		if (n)
			nanosleep(&pause, NULL);
		pthread_mutex_lock(&f->lock);
		good = begin ? has_line(f, begin) : count(f) == outputs;
		pthread_mutex_unlock(&f->lock);
	}
	if (!good)
		fprintf(stderr, "the fake KWin saw:\n%s", f->lines);
	return good;
}

void fake_kwin_forget(struct fake_kwin *f)
{
	pthread_mutex_lock(&f->lock);
	f->lines[0] = 0;
	pthread_mutex_unlock(&f->lock);
}

bool fake_kwin_saw(struct fake_kwin *f, const char *begin)
{
	return within_2_s(f, begin, 0);
}

bool fake_kwin_has_outputs(struct fake_kwin *f, size_t n)
{
	return within_2_s(f, NULL, n);
}

static struct fake_output *nth(struct fake_kwin *f, size_t i)
{
	for (struct fake_output *o = f->outputs; o < f->outputs + FAKE_OUTPUTS; o++) {
		if (o->f && o->is_virtual && i-- == 0)
			return o;
	}
	return NULL;
}

bool fake_kwin_mode(struct fake_kwin *f, size_t i, uint32_t *width, uint32_t *height, uint32_t *mhz)
{
	pthread_mutex_lock(&f->lock);
	const struct fake_output *o = nth(f, i);
	if (o) {
		*width = o->modes[o->current].width;
		*height = o->modes[o->current].height;
		*mhz = o->modes[o->current].mhz;
	}
	pthread_mutex_unlock(&f->lock);
	return o;
}

void fake_kwin_move(struct fake_kwin *f, size_t i, int32_t x, int32_t y)
{
	pthread_mutex_lock(&f->lock);
	struct fake_output *o = nth(f, i);
	if (o) {
		o->x = x;
		o->y = y;
		fake_output_tell(o);
		wl_display_flush_clients(f->display);
	}
	pthread_mutex_unlock(&f->lock);
}

void fake_kwin_pause(struct fake_kwin *f, bool paused)
{
	pthread_mutex_lock(&f->lock);
	f->paused = paused;
	pthread_mutex_unlock(&f->lock);
	wake(f);
}

/* --- where it listens --- */

int fake_kwin_place_make(struct fake_kwin_place *place)
{
	const char *tmp = getenv("TMPDIR");
	const int n = snprintf(
		place->dir, sizeof(place->dir), "%s/kwin.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (n < 0 || (size_t)n >= sizeof(place->dir) || !mkdtemp(place->dir))
		return -1;
	snprintf(place->path, sizeof(place->path), "%s/wayland-0", place->dir);
	setenv("XDG_RUNTIME_DIR", place->dir, 1);
	unsetenv("WAYLAND_DISPLAY");
	return 0;
}

void fake_kwin_place_remove(struct fake_kwin_place *place)
{
	char lock[128];
	snprintf(lock, sizeof(lock), "%s.lock", place->path);
	unlink(lock);
	unlink(place->path);
	rmdir(place->dir);
}
