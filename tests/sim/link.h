/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SIM_LINK_H
#define TESTS_SIM_LINK_H

#include <stddef.h>

#include "tests/sim/sim.h"

/* One direction of a virtual link: a queue of bytes before a rate, then delay, jitter and loss. */

#define LINK_PACKET_MAX 1536u
#define LINK_FRAMING	28u /* IPv4 and UDP, which the rate carries too */

enum link_kind { LINK_VIDEO, LINK_TIMING };

struct link_packet {
	uint64_t at_ns, order; /* arrival; order breaks ties */
	uint64_t sent_ns;
	enum link_kind kind;
	size_t len;
	uint8_t data[LINK_PACKET_MAX];
};

struct link;

int link_create(struct link **out, const struct sim_link_params *params);
void link_destroy(struct link *l);
/* Copies. What does not fit the queue is dropped. */
void link_send(
	struct link *l, enum link_kind kind, const uint8_t *data, size_t len, uint64_t now_ns);
/* How long a packet that is sent now would wait for those before it. */
uint64_t link_queue_ns(const struct link *l, uint64_t now_ns);
/* When link_take() may have something; UINT64_MAX = never. */
uint64_t link_next_ns(const struct link *l);
/* What has arrived by now, one at a time, or NULL. Valid until the next call with the same link. */
struct link_packet *link_take(struct link *l, uint64_t now_ns);

/* xorshift64*, and a number below n from it. */
uint64_t sim_rand(uint64_t *state);
static inline uint64_t sim_below(uint64_t *state, uint64_t n)
{
	return n ? (sim_rand(state) >> 16) % n : 0;
}

#endif
