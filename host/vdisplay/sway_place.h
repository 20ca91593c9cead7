/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_VDISPLAY_SWAY_PLACE_H
#define HOST_VDISPLAY_SWAY_PLACE_H

#include <stddef.h>

#include "core/base/error.h"
#include "host/vdisplay/sway_ipc.h"

/*
 * sway opens a window where the focus is. Here each new window of a program that belongs to an output goes to that
 * output, however late it comes and wherever the focus went in the meantime. One that stands already is not touched:
 * a person may have moved it. Thread: the control loop.
 */

struct loop;
struct loop_source;

/* As many as outputs. */
#define SWAY_PLACE_CLAIMS 64u

struct sway_claim {
	int pid;       /* 0 = free */
	char name[64]; /* of the output */
};

struct sway_place {
	struct loop *loop;
	const char *ipc_path;
	struct sway_ipc events;
	struct loop_source *on_event; /* NULL: nothing is claimed */
	struct sway_claim claims[SWAY_PLACE_CLAIMS];
};

/* ipc_path is borrowed. loop NULL: nothing can be claimed. */
void sway_place_init(struct sway_place *p, struct loop *loop, const char *ipc_path);
void sway_place_finish(struct sway_place *p);
/*
 * New windows of the process and of what descends from it belong to the output name. The same process again: another
 * output. Errors: PF_E_INVALID, PF_E_BUSY (too many), those of sway_ipc_request().
 */
int sway_place_claim(struct sway_place *p, const char *name, int pid) PF_MUST_CHECK;
/* The output goes. */
void sway_place_drop(struct sway_place *p, const char *name);

#endif
