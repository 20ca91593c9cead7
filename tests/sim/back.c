/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/sim/back.h"

#include "core/base/error.h"
#include "tests/sim/link.h"

#define MAX_ACK_DELAY_NS (2 * SIM_MS) /* RFC 9002, 6.2.1: part of the probe timeout */
#define MAX_TRIES	 8u
#define PPM		 1000000u

void back_init(struct back *b, const struct sim_link_params *p)
{
	*b = (struct back){.p = *p, .seed = 55};
}

void back_send(struct back *b, const struct back_msg *msg, uint64_t rtt_ns, uint64_t now_ns)
{
	bool again = false;
	uint64_t at_ns = now_ns, timeout_ns = rtt_ns + rtt_ns / 8 + MAX_ACK_DELAY_NS;
	for (unsigned i = 0; i < MAX_TRIES && sim_below(&b->seed, PPM) < b->p.loss_ppm; i++) {
		if (msg->kind == BACK_ACK)
			return;
		at_ns += timeout_ns << i;
		again = true;
	}
	at_ns += b->p.delay_ns + sim_below(&b->seed, b->p.jitter_ns);
	if (msg->kind != BACK_ACK) {
		at_ns = at_ns > b->stream_ns ? at_ns : b->stream_ns;
		b->stream_ns = at_ns;
	}
	pf_check(b->n < BACK_MAX);
	/* In order of arrival, and of sending where that is the same. */
	unsigned i = b->n++;
	for (; i && b->msgs[i - 1].at_ns > at_ns; i--)
		b->msgs[i] = b->msgs[i - 1];
	b->msgs[i] = *msg;
	b->msgs[i].at_ns = at_ns;
	b->msgs[i].again = again;
	if (msg->kind != BACK_ACK)
		b->msgs[i].sent_ns = now_ns;
}

uint64_t back_next_ns(const struct back *b)
{
	return b->n ? b->msgs[0].at_ns : UINT64_MAX;
}

bool back_take(struct back *b, uint64_t now_ns, struct back_msg *out)
{
	if (!b->n || b->msgs[0].at_ns > now_ns)
		return false;
	*out = b->msgs[0];
	b->n--;
	for (unsigned i = 0; i < b->n; i++)
		b->msgs[i] = b->msgs[i + 1];
	return true;
}
