/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_HW_H
#define HOST_ENCODE_HW_H

#include <stdbool.h>
#include <stdint.h>

#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>

#include "core/base/error.h"
#include "host/encode/encoder.h"

/*
 * What encoders in hardware behind libavcodec share. A picture stays in the GPU's memory all the way: gpu/convert.h
 * makes NV12 of it in one of a few pictures of the encoder's, in turns.
 */

struct gpu_convert;
struct gpu_display;

/* One being converted into, one being encoded, one that the encoder still refers to, one spare. */
#define HW_PICTURES 4u

struct hw_encoder {
	struct encoder base;
	const struct gpu_display *display;
	struct gpu_convert *convert;
	AVBufferRef *device, *frames;
	AVCodecContext *context;
	AVPacket *packet;
	AVFrame *pictures[HW_PICTURES];
	unsigned turn;
	bool begun; /* the first keyframe is out */
};

struct hw_kind {
	uint8_t codec;
	const char *name; /* libavcodec's */
};

struct hw_backend {
	const struct encoder_impl *impl;
	const struct hw_kind *kinds;
	unsigned n_kinds;
	int device;		   /* enum AVHWDeviceType */
	enum AVPixelFormat pixels; /* of its pictures */
	void (*set_up)(AVCodecContext *c, AVDictionary **options, const struct encoder_params *p);
};

/* The base, and the converter on the GPU at hand. Errors: PF_E_UNSUPPORTED, PF_E_NOMEM. */
int hw_init(struct hw_encoder *e, const struct hw_backend *b,
	const struct encoder_params *params) PF_MUST_CHECK;
/* The device of this name, its pictures and the encoder. flags: of av_hwdevice_ctx_create(). */
int hw_open(struct hw_encoder *e, const struct hw_backend *b, const char *name,
	int flags) PF_MUST_CHECK;
void hw_finish(struct hw_encoder *e); /* also of one half made */
/* The same encoder for another bitrate: device and pictures stay. Its next unit is a keyframe. Errors: as hw_open(). */
int hw_reopen(struct hw_encoder *e, const struct hw_backend *b, uint32_t kbps) PF_MUST_CHECK;
/* Tells an open encoder. libavcodec may make its next unit a keyframe, so it is one. */
void hw_set_rate(struct hw_encoder *e, uint32_t kbps);

/* Encodes the picture whose turn it is, after convert() filled it. As encoder_impl.encode. */
typedef int (*hw_fill)(struct hw_encoder *e, const struct frame *frame, unsigned turn);
int hw_encode(struct hw_encoder *e, struct frame *frame, bool force_keyframe, struct unit *unit,
	hw_fill fill) PF_MUST_CHECK;

/* The codecs of b that really encode a picture on this machine. Takes some tenths of a second; ask once. */
uint8_t hw_try(const struct hw_backend *b);

#endif
