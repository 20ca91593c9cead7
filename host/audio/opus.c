/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/opus.h"

#include <stdlib.h>

#include <opus_multistream.h>

#include "host/audio/pace.h"
#include "host/base/log.h"

static const struct audio_layout layouts[][2] = {
	{{2, 1, 1, 96000}, {2, 1, 1, 512000}},
	{{6, 4, 2, 256000}, {6, 6, 0, 1536000}},
	{{8, 5, 3, 450000}, {8, 8, 0, 2048000}},
};

struct audio_opus {
	OpusMSEncoder *encoder;
	int packet_frames;
	size_t len;
	uint8_t packet[AUDIO_OPUS_MAX];
};

const struct audio_layout *audio_layout(unsigned channels, bool high_quality)
{
	for (size_t i = 0; i < sizeof(layouts) / sizeof(layouts[0]); i++)
		if (layouts[i][0].channels == channels)
			return &layouts[i][high_quality];
	return NULL;
}

static int configure(struct audio_opus *e)
{
	int32_t bitrate = (int32_t)(e->len * 8 * AUDIO_RATE_HZ / (unsigned)e->packet_frames);
	int err = opus_multistream_encoder_ctl(e->encoder, OPUS_SET_VBR(0));
	if (err == OPUS_OK)
		err = opus_multistream_encoder_ctl(e->encoder, OPUS_SET_BITRATE(bitrate));
	return err;
}

int audio_opus_create(
	struct audio_opus **out, unsigned channels, bool high_quality, unsigned packet_ms)
{
	static const unsigned char identity[AUDIO_MAX_CHANNELS] = {0, 1, 2, 3, 4, 5, 6, 7};
	const struct audio_layout *l = audio_layout(channels, high_quality);
	*out = NULL;
	if (!l || (packet_ms != 5 && packet_ms != 10))
		return PF_E_INVALID;
	struct audio_opus *e = calloc(1, sizeof(*e));
	if (!e)
		return PF_E_NOMEM;
	e->packet_frames = (int)(AUDIO_RATE_HZ / 1000u * packet_ms);
	/* Long packets of many channels would not fit: they get fewer bits. */
	e->len = (size_t)l->bitrate * packet_ms / 8000u;
	if (e->len > AUDIO_OPUS_MAX)
		e->len = AUDIO_OPUS_MAX;
	int err = OPUS_OK;
	e->encoder = opus_multistream_encoder_create((opus_int32)AUDIO_RATE_HZ, (int)channels,
		(int)l->streams, (int)l->coupled, identity, OPUS_APPLICATION_RESTRICTED_LOWDELAY,
		&err);
	if (err == OPUS_OK)
		err = configure(e);
	if (err != OPUS_OK) {
		log_error("audio: Opus with %u channels: %s", channels, opus_strerror(err));
		audio_opus_destroy(e);
		return err == OPUS_ALLOC_FAIL ? PF_E_NOMEM : PF_E_IO;
	}
	*out = e;
	return PF_OK;
}

void audio_opus_destroy(struct audio_opus *e)
{
	if (!e)
		return;
	if (e->encoder)
		opus_multistream_encoder_destroy(e->encoder);
	free(e);
}

size_t audio_opus_len(const struct audio_opus *e)
{
	return e->len;
}

int audio_opus_encode(struct audio_opus *e, const float *samples, const uint8_t **data)
{
	int n = opus_multistream_encode_float(
		e->encoder, samples, e->packet_frames, e->packet, (opus_int32)e->len);
	*data = e->packet;
	return n > 0 ? n : PF_E_IO;
}
