/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "host/audio/pace.h"

/* Two clocks in virtual time: portions are played on one, packets are read on the other. */

#define PACKET	  240u
#define PACKET_NS 5000000ull
#define SECOND_NS 1000000000ull

struct bench {
	struct audio_pace pace;
	uint64_t now_ns; /* the reader's */
	double played;	 /* frames, by the player's clock */
	uint32_t portion;
	double rate_hz;	  /* of the player's clock, in the reader's seconds */
	uint64_t late_ns; /* the next portions come so much later */
	uint64_t n_pushed;
	float out[PACKET * 2], last;
	float jump; /* the largest step from one sample to the next */
	unsigned n_silent;
};

/* Slow enough that neighbours differ by little: a hole or a repeat would show. */
static float wave(uint64_t frame)
{
	return sinf((float)(frame % 4800) * 2.0f * (float)M_PI / 4800.0f);
}

static void bench_init(struct bench *b, uint32_t portion, double rate_hz)
{
	memset(b, 0, sizeof(*b));
	assert_int_equal(audio_pace_init(&b->pace, 2), 0);
	audio_pace_begin(&b->pace, PACKET);
	b->now_ns = 7 * SECOND_NS;
	b->portion = portion;
	b->rate_hz = rate_hz;
}

static void push_portion(struct bench *b, uint64_t at_ns)
{
	float samples[2048 * 2];
	for (uint32_t i = 0; i < b->portion; i++)
		samples[i * 2] = samples[i * 2 + 1] = wave(b->n_pushed + i);
	audio_pace_push(&b->pace, samples, b->portion, at_ns);
	b->n_pushed += b->portion;
}

static bool tick(struct bench *b)
{
	b->now_ns += PACKET_NS;
	if (b->portion)
		b->played += b->rate_hz * 1e-9 * (double)PACKET_NS;
	double late = (double)b->late_ns * 1e-9 * b->rate_hz;
	while (b->portion && (double)(b->n_pushed + b->portion) <= b->played - late)
		push_portion(b,
			b->now_ns -
				(uint64_t)((b->played - late - (double)(b->n_pushed + b->portion)) /
					b->rate_hz * 1e9));
	bool sound = audio_pace_pull(&b->pace, b->out, b->now_ns);
	b->n_silent += !sound;
	for (uint32_t i = 0; i < PACKET; i++) {
		float jump = fabsf(b->out[i * 2] - b->last);
		b->jump = jump > b->jump ? jump : b->jump;
		b->last = b->out[i * 2];
		assert_true(b->out[i * 2] == b->out[i * 2 + 1]);
	}
	return sound;
}

static void run(struct bench *b, unsigned seconds)
{
	for (unsigned i = 0; i < seconds * (SECOND_NS / PACKET_NS); i++)
		tick(b);
}

/* The wave's own largest step, and what interpolation adds. */
#define SMOOTH 0.004f

static void silence_never_ends(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b, 0, 48000);
	memset(b.out, 1, sizeof(b.out));
	run(&b, 10);
	assert_int_equal(b.n_silent, 2000);
	assert_true(b.last == 0);
	audio_pace_finish(&b.pace);
}

/* Clocks of 300 ppm apart, either way, and portions from small to large: no gap, no jump, bounded delay. */
static void drift_is_made_up(void **state)
{
	(void)state;
	static const double rates[] = {48000, 48014.4, 47985.6, 48000.5};
	static const uint32_t portions[] = {64, 128, 240, 256, 1024, 2048};
	for (size_t r = 0; r < sizeof(rates) / sizeof(rates[0]); r++)
		for (size_t i = 0; i < sizeof(portions) / sizeof(portions[0]); i++) {
			struct bench b;
			bench_init(&b, portions[i], rates[r]);
			run(&b, 1);
			b.jump = 0;
			b.n_silent = 0;
			run(&b, 180);
			assert_int_equal(b.n_silent, 0);
			assert_int_equal(b.pace.n_gaps, 0);
			assert_int_equal(b.pace.n_skipped, 0);
			assert_true(b.jump < SMOOTH);
			uint32_t left = atomic_load(&b.pace.head) - atomic_load(&b.pace.tail);
			assert_true(left <= portions[i] + 2 * PACKET + AUDIO_PACE_MARGIN);
			double ppm = fabs(rates[r] - 48000) / 48000;
			double steps = (double)b.pace.n_stepped;
			assert_true(fabs(steps - ppm * 48000 * 180) < 1500);
			audio_pace_finish(&b.pace);
		}
}

static void a_late_portion_costs_one_gap_and_gets_room(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b, 256, 48000);
	run(&b, 2);
	uint32_t margin = b.pace.margin;
	for (unsigned i = 0; i < 8; i++) { /* 30 ms late, again and again */
		b.late_ns = 30000000;
		for (unsigned k = 0; k < 40; k++)
			tick(&b);
		b.late_ns = 0;
		run(&b, 1);
	}
	assert_true(b.pace.n_gaps >= 1);
	assert_true(b.pace.margin > margin && b.pace.margin <= AUDIO_PACE_MARGIN_MAX);
	uint64_t gaps = b.pace.n_gaps;
	b.late_ns = 30000000;
	for (unsigned k = 0; k < 40; k++)
		tick(&b);
	assert_int_equal(b.pace.n_gaps, gaps); /* it has room by now */
	b.late_ns = 0;
	run(&b, 600); /* and gives it back when nothing happens */
	assert_int_equal(b.pace.margin, AUDIO_PACE_MARGIN_MIN);
	audio_pace_finish(&b.pace);
}

static void a_pause_is_no_gap(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b, 256, 48000);
	run(&b, 2);
	b.portion = 0;
	run(&b, 3);
	assert_true(b.n_silent > 500);
	assert_true(b.last == 0);
	b.portion = 256;
	run(&b, 2);
	assert_int_equal(b.pace.n_gaps, 0);
	assert_int_equal(b.pace.margin, AUDIO_PACE_MARGIN);
	assert_true(tick(&b));
	audio_pace_finish(&b.pace);
}

/* The reader slept: what piled up is left out, and the delay is as before. */
static void a_pile_is_left_out(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b, 256, 48000);
	run(&b, 2);
	for (unsigned i = 0; i < 40; i++)
		push_portion(&b, b.now_ns);
	b.played += 40 * 256;
	run(&b, 3);
	assert_true(b.pace.n_skipped > 0);
	uint32_t left = atomic_load(&b.pace.head) - atomic_load(&b.pace.tail);
	assert_true(left < 256 + 2 * PACKET + b.pace.margin);
	audio_pace_finish(&b.pace);
}

static void a_full_ring_loses_the_newest(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b, 2048, 48000);
	for (unsigned i = 0; i < 20; i++)
		push_portion(&b, b.now_ns);
	assert_int_equal(atomic_load(&b.pace.n_lost), 20 * 2048 - AUDIO_PACE_FRAMES);
	/* A new listener starts with what is new. */
	audio_pace_begin(&b.pace, PACKET);
	assert_false(audio_pace_pull(&b.pace, b.out, b.now_ns));
	b.portion = 100;
	push_portion(&b, b.now_ns);
	assert_true(audio_pace_pull(&b.pace, b.out, b.now_ns));
	audio_pace_finish(&b.pace);
}

static void counters_wrap(void **state)
{
	(void)state;
	struct bench b;
	bench_init(&b, 256, 48000);
	atomic_store(&b.pace.head, UINT32_MAX - 30000);
	atomic_store(&b.pace.tail, UINT32_MAX - 30000);
	run(&b, 1);
	b.jump = 0;
	run(&b, 2);
	assert_true(atomic_load(&b.pace.tail) < UINT32_MAX / 2);
	assert_true(b.jump < SMOOTH);
	assert_int_equal(b.pace.n_gaps, 0);
	audio_pace_finish(&b.pace);
}

static void channels_are_checked(void **state)
{
	(void)state;
	struct audio_pace p;
	assert_int_equal(audio_pace_init(&p, 0), PF_E_INVALID);
	assert_int_equal(audio_pace_init(&p, AUDIO_MAX_CHANNELS + 1), PF_E_INVALID);
	audio_pace_finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence_never_ends),
		cmocka_unit_test(drift_is_made_up),
		cmocka_unit_test(a_late_portion_costs_one_gap_and_gets_room),
		cmocka_unit_test(a_pause_is_no_gap),
		cmocka_unit_test(a_pile_is_left_out),
		cmocka_unit_test(a_full_ring_loses_the_newest),
		cmocka_unit_test(counters_wrap),
		cmocka_unit_test(channels_are_checked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
