/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "host/capture/pipewire_rest.h"

#define S UINT64_C(1000000000)

static void a_rest_costs_one_where_words_come(void **state)
{
	struct pipewire_rest r = {0};
	(void)state;
	pipewire_rest_note(&r, 1, 0, 5 * S);
	assert_true(r.came);
	assert_int_equal(pipewire_rest_due(&r), UINT64_MAX);
	pipewire_rest_note(&r, 1, 1, 5 * S + 1000);
	assert_false(r.came);
	assert_int_equal(pipewire_rest_due(&r), 5 * S + REST_NS);
	pipewire_rest_asked(&r, 5 * S + REST_NS);
	/* Its answer is no change that needs another. */
	pipewire_rest_note(&r, 2, 1, 6 * S);
	assert_int_equal(pipewire_rest_due(&r), UINT64_MAX);
	pipewire_rest_note(&r, 3, 1, 7 * S);
	assert_int_equal(pipewire_rest_due(&r), 7 * S + REST_NS);
}

static void what_does_not_come_is_asked_for_again_a_few_times(void **state)
{
	struct pipewire_rest r = {0};
	uint64_t now_ns = 5 * S;
	(void)state;
	for (unsigned i = 0; i < MAX_ASKED; i++) {
		const uint64_t due_ns = pipewire_rest_first_due(&r, 5 * S);
		assert_int_equal(due_ns, now_ns + FIRST_NS);
		pipewire_rest_asked(&r, now_ns = due_ns);
	}
	assert_int_equal(pipewire_rest_first_due(&r, 5 * S), UINT64_MAX);
	assert_int_equal(pipewire_rest_due(&r), UINT64_MAX);
	pipewire_rest_note(&r, 1, 0, 9 * S);
	assert_int_equal(pipewire_rest_first_due(&r, 9 * S), 9 * S + FIRST_NS);
	pipewire_rest_asked(&r, 10 * S);
	assert_int_equal(pipewire_rest_due(&r), 10 * S + FIRST_NS);
}

static void a_word_behind_the_last_picture_is_doubted_now_and_then(void **state)
{
	struct pipewire_rest r = {0};
	(void)state;
	pipewire_rest_note(&r, 1, 1, 5 * S);
	pipewire_rest_asked(&r, 6 * S);
	pipewire_rest_note(&r, 2, 1, 6 * S + 1000);
	assert_int_equal(pipewire_rest_due(&r), UINT64_MAX);
	pipewire_rest_note(&r, 2, 2, 6 * S + 2000);
	assert_int_equal(pipewire_rest_due(&r), 6 * S + DOUBT_NS);
	pipewire_rest_note(&r, 2, 3, 8 * S);
	assert_int_equal(pipewire_rest_due(&r), 8 * S + REST_NS);
	/* A picture behind it is all there was to doubt. */
	pipewire_rest_asked(&r, 9 * S);
	pipewire_rest_note(&r, 3, 3, 9 * S + 1000);
	assert_int_equal(pipewire_rest_due(&r), UINT64_MAX);
}

static void pictures_on_end_are_counted(void **state)
{
	struct pipewire_rest r = {0};
	(void)state;
	for (unsigned i = 0; i < 6; i++)
		pipewire_rest_note(&r, i + 1, 0, 5 * S + i * (FLOW_GAP_NS - 1));
	assert_int_equal(r.n_flow, 5);
	pipewire_rest_note(&r, 7, 0, 9 * S);
	assert_int_equal(r.n_flow, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rest_costs_one_where_words_come),
		cmocka_unit_test(what_does_not_come_is_asked_for_again_a_few_times),
		cmocka_unit_test(a_word_behind_the_last_picture_is_doubted_now_and_then),
		cmocka_unit_test(pictures_on_end_are_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
