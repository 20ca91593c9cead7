/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/flow/arena.h"

static void runs_do_not_overlap_and_come_back(void **state)
{
	(void)state;
	enum { LIVE = 40, ROUNDS = 20000 };
	struct {
		struct pf_run run;
		uint8_t *p;
		size_t len;
		uint8_t mark;
	} live[LIVE] = {0};
	struct pf_arena *a;
	assert_int_equal(pf_arena_create(&a, 300 * PF_ARENA_CHUNK - 5), PF_OK);
	assert_int_equal(pf_arena_size(a), 300 * PF_ARENA_CHUNK);
	uint64_t rand = 5;
	size_t refused = 0;
	for (int i = 0; i < ROUNDS; i++) {
		size_t at = test_rand(&rand) % LIVE;
		if (live[at].p) {
			for (size_t b = 0; b < live[at].len; b += 512)
				assert_int_equal(live[at].p[b], live[at].mark);
			pf_arena_give(a, &live[at].run);
			assert_int_equal(live[at].run.n, 0);
			live[at].p = NULL;
			continue;
		}
		live[at].len = 1 + test_rand(&rand) % (70 * PF_ARENA_CHUNK);
		live[at].p = pf_arena_take(a, live[at].len, &live[at].run);
		live[at].mark = (uint8_t)i;
		if (!live[at].p) {
			refused++;
			continue;
		}
		assert_int_equal((uintptr_t)live[at].p % 64, 0);
		memset(live[at].p, live[at].mark, live[at].len);
	}
	assert_true(refused > 0);
	for (size_t i = 0; i < LIVE; i++)
		if (live[i].p)
			pf_arena_give(a, &live[i].run);
	assert_int_equal(pf_arena_used(a), 0);
	struct pf_run all;
	assert_non_null(pf_arena_take(a, 300 * PF_ARENA_CHUNK, &all));
	assert_null(pf_arena_take(a, 1, &live[0].run));
	pf_arena_give(a, &all);
	pf_arena_destroy(a);
}

static void bad_sizes_are_refused(void **state)
{
	(void)state;
	struct pf_arena *a;
	struct pf_run run;
	assert_int_equal(pf_arena_create(&a, 0), PF_E_INVALID);
	assert_null(a);
	assert_int_equal(pf_arena_create(&a, SIZE_MAX), PF_E_INVALID);
	assert_int_equal(pf_arena_create(&a, 1), PF_OK);
	assert_null(pf_arena_take(a, 0, &run));
	assert_null(pf_arena_take(a, SIZE_MAX, &run));
	assert_null(pf_arena_take(a, PF_ARENA_CHUNK + 1, &run));
	assert_non_null(pf_arena_take(a, 1, &run));
	pf_arena_give(a, &run);
	pf_arena_give(a, &run); /* an empty run: nothing */
	pf_arena_destroy(a);
	pf_arena_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_do_not_overlap_and_come_back),
		cmocka_unit_test(bad_sizes_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
