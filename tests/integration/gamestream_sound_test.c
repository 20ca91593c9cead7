/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* What a Moonlight device hears: each layout and quality, without a hole, and over a network that loses some. */
#include "tests/integration/gamestream_rig.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "host/audio/source.h"

#define SLOWNESS  (TEST_SLOW ? 10 : 1)
#define MS	  1000000ull
#define LISTEN_MS 1500
#define LOUD	  0.15 /* of the tone's 0.25, after the codec */
#define QUIET	  0.03
#define RATE	  48000

static struct rig rig;

static struct moon_session listener(unsigned channels)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	s.wish.width = 320;
	s.wish.height = 240;
	s.wish.fps = 30;
	s.wish.channels = channels;
	s.decode = false;
	return s;
}

/* Each place has its own tone, and nobody else's. */
static void is_in_place(const struct moon_session *s)
{
	for (unsigned c = 0; c < s->wish.channels; c++)
		for (unsigned t = 0; t < s->wish.channels; t++) {
			const double level = moon_audio_level(s->audio, c, audio_tone_hz(t));
			if (c == t ? level < LOUD : level > QUIET)
				fail_msg("%u channels, %s: %.3f of tone %u in channel %u",
					s->wish.channels, s->wish.high_quality ? "high" : "normal",
					level, t, c);
		}
}

static void is_whole(struct moon_session *s, int ms)
{
	const struct moon_audio_stats *a = moon_audio_stats(s->audio);
	assert_int_equal(a->lost, 0);
	assert_int_equal(a->bad, 0);
	const double want = (double)RATE * ms / 1000;
	if ((double)a->samples < want * 0.9 || (double)a->samples > want * 1.1)
		fail_msg("%llu samples in %d ms", (unsigned long long)a->samples, ms);
	assert_true(a->gap_max_ns < 200 * MS * SLOWNESS);
}

static void every_layout_has_each_channel_in_its_place(void **state)
{
	static const unsigned channels[] = {2, 6, 8};
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct moon_session s = listener(channels[i % 3]);
		s.wish.high_quality = i >= 3;
		s.wish.encrypt_audio = i & 1;
		s.wish.packet_ms = i & 2 ? 10 : 5;
		rig_launch(&s);
		const uint64_t before = moon_audio_stats(s.audio)->samples;
		moon_session_run(&s, LISTEN_MS);
		is_in_place(&s);
		is_whole(&s, LISTEN_MS + (int)(before * 1000 / RATE));
		moon_session_leave(&s);
		assert_true(moon_session_cancel(&s));
	}
}

static void two_of_six_may_be_lost(void **state)
{
	struct moon_session s = listener(2);
	(void)state;
	s.audio_drop_percent = 5;
	s.wish.encrypt_audio = true;
	rig_launch(&s);
	moon_session_run(&s, 4000);
	const struct moon_audio_stats *a = moon_audio_stats(s.audio);
	print_message("# %llu of %llu datagrams lost: %llu packets heard, %llu lost\n",
		(unsigned long long)a->withheld, (unsigned long long)a->datagrams,
		(unsigned long long)a->packets, (unsigned long long)a->lost);
	assert_true(a->withheld > 20 / SLOWNESS);
	assert_int_equal(a->bad, 0);
	assert_true(a->lost * 100 <= a->packets);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static void it_comes_back_with_a_resume(void **state)
{
	struct moon_session s = listener(2);
	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(i ? moon_session_resume(&s) : moon_session_launch(&s));
		moon_session_run(&s, LISTEN_MS);
		is_in_place(&s);
		assert_int_equal(moon_audio_stats(s.audio)->lost, 0);
		if (i == 1)
			moon_session_die(&s);
		else
			moon_session_leave(&s);
	}
	assert_true(moon_session_cancel(&s));
}

static int setup(void **state)
{
	(void)state;
	return rig_start(&rig, NULL);
}

static int teardown(void **state)
{
	(void)state;
	return rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_layout_has_each_channel_in_its_place),
		cmocka_unit_test(two_of_six_may_be_lost),
		cmocka_unit_test(it_comes_back_with_a_resume),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
