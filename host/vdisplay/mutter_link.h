/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_MUTTER_LINK_H
#define HOST_VDISPLAY_MUTTER_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/vdisplay/user_bus.h"

/*
 * A connection to a mutter (gnome-shell is one) and its two interfaces for outputs and input:
 * org.gnome.Mutter.ScreenCast and org.gnome.Mutter.RemoteDesktop. What it made ends with the connection.
 * Thread: the control loop.
 */

struct sd_bus_message;
struct sd_bus_slot;

#define MUTTER_NAME_MAX 128u /* object paths and names that are kept; mutter's have 45 characters */
#define MUTTER_CALL_MS	1000u /* a mutter that does not answer for so long hangs */
/* A person's mutter in the middle of logging out answers late; one that hangs is left alone for so long. */
#define MUTTER_REST_NS 5000000000ull

struct mutter_link {
	struct user_bus user;
	char owner[MUTTER_NAME_MAX]; /* mutter's unique name on the bus; empty = not connected */
	int32_t version;	     /* of the screen cast interface */
	bool known;		     /* mutter_link_learn() was told: the two below are so */
	char said[128];		     /* why it refused the last call that it did, cleaned */
	bool has_eis;		     /* RemoteDesktop sessions have ConnectToEIS (GNOME 45) */
	bool keeps_rate; /* a virtual monitor's stream has no limit of its own (GNOME 49) */
	uint64_t hung_until_ns;
	uint64_t call_until_ns; /* no call goes on beyond it; 0 = each has MUTTER_CALL_MS */
	struct sd_bus_slot *slots[5];
	/* On the loop's thread, also while a call of ours waits: they only take notes. */
	void (*on_node)(const char *stream, uint32_t node, void *userdata);
	void (*on_closed)(const char *session, void *userdata);
	void (*on_gone)(const char *why, void *userdata);
	void *userdata;
};

/*
 * The handlers are set already. why: one sentence. Errors: PF_E_NO_FRAME (no bus, or no mutter on it),
 * PF_E_UNSUPPORTED (too old), PF_E_DENIED, PF_E_IO, PF_E_TIMEOUT, PF_E_NOMEM.
 */
int mutter_link_open(
	struct mutter_link *l, const char *user, char *why, size_t why_cap) PF_MUST_CHECK;
void mutter_link_close(struct mutter_link *l); /* may be called again; keeps the handlers */
/*
 * Calls a method and waits for its answer, MUTTER_CALL_MS at most. args: NULL or a message's arguments as
 * sd_bus_message_append() takes them. reply may be NULL. Errors: PF_E_IO (refused or gone; logged), PF_E_TIMEOUT,
 * PF_E_UNSUPPORTED (no such method).
 */
int mutter_link_call(struct mutter_link *l, const char *path, const char *interface,
	const char *member, struct sd_bus_message **reply, const char *types, ...) PF_MUST_CHECK;
/* The same without an answer: nothing is waited for. */
void mutter_link_tell(
	struct mutter_link *l, const char *path, const char *interface, const char *member);
/* Looks, once, at what a session of RemoteDesktop can: fills what follows known. A mutter that says nothing can nothing. */
void mutter_link_learn(struct mutter_link *l, const char *session);
/* Takes in what has come and waits for more, until the deadline. Errors: PF_E_IO, PF_E_TIMEOUT. */
int mutter_link_wait(struct mutter_link *l, uint64_t deadline_ns) PF_MUST_CHECK;

#define MUTTER_CAST	      "org.gnome.Mutter.ScreenCast"
#define MUTTER_CAST_PATH      "/org/gnome/Mutter/ScreenCast"
#define MUTTER_CAST_SESSION   MUTTER_CAST ".Session"
#define MUTTER_CAST_STREAM    MUTTER_CAST ".Stream"
#define MUTTER_REMOTE	      "org.gnome.Mutter.RemoteDesktop"
#define MUTTER_REMOTE_PATH    "/org/gnome/Mutter/RemoteDesktop"
#define MUTTER_REMOTE_SESSION MUTTER_REMOTE ".Session"

#endif
