/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/fec/fec.h"
#include "tools/loss.h"

static struct loss_cell run(
	unsigned scheme, enum loss_kind kind, unsigned parity, double loss, uint64_t seed)
{
	struct loss_cell c = {.scheme = scheme,
		.kind = kind,
		.frame_bytes = 100000,
		.parity_percent = parity,
		.loss = loss};
	assert_int_equal(loss_run(&c, 200, seed), 0);
	return c;
}

static void without_loss_all_is_whole(void **state)
{
	(void)state;
	struct loss_cell c = run(PF_FEC_GF8, LOSS_BURSTY, 0, 0, 1);
	assert_int_equal(c.n_whole, 200);
	assert_true(c.n_repaired == 0 && c.packets_lost == 0);
}

static void the_link_loses_what_it_should(void **state)
{
	(void)state;
	for (int kind = 0; kind < LOSS_KINDS; kind++)
		for (int percent = 8; percent <= 30; percent += 11) {
			struct loss_cell c = run(
				PF_FEC_GF16, (enum loss_kind)kind, 20, percent / 100.0, 5);
			double share = 100.0 * (double)c.packets_lost / (double)c.packets_sent;
			assert_true(share > percent * 0.7 && share < percent * 1.3);
		}
}

static void parity_helps_and_bursts_hurt(void **state)
{
	(void)state;
	for (unsigned scheme = PF_FEC_GF8; scheme <= PF_FEC_GF16; scheme++) {
		struct loss_cell none = run(scheme, LOSS_RANDOM, 0, 0.05, 9);
		struct loss_cell some = run(scheme, LOSS_RANDOM, 20, 0.05, 9);
		struct loss_cell burst = run(scheme, LOSS_BURSTY, 20, 0.05, 9);
		assert_true(none.n_whole < 40);
		assert_true(some.n_whole > 190 && some.n_repaired > 180);
		assert_true(burst.n_whole < some.n_whole);
	}
}

static void the_same_seed_gives_the_same_cell(void **state)
{
	(void)state;
	struct loss_cell a = run(PF_FEC_GF8, LOSS_BURSTY, 10, 0.1, 42);
	struct loss_cell b = run(PF_FEC_GF8, LOSS_BURSTY, 10, 0.1, 42);
	struct loss_cell other = run(PF_FEC_GF8, LOSS_BURSTY, 10, 0.1, 43);
	assert_true(a.n_whole == b.n_whole && a.packets_lost == b.packets_lost);
	assert_true(a.shards_rebuilt == b.shards_rebuilt);
	assert_true(a.packets_lost != other.packets_lost);
}

static void every_place_of_the_sweep_is_reported(void **state)
{
	(void)state;
	const struct loss_axes axes = {.schemes = {PF_FEC_GF8, PF_FEC_GF16},
		.n_schemes = 2,
		.frame_bytes = {5000},
		.n_frame_bytes = 1,
		.parity = {0, 30},
		.n_parity = 2,
		.loss = {0, 0.1},
		.n_loss = 2};
	size_t n = loss_count(&axes), len = 0;
	struct loss_cell cells[16];
	char *text = NULL;
	assert_int_equal(n, 16);
	for (size_t i = 0; i < n; i++) {
		loss_place(&axes, i, &cells[i]);
		assert_int_equal(loss_run(&cells[i], 5, i), 0);
	}
	FILE *out = open_memstream(&text, &len);
	assert_non_null(out);
	loss_write_csv(out, cells, n);
	loss_print_tables(out, &axes, cells);
	loss_write_svg(out, &axes, cells);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "gf8,random,5000,0,0.0,5,5,0,"));
	assert_non_null(strstr(text, "gf16,bursty,5000,30,10.0,5,"));
	assert_non_null(strstr(text, "GF(2^16), bursty loss, frames of 5000 bytes"));
	size_t lines = 0;
	for (const char *p = text; (p = strstr(p, "<polyline")); p++)
		lines++;
	assert_int_equal(lines, 8);
	assert_non_null(strstr(text, "</svg>"));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_loss_all_is_whole),
		cmocka_unit_test(the_link_loses_what_it_should),
		cmocka_unit_test(parity_helps_and_bursts_hurt),
		cmocka_unit_test(the_same_seed_gives_the_same_cell),
		cmocka_unit_test(every_place_of_the_sweep_is_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
