/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_UNDO_H
#define HOST_VDISPLAY_UNDO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/base/error.h"

/*
 * What a host changed in somebody's compositor, on disk, so that the next host can undo it when this one was killed.
 * A host with such changes has two files in the folder of the compositor's socket: punktfunk-undo-PID-N.lock, locked
 * (flock) for as long as the host lives, and punktfunk-undo-PID-N.json, the record, which is replaced whole. Both are
 * the folder's owner's, mode 0600, and go when nothing is left to undo.
 * Thread: the control loop.
 */

#define UNDO_MAX_OUTPUTS 64u
#define UNDO_NAME_LEN	 64u
/* 64 names of 63 characters, a path, and what is around them. */
#define UNDO_MAX_FILE 16384u

struct undo_record {
	char kind[16];	  /* the backend's name */
	char socket[108]; /* the compositor's control socket */
	/* Who listens there: another process has other outputs of these names. 0 = not known. */
	int pid;
	uint64_t started;	   /* its start, in ticks since boot */
	char focus[UNDO_NAME_LEN]; /* the output that had the focus before; empty = none */
	size_t n_outputs;
	char outputs[UNDO_MAX_OUTPUTS][UNDO_NAME_LEN];
	uid_t owner; /* of the folder that it was found in: whose compositor it may speak of. Not in the file */
};

/* text need not end in 0. Errors: PF_E_INVALID (no record), PF_E_UNSUPPORTED (of a newer host), PF_E_NOMEM. */
int undo_record_read(struct undo_record *r, const char *text, size_t len) PF_MUST_CHECK;
/* For free(); NULL without memory. */
char *undo_record_write(const struct undo_record *r);
/* May the process that listens on the record's socket be the one that the record is about? */
int undo_record_check_peer(const struct undo_record *r, int pid, uid_t uid) PF_MUST_CHECK;

struct undo {
	struct undo_record record;
	char dir[108];
	char name[48];
	int lock_fd; /* -1: there is no file */
};

void undo_init(struct undo *u);
/* Which compositor the following is about. pid: who listens on the socket, 0 = not known. */
void undo_set_compositor(
	struct undo *u, const char *kind, const char *dir, const char *socket, int pid);
/* What has the focus before anything is changed. Written with the next output. */
void undo_set_focus(struct undo *u, const char *name);
/* An output was made, or is about to be. A record that cannot be written is a line in the log, no error. */
void undo_add_output(struct undo *u, const char *name);
/* It was undone. */
void undo_drop_output(struct undo *u, const char *name);
/* The compositor is gone, and all with it. */
void undo_forget(struct undo *u);
/* What is noted still stays on disk for the next host. */
void undo_finish(struct undo *u);

/*
 * Calls fn for the record of each host that was killed, in the folder of $SWAYSOCK, in $XDG_RUNTIME_DIR and in that of
 * the user (run_user_person()); one that fn returns an error for stays for the next start, and after PF_E_TIMEOUT none
 * more is tried. fn returns how many outputs it took away.
 */
void undo_abandoned(const char *user, int (*fn)(const struct undo_record *r));

#endif
