/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_PIPEWIRE_PWNODE_H
#define HOST_PIPEWIRE_PWNODE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Looks for a node that a program of ours publishes: by its name, and by whose process it is, for a name is anybody's.
 * A thread of its own listens to the daemon's registry, so that a daemon that hangs holds nobody.
 */

struct pwnode;

struct pwnode_params {
	const char *remote; /* the daemon's socket; NULL or empty = the user's own */
	const char *name;   /* of the node */
	int ancestor; /* of the process that it belongs to, or that itself, as this machine numbers them */
};

/* Errors: PF_E_NOMEM, PF_E_IO. */
int pwnode_create(struct pwnode **out, const struct pwnode_params *params) PF_MUST_CHECK;
void pwnode_destroy(struct pwnode *n); /* takes NULL */
/*
 * Returns 1 with the node's id, or 0: not there now. Errors: PF_E_UNSUPPORTED (the library does not start), PF_E_IO
 * (no daemon answers, or it went away).
 */
int pwnode_get(struct pwnode *n, uint32_t *id) PF_MUST_CHECK;

/* Is pid this process, or does it descend from it? For what a daemon says of a peer. */
bool pwnode_descends(int pid, int ancestor);

#endif
