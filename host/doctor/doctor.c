/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/doctor/doctor.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/config/config.h"
#include "host/vdisplay/vdisplay.h"

#define MAX_CHECKS 32u

static bool needs_no_desktop(const struct config *c)
{
	const char *only = config_compositor(c);
	return !strcmp(c->source, "synthetic") || (only && !strcmp(only, "none"));
}

const struct doctor_line *doctor_choice(const struct doctor *d)
{
	const struct doctor_line *best = NULL;
	for (size_t i = 0; i < d->n_lines; i++) {
		const struct doctor_line *l = &d->lines[i];
		if (l->desktop && l->rank && (!best || l->rank > best->rank))
			best = l;
	}
	return best;
}

void doctor_mind_pipewire(struct doctor *d)
{
	static const char *const without[] = {"wlroots", "hyprland", "own session"};
	const struct doctor_line *choice = doctor_choice(d);
	bool needed = choice && !needs_no_desktop(d->config);
	for (size_t i = 0; needed && i < sizeof(without) / sizeof(without[0]); i++)
		needed = strcmp(choice->topic, without[i]) != 0;
	for (size_t i = 0; needed && i < d->n_lines; i++)
		if (!strcmp(d->lines[i].topic, DOCTOR_PIPEWIRE) &&
			d->lines[i].level == DOCTOR_LACKS)
			d->lines[i].level = DOCTOR_BAD;
}

bool doctor_would_stream(const struct doctor *d)
{
	for (size_t i = 0; i < d->n_lines; i++)
		if (d->lines[i].level == DOCTOR_BAD)
			return false;
	return needs_no_desktop(d->config) || doctor_choice(d);
}

static size_t list_checks(struct doctor_check *checks)
{
	static const struct doctor_check last[] = {
		{"encoders", doctor_encoders, 0, true, "give another --encoder"},
		{DOCTOR_PIPEWIRE, doctor_pipewire, 0, false,
			"systemctl --user restart pipewire wireplumber"},
		{"GPU", doctor_gpu, 0, false, "update its driver; the host does without"},
		{"network", doctor_ports, 0, true, NULL},
		{"firewall", doctor_firewall, 0, false, NULL},
		{"Avahi", doctor_avahi, 0, false, "systemctl restart avahi-daemon dbus"},
		{"folder", doctor_folder, 0, true,
			"is it on a disk that hangs? name another with --config-dir"},
		{"clients", doctor_clients, 0, false, NULL},
		{"gamepads", doctor_devices, 0, false, NULL},
	};
	size_t n = 0;
	checks[n++] = (struct doctor_check){"host", doctor_host, 0, false, NULL};
	checks[n++] = (struct doctor_check){"session", doctor_session, 0, false, NULL};
	for (size_t i = 0; vdisplay_at(i) && n < MAX_CHECKS / 2; i++) {
		const struct vdisplay_impl *impl = vdisplay_at(i);
		if (impl == &vdisplay_none_impl)
			continue;
		checks[n++] = (struct doctor_check){impl->name, doctor_desktop, i, false,
			"it is not used while it hangs: end it, or log in again"};
		if (impl->own_session)
			checks[n++] = (struct doctor_check){
				"own session", doctor_own, i, false, NULL};
	}
	memcpy(checks + n, last, sizeof(last));
	return n + sizeof(last) / sizeof(last[0]);
}

/* As people call it. */
static const char *desktop_name(const char *topic)
{
	static const char *const names[][2] = {{"wlroots", "sway"}, {"mutter", "GNOME"},
		{"kwin", "KDE"}, {"hyprland", "Hyprland"}, {"portal", "the desktop's portal"}};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i][0], topic))
			return names[i][1];
	return topic;
}

static const char *describe_choice(const struct doctor *d, char *text, size_t cap)
{
	const struct doctor_line *choice = doctor_choice(d);
	if (needs_no_desktop(d->config))
		snprintf(text, cap, "a test picture");
	else if (!choice)
		snprintf(text, cap, "no desktop");
	else if (choice->own)
		snprintf(text, cap, "a headless sway of our own");
	else
		snprintf(text, cap, "%s", desktop_name(choice->topic));
	return text;
}

static void print_text(const struct doctor *d)
{
	static const char *const levels[] = {"ok", "--", "lacks", "BAD"};
	char choice[64];
	unsigned n_bad = 0;
	for (size_t i = 0; i < d->n_lines; i++) {
		const struct doctor_line *l = &d->lines[i];
		printf("%-6s%-13s%s\n", levels[l->level], l->topic, l->text);
		if (l->remedy[0])
			printf("%-19s-> %s\n", "", l->remedy);
		n_bad += l->level == DOCTOR_BAD;
	}
	describe_choice(d, choice, sizeof(choice));
	if (doctor_would_stream(d))
		printf("\nA host would stream now, from: %s\n", choice);
	else if (n_bad)
		printf("\nA host would not stream now: see what is BAD above\n");
	else
		printf("\nA host would not stream now: there is no desktop, and none can be "
		       "started; "
		       "install the packages sway and foot\n");
}

static void print_json(const struct doctor *d)
{
	static const char *const levels[] = {"good", "note", "lacks", "bad"};
	char choice[64];
	json_t *lines = json_array(), *root;
	for (size_t i = 0; i < d->n_lines; i++) {
		const struct doctor_line *l = &d->lines[i];
		json_array_append_new(lines,
			json_pack("{s:s, s:s, s:s, s:s*}", "topic", l->topic, "level",
				levels[l->level], "text", l->text, "remedy",
				l->remedy[0] ? l->remedy : NULL));
	}
	root = json_pack("{s:b, s:s, s:o}", "would_stream", (int)doctor_would_stream(d), "from",
		describe_choice(d, choice, sizeof(choice)), "findings", lines);
	char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(root);
}

int doctor_main(const struct config *config)
{
	struct doctor_check checks[MAX_CHECKS];
	struct doctor *d = calloc(1, sizeof(*d));
	if (!d) {
		fprintf(stderr, "punktfunk-host: out of memory\n");
		return 1;
	}
	d->config = config;
	d->root = "";
	doctor_run(d, checks, list_checks(checks), DOCTOR_DEADLINE_MS);
	doctor_mind_pipewire(d);
	if (config->json)
		print_json(d);
	else
		print_text(d);
	const bool good = doctor_would_stream(d);
	free(d);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
