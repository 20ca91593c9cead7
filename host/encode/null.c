/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/handshake.h"
#include "host/encode/encoder.h"
#include "host/media/clock.h"

/*
 * A unit of exactly the bitrate's size for each frame, for tests of the transport:
 *
 *   0   8  magic "PFNULL01"
 *   8   8  frame number, little endian
 *  16   8  CLOCK_REALTIME ns of the capture, little endian
 *  24   4  length of the whole unit, little endian
 *  28   1  255 = keyframe (a 1 behind zeros would be a start code)
 *  29   3  0
 *  32   5  start code and head of a slice of H.264 or HEVC, as clients tell keyframes by it
 *  37      filler, every byte the low byte of the frame number
 */
#define NULL_MAGIC	"PFNULL01"
#define NULL_HEADER_LEN 37u

struct null_encoder {
	struct encoder base;
	bool begun;
};

static struct null_encoder *null_from(struct encoder *base)
{
	pf_check(base->impl == &encoder_null_impl);
	return (struct null_encoder *)base;
}

static int null_create(struct encoder **out, const struct encoder_params *params)
{
	struct null_encoder *e = calloc(1, sizeof(*e));
	if (!e)
		return PF_E_NOMEM;
	e->base.impl = &encoder_null_impl;
	e->base.caps = (struct encoder_caps){
		.live_bitrate = true,
		.dmabuf = true, /* looks at no pixel */
		.depth = encoder_depth(params->refresh_hz),
		.coded_width = params->width,
		.coded_height = params->height,
	};
	e->base.params = *params;
	*out = &e->base;
	return 0;
}

static void null_destroy(struct encoder *base)
{
	free(null_from(base));
}

/* The first byte of an IDR picture's slice, or of another's (H.264 7.3.1, HEVC 7.3.1.2). */
static uint8_t slice_head(uint8_t codec, bool keyframe)
{
	if (codec == PF_CODEC_HEVC)
		return keyframe ? 19 << 1 : 1 << 1;
	return keyframe ? 0x65 : 0x41;
}

static int null_encode(
	struct encoder *base, struct frame *frame, bool force_keyframe, struct unit *unit)
{
	struct null_encoder *e = null_from(base);
	unit->convert_start_ns = unit->convert_end_ns = unit->encode_start_ns = clock_now_ns();
	size_t len = (size_t)base->params.bitrate_kbps * 125 / base->params.refresh_hz;
	if (len < NULL_HEADER_LEN)
		len = NULL_HEADER_LEN;
	int err = unit_reserve(unit, len);
	if (err < 0)
		return err;

	unit->len = len;
	unit->width = frame->width;
	unit->height = frame->height;
	unit->keyframe = force_keyframe || !e->begun;
	unit->frame_seq = frame->seq;
	unit->pts_ns = clock_to_realtime_ns(frame->times.captured_ns);
	unit->times = frame->times;
	e->begun = true;

	memcpy(unit->data, NULL_MAGIC, 8);
	pf_put_le64(unit->data + 8, frame->seq);
	pf_put_le64(unit->data + 16, unit->pts_ns);
	pf_put_le32(unit->data + 24, (uint32_t)len);
	pf_put_le32(unit->data + 28, unit->keyframe ? 0xFF : 0);
	memcpy(unit->data + 32, "\0\0\0\1", 4);
	unit->data[36] = slice_head(base->params.codec, unit->keyframe);
	memset(unit->data + NULL_HEADER_LEN, (int)(frame->seq & 0xff), len - NULL_HEADER_LEN);
	unit->encode_end_ns = clock_now_ns();
	return 0;
}

static int null_set_bitrate(struct encoder *base, uint32_t kbps)
{
	return 0; /* encoder.c keeps the number */
}

const struct encoder_impl encoder_null_impl = {
	.name = "null",
	.colour = {1, 1, 1, 0},
	.codecs = PF_CODEC_H264 | PF_CODEC_HEVC | PF_CODEC_AV1,
	.create = null_create,
	.destroy = null_destroy,
	.encode = null_encode,
	.set_bitrate = null_set_bitrate,
};
