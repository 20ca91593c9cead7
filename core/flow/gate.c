/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/gate.h"

#include "core/packet/native.h"

/* A sender that only marks boundaries: the wave of the first one may have begun before the gap. */
#define MARKS_TO_HEAL 2u

static bool is_healed(struct pf_gate *g, uint32_t user_flags)
{
	bool end = user_flags & PF_USER_RECOVERY_CLOSED;
	bool mark = end || (user_flags & PF_USER_RECOVERY_POINT);
	g->closes |= end;
	g->wave |= mark && !end;
	g->marks += mark;
	return g->closes ? end && g->wave : g->marks >= MARKS_TO_HEAL;
}

bool pf_gate_pass(struct pf_gate *g, const struct pf_gate_frame *f)
{
	g->skipping = (g->skipping || f->skip) && !f->keyframe;
	bool anchor = f->keyframe || (!g->skipping && (f->user_flags & PF_USER_RECOVERY_ANCHOR));
	g->started |= f->keyframe;
	if (f->gap || f->skip) {
		g->broken = true;
		g->wave = false;
		g->marks = 0;
	}
	if (is_healed(g, f->user_flags) || anchor)
		g->broken = g->skipping = false;
	return !pf_gate_is_closed(g);
}
