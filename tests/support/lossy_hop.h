/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_LOSSY_HOP_H
#define TESTS_SUPPORT_LOSSY_HOP_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A second way between the machines of tests/support/sites.h, 10.78.0.1 and 10.78.0.2, that loses what it is told to:
 * a thread between two TUN devices, because not every kernel has netem. Both ends see a network; nothing in them
 * takes part in the loss.
 */

#define LOSSY_HOP_A "10.78.0.1"
#define LOSSY_HOP_B "10.78.0.2"

struct lossy_hop {
	int fds[2]; /* by site */
	pthread_t thread;
	bool running;
	uint64_t random;
	atomic_bool stop;
	atomic_uint port, percent;
	atomic_ullong passed, lost; /* datagrams from the port */
};

/* After sites_open(). As that; the caller is in the network of SITE_B afterwards. */
int lossy_hop_start(struct lossy_hop *h);
void lossy_hop_stop(struct lossy_hop *h); /* also of one that did not start */
/* From now on, of the UDP datagrams that leave SITE_A from this port, by a fixed seed. */
void lossy_hop_lose(struct lossy_hop *h, uint16_t port, unsigned percent);

#endif
