/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_TRUST_ARMING_H
#define HOST_TRUST_ARMING_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/pair/pair.h"

/*
 * When a client may try to pair: a person arms, gets a PIN, and the first attempt uses it up (wire 5.3).
 * Whoever reads a PairChallenge can test one PIN against it, so that a PIN is good for one guess: 1 in 10,000.
 * Times are CLOCK_MONOTONIC, given by the caller; nothing here sleeps or asks a clock.
 * Thread: one at a time per object.
 */

#define ARMING_TTL_S	   120u	 /* wire 5.3 */
#define ARMING_TTL_MAX_S   3600u /* a PIN that lies about is one that somebody else finds */
#define ARMING_CEREMONY_NS 60000000000ull
#define ARMING_COOLDOWN_NS 2000000000ull

struct arming {
	uint64_t cooldown_ns;
	uint64_t until_ns; /* 0 = not armed */
	char pin[PF_PIN_LEN + 1];
	bool bound;
	uint8_t bound_fp[PF_PAIR_FINGERPRINT_LEN];
	uint64_t next_ns;     /* no attempt before */
	uint64_t ceremony_ns; /* the running one ends by then; 0 = none */
	uint64_t n_attempts;
};

void arming_init(struct arming *a, uint64_t cooldown_ns);
void arming_finish(struct arming *a); /* wipes */

/*
 * Arms for ttl_s seconds, in place of what was armed. bound_fp: the only client that may try, NULL = any.
 * random: fresh; the caller wipes it. The PIN is in a->pin for the one who armed, and for nobody else.
 * Errors: PF_E_INVALID (ttl_s is 0 or above the limit), PF_E_AGAIN (other random, please).
 */
int arming_arm(struct arming *a, uint64_t now_ns, uint32_t ttl_s, const uint8_t *bound_fp,
	const uint8_t random[static PF_PIN_RANDOM_LEN]) PF_MUST_CHECK;
void arming_disarm(struct arming *a);
/* Seconds left, rounded up; 0 = not armed. A PIN whose time is over is wiped. */
uint32_t arming_left_s(struct arming *a, uint64_t now_ns);

/*
 * A client with this fingerprint wants to pair. PF_OK: pin is its copy to wipe, and the host's is burnt; a
 * ceremony runs until arming_end(). Errors: PF_E_NOT_ARMED, PF_E_BOUND_TO_OTHER, PF_E_RATE_LIMITED (one runs,
 * or the last began a moment ago): nothing is burnt.
 */
int arming_begin(struct arming *a, uint64_t now_ns,
	const uint8_t fp[static PF_PAIR_FINGERPRINT_LEN],
	char pin[static PF_PIN_LEN + 1]) PF_MUST_CHECK;
void arming_end(struct arming *a);

#endif
