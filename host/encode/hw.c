/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/hw.h"

#include <stdlib.h>

#include <libavutil/dict.h>
#include <libavutil/log.h>

#include "host/base/log.h"
#include "host/base/probe.h"
#include "host/encode/avunit.h"
#include "host/encode/planes.h"
#include "host/gpu/convert.h"
#include "host/gpu/display.h"
#include "host/media/clock.h"

static int convert_error(int err)
{
	return err == AVERROR(ENOMEM) ? PF_E_NOMEM : PF_E_UNSUPPORTED;
}

int hw_init(struct hw_encoder *e, const struct hw_backend *b, const struct encoder_params *params)
{
	e->display = gpu_display(false, NULL);
	if (!e->display || e->display->software)
		return PF_E_UNSUPPORTED;
	e->base.impl = b->impl;
	e->base.params = *params;
	e->base.caps = (struct encoder_caps){
		.dmabuf = e->display->imports,
		.bitrate_keyframe = true,
		.coded_width = (params->width + 1) & ~1u,
		.coded_height = (params->height + 1) & ~1u,
	};
	const struct gpu_convert_params wanted = {.width = params->width,
		.height = params->height,
		.matrix = params->matrix ? params->matrix : PLANES_MATRIX,
		.full_range = params->matrix ? params->full_range : PLANES_FULL_RANGE};
	return gpu_convert_create(&e->convert, e->display, &wanted);
}

static int open_pictures(struct hw_encoder *e, const struct hw_backend *b)
{
	e->frames = av_hwframe_ctx_alloc(e->device);
	e->packet = av_packet_alloc();
	if (!e->frames || !e->packet)
		return PF_E_NOMEM;
	AVHWFramesContext *f = (AVHWFramesContext *)e->frames->data;
	f->format = b->pixels;
	f->sw_format = AV_PIX_FMT_NV12;
	f->width = (int)e->base.caps.coded_width;
	f->height = (int)e->base.caps.coded_height;
	f->initial_pool_size = HW_PICTURES;
	int err = av_hwframe_ctx_init(e->frames);
	for (unsigned i = 0; i < HW_PICTURES && err >= 0; i++) {
		e->pictures[i] = av_frame_alloc();
		err = e->pictures[i] ? av_hwframe_get_buffer(e->frames, e->pictures[i], 0)
				     : AVERROR(ENOMEM);
	}
	return err < 0 ? convert_error(err) : PF_OK;
}

/* The rate buffer is one frame, as in x264.c: a unit leaves within one frame time at the bitrate. */
static void set_rate(AVCodecContext *c, uint32_t kbps, uint32_t refresh_hz)
{
	const int64_t rate = (int64_t)kbps * 1000;
	c->bit_rate = c->rc_max_rate = rate < INT32_MAX ? rate : INT32_MAX;
	c->rc_buffer_size = (int)(c->bit_rate / refresh_hz);
}

static void set_up_common(AVCodecContext *c, const struct hw_encoder *e)
{
	const struct encoder_params *p = &e->base.params;
	c->log_level_offset = AV_LOG_TRACE; /* it writes past our log, also of every picture */
	c->width = (int)e->base.caps.coded_width;
	c->height = (int)e->base.caps.coded_height;
	c->time_base = (AVRational){1, (int)p->refresh_hz};
	c->framerate = (AVRational){(int)p->refresh_hz, 1};
	set_rate(c, p->bitrate_kbps, p->refresh_hz);
	c->max_b_frames = 0;
	c->slices = (int)p->slices;
	c->flags |= AV_CODEC_FLAG_LOW_DELAY;
	c->color_primaries = (enum AVColorPrimaries)PLANES_PRIMARIES;
	c->color_trc = (enum AVColorTransferCharacteristic)PLANES_TRANSFER;
	c->colorspace = (enum AVColorSpace)(p->matrix ? p->matrix : PLANES_MATRIX);
	c->color_range = p->matrix && p->full_range ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
}

static int open_context(struct hw_encoder *e, const struct hw_backend *b)
{
	const char *name = NULL;
	for (unsigned i = 0; i < b->n_kinds; i++)
		if (b->kinds[i].codec == e->base.params.codec)
			name = b->kinds[i].name;
	const AVCodec *codec = name ? avcodec_find_encoder_by_name(name) : NULL;
	if (!codec)
		return PF_E_UNSUPPORTED;
	AVCodecContext *c = e->context = avcodec_alloc_context3(codec);
	if (!c)
		return PF_E_NOMEM;
	AVDictionary *options = NULL;
	set_up_common(c, e);
	c->pix_fmt = b->pixels;
	c->hw_frames_ctx = av_buffer_ref(e->frames);
	if (!c->hw_frames_ctx)
		return PF_E_NOMEM;
	b->set_up(c, &options, &e->base.params);
	int err = avcodec_open2(c, codec, &options);
	av_dict_free(
		&options); /* what this version does not know it does not need: hw_try() saw it work */
	return err < 0 ? convert_error(err) : PF_OK;
}

int hw_open(struct hw_encoder *e, const struct hw_backend *b, const char *name, int flags)
{
	int err = av_hwdevice_ctx_create(
		&e->device, (enum AVHWDeviceType)b->device, name, NULL, flags);
	if (err < 0)
		return convert_error(err);
	err = open_pictures(e, b);
	return err < 0 ? err : open_context(e, b);
}

int hw_reopen(struct hw_encoder *e, const struct hw_backend *b, uint32_t kbps)
{
	avcodec_free_context(&e->context);
	e->base.params.bitrate_kbps = kbps;
	e->begun = false;
	return open_context(e, b);
}

void hw_set_rate(struct hw_encoder *e, uint32_t kbps)
{
	set_rate(e->context, kbps, e->base.params.refresh_hz);
	e->begun = false;
}

void hw_finish(struct hw_encoder *e)
{
	avcodec_free_context(&e->context);
	for (unsigned i = 0; i < HW_PICTURES; i++)
		av_frame_free(&e->pictures[i]);
	av_packet_free(&e->packet);
	av_buffer_unref(&e->frames);
	av_buffer_unref(&e->device);
	gpu_convert_destroy(e->convert);
}

int hw_encode(struct hw_encoder *e, struct frame *frame, bool force_keyframe, struct unit *unit,
	hw_fill fill)
{
	unsigned turn = e->turn++ % HW_PICTURES;
	unit->pts_ns = clock_to_realtime_ns(frame->times.captured_ns);
	unit->convert_start_ns = clock_now_ns();
	int err = fill(e, frame, turn);
	if (err == PF_E_UNSUPPORTED || err == PF_E_IO)
		gpu_importer_refuse(e->display, pf_strerror(err));
	if (err < 0)
		return err;
	unit->convert_end_ns = unit->encode_start_ns = clock_now_ns();
	probe_frame(encode_start, unit->pts_ns);

	bool keyframe = force_keyframe || !e->begun;
	e->begun = false; /* the next picture must not refer to one that was lost on the way */
	err = avunit_encode(e->context, e->pictures[turn], e->packet, keyframe, unit);
	if (err < 0)
		return err;
	unit->width = e->base.caps.coded_width;
	unit->height = e->base.caps.coded_height;
	unit->frame_seq = frame->seq;
	unit->times = frame->times;
	unit->encode_end_ns = clock_now_ns();
	e->begun = true;
	probe_frame(encode_end, unit->pts_ns);
	return PF_OK;
}

/* --- does it work here? --- */

enum { TRY_WIDTH = 1280, TRY_HEIGHT = 720, TRY_PICTURES = 2 };

static int encode_grey(struct encoder *e)
{
	const size_t len = (size_t)TRY_WIDTH * TRY_HEIGHT * 4;
	uint8_t *pixels = calloc(1, len);
	struct unit_pool *pool = NULL;
	struct frame f;
	int err = pixels ? unit_pool_create(&pool, 1) : PF_E_NOMEM;
	frame_init(&f);
	f.width = TRY_WIDTH;
	f.height = TRY_HEIGHT;
	f.stride = (size_t)TRY_WIDTH * 4;
	f.pixels = pixels;
	for (unsigned i = 0; i < TRY_PICTURES && err >= 0; i++) {
		struct unit *unit = unit_pool_get(pool);
		f.seq = i;
		f.times.captured_ns = clock_now_ns();
		err = encoder_encode(e, &f, false, unit);
		unit_unref(unit);
	}
	unit_pool_destroy(pool);
	free(pixels);
	return err;
}

static int try_codec(const struct hw_backend *b, uint8_t codec)
{
	const struct encoder_params params = {.width = TRY_WIDTH,
		.height = TRY_HEIGHT,
		.refresh_hz = 60,
		.bitrate_kbps = ENCODER_DEFAULT_KBPS,
		.codec = codec};
	struct encoder *e = NULL;
	int err = b->impl->create(&e, &params);
	if (err < 0)
		return err;
	err = encode_grey(e);
	encoder_destroy(e);
	return err;
}

uint8_t hw_try(const struct hw_backend *b)
{
	uint8_t codecs = 0;
	const struct gpu_display *d = gpu_display(false, NULL);
	if (!d || d->software)
		return 0;
	/* Devices that do not open would tell stderr about it, and have no context whose level could be set. */
	av_log_set_level(AV_LOG_QUIET);
	for (unsigned i = 0; i < b->n_kinds; i++)
		if (avcodec_find_encoder_by_name(b->kinds[i].name) &&
			try_codec(b, b->kinds[i].codec) >= 0)
			codecs |= b->kinds[i].codec;
	log_info("encoders: %s on %s: %s", b->impl->name, d->renderer,
		codecs ? "works" : "does not open");
	return codecs;
}
