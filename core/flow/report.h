/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_REPORT_H
#define PF_FLOW_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/flow/loss.h"

/*
 * What a client tells its host about the link, and when: LossReport (ppm that parity repaired since the last
 * one) and DeliveryReport (video packets received in all). Sans-IO: time comes as an argument.
 * Thread: one thread at a time.
 */

/* Often enough to follow a link, rare enough to mean something. */
#define PF_REPORT_LOSS_NS UINT64_C(500000000)
/* A host sees a queue grow in the counts: five in the time in which one becomes a nuisance. */
#define PF_REPORT_DELIVERY_NS UINT64_C(100000000)

struct pf_report { /* all fields private */
	struct pf_loss_window loss;
	uint64_t next_loss_ns, next_delivery_ns;
	uint64_t packets; /* of the last DeliveryReport */
};

struct pf_report_due {
	bool loss, delivery;
	uint32_t loss_ppm;
	uint64_t packets;
};

void pf_report_start(
	struct pf_report *r, const struct pf_reassembler_stats *stats, uint64_t now_ns);
/* packets: opened and no replays, since the session began. What is due counts as sent. */
struct pf_report_due pf_report_poll(struct pf_report *r, const struct pf_reassembler_stats *stats,
	uint64_t packets, uint64_t now_ns);
uint64_t pf_report_deadline(const struct pf_report *r);

#endif
