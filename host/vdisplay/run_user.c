/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/run_user.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fill(struct run_user *u, const struct passwd *pw)
{
	u->uid = pw->pw_uid;
	u->gid = pw->pw_gid;
	if (snprintf(u->name, sizeof(u->name), "%s", pw->pw_name) >= (int)sizeof(u->name))
		return PF_E_INVALID;
	int n = RUN_USER_MAX_GROUPS;
	if (getgrouplist(pw->pw_name, pw->pw_gid, u->groups, &n) < 0)
		n = RUN_USER_MAX_GROUPS; /* in more groups than that: the first ones do */
	u->n_groups = (size_t)n;
	/* A user that nobody logs in as has no home to write to and no shell to run. */
	const bool person = pw->pw_dir && access(pw->pw_dir, F_OK) == 0 && pw->pw_shell &&
		!strstr(pw->pw_shell, "nologin") && !strstr(pw->pw_shell, "/false");
	snprintf(u->home, sizeof(u->home), "%s", person ? pw->pw_dir : "");
	snprintf(u->shell, sizeof(u->shell), "%s",
		person && pw->pw_shell[0] ? pw->pw_shell : "/bin/sh");
	return 0;
}

/* The uid in $SUDO_UID, 0 when there is none. */
static uid_t sudo_uid(void)
{
	const char *text = getenv("SUDO_UID");
	if (!text || *text < '0' || *text > '9')
		return 0;
	char *end;
	errno = 0;
	const unsigned long v = strtoul(text, &end, 10);
	return *end || errno || v >= (uid_t)-1 ? 0 : (uid_t)v;
}

int run_user_find(struct run_user *u, const char *name, char *why, size_t why_cap)
{
	memset(u, 0, sizeof(*u));
	const uid_t self = geteuid();
	u->drop = self == 0;
	const char *wanted = name && *name ? name : NULL;
	const struct passwd *pw;
	if (wanted)
		pw = getpwnam(wanted);
	else if (self != 0)
		pw = getpwuid(self);
	else
		pw = sudo_uid() ? getpwuid(sudo_uid()) : getpwnam("nobody");

	if (!pw && !wanted && self != 0) { /* a uid without an entry, as in containers */
		u->uid = self;
		u->gid = getegid();
		snprintf(u->name, sizeof(u->name), "%u", (unsigned)self);
		snprintf(u->shell, sizeof(u->shell), "/bin/sh");
		return 0;
	}
	if (!pw) {
		snprintf(why, why_cap,
			"there is no user '%.60s' to run the session as; name another",
			wanted ? wanted : "nobody");
		return PF_E_INVALID;
	}
	if (self != 0 && pw->pw_uid != self) {
		snprintf(why, why_cap,
			"only root can run the session as user '%.60s'; start the "
			"host as that user",
			pw->pw_name);
		return PF_E_UNSUPPORTED;
	}
	if (pw->pw_uid == 0) {
		snprintf(why, why_cap,
			"a compositor does not run as root; name an ordinary user "
			"for the session");
		return PF_E_INVALID;
	}
	return fill(u, pw);
}

uid_t run_user_person(const char *name)
{
	const struct passwd *pw = geteuid() == 0 && name && *name ? getpwnam(name) : NULL;
	if (pw)
		return pw->pw_uid;
	const uid_t sudo = geteuid() == 0 ? sudo_uid() : 0;
	return sudo ? sudo : geteuid();
}
