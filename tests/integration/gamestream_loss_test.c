/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* Pictures of several packets over a network that loses some, with the parity that issue 5 names: a real host. */
#include "tests/integration/gamestream_rig.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#define SLOWNESS (TEST_SLOW ? 10 : 1)
#define HEAL_NS	 100000000ull

static struct rig rig;

static struct moon_session large(void)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	s.wish.width = 1280;
	s.wish.height = 720;
	s.wish.bitrate_kbps = 20000;
	return s;
}

static void tell(const struct moon_session *s)
{
	const struct moon_video_stats *v = moon_video_stats(s->video);
	print_message("# %llu of %llu datagrams lost: %llu frames whole, %llu lost, %llu dropped, "
		      "%llu shards rebuilt; %llu of type 5, %llu keyframes; %llu heals of at most "
		      "%.0f ms\n",
		(unsigned long long)v->withheld, (unsigned long long)v->datagrams,
		(unsigned long long)v->frames, (unsigned long long)v->lost,
		(unsigned long long)v->dropped,
		(unsigned long long)moon_video_received(s->video)->rebuilt,
		(unsigned long long)v->types[5], (unsigned long long)v->types[2],
		(unsigned long long)v->heals, (double)v->heal_max_ns / 1e6);
}

static void two_percent_are_hardly_seen(void **state)
{
	struct moon_session s = large();
	(void)state;
	s.drop_percent = 2;
	s.wish.encrypt_video = true;
	rig_launch(&s);
	moon_session_run(&s, 10000);
	tell(&s);
	const struct moon_video_stats *v = moon_video_stats(s.video);
	assert_true(v->withheld > 50 / SLOWNESS && moon_video_received(s.video)->rebuilt > 0);
	assert_int_equal(moon_video_received(s.video)->bad, 0);
	assert_int_equal(v->broken, 0);
	assert_true(v->lost * 1000 <= (v->frames + v->lost) * 5);
	assert_true(v->heal_max_ns < HEAL_NS * SLOWNESS);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

/* More than parity mends: what is shown is whole, and soon. */
static void a_bad_network_shows_no_broken_picture(void **state)
{
	struct moon_session s = large();
	(void)state;
	rig_launch(&s);
	moon_session_run(&s, 500);
	for (int i = 0; i < 20; i++) {
		moon_video_lose(s.video, 5 + (unsigned)i * 3);
		moon_session_run(&s, 200);
	}
	tell(&s);
	const struct moon_video_stats *v = moon_video_stats(s.video);
	assert_true(v->lost > 0 && v->heals > 0 && s.invalidations > 0);
	assert_int_equal(v->broken, 0);
	assert_int_equal(moon_video_received(s.video)->bad, 0);
	assert_true(v->heal_max_ns < HEAL_NS * SLOWNESS);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static int setup(void **state)
{
	static const char *const args[] = {"--fec-percent", "20", NULL};
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
		cmocka_unit_test(two_percent_are_hardly_seen),
		cmocka_unit_test(a_bad_network_shows_no_broken_picture),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
