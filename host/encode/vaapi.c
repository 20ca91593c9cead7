/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>
#include <stdlib.h>

#include <libavutil/dict.h>
#include <libavutil/hwcontext_drm.h>

#include "core/wire/handshake.h"
#include "host/encode/encoder.h"
#include "host/encode/hw.h"
#include "host/encode/planes.h"
#include "host/gpu/convert.h"
#include "host/gpu/display.h"

/*
 * H.264, HEVC and AV1 by the encoders of Intel and AMD. The GPU converts right into the encoder's surfaces, which are
 * imported once as what OpenGL draws on.
 */

/* Drivers count it in 16 bits. A keyframe that nobody asked for, every nine minutes at 60 Hz. */
#define LONGEST_GOP INT16_MAX

struct vaapi_encoder {
	struct hw_encoder hw;
	struct gpu_target targets[HW_PICTURES]; /* the same memory as hw.pictures */
};

static const struct hw_kind kinds[] = {
	{PF_CODEC_H264, "h264_vaapi"},
	{PF_CODEC_HEVC, "hevc_vaapi"},
	{PF_CODEC_AV1, "av1_vaapi"},
};

static void set_up(AVCodecContext *c, AVDictionary **options, const struct encoder_params *p)
{
	(void)p;
	c->gop_size = LONGEST_GOP;
	av_dict_set(options, "rc_mode", "CBR", 0);
	av_dict_set(options, "async_depth", "1", 0); /* one in, one out */
}

static const struct hw_backend backend = {
	.impl = &encoder_vaapi_impl,
	.kinds = kinds,
	.n_kinds = sizeof(kinds) / sizeof(kinds[0]),
	.device = AV_HWDEVICE_TYPE_VAAPI,
	.pixels = AV_PIX_FMT_VAAPI,
	.set_up = set_up,
};

static struct vaapi_encoder *vaapi_from(struct encoder *base)
{
	pf_check(base->impl == &encoder_vaapi_impl);
	return (struct vaapi_encoder *)base;
}

/* A layer for each plane, or one layer of both. */
static int describe(struct gpu_nv12 *out, const AVDRMFrameDescriptor *d)
{
	unsigned n = 0;
	if (d->nb_objects < 1 || d->nb_objects > AV_DRM_MAX_PLANES)
		return PF_E_UNSUPPORTED;
	for (int i = 0; i < d->nb_layers && i < AV_DRM_MAX_PLANES; i++)
		for (int j = 0; j < d->layers[i].nb_planes && j < AV_DRM_MAX_PLANES; j++) {
			const AVDRMPlaneDescriptor *p = &d->layers[i].planes[j];
			if (n == 2 || p->object_index < 0 || p->object_index >= d->nb_objects ||
				p->offset < 0 || p->offset > UINT32_MAX || p->pitch <= 0 ||
				p->pitch > UINT32_MAX)
				return PF_E_UNSUPPORTED;
			out->planes[n++] = (struct gpu_nv12_plane){
				.fd = d->objects[p->object_index].fd,
				.offset = (uint32_t)p->offset,
				.stride = (uint32_t)p->pitch,
				.modifier = d->objects[p->object_index].format_modifier,
			};
		}
	return n == 2 ? PF_OK : PF_E_UNSUPPORTED;
}

static int import_picture(struct vaapi_encoder *e, unsigned i)
{
	struct gpu_nv12 picture = {0};
	AVFrame *drm = av_frame_alloc();
	if (!drm)
		return PF_E_NOMEM;
	drm->format = AV_PIX_FMT_DRM_PRIME;
	int err = av_hwframe_map(
		drm, e->hw.pictures[i], AV_HWFRAME_MAP_READ | AV_HWFRAME_MAP_WRITE);
	err = err < 0 ? PF_E_UNSUPPORTED
		      : describe(&picture, (const AVDRMFrameDescriptor *)drm->data[0]);
	if (err >= 0)
		err = gpu_convert_import(e->hw.convert, &picture, &e->targets[i]);
	av_frame_free(&drm); /* its descriptors; the target keeps the memory */
	return err;
}

static void vaapi_destroy(struct encoder *base)
{
	struct vaapi_encoder *e = vaapi_from(base);
	for (unsigned i = 0; i < HW_PICTURES && e->hw.convert; i++)
		gpu_convert_forget(e->hw.convert, &e->targets[i]);
	hw_finish(&e->hw);
	free(e);
}

static int vaapi_create(struct encoder **out, const struct encoder_params *params)
{
	struct vaapi_encoder *e = calloc(1, sizeof(*e));
	if (!e)
		return PF_E_NOMEM;
	e->hw.base.impl = &encoder_vaapi_impl;
	int err = hw_init(&e->hw, &backend, params);
	/* The GPU that encodes is the one that converts. */
	if (err >= 0)
		err = e->hw.display->node[0] ? hw_open(&e->hw, &backend, e->hw.display->node, 0)
					     : PF_E_UNSUPPORTED;
	for (unsigned i = 0; i < HW_PICTURES && err >= 0; i++)
		err = import_picture(e, i);
	if (err < 0) {
		vaapi_destroy(&e->hw.base);
		return err;
	}
	*out = &e->hw.base;
	return PF_OK;
}

static int fill(struct hw_encoder *hw, const struct frame *frame, unsigned turn)
{
	struct vaapi_encoder *e = vaapi_from(&hw->base);
	/* Waited for: not every driver of VA-API waits for OpenGL by itself. */
	return gpu_convert_frame(hw->convert, frame, &e->targets[turn], true);
}

static int vaapi_encode(
	struct encoder *base, struct frame *frame, bool force_keyframe, struct unit *unit)
{
	return hw_encode(&vaapi_from(base)->hw, frame, force_keyframe, unit, fill);
}

static int vaapi_set_bitrate(struct encoder *base, uint32_t kbps)
{
	return hw_reopen(&vaapi_from(base)->hw, &backend, kbps);
}

static uint8_t works;

static void look(void)
{
	works = hw_try(&backend);
}

static uint8_t vaapi_available(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, look);
	return works;
}

const struct encoder_impl encoder_vaapi_impl = {
	.name = "vaapi",
	.colour = PLANES_COLOUR,
	.codecs = PF_CODEC_H264 | PF_CODEC_HEVC | PF_CODEC_AV1,
	.hardware = true,
	.available = vaapi_available,
	.importer = gpu_importer_egl,
	.create = vaapi_create,
	.destroy = vaapi_destroy,
	.encode = vaapi_encode,
	.set_bitrate = vaapi_set_bitrate,
};
