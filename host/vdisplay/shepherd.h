/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SHEPHERD_H
#define HOST_VDISPLAY_SHEPHERD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"

/*
 * Runs a program and everything that it ever starts as one thing. A small process of ours sits between
 * the host and the program: it adopts what the program's children leave behind, so that nothing outlives
 * the program, and it ends all of them when the host is gone, however the host ended.
 * Thread: one at a time.
 */
struct shepherd_params {
	const char *path; /* of the program, absolute */
	char *const *argv, *const *envp;
	const char *dir; /* working directory */
	int log_fd;	 /* the program's stdout and stderr */
	/*
	 * Whose rights the program and the shepherd get; drop false = ours. Capabilities of ours are not handed
	 * on either way (unless we are root and stay it).
	 */
	bool drop;
	uid_t uid;
	gid_t gid;
	const gid_t *groups;
	size_t n_groups;
};

/* *pid is the shepherd's: it ends after the last process of the program. Errors: PF_E_IO, PF_E_NOMEM. */
int shepherd_start(const struct shepherd_params *params, int *pid) PF_MUST_CHECK;
/* Ends the program and all that it started; waits for that (some seconds at most) and reaps. */
void shepherd_stop(int pid);

#endif
