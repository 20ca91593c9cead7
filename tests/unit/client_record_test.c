/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "client/record.h"
#include "punktfunk_core.h"
#include "tests/client/h264_source.h"

#define N_FIRST	 90
#define N_SECOND 30
#define N_ALL	 (N_FIRST + N_SECOND)
#define FRAME_NS 16666667u

static char folder[64], path[128];
static uint64_t pts[N_ALL]; /* as written */

static int make_folder(void **state)
{
	(void)state;
	av_log_set_level(AV_LOG_QUIET);
	if (test_folder(folder, sizeof(folder), "pf-rec") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/a.mp4", folder);
	for (int i = 0; i < N_ALL; i++)
		pts[i] = 1700000000000000000u + (uint64_t)i * FRAME_NS + (i % 3) * 2000000u;
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int write_unit(struct record *r, struct h264_source *s, uint64_t pts_ns, bool keyframe)
{
	const uint8_t *data;
	size_t len = h264_source_next(s, keyframe, &data);
	AVPacket *p = av_packet_alloc();
	assert_int_equal(av_new_packet(p, (int)len), 0);
	memcpy(p->data, data, len);
	int err = record_write(r, p, pts_ns, keyframe);
	av_packet_free(&p);
	return err;
}

static struct record *record_both_sizes(void)
{
	struct record *r;
	assert_int_equal(record_create(&r, path), 0);
	struct h264_source *s = h264_source_create(320, 180, 2);
	for (int i = 0; i < N_ALL; i++) {
		if (i == N_FIRST) {
			h264_source_destroy(s);
			s = h264_source_create(640, 360, 2);
		}
		h264_source_luma(s)[i * 7] = (uint8_t)(i * 5);
		assert_int_equal(write_unit(r, s, pts[i], i == 0 || i == N_FIRST), 0);
	}
	h264_source_destroy(s);
	return r;
}

/* Reads and decodes the file; checks sizes and times; returns the number of packets. */
static int read_back(const uint64_t *want_pts)
{
	AVFormatContext *in = NULL;
	assert_int_equal(avformat_open_input(&in, path, NULL, NULL), 0);
	assert_int_equal(avformat_find_stream_info(in, NULL) < 0, 0);
	assert_int_equal(in->nb_streams, 1);
	AVStream *st = in->streams[0];
	assert_int_equal(st->codecpar->codec_tag, MKTAG('a', 'v', 'c', '3'));
	assert_int_equal(st->codecpar->width, 320);
	AVCodecContext *c = avcodec_alloc_context3(avcodec_find_decoder(AV_CODEC_ID_H264));
	avcodec_parameters_to_context(c, st->codecpar);
	c->flags |= AV_CODEC_FLAG_LOW_DELAY;
	c->thread_count = 1;
	assert_int_equal(avcodec_open2(c, c->codec, NULL), 0);
	AVPacket *p = av_packet_alloc();
	AVFrame *f = av_frame_alloc();
	int n = 0;
	for (; av_read_frame(in, p) >= 0; n++) {
		int64_t ns = av_rescale_q(p->pts, st->time_base, (AVRational){1, 1000000000});
		if (want_pts)
			assert_in_range(
				ns - (int64_t)(want_pts[n] - want_pts[0]) + 12000, 0, 24000);
		assert_int_equal(p->flags & AV_PKT_FLAG_KEY, n == 0 || n == N_FIRST);
		assert_true(p->duration > 0);
		assert_int_equal(avcodec_send_packet(c, p), 0);
		assert_int_equal(avcodec_receive_frame(c, f), 0);
		assert_int_equal(f->width, n < N_FIRST ? 320 : 640);
		av_packet_unref(p);
	}
	av_frame_free(&f);
	av_packet_free(&p);
	avcodec_free_context(&c);
	avformat_close_input(&in);
	return n;
}

/* The offset of a box's name in the first bytes of the file, or -1. */
static long find_box(const char *name)
{
	static char head[1 << 20];
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	size_t len = fread(head, 1, sizeof(head), f);
	fclose(f);
	char *at = memmem(head, len, name, 4);
	return at ? at - head : -1;
}

static void both_sizes_are_in_one_file(void **state)
{
	(void)state;
	struct record *r = record_both_sizes();
	assert_int_equal(record_finish(r), 0);
	record_destroy(r);
	assert_int_equal(read_back(pts), N_ALL);
	/* An ordinary file, its index in front. */
	assert_int_equal(find_box("moof"), -1);
	assert_in_range(find_box("moov"), 1, find_box("mdat"));
	char part[160];
	snprintf(part, sizeof(part), "%s.part", path);
	assert_int_equal(access(part, F_OK), -1);
}

static void a_killed_client_leaves_a_file_that_plays(void **state)
{
	(void)state;
	struct record *r = record_both_sizes();
	/* No finish: of 2 s the first whole second is there at least. */
	record_destroy(r);
	assert_in_range(read_back(pts), 60, N_ALL);
	assert_true(find_box("moof") > 0);
}

static void bad_times_are_mended(void **state)
{
	(void)state;
	pts[1] = pts[0];
	pts[2] = 5;
	pts[3] = UINT64_MAX;
	pts[4] = 0;
	pts[5] = pts[6] - 1;
	struct record *r = record_both_sizes();
	assert_int_equal(record_finish(r), 0);
	record_destroy(r);
	assert_int_equal(read_back(NULL), N_ALL);
}

static void nothing_recorded_leaves_no_file(void **state)
{
	(void)state;
	struct record *r;
	assert_int_equal(record_create(&r, path), 0);
	struct h264_source *s = h264_source_create(320, 180, 1);
	/* Not called a keyframe, so nothing can start with it. */
	assert_int_equal(write_unit(r, s, 1, false), 0);
	/* Called one, but without parameter sets. */
	AVPacket *p = av_packet_alloc();
	assert_int_equal(av_new_packet(p, 64), 0);
	memset(p->data, 0, 64);
	assert_int_equal(record_write(r, p, 2, true), 0);
	memcpy(p->data, "\0\0\1\x67\0\0\1\x68\xff", 9);
	assert_int_equal(record_write(r, p, 3, true), 0);
	av_packet_free(&p);
	assert_int_equal(record_finish(r), PUNKTFUNK_E_NO_FRAME);
	record_destroy(r);
	assert_int_equal(access(path, F_OK), -1);
	h264_source_destroy(s);
}

static void a_full_disk_and_a_missing_folder_are_errors(void **state)
{
	(void)state;
	struct record *r;
	errno = 0;
	assert_int_equal(record_create(&r, "/nowhere/at/all/a.mp4"), PUNKTFUNK_E_IO);
	assert_int_equal(errno, ENOENT);
	record_destroy(NULL);
	if (access("/dev/full", W_OK) != 0)
		return;
	assert_int_equal(record_create(&r, "/dev/full"), 0);
	struct h264_source *s = h264_source_create(320, 180, 1);
	int err = 0;
	for (int i = 0; i < N_ALL && !err; i++)
		err = write_unit(r, s, pts[i], i == 0);
	assert_int_equal(err, PUNKTFUNK_E_IO);
	assert_int_equal(errno, ENOSPC);
	record_destroy(r);
	h264_source_destroy(s);
}

#define RECORD_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		RECORD_TEST(both_sizes_are_in_one_file),
		RECORD_TEST(a_killed_client_leaves_a_file_that_plays),
		RECORD_TEST(bad_times_are_mended),
		RECORD_TEST(nothing_recorded_leaves_no_file),
		RECORD_TEST(a_full_disk_and_a_missing_folder_are_errors),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
