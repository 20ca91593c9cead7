/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>

#include "core/fec/gf16.h"
#include "core/fec/locator.h"

static uint16_t log_table[65536];
static struct pf_gf16_logs logs;

/* The definition: the product, point by point, over all erased points but the point itself. */
static uint32_t locate_slowly(const uint8_t *erased, size_t n, size_t z)
{
	uint64_t sum = 0;
	for (size_t e = 0; e < n; e++)
		sum += erased[e] && e != z ? log_table[e ^ z] : 0;
	return (uint32_t)(sum % PF_GF16_ORDER);
}

static void check_size(struct pf_locator *l, size_t n, size_t n_erased, uint64_t *seed)
{
	uint8_t *erased = calloc(n, 1);
	assert_non_null(erased);
	pf_locator_begin(l, log_table, n);
	for (size_t i = 0; i < n_erased; i++)
		erased[test_rand(seed) % n] = 1;
	for (size_t i = 0; i < n; i++)
		l->value[i] = erased[i];
	pf_locator_solve(l);
	size_t step = n > 4096 ? n / 128 + 1 : 1;
	for (size_t z = 0; z < n; z += step)
		assert_int_equal(l->value[z], locate_slowly(erased, n, z));
	free(erased);
}

static void the_transform_gives_the_products(void **state)
{
	(void)state;
	uint64_t seed = 51;
	struct pf_locator l;
	pf_gf16_logs_init(&logs, log_table, 65536);
	assert_int_equal(pf_locator_init(&l, 65536), 0);
	for (size_t n = 4; n <= 65536; n *= 2) {
		check_size(&l, n, 0, &seed);
		check_size(&l, n, 1, &seed);
		check_size(&l, n, n / 3, &seed);
		check_size(&l, n, 4 * n, &seed);
	}
	/* Back to a smaller size: the kept spectrum is not that of the last call. */
	check_size(&l, 256, 20, &seed);
	pf_locator_finish(&l);
}

static void finish_takes_what_was_never_made(void **state)
{
	(void)state;
	struct pf_locator l = {0};
	pf_locator_finish(&l);
	assert_int_not_equal(pf_locator_init(&l, SIZE_MAX / 2), 0);
	pf_locator_finish(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_transform_gives_the_products),
		cmocka_unit_test(finish_takes_what_was_never_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
