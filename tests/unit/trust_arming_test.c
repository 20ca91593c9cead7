/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "host/trust/arming.h"

#define S 1000000000ull

static uint8_t fp[PF_PAIR_FINGERPRINT_LEN], other[PF_PAIR_FINGERPRINT_LEN] = {1};
static char pin[PF_PIN_LEN + 1];

static void arm(struct arming *a, uint64_t now_ns, uint32_t ttl_s, const uint8_t *bound)
{
	static uint8_t random[PF_PIN_RANDOM_LEN];
	int err;
	do {
		random[0]++, random[1] += 37, random[2] += 11;
		err = arming_arm(a, now_ns, ttl_s, bound, random);
	} while (err == PF_E_AGAIN);
	assert_int_equal(err, PF_OK);
	assert_true(pf_pin_valid(a->pin));
}

static void a_pin_is_good_once(void **state)
{
	struct arming a;
	(void)state;
	arming_init(&a, ARMING_COOLDOWN_NS);
	assert_int_equal(arming_begin(&a, S, fp, pin), PF_E_NOT_ARMED);
	arm(&a, S, ARMING_TTL_S, NULL);
	char shown[PF_PIN_LEN + 1];
	memcpy(shown, a.pin, sizeof(shown));
	assert_int_equal(arming_begin(&a, 2 * S, fp, pin), PF_OK);
	assert_string_equal(pin, shown);
	assert_string_equal(a.pin, ""); /* burnt, before anything was answered */
	assert_int_equal(arming_left_s(&a, 2 * S), 0);
	arming_end(&a);
	assert_int_equal(arming_begin(&a, 100 * S, fp, pin), PF_E_NOT_ARMED);
	arming_finish(&a);
}

static void time_disarms(void **state)
{
	struct arming a;
	(void)state;
	arming_init(&a, 0);
	arm(&a, 10 * S, 120, NULL);
	assert_int_equal(arming_left_s(&a, 10 * S), 120);
	assert_int_equal(arming_left_s(&a, 130 * S - 1), 1);
	assert_int_equal(arming_left_s(&a, 130 * S), 0);
	assert_string_equal(a.pin, "");
	/* The attempt itself notices, too. */
	arm(&a, 10 * S, 1, NULL);
	assert_int_equal(arming_begin(&a, 11 * S, fp, pin), PF_E_NOT_ARMED);
	arm(&a, 10 * S, 1, NULL);
	assert_int_equal(arming_begin(&a, 11 * S - 1, fp, pin), PF_OK);
	arming_end(&a);
	arm(&a, 20 * S, 120, NULL);
	arming_disarm(&a);
	assert_int_equal(arming_begin(&a, 20 * S, fp, pin), PF_E_NOT_ARMED);
	static const uint8_t random[PF_PIN_RANDOM_LEN];
	assert_int_equal(arming_arm(&a, S, 0, NULL, random), PF_E_INVALID);
	assert_int_equal(arming_arm(&a, S, ARMING_TTL_MAX_S + 1, NULL, random), PF_E_INVALID);
	arming_finish(&a);
}

static void a_bound_pin_is_for_one_device(void **state)
{
	struct arming a;
	(void)state;
	arming_init(&a, ARMING_COOLDOWN_NS);
	arm(&a, S, 60, fp);
	/* Another one neither burns it nor holds the right one up. */
	assert_int_equal(arming_begin(&a, 2 * S, other, pin), PF_E_BOUND_TO_OTHER);
	assert_int_equal(arming_begin(&a, 2 * S, fp, pin), PF_OK);
	arming_end(&a);
	/* The next arming is bound to nobody. */
	arm(&a, 10 * S, 60, NULL);
	assert_int_equal(arming_begin(&a, 10 * S, other, pin), PF_OK);
	arming_finish(&a);
}

static void one_ceremony_at_a_time_and_not_too_fast(void **state)
{
	struct arming a;
	(void)state;
	arming_init(&a, ARMING_COOLDOWN_NS);
	arm(&a, 100 * S, 3600, NULL);
	assert_int_equal(arming_begin(&a, 100 * S, fp, pin), PF_OK);
	arm(&a, 101 * S, 3600, NULL); /* a person may arm again while it runs */
	assert_int_equal(arming_begin(&a, 110 * S, other, pin), PF_E_RATE_LIMITED);
	arming_end(&a);
	assert_int_equal(arming_begin(&a, 110 * S, other, pin), PF_OK);
	arming_end(&a);
	arm(&a, 110 * S, 3600, NULL);
	assert_int_equal(arming_begin(&a, 112 * S - 1, fp, pin), PF_E_RATE_LIMITED);
	assert_int_equal(arming_begin(&a, 112 * S, fp, pin), PF_OK);
	/* One whose end got lost does not block for ever. */
	arm(&a, 120 * S, 3600, NULL);
	assert_int_equal(arming_begin(&a, 172 * S - 1, fp, pin), PF_E_RATE_LIMITED);
	assert_int_equal(arming_begin(&a, 172 * S, fp, pin), PF_OK);
	assert_int_equal(a.n_attempts, 4);
	arming_finish(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pin_is_good_once),
		cmocka_unit_test(time_disarms),
		cmocka_unit_test(a_bound_pin_is_for_one_device),
		cmocka_unit_test(one_ceremony_at_a_time_and_not_too_fast),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
