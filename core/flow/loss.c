/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/loss.h"

#define PPM 1000000u

void pf_loss_window_start(struct pf_loss_window *w, const struct pf_reassembler_stats *now)
{
	*w = (struct pf_loss_window){
		.packets = now->packets,
		.recovered = now->shards_recovered,
		.late = now->packets_late,
	};
}

uint32_t pf_loss_window_take(struct pf_loss_window *w, const struct pf_reassembler_stats *now)
{
	uint64_t received = now->packets - w->packets;
	uint64_t recovered = now->shards_recovered - w->recovered;
	uint64_t late = now->packets_late - w->late;
	uint64_t lost = recovered > late ? recovered - late : 0;
	pf_loss_window_start(w, now);
	if (!lost)
		return 0;
	/* In floating point, because lost * 1e6 may pass 2^64 and ppm needs no more precision. */
	double ppm = (double)lost * PPM / ((double)received + (double)lost);
	return ppm >= PPM ? PPM : (uint32_t)ppm;
}
