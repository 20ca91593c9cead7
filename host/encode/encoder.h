/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_ENCODER_H
#define HOST_ENCODE_ENCODER_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/media/frame.h"
#include "host/media/unit.h"

/*
 * Picture -> access unit. Conversion to the encoder's colour format is part of encode() and timed apart.
 * Thread: create anywhere, then one thread at a time.
 */

struct encoder;

struct encoder_params {
	uint32_t width, height, refresh_hz;
	uint32_t bitrate_kbps;
	uint8_t codec;	  /* one bit of enum pf_codec */
	unsigned threads; /* 0 = the backend's choice */
};

struct encoder_caps {
	bool live_bitrate; /* set_bitrate() without a keyframe */
	bool invalidate;   /* can refer past a range of lost frames */
};

struct encoder_impl {
	const char *name;
	uint8_t codecs; /* bits of enum pf_codec that it can make */
	int (*create)(struct encoder **out, const struct encoder_params *params);
	void (*destroy)(struct encoder *base);
	/* Fills unit: data, len, keyframe, times, pts and stage stamps. frame has the encoder's size. */
	int (*encode)(
		struct encoder *base, struct frame *frame, bool force_keyframe, struct unit *unit);
	int (*set_bitrate)(struct encoder *base, uint32_t kbps);
};

struct encoder {
	const struct encoder_impl *impl;
	struct encoder_caps caps;
	struct encoder_params params;
};

extern const struct encoder_impl encoder_x264_impl; /* HAVE_X264 */
extern const struct encoder_impl
	encoder_null_impl; /* never picked by itself: a header and filler bytes */

#define ENCODER_MIN_KBPS     500u     /* wire 9 */
#define ENCODER_MAX_KBPS     8000000u /* wire 9 */
#define ENCODER_DEFAULT_KBPS 20000u

/* name NULL or "auto" = the first that can make params->codec. Errors: PF_E_UNSUPPORTED, PF_E_INVALID. */
int encoder_create(
	struct encoder **out, const char *name, const struct encoder_params *params) PF_MUST_CHECK;
void encoder_destroy(struct encoder *e); /* takes NULL */
int encoder_encode(struct encoder *e, struct frame *frame, bool force_keyframe,
	struct unit *unit) PF_MUST_CHECK;
int encoder_set_bitrate(struct encoder *e, uint32_t kbps) PF_MUST_CHECK;
/* The codecs that the named (or any) built encoder can make. */
uint8_t encoder_codecs(const char *name);

#endif
