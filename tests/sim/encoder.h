/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SIM_ENCODER_H
#define TESTS_SIM_ENCODER_H

#include "tests/sim/sim.h"

/*
 * The model of an encoder: how large its frames are and what they refer to. As the host's session has it, a
 * keyframe that was asked for comes at once but 50 ms after the last one at the soonest, and an anchor (a
 * P-frame that refers past a loss) 20 ms after the last one.
 */

#define MODEL_DEPTH 9u	  /* frames back that one may refer to: 150 ms at 60 Hz */
#define MODEL_KEEP  1024u /* frames whose facts are kept */
#define MODEL_NONE  UINT32_MAX

struct model_frame {
	uint32_t index, ref; /* ref MODEL_NONE: refers to nothing */
	uint32_t len;
	bool keyframe, anchor;
	uint64_t due_ns; /* when its last packet would be at the client */
};

struct model {
	struct model_frame frames[MODEL_KEEP];
	uint32_t next, hz;
	uint64_t seed, debt; /* bytes above the budget, to be made up for */
	uint32_t usable;     /* bit i: next - 1 - i may be referred to */
	bool rfi, want_keyframe, want_anchor;
	uint64_t next_keyframe_ns, next_anchor_ns;
	/* losses that a frame of ours heals already: of from .. at - 1 */
	struct {
		uint32_t from, at;
	} healed[8];
	unsigned n_healed;
	uint32_t anchor_from;
};

void model_init(struct model *m, uint32_t hz, bool rfi);
void model_lost(struct model *m, uint32_t first, uint32_t last); /* RfiRequest */
void model_ask_keyframe(struct model *m);
/* When a frame is to be made to heal a loss, before the next tick; UINT64_MAX = none. */
uint64_t model_due_ns(const struct model *m);
/* The next frame at this bitrate. Valid until MODEL_KEEP frames later. */
struct model_frame *model_encode(struct model *m, uint32_t kbps, uint64_t now_ns);
/* NULL: too old. */
const struct model_frame *model_frame(const struct model *m, uint32_t index);

#endif
