/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_GATE_H
#define PF_FLOW_GATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Which frames may be decoded after a loss (wire 7.3, the recovery flags). Until the first keyframe nothing
 * may. After a gap nothing may until a frame that needs none of the lost ones: a keyframe, a recovery
 * anchor, or the end of an intra-refresh wave that began after the gap.
 * Thread: one thread at a time.
 */
struct pf_gate {       /* init with zeros */
	bool started;  /* a keyframe passed */
	bool broken;   /* a gap since then */
	bool skipping; /* the caller had it close: an anchor may refer to what was not decoded */
	bool closes;   /* this sender marks begin and end of a wave, not only boundaries */
	bool wave;     /* a wave began since the gap */
	unsigned marks;
};

struct pf_gate_frame {
	uint32_t user_flags; /* enum pf_user_flags */
	bool keyframe;	     /* decodes by itself; a recovery anchor is told by user_flags */
	bool gap;	     /* frames before it were lost */
	bool skip; /* it is not to be decoded, nor what follows: no sender knows, so no anchor helps */
};

/* Takes the next frame in order. Returns whether it may be decoded. */
bool pf_gate_pass(struct pf_gate *g, const struct pf_gate_frame *f);

static inline bool pf_gate_is_closed(const struct pf_gate *g)
{
	return !g->started || g->broken;
}

#endif
