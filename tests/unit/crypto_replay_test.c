/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/crypto/replay.h"

static struct pf_replay window;

static void in_order_once_each(void **state)
{
	(void)state;
	pf_replay_init(&window);
	for (uint64_t i = 0; i < 3 * PF_REPLAY_DEPTH; i++) {
		assert_true(pf_replay_accept(&window, i));
		assert_false(pf_replay_accept(&window, i));
	}
}

static void the_first_need_not_be_zero(void **state)
{
	(void)state;
	pf_replay_init(&window);
	assert_true(pf_replay_accept(&window, 1u << 30));
	assert_true(pf_replay_accept(&window, (1u << 30) - 5));
	assert_false(pf_replay_accept(&window, (1u << 30) - 5));
}

static void the_edges_of_the_window(void **state)
{
	(void)state;
	uint64_t top = 10 * (uint64_t)PF_REPLAY_DEPTH + 17;
	pf_replay_init(&window);
	assert_true(pf_replay_accept(&window, top));
	assert_true(pf_replay_accept(&window, top - PF_REPLAY_DEPTH + 1)); /* the oldest inside */
	assert_false(pf_replay_accept(&window, top - PF_REPLAY_DEPTH));	   /* one too old */
	assert_true(pf_replay_accept(&window, top + PF_REPLAY_DEPTH));
	assert_false(
		pf_replay_accept(&window, top)); /* just fell out, although its bit was reused */
	assert_true(pf_replay_accept(&window, top + 1));
	assert_true(pf_replay_accept(&window, UINT64_MAX - 1));
	assert_false(pf_replay_accept(&window, UINT64_MAX));
	assert_false(pf_replay_accept(&window, UINT64_MAX - 1));
	assert_true(pf_replay_accept(&window, UINT64_MAX - 2));
}

/* Any reordering whose displacement stays below the depth is accepted whole, and nothing twice. */
static void honest_reordering_is_accepted(void **state)
{
	(void)state;
	enum { N = 400000, SPAN = PF_REPLAY_DEPTH - 1 };
	uint64_t *seq = malloc(N * sizeof(*seq));
	assert_non_null(seq);
	for (uint64_t seed = 1; seed <= 4; seed++) {
		uint64_t rand = seed, base = test_rand(&rand) >> 8;
		for (size_t i = 0; i < N; i++)
			seq[i] = base + i;
		/* Shuffle inside blocks of SPAN: no element moves further than SPAN - 1. */
		for (size_t from = 0; from < N; from += SPAN)
			for (size_t i = from; i < N && i < from + SPAN; i++) {
				size_t end = from + SPAN < N ? from + SPAN : N;
				size_t j = i + test_rand(&rand) % (end - i);
				uint64_t t = seq[i];
				seq[i] = seq[j];
				seq[j] = t;
			}
		pf_replay_init(&window);
		for (size_t i = 0; i < N; i++)
			assert_true(pf_replay_accept(&window, seq[i]));
		for (size_t i = 0; i < N; i++)
			assert_false(pf_replay_accept(&window, seq[i]));
	}
	free(seq);
}

/* Against a set that remembers everything, over jumps of every size. */
static void never_anything_twice(void **state)
{
	(void)state;
	enum { SPACE = 1 << 20, ROUNDS = 1000000 };
	uint8_t *seen = malloc(SPACE);
	assert_non_null(seen);
	for (uint64_t seed = 1; seed <= 3; seed++) {
		uint64_t rand = seed * 77, at = 0, top = 0;
		memset(seen, 0, SPACE);
		pf_replay_init(&window);
		for (size_t i = 0; i < ROUNDS; i++) {
			uint64_t r = test_rand(&rand);
			at += (r & 1) ? r >> 8 & 3 : 0;
			if (r % 1009 == 0)
				at += r >> 20 & 0xffff;
			uint64_t back = r >> 40 & 0x3ffff;
			uint64_t seq = (at > back && (r & 6)) ? at - back : at;
			if (seq >= SPACE)
				break;
			bool inside = seq + PF_REPLAY_DEPTH >= top;
			bool fresh = !seen[seq] && (seq >= top || inside);
			assert_int_equal(pf_replay_accept(&window, seq), fresh);
			seen[seq] |= fresh;
			if (seq >= top)
				top = seq + 1;
		}
	}
	free(seen);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order_once_each),
		cmocka_unit_test(the_first_need_not_be_zero),
		cmocka_unit_test(the_edges_of_the_window),
		cmocka_unit_test(honest_reordering_is_accepted),
		cmocka_unit_test(never_anything_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
