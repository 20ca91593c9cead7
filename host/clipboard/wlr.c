/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <unistd.h>

#include <wayland-client.h>

#include "host/base/loop.h"
#include "host/clipboard/clipboard.h"
#include "host/wayland/wlconn.h"
#include "wlr-data-control-unstable-v1-client.h"

/* wlr-data-control: the selection of the first seat, without a window or the focus. Not the primary one. */

/* What UTF-8 text is called, the best name first: the others are how X11 programs ask. */
static const char *const text_names[] = {
	"text/plain;charset=utf-8", "UTF8_STRING", "text/plain", "TEXT", "STRING"};
#define N_NAMES	 (sizeof(text_names) / sizeof(text_names[0]))
#define NOT_TEXT N_NAMES

struct offered {
	struct zwlr_data_control_offer_v1 *wl; /* NULL = none */
	size_t name;			       /* of text_names; NOT_TEXT = none of them */
	bool ours;
};

struct wlr_clipboard {
	struct clipboard base;
	char display_name[128];
	char mark[64]; /* a MIME name that only our offers have: they come back as the selection */
	struct wlconn conn;
	struct wlconn_bind binds[2];
	struct wl_seat *seat;
	struct zwlr_data_control_manager_v1 *manager;
	struct zwlr_data_control_device_v1 *device;
	struct zwlr_data_control_source_v1 *source; /* ours, selected; NULL = it is not */
	struct offered next, selection;
	struct loop_source *socket;
	bool stalled, lost; /* stalled: the compositor reads nothing */
};

static struct wlr_clipboard *from_base(struct clipboard *base)
{
	pf_check(base->impl == &clipboard_wlr_impl);
	return (struct wlr_clipboard *)base;
}

static void lose(struct wlr_clipboard *w, const char *why)
{
	loop_remove(&w->socket);
	if (!w->lost && w->base.params.on_lost)
		w->base.params.on_lost(why, w->base.params.userdata);
	w->lost = true;
}

/* As in inject/wlr.c: what does not fit libwayland's buffer would end the connection. */
static void send_out(struct wlr_clipboard *w)
{
	if (wl_display_flush(w->conn.display) >= 0)
		return;
	if (errno != EAGAIN) {
		lose(w, "the compositor is gone");
		return;
	}
	w->stalled = true;
	if (w->socket)
		loop_set_events(w->socket, EPOLLIN | EPOLLOUT);
}

static void on_socket(uint32_t events, void *userdata)
{
	struct wlr_clipboard *w = userdata;
	(void)events;
	if (wlconn_turn(&w->conn, 0, -1) < 0) {
		lose(w, "the compositor is gone");
		return;
	}
	if (!w->socket || !w->stalled || wl_display_flush(w->conn.display) < 0)
		return;
	w->stalled = false;
	loop_set_events(w->socket, EPOLLIN);
}

/* --- what others select --- */

static void drop_offered(struct offered *o)
{
	if (o->wl)
		zwlr_data_control_offer_v1_destroy(o->wl);
	*o = (struct offered){.name = NOT_TEXT};
}

static void offer_offer(void *data, struct zwlr_data_control_offer_v1 *wl, const char *mime)
{
	struct wlr_clipboard *w = data;
	if (wl != w->next.wl)
		return;
	if (!strcmp(mime, w->mark))
		w->next.ours = true;
	for (size_t i = 0; i < w->next.name; i++)
		if (!strcmp(mime, text_names[i]))
			w->next.name = i;
}

static const struct zwlr_data_control_offer_v1_listener offer_listener = {.offer = offer_offer};

static void device_data_offer(void *data, struct zwlr_data_control_device_v1 *device,
	struct zwlr_data_control_offer_v1 *wl)
{
	struct wlr_clipboard *w = data;
	(void)device;
	drop_offered(&w->next);
	w->next.wl = wl;
	zwlr_data_control_offer_v1_add_listener(wl, &offer_listener, w);
}

static void device_selection(void *data, struct zwlr_data_control_device_v1 *device,
	struct zwlr_data_control_offer_v1 *wl)
{
	struct wlr_clipboard *w = data;
	(void)device;
	drop_offered(&w->selection);
	if (wl && wl == w->next.wl) {
		w->selection = w->next;
		w->next = (struct offered){.name = NOT_TEXT};
	}
	if (!w->selection.ours)
		clipboard_selected(&w->base, w->selection.name != NOT_TEXT);
}

static void device_finished(void *data, struct zwlr_data_control_device_v1 *device)
{
	(void)device;
	lose(data, "the compositor took the clipboard back");
}

static const struct zwlr_data_control_device_v1_listener device_listener = {
	.data_offer = device_data_offer,
	.selection = device_selection,
	.finished = device_finished,
};

static int receive(struct clipboard *base, int fd)
{
	struct wlr_clipboard *w = from_base(base);
	if (w->lost)
		return PF_E_CLOSED;
	if (w->stalled)
		return PF_E_AGAIN;
	if (!w->selection.wl || w->selection.ours || w->selection.name == NOT_TEXT)
		return PF_E_IO;
	zwlr_data_control_offer_v1_receive(w->selection.wl, text_names[w->selection.name], fd);
	send_out(w);
	return PF_OK;
}

/* --- what we offer --- */

static void source_send(
	void *data, struct zwlr_data_control_source_v1 *source, const char *mime, int fd)
{
	struct wlr_clipboard *w = data;
	bool text = false;
	for (size_t i = 0; i < N_NAMES; i++)
		text |= !strcmp(mime, text_names[i]);
	if (text && source == w->source)
		clipboard_pasted(&w->base, fd);
	else
		close(fd);
}

static void source_cancelled(void *data, struct zwlr_data_control_source_v1 *source)
{
	struct wlr_clipboard *w = data;
	if (source != w->source)
		return;
	zwlr_data_control_source_v1_destroy(source);
	w->source = NULL;
}

static const struct zwlr_data_control_source_v1_listener source_listener = {
	.send = source_send,
	.cancelled = source_cancelled,
};

static int offer(struct clipboard *base, bool on)
{
	struct wlr_clipboard *w = from_base(base);
	struct zwlr_data_control_source_v1 *old = w->source, *source = NULL;
	if (w->lost)
		return PF_E_CLOSED;
	if (w->stalled)
		return PF_E_AGAIN;
	if (on) {
		source = zwlr_data_control_manager_v1_create_data_source(w->manager);
		if (!source)
			return PF_E_NOMEM;
		zwlr_data_control_source_v1_add_listener(source, &source_listener, w);
		for (size_t i = 0; i < N_NAMES; i++)
			zwlr_data_control_source_v1_offer(source, text_names[i]);
		zwlr_data_control_source_v1_offer(source, w->mark);
		zwlr_data_control_device_v1_set_selection(w->device, source);
	}
	w->source = source;
	/* A source that goes takes only its own selection with it. */
	if (old)
		zwlr_data_control_source_v1_destroy(old);
	send_out(w);
	return PF_OK;
}

/* --- the backend --- */

static void destroy(struct clipboard *base)
{
	struct wlr_clipboard *w = from_base(base);
	loop_remove(&w->socket);
	drop_offered(&w->next);
	drop_offered(&w->selection);
	if (w->source)
		zwlr_data_control_source_v1_destroy(w->source);
	if (w->device)
		zwlr_data_control_device_v1_destroy(w->device);
	if (w->manager)
		zwlr_data_control_manager_v1_destroy(w->manager);
	if (w->seat)
		wl_seat_destroy(w->seat);
	if (w->conn.display)
		wl_display_flush(w->conn.display);
	wlconn_close(&w->conn);
	free(w);
}

static int make_mark(struct wlr_clipboard *w)
{
	uint64_t random[2];
	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return PF_E_IO;
	snprintf(w->mark, sizeof(w->mark), "application/x-punktfunk-%016llx%016llx",
		(unsigned long long)random[0], (unsigned long long)random[1]);
	return PF_OK;
}

static int open_compositor(struct wlr_clipboard *w)
{
	w->binds[0] = (struct wlconn_bind){&wl_seat_interface, 1, (void **)&w->seat};
	w->binds[1] = (struct wlconn_bind){
		&zwlr_data_control_manager_v1_interface, 1, (void **)&w->manager};
	int err = wlconn_open(&w->conn, w->display_name, NULL, w->binds, 2);
	if (err < 0)
		return err;
	if (!w->seat || !w->manager)
		return PF_E_UNSUPPORTED;
	w->device = zwlr_data_control_manager_v1_get_data_device(w->manager, w->seat);
	if (!w->device)
		return PF_E_NOMEM;
	zwlr_data_control_device_v1_add_listener(w->device, &device_listener, w);
	err = loop_add_fd(w->base.params.loop, &w->socket, wl_display_get_fd(w->conn.display),
		EPOLLIN, on_socket, w);
	if (err >= 0)
		send_out(w);
	return err;
}

static int create(struct clipboard **out, const struct clipboard_params *params)
{
	struct wlr_clipboard *w = calloc(1, sizeof(*w));
	if (!w)
		return PF_E_NOMEM;
	w->base.impl = &clipboard_wlr_impl;
	w->base.params = *params;
	w->next.name = w->selection.name = NOT_TEXT;
	int n = snprintf(w->display_name, sizeof(w->display_name), "%s",
		params->wayland_display ? params->wayland_display : "");
	int err = n < (int)sizeof(w->display_name) ? make_mark(w) : PF_E_INVALID;
	if (err >= 0)
		err = open_compositor(w);
	if (err < 0) {
		destroy(&w->base);
		return err;
	}
	*out = &w->base;
	return PF_OK;
}

const struct clipboard_impl clipboard_wlr_impl = {
	.name = "wlr",
	.create = create,
	.destroy = destroy,
	.offer = offer,
	.receive = receive,
};
