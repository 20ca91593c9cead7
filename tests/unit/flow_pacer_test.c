/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/flow/pacer.h"

#define MS UINT64_C(1000000)
#define S  UINT64_C(1000000000)

static struct pf_pacer make(uint64_t rate_bps, size_t burst, uint64_t max_spread_ns)
{
	struct pf_pacer p;
	const struct pf_pacer_params params = {
		.rate_bps = rate_bps, .burst_bytes = burst, .max_spread_ns = max_spread_ns};
	assert_int_equal(pf_pacer_init(&p, &params, 5 * S), PF_OK);
	return p;
}

/* Sends n packets as the pacer asks, from now on. Returns the time of the last one. */
static uint64_t send(struct pf_pacer *p, size_t len, size_t n, uint64_t now, size_t *wakes)
{
	pf_pacer_begin(p, len * n, now);
	for (;;) {
		size_t some = pf_pacer_take(p, len, n, now);
		assert_true(some <= n);
		n -= some;
		if (!n)
			return now;
		uint64_t deadline = pf_pacer_deadline(p, len, n);
		assert_true(deadline > now);
		/* one nanosecond before it is too early for what it promises */
		now = deadline;
		++*wakes;
		assert_true(*wakes < 1000000);
	}
}

static void no_rate_means_everything_at_once(void **state)
{
	(void)state;
	struct pf_pacer p = make(0, 0, 0);
	pf_pacer_begin(&p, 100000, 5 * S);
	assert_int_equal(pf_pacer_take(&p, 1472, 5000, 5 * S), 5000);
	assert_true(pf_pacer_deadline(&p, 1472, 1) == 5 * S);
}

static void a_burst_leaves_at_once_and_the_rest_at_the_rate(void **state)
{
	(void)state;
	struct pf_pacer p = make(100000000, 20 * 1472, 0);
	size_t wakes = 0;
	/* 1 MiB of 1472-byte packets at 100 Mbit/s: about 84 ms, less the burst's 2.4 ms */
	size_t n = (1 << 20) / 1472 + 1;
	assert_int_equal(pf_pacer_take(&p, 1472, n, 5 * S), 20);
	assert_int_equal(pf_pacer_take(&p, 1472, n, 5 * S), 0);
	uint64_t end = send(&p, 1472, n - 20, 5 * S, &wakes);
	uint64_t want = (n - 20) * 1472 * 8 * 10; /* ns at 100 Mbit/s */
	assert_true(end >= 5 * S + want && end <= 5 * S + want + MS);
	/* no wake-up for a packet each: 250 us are worth two of them */
	assert_true(wakes <= n / 2 + 1);
}

static void a_deadline_keeps_its_promise_and_is_not_late(void **state)
{
	(void)state;
	const uint64_t rates[] = {8, 1000, 1000003, 20000000, 999999937, UINT64_C(10000000000),
		PF_PACER_MAX_RATE_BPS};
	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct pf_pacer p = make(rates[i], 3000, 0);
		uint64_t now = 5 * S;
		while (pf_pacer_take(&p, 1472, 1, now))
			;
		uint64_t deadline = pf_pacer_deadline(&p, 1472, 1);
		assert_true(deadline > now);
		struct pf_pacer early = p;
		assert_int_equal(pf_pacer_take(&early, 1472, 1, deadline - 1), 0);
		assert_int_equal(pf_pacer_take(&p, 1472, 1, deadline), 1);
	}
}

/* Over any stretch of time no more leaves than the bucket and the rate allow. */
static void the_rate_is_never_exceeded(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t rand = seed, rate = 1000000 + test_rand(&rand) % 2000000000u;
		size_t burst = test_rand(&rand) % 100000;
		struct pf_pacer p = make(rate, burst, 0);
		uint64_t start = 5 * S, now = start, sent = 0;
		uint64_t quantum = rate / 8 * PF_PACER_DEFAULT_WAIT_NS / S + 1;
		uint64_t cap = burst > quantum ? burst : quantum;
		cap = cap > 1500 ? cap : 1500;
		for (int i = 0; i < 20000; i++) {
			size_t len = 100 + test_rand(&rand) % 1400;
			now += test_rand(&rand) % 100000;
			sent += len * pf_pacer_take(&p, len, test_rand(&rand) % 50, now);
			uint64_t allowed = cap +
				(uint64_t)((double)(now - start) * (double)rate / 8e9);
			assert_true(sent <= allowed + 2);
		}
		/* and nearly all of it can be had */
		assert_true((double)sent > (double)(now - start) * (double)rate / 8e9 * 0.2);
	}
}

static void asking_often_loses_nothing(void **state)
{
	(void)state;
	/* 3 bytes a microsecond, asked every 7 ns: what is below a byte must add up. */
	struct pf_pacer p = make(24000003, 0, 0);
	uint64_t sent = 0, now = 5 * S;
	for (int i = 0; i < 3000000; i++, now += 7)
		sent += 10 * pf_pacer_take(&p, 10, 100, now);
	uint64_t want = UINT64_C(3000000) * 7 * 3 / 1000;
	assert_in_range(sent, want - 800, want + 800);
}

static void a_frame_never_takes_longer_than_its_bound(void **state)
{
	(void)state;
	struct pf_pacer p = make(10000000, 10000, 12 * MS);
	size_t wakes = 0;
	uint64_t now = 5 * S;
	for (int i = 0; i < 20; i++) {
		uint64_t end = send(&p, 1472, 400, now, &wakes); /* 471 ms at the rate alone */
		assert_true(end - now <= 12 * MS + 1);
		assert_true(end - now >= 11 * MS);
		now += 16 * MS;
	}
	/* and a small one goes at the rate again */
	now += S;
	uint64_t end = send(&p, 1000, 14, now, &wakes); /* 10 of them are the burst */
	assert_true(end - now >= 3 * MS && end - now <= 4 * MS);
}

static void time_may_stand_still_or_go_back(void **state)
{
	(void)state;
	struct pf_pacer p = make(8000000, 1500, 0);
	assert_int_equal(pf_pacer_take(&p, 1500, 2, 5 * S), 1);
	assert_int_equal(pf_pacer_take(&p, 1500, 2, 4 * S), 0);
	assert_int_equal(pf_pacer_take(&p, 1500, 2, 0), 0);
	assert_int_equal(pf_pacer_take(&p, 1500, 2, 5 * S + 3 * MS / 2), 1);
	assert_int_equal(pf_pacer_take(&p, 1500, 2, UINT64_MAX), 1); /* capped, not overflowed */
	assert_true(pf_pacer_deadline(&p, 1500, 1) == UINT64_MAX);
}

static int set_rate(struct pf_pacer *p, uint64_t rate_bps, uint64_t now_ns)
{
	return pf_pacer_set(p, &(struct pf_pacer_params){.rate_bps = rate_bps}, now_ns);
}

static void what_was_earned_stays(void **state)
{
	(void)state;
	struct pf_pacer p = make(8000000, 3000, 0);
	const struct pf_pacer_params same = {.rate_bps = 8000000, .burst_bytes = 3000};
	assert_int_equal(pf_pacer_take(&p, 1000, 9, 5 * S), 3);
	for (uint64_t t = 0; t < 10; t++) /* asking again and again earns nothing by itself */
		assert_int_equal(pf_pacer_set(&p, &same, 5 * S + t * MS / 10), PF_OK);
	assert_int_equal(pf_pacer_take(&p, 1000, 9, 5 * S + MS), 1);
	assert_int_equal(pf_pacer_take(&p, 1000, 9, 5 * S + 10 * MS), 3);
	const struct pf_pacer_params small = {.rate_bps = 8000000, .burst_bytes = 1000};
	assert_int_equal(pf_pacer_set(&p, &small, 5 * S + 100 * MS), PF_OK);
	assert_int_equal(pf_pacer_take(&p, 1000, 9, 5 * S + 100 * MS), 1);
}

static void the_rate_can_change(void **state)
{
	(void)state;
	struct pf_pacer p = make(8000000, 0, 0);
	uint64_t now = 5 * S;
	assert_int_equal(pf_pacer_take(&p, 1000, 1, now), 0);
	assert_true(pf_pacer_deadline(&p, 1000, 1) == now + MS);
	assert_int_equal(set_rate(&p, 80000000, now), PF_OK);
	assert_true(pf_pacer_deadline(&p, 1000, 1) == now + MS / 10);
	assert_int_equal(set_rate(&p, 0, now), PF_OK);
	assert_int_equal(pf_pacer_take(&p, 1000, 77, now), 77);
	assert_int_equal(set_rate(&p, 1, now), PF_OK); /* less than a byte: one */
	assert_true(pf_pacer_deadline(&p, 1000, 1) > now + 900 * S);
}

static void bad_params_are_refused(void **state)
{
	(void)state;
	struct pf_pacer p;
	struct pf_pacer_params params = {.rate_bps = PF_PACER_MAX_RATE_BPS + 1};
	assert_int_equal(pf_pacer_init(&p, &params, 0), PF_E_INVALID);
	params = (struct pf_pacer_params){.burst_bytes = PF_PACER_MAX_BURST + 1};
	assert_int_equal(pf_pacer_init(&p, &params, 0), PF_E_INVALID);
	params = (struct pf_pacer_params){.min_wait_ns = S + 1};
	assert_int_equal(pf_pacer_init(&p, &params, 0), PF_E_INVALID);
	params = (struct pf_pacer_params){.rate_bps = 1000};
	assert_int_equal(pf_pacer_init(&p, &params, 0), PF_OK);
	assert_int_equal(set_rate(&p, UINT64_MAX, 0), PF_E_INVALID);
	/* lengths that make no sense are let through rather than waited for */
	assert_int_equal(pf_pacer_take(&p, SIZE_MAX, 3, 1), 3);
	assert_int_equal(pf_pacer_take(&p, 0, 3, 1), 3);
	assert_true(pf_pacer_deadline(&p, 1000, SIZE_MAX) > 0);
	pf_pacer_begin(&p, SIZE_MAX, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_rate_means_everything_at_once),
		cmocka_unit_test(a_burst_leaves_at_once_and_the_rest_at_the_rate),
		cmocka_unit_test(a_deadline_keeps_its_promise_and_is_not_late),
		cmocka_unit_test(the_rate_is_never_exceeded),
		cmocka_unit_test(asking_often_loses_nothing),
		cmocka_unit_test(a_frame_never_takes_longer_than_its_bound),
		cmocka_unit_test(time_may_stand_still_or_go_back),
		cmocka_unit_test(what_was_earned_stays),
		cmocka_unit_test(the_rate_can_change),
		cmocka_unit_test(bad_params_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
