/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <x264.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/base/probe.h"
#include "host/encode/encoder.h"
#include "host/encode/h264.h"
#include "host/encode/planes.h"
#include "host/gpu/display.h"
#include "host/media/clock.h"

struct x264_encoder {
	struct encoder base;
	x264_t *h;
	x264_param_t param;
	x264_picture_t picture;
	bool has_picture;
	struct planes planes; /* of the picture */
	bool begun;	      /* the first keyframe is out */
	struct h264_gaps gaps;
	uint64_t idr;  /* number of the last keyframe */
	bool encoding; /* on the frame path: warnings are counted only */
	uint64_t n_warnings;
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
	p->vui.b_fullrange = e->planes.colour[3];
	p->vui.i_colorprim = e->planes.colour[0];
	p->vui.i_transfer = e->planes.colour[1];
	p->vui.i_colmatrix = e->planes.colour[2];
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
	planes_finish(&e->planes);
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
		.dmabuf = true,
		.coded_width = (params->width + 1) & ~1u,
		.coded_height = (params->height + 1) & ~1u,
	};
	x264_param_t opened;
	int err = planes_init(&e->planes, params->matrix, params->full_range);
	if (err >= 0)
		err = fill_param(e, params);
	if (err < 0)
		goto fail;
	err = PF_E_NOMEM;
	if (x264_picture_alloc(&e->picture, e->param.i_csp, e->param.i_width, e->param.i_height) <
		0)
		goto fail;
	e->has_picture = true;
	for (int i = 0; i < 2; i++) {
		e->planes.plane[i] = e->picture.img.plane[i];
		e->planes.stride[i] = e->picture.img.i_stride[i];
	}
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

static int copy_nals(struct x264_encoder *e, const x264_nal_t *nals, int n_nals, struct unit *unit)
{
	size_t most = 0;
	for (int i = 0; i < n_nals; i++)
		most += (size_t)nals[i].i_payload + H264_GROWTH;
	int err = unit_reserve(unit, most);
	if (err < 0)
		return err;
	for (int i = 0; i < n_nals; i++) {
		/*
		 * Its version and settings, 700 bytes in front of the first picture: Moonlight looks for an IDR slice
		 * in the first packet only, which may be smaller than that.
		 */
		if (nals[i].i_type == NAL_SEI)
			continue;
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
	int err = planes_fill(&e->planes, frame);
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
	.colour = PLANES_COLOUR,
	.codecs = PF_CODEC_H264,
	.importer = gpu_importer,
	.create = x264_create,
	.destroy = x264_destroy,
	.encode = x264_encode,
	.set_bitrate = x264_set_bitrate,
	.invalidate = x264_invalidate,
};
