/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "client/clock.h"
#include "client/script.h"

#define START (100 * NS_PER_S)

static void typing_has_a_persons_pace(void **state)
{
	(void)state;
	struct script s;
	struct punktfunk_input_event e;
	script_init(&s, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false, START);
	assert_int_equal(script_deadline(&s), START);
	assert_false(script_poll(&s, START - 1, &e));
	uint64_t now = START;
	int downs = 0, ups = 0;
	while (!script_done(&s)) {
		now = script_deadline(&s);
		while (script_poll(&s, now, &e)) {
			downs += e.kind == PUNKTFUNK_INPUT_KEY_DOWN;
			ups += e.kind == PUNKTFUNK_INPUT_KEY_UP;
		}
	}
	assert_int_equal(downs, 30);
	assert_int_equal(ups, 30);
	assert_in_range(now - START, 900 * NS_PER_MS, 1100 * NS_PER_MS);
	assert_true(script_deadline(&s) == UINT64_MAX);
}

static void a_late_poll_does_not_burst(void **state)
{
	(void)state;
	struct script s;
	struct punktfunk_input_event e;
	int n = 0;
	script_init(&s, "abc", true, START);
	script_set_size(&s, 640, 360);
	while (script_poll(&s, START + 10 * NS_PER_S, &e))
		n++;
	/* One key down (held 15 ms from now on) and one move. */
	assert_int_equal(n, 2);
}

static void the_pointer_stays_in_its_quarter(void **state)
{
	(void)state;
	struct script s;
	struct punktfunk_input_event e;
	script_init(&s, NULL, true, START);
	script_set_size(&s, 1920, 1080);
	int moves = 0, different = 0, last = -1;
	while (script_deadline(&s) < START + 3 * NS_PER_S) {
		assert_true(script_poll(&s, script_deadline(&s), &e));
		assert_int_equal(e.kind, PUNKTFUNK_INPUT_MOUSE_ABS);
		assert_int_equal(e.flags, 1920u << 16 | 1080);
		assert_in_range(e.x, 1920 / 2, 1919);
		assert_in_range(e.y, 1080 / 2, 1079);
		different += e.x != last;
		last = e.x;
		moves++;
	}
	assert_in_range(moves, 150, 200);
	assert_true(different > 100);
	assert_false(script_done(&s));
	script_cancel(&s);
	assert_true(script_done(&s));
}

static void cancelling_lets_the_keys_up(void **state)
{
	(void)state;
	struct script s;
	struct punktfunk_input_event e;
	script_init(&s, "ABC", false, START);
	assert_true(script_poll(&s, START, &e));	    /* shift */
	assert_true(script_poll(&s, START + NS_PER_S, &e)); /* A */
	script_cancel(&s);
	int ups = 0;
	while (script_poll(&s, UINT64_MAX, &e)) {
		assert_int_equal(e.kind, PUNKTFUNK_INPUT_KEY_UP);
		ups++;
	}
	assert_int_equal(ups, 2);
	assert_true(script_done(&s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typing_has_a_persons_pace),
		cmocka_unit_test(a_late_poll_does_not_burst),
		cmocka_unit_test(the_pointer_stays_in_its_quarter),
		cmocka_unit_test(cancelling_lets_the_keys_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
