/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_HOLD_H
#define HOST_SESSION_HOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/datagram.h"

/*
 * A client's input, kept while its display takes none. mutter drops each place on an output whose stream is being
 * agreed on anew or is halted, without a word: a click would land where the pointer was before. So all input of the
 * seat waits, in its order; what was sent just before is sent again, if it is where the pointer still should be.
 * Thread: the control loop.
 */

struct loop;
struct loop_source;

#define HOLD_EVENTS  64u	  /* of different kinds: moves in a row are one */
#define HOLD_NS	     300000000ull /* no event waits longer, whatever the display does */
#define HOLD_POLL_NS 4000000ull
#define HOLD_LOOK_NS \
	20000000ull /* the display's word and the event go different ways, that far apart at most */

struct hold_params {
	struct loop *loop;
	/* Odd: the display takes no place now; another number: it was so meanwhile. */
	uint32_t (*away)(void *userdata);
	void (*deliver)(const struct pf_input *event, void *userdata);
	void *userdata;
};

struct hold {
	struct hold_params params;
	struct loop_source *timer;
	struct pf_input events[HOLD_EVENTS];
	size_t n;
	uint64_t until_ns;
	struct pf_input place; /* the last that went out */
	bool placed;	       /* and no other motion followed */
	uint32_t place_away;   /* params.away() then */
};

int hold_init(struct hold *h, const struct hold_params *params) PF_MUST_CHECK;
void hold_finish(struct hold *h); /* zeroed memory, too; what waits is dropped */
void hold_input(struct hold *h, const struct pf_input *event);
void hold_drop(struct hold *h); /* what waits: its client let go of everything */

#endif
