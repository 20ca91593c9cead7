/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <inttypes.h>
#include <libavcodec/avcodec.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/decode/decode.h"
#include "core/wire/handshake.h"
#include "host/encode/encoder.h"
#include "punktfunk_core.h"

/*
 * What a loss costs in the picture: a scene that pans over texture, as a game does, and every 50 frames an
 * answer to a loss, once a keyframe, once an anchor that refers past the last five frames.
 */

#define WIDTH	 1280u
#define HEIGHT	 720u
#define N_FRAMES 300u
#define STEP_X	 3u
#define STEP_Y	 2u
#define GROUND_W (WIDTH + STEP_X * N_FRAMES)
#define GROUND_H (HEIGHT + STEP_Y * N_FRAMES)
#define EVERY	 50u
#define BACK	 5u
/* Frames that are looked at: the one before the answer, the answer, and six more. */
#define AFTER 8u

struct scene {
	uint32_t *ground, *pixels; /* GROUND_W by GROUND_H; WIDTH by HEIGHT */
};

static int scene_init(struct scene *s)
{
	s->ground = calloc((size_t)GROUND_W * GROUND_H, 4);
	s->pixels = calloc((size_t)WIDTH * HEIGHT, 4);
	if (!s->ground || !s->pixels)
		return -1;
	uint32_t seed = 1;
	for (uint32_t y = 0; y < GROUND_H; y++)
		for (uint32_t x = 0; x < GROUND_W; x++) {
			seed = seed * 1664525u + 1013904223u;
			double wave = 40 * sin(x * 0.05) * cos(y * 0.07);
			uint32_t tile = (x / 24 * 31 + y / 16 * 17) * 2654435761u >> 25;
			uint32_t v = (uint32_t)(60 + tile + wave) + (seed >> 29);
			s->ground[(size_t)y * GROUND_W + x] = v * 0x010101u;
		}
	return 0;
}

static void scene_paint(struct scene *s, uint32_t n)
{
	for (uint32_t row = 0; row < HEIGHT; row++)
		memcpy(s->pixels + (size_t)row * WIDTH,
			s->ground + (size_t)(STEP_Y * n + row) * GROUND_W + STEP_X * n, WIDTH * 4);
}

/* Of luma, which of a grey picture is 16 + 219/255 of it. */
static double squared_error(const struct scene *s, const AVFrame *f)
{
	double sum = 0;
	for (uint32_t y = 0; y < HEIGHT; y++)
		for (uint32_t x = 0; x < WIDTH; x++) {
			double want = 16 + (s->pixels[y * WIDTH + x] & 255) * 219.0 / 255;
			double off = f->data[0][(size_t)y * (size_t)f->linesize[0] + x] - want;
			sum += off * off;
		}
	return sum / (WIDTH * HEIGHT);
}

struct sums {
	double bytes[AFTER], error[AFTER];
	unsigned n[AFTER];
};

static int one_frame(struct scene *s, struct encoder *e, struct unit_pool *pool, struct decode *d,
	AVPacket *packet, AVFrame *picture, uint32_t n, bool key, struct sums *sums)
{
	struct frame f;
	frame_init(&f);
	f.width = WIDTH;
	f.height = HEIGHT;
	f.stride = WIDTH * 4;
	f.pixels = (const uint8_t *)s->pixels;
	f.seq = n;
	scene_paint(s, n);
	bool answer = n >= EVERY && n % EVERY == 0;
	struct unit *u = unit_pool_get(pool);
	int err = answer && !key ? encoder_invalidate(e, n - BACK) : 0;
	if (err >= 0)
		err = encoder_encode(e, &f, answer && key, u);
	if (err >= 0 && av_new_packet(packet, (int)u->len) < 0)
		err = PF_E_NOMEM;
	if (err >= 0) {
		memcpy(packet->data, u->data, u->len);
		err = decode_unit(d, packet, picture);
		av_packet_unref(packet);
	}
	uint32_t at = (n + 1) % EVERY;
	if (err >= 0 && n >= EVERY - 1 && at < AFTER) {
		sums->bytes[at] += (double)u->len;
		sums->error[at] += squared_error(s, picture);
		sums->n[at]++;
	}
	av_frame_unref(picture);
	unit_unref(u);
	return err;
}

static int answers(struct scene *s, uint32_t kbps, bool key)
{
	struct encoder_params params = {.width = WIDTH,
		.height = HEIGHT,
		.refresh_hz = 60,
		.bitrate_kbps = kbps,
		.codec = PF_CODEC_H264};
	struct encoder *e = NULL;
	struct unit_pool *pool = NULL;
	struct decode *d = NULL;
	struct sums sums = {0};
	AVPacket *packet = av_packet_alloc();
	AVFrame *picture = av_frame_alloc();
	int err = encoder_create(&e, "x264", &params);
	if (err >= 0)
		err = unit_pool_create(&pool, 1);
	if (err >= 0)
		err = decode_create(&d);
	for (uint32_t n = 0; n < N_FRAMES && err >= 0; n++)
		err = one_frame(s, e, pool, d, packet, picture, n, key, &sums);
	printf("  %5" PRIu32 " kbit/s, %-8s", kbps, key ? "keyframe" : "anchor");
	for (unsigned i = 0; i < AFTER && err >= 0; i++)
		printf(" | %5.1f kB %4.1f dB", sums.bytes[i] / sums.n[i] / 1000,
			10 * log10(255 * 255 / (sums.error[i] / sums.n[i])));
	printf("\n");
	decode_destroy(d);
	encoder_destroy(e);
	unit_pool_destroy(pool);
	av_packet_free(&packet);
	av_frame_free(&picture);
	return err;
}

int main(void)
{
	struct scene s = {0};
	int bad = scene_init(&s) < 0;
	printf("the frame before an answer, the answer, and six more; luma PSNR\n");
	for (uint32_t kbps = 5000; !bad && kbps <= 20000; kbps += 15000)
		bad = answers(&s, kbps, false) < 0 || answers(&s, kbps, true) < 0;
	free(s.ground);
	free(s.pixels);
	printf("%s\n", bad ? "bench_encode: FAILED" : "bench_encode: done");
	return bad;
}
