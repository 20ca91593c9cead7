/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_PACER_H
#define PF_FLOW_PACER_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Spreads the packets of a frame over time: a burst may leave at once, the rest no faster than the
 * link carries it, so that a keyframe does not overflow the queue of the slowest hop. A bucket of
 * bytes that fills with time. Sans-IO: it says how many packets may go now and when to ask again.
 * Thread: one thread at a time.
 */

#define PF_PACER_MAX_RATE_BPS \
	UINT64_C(1000000000000) /* 1 Tbit/s: keeps the arithmetic in 64 bits */
#define PF_PACER_MAX_BURST ((size_t)1 << 30)
/* Sleeping for less is not worth it: a wake-up is late by 30 to 80 us and costs a system call. */
#define PF_PACER_DEFAULT_WAIT_NS 250000u

struct pf_pacer_params {
	uint64_t rate_bps;    /* bits a second on the wire; 0 = everything at once */
	size_t burst_bytes;   /* what may leave at once after a pause */
	uint64_t min_wait_ns; /* the least time between two wake-ups; 0 = the default above */
	/* A frame is sent faster than the rate rather than take longer than this; 0 = no such bound.
	 * Frames of a stream that is over its rate would only queue up otherwise. */
	uint64_t max_spread_ns;
};

struct pf_pacer {	       /* all fields private */
	uint64_t rate, fast;   /* bytes a second: as set, and as raised for this frame */
	uint64_t credit, rest; /* bytes, and billionths of a byte */
	uint64_t last_ns;
	uint64_t min_wait_ns, max_spread_ns;
	uint64_t burst;
};

/* Errors: PF_E_INVALID (rate or burst over its maximum). */
int pf_pacer_init(
	struct pf_pacer *p, const struct pf_pacer_params *params, uint64_t now_ns) PF_MUST_CHECK;
/* From now on; what was earned stays, as far as the new bucket holds it. Errors: PF_E_INVALID: nothing changed. */
int pf_pacer_set(
	struct pf_pacer *p, const struct pf_pacer_params *params, uint64_t now_ns) PF_MUST_CHECK;

/* A frame is ready: `bytes` are to be sent, what is left of the one before included. */
void pf_pacer_begin(struct pf_pacer *p, size_t bytes, uint64_t now_ns);

/*
 * How many of the next n_packets packets of packet_len bytes may go now, 0..n_packets; they count as
 * sent. When fewer than all: ask again at pf_pacer_deadline().
 */
size_t pf_pacer_take(struct pf_pacer *p, size_t packet_len, size_t n_packets, uint64_t now_ns);

/*
 * When to ask again for n_packets more: at least one may go then, and as many as min_wait_ns is worth.
 * Never before the time of the last call.
 */
uint64_t pf_pacer_deadline(const struct pf_pacer *p, size_t packet_len, size_t n_packets);

#endif
