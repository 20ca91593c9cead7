/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_WAYLAND_WLCONN_H
#define HOST_WAYLAND_WLCONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

struct wl_display;
struct wl_interface;
struct wl_output;
struct wl_registry;

/*
 * A connection to a compositor: its globals bound, one of its outputs found by name, and waits that a
 * hung compositor cannot hold for ever. Thread: one at a time.
 */

#define WLCONN_MAX_OUTPUTS 64u

/* A global that is wanted: *slot gets the bound object, or stays NULL when it is missing or too old. */
struct wlconn_bind {
	const struct wl_interface *interface;
	uint32_t version; /* bound as this; an older global counts as missing */
	void **slot;
	/* Where the first events matter: what it is told them with. NULL = the owner adds one when it likes. */
	const void *listener;
	void *userdata;
};

struct wlconn_output {
	struct wl_output *wl;
	uint32_t global;
	uint32_t refresh_mhz; /* 0 = not told */
	struct wlconn *owner;
};

struct wlconn {
	struct wl_display *display;
	struct wl_registry *registry;
	const struct wlconn_bind *binds; /* borrowed for life */
	size_t n_binds;
	const char *output_name; /* borrowed for life */
	struct wlconn_output outputs[WLCONN_MAX_OUTPUTS];
	size_t n_outputs;
	struct wl_output *output; /* the named one; NULL = not there */
	uint32_t output_global;
	bool output_gone; /* it was there and went away */
	bool dead;	  /* the compositor is gone: nothing more can be asked */
};

/*
 * display: a socket's path or name; NULL = $WAYLAND_DISPLAY. output_name: NULL = none wanted. Takes zeroed
 * memory; close() it also after a failure. Errors: PF_E_IO (nobody answers), PF_E_TIMEOUT (2 s), PF_E_NOMEM.
 */
int wlconn_open(struct wlconn *c, const char *display, const char *output_name,
	const struct wlconn_bind *binds, size_t n_binds) PF_MUST_CHECK;
/* How often the named output shows a picture now, in thousandths of a hertz; 0 = not told. */
uint32_t wlconn_refresh_mhz(const struct wlconn *c);
/* Objects in the slots are the caller's to destroy before. */
void wlconn_close(struct wlconn *c);
/*
 * Sends what waits, waits for events up to timeout_ms (-1 = for ever, 0 = not) or until wake_fd (-1 = none)
 * is readable, and dispatches. Errors: PF_E_CLOSED (also in c->dead).
 */
int wlconn_turn(struct wlconn *c, int timeout_ms, int wake_fd) PF_MUST_CHECK;
/* Dispatches what was received without reading: call before deciding on a wait. */
int wlconn_dispatch_pending(struct wlconn *c) PF_MUST_CHECK;
/* Everything asked for so far is answered. Errors: PF_E_TIMEOUT (2 s), PF_E_CLOSED, PF_E_NOMEM. */
int wlconn_round_trip(struct wlconn *c) PF_MUST_CHECK;

#endif
