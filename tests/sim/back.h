/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SIM_BACK_H
#define TESTS_SIM_BACK_H

#include "tests/sim/sim.h"

/*
 * The client's way to the host: a QUIC stream, as a model. Messages come in order; one that is lost comes a
 * probe timeout later, and those behind it wait. An acknowledgement is sent once.
 */

enum back_kind { BACK_LOSS, BACK_DELIVERY, BACK_RFI, BACK_KEYFRAME, BACK_ACK };

struct back_msg {
	enum back_kind kind;
	uint32_t first, last, ppm;
	uint64_t packets, sent_ns; /* sent_ns: of what an ACK acknowledges, else of itself */
	uint64_t at_ns;
	bool again; /* it was lost at first, and says nothing of the round trip (RFC 9002, 5.1) */
};

#define BACK_MAX 512u

struct back {
	struct sim_link_params p;
	struct back_msg msgs[BACK_MAX];
	unsigned n;
	uint64_t stream_ns, seed;
};

void back_init(struct back *b, const struct sim_link_params *p);
/* rtt_ns: what the sender takes the round trip for. */
void back_send(struct back *b, const struct back_msg *msg, uint64_t rtt_ns, uint64_t now_ns);
uint64_t back_next_ns(const struct back *b);
bool back_take(struct back *b, uint64_t now_ns, struct back_msg *out);

#endif
