/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <errno.h>
#include <string.h>

#include "core/base/error.h"

static void every_code_has_its_own_phrase(void **state)
{
	(void)state;
	for (int a = PF_E_SEAT_UNAVAILABLE; a < 0; a++) {
		if ((a < PF_E_PIN && a > PF_E_NOT_ARMED))
			continue;
		assert_string_not_equal(pf_strerror(a), "unknown error");
		for (int b = a + 1; b < 0; b++)
			if (!(b < PF_E_PIN && b > PF_E_NOT_ARMED))
				assert_string_not_equal(pf_strerror(a), pf_strerror(b));
	}
	assert_string_equal(pf_strerror(-9999), "unknown error");
}

static void no_errno_becomes_success(void **state)
{
	(void)state;
	for (int e = 0; e < 200; e++)
		assert_true(pf_error_from_errno(e) < 0);
	assert_int_equal(pf_error_from_errno(EADDRINUSE), PF_E_BUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_code_has_its_own_phrase),
		cmocka_unit_test(no_errno_becomes_success),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
