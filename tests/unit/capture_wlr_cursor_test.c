/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/capture/capture.h"
#include "host/media/clock.h"
#include "tests/support/fake_compositor.h"
#include "tests/support/fake_cursor.h"

/* The pointer of wlroots compositors, apart from the picture and in it, against one that a test drives. */

#define WAIT_NS 10000000000ull

static struct fake_compositor fake;

static struct {
	pthread_mutex_t lock;
	struct cursor_shape *shape;
	struct cursor_state state;
	unsigned n_told, n_shapes, n_frames, n_lost;
} seen;

static void on_frame(struct frame *f, void *userdata)
{
	pthread_mutex_lock(&seen.lock);
	seen.n_frames++;
	pthread_mutex_unlock(&seen.lock);
}

static void on_cursor(struct cursor_shape *shape, const struct cursor_state *state, void *userdata)
{
	pthread_mutex_lock(&seen.lock);
	if (shape) {
		cursor_shape_unref(seen.shape);
		seen.shape = cursor_shape_ref(shape);
		seen.n_shapes++;
	}
	/* Each is told with the shape that it names, now or before. */
	assert_true(!state->visible || (seen.shape && seen.shape->serial == state->serial));
	seen.state = *state;
	seen.n_told++;
	pthread_mutex_unlock(&seen.lock);
}

static void on_lost(int err, const char *why, void *userdata)
{
	pthread_mutex_lock(&seen.lock);
	seen.n_lost++;
	pthread_mutex_unlock(&seen.lock);
}

static void start_compositor(bool images, bool screencopy)
{
	memset(&fake, 0, sizeof(fake));
	memset(&seen, 0, sizeof(seen));
	pthread_mutex_init(&seen.lock, NULL);
	fake.has_images = images;
	fake.has_screencopy = screencopy;
	fake.has_seat = true;
	fake.pointer_there = true;
	fake.pointer_look = 1;
	fake.pointer_x = 10;
	fake.pointer_y = 20;
	fake.width = 320;
	fake.height = 240;
}

static struct capture *start_capture(bool drawn)
{
	struct capture *c;
	assert_int_equal(fake_compositor_start(&fake), 0);
	const struct capture_params params = {.wayland_display = fake.path,
		.output_name = "FAKE-1",
		.cursor = true,
		.on_frame = on_frame,
		.on_cursor = on_cursor,
		.on_lost = on_lost};
	assert_int_equal(capture_create(&c, "wlr", &params), 0);
	capture_draw_cursor(c, drawn);
	assert_int_equal(capture_start(c), 0);
	return c;
}

static void finish(struct capture *c)
{
	capture_destroy(c);
	assert_int_equal(seen.n_lost, 0);
	cursor_shape_unref(seen.shape);
	fake_compositor_stop(&fake);
	assert_int_equal(fake.n_pointers, 0);
	pthread_mutex_destroy(&seen.lock);
}

static unsigned count_frames(void)
{
	pthread_mutex_lock(&seen.lock);
	const unsigned n = seen.n_frames;
	pthread_mutex_unlock(&seen.lock);
	return n;
}

static bool is_at(int32_t x, int32_t y)
{
	return seen.state.visible && seen.state.x == x && seen.state.y == y;
}

static bool is_look(uint32_t look)
{
	return seen.state.visible && seen.shape->width == FAKE_SHAPE_SIDE(look) - 1;
}

static bool is_hidden(void)
{
	return seen.n_told && !seen.state.visible;
}

#define WAIT_UNTIL(condition) \
	do { \
		const uint64_t until_ns = clock_now_ns() + WAIT_NS; \
		for (bool there = false; !there;) { \
			pthread_mutex_lock(&seen.lock); \
			there = (condition); \
			pthread_mutex_unlock(&seen.lock); \
			if (!there && clock_now_ns() > until_ns) \
				fail_msg("never: %s (at %d,%d, visible %d, %u told)", #condition, \
					seen.state.x, seen.state.y, seen.state.visible, \
					seen.n_told); \
			usleep(1000); \
		} \
	} while (0)

static void it_is_told_apart(void **state)
{
	start_compositor(true, true);
	struct capture *c = start_capture(false);
	assert_true(c->caps.cursor);
	WAIT_UNTIL(is_at(10, 20) && is_look(1) && seen.n_frames > 3);
	assert_false(fake.paints);
	/* What is not seen at its edge is cut off; its colours are no longer multiplied with alpha. */
	assert_int_equal(seen.shape->height, FAKE_SHAPE_SIDE(1) - 1);
	assert_int_equal(seen.shape->hot_x, 1);
	assert_int_equal(seen.shape->hot_y, 1);
	const uint8_t want[4] = {0x80, 0, 2, 0x80};
	for (size_t i = 0; i < (size_t)seen.shape->width * seen.shape->height; i++)
		assert_memory_equal(seen.shape->rgba + i * 4, want, 4);

	fake.pointer_x = 300;
	WAIT_UNTIL(is_at(300, 20));
	assert_int_equal(seen.n_shapes, 1);
	fake.pointer_look = 2;
	WAIT_UNTIL(is_look(2) && seen.shape->hot_x == 2);
	fake.pointer_look = 0;
	WAIT_UNTIL(is_hidden());
	fake.pointer_look = 2;
	WAIT_UNTIL(is_at(300, 20));
	assert_int_equal(seen.n_shapes, 2);
	finish(c);
}

/* A client may change its mind at any time. */
static void it_is_painted_when_that_is_wanted(void **state)
{
	start_compositor(true, true);
	struct capture *c = start_capture(true);
	WAIT_UNTIL(seen.n_frames > 3);
	assert_true(fake.paints);
	assert_int_equal(seen.n_told, 0);
	for (int i = 0; i < 3; i++) {
		capture_draw_cursor(c, false);
		WAIT_UNTIL(is_at(10, 20) && !fake.paints);
		const unsigned before = count_frames();
		capture_draw_cursor(c, true);
		WAIT_UNTIL(is_hidden() && fake.paints && seen.n_frames > before + 3);
	}
	/* Back and forth before anybody looked. */
	for (int i = 0; i < 21; i++)
		capture_draw_cursor(c, i % 2);
	WAIT_UNTIL(is_at(10, 20) && !fake.paints);
	capture_stop(c);
	seen.n_told = 0;
	assert_int_equal(capture_start(c), 0);
	WAIT_UNTIL(seen.n_told && is_at(10, 20));
	finish(c);
}

static void a_seat_may_have_it_later_and_lose_it(void **state)
{
	start_compositor(true, true);
	fake.pointer_there = false;
	struct capture *c = start_capture(false);
	assert_true(c->caps.cursor);
	WAIT_UNTIL(seen.n_frames > 3);
	assert_int_equal(seen.n_told, 0);
	for (int i = 0; i < 3; i++) {
		fake.pointer_there = true;
		WAIT_UNTIL(is_at(10, 20));
		fake.pointer_there = false;
		WAIT_UNTIL(is_hidden() && !fake.n_pointers);
	}
	assert_false(fake.paints);
	finish(c);
}

/* Who sees none so has it in the picture. */
static void a_shape_that_makes_no_sense_is_painted(void **state)
{
	static const enum fake_pointer_fault faults[] = {FAKE_POINTER_HUGE, FAKE_POINTER_NO_FORMAT,
		FAKE_POINTER_REFUSES, FAKE_POINTER_SILENT, FAKE_POINTER_STOPS};
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		start_compositor(true, true);
		fake.pointer_fault = faults[i];
		struct capture *c = start_capture(false);
		WAIT_UNTIL(fake.paints && !fake.n_pointers);
		const unsigned before = count_frames();
		WAIT_UNTIL(seen.n_frames > before + 3 && !seen.state.visible);
		/* It stays so. */
		capture_draw_cursor(c, true);
		capture_draw_cursor(c, false);
		usleep(20000);
		assert_true(fake.paints);
		finish(c);
	}
}

static void places_from_nowhere_do_no_harm(void **state)
{
	start_compositor(true, true);
	fake.pointer_fault = FAKE_POINTER_ODD;
	fake.pointer_x = INT32_MIN;
	fake.pointer_y = INT32_MAX;
	struct capture *c = start_capture(false);
	WAIT_UNTIL(is_at(-CURSOR_MAX_POS, CURSOR_MAX_POS));
	assert_int_equal(seen.shape->hot_x, 0);
	assert_int_equal(seen.shape->hot_y, seen.shape->height - 1);
	finish(c);
}

/* Nothing promises it apart there, and nobody can leave it out. */
static void the_older_protocol_paints_it(void **state)
{
	start_compositor(false, true);
	struct capture *c = start_capture(false);
	assert_false(c->caps.cursor);
	WAIT_UNTIL(seen.n_frames > 3);
	assert_true(fake.paints);
	finish(c);

	start_compositor(true, true);
	fake.has_seat = false;
	c = start_capture(false);
	assert_false(c->caps.cursor);
	WAIT_UNTIL(seen.n_frames > 3);
	assert_true(fake.paints);
	finish(c);

	/* The one that promised it is broken. */
	start_compositor(true, true);
	fake.fault = FAKE_REFUSES;
	c = start_capture(false);
	assert_true(c->caps.cursor);
	WAIT_UNTIL(seen.n_frames > 3);
	assert_true(fake.paints);
	assert_false(seen.state.visible);
	finish(c);
}

int main(int argc, char **argv)
{
	log_set_level(LOG_ERROR);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_told_apart),
		cmocka_unit_test(it_is_painted_when_that_is_wanted),
		cmocka_unit_test(a_seat_may_have_it_later_and_lose_it),
		cmocka_unit_test(a_shape_that_makes_no_sense_is_painted),
		cmocka_unit_test(places_from_nowhere_do_no_harm),
		cmocka_unit_test(the_older_protocol_paints_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
