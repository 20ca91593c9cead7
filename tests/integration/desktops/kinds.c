/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/integration/desktops/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The compositors that the tests can be run on. Each has one screen of its own, 1000x700. */

static const char sway_config[] = "swaynag_command -\n"
				  "output HEADLESS-1 mode --custom 1000x700@60Hz\n"
				  "default_border none\n"
				  "default_floating_border none\n"
				  "xwayland disable\n";

/* A newer sway in $PATH, as in a root folder of a newer Debian: `sway-new`. */
#define SWAY_ARGV \
	{ \
		"sway", "-c", "%d/config", NULL, \
	}
#define SWAY_ENV \
	{ \
		"WLR_BACKENDS=headless", "WLR_LIBINPUT_NO_DEVICES=1", "WLR_RENDERER=pixman", \
			"WLR_HEADLESS_OUTPUTS=1", NULL, \
	}

static const struct rig_compositor kinds[] = {
	{.name = "sway",
		.argv = SWAY_ARGV,
		.env = SWAY_ENV,
		.config = sway_config,
		.host_args = {"--compositor", "sway", NULL},
		.first_frame_ms = 400},
	{.name = "sway-1.8",
		.argv = SWAY_ARGV,
		.env = SWAY_ENV,
		.config = sway_config,
		.host_args = {"--compositor", "sway", NULL},
		.first_frame_ms = 400},
	{.name = "mutter",
		.argv = {"mutter", "--headless", "--wayland", "--no-x11", "--wayland-display",
			"wayland-1", "--virtual-monitor", "1000x700", NULL},
		.env = {"GSETTINGS_BACKEND=keyfile", NULL},
		.host_args = {"--compositor", "gnome", NULL},
		.layout_text = true,
		.pipewire = true,
		.windows_leave = true,
		.touch = true,
		.first_frame_ms = 1000},
	{.name = "kwin",
		.argv = {"kwin_wayland", "--virtual", "--no-lockscreen", "--width", "1000",
			"--height", "700", "--socket", "wayland-1", NULL},
		.host_args = {"--compositor", "kde", NULL},
		.env = {"KWIN_WAYLAND_NO_PERMISSION_CHECKS=1", NULL},
		.pipewire = true,
		.touch = true,
		.no_detents = true,
		.made_widths = 8,
		.rate_off_mhz = 250, /* of its timing formula */
		.first_frame_ms = 1000},
	{.name = "hyprland",
		.argv = {"Hyprland", "-c", "%d/config", NULL},
		.host_args = {"--compositor", "hyprland", NULL},
		.config = "monitor = HEADLESS-1, 1000x700@60, 0x0, 1\n"
			  "animations { enabled = no }\n"
			  "misc { disable_hyprland_logo = yes }\n",
		.first_frame_ms = 1000},
};

static bool installed(const char *program)
{
	char command[128];
	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

const struct rig_compositor *rig_find(const char *name, const char **why)
{
	static char text[160];
	*why = text;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const struct rig_compositor *k = &kinds[i];
		if (strcmp(k->name, name) != 0)
			continue;
		const char *const needs[] = {k->argv[0], "dbus-daemon",
			k->pipewire ? "pipewire" : "true", k->pipewire ? "pw-cli" : "true"};
		for (size_t n = 0; n < sizeof(needs) / sizeof(needs[0]); n++) {
			if (installed(needs[n]))
				continue;
			snprintf(text, sizeof(text), "%s is not installed: %s was not run",
				needs[n], name);
			return NULL;
		}
		return k;
	}
	snprintf(text, sizeof(text),
		"no compositor '%.40s'; there are sway, sway-1.8, mutter, kwin and hyprland", name);
	return NULL;
}
