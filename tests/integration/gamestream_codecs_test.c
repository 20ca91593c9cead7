/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * A real host with all its encoders, and a Moonlight client that wants each. Apart from the other tests, as sanitizers
 * have something to say of libx265.
 */
#include "tests/integration/gamestream_rig.h"
#include "tests/test.h"

#define SLOWNESS (TEST_SLOW ? 10 : 1)

static struct rig rig;

static bool has_healed(const struct moon_session *s)
{
	return moon_video_stats(s->video)->heals > 0;
}

/* What serverinfo and DESCRIBE say agrees, and is so: in packets as small as clients have them, and smaller. */
static void every_codec_works(void **state)
{
	const struct http_get g = moon_tls(&rig.host, &rig.alice);
	(void)state;
	assert_int_equal(moon_ask(&rig.host, &g, "/serverinfo?" MOON_UNIQUEID, NULL), 200);
	assert_true(moon_is(&rig.host, "ServerCodecModeSupport", "65793")); /* one of each */
	assert_true(moon_is(&rig.host, "MaxLumaPixelsHEVC", "1869449984"));
	for (unsigned codec = 0; codec < 3; codec++) {
		struct moon_session s = rig_session(&rig, &rig.alice);
		s.wish.codec = codec;
		s.wish.packet_size = codec & 1 ? 512 : 1024;
		rig_launch(&s);
		assert_true(s.streams.hevc && s.streams.av1);
		assert_int_equal(moon_video_frame(s.video, 0)->type, 2);
		assert_true(moon_video_frame(s.video, 0)->clean);
		moon_session_run(&s, 500);
		const struct moon_video_stats *v = moon_video_stats(s.video);
		print_message("# codec %u: %llu pictures\n", codec, (unsigned long long)v->clean);
		assert_int_equal(v->width, 640);
		assert_int_equal(v->lost + v->broken, 0);
		assert_int_equal(moon_video_received(s.video)->bad, 0);
		assert_true(v->clean > 3);
		/* What is lost heals in each. */
		moon_video_lose(s.video, 8);
		assert_true(moon_session_until(&s, has_healed, 3000 * SLOWNESS));
		assert_int_equal(v->broken, 0);
		moon_session_leave(&s);
		assert_true(moon_session_cancel(&s));
	}
}

static int setup(void **state)
{
	static const char *const args[] = {"--codecs", "h264,hevc,av1", NULL};
	(void)state;
	return rig_start(&rig, args);
}

static int teardown(void **state)
{
	(void)state;
	return rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_codec_works),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
