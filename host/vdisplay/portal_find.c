/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#include "host/inject/inject.h"
#include "host/vdisplay/portal_internal.h"
#include "host/vdisplay/user_bus.h"
#include "host/vdisplay/vdisplay.h"

/* Is there a portal, and what can it? */

#define PROBE_US 400000u  /* two of them in a second */
#define START_US 2000000u /* it holds the control loop; what takes longer is there the next time */

static int call_bus(sd_bus *bus, const char *member, uint64_t limit_us, sd_bus_message **reply,
	const char *types, ...)
{
	sd_bus_message *m = NULL;
	va_list args;
	int r = sd_bus_message_new_method_call(bus, &m, "org.freedesktop.DBus",
		"/org/freedesktop/DBus", "org.freedesktop.DBus", member);
	va_start(args, types);
	if (r >= 0)
		r = sd_bus_message_appendv(m, types, args);
	va_end(args);
	if (r >= 0)
		r = sd_bus_call(bus, m, limit_us, NULL, reply);
	sd_bus_message_unref(m);
	return r;
}

uint32_t portal_get_number(sd_bus *bus, const char *interface, const char *name)
{
	sd_bus_message *m = NULL, *reply = NULL;
	uint32_t value = 0;
	int r = sd_bus_message_new_method_call(
		bus, &m, PORTAL_DEST, PORTAL_OBJECT, "org.freedesktop.DBus.Properties", "Get");
	if (r >= 0)
		r = sd_bus_message_append(m, "ss", interface, name);
	if (r >= 0)
		r = sd_bus_call(bus, m, PROBE_US, NULL, &reply);
	if (r < 0 || sd_bus_message_read(reply, "v", "u", &value) < 0)
		value = 0;
	sd_bus_message_unref(m);
	sd_bus_message_unref(reply);
	return value;
}

static bool has_owner(sd_bus *bus)
{
	sd_bus_message *reply = NULL;
	int owned = 0;
	if (call_bus(bus, "NameHasOwner", PROBE_US, &reply, "s", PORTAL_DEST) < 0 ||
		sd_bus_message_read(reply, "b", &owned) < 0)
		owned = 0;
	sd_bus_message_unref(reply);
	return owned;
}

/* Nobody asked for it yet, and the bus knows how to start it. */
static bool can_start(sd_bus *bus)
{
	sd_bus_message *reply = NULL;
	const char *name;
	bool found = false;
	if (call_bus(bus, "ListActivatableNames", PROBE_US, &reply, "") >= 0 &&
		sd_bus_message_enter_container(reply, 'a', "s") > 0)
		while (!found && sd_bus_message_read(reply, "s", &name) > 0)
			found = !strcmp(name, PORTAL_DEST);
	sd_bus_message_unref(reply);
	return found;
}

int portal_start(sd_bus *bus, char *why, size_t why_cap)
{
	sd_bus_message *reply = NULL;
	if (has_owner(bus))
		return PF_OK;
	const int r = call_bus(bus, "StartServiceByName", START_US, &reply, "su", PORTAL_DEST, 0u);
	sd_bus_message_unref(reply);
	if (r >= 0)
		return PF_OK;
	if (r == -ETIMEDOUT) {
		snprintf(why, why_cap,
			"the desktop portal is starting and does not answer yet: connect again in "
			"a moment, and if that does not help, see journalctl --user -u "
			"xdg-desktop-portal");
		return PF_E_TIMEOUT;
	}
	snprintf(why, why_cap,
		"the desktop portal does not start (%s): install xdg-desktop-portal and the one of "
		"the "
		"desktop (xdg-desktop-portal-wlr, -gnome, -kde), and log in again",
		strerror(-r));
	return PF_E_UNSUPPORTED;
}

/* Where it does not run yet, something must say that this is a desktop: a server has the package, too. */
static bool is_meant(const struct vdisplay_params *params)
{
	const char *wayland = getenv("WAYLAND_DISPLAY"), *desktop = getenv("XDG_CURRENT_DESKTOP");
	return (params->compositor && !strcmp(params->compositor, vdisplay_portal_impl.name)) ||
		(wayland && *wayland) || (desktop && *desktop);
}

const char *portal_describe_input(uint32_t version)
{
	if (!version)
		return "and takes no input, so the stream is only to look at: the one of this "
		       "desktop has no RemoteDesktop (xdg-desktop-portal-gnome and -kde have)";
	if (version >= 2 && inject_has("libei"))
		return "and takes input through libei";
	return version >= 2 ? "and takes input by its own calls (this build has no libei)"
			    : "and takes input by its own calls";
}

int portal_probe(const struct vdisplay_params *params, char *note)
{
	struct user_bus bus;
	int err = user_bus_open(&bus, params->user, note, VDISPLAY_NOTE_LEN);
	if (err < 0)
		return err;
	uint32_t version = 0, remote = 0;
	const bool runs = has_owner(bus.bus);
	const bool starts = !runs && is_meant(params) && can_start(bus.bus);
	if (runs) {
		version = portal_get_number(bus.bus, PORTAL_CAST, "version");
		remote = version ? portal_get_number(bus.bus, PORTAL_REMOTE, "version") : 0;
	}
	user_bus_close(&bus);
	if (!version && !starts) {
		snprintf(note, VDISPLAY_NOTE_LEN,
			"no desktop portal shares screens here: install xdg-desktop-portal and the "
			"one of "
			"the desktop (xdg-desktop-portal-wlr, -gnome, -kde), and log in again");
		return PF_E_NO_FRAME;
	}
	if (starts)
		snprintf(note, VDISPLAY_NOTE_LEN,
			"the desktop portal is installed and starts when it is asked; somebody has "
			"to "
			"allow it there once");
	else
		snprintf(note, VDISPLAY_NOTE_LEN,
			"the desktop portal shares screens (version %u), %s; somebody has to allow "
			"it there once",
			version, portal_describe_input(remote));
	return VDISPLAY_RUNS;
}
