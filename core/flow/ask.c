/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/ask.h"

#include "core/wire/control.h"

#define FLOOR_NS  20000000u /* between two requests for one hole, when the RTT is tiny */
#define ANSWER_NS 4000000u  /* what a host takes to encode the answer, at least */
/* A large keyframe through a slow link; one that hosts mark by mistake costs no more. */
#define PATIENCE_NS 150000000u
#define LOOK_NS	    4000000u /* how it is doing */
#define NS_PER_S    UINT64_C(1000000000)
#define USUAL_HZ    60u
#define RFI_TRIES   5u		   /* then the host has nothing to refer to, whatever it says */
#define LONGEST_RTT (2 * NS_PER_S) /* whatever is measured, a hole is asked about again */

/* How long the host's answer may take before asking again is right: two round trips and one frame. */
static uint64_t interval(const struct pf_ask_state *s, uint64_t rtt_ns)
{
	uint64_t ns = 2 * rtt_ns + NS_PER_S / (s->refresh_hz ? s->refresh_hz : USUAL_HZ);
	return ns > FLOOR_NS ? ns : FLOOR_NS;
}

static struct pf_ask_request choose(struct pf_ask *a, const struct pf_ask_state *s)
{
	struct pf_ask_request r = {.kind = PF_ASK_KEYFRAME};
	/* Before the first keyframe there is nothing to refer to, and what was skipped no host knows of. */
	if (!s->started || s->skipping)
		return r;
	r.first = s->closed ? s->shown + 1 : s->first;
	r.last = s->hole ? s->last : s->stuck;
	/* A wider range means a keyframe at both ends. */
	if (r.last - r.first > PF_RFI_MAX_RANGE || a->n_rfi >= RFI_TRIES)
		return r;
	a->n_rfi++;
	r.kind = PF_ASK_RFI;
	return r;
}

struct pf_ask_request pf_ask_poll(struct pf_ask *a, const struct pf_ask_state *s, uint64_t now_ns)
{
	struct pf_ask_request nothing = {.kind = PF_ASK_NOTHING};
	if (!s->hole && !s->closed) {
		a->next_ns = 0;
		a->n_rfi = 0;
		return nothing;
	}
	/* Another frame lost after the answer was due may have been the answer. */
	bool answer_lost = s->hole && s->last != a->last && now_ns >= a->due_ns;
	if (now_ns < a->next_ns && !answer_lost)
		return nothing;
	if (a->next_ns && s->healing && now_ns < a->patience_ns) {
		a->next_ns = now_ns + LOOK_NS;
		return nothing;
	}
	uint64_t rtt_ns = s->rtt_ns < LONGEST_RTT ? s->rtt_ns : LONGEST_RTT;
	if (s->hole)
		a->last = s->last;
	a->due_ns = now_ns + rtt_ns + ANSWER_NS;
	a->next_ns = now_ns + interval(s, rtt_ns);
	a->patience_ns = a->next_ns + PATIENCE_NS;
	return choose(a, s);
}

uint64_t pf_ask_deadline(const struct pf_ask *a)
{
	return a->next_ns ? a->next_ns : UINT64_MAX;
}
