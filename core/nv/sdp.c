/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/nv/sdp.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/handshake.h"

/*
 * Lines of "a=name:value", CRLF or LF after each, blanks before it; other lines say nothing to us. Clients do not
 * parse what they get: they look for texts anywhere in it.
 */

static void add(struct pf_writer *w, const char *text)
{
	pf_write_bytes(w, text, strlen(text));
}

static void add_number(struct pf_writer *w, const char *name, uint32_t v)
{
	char digits[11];
	size_t at = sizeof(digits);
	digits[--at] = 0;
	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	add(w, "a=");
	add(w, name);
	add(w, ":");
	add(w, digits + at);
	add(w, "\r\n");
}

int pf_nv_describe_write(char *out, size_t cap, const struct pf_nv_capabilities *can)
{
	struct pf_writer w = pf_writer_make((uint8_t *)out, cap);
	if (can->max_channels != 2 && can->max_channels != 6 && can->max_channels != 8)
		return PF_E_INVALID;
	add(&w, "v=0\r\ns=punktfunk\r\n");
	add_number(&w, "x-ss-general.featureFlags", can->features);
	add_number(&w, "x-ss-general.encryptionSupported", can->encryption_supported);
	add_number(&w, "x-ss-general.encryptionRequested", can->encryption_requested);
	if (can->invalidation)
		add_number(&w, "x-nv-video[0].refPicInvalidation", 1);
	if (can->hevc)
		add(&w, "sprop-parameter-sets=AAAAAU\r\n");
	if (can->av1)
		add(&w, "a=rtpmap:98 AV1/90000\r\n");
	/*
	 * Channels, streams, coupled ones, then the channel of each place. Our order is the client's own; in the first
	 * of two it expects the LFE last and moves it, so it stands there.
	 */
	if (can->max_channels >= 6)
		add(&w,
			"a=fmtp:97 surround-params=642012453\r\n"
			"a=fmtp:97 surround-params=660012345\r\n");
	if (can->max_channels >= 8)
		add(&w,
			"a=fmtp:97 surround-params=85301245673\r\n"
			"a=fmtp:97 surround-params=88001234567\r\n");
	return w.ok ? (int)pf_writer_len(&w) : PF_E_FULL;
}

enum attribute {
	WIDTH,
	HEIGHT,
	FPS,
	REFRESH,
	PACKET_SIZE,
	BITRATE,
	CONFIGURED,
	MIN_PARITY,
	SLICES,
	CODEC,
	CLIENT_HEVC,
	DYNAMIC_RANGE,
	CHROMA,
	REFERENCES,
	CSC,
	INTRA_REFRESH,
	CHANNELS,
	CHANNEL_MASK,
	AUDIO_QUALITY,
	PACKET_MS,
	VIDEO_QOS,
	AUDIO_QOS,
	NV_FEATURES,
	ML_FEATURES,
	ENCRYPTION,
	CONTROL_PROTOCOL,
	N_ATTRIBUTES,
};

#define REQUIRED INT64_MIN /* there is no value for one that is absent */

/* A number that is out of range: brought into it, or refused because the client itself goes by it. */
enum rule { BOUND, REFUSE };

static const struct {
	const char *name;
	int64_t absent, min, max;
	enum rule rule;
} attributes[N_ATTRIBUTES] = {
	[WIDTH] = {"x-nv-video[0].clientViewportWd", REQUIRED, PF_MODE_MIN_SIDE, PF_MODE_MAX_SIDE,
		REFUSE},
	[HEIGHT] = {"x-nv-video[0].clientViewportHt", REQUIRED, PF_MODE_MIN_SIDE, PF_MODE_MAX_SIDE,
		REFUSE},
	[FPS] = {"x-nv-video[0].maxFPS", REQUIRED, PF_MODE_MIN_HZ, PF_MODE_MAX_HZ, REFUSE},
	[REFRESH] = {"x-nv-video[0].clientRefreshRateX100", 0, 0, 100 * PF_MODE_MAX_HZ, BOUND},
	[PACKET_SIZE] = {"x-nv-video[0].packetSize", REQUIRED, PF_NV_PACKET_SIZE_MIN,
		PF_NV_PACKET_SIZE_MAX, REFUSE},
	[BITRATE] = {"x-nv-vqos[0].bw.maximumBitrateKbps", REQUIRED, PF_NV_BITRATE_MIN,
		PF_NV_BITRATE_MAX, BOUND},
	[CONFIGURED] = {"x-ml-video.configuredBitrateKbps", 0, 0, PF_NV_BITRATE_MAX, BOUND},
	[MIN_PARITY] = {"x-nv-vqos[0].fec.minRequiredFecPackets", 0, 0, PF_NV_PARITY_MAX, BOUND},
	[SLICES] = {"x-nv-video[0].videoEncoderSlicesPerFrame", 1, 1, PF_NV_SLICES_MAX, BOUND},
	[CODEC] = {"x-nv-vqos[0].bitStreamFormat", PF_NV_H264, PF_NV_H264, PF_NV_AV1, REFUSE},
	[CLIENT_HEVC] = {"x-nv-clientSupportHevc", 0, 0, 1, BOUND},
	[DYNAMIC_RANGE] = {"x-nv-video[0].dynamicRangeMode", 0, 0, 1, BOUND},
	[CHROMA] = {"x-ss-video[0].chromaSamplingType", 0, 0, 1, REFUSE},
	[REFERENCES] = {"x-nv-video[0].maxNumReferenceFrames", 0, 0, PF_NV_REFERENCES_MAX, BOUND},
	[CSC] = {"x-nv-video[0].encoderCscMode", 0, 0, 2 * PF_NV_BT2020 + 1, BOUND},
	[INTRA_REFRESH] = {"x-ss-video[0].intraRefresh", 0, 0, 1, BOUND},
	[CHANNELS] = {"x-nv-audio.surround.numChannels", REQUIRED, 2, 8, REFUSE},
	[CHANNEL_MASK] = {"x-nv-audio.surround.channelMask", 0, 0, UINT32_MAX, BOUND},
	[AUDIO_QUALITY] = {"x-nv-audio.surround.AudioQuality", 0, 0, 1, BOUND},
	[PACKET_MS] = {"x-nv-aqos.packetDuration", 5, 5, 10, REFUSE},
	[VIDEO_QOS] = {"x-nv-vqos[0].qosTrafficType", 5, 0, 1, BOUND},
	[AUDIO_QOS] = {"x-nv-aqos.qosTrafficType", 4, 0, 1, BOUND},
	[NV_FEATURES] = {"x-nv-general.featureFlags", 135, 0, UINT32_MAX, REFUSE},
	[ML_FEATURES] = {"x-ml-general.featureFlags", 0, 0, UINT32_MAX, REFUSE},
	[ENCRYPTION] = {"x-ss-general.encryptionEnabled", 0, 0, PF_NV_ENCRYPT_ALL, REFUSE},
	[CONTROL_PROTOCOL] = {"x-nv-general.useReliableUdp", 1, 0, UINT8_MAX, REFUSE},
};

#define NV_AUDIO_ENCRYPTION 0x20 /* of NV_FEATURES */

#define NUMBER_LIMIT ((int64_t)1 << 40) /* beyond all ranges above, whatever follows */

static int read_number(const char *p, const char *end, int64_t *out)
{
	int64_t v = 0;
	while (p < end && *p == ' ')
		p++;
	bool negative = p < end && *p == '-';
	p += negative;
	if (p == end)
		return PF_E_BAD_PACKET;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return PF_E_BAD_PACKET;
		if (v < NUMBER_LIMIT)
			v = v * 10 + (*p - '0');
	}
	*out = negative ? -v : v;
	return PF_OK;
}

static int check_range(enum attribute a, int64_t *v)
{
	if (*v >= attributes[a].min && *v <= attributes[a].max)
		return PF_OK;
	if (attributes[a].rule == REFUSE)
		return PF_E_BAD_PACKET;
	*v = *v < attributes[a].min ? attributes[a].min : attributes[a].max;
	return PF_OK;
}

static int read_line(
	int64_t values[static N_ATTRIBUTES], const char *p, const char *end, const char **bad)
{
	while (end > p && (end[-1] == '\r' || end[-1] == ' '))
		end--;
	if (end - p < 2 || p[0] != 'a' || p[1] != '=')
		return PF_OK;
	p += 2;
	const char *colon = memchr(p, ':', (size_t)(end - p));
	if (!colon)
		return PF_OK;
	for (unsigned a = 0; a < N_ATTRIBUTES; a++) {
		const char *name = attributes[a].name;
		if (strlen(name) != (size_t)(colon - p) || memcmp(name, p, (size_t)(colon - p)))
			continue;
		*bad = name;
		return read_number(colon + 1, end, &values[a]) < 0
			? PF_E_BAD_PACKET
			: check_range((enum attribute)a, &values[a]);
	}
	return PF_OK;
}

static int read_lines(
	int64_t values[static N_ATTRIBUTES], const char *body, size_t len, const char **bad)
{
	if (!len)
		return PF_OK; /* body may be NULL */
	const char *end = body + len;
	for (unsigned n = 0; body < end; n++) {
		const char *stop = memchr(body, '\n', (size_t)(end - body));
		if (!stop)
			stop = end;
		*bad = "number of lines";
		if (n >= PF_NV_BODY_LINES_MAX || read_line(values, body, stop, bad) < 0)
			return PF_E_BAD_PACKET;
		body = stop < end ? stop + 1 : end;
	}
	return PF_OK;
}

static void take_video(struct pf_nv_stream_config *c, const int64_t values[static N_ATTRIBUTES])
{
	int64_t off = values[REFRESH] - 100 * values[FPS];
	bool near_fps = off >= -values[FPS] && off <= values[FPS];
	c->width = (uint32_t)values[WIDTH];
	c->height = (uint32_t)values[HEIGHT];
	c->fps = (uint32_t)values[FPS];
	c->refresh_x100 = near_fps ? (uint32_t)values[REFRESH] : 100 * c->fps;
	c->packet_size = (uint32_t)values[PACKET_SIZE];
	c->bitrate_kbps = (uint32_t)values[BITRATE];
	c->configured_kbps = (uint32_t)values[CONFIGURED];
	if (c->configured_kbps && c->configured_kbps < PF_NV_BITRATE_MIN)
		c->configured_kbps = PF_NV_BITRATE_MIN;
	c->min_parity = (uint16_t)values[MIN_PARITY];
	c->slices = (uint8_t)values[SLICES];
	c->codec = (uint8_t)values[CODEC];
	c->client_hevc = values[CLIENT_HEVC];
	c->ten_bit = values[DYNAMIC_RANGE];
	c->yuv444 = values[CHROMA];
	c->max_references = (uint8_t)values[REFERENCES];
	c->csc = (uint8_t)(values[CSC] >> 1);
	c->full_range = values[CSC] & 1;
	c->intra_refresh = values[INTRA_REFRESH];
	c->video_qos = values[VIDEO_QOS];
}

static void take_audio(struct pf_nv_stream_config *c, const int64_t values[static N_ATTRIBUTES])
{
	c->channels = (uint8_t)values[CHANNELS];
	c->channel_mask = (uint32_t)values[CHANNEL_MASK];
	if (__builtin_popcount(c->channel_mask) != c->channels)
		c->channel_mask = c->channels == 2 ? 0x3 : c->channels == 6 ? 0x3F : 0x63F;
	c->high_quality = values[AUDIO_QUALITY];
	c->packet_ms = (uint8_t)values[PACKET_MS];
	c->audio_qos = values[AUDIO_QOS];
}

/* Holes inside a range. */
static const char *find_bad(const int64_t values[static N_ATTRIBUTES])
{
	const int64_t channels = values[CHANNELS];
	for (unsigned a = 0; a < N_ATTRIBUTES; a++)
		if (values[a] == REQUIRED)
			return attributes[a].name;
	if (values[PACKET_SIZE] % 16)
		return attributes[PACKET_SIZE].name;
	if (channels != 2 && channels != 6 && channels != 8)
		return attributes[CHANNELS].name;
	if (values[PACKET_MS] != 5 && values[PACKET_MS] != 10)
		return attributes[PACKET_MS].name;
	return NULL;
}

int pf_nv_announce_read(
	struct pf_nv_stream_config *c, const char *body, size_t len, const char **bad)
{
	int64_t values[N_ATTRIBUTES];
	*c = (struct pf_nv_stream_config){0};
	for (unsigned a = 0; a < N_ATTRIBUTES; a++)
		values[a] = attributes[a].absent;
	if (read_lines(values, body, len, bad) < 0)
		return PF_E_BAD_PACKET;
	*bad = find_bad(values);
	if (*bad)
		return PF_E_BAD_PACKET;
	take_video(c, values);
	take_audio(c, values);
	c->nv_features = (uint32_t)values[NV_FEATURES];
	c->client_features = (uint32_t)values[ML_FEATURES];
	c->encryption = (uint32_t)values[ENCRYPTION];
	if (c->nv_features & NV_AUDIO_ENCRYPTION)
		c->encryption |= PF_NV_ENCRYPT_AUDIO;
	c->control_protocol = (uint8_t)values[CONTROL_PROTOCOL];
	*bad = "";
	return PF_OK;
}
