/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_PIPEWIRE_PWCONN_H
#define HOST_PIPEWIRE_PWCONN_H

#include <stdbool.h>

#include "core/base/error.h"

struct pw_context;
struct pw_core;
struct pw_loop;

/*
 * A connection to a PipeWire daemon and the loop that it runs on. The library is started here, once; what of its
 * set-up may not run on two threads at once does not. Thread: the one that opened it.
 */

struct pwconn {
	struct pw_loop *loop;
	struct pw_context *context;
	struct pw_core *core; /* NULL = not connected */
};

/*
 * Takes zeroed memory; close() it also after a failure. bare: without the person's configuration of clients, which
 * may ask the system bus for priorities: enough for pictures, not for sound. Errors: PF_E_UNSUPPORTED (the library's
 * own parts are not installed), PF_E_NOMEM.
 */
int pwconn_open(struct pwconn *c, bool bare) PF_MUST_CHECK;
void pwconn_close(struct pwconn *c);
/*
 * remote: the daemon's socket; NULL or empty = the user's own. Does not wait for an answer. Errors: PF_E_IO, and with a
 * path those of local_connect().
 */
int pwconn_connect(struct pwconn *c, const char *remote) PF_MUST_CHECK;
/* The same over a connection that somebody else opened, which it takes, also when it fails. */
int pwconn_connect_fd(struct pwconn *c, int fd) PF_MUST_CHECK;
void pwconn_disconnect(
	struct pwconn *c); /* listeners of the core are the caller's to remove before */

#endif
