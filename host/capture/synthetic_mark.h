/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CAPTURE_SYNTHETIC_MARK_H
#define HOST_CAPTURE_SYNTHETIC_MARK_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The mark of the synthetic source: 160 square blocks, row by row from the top left corner, white = 1,
 * most significant bit first. The reader is synthetic_read_mark() in capture.h. This file and its .c
 * need nothing else of the host.
 *
 *   bit 0        frame number, big endian
 *   bit 64       CLOCK_REALTIME ns, big endian
 *   bit 128      CRC-32 (IEEE) of the 16 bytes before it
 */
#define SYNTHETIC_MARK_BITS 160u
#define SYNTHETIC_MIN_SIZE  64u /* 16 by 10 blocks of 4 pixels and something that moves below them */

struct synthetic_mark_layout {
	uint32_t block;		/* pixels a side, a multiple of 4 */
	uint32_t columns, rows; /* the last row may be only partly used */
};

/* Depends on the size alone, and not on its lowest bit: an encoder may pad odd sizes by one. */
bool synthetic_mark_layout(struct synthetic_mark_layout *out, uint32_t width, uint32_t height);
void synthetic_mark_make(
	uint8_t bits[SYNTHETIC_MARK_BITS / 8], uint64_t frame_seq, uint64_t realtime_ns);

#endif
