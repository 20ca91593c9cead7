/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/decode/decode.h"

#include <stdlib.h>

#include <libavcodec/avcodec.h>

#include "punktfunk_core.h"

/* Level 6.2, the largest there is: 139,264 macroblocks. It bounds what a hostile size can allocate. */
#define MAX_PIXELS (139264 * 256)

struct decode {
	AVCodecContext *codec;
	AVFrame *spare; /* for pictures beyond the one that is wanted */
	struct decode_counters counters;
};

int decode_create(struct decode **out)
{
	const AVCodec *h264 = avcodec_find_decoder(AV_CODEC_ID_H264);
	if (!h264)
		return PUNKTFUNK_E_UNSUPPORTED;
	int err = PUNKTFUNK_E_NOMEM;
	struct decode *d = calloc(1, sizeof(*d));
	if (!d)
		return err;
	d->codec = avcodec_alloc_context3(h264);
	d->spare = av_frame_alloc();
	if (!d->codec || !d->spare)
		goto fail;
	d->codec->flags |= AV_CODEC_FLAG_LOW_DELAY;
	d->codec->err_recognition = AV_EF_CRCCHECK | AV_EF_BITSTREAM | AV_EF_BUFFER | AV_EF_EXPLODE;
	d->codec->max_pixels = MAX_PIXELS;
	/*
	 * One thread: frame threads would delay each picture, and with slice threads libavcodec does not
	 * notice a slice that is missing. Error concealment stays on for the same reason: it is what
	 * finds the holes. What it fills in is flagged and never given out.
	 */
	d->codec->thread_count = 1;
	if (avcodec_open2(d->codec, h264, NULL) < 0) {
		err = PUNKTFUNK_E_UNSUPPORTED;
		goto fail;
	}
	*out = d;
	return PUNKTFUNK_OK;
fail:
	decode_destroy(d);
	return err;
}

void decode_destroy(struct decode *d)
{
	if (!d)
		return;
	avcodec_free_context(&d->codec);
	av_frame_free(&d->spare);
	free(d);
}

int decode_unit(struct decode *d, const struct AVPacket *packet, struct AVFrame *picture)
{
	int sent = avcodec_send_packet(d->codec, packet);
	int got = avcodec_receive_frame(d->codec, picture);
	int n_pictures = got == 0;
	while (got == 0 && avcodec_receive_frame(d->codec, d->spare) == 0) {
		av_frame_unref(d->spare);
		n_pictures++;
	}
	if (sent == AVERROR(ENOMEM) || got == AVERROR(ENOMEM)) {
		av_frame_unref(picture);
		return PUNKTFUNK_E_NOMEM;
	}
	if (sent == 0 && got == AVERROR(EAGAIN)) {
		d->counters.delayed++;
		return PUNKTFUNK_E_NO_FRAME;
	}
	if (sent < 0 || n_pictures != 1 || picture->decode_error_flags ||
		(picture->flags & AV_FRAME_FLAG_CORRUPT)) {
		av_frame_unref(picture);
		d->counters.damaged++;
		return PUNKTFUNK_E_BAD_PACKET;
	}
	d->counters.decoded++;
	return PUNKTFUNK_OK;
}

const struct decode_counters *decode_counters(const struct decode *d)
{
	return &d->counters;
}
