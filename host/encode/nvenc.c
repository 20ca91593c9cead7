/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/dict.h>

#include "core/wire/handshake.h"
#include "host/encode/encoder.h"
#include "host/encode/hw.h"
#include "host/encode/planes.h"
#include "host/gpu/convert.h"
#include "host/gpu/cuda_copy.h"
#include "host/gpu/display.h"

/*
 * H.264, HEVC and AV1 by NVIDIA's encoder. OpenGL converts into textures of its own, CUDA copies them, inside the GPU,
 * to where NVENC reads: it takes neither DMA-BUFs nor what CUDA only borrowed in tiles.
 */

/* AV_CUDA_USE_PRIMARY_CONTEXT, whose header wants CUDA's own: the context that cuda_copy.h has. */
#define USE_PRIMARY_CONTEXT 1

struct nvenc_encoder {
	struct hw_encoder hw;
	struct cuda_copier *copier;
};

static const struct hw_kind kinds[] = {
	{PF_CODEC_H264, "h264_nvenc"},
	{PF_CODEC_HEVC, "hevc_nvenc"},
	{PF_CODEC_AV1, "av1_nvenc"},
};

static void set_up(AVCodecContext *c, AVDictionary **options, const struct encoder_params *p)
{
	(void)p;
	c->gop_size = -1; /* keyframes only when asked for */
	av_dict_set(options, "preset", "p1", 0);
	av_dict_set(options, "tune", "ull", 0);
	av_dict_set(options, "rc", "cbr", 0);
	av_dict_set(options, "zerolatency", "1", 0);
	av_dict_set(options, "delay", "0", 0); /* one in, one out */
	av_dict_set(options, "forced-idr", "1", 0);
}

static const struct hw_backend backend = {
	.impl = &encoder_nvenc_impl,
	.kinds = kinds,
	.n_kinds = sizeof(kinds) / sizeof(kinds[0]),
	.device = AV_HWDEVICE_TYPE_CUDA,
	.pixels = AV_PIX_FMT_CUDA,
	.set_up = set_up,
};

static struct nvenc_encoder *nvenc_from(struct encoder *base)
{
	pf_check(base->impl == &encoder_nvenc_impl);
	return (struct nvenc_encoder *)base;
}

static void nvenc_destroy(struct encoder *base)
{
	struct nvenc_encoder *e = nvenc_from(base);
	cuda_copier_destroy(e->copier);
	hw_finish(&e->hw);
	free(e);
}

/* libavutil sets flags of the primary context, which it may only do before anybody uses it: it goes first. */
static int open_device(struct nvenc_encoder *e)
{
	int device;
	char name[16];
	int err = cuda_device_of(e->hw.display, e->hw.convert, &device);
	if (err < 0)
		return err;
	snprintf(name, sizeof(name), "%d", device);
	err = hw_open(&e->hw, &backend, name, USE_PRIMARY_CONTEXT);
	return err < 0 ? err
		       : cuda_copier_create(&e->copier, e->hw.display, e->hw.convert,
				 e->hw.base.caps.coded_width, e->hw.base.caps.coded_height);
}

static int nvenc_create(struct encoder **out, const struct encoder_params *params)
{
	struct nvenc_encoder *e = calloc(1, sizeof(*e));
	if (!e)
		return PF_E_NOMEM;
	e->hw.base.impl = &encoder_nvenc_impl;
	int err = hw_init(&e->hw, &backend, params);
	if (err >= 0)
		err = open_device(e);
	if (err < 0) {
		nvenc_destroy(&e->hw.base);
		return err;
	}
	*out = &e->hw.base;
	return PF_OK;
}

static int fill(struct hw_encoder *hw, const struct frame *frame, unsigned turn)
{
	struct nvenc_encoder *e = nvenc_from(&hw->base);
	const AVFrame *picture = hw->pictures[turn];
	struct cuda_nv12 to = {.host = {NULL, NULL}};
	for (int i = 0; i < 2; i++) {
		to.plane[i] = (uint64_t)(uintptr_t)picture->data[i];
		to.stride[i] = (uint32_t)picture->linesize[i];
	}
	int err = gpu_convert_frame(hw->convert, frame, NULL, false);
	return err < 0 ? err : cuda_copier_run(e->copier, &to);
}

static int nvenc_encode(
	struct encoder *base, struct frame *frame, bool force_keyframe, struct unit *unit)
{
	return hw_encode(&nvenc_from(base)->hw, frame, force_keyframe, unit, fill);
}

/* libavcodec looks at its context's rate before each picture, and begins anew when that has changed. */
static int nvenc_set_bitrate(struct encoder *base, uint32_t kbps)
{
	hw_set_rate(&nvenc_from(base)->hw, kbps);
	return PF_OK;
}

static uint8_t works;

static void look(void)
{
	works = hw_try(&backend);
}

static uint8_t nvenc_available(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, look);
	return works;
}

const struct encoder_impl encoder_nvenc_impl = {
	.name = "nvenc",
	.colour = PLANES_COLOUR,
	.codecs = PF_CODEC_H264 | PF_CODEC_HEVC | PF_CODEC_AV1,
	.hardware = true,
	.available = nvenc_available,
	.importer = gpu_importer_egl,
	.create = nvenc_create,
	.destroy = nvenc_destroy,
	.encode = nvenc_encode,
	.set_bitrate = nvenc_set_bitrate,
};
