/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <string.h>

#include "client/decode/decode.h"
#include "core/wire/handshake.h"
#include "host/encode/encoder.h"
#include "punktfunk_core.h"

/*
 * Two decoders, the client's own: one sees every unit, the other not the lost ones. After the anchor both must
 * show the same picture to the bit.
 */

#define WIDTH  320u
#define HEIGHT 192u

static unsigned width = WIDTH, height = HEIGHT;

struct stream {
	struct encoder *e;
	struct unit_pool *pool;
	struct frame frame;
	uint32_t *pixels;
	uint64_t seed;
	struct decode *all, *client;
	AVPacket *packet;
	AVFrame *whole, *seen;
};

static void stream_init_sliced(struct stream *s, uint32_t hz, unsigned threads)
{
	*s = (struct stream){.seed = 7};
	struct encoder_params params = {.width = width,
		.height = height,
		.refresh_hz = hz,
		.bitrate_kbps = 3000,
		.codec = PF_CODEC_H264,
		.threads = threads};
	assert_int_equal(encoder_create(&s->e, "x264", &params), 0);
	assert_int_equal(unit_pool_create(&s->pool, 1), 0);
	s->pixels = malloc(width * height * 4);
	assert_non_null(s->pixels);
	frame_init(&s->frame);
	s->frame.width = width;
	s->frame.height = height;
	s->frame.stride = width * 4;
	s->frame.pixels = (const uint8_t *)s->pixels;
	s->frame.times.captured_ns = 1;
	av_log_set_level(AV_LOG_QUIET);
	assert_int_equal(decode_create(&s->all), 0);
	assert_int_equal(decode_create(&s->client), 0);
	s->packet = av_packet_alloc();
	s->whole = av_frame_alloc();
	s->seen = av_frame_alloc();
	assert_true(s->packet && s->whole && s->seen);
}

static void stream_init(struct stream *s, uint32_t hz)
{
	stream_init_sliced(s, hz, 1);
}

static void stream_finish(struct stream *s)
{
	av_frame_free(&s->whole);
	av_frame_free(&s->seen);
	av_packet_free(&s->packet);
	decode_destroy(s->all);
	decode_destroy(s->client);
	encoder_destroy(s->e);
	unit_pool_destroy(s->pool);
	free(s->pixels);
}

/* A pattern that scrolls, with noise that never comes twice: each picture differs from each other one. */
static void paint(struct stream *s)
{
	uint32_t n = (uint32_t)++s->frame.seq;
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++) {
			uint32_t v = ((x + 3 * n) / 8 ^ (y + n) / 8) & 1 ? 200 : 60;
			s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
			v += (uint32_t)(s->seed >> 61);
			s->pixels[y * width + x] = v << 16 | v << 8 | (v + 2 * n) % 256;
		}
}

static int show(struct stream *s, struct decode *d, const struct unit *u, AVFrame *picture)
{
	av_frame_unref(picture);
	assert_int_equal(av_new_packet(s->packet, (int)u->len), 0);
	memcpy(s->packet->data, u->data, u->len);
	int err = decode_unit(d, s->packet, picture);
	av_packet_unref(s->packet);
	return err;
}

static bool same_plane(const AVFrame *a, const AVFrame *b, int plane, unsigned w, unsigned h)
{
	for (unsigned y = 0; y < h; y++)
		if (memcmp(a->data[plane] + (int)y * a->linesize[plane],
			    b->data[plane] + (int)y * b->linesize[plane], w))
			return false;
	return true;
}

static bool same_picture(const AVFrame *a, const AVFrame *b)
{
	return same_plane(a, b, 0, width, height) && same_plane(a, b, 1, width / 2, height / 2) &&
		same_plane(a, b, 2, width / 2, height / 2);
}

enum what { WHOLE, LOST };

/* Makes the next unit and shows it to whom it reaches. The caller gives the unit back. */
static struct unit *step(struct stream *s, enum what what)
{
	struct unit *u = unit_pool_get(s->pool);
	assert_non_null(u);
	paint(s);
	assert_int_equal(encoder_encode(s->e, &s->frame, false, u), 0);
	assert_int_equal(u->number, s->frame.seq - 1);
	assert_int_equal(show(s, s->all, u, s->whole), PUNKTFUNK_OK);
	if (what == WHOLE) {
		assert_int_equal(show(s, s->client, u, s->seen), PUNKTFUNK_OK);
		assert_true(same_picture(s->whole, s->seen));
	}
	return u;
}

static void steps(struct stream *s, unsigned n, enum what what)
{
	while (n--) {
		struct unit *u = step(s, what);
		assert_int_equal(u->keyframe, u->number == 0);
		assert_false(u->anchor);
		unit_unref(u);
	}
}

static void expect_anchor(struct stream *s, enum what what)
{
	struct unit *u = step(s, what);
	assert_true(u->anchor);
	assert_false(u->keyframe);
	unit_unref(u);
}

static void a_loss_is_healed_without_a_keyframe(void **state)
{
	(void)state;
	struct stream s;
	stream_init(&s, 60);
	unsigned depth = s.e->caps.depth;
	assert_int_equal(depth, encoder_depth(60));
	steps(&s, 5, WHOLE);
	/* Of each length that the references outlast, and each time long enough for them to turn over. */
	for (unsigned n = 1; n < depth; n++) {
		uint64_t first = s.frame.seq;
		steps(&s, n, LOST);
		assert_int_equal(encoder_invalidate(s.e, first), 0);
		expect_anchor(&s, WHOLE);
		steps(&s, n % 3 ? 2 * depth : 1, WHOLE);
	}
	stream_finish(&s);
}

static void frames_after_the_lost_one_need_not_be_shown(void **state)
{
	(void)state;
	struct stream s;
	stream_init(&s, 60);
	steps(&s, 20, WHOLE);
	steps(&s, 1, LOST);
	steps(&s, 4, LOST); /* came whole; the client holds them back */
	assert_int_equal(encoder_invalidate(s.e, 20), 0);
	expect_anchor(&s, WHOLE);
	steps(&s, 40, WHOLE);
	stream_finish(&s);
}

static void a_lost_anchor_is_healed_like_any_other(void **state)
{
	(void)state;
	struct stream s;
	stream_init(&s, 60);
	steps(&s, 12, WHOLE);
	steps(&s, 2, LOST);
	assert_int_equal(encoder_invalidate(s.e, 12), 0);
	expect_anchor(&s, LOST);
	steps(&s, 1, LOST);
	/* Only the anchor is named: what was lost before it is still not referred to. */
	assert_int_equal(encoder_invalidate(s.e, 14), 0);
	expect_anchor(&s, WHOLE);
	steps(&s, 30, WHOLE);
	stream_finish(&s);
}

static void what_is_named_twice_counts_once(void **state)
{
	(void)state;
	struct stream s;
	stream_init(&s, 60);
	steps(&s, 12, WHOLE);
	steps(&s, 3, LOST);
	assert_int_equal(encoder_invalidate(s.e, 14), 0);
	assert_int_equal(encoder_invalidate(s.e, 12), 0);
	assert_int_equal(encoder_invalidate(s.e, 13), 0);
	expect_anchor(&s, WHOLE);
	steps(&s, 20, WHOLE);
	stream_finish(&s);
}

static void without_the_call_the_picture_is_broken(void **state)
{
	(void)state;
	struct stream s;
	stream_init(&s, 60);
	steps(&s, 10, WHOLE);
	steps(&s, 1, LOST);
	struct unit *u = step(&s, LOST);
	/* Or the tests above prove nothing. */
	bool clean = show(&s, s.client, u, s.seen) == PUNKTFUNK_OK && same_picture(s.whole, s.seen);
	assert_false(clean);
	unit_unref(u);
	stream_finish(&s);
}

static void slices_are_healed_alike(void **state)
{
	(void)state;
	struct stream s;
	stream_init_sliced(&s, 120, 4);
	steps(&s, 20, WHOLE);
	for (unsigned n = 1; n < 12; n++) {
		uint64_t first = s.frame.seq;
		steps(&s, n, LOST);
		assert_int_equal(encoder_invalidate(s.e, first), 0);
		expect_anchor(&s, WHOLE);
		steps(&s, 17, WHOLE);
	}
	stream_finish(&s);
}

/* frame_num of the stream: 4 bits of x264's and 8 of ours. */
#define TURN 4096u

static void a_loss_across_the_turn_takes_a_keyframe(void **state)
{
	(void)state;
	struct stream s;
	width = height = 64;
	stream_init(&s, 60);
	steps(&s, TURN - 6, WHOLE);
	uint64_t first = s.frame.seq;
	steps(&s, 2, LOST);
	assert_int_equal(encoder_invalidate(s.e, first), 0); /* just before */
	expect_anchor(&s, WHOLE);
	first = s.frame.seq;
	steps(&s, 4, LOST);
	assert_int_equal(encoder_invalidate(s.e, first), PF_E_UNSUPPORTED);
	steps(&s, 1, LOST);
	first = s.frame.seq;
	struct unit *u = unit_pool_get(s.pool);
	paint(&s);
	assert_int_equal(encoder_encode(s.e, &s.frame, true, u), 0);
	assert_int_equal(show(&s, s.all, u, s.whole), PUNKTFUNK_OK);
	assert_int_equal(show(&s, s.client, u, s.seen), PUNKTFUNK_OK);
	assert_true(same_picture(s.whole, s.seen));
	unit_unref(u);
	steps(&s, 20, WHOLE);
	stream_finish(&s);
	width = WIDTH, height = HEIGHT;
}

static void too_old_a_loss_is_refused(void **state)
{
	(void)state;
	struct stream s;
	stream_init(&s, 60);
	unsigned depth = s.e->caps.depth;
	steps(&s, 3 * depth, WHOLE);
	steps(&s, depth, LOST);
	uint64_t next = s.frame.seq;
	assert_int_equal(encoder_invalidate(s.e, next - depth), PF_E_UNSUPPORTED);
	assert_int_equal(encoder_invalidate(s.e, 0), PF_E_UNSUPPORTED);
	assert_int_equal(encoder_invalidate(s.e, next), 0); /* not made yet: nothing to do */
	assert_int_equal(encoder_invalidate(s.e, UINT64_MAX), 0);
	struct unit *u = step(&s, LOST);
	assert_false(u->anchor || u->keyframe);
	unit_unref(u);
	stream_finish(&s);
}

static void nothing_before_a_keyframe_is_referred_to(void **state)
{
	(void)state;
	struct stream s;
	stream_init(&s, 60);
	steps(&s, 2, WHOLE);
	assert_int_equal(encoder_invalidate(s.e, 0), PF_E_UNSUPPORTED);
	struct unit *u = unit_pool_get(s.pool);
	assert_int_equal(encoder_invalidate(s.e, 1), 0);
	paint(&s);
	assert_int_equal(encoder_encode(s.e, &s.frame, true, u), 0);
	assert_true(u->keyframe && !u->anchor);
	assert_int_equal(encoder_invalidate(s.e, u->number), PF_E_UNSUPPORTED);
	unit_unref(u);
	stream_finish(&s);
}

static void the_depth_fits_rate_and_level(void **state)
{
	(void)state;
	static const struct {
		uint32_t width, height, hz;
		unsigned depth;
	} rows[] = {{1280, 720, 30, 6}, {1280, 720, 60, 10}, {1280, 720, 120, 16},
		{1920, 1080, 60, 10}, {1920, 1080, 240, 16}, {2560, 1440, 120, 12},
		{3840, 2160, 60, 5}, {5120, 2880, 60, 10}, {16, 16, 1, 2}};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct encoder *e;
		struct encoder_params params = {.width = rows[i].width,
			.height = rows[i].height,
			.refresh_hz = rows[i].hz,
			.bitrate_kbps = 10000,
			.codec = PF_CODEC_H264};
		assert_int_equal(encoder_create(&e, "x264", &params), 0);
		assert_int_equal(e->caps.depth, rows[i].depth);
		encoder_destroy(e);
	}
}

static void the_stand_in_answers_too(void **state)
{
	(void)state;
	struct encoder *e;
	struct unit_pool *pool;
	struct encoder_params params = {.width = 64,
		.height = 64,
		.refresh_hz = 60,
		.bitrate_kbps = 1000,
		.codec = PF_CODEC_H264};
	uint32_t pixels[64 * 64] = {0};
	struct frame f;
	frame_init(&f);
	f.width = f.height = 64;
	f.stride = 256;
	f.pixels = (const uint8_t *)pixels;
	assert_int_equal(encoder_create(&e, "null", &params), 0);
	assert_int_equal(unit_pool_create(&pool, 1), 0);
	for (unsigned i = 0; i < 40; i++) {
		struct unit *u = unit_pool_get(pool);
		if (i == 20)
			assert_int_equal(encoder_invalidate(e, 17), 0);
		if (i == 30)
			assert_int_equal(encoder_invalidate(e, 16), PF_E_UNSUPPORTED);
		assert_int_equal(encoder_encode(e, &f, false, u), 0);
		assert_int_equal(u->anchor, i == 20);
		assert_int_equal(u->keyframe, i == 0);
		unit_unref(u);
	}
	unit_pool_destroy(pool);
	encoder_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_is_healed_without_a_keyframe),
		cmocka_unit_test(frames_after_the_lost_one_need_not_be_shown),
		cmocka_unit_test(a_lost_anchor_is_healed_like_any_other),
		cmocka_unit_test(what_is_named_twice_counts_once),
		cmocka_unit_test(without_the_call_the_picture_is_broken),
		cmocka_unit_test(slices_are_healed_alike),
		cmocka_unit_test(a_loss_across_the_turn_takes_a_keyframe),
		cmocka_unit_test(too_old_a_loss_is_refused),
		cmocka_unit_test(nothing_before_a_keyframe_is_referred_to),
		cmocka_unit_test(the_depth_fits_rate_and_level),
		cmocka_unit_test(the_stand_in_answers_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
