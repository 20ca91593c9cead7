/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_PW_DAEMON_H
#define TESTS_SUPPORT_PW_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

/* A PipeWire daemon of the test's own, in a folder of its own. */

struct pw_daemon {
	char dir[128];
	bool no_links; /* set before init(): nobody can link, as a portal's connection cannot */
	pid_t pid;     /* 0 = does not run */
};

/* Makes the folder, sets the environment for clients in this process, starts it. Returns 0, or -1. */
int pw_daemon_init(struct pw_daemon *d, const char *name);
int pw_daemon_start(struct pw_daemon *d); /* after an end() */
void pw_daemon_end(struct pw_daemon *d);
int pw_daemon_finish(struct pw_daemon *d);
/* Runs a program to its end, quietly; its exit status, or -1. */
int pw_daemon_run(const char *const *argv);
pid_t pw_daemon_spawn(const char *const *argv);

#endif
