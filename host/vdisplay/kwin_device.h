/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_KWIN_DEVICE_H
#define HOST_VDISPLAY_KWIN_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * KWin's outputs as its settings see them: their modes, and setting one. KWin up to 6.6 has a global for each, later
 * ones a registry of their own. Thread: the control loop.
 */

struct kde_output_device_registry_v2;
struct kde_output_device_v2;
struct kde_output_management_v2;
struct kwin_link;
struct kwin_mode;
struct wl_registry;

#define KWIN_MAX_DEVICES 64u
/* A screen with a long list has some sixty. */
#define KWIN_MAX_MODES 256u

struct kwin_device {
	struct kde_output_device_v2 *proxy; /* NULL = free */
	uint32_t global;		    /* 0 = from the registry of devices */
	char name[64];
	uint32_t capabilities;
	struct kwin_mode *modes;
	size_t n_modes;
};

struct kwin_devices {
	struct kde_output_management_v2 *management;
	uint32_t management_version; /* as bound; 0 = none */
	struct kde_output_device_registry_v2 *registry;
	struct kwin_device devices[KWIN_MAX_DEVICES];
};

/* Zeroed memory is an empty one. */
void kwin_devices_finish(struct kwin_devices *d);
/* From the registry's listener, for each global. */
void kwin_devices_global(struct kwin_devices *d, struct wl_registry *registry, uint32_t global,
	const char *interface, uint32_t version);
void kwin_devices_global_remove(struct kwin_devices *d, uint32_t global);
/* Can this KWin make modes of any size and rate? From 6.6 on. */
bool kwin_devices_has_custom(const struct kwin_devices *d);
/*
 * The output shows this mode, unscaled. Waits until until_ns. reason: KWin's words, cleaned, empty = none. Errors:
 * PF_E_UNSUPPORTED (no such mode, and this KWin makes none, or it refuses), PF_E_TIMEOUT, PF_E_CLOSED, PF_E_NOMEM.
 */
int kwin_device_set_mode(struct kwin_link *l, const char *name, uint32_t width, uint32_t height,
	uint32_t refresh_mhz, uint64_t until_ns, char *reason, size_t reason_cap) PF_MUST_CHECK;

#endif
