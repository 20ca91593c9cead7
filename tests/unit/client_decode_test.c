/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "client/decode/decode.h"
#include "punktfunk_core.h"
#include "tests/client/h264_source.h"

#define WIDTH	320u
#define HEIGHT	192u
#define N_UNITS 8

static AVPacket *units[N_UNITS];
static AVFrame *picture;

/* Moving noise, so that every macroblock has bits that can be flipped. */
static void draw(struct h264_source *s, uint64_t *seed)
{
	uint8_t *luma = h264_source_luma(s);
	for (size_t i = 0; i < WIDTH * HEIGHT; i++)
		luma[i] = (uint8_t)(test_rand(seed) % 200);
}

static int make_units(void **state)
{
	(void)state;
	uint64_t seed = 5;
	av_log_set_level(AV_LOG_QUIET);
	struct h264_source *s = h264_source_create(WIDTH, HEIGHT, 4);
	for (int i = 0; i < N_UNITS; i++) {
		const uint8_t *data;
		draw(s, &seed);
		size_t len = h264_source_next(s, i == 0, &data);
		units[i] = av_packet_alloc();
		if (!units[i] || av_new_packet(units[i], (int)len) < 0)
			return -1;
		memcpy(units[i]->data, data, len);
	}
	h264_source_destroy(s);
	picture = av_frame_alloc();
	return picture ? 0 : -1;
}

static int free_units(void **state)
{
	(void)state;
	for (int i = 0; i < N_UNITS; i++)
		av_packet_free(&units[i]);
	av_frame_free(&picture);
	return 0;
}

static struct decode *make(void)
{
	struct decode *d;
	assert_int_equal(decode_create(&d), 0);
	return d;
}

static void one_unit_in_gives_one_picture_out(void **state)
{
	(void)state;
	struct decode *d = make();
	for (int i = 0; i < N_UNITS; i++) {
		assert_int_equal(decode_unit(d, units[i], picture), 0);
		assert_int_equal(picture->width, WIDTH);
		assert_int_equal(picture->height, HEIGHT);
		av_frame_unref(picture);
	}
	assert_int_equal(decode_counters(d)->decoded, N_UNITS);
	assert_int_equal(decode_counters(d)->damaged, 0);
	assert_int_equal(decode_counters(d)->delayed, 0);
	decode_destroy(d);
}

static void the_size_may_change(void **state)
{
	(void)state;
	struct decode *d = make();
	assert_int_equal(decode_unit(d, units[0], picture), 0);
	av_frame_unref(picture);
	struct h264_source *s = h264_source_create(640, 360, 1);
	const uint8_t *data;
	size_t len = h264_source_next(s, true, &data);
	AVPacket *p = av_packet_alloc();
	assert_int_equal(av_new_packet(p, (int)len), 0);
	memcpy(p->data, data, len);
	assert_int_equal(decode_unit(d, p, picture), 0);
	assert_int_equal(picture->width, 640);
	assert_int_equal(picture->height, 360);
	av_packet_free(&p);
	h264_source_destroy(s);
	av_frame_unref(picture);
	decode_destroy(d);
}

/* Decodes units 0..n, the n-th replaced; returns what the n-th gave. */
static int decode_with(const AVPacket *replacement, int n)
{
	struct decode *d = make();
	int err = 0;
	for (int i = 0; i <= n; i++) {
		err = decode_unit(d, i == n ? replacement : units[i], picture);
		av_frame_unref(picture);
		if (i < n)
			assert_int_equal(err, 0);
	}
	if (err == PUNKTFUNK_E_BAD_PACKET)
		assert_int_equal(decode_counters(d)->damaged, 1);
	decode_destroy(d);
	return err;
}

static void flipped_bits_are_reported(void **state)
{
	(void)state;
	uint64_t seed = 11;
	int reported = 0, rounds = 0;
	for (int n = 0; n < N_UNITS; n++) {
		for (int round = 0; round < 5; round++, rounds++) {
			AVPacket *p = av_packet_clone(units[n]);
			assert_int_equal(av_packet_make_writable(p), 0);
			/* Arithmetic coding takes some flips for good data; of 40 most show. */
			for (int flip = 0; flip < 40; flip++)
				p->data[16 + test_rand(&seed) % (uint64_t)(p->size - 16)] ^=
					(uint8_t)(1u << test_rand(&seed) % 8);
			int err = decode_with(p, n);
			assert_true(err == 0 || err == PUNKTFUNK_E_BAD_PACKET ||
				err == PUNKTFUNK_E_NO_FRAME);
			reported += err != 0;
			av_packet_free(&p);
		}
	}
	assert_in_range(reported, rounds * 9 / 10, rounds);
}

/* The offsets of the NAL units (of their start codes). */
static size_t find_nals(const AVPacket *p, size_t *at, size_t max)
{
	size_t n = 0;
	for (size_t i = 0; i + 3 < (size_t)p->size && n < max; i++)
		if (!p->data[i] && !p->data[i + 1] && p->data[i + 2] == 1)
			at[n++] = i;
	return n;
}

static void a_missing_slice_is_reported(void **state)
{
	(void)state;
	size_t at[16], n = find_nals(units[3], at, 16);
	assert_in_range(n, 4, 15);
	at[n] = (size_t)units[3]->size;
	for (size_t drop = n - 4; drop < n; drop++) {
		AVPacket *p = av_packet_alloc();
		size_t len = (size_t)units[3]->size - (at[drop + 1] - at[drop]);
		assert_int_equal(av_new_packet(p, (int)len), 0);
		memcpy(p->data, units[3]->data, at[drop]);
		memcpy(p->data + at[drop], units[3]->data + at[drop + 1],
			(size_t)units[3]->size - at[drop + 1]);
		assert_int_equal(decode_with(p, 3), PUNKTFUNK_E_BAD_PACKET);
		av_packet_free(&p);
	}
}

static void a_cut_unit_is_reported(void **state)
{
	(void)state;
	AVPacket *p = av_packet_clone(units[2]);
	assert_int_equal(av_packet_make_writable(p), 0);
	p->size = p->size * 2 / 3;
	memset(p->data + p->size, 0, AV_INPUT_BUFFER_PADDING_SIZE);
	assert_int_equal(decode_with(p, 2), PUNKTFUNK_E_BAD_PACKET);
	av_packet_free(&p);
}

static void junk_gives_no_picture(void **state)
{
	(void)state;
	uint64_t seed = 3;
	struct decode *d = make();
	for (int round = 0; round < 50; round++) {
		AVPacket *p = av_packet_alloc();
		assert_int_equal(av_new_packet(p, 1 + (int)(test_rand(&seed) % 300)), 0);
		for (int i = 0; i < p->size; i++)
			p->data[i] = (uint8_t)(test_rand(&seed) % 5);
		assert_true(decode_unit(d, p, picture) < 0);
		av_packet_free(&p);
	}
	assert_int_equal(decode_counters(d)->decoded, 0);
	/* And it still decodes afterwards. */
	assert_int_equal(decode_unit(d, units[0], picture), 0);
	av_frame_unref(picture);
	decode_destroy(d);
	decode_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_unit_in_gives_one_picture_out),
		cmocka_unit_test(the_size_may_change),
		cmocka_unit_test(flipped_bits_are_reported),
		cmocka_unit_test(a_missing_slice_is_reported),
		cmocka_unit_test(a_cut_unit_is_reported),
		cmocka_unit_test(junk_gives_no_picture),
	};
	return cmocka_run_group_tests(tests, make_units, free_units);
}
