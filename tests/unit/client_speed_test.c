/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "client/speed.h"

static struct speed_plan p;

/* A link that carries so much, and loses the rest. Returns how many steps it took. */
static size_t drive(uint32_t link_kbps, uint32_t max_kbps, uint32_t seconds)
{
	uint32_t kbps;
	speed_plan_init(&p, max_kbps, seconds);
	while ((kbps = speed_plan_next(&p))) {
		uint32_t through = kbps < link_kbps ? kbps : link_kbps;
		struct speed_step s = {.asked_kbps = kbps, .received_kbps = through};
		s.loss_ppm = (uint32_t)((uint64_t)(kbps - through) * 1000000 / kbps);
		assert_true(kbps <= max_kbps);
		assert_true(p.n_steps < SPEED_STEPS_MAX);
		speed_plan_put(&p, &s);
	}
	return p.n_steps;
}

static void a_link_is_found_from_both_sides(void **state)
{
	(void)state;
	static const uint32_t links[] = {1000, 3000, 5000, 20000, 50000, 94000, 290000};
	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++) {
		drive(links[i], 300000, 8);
		assert_true(p.limited);
		assert_in_range(p.best_kbps, links[i] / 2, links[i]);
		assert_in_range(speed_plan_recommend(&p), links[i] / 3, links[i] * 85 / 100);
		assert_int_equal(speed_plan_recommend(&p) % 500, 0);
	}
}

static void a_link_that_is_faster_is_not_blamed(void **state)
{
	(void)state;
	drive(1000000, 30000, 8);
	assert_false(p.limited);
	assert_int_equal(p.best_kbps, 30000);
	assert_int_equal(speed_plan_recommend(&p), 24000);
	assert_int_equal(drive(1000000, 1000, 8), 1);
}

static void a_test_ends_in_its_time(void **state)
{
	(void)state;
	/* Ten steps at most of the time that was given. */
	assert_in_range(drive(4500, 8000000, 2), 1, 7);
	assert_in_range(drive(0, 8000000, 15), 1, 15);
	assert_int_equal(speed_plan_recommend(&p), 0);
}

static void a_full_queue_is_not_good(void **state)
{
	(void)state;
	struct speed_step s = {.asked_kbps = 4000, .received_kbps = 4000, .rtt_ns = 80000000};
	speed_plan_init(&p, 300000, 8);
	p.rest_rtt_ns = 10000000;
	speed_plan_put(&p, &s);
	assert_true(p.limited);
	speed_plan_init(&p, 300000, 8);
	p.rest_rtt_ns = 40000000;
	speed_plan_put(&p, &s);
	assert_false(p.limited);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_link_is_found_from_both_sides),
		cmocka_unit_test(a_link_that_is_faster_is_not_blamed),
		cmocka_unit_test(a_test_ends_in_its_time),
		cmocka_unit_test(a_full_queue_is_not_good),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
