/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_DESKTOPS_LEFT_H
#define TESTS_DESKTOPS_LEFT_H

#include <stddef.h>

#include "tests/integration/desktops/rig.h"

/* What sessions could leave behind, counted: in the host, in the compositor, in PipeWire and around them. */

enum left_kind {
	LEFT_OUTPUTS, /* that a client of the compositor sees */
	LEFT_NODES,   /* of PipeWire, also those of the host's side */
	LEFT_HOST_DESCRIPTORS,
	LEFT_HOST_THREADS,
	LEFT_DESKTOP_DESCRIPTORS,
	LEFT_DESKTOP_THREADS,
	LEFT_PIPEWIRE_DESCRIPTORS,
	LEFT_PROCESSES, /* that descend from us, also those whose parent is gone */
	LEFT_FILES,	/* in the runtime folder */
	LEFT_KINDS
};

struct left {
	int n[LEFT_KINDS]; /* -1 = cannot be counted here */
	int n_idle;	   /* outputs of a sway that cannot remove them */
};

struct left left_count(void);
/* Waits until nothing is more than it was, and the outputs and processes are as many; else says what, and fails. */
void left_wait(const struct left *was);

/* The id of the newest node that gives pictures. */
int left_newest_source(void);

/* Each output with its place, and, where the compositor tells, its workspaces and focus. */
void left_layout(char *text, size_t cap);
void left_wait_layout(const char *was);

#endif
