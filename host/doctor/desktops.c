/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/config/config.h"
#include "host/doctor/doctor.h"
#include "host/vdisplay/auto.h"
#include "host/vdisplay/detect.h"
#include "host/vdisplay/run_user.h"
#include "host/vdisplay/vdisplay.h"

/* Whose desktop is meant, and where it would be found. */

static bool own_only(const struct config *c)
{
	const char *only = config_compositor(c);
	return c->own_session || (only && !strcmp(only, "own"));
}

void doctor_session(struct doctor *d)
{
	char dir[108], why[400];
	struct detect hints;
	const char *user = d->config->session_user;
	const uid_t person = run_user_person(user);
	const struct passwd *pw = getpwuid(person);
	detect_read(&hints, user);
	doctor_say(d, DOCTOR_NOTE, NULL, "for user %s (%u)%s%s%s%s", pw ? pw->pw_name : "?",
		(unsigned)person, hints.active[0] ? "; the active session is " : "", hints.active,
		hints.own[0] ? "; the environment says " : "", hints.own);
	if (detect_runtime_dir(user, dir, sizeof(dir), why, sizeof(why)) < 0)
		doctor_say(d, DOCTOR_LACKS, NULL, "%s", why);
}

void doctor_desktop(struct doctor *d)
{
	const struct vdisplay_impl *impl = vdisplay_at(d->arg);
	const struct vdisplay_params params = {.user = d->config->session_user};
	const char *only = config_compositor(d->config);
	struct detect hints;
	struct doctor_line line = {.desktop = true};
	detect_read(&hints, params.user);
	const unsigned hint = detect_rank(&hints, impl->name);
	line.found = vdisplay_probe(impl, &params, line.text);
	if (!line.text[0])
		snprintf(line.text, sizeof(line.text), "%s",
			line.found < 0 ? pf_strerror(line.found) : "there");
	const bool meant = only && !strcmp(only, impl->name);
	if (!own_only(d->config) && (!only || meant))
		line.rank = auto_rank(impl, false, line.found, hint);
	/* What is not the person's desktop is no lack. */
	line.level = line.found == VDISPLAY_RUNS    ? DOCTOR_GOOD
		: line.found < 0 && (hint || meant) ? DOCTOR_LACKS
						    : DOCTOR_NOTE;
	doctor_say_line(d, &line);
}

void doctor_own(struct doctor *d)
{
	const struct vdisplay_impl *impl = vdisplay_at(d->arg);
	const struct vdisplay_params params = {
		.own_session = true, .user = d->config->session_user};
	const char *only = config_compositor(d->config);
	struct doctor_line line = {.desktop = true, .own = true};
	line.found = vdisplay_probe(impl, &params, line.text);
	const bool meant = !only || own_only(d->config) || !strcmp(only, impl->name);
	line.rank = line.found > 0 && meant ? auto_rank(impl, true, line.found, 0) : 0;
	line.level = line.found > 0 ? DOCTOR_GOOD : DOCTOR_LACKS;
	doctor_say_line(d, &line);
}
