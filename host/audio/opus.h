/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_AUDIO_OPUS_H
#define HOST_AUDIO_OPUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Samples -> Opus packets of constant length, all layouts as multistream with the identity as mapping: channel i of
 * the decoder is channel i here (FL FR FC LFE RL RR SL SR). What clients are told of a layout (streams, coupled)
 * comes from audio_layout(). Thread: create anywhere, then one thread at a time.
 */

#define AUDIO_OPUS_MAX \
	1375u /* bytes: what GameStream clients have room for, encrypted and with parity */

struct audio_layout {
	unsigned channels, streams, coupled;
	uint32_t bitrate; /* bit/s */
};

/* NULL: there is no layout with so many channels. Stereo, 5.1 and 7.1 have one. */
const struct audio_layout *audio_layout(unsigned channels, bool high_quality);

struct audio_opus;

/* packet_ms: 5 or 10. Errors: PF_E_INVALID, PF_E_NOMEM, PF_E_IO (libopus refused). */
int audio_opus_create(struct audio_opus **out, unsigned channels, bool high_quality,
	unsigned packet_ms) PF_MUST_CHECK;
void audio_opus_destroy(struct audio_opus *e); /* takes NULL */
/* The length of each packet, at most AUDIO_OPUS_MAX. */
size_t audio_opus_len(const struct audio_opus *e);
/*
 * One packet's time of interleaved samples, borrowed. The packet is in *data until the next call. Returns its
 * length. Errors: PF_E_IO.
 */
int audio_opus_encode(
	struct audio_opus *e, const float *samples, const uint8_t **data) PF_MUST_CHECK;

#endif
