/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_H264_H
#define HOST_ENCODE_H264_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Makes a stream fit for frames that never arrive. x264 counts frames in 4 or 5 bits and says that none is ever
 * missing. libavcodec then loses count when the counter wraps within a loss, and holds pictures back for a whole
 * turn; others take any gap for a broken stream. So in what x264 made the counter (frame_num) gets 8 bits more,
 * which moves the rest of a slice by a byte and changes nothing in it, and the SPS says that gaps may occur.
 *
 * The input is our own encoder's; what does not look like it is refused, not guessed at.
 */

#define H264_MORE_BITS 8u
/* A NAL may grow by this much: the byte, and emulation prevention in the head of it. */
#define H264_GROWTH 16u

struct h264_gaps {     /* init with zeros */
	unsigned bits; /* of frame_num as x264 writes it; 0 = no SPS yet */
};

/*
 * One NAL with its start code -> out, of room for len + H264_GROWTH. frame_num: full count of frames since the
 * IDR. Returns the new length. Errors: PF_E_UNSUPPORTED.
 */
int64_t h264_gaps_convert(struct h264_gaps *g, uint64_t frame_num, const uint8_t *nal, size_t len,
	uint8_t *out) PF_MUST_CHECK;

/* Does the counter of the converted stream wrap between these two frames, counted since the IDR? */
static inline int h264_gaps_wrap(const struct h264_gaps *g, uint64_t from, uint64_t to)
{
	return from >> (g->bits + H264_MORE_BITS) != to >> (g->bits + H264_MORE_BITS);
}

#endif
