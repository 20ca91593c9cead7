/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libyuv/convert_from_argb.h>
#include <x264.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/base/probe.h"
#include "host/encode/csc.h"
#include "host/encode/encoder.h"
#include "host/encode/h264.h"
#include "host/media/clock.h"

/*
 * libyuv makes BT.601 limited range from RGB and exports no other matrix, so that is what the stream
 * says. Primaries and transfer are the desktop's own, which everybody calls BT.709.
 */
enum { COLOUR_PRIMARIES = 1, COLOUR_TRANSFER = 1, COLOUR_MATRIX = 6, COLOUR_FULL_RANGE = 0 };

struct x264_encoder {
	struct encoder base;
	x264_t *h;
	x264_param_t param;
	x264_picture_t picture;
	bool has_picture;
	bool begun;   /* the first keyframe is out */
	bool has_seq; /* the picture holds frame last_seq */
	uint64_t last_seq;
	struct h264_gaps gaps;
	uint64_t idr;  /* number of the last keyframe */
	bool encoding; /* on the frame path: warnings are counted only */
	uint64_t n_warnings;
	struct csc csc;
	bool own_csc; /* what libyuv does not have */
};

static struct x264_encoder *x264_from(struct encoder *base)
{
	pf_check(base->impl == &encoder_x264_impl);
	return (struct x264_encoder *)base;
}

static void handle_log(void *private, int level, const char *format, va_list args)
{
	struct x264_encoder *e = private;
	if (level > X264_LOG_WARNING)
		return;
	if (e->encoding && level != X264_LOG_ERROR) {
		e->n_warnings++;
		return;
	}
	char text[256];
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = 0;
	log_write(level == X264_LOG_ERROR ? LOG_ERROR : LOG_WARN, "x264: %s", text);
}

/*
 * The buffer of the rate control is one frame: a unit leaves within one frame time at the bitrate. With
 * so small a buffer x264 stays a tenth below what it is told (measured from 5 to 20 Mbit/s); RATE_PERCENT
 * gives most of that back and keeps the largest unit at 1.06 of a frame's share.
 */
#define RATE_PERCENT 106u

/*
 * Beyond 51 x264 only drops detail to keep its buffer. At its own limit of 69 a keyframe at 500 kbit/s is
 * an empty grey picture and still three frames long; at 60 it is a picture, and four and a half long.
 */
#define QP_MAX 60

static void set_rate(x264_param_t *p, uint32_t kbps, uint32_t refresh_hz)
{
	uint64_t told = (uint64_t)kbps * RATE_PERCENT / 100;
	p->rc.i_rc_method = X264_RC_ABR;
	p->rc.i_qp_max = QP_MAX;
	p->rc.i_bitrate = (int)told;
	p->rc.i_vbv_max_bitrate = (int)told;
	p->rc.i_vbv_buffer_size = (int)((told + refresh_hz - 1) / refresh_hz);
}

/*
 * Table A-1 of H.264, MaxDpbMbs: of level 5.1, which every decoder of larger pictures than 1080p has, and of
 * level 6.2 for pictures that need such a level anyway. Deeper than encoder_depth() it would cost decoders
 * memory for nothing. Delay it costs none: the VUI says that no picture is reordered.
 */
#define LEVEL_5_1_DPB	184320u
#define LEVEL_5_1_FRAME 36864u /* macroblocks of one picture */
#define LEVEL_6_2_DPB	696320u

static unsigned dpb_size(const struct x264_encoder *e, uint32_t refresh_hz)
{
	if (!e->base.caps.coded_width || !e->base.caps.coded_height)
		return 1; /* x264 says what is wrong with it */
	uint32_t mbs = ((e->base.caps.coded_width + 15) / 16) *
		((e->base.caps.coded_height + 15) / 16);
	uint32_t fits = (mbs <= LEVEL_5_1_FRAME ? LEVEL_5_1_DPB : LEVEL_6_2_DPB) / mbs;
	unsigned depth = encoder_depth(refresh_hz), most = e->base.params.max_depth;
	depth = most && most < depth ? most : depth;
	return depth < fits ? depth : fits;
}

static int fill_param(struct x264_encoder *e, const struct encoder_params *params)
{
	x264_param_t *p = &e->param;
	if (x264_param_default_preset(p, "ultrafast", "zerolatency") < 0)
		return PF_E_UNSUPPORTED;
	p->pf_log = handle_log;
	p->p_log_private = e;
	p->i_log_level = X264_LOG_WARNING;
	p->i_width = (int)e->base.caps.coded_width;
	p->i_height = (int)e->base.caps.coded_height;
	p->i_csp =
		X264_CSP_NV12; /* what x264 works on: its copy of the input is then a plain one */
	p->i_bitdepth = 8;
	p->i_threads = params->threads ? (int)params->threads : 1;
	p->i_slice_count = (int)params->slices;
	p->i_fps_num = params->refresh_hz;
	p->i_fps_den = 1;
	p->b_vfr_input = 0; /* the share of a frame does not depend on when it comes */
	p->i_keyint_max = X264_KEYINT_MAX_INFINITE;
	p->i_scenecut_threshold = 0;
	p->b_intra_refresh = 0;
	p->i_bframe = 0;
	p->i_frame_reference = 1;
	p->i_dpb_size = (int)dpb_size(e, params->refresh_hz);
	/* Left out by the preset, measured as free at 720p (0.1 of 3.2 ms): smoother edges, 0.3 dB more. */
	p->b_deblocking_filter = 1;
	p->analyse.b_transform_8x8 = 1;
	p->b_annexb = 1;
	p->b_repeat_headers = 1;
	p->b_aud = 0;
	p->vui.b_fullrange = params->matrix ? params->full_range : COLOUR_FULL_RANGE;
	p->vui.i_colorprim = COLOUR_PRIMARIES;
	p->vui.i_transfer = COLOUR_TRANSFER;
	p->vui.i_colmatrix = params->matrix ? params->matrix : COLOUR_MATRIX;
	set_rate(p, params->bitrate_kbps, params->refresh_hz);
	return x264_param_apply_profile(p, "high") < 0 ? PF_E_UNSUPPORTED : 0;
}

static void x264_destroy(struct encoder *base)
{
	struct x264_encoder *e = x264_from(base);
	if (e->n_warnings)
		log_debug("x264: %llu warnings while encoding, most likely full rate buffers",
			(unsigned long long)e->n_warnings);
	if (e->h)
		x264_encoder_close(e->h);
	if (e->has_picture)
		x264_picture_clean(&e->picture);
	x264_param_cleanup(&e->param);
	free(e);
}

static int x264_create(struct encoder **out, const struct encoder_params *params)
{
	struct x264_encoder *e = calloc(1, sizeof(*e));
	if (!e)
		return PF_E_NOMEM;
	e->base.impl = &encoder_x264_impl;
	e->base.params = *params;
	e->base.caps = (struct encoder_caps){
		.live_bitrate = true,
		.coded_width = (params->width + 1) & ~1u,
		.coded_height = (params->height + 1) & ~1u,
	};
	x264_param_t opened;
	e->own_csc = params->matrix &&
		(params->matrix != COLOUR_MATRIX || params->full_range != COLOUR_FULL_RANGE);
	int err = e->own_csc ? csc_init(&e->csc, params->matrix, params->full_range) : PF_OK;
	if (err >= 0)
		err = fill_param(e, params);
	if (err < 0)
		goto fail;
	err = PF_E_NOMEM;
	if (x264_picture_alloc(&e->picture, e->param.i_csp, e->param.i_width, e->param.i_height) <
		0)
		goto fail;
	e->has_picture = true;
	e->h = x264_encoder_open(&e->param);
	if (!e->h) {
		log_error("x264: cannot encode %ux%u at %u Hz and %u kbit/s", params->width,
			params->height, params->refresh_hz, params->bitrate_kbps);
		err = PF_E_UNSUPPORTED;
		goto fail;
	}
	/* What it really keeps. */
	x264_encoder_parameters(e->h, &opened);
	e->base.caps.depth = (unsigned)opened.i_dpb_size;
	*out = &e->base;
	return 0;
fail:
	x264_destroy(&e->base);
	return err;
}

/* Repeats the last column and row of an odd picture; chroma has them already. */
static void pad_luma(uint8_t *luma, int stride, uint32_t width, uint32_t height)
{
	if (width & 1)
		for (uint32_t y = 0; y < height; y++)
			luma[(size_t)y * (size_t)stride + width] =
				luma[(size_t)y * (size_t)stride + width - 1];
	if (height & 1)
		memcpy(luma + (size_t)height * (size_t)stride,
			luma + (size_t)(height - 1) * (size_t)stride, (width + 1) & ~1u);
}

static int convert_rows(struct x264_encoder *e, const struct frame *f, uint32_t y0, int rows)
{
	x264_image_t *img = &e->picture.img;
	const uint8_t *pixels = f->pixels + (size_t)y0 * f->stride;
	uint8_t *luma = img->plane[0] + (size_t)y0 * (size_t)img->i_stride[0];
	uint8_t *chroma = img->plane[1] + (size_t)y0 / 2 * (size_t)img->i_stride[1];
	if (e->own_csc) {
		const uint32_t n = (uint32_t)(rows < 0 ? -rows : rows);
		const ptrdiff_t stride = (ptrdiff_t)f->stride;
		/* Negative rows: upside down, as libyuv has it. */
		csc_to_nv12(&e->csc, rows < 0 ? pixels + (ptrdiff_t)(n - 1) * stride : pixels,
			rows < 0 ? -stride : stride, f->format == FRAME_BGRX, luma,
			img->i_stride[0], chroma, img->i_stride[1], f->width, n);
		return PF_OK;
	}
	/* libyuv names formats by the word, first letter highest: its ARGB is B, G, R, A in memory. */
	int r = f->format == FRAME_BGRX ? ARGBToNV12(pixels, (int)f->stride, luma, img->i_stride[0],
						  chroma, img->i_stride[1], (int)f->width, rows)
					: ABGRToNV12(pixels, (int)f->stride, luma, img->i_stride[0],
						  chroma, img->i_stride[1], (int)f->width, rows);
	return r ? PF_E_INVALID : 0;
}

/* Only the rows that changed since the picture before, when that is what the planes still hold. */
static int convert(struct x264_encoder *e, const struct frame *f)
{
	bool same = e->has_seq && f->seq == e->last_seq;
	bool follows = e->has_seq && f->seq == e->last_seq + 1 && f->damage.known && !f->y_invert;
	int err = 0;
	e->has_seq = false;
	if (follows) {
		for (unsigned i = 0; i < f->damage.n_bands && err >= 0; i++) {
			/* A row of chroma is made of two of luma, so bands begin and end on even rows. */
			uint32_t y0 = f->damage.bands[i].y0 & ~1u;
			uint32_t y1 = (f->damage.bands[i].y1 + 1) & ~1u;
			if (y1 > f->height)
				y1 = f->height;
			if (y0 < y1)
				err = convert_rows(e, f, y0, (int)(y1 - y0));
		}
	} else if (!same) {
		err = convert_rows(e, f, 0, f->y_invert ? -(int)f->height : (int)f->height);
	}
	if (err < 0)
		return err;
	pad_luma(e->picture.img.plane[0], e->picture.img.i_stride[0], f->width, f->height);
	e->has_seq = true;
	e->last_seq = f->seq;
	return 0;
}

static int copy_nals(struct x264_encoder *e, const x264_nal_t *nals, int n_nals, struct unit *unit)
{
	size_t most = 0;
	for (int i = 0; i < n_nals; i++)
		most += (size_t)nals[i].i_payload + H264_GROWTH;
	int err = unit_reserve(unit, most);
	if (err < 0)
		return err;
	for (int i = 0; i < n_nals; i++) {
		int64_t n = h264_gaps_convert(&e->gaps, unit->number - e->idr, nals[i].p_payload,
			(size_t)nals[i].i_payload, unit->data + unit->len);
		if (n < 0)
			return PF_E_IO; /* not the x264 that this was written for */
		unit->len += (size_t)n;
	}
	return PF_OK;
}

static int x264_encode(
	struct encoder *base, struct frame *frame, bool force_keyframe, struct unit *unit)
{
	struct x264_encoder *e = x264_from(base);
	unit->pts_ns = clock_to_realtime_ns(frame->times.captured_ns);
	unit->convert_start_ns = clock_now_ns();
	int err = convert(e, frame);
	if (err < 0)
		return err;
	unit->convert_end_ns = unit->encode_start_ns = clock_now_ns();
	probe_frame(encode_start, unit->pts_ns);

	e->picture.i_type = force_keyframe || !e->begun ? X264_TYPE_IDR : X264_TYPE_AUTO;
	e->picture.i_pts = (int64_t)unit->number;
	x264_nal_t *nals;
	int n_nals;
	x264_picture_t done;
	e->encoding = true;
	int len = x264_encoder_encode(e->h, &nals, &n_nals, &e->picture, &done);
	e->encoding = false;
	if (len <= 0 || n_nals <= 0)
		return PF_E_IO;
	if (done.b_keyframe)
		e->idr = unit->number;
	err = copy_nals(e, nals, n_nals, unit);
	if (err < 0) {
		e->begun = false; /* the next picture must not refer to this one, which is lost */
		return err;
	}
	unit->width = base->caps.coded_width;
	unit->height = base->caps.coded_height;
	unit->keyframe = done.b_keyframe;
	unit->frame_seq = frame->seq;
	unit->times = frame->times;
	unit->encode_end_ns = clock_now_ns();
	e->begun = true;
	probe_frame(encode_end, unit->pts_ns);
	return 0;
}

static int x264_set_bitrate(struct encoder *base, uint32_t kbps)
{
	struct x264_encoder *e = x264_from(base);
	set_rate(&e->param, kbps, base->params.refresh_hz);
	return x264_encoder_reconfig(e->h, &e->param) < 0 ? PF_E_IO : 0;
}

static int x264_invalidate(struct encoder *base, uint64_t number)
{
	struct x264_encoder *e = x264_from(base);
	/* libavcodec loses count there (h264.h). */
	if (number < e->idr ||
		h264_gaps_wrap(&e->gaps, number - e->idr, base->next_number - e->idr))
		return PF_E_UNSUPPORTED;
	/* It forgets the units after this one by itself, as they may refer to it. */
	return x264_encoder_invalidate_reference(e->h, (int64_t)number) < 0 ? PF_E_IO : PF_OK;
}

const struct encoder_impl encoder_x264_impl = {
	.name = "x264",
	.colour = {COLOUR_PRIMARIES, COLOUR_TRANSFER, COLOUR_MATRIX, COLOUR_FULL_RANGE},
	.codecs = PF_CODEC_H264,
	.create = x264_create,
	.destroy = x264_destroy,
	.encode = x264_encode,
	.set_bitrate = x264_set_bitrate,
	.invalidate = x264_invalidate,
};
