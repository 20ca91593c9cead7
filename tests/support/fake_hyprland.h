/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_FAKE_HYPRLAND_H
#define TESTS_SUPPORT_FAKE_HYPRLAND_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/* Hyprland's two sockets on a thread of its own, in $XDG_RUNTIME_DIR, as far as a host uses them. */

#define FAKE_MONITORS 80

enum fake_hyprland_fault {
	HYPR_GOOD,
	HYPR_HANGS,   /* takes a request and never answers */
	HYPR_REFUSES, /* every command */
	HYPR_GARBAGE,
	HYPR_ENDLESS,	 /* an answer without an end */
	HYPR_MAKES_NONE, /* and says that it did */
	HYPR_NO_NAMES,	 /* makes HEADLESS-n whatever name was asked for, as older ones do */
	HYPR_OTHER_MODE, /* keeps to its own mode */
	HYPR_HALF,	 /* hangs up in the middle of an answer */
};

struct fake_hyprland {
	_Atomic enum fake_hyprland_fault fault;
	_Atomic unsigned delay_ms, n_requests; /* delay: of every answer */
	char dir[96], base[128];	       /* runtime folder, and the instance's folder in it */
	pthread_t thread;
	pthread_mutex_t lock;
	int request_fd, events_fd, wayland_fd, stop_fd, listener_fd; /* listener: of events */
	struct {
		char name[64];
		uint32_t width, height;
		double hz;
	} monitors[FAKE_MONITORS]; /* an empty name = none; the first is the person's */
	char focused[64];
	unsigned n_keywords;
};

int fake_hyprland_start(struct fake_hyprland *f);
void fake_hyprland_stop(struct fake_hyprland *f);
/* How many monitors are there, besides the person's. */
unsigned fake_hyprland_count(struct fake_hyprland *f);
/* Writes to who listens to events. */
void fake_hyprland_tell(struct fake_hyprland *f, const char *text);

#endif
