/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include <libavutil/frame.h>

#include "client/change.h"
#include "punktfunk_core.h"

#define WIDTH  650 /* not a multiple of the block */
#define HEIGHT 365

static AVFrame *make(int width, int height, int format)
{
	AVFrame *f = av_frame_alloc();
	f->width = width;
	f->height = height;
	f->format = format;
	assert_int_equal(av_frame_get_buffer(f, 0), 0);
	for (int y = 0; y < height; y++)
		memset(f->data[0] + y * f->linesize[0], 60, (size_t)width);
	return f;
}

static void box(AVFrame *f, int x, int y, int w, int h, int luma)
{
	for (int row = y; row < y + h && row < f->height; row++)
		for (int column = x; column < x + w && column < f->width; column++)
			f->data[0][row * f->linesize[0] + column] = (uint8_t)luma;
}

static void noise(AVFrame *f, uint64_t *seed)
{
	for (int y = 0; y < f->height; y++)
		for (int x = 0; x < f->width; x++)
			f->data[0][y * f->linesize[0] + x] = (uint8_t)(52 + test_rand(seed) % 17);
}

static void codec_noise_is_no_change(void **state)
{
	(void)state;
	uint64_t seed = 21;
	struct change *c = change_create();
	AVFrame *f = make(WIDTH, HEIGHT, AV_PIX_FMT_YUV420P);
	noise(f, &seed);
	change_learn(c, f);
	for (int i = 0; i < 20; i++) {
		noise(f, &seed);
		assert_int_equal(change_judge(c, f), 0);
	}
	/* A word on it is one. */
	for (int i = 0; i < 5; i++)
		box(f, 100 + i * 10, 40, 3, 14, 220);
	assert_true(change_judge(c, f) >= CHANGE_BLOCKS_MIN);
	av_frame_free(&f);
	change_destroy(c);
}

static void the_pointer_is_not_seen(void **state)
{
	(void)state;
	struct change *c = change_create();
	AVFrame *f = make(WIDTH, HEIGHT, AV_PIX_FMT_YUV420P);
	change_hide(c, 5, 5); /* before anything is learned: nothing happens */
	change_learn(c, f);
	/* Also where the picture ends, and far outside. */
	static const int at[][2] = {{300, 200}, {640, 360}, {0, 0}};
	for (size_t i = 0; i < 3; i++) {
		box(f, at[i][0], at[i][1], 32, 32, 255);
		change_hide(c, at[i][0], at[i][1]);
	}
	change_hide(c, INT32_MIN, INT32_MAX);
	change_hide(c, INT32_MAX, INT32_MIN);
	assert_int_equal(change_judge(c, f), 0);
	box(f, 100, 250, 32, 32, 255);
	assert_true(change_judge(c, f) >= CHANGE_BLOCKS_MIN);
	av_frame_free(&f);
	change_destroy(c);
}

static void what_moved_before_does_not_count(void **state)
{
	(void)state;
	struct change *c = change_create();
	AVFrame *f = make(WIDTH, HEIGHT, AV_PIX_FMT_YUV420P);
	change_learn(c, f);
	box(f, 80, 80, 64, 64, 200); /* a cursor blinks, a window moves */
	change_learn(c, f);
	box(f, 80, 80, 64, 64, 60);
	assert_int_equal(change_judge(c, f), 0);
	box(f, 80, 80, 64, 64, 200);
	assert_int_equal(change_judge(c, f), 0);
	av_frame_free(&f);
	change_destroy(c);
}

static void other_pictures_cannot_be_judged(void **state)
{
	(void)state;
	struct change *c = change_create();
	AVFrame *f = make(WIDTH, HEIGHT, AV_PIX_FMT_YUV420P);
	AVFrame *large = make(WIDTH * 2, HEIGHT, AV_PIX_FMT_YUV420P);
	AVFrame *deep = make(WIDTH, HEIGHT, AV_PIX_FMT_YUV420P10LE);
	AVFrame *rgb = make(WIDTH, HEIGHT, AV_PIX_FMT_GBRP);
	AVFrame *tiny = make(4, 4, AV_PIX_FMT_YUV420P);
	assert_int_equal(change_judge(c, f), PUNKTFUNK_E_INVALID);
	change_learn(c, deep);
	change_learn(c, rgb);
	change_learn(c, tiny);
	assert_int_equal(change_judge(c, f), PUNKTFUNK_E_INVALID);
	change_learn(c, f);
	assert_int_equal(change_judge(c, f), 0);
	assert_int_equal(change_judge(c, large), PUNKTFUNK_E_INVALID);
	assert_int_equal(change_judge(c, deep), PUNKTFUNK_E_INVALID);
	assert_int_equal(change_judge(c, rgb), PUNKTFUNK_E_INVALID);
	/* Another size starts anew. */
	change_learn(c, large);
	assert_int_equal(change_judge(c, large), 0);
	assert_int_equal(change_judge(c, f), PUNKTFUNK_E_INVALID);
	av_frame_free(&f);
	av_frame_free(&large);
	av_frame_free(&deep);
	av_frame_free(&rgb);
	av_frame_free(&tiny);
	change_destroy(c);
	change_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codec_noise_is_no_change),
		cmocka_unit_test(the_pointer_is_not_seen),
		cmocka_unit_test(what_moved_before_does_not_count),
		cmocka_unit_test(other_pictures_cannot_be_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
