/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_WAYLAND_WLSPACE_H
#define HOST_WAYLAND_WLSPACE_H

#include <stdbool.h>
#include <stdint.h>

struct wl_output;
struct wl_registry;
struct zxdg_output_manager_v1;
struct zxdg_output_v1;

/*
 * The outputs of a compositor and where they lie in its space, kept up to date by the events of a connection whose
 * registry hands globals on to here. Thread: the connection's.
 */

#define WLSPACE_MAX_OUTPUTS 64u
/* Coordinates beyond this are no desktop's, and would not fit into a wl_fixed_t. */
#define WLSPACE_MAX_PLACE 1000000

struct wlspace_output {
	struct wl_output *wl; /* NULL = free */
	struct zxdg_output_v1 *xdg;
	uint32_t global;
	char name[64]; /* printable ASCII; empty = not told, or no name to work with */
	int32_t x, y, width, height;	  /* in the compositor's space; width 0 = not told yet */
	uint32_t mode_width, mode_height; /* pixels; 0 = not told yet */
	uint32_t mode_mhz;
};

struct wlspace {
	struct zxdg_output_manager_v1 *manager;
	struct wlspace_output outputs[WLSPACE_MAX_OUTPUTS];
};

/* Zeroed memory is an empty one. Before the connection is closed. */
void wlspace_finish(struct wlspace *s);
/* From the registry's listener, for each global. */
void wlspace_global(struct wlspace *s, struct wl_registry *registry, uint32_t global,
	const char *interface, uint32_t version);
void wlspace_global_remove(struct wlspace *s, uint32_t global);
/* NULL: there is none, or its place is not told yet. Valid until the connection is read again. */
const struct wlspace_output *wlspace_find(const struct wlspace *s, const char *name);

#endif
