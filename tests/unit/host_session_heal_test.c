/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/wire/control.h"
#include "host/session/heal.h"

static void expect_take(struct heal_request *r, uint64_t next, uint64_t first, uint64_t last)
{
	struct heal_range got;
	assert_true(heal_take(r, next, &got));
	assert_int_equal(got.first, first);
	assert_int_equal(got.last, last);
	assert_false(heal_take(r, next, &got)); /* once */
}

static void requests_become_one(void **state)
{
	(void)state;
	struct heal_request r = {0};
	struct heal_range got;
	assert_false(heal_take(&r, 100, &got));
	assert_true(heal_ask(&r, 0, 0));
	expect_take(&r, 100, 0, 0);
	assert_true(heal_ask(&r, 50, 52));
	assert_true(heal_ask(&r, 48, 48));
	assert_true(heal_ask(&r, 51, 60));
	expect_take(&r, 100, 48, 60);
}

static void numbers_wrap(void **state)
{
	(void)state;
	struct heal_request r = {0};
	uint64_t turn = UINT64_C(1) << 32;
	assert_true(heal_ask(&r, 0xFFFFFFFE, 1));
	expect_take(&r, turn + 5, turn - 2, turn + 1);
	assert_true(heal_ask(&r, 1, 2));
	assert_true(heal_ask(&r, 0xFFFFFFFF, 0xFFFFFFFF));
	expect_take(&r, 3 * turn + 3, 3 * turn - 1, 3 * turn + 2);
	/* Before the first turn there was nothing. */
	struct heal_range got;
	assert_true(heal_ask(&r, 0xFFFFFFFE, 1));
	assert_false(heal_take(&r, 5, &got));
}

static void frames_that_never_were_are_not_lost(void **state)
{
	(void)state;
	struct heal_request r = {0};
	struct heal_range got;
	assert_true(heal_ask(&r, 0, 0));
	assert_false(heal_take(&r, 0, &got));
	assert_true(heal_ask(&r, 100, 110));
	assert_false(heal_take(&r, 100, &got));
	assert_true(heal_ask(&r, 0x80000000, 0x80000001));
	assert_false(heal_take(&r, 100, &got));
	assert_true(heal_ask(&r, 99, 110));
	expect_take(&r, 100, 99, 99);
}

static void what_is_too_wide_is_a_keyframe(void **state)
{
	(void)state;
	struct heal_request r = {0};
	assert_false(heal_ask(&r, 10, 9));
	assert_false(heal_ask(&r, 10, 11 + PF_RFI_MAX_RANGE));
	assert_true(heal_ask(&r, 10, 10 + PF_RFI_MAX_RANGE));
	assert_false(heal_ask(&r, 9, 9));
	expect_take(&r, 1000, 10, 10 + PF_RFI_MAX_RANGE);
	assert_true(heal_ask(&r, 10, 10));
	assert_false(heal_ask(&r, 11 + PF_RFI_MAX_RANGE, 11 + PF_RFI_MAX_RANGE));
}

static bool knows(const struct heal *h, uint64_t first, uint64_t last)
{
	return heal_knows(h, &(struct heal_range){first, last});
}

static void an_anchor_heals_what_lies_before_it(void **state)
{
	(void)state;
	struct heal h = {0};
	assert_false(knows(&h, 0, 0));
	heal_note(&h, 0, 0);	       /* the first keyframe */
	assert_false(knows(&h, 0, 0)); /* it is itself what was lost */
	heal_note(&h, 20, 25);
	assert_true(knows(&h, 20, 20));
	assert_true(knows(&h, 22, 24));
	assert_false(knows(&h, 19, 24)); /* the anchor may refer to 19 */
	assert_false(knows(&h, 20, 25)); /* the anchor is lost */
	assert_false(knows(&h, 26, 26));
	heal_note(&h, 0, 40); /* a keyframe */
	assert_true(knows(&h, 3, 39));
	assert_false(knows(&h, 3, 40));
	heal_note(&h, 50, 53);
	assert_true(knows(&h, 21, 21)); /* asked twice */
	for (unsigned i = 0; i < HEAL_ANCHORS; i++)
		heal_note(&h, 60, 61);
	assert_false(knows(&h, 50, 50));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_become_one),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(frames_that_never_were_are_not_lost),
		cmocka_unit_test(what_is_too_wide_is_a_keyframe),
		cmocka_unit_test(an_anchor_heals_what_lies_before_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
