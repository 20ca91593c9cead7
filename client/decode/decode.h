/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_DECODE_DECODE_H
#define CLIENT_DECODE_DECODE_H

#include <stdint.h>

/*
 * H.264 access units to pictures, by libavcodec in software, with no delay: one unit in, one picture out.
 * Thread: one at a time.
 */

struct decode;
struct AVFrame;
struct AVPacket;

struct decode_counters {
	uint64_t decoded; /* whole pictures */
	uint64_t damaged; /* units that gave an error or a picture with errors in it */
	uint64_t
		delayed; /* good units that gave no picture: the stream or the decoder holds back */
};

/* Errors: PUNKTFUNK_E_UNSUPPORTED (libavcodec was built without H.264), PUNKTFUNK_E_NOMEM. */
int decode_create(struct decode **out) __attribute__((warn_unused_result));
void decode_destroy(struct decode *d); /* takes NULL */

/*
 * Decodes one whole access unit (Annex B, behind it AV_INPUT_BUFFER_PADDING_SIZE zero bytes). On success
 * the picture is in *picture (a blank or an unreferenced AVFrame before). Errors: PUNKTFUNK_E_BAD_PACKET
 * (counted as damaged; what follows is wrong until a keyframe), PUNKTFUNK_E_NO_FRAME (counted as
 * delayed), PUNKTFUNK_E_NOMEM.
 */
int decode_unit(struct decode *d, const struct AVPacket *packet, struct AVFrame *picture)
	__attribute__((warn_unused_result));

const struct decode_counters *decode_counters(const struct decode *d);

#endif
