/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_RUN_USER_H
#define HOST_VDISPLAY_RUN_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"

#define RUN_USER_MAX_GROUPS 64

/* Who a session of our own runs as. */
struct run_user {
	bool drop; /* we are root and become this user */
	uid_t uid;
	gid_t gid;
	char name[64], home[256], shell[128]; /* home empty: the session gets a private one */
	gid_t groups[RUN_USER_MAX_GROUPS];
	size_t n_groups;
};

/*
 * Root: the named user, else the one that sudo was called by, else nobody. Anybody else: themselves, and
 * asking for another name is an error. why: one sentence. Errors: PF_E_INVALID, PF_E_UNSUPPORTED.
 */
int run_user_find(struct run_user *u, const char *name, char *why, size_t why_cap) PF_MUST_CHECK;

/* Whose desktop is meant: the named user's, or of whoever called sudo, or our own. Only root has a choice. */
uid_t run_user_person(const char *name);

#endif
