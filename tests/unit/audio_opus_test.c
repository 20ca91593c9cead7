/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include <opus_multistream.h>

#include "host/audio/opus.h"
#include "host/audio/source.h"
#include "tests/support/tones.h"

/* What a client is told of each layout, and how it makes its decoder of that (the order of its channels included). */

#define N_PACKETS 100u

struct layout_case {
	unsigned channels;
	bool high;
	const char *told; /* channels, streams, coupled, then the mapping */
};

static const struct layout_case cases[] = {
	{2, false, "21101"},
	{2, true, "21101"},
	{6, false, "642012453"},
	{6, true, "660012345"},
	{8, false, "85301245673"},
	{8, true, "88001234567"},
};

/* Clients take the mapping of normal quality for one that has LFE at its end, and move it to place 3. */
static void client_mapping(unsigned char out[AUDIO_MAX_CHANNELS], const struct layout_case *c)
{
	for (unsigned i = 0; i < c->channels; i++)
		out[i] = (unsigned char)(c->told[3 + i] - '0');
	if (c->channels == 2 || c->high)
		return;
	unsigned char last = out[c->channels - 1];
	memmove(out + 4, out + 3, c->channels - 4);
	out[3] = last;
}

static OpusMSDecoder *client_decoder(const struct layout_case *c)
{
	unsigned char mapping[AUDIO_MAX_CHANNELS];
	int err;
	client_mapping(mapping, c);
	OpusMSDecoder *d = opus_multistream_decoder_create(
		48000, (int)c->channels, c->told[1] - '0', c->told[2] - '0', mapping, &err);
	assert_int_equal(err, OPUS_OK);
	return d;
}

static void make_tones(float *out, unsigned channels, uint32_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		for (unsigned ch = 0; ch < channels; ch++)
			out[i * channels + ch] = 0.25f *
				(float)sin(2 * M_PI * audio_tone_hz(ch) * (first + i) / 48000.0);
}

static void hear(const struct layout_case *c, const float *pcm, uint32_t n)
{
	for (unsigned ch = 0; ch < c->channels; ch++)
		for (unsigned tone = 0; tone < c->channels; tone++) {
			double a = tone_amplitude(pcm, c->channels, ch, n, audio_tone_hz(tone));
			if (tone == ch)
				assert_true(a > 0.2 && a < 0.3);
			else
				assert_true(a < 0.03);
		}
}

static void check_layout(const struct layout_case *c, unsigned packet_ms)
{
	uint32_t frames = 48 * packet_ms, total = frames * N_PACKETS;
	float in[AUDIO_MAX_PACKET * AUDIO_MAX_CHANNELS];
	float *pcm = calloc((size_t)total * c->channels, sizeof(float));
	assert_non_null(pcm);
	struct audio_opus *e;
	assert_int_equal(audio_opus_create(&e, c->channels, c->high, packet_ms), 0);
	assert_in_range(audio_opus_len(e), 1, AUDIO_OPUS_MAX);
	OpusMSDecoder *d = client_decoder(c);
	for (uint32_t i = 0; i < N_PACKETS; i++) {
		const uint8_t *data;
		make_tones(in, c->channels, i * frames, frames);
		int n = audio_opus_encode(e, in, &data);
		assert_int_equal(n, audio_opus_len(e));
		int got = opus_multistream_decode_float(
			d, data, n, pcm + (size_t)i * frames * c->channels, (int)frames, 0);
		assert_int_equal(got, frames);
	}
	/* The last fifth of a second: whole waves of every tone in it, and the codec has settled. */
	hear(c, pcm + (size_t)(total - 9600) * c->channels, 9600);
	opus_multistream_decoder_destroy(d);
	audio_opus_destroy(e);
	free(pcm);
}

static void every_channel_arrives_at_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_layout(&cases[i], 5);
		check_layout(&cases[i], 10);
	}
}

static void what_is_told_is_what_is_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct audio_layout *l = audio_layout(cases[i].channels, cases[i].high);
		assert_non_null(l);
		assert_int_equal(l->channels, cases[i].told[0] - '0');
		assert_int_equal(l->streams, cases[i].told[1] - '0');
		assert_int_equal(l->coupled, cases[i].told[2] - '0');
	}
	assert_null(audio_layout(0, false));
	assert_null(audio_layout(1, true));
	assert_null(audio_layout(7, false));
}

/* Parity needs equal lengths: of silence, noise and the step between them as well. */
static void lengths_never_vary(void **state)
{
	(void)state;
	uint64_t seed = 5;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct audio_opus *e;
		float in[AUDIO_MAX_PACKET * AUDIO_MAX_CHANNELS];
		assert_int_equal(audio_opus_create(&e, cases[i].channels, cases[i].high, 5), 0);
		for (unsigned k = 0; k < 60; k++) {
			const uint8_t *data;
			for (size_t s = 0; s < 240 * cases[i].channels; s++)
				in[s] = k / 20 == 1
					? (float)(test_rand(&seed) >> 40) / 8388608.0f - 1.0f
					: 0.0f;
			assert_int_equal(audio_opus_encode(e, in, &data), audio_opus_len(e));
		}
		audio_opus_destroy(e);
	}
}

static void bit_rates_are_those_of_the_layout(void **state)
{
	(void)state;
	static const size_t len[][2] = {{60, 120}, {320, 640}, {160, 320}, {960, AUDIO_OPUS_MAX},
		{281, 562}, {1280, AUDIO_OPUS_MAX}};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned k = 0; k < 2; k++) {
			struct audio_opus *e;
			assert_int_equal(
				audio_opus_create(&e, cases[i].channels, cases[i].high, k ? 10 : 5),
				0);
			assert_int_equal(audio_opus_len(e), len[i][k]);
			audio_opus_destroy(e);
		}
}

static void bad_parameters_are_refused(void **state)
{
	(void)state;
	struct audio_opus *e;
	assert_int_equal(audio_opus_create(&e, 3, false, 5), PF_E_INVALID);
	assert_int_equal(audio_opus_create(&e, 2, false, 0), PF_E_INVALID);
	assert_int_equal(audio_opus_create(&e, 2, false, 20), PF_E_INVALID);
	assert_null(e);
	audio_opus_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_channel_arrives_at_its_place),
		cmocka_unit_test(what_is_told_is_what_is_sent),
		cmocka_unit_test(lengths_never_vary),
		cmocka_unit_test(bit_rates_are_those_of_the_layout),
		cmocka_unit_test(bad_parameters_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
