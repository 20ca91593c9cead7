/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_INJECT_LIBEI_DEVICE_H
#define HOST_INJECT_LIBEI_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libei.h>

#include "host/inject/inject.h"
#include "host/inject/libei_region.h"

/* The devices that a server of EIS gave us, and what is held down on each. */

/* Mutter has one for each screen and five more; a server that makes more than this gets them back. */
#define LIBEI_MAX_DEVICES 32u
/* Of one kind of all devices: one a screen. */
#define LIBEI_MAX_REGIONS 64u

#if LIBEI_TYPES_TEXT
#define LIBEI_CAP_TEXT EI_DEVICE_CAP_TEXT
#else
#define LIBEI_CAP_TEXT 0 /* this libei has none */
#endif

struct libei_device {
	struct ei_device *ei; /* ours; NULL = free */
	bool awake;	      /* takes events; what is down on it stays down while it does not */
	bool dirty;	      /* events since the last frame */
	bool scrolls_detents; /* takes the units of its smooth scrolling for detents */
	uint64_t down[INJECT_MAX_KEY / 64];
};

struct libei_devices {
	struct libei_device of[LIBEI_MAX_DEVICES];
	uint32_t sequence; /* of start_emulating */
};

/* Where absolute coordinates of a kind go. */
struct libei_place {
	struct libei_device *device; /* NULL = nowhere */
	struct libei_region region;  /* its mapping_id is not kept */
};

/* Keeps a reference. false: there are too many, and the server was told that it is not wanted. */
bool libei_device_add(struct libei_devices *all, struct ei_device *ei);
/* NULL = not one of ours. */
struct libei_device *libei_device_of(struct libei_devices *all, const struct ei_device *ei);
void libei_device_remove(struct libei_device *d);
void libei_device_wake(struct libei_devices *all, struct libei_device *d);
/* Ends what was begun on each, and gives all back. */
void libei_device_remove_all(struct libei_devices *all);

/* An awake one that has cap, before if that is one; NULL = none. */
struct libei_device *libei_device_find(
	struct libei_devices *all, enum ei_device_capability cap, struct libei_device *before);
/* cap: pointer_absolute or touch. unmatched: there are such devices, but none shows the wanted output. */
struct libei_place libei_device_place(struct libei_devices *all, enum ei_device_capability cap,
	const struct libei_wanted *wanted, bool *unmatched);

/* Of a key or a button, on a device that is awake. */
void libei_device_press(struct libei_device *d, uint32_t code, bool down);
bool libei_device_is_down(const struct libei_device *d, uint32_t code);
bool libei_device_any_down(const struct libei_devices *all, uint32_t code);
/* What was sent since the last frame becomes one. */
void libei_device_frame(struct libei_device *d);
void libei_device_frame_all(struct libei_devices *all);
/* One character; false: this libei cannot. d has LIBEI_CAP_TEXT. */
bool libei_device_type(struct libei_device *d, uint32_t scalar);

#endif
