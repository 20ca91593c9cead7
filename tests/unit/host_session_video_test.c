/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <unistd.h>

#include "core/wire/handshake.h"
#include "host/encode/encoder.h"
#include "host/media/clock.h"
#include "host/session/video.h"
#include "tests/x265_leaks.h"

#define MS	 1000000ull
#define MAX_SENT 4096u
#define WAIT_NS	 (10000 * MS)

#define N_FRAMES 4u

struct sent {
	bool keyframe, anchor, repeated;
	uint32_t index;
};

struct stage {
	struct video video;
	/* In turns: the encode thread may hold the newest and the one before it. */
	struct frame frames[N_FRAMES];
	uint64_t seq;
	uint32_t pixels[64 * 64];
	struct sent sent[MAX_SENT];
	_Atomic unsigned n_sent;
};

static int take_unit(struct unit *u, uint32_t index, void *userdata)
{
	struct stage *s = userdata;
	unsigned n = atomic_load(&s->n_sent);
	if (n < MAX_SENT) {
		s->sent[n] = (struct sent){u->keyframe, u->anchor, u->repeated, index};
		atomic_store(&s->n_sent, n + 1);
	}
	return 1;
}

static void fail_encoder(const char *why, void *userdata)
{
	abort();
}

static struct stage *stage_start_with(const char *encoder, uint8_t codec)
{
	struct stage *s = calloc(1, sizeof(*s));
	assert_non_null(s);
	for (unsigned i = 0; i < N_FRAMES; i++) {
		frame_init(&s->frames[i]);
		s->frames[i].width = s->frames[i].height = 64;
		s->frames[i].stride = 256;
		s->frames[i].pixels = (const uint8_t *)s->pixels;
		s->frames[i].times.captured_ns = clock_now_ns();
	}
	s->video.encoder_name = encoder;
	s->video.codec = codec;
	s->video.sink.video = take_unit;
	s->video.sink.userdata = s;
	s->video.on_failed = fail_encoder;
	atomic_store(&s->video.bitrate_kbps, 1000);
	atomic_store(&s->video.refresh_hz, 60);
	assert_int_equal(video_start(&s->video), 0);
	return s;
}

static struct stage *stage_start(void)
{
	return stage_start_with("null", PF_CODEC_H264);
}

static void stage_stop(struct stage *s)
{
	video_stop(&s->video);
	free(s);
}

static void wait_sent(struct stage *s, unsigned n)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (atomic_load(&s->n_sent) < n) {
		assert_true(clock_now_ns() < until);
		usleep(200);
	}
}

/* One at a time, so that each picture becomes a unit. */
static void push(struct stage *s, unsigned n)
{
	while (n--) {
		unsigned before = atomic_load(&s->n_sent);
		struct frame *f = &s->frames[++s->seq % N_FRAMES];
		f->seq = s->seq;
		video_push(&s->video, f);
		wait_sent(s, before + 1);
	}
}

static unsigned count(const struct stage *s, bool anchors)
{
	unsigned n = 0;
	for (unsigned i = 0; i < atomic_load(&s->n_sent); i++)
		n += anchors ? s->sent[i].anchor : s->sent[i].keyframe;
	return n;
}

static void a_loss_is_answered_at_once(void **state)
{
	(void)state;
	struct stage *s = stage_start();
	push(s, 12);
	unsigned before = atomic_load(&s->n_sent);
	video_invalidate(&s->video, before - 3, before - 2);
	/* Nothing new is captured: the picture at hand is the answer. */
	wait_sent(s, before + 1);
	push(s, 1);
	unsigned at = before;
	while (!s->sent[at].anchor)
		at++; /* an idle repeat may have come first */
	assert_in_range(at, before, before + 5);
	assert_int_equal(count(s, true), 1);
	assert_int_equal(count(s, false), 1);
	for (unsigned i = 0; i < atomic_load(&s->n_sent); i++)
		assert_int_equal(s->sent[i].index, i);
	/* Told again before the client has seen the answer: it is on its way. */
	video_invalidate(&s->video, before - 3, before - 2);
	push(s, 1);
	assert_int_equal(count(s, true), 1);
	/* The answer was lost as well. */
	video_invalidate(&s->video, at, at);
	push(s, 2);
	assert_int_equal(count(s, true), 2);
	assert_int_equal(count(s, false), 1);
	stage_stop(s);
}

static void an_old_loss_takes_a_keyframe(void **state)
{
	(void)state;
	struct stage *s = stage_start();
	push(s, 40);
	usleep(60 * 1000); /* the first keyframe is far enough away */
	video_invalidate(&s->video, 3, 3);
	push(s, 2);
	assert_int_equal(count(s, true), 0);
	assert_int_equal(count(s, false), 2);
	/* That healed it. */
	video_invalidate(&s->video, 3, 5);
	usleep(60 * 1000);
	push(s, 2);
	assert_int_equal(count(s, true), 0);
	assert_int_equal(count(s, false), 2);
	stage_stop(s);
}

static void a_new_encoder_remembers_nothing(void **state)
{
	(void)state;
	struct stage *s = stage_start();
	push(s, 10);
	atomic_store(&s->video.refresh_hz, 30);
	push(s, 3);
	assert_true(s->sent[10].keyframe);
	video_invalidate(&s->video, 9, 9); /* healed by the keyframe */
	push(s, 1);
	assert_int_equal(count(s, true), 0);
	video_invalidate(&s->video, 12, 12);
	push(s, 2);
	assert_int_equal(count(s, true), 1);
	assert_int_equal(count(s, false), 2);
	stage_stop(s);
}

/* libavcodec's encoders: another bitrate is a keyframe, so it comes late rather than often, and ends nothing. */
static void an_encoder_that_cannot_turn_is_remade(void **state)
{
	(void)state;
	uint8_t codecs = encoder_codecs("avcodec");
	if (!codecs)
		return;
	struct stage *s = stage_start_with("avcodec", codecs & (uint8_t)-codecs);
	push(s, 2);
	for (unsigned i = 0; i < 5; i++) {
		atomic_store(&s->video.bitrate_kbps, 2000 + 100 * i);
		push(s, 2);
	}
	for (unsigned i = 1; i < 12; i++)
		assert_false(s->sent[i].keyframe);
	uint64_t start = clock_now_ns();
	unsigned n;
	do {
		usleep(20000);
		push(s, 1);
		n = atomic_load(&s->n_sent) - 1;
		assert_true(clock_now_ns() - start < WAIT_NS && n + 1 < MAX_SENT);
	} while (!s->sent[n].keyframe);
	assert_int_equal(count(s, false), 2);
	stage_stop(s);
}

static void a_flood_makes_few_frames(void **state)
{
	(void)state;
	struct stage *s = stage_start();
	push(s, 10);
	unsigned before = atomic_load(&s->n_sent);
	uint64_t start = clock_now_ns(), n_asked = 0;
	while (clock_now_ns() - start < 300 * MS) {
		uint32_t newest = (uint32_t)atomic_load(&s->n_sent) - 1;
		video_invalidate(&s->video, newest, newest);
		video_invalidate(&s->video, 0x70000000, 0x70000010);
		video_invalidate(&s->video, 5, 4);
		video_invalidate(&s->video, 1, 1);
		n_asked += 4;
	}
	uint64_t took_ms = (clock_now_ns() - start) / MS;
	/* One anchor in 20 ms, one keyframe in 50 ms, one repeat in 100 ms, and one of each. */
	assert_in_range(atomic_load(&s->n_sent) - before, 3,
		took_ms / 20 + took_ms / 50 + took_ms / 100 + 4);
	assert_true(n_asked > 100);
	stage_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_loss_is_answered_at_once),
		cmocka_unit_test(an_old_loss_takes_a_keyframe),
		cmocka_unit_test(a_new_encoder_remembers_nothing),
		cmocka_unit_test(an_encoder_that_cannot_turn_is_remade),
		cmocka_unit_test(a_flood_makes_few_frames),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
