/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>

#include "client/file.h"
#include "client/png.h"
#include "punktfunk_core.h"

static char folder[64], path[128];

static int make_folder(void **state)
{
	(void)state;
	av_log_set_level(AV_LOG_QUIET);
	if (test_folder(folder, sizeof(folder), "pf-png") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/a.png", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

/* Four fields of one colour each, odd-sized at the right to catch stride mistakes. */
static AVFrame *make_picture(int width, int height, enum AVColorRange range)
{
	AVFrame *f = av_frame_alloc();
	f->format = AV_PIX_FMT_YUV420P;
	f->width = width;
	f->height = height;
	f->color_range = range;
	f->colorspace = AVCOL_SPC_BT709;
	assert_int_equal(av_frame_get_buffer(f, 0), 0);
	/* black, white, and BT.709's red and blue, limited range */
	static const uint8_t yuv[4][3] = {
		{16, 128, 128}, {235, 128, 128}, {63, 102, 240}, {32, 240, 118}};
	for (int p = 0; p < 3; p++) {
		int w = p ? width / 2 : width, h = p ? height / 2 : height;
		for (int y = 0; y < h; y++)
			for (int x = 0; x < w; x++)
				f->data[p][y * f->linesize[p] + x] =
					yuv[(y >= h / 2) * 2 + (x >= w / 2)][p];
	}
	return f;
}

static AVFrame *read_png(void)
{
	char *data;
	size_t len;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(file_read(fd, 16u << 20, &data, &len), 0);
	close(fd);
	AVPacket *p = av_packet_alloc();
	assert_int_equal(av_new_packet(p, (int)len), 0);
	memcpy(p->data, data, len);
	free(data);
	AVCodecContext *c = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_PNG));
	AVFrame *f = av_frame_alloc();
	assert_int_equal(avcodec_open2(c, c->codec, NULL), 0);
	assert_int_equal(avcodec_send_packet(c, p), 0);
	/* With frame threads libavcodec gives the picture one call later. */
	if (avcodec_receive_frame(c, f) != 0) {
		assert_int_equal(avcodec_send_packet(c, NULL), 0);
		assert_int_equal(avcodec_receive_frame(c, f), 0);
	}
	avcodec_free_context(&c);
	av_packet_free(&p);
	return f;
}

static void near(const AVFrame *f, int x, int y, int r, int g, int b)
{
	const uint8_t *p = f->data[0] + y * f->linesize[0] + 3 * x;
	assert_in_range(p[0] - r + 3, 0, 6);
	assert_in_range(p[1] - g + 3, 0, 6);
	assert_in_range(p[2] - b + 3, 0, 6);
}

static void colours_survive_the_round_trip(void **state)
{
	(void)state;
	AVFrame *f = make_picture(134, 70, AVCOL_RANGE_MPEG);
	assert_int_equal(png_write(path, f), 0);
	AVFrame *back = read_png();
	assert_int_equal(back->width, 134);
	assert_int_equal(back->height, 70);
	assert_int_equal(back->format, AV_PIX_FMT_RGB24);
	near(back, 10, 10, 0, 0, 0);
	near(back, 133, 0, 255, 255, 255);
	near(back, 0, 69, 255, 0, 0);
	near(back, 133, 69, 0, 0, 255);
	av_frame_free(&back);
	av_frame_free(&f);
}

static void full_range_is_not_stretched(void **state)
{
	(void)state;
	AVFrame *f = make_picture(64, 64, AVCOL_RANGE_JPEG);
	assert_int_equal(png_write(path, f), 0);
	AVFrame *back = read_png();
	near(back, 10, 10, 16, 16, 16);
	near(back, 60, 10, 235, 235, 235);
	av_frame_free(&back);
	av_frame_free(&f);
}

static void what_cannot_be_written_leaves_nothing(void **state)
{
	(void)state;
	AVFrame *f = make_picture(64, 64, AVCOL_RANGE_MPEG);
	errno = 0;
	assert_int_equal(png_write("/nowhere/at/all/a.png", f), PUNKTFUNK_E_IO);
	assert_int_equal(errno, ENOENT);
	f->format = AV_PIX_FMT_NONE;
	assert_true(png_write(path, f) < 0);
	assert_int_equal(access(path, F_OK), -1);
	f->format = AV_PIX_FMT_YUV420P;
	av_frame_free(&f);
}

#define PNG_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PNG_TEST(colours_survive_the_round_trip),
		PNG_TEST(full_range_is_not_stretched),
		PNG_TEST(what_cannot_be_written_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
