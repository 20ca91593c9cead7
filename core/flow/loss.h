/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_LOSS_H
#define PF_FLOW_LOSS_H

#include <stdint.h>

#include "core/flow/reassembler.h"

/*
 * The loss that a client reports (wire 4.5): over one window, lost = recovered - late (not below 0),
 * ppm = lost * 1e6 / (received + lost), at most 1e6. Frames past repair are not in it: they show up
 * as requests for a keyframe.
 */
struct pf_loss_window {
	uint64_t packets, recovered, late; /* counters at the start of the window */
};

void pf_loss_window_start(struct pf_loss_window *w, const struct pf_reassembler_stats *now);
/* ppm since start; starts the next window. */
uint32_t pf_loss_window_take(struct pf_loss_window *w, const struct pf_reassembler_stats *now);

#endif
