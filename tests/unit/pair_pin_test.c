/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/pair/pair.h"

#define FAIR 4294960000u /* the greatest multiple of 10000 that 32 bits hold */

static void fill(uint8_t random[static PF_PIN_RANDOM_LEN], uint32_t v)
{
	for (size_t i = 0; i < PF_PIN_RANDOM_LEN; i += 4)
		pf_put_le32(random + i, v);
}

static void four_digits_with_their_zeros(void **state)
{
	(void)state;
	static const struct {
		uint32_t v;
		const char *pin;
	} cases[] = {{0, "0000"}, {7, "0007"}, {120, "0120"}, {4821, "4821"}, {9999, "9999"},
		{10000, "0000"}, {FAIR - 1, "9999"}};
	uint8_t random[PF_PIN_RANDOM_LEN];
	char pin[PF_PIN_LEN + 1];
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		fill(random, cases[i].v);
		memset(pin, 'x', sizeof pin);
		assert_int_equal(pf_pin_make(pin, random), PF_OK);
		assert_string_equal(pin, cases[i].pin);
		assert_true(pf_pin_valid(pin));
	}
}

static void unfair_numbers_are_passed_over(void **state)
{
	(void)state;
	uint8_t random[PF_PIN_RANDOM_LEN];
	char pin[PF_PIN_LEN + 1];
	fill(random, FAIR);
	assert_int_equal(pf_pin_make(pin, random), PF_E_AGAIN);
	fill(random, UINT32_MAX);
	assert_int_equal(pf_pin_make(pin, random), PF_E_AGAIN);
	pf_put_le32(random + PF_PIN_RANDOM_LEN - 4, 31415);
	assert_int_equal(pf_pin_make(pin, random), PF_OK);
	assert_string_equal(pin, "1415");
}

/* Chi-square over all PINs: 9999 degrees of freedom, so 10000 +- 141; six deviations are allowed. */
static void every_pin_is_equally_often(void **state)
{
	(void)state;
	enum { PINS = 10000, EACH = 40 };
	static unsigned count[PINS];
	uint64_t seed = 99;
	for (int i = 0; i < PINS * EACH; i++) {
		uint8_t random[PF_PIN_RANDOM_LEN] = {0};
		char pin[PF_PIN_LEN + 1];
		pf_put_le64(random, test_rand(&seed));
		assert_int_equal(pf_pin_make(pin, random), PF_OK);
		count[atoi(pin)]++;
	}
	double chi = 0;
	for (int i = 0; i < PINS; i++)
		chi += (count[i] - (double)EACH) * (count[i] - (double)EACH) / EACH;
	assert_true(chi > 9150 && chi < 10850);
}

static void what_is_a_pin(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "1", "123", "12345", "12a4", "12.4", " 123", "123 ",
		"+123", "-123", "12\n4", "0x12", "\xd9\xa1\xd9\xa2"};
	assert_true(pf_pin_valid("0000"));
	assert_true(pf_pin_valid("9876"));
	assert_false(pf_pin_valid(NULL));
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_false(pf_pin_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_digits_with_their_zeros),
		cmocka_unit_test(unfair_numbers_are_passed_over),
		cmocka_unit_test(every_pin_is_equally_often),
		cmocka_unit_test(what_is_a_pin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
