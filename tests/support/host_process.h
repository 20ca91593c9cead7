/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_HOST_PROCESS_H
#define TESTS_SUPPORT_HOST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A real punktfunk-host on a free loopback port, with a folder of its own for identity, log and trace. */

struct host_process {
	pid_t pid; /* 0 = not running */
	int port;
	char dir[64]; /* host.log, trace.csv, summary.json, cert.pem, key.pem, host.sock */
};

/*
 * Starts `path native-host --port 0 --bind 127.0.0.1 …args` (args NULL-ended), with --allow-tofu unless
 * --require-pairing is among them, and waits until it listens; a --bind in args counts. path NULL: $PUNKTFUNK_HOST. On
 * failure says why on stderr, cleans up, and returns -1.
 */
int host_process_start(struct host_process *h, const char *path, const char *const *args);
/* The same folder again, after end or kill; args should name the port. Its log begins anew. */
int host_process_restart(struct host_process *h, const char *path, const char *const *args);
/* SIGKILL and wait: as when a machine loses its power. */
void host_process_kill(struct host_process *h);
/* SIGTERM and wait: 0 = it ended well. What the last session wrote is there then. */
int host_process_end(struct host_process *h);
/* Removes the folder. After end. */
void host_process_clean(struct host_process *h);
/* Both; returns what end does. */
int host_process_finish(struct host_process *h);
bool host_process_running(struct host_process *h);
/* Waits until the log holds text. */
bool host_process_logged(const struct host_process *h, const char *text, int timeout_ms);
/* How often the log holds text so far. */
unsigned host_process_count(const struct host_process *h, const char *text);
/* Resident memory now, KiB; 0 = cannot be read. */
long host_process_rss_kb(const struct host_process *h);

#endif
