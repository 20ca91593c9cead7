/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_PACKET_BATCH_H
#define PF_PACKET_BATCH_H

#include <stddef.h>
#include <stdint.h>

/*
 * The packets of one frame, back to back and all of one length, so that GSO can cut the buffer: packet i
 * is data[i * packet_len .. (i + 1) * packet_len).
 */
struct pf_packet_batch {
	uint8_t *data; /* borrowed from who built it until the next build or destroy */
	size_t packet_len;
	size_t n_packets; /* data + parity */
	size_t n_data;
};

#endif
