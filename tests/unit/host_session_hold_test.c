/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>
#include <systemd/sd-event.h>

#include "host/base/loop.h"
#include "host/media/clock.h"
#include "host/session/hold.h"

static struct loop *loop;
static struct hold hold;
static uint32_t away;
static struct pf_input got[256];
static size_t n_got;

static uint32_t ask_away(void *userdata)
{
	(void)userdata;
	return away;
}

static void deliver(const struct pf_input *event, void *userdata)
{
	(void)userdata;
	assert_true(n_got < sizeof(got) / sizeof(got[0]));
	got[n_got++] = *event;
}

static void put(uint8_t kind, uint32_t code, int32_t x, int32_t y)
{
	hold_input(&hold, &(struct pf_input){.kind = kind, .code = code, .x = x, .y = y});
}

static void run_ms(unsigned ms)
{
	const uint64_t until_ns = clock_now_ns() + ms * UINT64_C(1000000);
	while (clock_now_ns() < until_ns)
		assert_true(sd_event_run(loop_sd_event(loop), 1000) >= 0);
}

static void run_until(size_t n)
{
	for (unsigned ms = 0; n_got < n && ms < 10000; ms++)
		run_ms(1);
	assert_int_equal(n_got, n);
}

static int start(void **state)
{
	const struct hold_params params = {.away = ask_away, .deliver = deliver};
	(void)state;
	n_got = 0;
	away = 0;
	if (loop_create(&loop) < 0)
		return -1;
	struct hold_params p = params;
	p.loop = loop;
	return hold_init(&hold, &p);
}

static int finish(void **state)
{
	(void)state;
	hold_finish(&hold);
	hold_finish(&hold);
	loop_destroy(loop);
	return 0;
}

static void nothing_waits_where_the_display_is_there(void **state)
{
	(void)state;
	put(PF_INPUT_MOUSE_ABS, 0, 3, 4);
	put(PF_INPUT_BUTTON_DOWN, 1, 0, 0);
	assert_int_equal(n_got, 2);
	run_ms(40);
	assert_int_equal(n_got, 2);
}

static void what_waits_keeps_its_order_and_moves_are_joined(void **state)
{
	static const uint8_t kinds[] = {PF_INPUT_KEY_DOWN, PF_INPUT_MOUSE_ABS, PF_INPUT_BUTTON_DOWN,
		PF_INPUT_MOUSE_REL, PF_INPUT_TOUCH_MOVE, PF_INPUT_TOUCH_MOVE, PF_INPUT_KEY_UP};
	(void)state;
	away = 1;
	put(PF_INPUT_KEY_DOWN, 'A', 0, 0);
	for (int i = 0; i < 500; i++)
		put(PF_INPUT_MOUSE_ABS, 0, i, 2 * i);
	put(PF_INPUT_BUTTON_DOWN, 1, 0, 0);
	for (int i = 0; i < 500; i++)
		put(PF_INPUT_MOUSE_REL, 0, 2, -1);
	put(PF_INPUT_TOUCH_MOVE, 1, 1, 1);
	put(PF_INPUT_TOUCH_MOVE, 1, 2, 2);
	put(PF_INPUT_TOUCH_MOVE, 2, 3, 3);
	put(PF_INPUT_KEY_UP, 'A', 0, 0);
	run_ms(10);
	assert_int_equal(n_got, 0);
	away = 2;
	put(PF_INPUT_KEY_UP, 'B', 0, 0); /* not before those */
	run_until(8);
	for (size_t i = 0; i < sizeof(kinds); i++)
		assert_int_equal(got[i].kind, kinds[i]);
	assert_int_equal(got[1].x, 499);
	assert_int_equal(got[1].y, 998);
	assert_int_equal(got[3].x, 1000);
	assert_int_equal(got[3].y, -500);
	assert_int_equal(got[4].x, 2);
	assert_int_equal(got[7].code, 'B');
}

static void sums_do_not_overflow(void **state)
{
	(void)state;
	away = 1;
	put(PF_INPUT_MOUSE_REL, 0, INT32_MAX, 5);
	put(PF_INPUT_MOUSE_REL, 0, 1, 5);
	put(PF_INPUT_MOUSE_REL, 0, -1, INT32_MIN);
	away = 2;
	run_until(2);
	assert_int_equal(got[0].x, INT32_MAX);
	assert_int_equal(got[0].y, 5);
	assert_int_equal(got[1].x, 0);
	assert_int_equal(got[1].y, INT32_MIN + 5);
}

static void a_display_that_stays_away_gets_it_all_the_same(void **state)
{
	(void)state;
	away = 1;
	put(PF_INPUT_KEY_DOWN, 'A', 0, 0);
	const uint64_t start_ns = clock_now_ns();
	run_until(1);
	assert_true(clock_now_ns() - start_ns >= HOLD_NS - 1000000);
	/* More than there is room for goes on, too. */
	for (unsigned i = 0; i <= HOLD_EVENTS; i++)
		put(PF_INPUT_SCROLL, 0, (int32_t)i, 0);
	assert_int_equal(n_got, 1 + HOLD_EVENTS);
	assert_int_equal(got[HOLD_EVENTS].x, HOLD_EVENTS - 1);
}

static void a_place_that_was_just_missed_is_put_again(void **state)
{
	(void)state;
	put(PF_INPUT_MOUSE_ABS, 0, 7, 8);
	away = 1;
	run_ms(40);
	assert_int_equal(n_got, 1);
	away = 2;
	run_until(2);
	assert_int_equal(got[1].kind, PF_INPUT_MOUSE_ABS);
	assert_int_equal(got[1].x, 7);
	run_ms(40);
	assert_int_equal(n_got, 2);
	/* Not where the pointer has been moved on, nor for a client that let go. */
	put(PF_INPUT_MOUSE_ABS, 0, 7, 8);
	put(PF_INPUT_MOUSE_REL, 0, 1, 1);
	away = 4;
	run_ms(40);
	assert_int_equal(n_got, 4);
	put(PF_INPUT_MOUSE_ABS, 0, 7, 8);
	hold_drop(&hold);
	away = 6;
	run_ms(40);
	assert_int_equal(n_got, 5);
}

static void who_lets_go_leaves_nothing(void **state)
{
	(void)state;
	away = 1;
	put(PF_INPUT_KEY_DOWN, 'A', 0, 0);
	hold_drop(&hold);
	away = 2;
	run_ms(20);
	assert_int_equal(n_got, 0);
}

#define HOLD_TEST(f) cmocka_unit_test_setup_teardown(f, start, finish)

int main(void)
{
	const struct CMUnitTest tests[] = {
		HOLD_TEST(nothing_waits_where_the_display_is_there),
		HOLD_TEST(what_waits_keeps_its_order_and_moves_are_joined),
		HOLD_TEST(sums_do_not_overflow),
		HOLD_TEST(a_display_that_stays_away_gets_it_all_the_same),
		HOLD_TEST(a_place_that_was_just_missed_is_put_again),
		HOLD_TEST(who_lets_go_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
