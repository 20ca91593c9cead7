/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <libavcodec/avcodec.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/bytes.h"
#include "core/flow/anchor.h"
#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/base/mailbox.h"
#include "host/capture/capture.h"
#include "host/encode/encoder.h"

#define SECOND_NS 1000000000ull

/* Of the leak sanitizer, where it is linked. */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

/* A decoder that looks at pictures one by one. */
struct viewer {
	AVCodecContext *context;
	AVPacket *packet;
	AVFrame *picture;
};

static void viewer_init(struct viewer *v)
{
	av_log_set_level(AV_LOG_ERROR);
	const AVCodec *codec = avcodec_find_decoder(AV_CODEC_ID_H264);
	assert_non_null(codec);
	v->context = avcodec_alloc_context3(codec);
	v->context->flags |= AV_CODEC_FLAG_LOW_DELAY;
	v->context->thread_count = 1;
	assert_int_equal(avcodec_open2(v->context, codec, NULL), 0);
	v->packet = av_packet_alloc();
	v->picture = av_frame_alloc();
}

static void viewer_finish(struct viewer *v)
{
	av_frame_free(&v->picture);
	av_packet_free(&v->packet);
	avcodec_free_context(&v->context);
}

/* Every unit gives its picture at once, or the stream has a delay in it. */
static const AVFrame *decode(struct viewer *v, const struct unit *u)
{
	assert_int_equal(av_new_packet(v->packet, (int)u->len), 0);
	memcpy(v->packet->data, u->data, u->len);
	assert_int_equal(avcodec_send_packet(v->context, v->packet), 0);
	av_packet_unref(v->packet);
	assert_int_equal(avcodec_receive_frame(v->context, v->picture), 0);
	assert_int_equal(v->picture->width, u->width);
	assert_int_equal(v->picture->height, u->height);
	return v->picture;
}

/* The NAL types in a unit, as bits. */
static uint32_t nal_types(const struct unit *u)
{
	uint32_t types = 0;
	for (size_t i = 0; i + 3 < u->len; i++)
		if (!u->data[i] && !u->data[i + 1] && u->data[i + 2] == 1)
			types |= 1u << (u->data[i + 3] & 31);
	return types;
}

enum {
	SLICE = 1u << 1,
	IDR = 1u << 5,
	SEI = 1u << 6,
	SPS = 1u << 7,
	PPS = 1u << 8,
	AUD = 1u << 9,
};

/* What a client must find in a keyframe's first packet: the parameter sets, and that slices of an IDR follow. */
#define FIRST_PACKET 232u /* of a frame, where packets are as small as a client may have them */

static size_t first_slice_at(const struct unit *u)
{
	for (size_t i = 0; i + 3 < u->len; i++)
		if (!u->data[i] && !u->data[i + 1] && u->data[i + 2] == 1 &&
			((u->data[i + 3] & 31) == 1 || (u->data[i + 3] & 31) == 5))
			return i;
	return u->len;
}

static void check_keyframe(const struct unit *u, bool expected)
{
	uint32_t types = nal_types(u);
	assert_int_equal(u->keyframe, expected);
	assert_int_equal(!!(types & IDR), expected);
	assert_int_equal(!!(types & SLICE), !expected);
	assert_int_equal(!!(types & SPS), expected);
	assert_int_equal(!!(types & PPS), expected);
	assert_false(types & (AUD | SEI));
	assert_in_range(first_slice_at(u), 0, FIRST_PACKET - 5);
}

static struct encoder *make_encoder(uint32_t width, uint32_t height, uint32_t hz, uint32_t kbps)
{
	struct encoder *e;
	struct encoder_params params = {.width = width,
		.height = height,
		.refresh_hz = hz,
		.bitrate_kbps = kbps,
		.codec = PF_CODEC_H264};
	assert_int_equal(encoder_create(&e, NULL, &params), 0);
	assert_string_equal(e->impl->name, "x264");
	assert_true(e->caps.live_bitrate);
	return e;
}

static struct unit *encode(
	struct encoder *e, struct unit_pool *pool, struct frame *f, bool force_keyframe)
{
	struct unit *u = unit_pool_get(pool);
	assert_non_null(u);
	assert_int_equal(encoder_encode(e, f, force_keyframe, u), 0);
	assert_true(u->len > 4);
	assert_int_equal(u->frame_seq, f->seq);
	assert_true(u->convert_start_ns && u->convert_end_ns >= u->convert_start_ns);
	assert_true(u->encode_start_ns >= u->convert_end_ns);
	assert_true(u->encode_end_ns >= u->encode_start_ns);
	assert_int_equal(u->times.captured_ns, f->times.captured_ns);
	return u;
}

static struct frame paint_frame(uint32_t *pixels, uint32_t width, uint32_t height)
{
	struct frame f;
	frame_init(&f);
	f.width = width;
	f.height = height;
	f.stride = (size_t)width * 4;
	f.pixels = (const uint8_t *)pixels;
	f.times.captured_ns = 1;
	return f;
}

struct source {
	struct mailbox mailbox;
	struct capture *capture;
};

static void take_frame(struct frame *f, void *userdata)
{
	struct source *s = userdata;
	frame_unref(mailbox_put(&s->mailbox, frame_ref(f)));
}

/* Fast, so that the test does not wait; which numbers come does not matter. */
static void source_start(struct source *s, uint32_t width, uint32_t height)
{
	mailbox_init(&s->mailbox);
	struct capture_params params = {.width = width,
		.height = height,
		.refresh_mhz = 1000000,
		.on_frame = take_frame,
		.userdata = s};
	assert_int_equal(capture_create(&s->capture, "synthetic", &params), 0);
	assert_int_equal(capture_start(s->capture), 0);
}

static void source_stop(struct source *s)
{
	capture_stop(s->capture);
	frame_unref(mailbox_take(&s->mailbox, 0));
	capture_destroy(s->capture);
}

static void stream_marks(
	uint32_t width, uint32_t height, uint32_t hz, uint32_t kbps, unsigned n, unsigned key_every)
{
	struct source source;
	struct viewer viewer;
	struct unit_pool *pool;
	struct encoder *e = make_encoder(width, height, hz, kbps);
	assert_int_equal(unit_pool_create(&pool, 1), 0);
	source_start(&source, width, height);
	viewer_init(&viewer);
	for (unsigned i = 0; i < n; i++) {
		struct frame *f = mailbox_take(&source.mailbox, 20 * SECOND_NS);
		assert_non_null(f);
		bool force = key_every && i % key_every == key_every - 1;
		struct unit *u = encode(e, pool, f, force);
		check_keyframe(u, force || !i);
		const AVFrame *p = decode(&viewer, u);
		assert_int_equal(p->width, (width + 1) & ~1u);
		assert_int_equal(p->height, (height + 1) & ~1u);
		assert_int_equal(p->color_primaries, e->impl->colour[0]);
		assert_int_equal(p->color_trc, e->impl->colour[1]);
		assert_int_equal(p->colorspace, e->impl->colour[2]);
		assert_int_equal(
			p->color_range, e->impl->colour[3] ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG);
		uint64_t seq, time_ns;
		assert_true(synthetic_read_mark(p->data[0], (size_t)p->linesize[0],
			(uint32_t)p->width, (uint32_t)p->height, &seq, &time_ns));
		assert_int_equal(seq, f->seq);
		unit_unref(u);
		frame_unref(f);
	}
	viewer_finish(&viewer);
	source_stop(&source);
	unit_pool_destroy(pool);
	encoder_destroy(e);
}

static void marks_survive_every_size_and_rate(void **state)
{
	stream_marks(1280, 720, 60, 5000, 60, 25);
	stream_marks(1280, 720, 60, 500, 60, 0); /* the lowest bitrate there is */
	stream_marks(1280, 720, 120, 500, 60, 25);
	stream_marks(1366, 768, 60, 5000, 30, 0);
	stream_marks(1365, 767, 60, 5000, 30, 10); /* odd: padded to even */
	stream_marks(64, 64, 60, 500, 60, 0);
	stream_marks(65, 67, 60, 500, 60, 7);
	stream_marks(320, 240, 30, 500, 60, 0);
	stream_marks(1920, 1080, 60, 3000, 20, 0);
}

static void no_keyframe_comes_unasked(void **state)
{
	stream_marks(320, 240, 60, 1000, 600, 0);
}

/* Random pixels that change completely with every frame: no encoder can predict anything. */
#define NOISE_WIDTH  1280u
#define NOISE_HEIGHT 720u

struct noise {
	struct encoder *e;
	struct unit_pool *pool;
	uint32_t *pixels;
	uint64_t seed;
	unsigned n_frames, n_keyframes;
};

static void noise_init(struct noise *n, uint32_t kbps)
{
	*n = (struct noise){.seed = 42};
	n->e = make_encoder(NOISE_WIDTH, NOISE_HEIGHT, 60, kbps);
	assert_int_equal(unit_pool_create(&n->pool, 1), 0);
	size_t count = (size_t)NOISE_WIDTH * (NOISE_HEIGHT + 256);
	n->pixels = malloc(count * 4);
	assert_non_null(n->pixels);
	for (size_t i = 0; i < count; i++)
		n->pixels[i] = (uint32_t)test_rand(&n->seed);
}

static void noise_finish(struct noise *n)
{
	free(n->pixels);
	unit_pool_destroy(n->pool);
	encoder_destroy(n->e);
}

static size_t noise_frame(struct noise *n, bool force_keyframe)
{
	/* Another window of the field, at an offset that no motion search covers. */
	size_t offset = test_rand(&n->seed) % (NOISE_WIDTH * 256u);
	struct frame f = paint_frame(n->pixels + offset, NOISE_WIDTH, NOISE_HEIGHT);
	f.seq = n->n_frames;
	struct unit *u = encode(n->e, n->pool, &f, force_keyframe);
	n->n_frames++;
	n->n_keyframes += u->keyframe;
	size_t len = u->len;
	unit_unref(u);
	return len;
}

static void the_bitrate_is_kept_on_noise(void **state)
{
	enum { N = 300, KBPS = 5000 };
	struct noise n;
	noise_init(&n, KBPS);
	size_t lens[N];
	for (unsigned i = 0; i < N; i++) {
		lens[i] = noise_frame(&n, i == 150);
		assert_true(lens[i] <= KBPS * 125 / 60 * 3 / 2);
	}
	assert_int_equal(n.n_keyframes, 2);
	size_t second = 0;
	for (unsigned i = 60; i < N; i++) {
		second += lens[i];
		if (i < 120)
			continue;
		second -= lens[i - 60];
		assert_in_range(second, KBPS * 125 * 9 / 10, KBPS * 125 * 11 / 10);
	}
	noise_finish(&n);
}

static void the_bitrate_changes_live(void **state)
{
	static const uint32_t steps[] = {5000, 2500, 12000, 3000};
	struct noise n;
	noise_init(&n, steps[0]);
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		assert_int_equal(encoder_set_bitrate(n.e, steps[s]), 0);
		assert_int_equal(n.e->params.bitrate_kbps, steps[s]);
		size_t sum = 0;
		for (unsigned i = 0; i < 90; i++) {
			size_t len = noise_frame(&n, false);
			if (i >= 6) /* a tenth of a second to settle */
				assert_true(len <= steps[s] * 125 / 60 * 3 / 2);
			if (i >= 30)
				sum += len;
		}
		assert_in_range(sum, steps[s] * 125 * 85 / 100, steps[s] * 125 * 110 / 100);
	}
	assert_int_equal(n.n_keyframes, 1); /* the first */
	noise_finish(&n);
}

/* Two encoders, one told of damage and one not, must make the same bytes of a picture that changes in parts. */
static void damage_changes_nothing_but_the_work(void **state)
{
	enum { W = 320, H = 243, N = 120 };
	static uint32_t pixels[W * (H + 1)];
	struct unit_pool *pool;
	struct encoder *told = make_encoder(W, H, 60, 8000), *whole = make_encoder(W, H, 60, 8000);
	uint64_t seed = 31;
	assert_int_equal(unit_pool_create(&pool, 2), 0);
	struct frame f = paint_frame(pixels, W, H);
	for (unsigned n = 0; n < N; n++) {
		memset(&f.damage, 0, sizeof(f.damage));
		f.damage.known = n > 0;
		for (unsigned bands = (unsigned)(test_rand(&seed) % 4); bands; bands--) {
			uint32_t y = (uint32_t)(test_rand(&seed) % H);
			uint32_t rows = 1 + (uint32_t)(test_rand(&seed) % 9);
			if (rows > H - y)
				rows = H - y;
			for (uint32_t i = y * W; i < (y + rows) * W; i++)
				pixels[i] = (uint32_t)test_rand(&seed);
			frame_damage_add(&f.damage, y, y + rows);
		}
		f.seq += n % 17 == 16 ? 2 : 1; /* now and then a frame is not seen */
		struct frame g = f;
		g.damage.known = false;
		struct unit *a = encode(told, pool, &f, false), *b = encode(whole, pool, &g, false);
		assert_int_equal(a->len, b->len);
		assert_memory_equal(a->data, b->data, a->len);
		unit_unref(a);
		unit_unref(b);
	}
	unit_pool_destroy(pool);
	encoder_destroy(told);
	encoder_destroy(whole);
}

static void check_colour(
	struct encoder *e, struct unit_pool *pool, struct frame *f, int y, int u, int v)
{
	struct viewer viewer;
	viewer_init(&viewer);
	f->seq++;
	struct unit *unit = encode(e, pool, f, true);
	const AVFrame *p = decode(&viewer, unit);
	assert_in_range(p->data[0][5 * p->linesize[0] + 5] + 4, y, y + 8);
	assert_in_range(p->data[1][5 * p->linesize[1] + 5] + 4, u, u + 8);
	assert_in_range(p->data[2][5 * p->linesize[2] + 5] + 4, v, v + 8);
	unit_unref(unit);
	viewer_finish(&viewer);
}

static void colours_are_what_the_caps_say(void **state)
{
	enum { W = 64, H = 64 };
	static uint32_t pixels[W * H];
	struct unit_pool *pool;
	struct encoder *e = make_encoder(W, H, 60, 5000);
	assert_int_equal(unit_pool_create(&pool, 1), 0);
	assert_int_equal(e->impl->colour[2], 6); /* BT.601: the numbers below */
	assert_int_equal(e->impl->colour[3], 0);
	struct frame f = paint_frame(pixels, W, H);
	for (int i = 0; i < W * H; i++)
		pixels[i] = 0x00ff0000u; /* red */
	check_colour(e, pool, &f, 81, 90, 240);
	f.format = FRAME_RGBX; /* the same bytes are blue now */
	check_colour(e, pool, &f, 41, 240, 110);
	f.format = FRAME_BGRX;
	for (int i = 0; i < W * H; i++)
		pixels[i] = i < W * H / 2 ? 0x00ffffffu : 0;
	check_colour(e, pool, &f, 235, 128, 128);
	f.y_invert = true;
	check_colour(e, pool, &f, 16, 128, 128);
	unit_pool_destroy(pool);
	encoder_destroy(e);
}

static void an_odd_picture_is_padded_with_its_edge(void **state)
{
	enum { W = 129, H = 65 };
	static uint32_t pixels[W * H];
	struct unit_pool *pool;
	struct viewer viewer;
	struct encoder *e = make_encoder(W, H, 60, 20000);
	assert_int_equal(e->caps.coded_width, W + 1);
	assert_int_equal(e->caps.coded_height, H + 1);
	assert_int_equal(unit_pool_create(&pool, 1), 0);
	for (int i = 0; i < W * H; i++)
		pixels[i] = 0x00ffffffu;
	struct frame f = paint_frame(pixels, W, H);
	viewer_init(&viewer);
	struct unit *u = encode(e, pool, &f, false);
	const AVFrame *p = decode(&viewer, u);
	for (int y = 0; y < H + 1; y++)
		for (int x = 0; x < W + 1; x++)
			assert_true(p->data[0][y * p->linesize[0] + x] > 225);
	unit_unref(u);
	viewer_finish(&viewer);
	unit_pool_destroy(pool);
	encoder_destroy(e);
}

static void the_stand_in_fills_the_bitrate(void **state)
{
	struct encoder *e;
	struct unit_pool *pool;
	struct encoder_params params = {.width = 1280,
		.height = 720,
		.refresh_hz = 50,
		.bitrate_kbps = 8000,
		.codec = PF_CODEC_HEVC};
	assert_int_equal(encoder_create(&e, "null", &params), 0);
	assert_int_equal(unit_pool_create(&pool, 1), 0);
	static uint32_t pixels[1280 * 720];
	struct frame f = paint_frame(pixels, 1280, 720);
	for (f.seq = 500; f.seq < 510; f.seq++) {
		if (f.seq == 505)
			assert_int_equal(encoder_set_bitrate(e, 16000), 0);
		struct unit *u = encode(e, pool, &f, f.seq == 503);
		assert_int_equal(u->len, f.seq < 505 ? 20000 : 40000);
		assert_int_equal(u->keyframe, f.seq == 500 || f.seq == 503);
		assert_memory_equal(u->data, "PFNULL01", 8);
		assert_int_equal(pf_get_le64(u->data + 8), f.seq);
		assert_int_equal(pf_get_le32(u->data + 24), u->len);
		assert_int_equal(u->data[u->len - 1], f.seq & 0xff);
		assert_int_equal(pf_anchor_au(PF_CODEC_HEVC, u->data, u->len), u->keyframe);
		unit_unref(u);
	}
	unit_pool_destroy(pool);
	encoder_destroy(e);
}

static void bad_parameters_are_refused(void **state)
{
	log_set_level(LOG_ERROR);
	const struct encoder_params good = {.width = 640,
		.height = 480,
		.refresh_hz = 60,
		.bitrate_kbps = 1000,
		.codec = PF_CODEC_H264};
	struct encoder *e;
	struct encoder_params p = good;
	assert_int_equal(encoder_create(&e, "nvenc", &p), PF_E_UNSUPPORTED);
	assert_null(e);
	p.codec = PF_CODEC_AV1;
	assert_int_equal(encoder_create(&e, "x264", &p), PF_E_UNSUPPORTED);
	p.codec = PF_CODEC_H264 | PF_CODEC_HEVC;
	assert_int_equal(encoder_create(&e, NULL, &p), PF_E_INVALID);
	p = good;
	p.width = 0;
	assert_int_equal(encoder_create(&e, NULL, &p), PF_E_INVALID);
	/*
	 * Past the front's checks: the backend takes its half-built self down. x264 itself leaks a copy of its
	 * parameters when it refuses them (build 164).
	 */
	if (__lsan_disable)
		__lsan_disable();
	assert_true(encoder_x264_impl.create(&e, &p) < 0);
	if (__lsan_enable)
		__lsan_enable();
	p.width = UINT32_MAX;
	assert_int_equal(encoder_create(&e, NULL, &p), PF_E_INVALID);
	p = good;
	p.refresh_hz = 0;
	assert_int_equal(encoder_create(&e, NULL, &p), PF_E_INVALID);
	p = good;
	p.threads = 1000;
	assert_int_equal(encoder_create(&e, NULL, &p), PF_E_INVALID);
	encoder_destroy(NULL);
	assert_true(encoder_codecs(NULL) & PF_CODEC_H264);
	assert_false(encoder_costly(NULL) & PF_CODEC_H264);
	assert_int_equal(encoder_codecs("x264"), PF_CODEC_H264);
	assert_true(encoder_codecs("null") & PF_CODEC_HEVC);
	assert_int_equal(encoder_codecs("nvenc"), 0);

	p = good;
	p.bitrate_kbps = 0; /* clamped */
	assert_int_equal(encoder_create(&e, NULL, &p), 0);
	assert_int_equal(e->params.bitrate_kbps, ENCODER_MIN_KBPS);
	struct unit_pool *pool;
	assert_int_equal(unit_pool_create(&pool, 1), 0);
	struct unit *u = unit_pool_get(pool);
	static uint32_t pixels[640 * 480];
	struct frame f = paint_frame(pixels, 320, 480);
	assert_int_equal(encoder_encode(e, &f, false, u), PF_E_INVALID);
	f = paint_frame(pixels, 640, 480);
	f.stride = 640;
	assert_int_equal(encoder_encode(e, &f, false, u), PF_E_INVALID);
	f.stride = (size_t)1 << 40;
	assert_int_equal(encoder_encode(e, &f, false, u), PF_E_INVALID);
	assert_int_equal(u->len, 0);
	unit_unref(u);
	unit_pool_destroy(pool);
	encoder_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(marks_survive_every_size_and_rate),
		cmocka_unit_test(no_keyframe_comes_unasked),
		cmocka_unit_test(the_bitrate_is_kept_on_noise),
		cmocka_unit_test(the_bitrate_changes_live),
		cmocka_unit_test(damage_changes_nothing_but_the_work),
		cmocka_unit_test(colours_are_what_the_caps_say),
		cmocka_unit_test(an_odd_picture_is_padded_with_its_edge),
		cmocka_unit_test(the_stand_in_fills_the_bitrate),
		cmocka_unit_test(bad_parameters_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
