/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_SITES_H
#define TESTS_SUPPORT_SITES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Two machines with a cable between them, each a network namespace with a /run of its own: 10.77.0.1 and
 * 10.77.0.2. Needs root and iproute2. What is started in them ends with the test.
 */
enum site { SITE_A, SITE_B, N_SITES };

#define SITES_SKIP 77 /* meson's exit code of a test that was skipped */

/*
 * Makes both, and the folder where logs and what /run holds lie; the caller is in the network of SITE_B from then on.
 * Returns 0; SITES_SKIP, with a line on stdout,
 * where namespaces are not permitted; -1 with a line on stderr.
 */
int sites_open(void);
void sites_close(void);
/* A path in the folder, in static memory that is used again four calls later. */
const char *sites_path(const char *name);

/* Takes the calling thread to the network of the site. 0, or -1. */
int sites_enter(enum site site);
/* Runs argv (NULL-ended, looked up in PATH) with its output in the file `log` of the folder. */
pid_t sites_spawn(enum site site, const char *log, const char *const *argv);
/* SIGTERM, SIGKILL after 10 s, and wait. *pid becomes 0; takes 0. Returns the wait status. */
int sites_end(pid_t *pid);
/* Runs it to its end (30 s at most); out gets stdout and stderr. Returns its exit code, or -1. */
int sites_run(enum site site, const char *const *argv, char *out, size_t cap);
/* Waits until the file `log` of the folder has `text` n times. */
bool sites_logged(const char *log, const char *text, unsigned n, int timeout_ms);

#endif
