/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/png.h"

#include <libavcodec/avcodec.h>
#include <libswscale/swscale.h>

#include "client/file.h"
#include "punktfunk_core.h"

static int matrix_of(enum AVColorSpace space)
{
	switch (space) {
	case AVCOL_SPC_SMPTE170M:
	case AVCOL_SPC_BT470BG:
		return SWS_CS_ITU601;
	case AVCOL_SPC_BT2020_NCL:
	case AVCOL_SPC_BT2020_CL:
		return SWS_CS_BT2020;
	default:
		return SWS_CS_ITU709;
	}
}

static int to_rgb(const AVFrame *picture, AVFrame *rgb)
{
	/* libswscale aborts on a format that it does not know. */
	if (picture->format < 0 || !sws_isSupportedInput(picture->format))
		return PUNKTFUNK_E_UNSUPPORTED;
	rgb->format = AV_PIX_FMT_RGB24;
	rgb->width = picture->width;
	rgb->height = picture->height;
	if (av_frame_get_buffer(rgb, 0) < 0)
		return PUNKTFUNK_E_NOMEM;
	struct SwsContext *sws = sws_getContext(picture->width, picture->height, picture->format,
		rgb->width, rgb->height, AV_PIX_FMT_RGB24,
		SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT, NULL, NULL, NULL);
	if (!sws)
		return PUNKTFUNK_E_UNSUPPORTED;
	const int *matrix = sws_getCoefficients(matrix_of(picture->colorspace));
	int full = picture->color_range == AVCOL_RANGE_JPEG;
	sws_setColorspaceDetails(sws, matrix, full, matrix, 1, 0, 1 << 16, 1 << 16);
	int rows = sws_scale(sws, (const uint8_t *const *)picture->data, picture->linesize, 0,
		picture->height, rgb->data, rgb->linesize);
	sws_freeContext(sws);
	return rows == picture->height ? PUNKTFUNK_OK : PUNKTFUNK_E_UNSUPPORTED;
}

static int encode(const AVFrame *rgb, AVPacket *packet)
{
	const AVCodec *png = avcodec_find_encoder(AV_CODEC_ID_PNG);
	AVCodecContext *c = png ? avcodec_alloc_context3(png) : NULL;
	if (!c)
		return png ? PUNKTFUNK_E_NOMEM : PUNKTFUNK_E_UNSUPPORTED;
	c->width = rgb->width;
	c->height = rgb->height;
	c->pix_fmt = AV_PIX_FMT_RGB24;
	c->time_base = (AVRational){1, 1};
	int err = PUNKTFUNK_OK;
	if (avcodec_open2(c, png, NULL) < 0 || avcodec_send_frame(c, rgb) < 0 ||
		avcodec_receive_packet(c, packet) < 0)
		err = PUNKTFUNK_E_UNSUPPORTED;
	avcodec_free_context(&c);
	return err;
}

int png_write(const char *path, const AVFrame *picture)
{
	int err = PUNKTFUNK_E_NOMEM;
	AVFrame *rgb = av_frame_alloc();
	AVPacket *packet = av_packet_alloc();
	if (!rgb || !packet)
		goto out;
	err = to_rgb(picture, rgb);
	if (!err)
		err = encode(rgb, packet);
	if (!err)
		err = file_write_atomic(path, packet->data, (size_t)packet->size, 0644);
out:
	av_frame_free(&rgb);
	av_packet_free(&packet);
	return err;
}
