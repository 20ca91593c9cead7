/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_USER_BUS_H
#define HOST_VDISPLAY_USER_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "core/base/error.h"

/*
 * The D-Bus session bus of the person whose desktop is meant: $DBUS_SESSION_BUS_ADDRESS, else `bus` in
 * $XDG_RUNTIME_DIR, else in /run/user of run_user_person(). Such a bus lets nobody else in, not even root, who
 * therefore connects as its owner.
 */

struct sd_bus;
struct sd_bus_message;

#define USER_BUS_CONNECT_MS 1000u /* a bus that says nothing for so long hangs */
#define USER_BUS_CALL_MS    1000u /* the same of a call that says no other time, matches among them */

struct user_bus {
	struct sd_bus *bus;
	uid_t uid;     /* whose it is */
	char dir[108]; /* that user's runtime folder; empty = the one of our own environment */
};

/*
 * Returns with a connection that is ready. why: one sentence that says what to do. Errors: PF_E_NO_FRAME (no
 * bus), PF_E_DENIED, PF_E_IO, PF_E_TIMEOUT, PF_E_NOMEM. Thread: the control loop.
 */
int user_bus_open(struct user_bus *b, const char *user, char *why, size_t why_cap) PF_MUST_CHECK;
/*
 * Did the bus itself send this signal? A match on a well-known name lets everybody's through that is addressed to us:
 * sd-bus leaves that to the daemon, which does not look at those.
 */
bool user_bus_said(struct sd_bus_message *m);
void user_bus_close(struct user_bus *b); /* waits for nothing; may be called again */

#endif
