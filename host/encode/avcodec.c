/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavutil/dict.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/base/probe.h"
#include "host/encode/avunit.h"
#include "host/encode/encoder.h"
#include "host/encode/planes.h"
#include "host/gpu/display.h"
#include "host/media/clock.h"

/*
 * HEVC and AV1 in software: libx265 and libaom behind libavcodec. Neither can be told through it to refer past a
 * lost picture, nor to change the bitrate: what x264 heals and turns in passing costs a keyframe here.
 *
 * SVT-AV1 is left out: in its low delay mode (1.4) the first unit comes with the fourth picture.
 */

/* Rows or columns of blocks that are worked on at once. More threads than this only wait for each other at 1080p. */
#define MAX_AUTO_THREADS 8u

/* libaom 3.12 opens with no more; the highest level of AV1 ends at 800 Mbit/s. */
#define AV1_MAX_KBPS INT64_C(2000000)

/* libaom's largest keyframe, in percent of a frame's share of the bitrate: what x264's comes to at low rates. */
#define AV1_KEYFRAME_PERCENT 450u

struct avcodec_encoder {
	struct encoder base;
	AVCodecContext *context;
	AVFrame *picture;
	AVPacket *packet;
	struct planes planes; /* of the picture */
	bool begun;	      /* the first keyframe is out */
};

struct kind {
	uint8_t codec;
	const char *name; /* libavcodec's */
	void (*set_up)(AVCodecContext *c, AVDictionary **options, const struct encoder_params *p,
		unsigned threads);
};

static struct avcodec_encoder *avcodec_from(struct encoder *base)
{
	pf_check(base->impl == &encoder_avcodec_impl);
	return (struct avcodec_encoder *)base;
}

/* The rate buffer is one frame, as in x264.c: a unit leaves within one frame time at the bitrate. */
static void set_up_hevc(
	AVCodecContext *c, AVDictionary **options, const struct encoder_params *p, unsigned threads)
{
	char text[256], pools[16] = "none";
	uint32_t buffer = (p->bitrate_kbps + p->refresh_hz - 1) / p->refresh_hz;
	if (threads > 1)
		snprintf(pools, sizeof(pools), "%u", threads);
	/* Threads share a picture (wavefront); several pictures at once would be a delay. */
	snprintf(text, sizeof(text),
		"log-level=none:keyint=-1:scenecut=0:open-gop=0:bframes=0:rc-lookahead=0:ref=1:"
		"repeat-headers=1:info=0:aud=0:hrd=0:frame-threads=1:pools=%s:vbv-maxrate=%u:"
		"vbv-bufsize=%u",
		pools, p->bitrate_kbps, buffer);
	c->gop_size = -1;
	c->thread_count = 1;
	av_dict_set(options, "preset", "ultrafast", 0);
	av_dict_set(options, "tune", "zerolatency", 0);
	av_dict_set(options, "forced-idr", "1", 0);
	av_dict_set(options, "x265-params", text, 0);
}

static void set_up_av1(
	AVCodecContext *c, AVDictionary **options, const struct encoder_params *p, unsigned threads)
{
	char text[64];
	unsigned columns = 0; /* log2; a tile is 256 pixels wide or more */
	while (2u << columns <= threads && p->width >> columns >= 512)
		columns++;
	c->gop_size = c->keyint_min = 1 << 30;
	c->thread_count = (int)threads;
	if (p->bitrate_kbps > AV1_MAX_KBPS)
		c->bit_rate = AV1_MAX_KBPS * 1000;
	c->rc_max_rate = c->rc_min_rate = c->bit_rate; /* makes it constant */
	c->rc_buffer_size = (int)(c->bit_rate / p->refresh_hz);
	av_dict_set(options, "usage", "realtime", 0);
	av_dict_set(options, "lag-in-frames", "0", 0);
	av_dict_set(options, "row-mt", "1", 0);
	av_dict_set_int(options, "tile-columns", columns, 0);
	/* libavcodec's own cpu-used ends at 8. */
	snprintf(text, sizeof(text), "cpu-used=10:max-intra-rate=%u", AV1_KEYFRAME_PERCENT);
	av_dict_set(options, "aom-params", text, 0);
}

static const struct kind kinds[] = {
	{PF_CODEC_HEVC, "libx265", set_up_hevc},
	{PF_CODEC_AV1, "libaom-av1", set_up_av1},
};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* What the distribution's libavcodec was built with. */
static uint8_t avcodec_available(void)
{
	uint8_t codecs = 0;
	for (size_t i = 0; i < N_KINDS; i++)
		if (avcodec_find_encoder_by_name(kinds[i].name))
			codecs |= kinds[i].codec;
	return codecs;
}

static void avcodec_destroy(struct encoder *base)
{
	struct avcodec_encoder *e = avcodec_from(base);
	avcodec_free_context(&e->context);
	av_frame_free(&e->picture);
	av_packet_free(&e->packet);
	planes_finish(&e->planes);
	free(e);
}

static unsigned choose_threads(const struct encoder_params *params)
{
	if (params->threads)
		return params->threads;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	if (online < 1)
		return 1;
	return online < (long)MAX_AUTO_THREADS ? (unsigned)online : MAX_AUTO_THREADS;
}

static int open_context(struct avcodec_encoder *e, const struct kind *kind)
{
	const struct encoder_params *p = &e->base.params;
	const AVCodec *codec = avcodec_find_encoder_by_name(kind->name);
	if (!codec)
		return PF_E_UNSUPPORTED;
	AVCodecContext *c = e->context = avcodec_alloc_context3(codec);
	if (!c)
		return PF_E_NOMEM;
	AVDictionary *options = NULL;
	c->log_level_offset = AV_LOG_TRACE; /* it writes past our log, also of every picture */
	c->width = (int)e->base.caps.coded_width;
	c->height = (int)e->base.caps.coded_height;
	c->pix_fmt = AV_PIX_FMT_YUV420P;
	c->time_base = (AVRational){1, (int)p->refresh_hz};
	c->framerate = (AVRational){(int)p->refresh_hz, 1};
	c->bit_rate = (int64_t)p->bitrate_kbps * 1000;
	c->max_b_frames = 0;
	c->flags |= AV_CODEC_FLAG_LOW_DELAY;
	c->color_primaries = (enum AVColorPrimaries)e->planes.colour[0];
	c->color_trc = (enum AVColorTransferCharacteristic)e->planes.colour[1];
	c->colorspace = (enum AVColorSpace)e->planes.colour[2];
	c->color_range = e->planes.colour[3] ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
	kind->set_up(c, &options, p, choose_threads(p));
	int err = avcodec_open2(c, codec, &options);
	/* An option that this build of it does not know was for speed or delay: better no encoder than a slow one. */
	const AVDictionaryEntry *unknown = av_dict_get(options, "", NULL, AV_DICT_IGNORE_SUFFIX);
	if (err < 0 || unknown)
		log_error("%s: cannot encode %ux%u at %u Hz and %u kbit/s%s%s", kind->name,
			p->width, p->height, p->refresh_hz, p->bitrate_kbps,
			unknown ? ": it does not know the option " : "",
			unknown ? unknown->key : "");
	err = err == AVERROR(ENOMEM) ? PF_E_NOMEM : err < 0 || unknown ? PF_E_UNSUPPORTED : PF_OK;
	av_dict_free(&options);
	return err;
}

static int make_picture(struct avcodec_encoder *e)
{
	e->packet = av_packet_alloc();
	e->picture = av_frame_alloc();
	if (!e->packet || !e->picture)
		return PF_E_NOMEM;
	e->picture->width = e->context->width;
	e->picture->height = e->context->height;
	e->picture->format = e->context->pix_fmt;
	e->picture->color_range = e->context->color_range;
	return av_frame_get_buffer(e->picture, 0) < 0 ? PF_E_NOMEM : PF_OK;
}

static int avcodec_create(struct encoder **out, const struct encoder_params *params)
{
	const struct kind *kind = NULL;
	for (size_t i = 0; i < N_KINDS; i++)
		if (kinds[i].codec == params->codec)
			kind = &kinds[i];
	struct avcodec_encoder *e = kind ? calloc(1, sizeof(*e)) : NULL;
	if (!e)
		return kind ? PF_E_NOMEM : PF_E_UNSUPPORTED;
	e->base.impl = &encoder_avcodec_impl;
	e->base.params = *params;
	e->base.caps = (struct encoder_caps){
		.dmabuf = true,
		.coded_width = (params->width + 1) & ~1u,
		.coded_height = (params->height + 1) & ~1u,
	};
	int err = planes_init(&e->planes, params->matrix, params->full_range);
	if (err >= 0)
		err = open_context(e, kind);
	if (err >= 0)
		err = make_picture(e);
	if (err < 0) {
		avcodec_destroy(&e->base);
		return err;
	}
	*out = &e->base;
	return PF_OK;
}

/* The encoder may still hold the picture before, then this one becomes a copy of it. */
static int fill_picture(struct avcodec_encoder *e, const struct frame *frame)
{
	AVFrame *p = e->picture;
	if (av_frame_make_writable(p) < 0)
		return PF_E_NOMEM;
	for (int i = 0; i < 3; i++) {
		e->planes.plane[i] = p->data[i];
		e->planes.stride[i] = p->linesize[i];
	}
	return planes_fill(&e->planes, frame);
}

static int avcodec_encode(
	struct encoder *base, struct frame *frame, bool force_keyframe, struct unit *unit)
{
	struct avcodec_encoder *e = avcodec_from(base);
	unit->pts_ns = clock_to_realtime_ns(frame->times.captured_ns);
	unit->convert_start_ns = clock_now_ns();
	int err = fill_picture(e, frame);
	if (err < 0)
		return err;
	unit->convert_end_ns = unit->encode_start_ns = clock_now_ns();
	probe_frame(encode_start, unit->pts_ns);

	bool keyframe = force_keyframe || !e->begun;
	e->begun = false; /* the next picture must not refer to one that was lost on the way */
	err = avunit_encode(e->context, e->picture, e->packet, keyframe, unit);
	if (err < 0)
		return err;
	unit->width = base->caps.coded_width;
	unit->height = base->caps.coded_height;
	unit->frame_seq = frame->seq;
	unit->times = frame->times;
	unit->encode_end_ns = clock_now_ns();
	e->begun = true;
	probe_frame(encode_end, unit->pts_ns);
	return PF_OK;
}

const struct encoder_impl encoder_avcodec_impl = {
	.name = "avcodec",
	.colour = PLANES_COLOUR,
	.codecs = PF_CODEC_HEVC | PF_CODEC_AV1,
	.costly = PF_CODEC_HEVC | PF_CODEC_AV1,
	.available = avcodec_available,
	.importer = gpu_importer,
	.create = avcodec_create,
	.destroy = avcodec_destroy,
	.encode = avcodec_encode,
};
