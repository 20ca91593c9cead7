/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/capture/capture.h"
#include "host/media/clock.h"
#include "tests/support/fake_compositor.h"

/* The capture of wlroots compositors against one that a test drives. */

#define WAIT_NS 5000000000ull
#define HELD	2u /* as many as a slow encoder keeps */

static struct fake_compositor fake;

struct seen {
	pthread_mutex_t lock;
	struct frame *held[HELD];
	unsigned n, n_wrong, n_sized, n_unknown, n_inverted;
	uint64_t first_seq;
	uint32_t width, height;
	uint64_t age_ns, oldest_ns;
	int lost_err;
	char why[200];
};

static struct seen seen;

static bool is_damaged(const struct frame *f, uint32_t row)
{
	for (unsigned i = 0; i < f->damage.n_bands; i++)
		if (row >= f->damage.bands[i].y0 && row < f->damage.bands[i].y1)
			return true;
	return false;
}

/* Every row is what it is in the compositor's picture, also those that this buffer did not get this time. */
static bool is_right(const struct frame *f, uint64_t seq)
{
	for (uint32_t y = 0; y < f->height; y++) {
		const uint32_t *row = (const uint32_t *)(const void *)(f->pixels + y * f->stride);
		const uint32_t want = fake_compositor_row(seq, f->height, y);
		if (row[0] != want || row[f->width - 1] != want)
			return false;
		if (seq && want == seq && f->damage.known && !is_damaged(f, y))
			return false;
	}
	return true;
}

static void on_frame(struct frame *f, void *userdata)
{
	(void)userdata;
	pthread_mutex_lock(&seen.lock);
	if (f->width != seen.width) { /* a new size begins a new picture */
		seen.width = f->width;
		seen.height = f->height;
		seen.first_seq = f->seq;
		seen.n_sized = seen.n_unknown = 0;
		seen.n_wrong += f->damage.known;
	}
	seen.n_wrong += !is_right(f, f->seq - seen.first_seq);
	seen.n_unknown += !f->damage.known;
	seen.n_inverted += f->y_invert;
	seen.n_wrong += f->y_invert && !((f->seq - seen.first_seq) % 2);
	seen.age_ns = f->times.captured_ns - f->times.presented_ns;
	seen.oldest_ns = seen.age_ns > seen.oldest_ns ? seen.age_ns : seen.oldest_ns;
	frame_unref(seen.held[seen.n % HELD]);
	seen.held[seen.n % HELD] = frame_ref(f);
	seen.n++;
	seen.n_sized++;
	pthread_mutex_unlock(&seen.lock);
}

static void on_lost(int err, const char *why, void *userdata)
{
	(void)userdata;
	pthread_mutex_lock(&seen.lock);
	assert_int_equal(seen.lost_err, 0);
	seen.lost_err = err;
	snprintf(seen.why, sizeof(seen.why), "%s", why);
	pthread_mutex_unlock(&seen.lock);
}

static struct capture *start(enum fake_fault fault, bool images, bool screencopy)
{
	struct capture *c;
	memset(&fake, 0, sizeof(fake));
	memset(&seen, 0, sizeof(seen));
	pthread_mutex_init(&seen.lock, NULL);
	fake.fault = fault;
	fake.has_images = images;
	fake.has_screencopy = screencopy;
	fake.width = 320;
	fake.height = 240;
	assert_int_equal(fake_compositor_start(&fake), 0);
	const struct capture_params params = {.wayland_display = fake.path,
		.output_name = "FAKE-1",
		.cursor = true,
		.on_frame = on_frame,
		.on_lost = on_lost};
	assert_int_equal(capture_create(&c, "wlr", &params), 0);
	assert_int_equal(capture_start(c), 0);
	return c;
}

static void finish(struct capture *c)
{
	capture_destroy(c);
	for (unsigned i = 0; i < HELD; i++)
		frame_unref(seen.held[i]);
	fake_compositor_stop(&fake);
	pthread_mutex_destroy(&seen.lock);
}

/* n pictures of the width, or its loss (n = 0). */
static void wait_for(unsigned n, uint32_t width)
{
	const uint64_t until_ns = clock_now_ns() + WAIT_NS;
	for (bool there = false; !there;) {
		pthread_mutex_lock(&seen.lock);
		there = n ? seen.n_sized >= n && seen.width == width : seen.lost_err != 0;
		pthread_mutex_unlock(&seen.lock);
		if (clock_now_ns() > until_ns)
			fail_msg("%u pictures of %u, lost: %s", seen.n, seen.width, seen.why);
		usleep(2000);
	}
}

static void every_picture_is_whole(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_GOOD, true, true);
	wait_for(60, 320);
	capture_stop(c);
	assert_int_equal(seen.n_wrong, 0);
	assert_int_equal(seen.n_unknown, 1); /* the first */
	assert_int_equal(seen.n_inverted, 0);
	assert_int_equal(seen.lost_err, 0);
	assert_true(seen.age_ns >= 1000000 && seen.age_ns < 1000000000);
	/* Most buffers lacked a few rows only. */
	assert_true(fake.n_partial > 40);
	/* Again, with the same connection. */
	seen.n = 0;
	seen.width = 0;
	assert_int_equal(capture_start(c), 0);
	wait_for(5, 320);
	finish(c);
}

static void another_size_is_followed(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_RESIZES, true, false);
	wait_for(10, 800);
	capture_stop(c);
	assert_int_equal(seen.height, 600);
	assert_int_equal(seen.n_wrong, 0);
	assert_int_equal(seen.n_unknown, 1);
	assert_int_equal(seen.lost_err, 0);
	finish(c);
}

static void what_is_said_twice_changes_nothing(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_FLAPS, true, false);
	wait_for(30, 320);
	capture_stop(c);
	assert_int_equal(seen.n_wrong, 0);
	assert_int_equal(seen.n_unknown, 1);
	assert_int_equal(seen.lost_err, 0);
	finish(c);
}

static void damage_from_nowhere_does_no_harm(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_BAD_DAMAGE, true, false);
	wait_for(30, 320);
	capture_stop(c);
	assert_int_equal(seen.n_wrong, 0);
	assert_int_equal(seen.n_unknown, 1);
	finish(c);
}

static void the_older_protocol_does_where_it_is_all(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_GOOD, false, true);
	wait_for(10, 320);
	capture_stop(c);
	assert_int_equal(seen.lost_err, 0);
	assert_int_equal(seen.n_wrong, 0);
	assert_int_equal(seen.n_unknown, 1);
	assert_int_equal(seen.oldest_ns, 0); /* it stamps nothing that can be */
	finish(c);
}

static void rows_that_overlap_are_refused(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_BAD_STRIDE, false, true);
	wait_for(0, 0);
	assert_int_equal(seen.lost_err, PF_E_INVALID);
	finish(c);
}

/* What a refused copy left in its buffer is in no picture. */
static void a_refused_copy_leaves_nothing_in_a_picture(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_SCRIBBLES, true, false);
	wait_for(60, 320); /* and as many that failed, but never many in a row */
	capture_stop(c);
	assert_true(fake.n_tries > 110);
	assert_int_equal(seen.n_wrong, 0);
	assert_true(seen.n_unknown >= 50); /* nobody knows what changed meanwhile */
	assert_int_equal(seen.lost_err, 0);
	finish(c);
}

static void stamps_that_cannot_be_are_those_of_the_capture(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_BAD_STAMP, true, false);
	wait_for(12, 320);
	capture_stop(c);
	assert_int_equal(seen.oldest_ns, 0);
	finish(c);
}

static void pictures_upside_down_are_told(void **state)
{
	(void)state;
	for (int older = 0; older < 2; older++) {
		struct capture *c = start(FAKE_FLIPPED, !older, older);
		wait_for(12, 320);
		capture_stop(c);
		assert_int_equal(seen.n_wrong, 0);
		assert_int_equal(seen.n_inverted, seen.n / 2);
		finish(c);
	}
}

static void a_broken_one_gives_way_to_the_older(void **state)
{
	(void)state;
	static const enum fake_fault faults[] = {
		FAKE_ABSURD_SIZE, FAKE_EMPTY_SIZE, FAKE_NO_FORMAT, FAKE_REFUSES};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct capture *c = start(faults[i], true, true);
		wait_for(5, 320);
		assert_int_equal(seen.lost_err, 0);
		finish(c);
	}
}

static void what_cannot_go_on_says_why(void **state)
{
	(void)state;
	static const struct {
		enum fake_fault fault;
		int err;
		const char *why;
	} cases[] = {
		{FAKE_ABSURD_SIZE, PF_E_INVALID, "size that is out of range"},
		{FAKE_EMPTY_SIZE, PF_E_INVALID, "size that is out of range"},
		{FAKE_NO_FORMAT, PF_E_UNSUPPORTED, "formats"},
		{FAKE_NEVER_DONE, PF_E_TIMEOUT, "no picture"},
		{FAKE_REFUSES, PF_E_IO, "refuses"},
		{FAKE_STOPS, PF_E_CLOSED, "is gone"},
		{FAKE_DIES, PF_E_CLOSED, "is gone"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct capture *c = start(cases[i].fault, true, false);
		wait_for(0, 0);
		assert_int_equal(seen.lost_err, cases[i].err);
		assert_non_null(strstr(seen.why, cases[i].why));
		assert_int_equal(seen.n_wrong, 0);
		finish(c);
	}
}

/* The owner goes on: stopping does not wait for a compositor that says nothing. */
static void a_silent_compositor_does_not_hold_the_stop(void **state)
{
	(void)state;
	struct capture *c = start(FAKE_NEVER_READY, true, false);
	usleep(20000);
	const uint64_t start_ns = clock_now_ns();
	capture_stop(c);
	assert_true(clock_now_ns() - start_ns < 1000000000u);
	assert_int_equal(seen.lost_err, 0);
	finish(c);
}

static void a_compositor_without_either_is_refused(void **state)
{
	(void)state;
	struct capture *c;
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(fake_compositor_start(&fake), 0);
	struct capture_params params = {.wayland_display = fake.path,
		.output_name = "FAKE-1",
		.on_frame = on_frame,
		.on_lost = on_lost};
	assert_int_equal(capture_create(&c, "wlr", &params), PF_E_UNSUPPORTED);
	fake_compositor_stop(&fake);
	fake.has_images = true;
	assert_int_equal(fake_compositor_start(&fake), 0);
	params.output_name = "FAKE-2";
	assert_int_equal(capture_create(&c, "wlr", &params), PF_E_IO);
	fake_compositor_stop(&fake);
	assert_int_equal(capture_create(&c, "wlr", &params), PF_E_IO); /* nobody is there */
}

int main(int argc, char **argv)
{
	log_set_level(LOG_ERROR);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_picture_is_whole),
		cmocka_unit_test(another_size_is_followed),
		cmocka_unit_test(what_is_said_twice_changes_nothing),
		cmocka_unit_test(damage_from_nowhere_does_no_harm),
		cmocka_unit_test(the_older_protocol_does_where_it_is_all),
		cmocka_unit_test(rows_that_overlap_are_refused),
		cmocka_unit_test(a_refused_copy_leaves_nothing_in_a_picture),
		cmocka_unit_test(stamps_that_cannot_be_are_those_of_the_capture),
		cmocka_unit_test(pictures_upside_down_are_told),
		cmocka_unit_test(a_broken_one_gives_way_to_the_older),
		cmocka_unit_test(what_cannot_go_on_says_why),
		cmocka_unit_test(a_silent_compositor_does_not_hold_the_stop),
		cmocka_unit_test(a_compositor_without_either_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
