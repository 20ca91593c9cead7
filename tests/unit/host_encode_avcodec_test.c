/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <libavcodec/avcodec.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "core/flow/anchor.h"
#include "core/wire/handshake.h"
#include "host/base/log.h"
#include "host/encode/encoder.h"
#include "host/encode/planes.h"
#include "tests/x265_leaks.h"

enum { W = 321, H = 179, CW = W + 1, CH = H + 1, HZ = 60, KBPS = 4000, PICTURES = 60 };

struct stream {
	struct encoder *e;
	struct unit_pool *pool;
	AVCodecContext *decoder;
	AVPacket *packet;
	AVFrame *picture;
	struct planes source;
	uint8_t luma[CW * CH], u[CW * CH / 4], v[CW * CH / 4];
	uint32_t pixels[W * H];
};

static bool missing(uint8_t codec, const char *name)
{
	if (encoder_codecs("avcodec") & codec)
		return false;
	print_message("# the libavcodec of this system has no %s: nothing is tried\n", name);
	return true;
}

static void stream_init(
	struct stream *s, uint8_t codec, unsigned threads, uint8_t matrix, bool full_range)
{
	memset(s, 0, sizeof(*s));
	av_log_set_level(AV_LOG_ERROR);
	const struct encoder_params params = {.width = W,
		.height = H,
		.refresh_hz = HZ,
		.bitrate_kbps = KBPS,
		.threads = threads,
		.matrix = matrix,
		.full_range = full_range,
		.codec = codec};
	assert_int_equal(encoder_create(&s->e, "auto", &params), PF_OK);
	assert_string_equal(s->e->impl->name, "avcodec");
	assert_int_equal(s->e->caps.depth, 0);
	assert_int_equal(s->e->caps.coded_width, CW);
	assert_int_equal(s->e->caps.coded_height, CH);
	assert_int_equal(unit_pool_create(&s->pool, 1), 0);
	const AVCodec *d = avcodec_find_decoder(
		codec == PF_CODEC_HEVC ? AV_CODEC_ID_HEVC : AV_CODEC_ID_AV1);
	assert_non_null(d);
	s->decoder = avcodec_alloc_context3(d);
	s->decoder->flags |= AV_CODEC_FLAG_LOW_DELAY;
	s->decoder->thread_count = 1;
	assert_int_equal(avcodec_open2(s->decoder, d, NULL), 0);
	s->packet = av_packet_alloc();
	s->picture = av_frame_alloc();
	assert_int_equal(planes_init(&s->source, matrix, full_range), PF_OK);
	s->source.plane[0] = s->luma;
	s->source.plane[1] = s->u;
	s->source.plane[2] = s->v;
	s->source.stride[0] = CW;
	s->source.stride[1] = s->source.stride[2] = CW / 2;
}

static void stream_finish(struct stream *s)
{
	av_frame_free(&s->picture);
	av_packet_free(&s->packet);
	avcodec_free_context(&s->decoder);
	unit_pool_destroy(s->pool);
	encoder_destroy(s->e);
}

static struct frame paint(struct stream *s, unsigned n)
{
	struct frame f;
	for (uint32_t y = 0; y < H; y++)
		for (uint32_t x = 0; x < W; x++) {
			uint32_t r = ((x + 3 * n) >> 3) * 23 & 255, g = ((y + n) * 2) & 255,
				 b = ((x + y + 2 * n) >> 5) * 70 & 255;
			s->pixels[y * W + x] = r << 16 | g << 8 | b;
		}
	frame_init(&f);
	f.width = W;
	f.height = H;
	f.stride = (size_t)W * 4;
	f.pixels = (const uint8_t *)s->pixels;
	f.seq = n;
	f.times.captured_ns = n + 1;
	return f;
}

static double psnr(const struct stream *s)
{
	const AVFrame *p = s->picture;
	double sum = 0;
	for (int y = 0; y < CH; y++)
		for (int x = 0; x < CW; x++) {
			int d = s->luma[y * CW + x] - p->data[0][y * p->linesize[0] + x];
			sum += d * d;
		}
	return 10 * log10(255.0 * 255.0 * CW * CH / (sum + 1));
}

/* What a decoder must be given before a picture, in the unit and in this order. */
static void check_hevc(const struct unit *u)
{
	uint64_t types = 0;
	for (size_t i = 0; i + 3 < u->len; i++)
		if (!u->data[i] && !u->data[i + 1] && u->data[i + 2] == 1) {
			unsigned type = u->data[i + 3] >> 1 & 63;
			if (!types) /* what a client takes a keyframe for, by its first bytes */
				assert_int_equal(i <= 1 && type == 32, u->keyframe);
			if (type < 32 && !(types & UINT32_MAX)) /* in the smallest first packet */
				assert_in_range(i, 0, 232 - 5);
			assert_true(u->keyframe || (type != 32 && type != 33 && type != 34));
			if (type == 19 || type == 20) /* IDR behind VPS, SPS, PPS */
				assert_int_equal(types >> 32 & 7, 7);
			types |= UINT64_C(1) << type;
		}
	assert_int_equal(pf_anchor_au(PF_CODEC_HEVC, u->data, u->len), u->keyframe);
	assert_int_equal(!!(types & (UINT64_C(3) << 19)), u->keyframe);
	assert_int_equal(!!(types & 3), !u->keyframe); /* TRAIL_N, TRAIL_R */
	assert_false(types >> 35 & 1);		       /* AUD */
}

/* The types of the OBUs of a temporal unit, which all have sizes (AV1 5.3). */
static unsigned obus(const struct unit *u, unsigned *types, unsigned most)
{
	unsigned n = 0;
	for (size_t at = 0; at < u->len && n < most; n++) {
		uint8_t head = u->data[at++];
		size_t len = 0;
		assert_int_equal(head & 0x82, 2);
		at += head >> 2 & 1;
		for (unsigned shift = 0; shift < 35; shift += 7) {
			assert_true(at < u->len);
			len |= (size_t)(u->data[at] & 127) << shift;
			if (!(u->data[at++] & 128))
				break;
		}
		types[n] = head >> 3 & 15;
		/* show_existing_frame 0, and show_frame 1 behind the type of the frame */
		if (types[n] == 6)
			assert_int_equal(u->data[at] & 0x90, 0x10);
		if (types[n] == 6)
			assert_int_equal((u->data[at] >> 5 & 3) == 0, u->keyframe);
		at += len;
		assert_true(at <= u->len);
	}
	return n;
}

static void check_av1(const struct unit *u)
{
	unsigned types[8], n = obus(u, types, 8);
	assert_int_equal(types[0], 2); /* temporal delimiter */
	assert_int_equal(n, u->keyframe ? 3 : 2);
	if (u->keyframe)
		assert_int_equal(types[1], 1); /* sequence header */
	assert_int_equal(types[n - 1], 6);     /* one frame, shown */
}

static void decode(struct stream *s, const struct unit *u)
{
	assert_int_equal(av_new_packet(s->packet, (int)u->len), 0);
	memcpy(s->packet->data, u->data, u->len);
	assert_int_equal(avcodec_send_packet(s->decoder, s->packet), 0);
	av_packet_unref(s->packet);
	assert_int_equal(avcodec_receive_frame(s->decoder, s->picture), 0);
	const AVFrame *p = s->picture;
	assert_int_equal(p->width, CW);
	assert_int_equal(p->height, CH);
	assert_int_equal(p->color_primaries, s->e->impl->colour[0]);
	assert_int_equal(p->color_trc, s->e->impl->colour[1]);
	assert_int_equal(p->colorspace, s->source.colour[2]);
	assert_int_equal(p->color_range, s->source.colour[3] ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG);
}

static size_t step(struct stream *s, unsigned n, bool force)
{
	struct frame f = paint(s, n);
	struct unit *u = unit_pool_get(s->pool);
	assert_int_equal(encoder_encode(s->e, &f, force, u), PF_OK);
	assert_int_equal(u->keyframe, force || !n);
	assert_int_equal(u->frame_seq, n);
	assert_int_equal(u->width, CW);
	assert_true(u->encode_end_ns >= u->encode_start_ns &&
		u->encode_start_ns >= u->convert_start_ns && u->convert_start_ns);
	if (s->e->params.codec == PF_CODEC_HEVC)
		check_hevc(u);
	else
		check_av1(u);
	decode(s, u);
	assert_int_equal(planes_fill(&s->source, &f), PF_OK);
	size_t len = u->len;
	unit_unref(u);
	return len;
}

/* One in, one out, the picture that went in, keyframes when asked and never else. */
static void stream_pictures(uint8_t codec, unsigned threads, uint8_t matrix, bool full_range)
{
	static struct stream s;
	double worst = 100;
	size_t sum = 0;
	stream_init(&s, codec, threads, matrix, full_range);
	for (unsigned n = 0; n < PICTURES; n++) {
		sum += step(&s, n, n == 20 || n == 21 || n == 45);
		double now = psnr(&s);
		worst = now < worst ? now : worst;
	}
	print_message("# %s with %u threads: %.1f dB at worst, %zu kbit/s\n",
		codec == PF_CODEC_HEVC ? "HEVC" : "AV1", threads, worst,
		sum * 8 * HZ / PICTURES / 1000);
	assert_true(worst > 27);
	assert_true(sum * 8 * HZ / PICTURES / 1000 < KBPS * 3 / 2);
	/* What caps say: a loss needs a keyframe, and another bitrate another encoder. */
	assert_false(s.e->caps.live_bitrate);
	assert_int_equal(encoder_invalidate(s.e, PICTURES - 1), PF_E_UNSUPPORTED);
	assert_int_equal(encoder_set_bitrate(s.e, KBPS / 2), PF_E_UNSUPPORTED);
	assert_int_equal(s.e->params.bitrate_kbps, KBPS);
	stream_finish(&s);
}

static void hevc_is_one_in_one_out(void **state)
{
	if (missing(PF_CODEC_HEVC, "libx265"))
		return;
	stream_pictures(PF_CODEC_HEVC, 1, 0, false);
	stream_pictures(PF_CODEC_HEVC, 2, CSC_BT709, true);
}

static void av1_is_one_in_one_out(void **state)
{
	if (missing(PF_CODEC_AV1, "libaom"))
		return;
	stream_pictures(PF_CODEC_AV1, 1, 0, false);
	stream_pictures(PF_CODEC_AV1, 2, CSC_BT709, false);
}

static void what_it_cannot_make_is_refused(void **state)
{
	struct encoder *e;
	struct encoder_params p = {.width = W,
		.height = H,
		.refresh_hz = HZ,
		.bitrate_kbps = KBPS,
		.codec = PF_CODEC_H264};
	log_set_level(LOG_ERROR);
	assert_int_equal(encoder_create(&e, "avcodec", &p), PF_E_UNSUPPORTED);
	assert_null(e);
	assert_true(encoder_avcodec_impl.create(&e, &p) < 0);
	for (uint8_t codec = PF_CODEC_HEVC; codec <= PF_CODEC_AV1; codec <<= 1) {
		if (!(encoder_codecs("avcodec") & codec))
			continue;
		assert_true(encoder_costly(NULL) & codec);
		assert_false(encoder_costly("null") & codec);
		/* Past the front's checks: the backend takes its half-built self down. */
		p.codec = codec;
		p.width = 0;
		assert_true(encoder_avcodec_impl.create(&e, &p) < 0);
		p.width = W;
	}
}

static void every_size_and_rate_opens(void **state)
{
	static const struct {
		uint32_t width, height, hz, kbps;
	} rows[] = {{16, 16, 60, 500}, {17, 33, 1000, 500}, {65, 67, 30, 800000},
		{W, H, 1000, ENCODER_MAX_KBPS}, {1920, 1080, 60, 500}};
	static uint32_t pixels[1920 * 1080];
	struct unit_pool *pool;
	assert_int_equal(unit_pool_create(&pool, 1), 0);
	for (uint8_t codec = PF_CODEC_HEVC; codec <= PF_CODEC_AV1; codec <<= 1)
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			const struct encoder_params p = {.width = rows[i].width,
				.height = rows[i].height,
				.refresh_hz = rows[i].hz,
				.bitrate_kbps = rows[i].kbps,
				.codec = codec};
			struct encoder *e;
			if (!(encoder_codecs("avcodec") & codec))
				continue;
			print_message("# codec %u, %ux%u at %u Hz, %u kbit/s\n", codec, p.width,
				p.height, p.refresh_hz, p.bitrate_kbps);
			assert_int_equal(encoder_create(&e, "avcodec", &p), PF_OK);
			struct frame f;
			frame_init(&f);
			f.width = p.width;
			f.height = p.height;
			f.stride = (size_t)p.width * 4;
			f.pixels = (const uint8_t *)pixels;
			for (unsigned n = 0; n < 3; n++) {
				struct unit *u = unit_pool_get(pool);
				f.seq = n;
				assert_int_equal(encoder_encode(e, &f, n == 2, u), PF_OK);
				assert_int_equal(u->keyframe, n != 1);
				unit_unref(u);
			}
			encoder_destroy(e);
		}
	unit_pool_destroy(pool);
}

/* U and V apart are UV taken apart, for each way of converting and for what changed alone. */
static void both_layouts_hold_the_same_picture(void **state)
{
	static const struct {
		uint8_t matrix;
		bool full_range;
	} rows[] = {{0, false}, {CSC_BT601, true}, {CSC_BT709, false}, {CSC_BT2020, true}};
	static struct stream s;
	static uint8_t luma[CW * CH], uv[CW * CH / 2];
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) * 2; i++) {
		struct planes both, apart;
		assert_int_equal(
			planes_init(&both, rows[i / 2].matrix, rows[i / 2].full_range), PF_OK);
		apart = both;
		both.plane[0] = luma;
		both.plane[1] = uv;
		both.stride[0] = both.stride[1] = CW;
		apart.plane[0] = s.luma;
		apart.plane[1] = s.u;
		apart.plane[2] = s.v;
		apart.stride[0] = CW;
		apart.stride[1] = apart.stride[2] = CW / 2;
		for (unsigned n = 0; n < 3; n++) {
			struct frame f = paint(&s, n == 2 ? 1 : n);
			f.seq = n;
			f.y_invert = i & 1;
			f.damage.known = n == 2;
			if (n == 2) {
				memset(&s.pixels[W * 51], 0x5A, W * 4 * 2);
				frame_damage_add(&f.damage, 51, 53);
			}
			assert_int_equal(planes_fill(&both, &f), PF_OK);
			assert_int_equal(planes_fill(&apart, &f), PF_OK);
			assert_memory_equal(luma, s.luma, sizeof(luma));
			for (size_t c = 0; c < sizeof(uv) / 2; c++) {
				assert_int_equal(uv[2 * c], s.u[c]);
				assert_int_equal(uv[2 * c + 1], s.v[c]);
			}
		}
	}
	struct planes p;
	assert_int_equal(planes_init(&p, 5, false), PF_E_UNSUPPORTED);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(hevc_is_one_in_one_out),
		cmocka_unit_test(av1_is_one_in_one_out),
		cmocka_unit_test(every_size_and_rate_opens),
		cmocka_unit_test(both_layouts_hold_the_same_picture),
		cmocka_unit_test(what_it_cannot_make_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
