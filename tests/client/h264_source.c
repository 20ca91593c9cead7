/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/client/h264_source.h"

#include <stdlib.h>
#include <string.h>

#include <x264.h>

struct h264_source {
	x264_t *x264;
	x264_picture_t in;
	uint32_t width, height;
	int64_t n;
};

struct h264_source *h264_source_create(uint32_t width, uint32_t height, int slices)
{
	struct h264_source *s = calloc(1, sizeof(*s));
	x264_param_t p;
	if (!s || x264_param_default_preset(&p, "ultrafast", "zerolatency") < 0)
		abort();
	p.i_width = (int)width;
	p.i_height = (int)height;
	p.i_csp = X264_CSP_I420;
	p.i_fps_num = 60;
	p.i_fps_den = 1;
	p.i_keyint_max = X264_KEYINT_MAX_INFINITE;
	p.i_threads = 1;
	p.i_slice_count = slices;
	p.b_cabac = 1;
	p.b_repeat_headers = 1;
	p.b_annexb = 1;
	p.i_log_level = X264_LOG_NONE;
	p.rc.i_rc_method = X264_RC_CQP;
	p.rc.i_qp_constant = 24;
	s->x264 = x264_encoder_open(&p);
	if (!s->x264 || x264_picture_alloc(&s->in, X264_CSP_I420, (int)width, (int)height) < 0)
		abort();
	s->width = width;
	s->height = height;
	for (int i = 0; i < 3; i++) {
		size_t rows = i ? height / 2 : height;
		s->in.img.i_stride[i] = (int)(i ? width / 2 : width);
		memset(s->in.img.plane[i], i ? 128 : 64, rows * (size_t)s->in.img.i_stride[i]);
	}
	return s;
}

void h264_source_destroy(struct h264_source *s)
{
	if (!s)
		return;
	x264_encoder_close(s->x264);
	x264_picture_clean(&s->in);
	free(s);
}

uint8_t *h264_source_luma(struct h264_source *s)
{
	return s->in.img.plane[0];
}

size_t h264_source_next(struct h264_source *s, bool keyframe, const uint8_t **out)
{
	x264_nal_t *nals;
	int n_nals;
	x264_picture_t done;
	s->in.i_pts = s->n++;
	s->in.i_type = keyframe ? X264_TYPE_IDR : X264_TYPE_AUTO;
	int len = x264_encoder_encode(s->x264, &nals, &n_nals, &s->in, &done);
	if (len <= 0)
		abort();
	*out = nals[0].p_payload;
	return (size_t)len;
}
