/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/offer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/encode/encoder.h"
#include "host/media/clock.h"

/* In the order of choice without a preference (wire 9). */
static const struct {
	uint8_t codec;
	const char *name, *title;
} codecs[] = {
	{PF_CODEC_HEVC, "hevc", "HEVC"},
	{PF_CODEC_AV1, "av1", "AV1"},
	{PF_CODEC_H264, "h264", "H.264"},
};

#define N_CODECS  (sizeof(codecs) / sizeof(codecs[0]))
#define ALL_KNOWN (PF_CODEC_H264 | PF_CODEC_HEVC | PF_CODEC_AV1)

struct wish {
	uint8_t codecs;
	bool by_cost, timed;
};

static uint8_t codec_named(const char *text, size_t len)
{
	for (size_t i = 0; i < N_CODECS; i++)
		if (strlen(codecs[i].name) == len && !memcmp(codecs[i].name, text, len))
			return codecs[i].codec;
	return 0;
}

static bool parse_wish(struct wish *out, const char *text)
{
	*out = (struct wish){.codecs = ALL_KNOWN};
	out->by_cost = !strcmp(text, "auto");
	out->timed = !strcmp(text, "all");
	if (out->by_cost || out->timed)
		return true;
	out->codecs = 0;
	for (;; text++) {
		size_t len = strcspn(text, ",");
		uint8_t codec = codec_named(text, len);
		if (!codec)
			return false;
		out->codecs |= codec;
		text += len;
		if (!*text)
			return true;
	}
}

bool encoder_wish_known(const char *text)
{
	struct wish wish;
	return parse_wish(&wish, text);
}

enum { TRY_WIDTH = 1280, TRY_HEIGHT = 720, TRY_HZ = 60, TRY_PICTURES = 8 };

/* Blocks of many shades on a slope, all of it moving: neither still nor noise. */
static void paint(uint32_t *pixels, unsigned n)
{
	for (uint32_t y = 0; y < TRY_HEIGHT; y++)
		for (uint32_t x = 0; x < TRY_WIDTH; x++) {
			uint32_t u = x + 5 * n, v = y + 2 * n;
			uint32_t shade = ((u >> 4) * 37 + (v >> 4) * 91 + (u >> 2)) & 255;
			pixels[y * TRY_WIDTH + x] = shade * 0x010101u ^ (v & 63) << 8;
		}
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

/* Errors: the encoder's. On success the time of a picture between keyframes, in the middle of all. */
static int encode_some(struct encoder *e, unsigned n_pictures, uint32_t *pixels, uint64_t *took_ns)
{
	uint64_t times[TRY_PICTURES];
	struct unit_pool *pool = NULL;
	struct frame f;
	int err = unit_pool_create(&pool, 1);
	frame_init(&f);
	f.width = TRY_WIDTH;
	f.height = TRY_HEIGHT;
	f.stride = (size_t)TRY_WIDTH * 4;
	f.pixels = (const uint8_t *)pixels;
	for (unsigned i = 0; i < n_pictures && err >= 0; i++) {
		struct unit *unit = unit_pool_get(pool);
		pf_check(unit);
		paint(pixels, i);
		f.seq = i;
		f.times.captured_ns = clock_now_ns();
		err = encoder_encode(e, &f, false, unit);
		times[i] = unit->encode_end_ns - unit->convert_start_ns;
		unit_unref(unit);
	}
	unit_pool_destroy(pool);
	if (err < 0)
		return err;
	qsort(times + 1, n_pictures - 1, sizeof(times[0]), by_value);
	*took_ns = times[n_pictures / 2];
	return PF_OK;
}

static int try_codec(const char *name, uint8_t codec, unsigned n_pictures, uint64_t *took_ns)
{
	const struct encoder_params params = {.width = TRY_WIDTH,
		.height = TRY_HEIGHT,
		.refresh_hz = TRY_HZ,
		.bitrate_kbps = ENCODER_DEFAULT_KBPS,
		.codec = codec};
	struct encoder *e = NULL;
	int err = encoder_create(&e, name, &params);
	if (err < 0)
		return err;
	uint32_t *pixels = malloc(sizeof(*pixels) * TRY_WIDTH * TRY_HEIGHT);
	err = pixels ? encode_some(e, n_pictures, pixels, took_ns) : PF_E_NOMEM;
	free(pixels);
	encoder_destroy(e);
	return err;
}

/* Adds codec to the offer if it should be there; the verdict for the log. */
static void judge(struct encoder_offer *out, const char *name, const struct wish *wish, size_t i,
	char *verdict, size_t size)
{
	uint8_t codec = codecs[i].codec;
	bool costly = encoder_costly(name) & codec, timed = wish->timed && costly;
	uint64_t took_ns = 0;
	if (!(encoder_codecs(name) & codec)) {
		snprintf(verdict, size, "%s not built in", codecs[i].title);
	} else if (!(wish->codecs & codec)) {
		snprintf(verdict, size, "%s not wanted", codecs[i].title);
	} else if (wish->by_cost && costly) {
		out->spare |= codec;
		snprintf(verdict, size, "%s in reserve", codecs[i].title);
	} else if (try_codec(name, codec, costly ? TRY_PICTURES : 2, &took_ns) < 0) {
		snprintf(verdict, size, "%s does not open", codecs[i].title);
	} else {
		bool slow = timed && took_ns > OFFER_PICTURE_NS;
		if (!slow)
			out->codecs |= codec;
		snprintf(verdict, size, "%s %s (%.1f ms)", codecs[i].title,
			slow ? "too slow" : "yes", (double)took_ns / 1e6);
	}
}

int encoder_offer(struct encoder_offer *out, const char *name, const char *text)
{
	char verdicts[N_CODECS][48];
	struct wish wish;
	*out = (struct encoder_offer){0};
	if (!parse_wish(&wish, text))
		return PF_E_INVALID;
	for (size_t i = 0; i < N_CODECS; i++)
		judge(out, name, &wish, i, verdicts[i], sizeof(verdicts[i]));
	if (!out->codecs && out->spare) { /* what is dear is all there is */
		wish = (struct wish){.codecs = out->spare};
		out->spare = 0;
		for (size_t i = 0; i < N_CODECS; i++)
			if (wish.codecs & codecs[i].codec)
				judge(out, name, &wish, i, verdicts[i], sizeof(verdicts[i]));
	}
	log_info("encoders: %s, %s, %s; times are of 1280x720, see --codecs", verdicts[2],
		verdicts[0], verdicts[1]);
	if (out->codecs)
		return PF_OK;
	log_error("encoders: none is left that works: give other --codecs or another --encoder, or "
		  "build with libx264");
	return PF_E_UNSUPPORTED;
}

uint8_t encoder_offer_choose(
	const struct encoder_offer *offer, uint8_t client_codecs, uint8_t preferred)
{
	uint8_t shared = offer->codecs & client_codecs;
	if (!shared)
		shared = offer->spare & client_codecs;
	if (preferred & shared)
		return preferred & shared;
	for (size_t i = 0; i < N_CODECS; i++)
		if (shared & codecs[i].codec)
			return codecs[i].codec;
	return 0;
}
