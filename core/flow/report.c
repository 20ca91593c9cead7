/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/report.h"

void pf_report_start(struct pf_report *r, const struct pf_reassembler_stats *stats, uint64_t now_ns)
{
	*r = (struct pf_report){
		.next_loss_ns = now_ns + PF_REPORT_LOSS_NS,
		.next_delivery_ns = now_ns + PF_REPORT_DELIVERY_NS,
	};
	pf_loss_window_start(&r->loss, stats);
}

struct pf_report_due pf_report_poll(struct pf_report *r, const struct pf_reassembler_stats *stats,
	uint64_t packets, uint64_t now_ns)
{
	struct pf_report_due due = {.packets = packets};
	if (now_ns >= r->next_loss_ns) {
		due.loss = true;
		due.loss_ppm = pf_loss_window_take(&r->loss, stats);
		r->next_loss_ns = now_ns + PF_REPORT_LOSS_NS;
	}
	if (now_ns >= r->next_delivery_ns) {
		/* While nothing comes, a host learns as much from the reports that stay away. */
		due.delivery = packets != r->packets;
		r->packets = packets;
		r->next_delivery_ns = now_ns + PF_REPORT_DELIVERY_NS;
	}
	return due;
}

uint64_t pf_report_deadline(const struct pf_report *r)
{
	return r->next_loss_ns < r->next_delivery_ns ? r->next_loss_ns : r->next_delivery_ns;
}
