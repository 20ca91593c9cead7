/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/avunit.h"

#include <string.h>

#include <libavcodec/avcodec.h>

static int convert_error(int err)
{
	return err == AVERROR(ENOMEM) ? PF_E_NOMEM : PF_E_IO;
}

static int take_unit(AVCodecContext *context, AVPacket *packet, struct unit *unit)
{
	int err = avcodec_receive_packet(context, packet);
	if (err < 0)
		return convert_error(err);
	err = packet->size > 0 && packet->pts == (int64_t)unit->number
		? unit_reserve(unit, (size_t)packet->size)
		: PF_E_IO;
	if (err >= 0) {
		unit->len = (size_t)packet->size;
		memcpy(unit->data, packet->data, unit->len);
		unit->keyframe = packet->flags & AV_PKT_FLAG_KEY;
	}
	av_packet_unref(packet);
	return err;
}

int avunit_encode(AVCodecContext *context, AVFrame *picture, AVPacket *packet, bool keyframe,
	struct unit *unit)
{
	picture->pict_type = keyframe ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
	picture->pts = (int64_t)unit->number;
	int err = avcodec_send_frame(context, picture);
	if (err < 0)
		return convert_error(err);
	err = take_unit(context, packet, unit);
	if (err < 0)
		return err;
	return keyframe && !unit->keyframe ? PF_E_IO : PF_OK;
}
