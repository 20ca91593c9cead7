/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/flow/anchor.h"

#include <string.h>

#include "core/wire/handshake.h"

/* H.264 7.4.1 table 7-1; HEVC 7.4.2.2 table 7-1 */
enum { H264_SLICE = 1, H264_IDR = 5, HEVC_BLA_W_LP = 16, HEVC_IRAP_LAST = 23, HEVC_VCL_LAST = 31 };

/* 1 an anchor's slice, 0 another slice, -1 no slice: look on */
static int classify(uint8_t codec, uint8_t head)
{
	if (codec == PF_CODEC_H264) {
		unsigned type = head & 0x1F;
		if (type < H264_SLICE || type > H264_IDR)
			return -1;
		return type == H264_IDR;
	}
	unsigned type = head >> 1 & 0x3F;
	if (type > HEVC_VCL_LAST)
		return -1;
	return type >= HEVC_BLA_W_LP && type <= HEVC_IRAP_LAST;
}

bool pf_anchor_au(uint8_t codec, const uint8_t *au, size_t len)
{
	if (!len || (codec != PF_CODEC_H264 && codec != PF_CODEC_HEVC))
		return false; /* NULL is a fine nothing, but not one to count from */
	const uint8_t *p = au, *end = au + len;
	/* A start code is 00 00 01; the byte after it is the NAL header. */
	while (end - p >= 4) {
		const uint8_t *one = memchr(p + 2, 1, (size_t)(end - p) - 3);
		if (!one)
			return false;
		if (one[-1] == 0 && one[-2] == 0) {
			int verdict = classify(codec, one[1]);
			if (verdict >= 0)
				return verdict == 1;
		}
		p = one - 1;
	}
	return false;
}
