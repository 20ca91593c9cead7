/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Moonlight devices that come, go, come back, take over and are many: a real host. PUNKTFUNK_CYCLES is how often one
 * comes and goes (make soak).
 */
#include "tests/integration/gamestream_rig.h"
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOWNESS (TEST_SLOW ? 10 : 1)
#define ENDED	 0x80030023u
#define WAIT_MS	 (5000 * SLOWNESS)
#define CYCLES	 20
#define WARM	 10
#define FLAT_KB \
	4096 /* what the allocator may keep; a session that leaked its pictures is 2 MiB each */

static struct rig rig;
static struct device bob;

/* What serverinfo says to this device. */
static bool serverinfo(const struct device *d, const char *name, const char *value)
{
	const struct http_get g = moon_tls(&rig.host, d);
	assert_int_equal(moon_ask(&rig.host, &g, "/serverinfo?" MOON_UNIQUEID, NULL), 200);
	return moon_is(&rig.host, name, value);
}

static void a_cancel_ends_it_for_the_client_too(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	rig_launch(&s);
	assert_true(moon_is(&rig.host, "gamesession", "1"));
	assert_true(serverinfo(&rig.alice, "currentgame", "1"));
	assert_true(serverinfo(&rig.alice, "state", "PUNKTFUNK_SERVER_BUSY"));
	assert_true(moon_session_cancel(&s));
	assert_true(serverinfo(&rig.alice, "currentgame", "0"));
	assert_true(serverinfo(&rig.alice, "state", "PUNKTFUNK_SERVER_FREE"));
	assert_true(moon_session_until(&s, moon_session_has_ended, WAIT_MS));
	assert_int_equal(moon_control_termination(s.control), ENDED);
	moon_session_die(&s);
	/* There is nothing to come back to. */
	assert_false(moon_session_ask(&s, "resume", 1));
	assert_int_not_equal(s.status, 200);
}

static void who_leaves_finds_it_again(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	uint8_t key[16];
	(void)state;
	rig_launch(&s);
	memcpy(key, s.key, sizeof(key));
	moon_session_leave(&s);
	assert_true(serverinfo(&rig.alice, "currentgame", "1"));
	assert_true(moon_session_resume(&s));
	assert_true(moon_is(&rig.host, "resume", "1"));
	assert_memory_not_equal(key, s.key, sizeof(key));
	/* Everything counts anew. */
	assert_int_equal(moon_video_frame(s.video, 0)->index, 1);
	assert_int_equal(moon_video_frame(s.video, 0)->type, 2);
	moon_session_leave(&s);
	/* /launch of the same app is the same, and it may have another size. */
	s.wish.width = 800;
	s.wish.height = 600;
	rig_launch(&s);
	assert_true(moon_is(&rig.host, "gamesession", "1"));
	assert_int_equal(moon_video_stats(s.video)->width, 800);
	assert_int_equal(moon_video_stats(s.video)->height, 600);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

/* Clients ask for the size as it is set, and for one less in RTSP when the height is odd. */
static void odd_heights_get_even(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	s.wish.height = 481;
	assert_true(moon_session_ask(&s, "launch", 1));
	s.wish.height = 480;
	assert_true(moon_session_play(&s) && moon_session_connect(&s));
	assert_true(moon_session_until(&s, moon_session_has_picture, WAIT_MS));
	assert_int_equal(moon_video_stats(s.video)->width, 640);
	assert_int_equal(moon_video_stats(s.video)->height, 480);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static void the_dead_are_taken_over_at_once(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	rig_launch(&s);
	moon_session_die(&s);
	assert_true(moon_session_resume(&s));
	print_message("# taken over in %.0f ms\n", moon_session_start_ms(&s));
	assert_true(moon_session_start_ms(&s) < 1000 * SLOWNESS);
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static void the_living_are_told(void **state)
{
	struct moon_session old = rig_session(&rig, &rig.alice), s = old;
	(void)state;
	rig_launch(&old);
	assert_true(moon_session_resume(&s));
	assert_true(moon_session_until(&old, moon_session_has_ended, WAIT_MS));
	assert_int_equal(moon_control_termination(old.control), ENDED);
	const uint64_t clean = moon_video_stats(s.video)->clean;
	moon_session_die(&old);
	moon_session_run(&s, 300 * SLOWNESS);
	assert_true(moon_video_stats(s.video)->clean > clean);
	assert_false(moon_control_ended(s.control));
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static void two_have_a_display_each(void **state)
{
	struct moon_session a = rig_session(&rig, &rig.alice), b = rig_session(&rig, &bob);
	(void)state;
	b.wish.width = 800;
	b.wish.height = 600;
	b.wish.fps = 30;
	b.wish.encrypt_video = true;
	rig_launch(&a);
	rig_launch(&b);
	for (int i = 0; i < 100; i++) {
		moon_session_run(&a, 10);
		moon_session_run(&b, 10);
	}
	const struct moon_video_stats *va = moon_video_stats(a.video),
				      *vb = moon_video_stats(b.video);
	assert_int_equal(va->width, 640);
	assert_int_equal(vb->width, 800);
	assert_int_equal(vb->height, 600);
	assert_int_equal(va->lost + va->broken + vb->lost + vb->broken, 0);
	assert_true(va->clean > 60 / SLOWNESS && vb->clean > 30 / SLOWNESS);
	/* One ends, the other does not care. */
	moon_session_leave(&a);
	assert_true(moon_session_cancel(&a));
	const uint64_t clean = vb->clean;
	moon_session_run(&b, 300 * SLOWNESS);
	assert_true(vb->clean > clean);
	assert_true(serverinfo(&rig.alice, "currentgame", "0"));
	assert_true(serverinfo(&bob, "currentgame", "1"));
	moon_session_leave(&b);
	assert_true(moon_session_cancel(&b));
}

static void who_is_unpaired_is_out_at_once(void **state)
{
	struct moon_session s = rig_session(&rig, &bob);
	const struct http_get g = moon_tls(&rig.host, &bob);
	(void)state;
	rig_launch(&s);
	assert_int_equal(moon_command(&rig.host, "gamestream.unpair",
				 json_pack("{s:s}", "client", "bob"), NULL),
		PF_OK);
	assert_true(moon_session_until(&s, moon_session_has_ended, WAIT_MS));
	assert_int_equal(moon_ask(&rig.host, &g, "/applist?" MOON_UNIQUEID, NULL), 401);
	moon_session_die(&s);
	assert_false(moon_session_ask(&s, "resume", 1));
	assert_int_equal(s.status, 401);
	assert_true(rig_pair(&rig, &bob, "bob"));
}

/* --- again and again --- */

static int cycles(void)
{
	const char *text = getenv("PUNKTFUNK_CYCLES");
	return text ? atoi(text) : CYCLES / (TEST_SLOW ? 2 : 1);
}

static struct moon_session small(void)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	s.wish.width = 320;
	s.wish.height = 240;
	s.decode = false;
	return s;
}

static void once(struct moon_session *s, const char *word, bool cancel)
{
	if (!(strcmp(word, "launch") ? moon_session_resume(s) : moon_session_launch(s)))
		fail_msg("%s: status %d, step %s (%d)", word, s->status,
			s->streams.step ? s->streams.step : "-", s->streams.status);
	moon_session_leave(s);
	if (cancel)
		assert_true(moon_session_cancel(s));
}

static void grows_not(const char *word, bool cancel)
{
	struct moon_session s = small();
	const int n = cycles();
	if (!cancel)
		once(&s, "launch", false);
	for (int i = 0; i < WARM; i++)
		once(&s, word, cancel);
	nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL); /* what ends late ends */
	const struct rig_use was = rig_use(&rig);
	for (int i = 0; i < n; i++)
		once(&s, word, cancel);
	assert_true(rig_settles(&rig, &was, WAIT_MS));
	const struct rig_use now = rig_use(&rig);
	print_message("# %d times: %ld KiB, then %ld KiB; %u descriptors, %u threads\n", n,
		was.rss_kb, now.rss_kb, now.fds, now.threads);
	if (!TEST_SLOW) /* sanitizers keep what was freed */
		assert_true(now.rss_kb < was.rss_kb + FLAT_KB);
	if (!cancel)
		assert_true(moon_session_cancel(&s));
}

static void launches_and_cancels_leave_nothing(void **state)
{
	(void)state;
	grows_not("launch", true);
}

static void disconnects_and_resumes_leave_nothing(void **state)
{
	(void)state;
	grows_not("resume", false);
}

static int setup(void **state)
{
	(void)state;
	device_make(&bob, NULL);
	return rig_start(&rig, NULL) < 0 || !rig_pair(&rig, &bob, "bob") ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	device_free(&bob);
	return rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cancel_ends_it_for_the_client_too),
		cmocka_unit_test(who_leaves_finds_it_again),
		cmocka_unit_test(odd_heights_get_even),
		cmocka_unit_test(the_dead_are_taken_over_at_once),
		cmocka_unit_test(the_living_are_told),
		cmocka_unit_test(two_have_a_display_each),
		cmocka_unit_test(who_is_unpaired_is_out_at_once),
		cmocka_unit_test(launches_and_cancels_leave_nothing),
		cmocka_unit_test(disconnects_and_resumes_leave_nothing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
