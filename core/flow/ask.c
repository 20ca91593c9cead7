/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/ask.h"

#include "core/wire/control.h"

#define FLOOR_NS    20000000u /* between two requests for one hole, when the RTT is tiny */
#define ANSWER_NS   4000000u  /* what a host takes to encode the answer, at least */
#define NS_PER_S    UINT64_C(1000000000)
#define USUAL_HZ    60u
#define LONGEST_RTT (2 * NS_PER_S) /* whatever is measured, a hole is asked about again */

/* How long the host's answer may take before asking again is right: two round trips and one frame. */
static uint64_t interval(const struct pf_ask_state *s, uint64_t rtt_ns)
{
	uint64_t ns = 2 * rtt_ns + NS_PER_S / (s->refresh_hz ? s->refresh_hz : USUAL_HZ);
	return ns > FLOOR_NS ? ns : FLOOR_NS;
}

enum pf_ask_kind pf_ask_poll(struct pf_ask *a, const struct pf_ask_state *s, uint64_t now_ns)
{
	if (!s->hole && !s->closed) {
		a->next_ns = 0;
		return PF_ASK_NOTHING;
	}
	/* Another frame lost after the answer was due may have been the answer. */
	bool answer_lost = s->hole && s->last != a->last && now_ns >= a->due_ns;
	if (now_ns < a->next_ns && !answer_lost)
		return PF_ASK_NOTHING;
	uint64_t rtt_ns = s->rtt_ns < LONGEST_RTT ? s->rtt_ns : LONGEST_RTT;
	if (s->hole)
		a->last = s->last;
	a->due_ns = now_ns + rtt_ns + ANSWER_NS;
	a->next_ns = now_ns + interval(s, rtt_ns);
	/* A wider range means a keyframe at both ends; and of what a closed gate kept back no range tells. */
	return s->hole && !s->closed && s->last - s->first <= PF_RFI_MAX_RANGE ? PF_ASK_RFI
									       : PF_ASK_KEYFRAME;
}

uint64_t pf_ask_deadline(const struct pf_ask *a)
{
	return a->next_ns ? a->next_ns : UINT64_MAX;
}
