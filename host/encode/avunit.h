/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_AVUNIT_H
#define HOST_ENCODE_AVUNIT_H

#include <stdbool.h>

#include "core/base/error.h"
#include "host/media/unit.h"

struct AVCodecContext;
struct AVFrame;
struct AVPacket;

/*
 * One picture into an encoder of libavcodec and its unit out: data, len and keyframe. One that keeps a picture back is
 * not one for us. Errors: PF_E_NOMEM, PF_E_IO (also when a keyframe was asked for and did not come).
 */
int avunit_encode(struct AVCodecContext *context, struct AVFrame *picture, struct AVPacket *packet,
	bool keyframe, struct unit *unit) PF_MUST_CHECK;

#endif
