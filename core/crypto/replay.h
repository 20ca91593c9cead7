/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_CRYPTO_REPLAY_H
#define PF_CRYPTO_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Sliding replay window over authenticated sequence numbers (wire 7.2). The first one seen need not
 * be 0. Ask only after the tag verified: an unauthenticated number must not move the window.
 */

/* About 0.3 s of a 5 Gbit/s stream in packets: deeper than any honest reordering. 16 KiB. */
#define PF_REPLAY_DEPTH 131072u

struct pf_replay {
	uint64_t top; /* highest accepted sequence + 1; 0 = none yet */
	uint64_t bits[PF_REPLAY_DEPTH / 64];
};

void pf_replay_init(struct pf_replay *r);
/* true: fresh, and now counted as seen. false: seen before, or older than the window. */
bool pf_replay_accept(struct pf_replay *r, uint64_t seq);

#endif
