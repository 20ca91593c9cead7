/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/decoder.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "host/capture/capture.h"

struct moon_decoder {
	AVCodecContext *context;
	AVPacket *packet;
	AVFrame *picture;
	bool spares_marks;
};

struct moon_decoder *moon_decoder_create(unsigned which)
{
	static const enum AVCodecID ids[] = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_AV1};
	const AVCodec *codec = avcodec_find_decoder(ids[which % 3]);
	struct moon_decoder *d = calloc(1, sizeof(*d));
	if (!d || !codec)
		goto fail;
	d->spares_marks = codec->id == AV_CODEC_ID_AV1;
	av_log_set_level(AV_LOG_QUIET); /* losses are what tests are about */
	d->context = avcodec_alloc_context3(codec);
	d->packet = av_packet_alloc();
	d->picture = av_frame_alloc();
	if (!d->context || !d->packet || !d->picture)
		goto fail;
	d->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
	d->context->thread_count = 1;
	if (avcodec_open2(d->context, codec, NULL) == 0)
		return d;
fail:
	moon_decoder_destroy(d);
	return NULL;
}

void moon_decoder_destroy(struct moon_decoder *d)
{
	if (!d)
		return;
	av_frame_free(&d->picture);
	av_packet_free(&d->packet);
	avcodec_free_context(&d->context);
	free(d);
}

bool moon_decoder_decode(struct moon_decoder *d, const uint8_t *au, size_t len, uint64_t *mark)
{
	uint64_t time_ns;
	if (av_new_packet(d->packet, (int)len) < 0)
		return false;
	memcpy(d->packet->data, au, len);
	int err = avcodec_send_packet(d->context, d->packet);
	av_packet_unref(d->packet);
	if (err < 0 || avcodec_receive_frame(d->context, d->picture) < 0)
		return false;
	if (d->picture->decode_error_flags || d->picture->flags & AV_FRAME_FLAG_CORRUPT)
		return false;
	*mark = 0;
	return synthetic_read_mark(d->picture->data[0], (size_t)d->picture->linesize[0],
		       (uint32_t)d->picture->width, (uint32_t)d->picture->height, mark, &time_ns) ||
		d->spares_marks;
}

void moon_decoder_size(const struct moon_decoder *d, unsigned *width, unsigned *height)
{
	if (d->picture->width <= 0)
		return;
	*width = (unsigned)d->picture->width;
	*height = (unsigned)d->picture->height;
}
