/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/wire/address.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))

static const struct pf_net own[] = {{IP(192, 168, 1, 10), 24}, {IP(10, 1, 2, 3), 8}};
static const struct pf_net routes[] = {{0, 0}, {IP(172, 16, 0, 0), 12}, {IP(172, 20, 0, 0), 16}};

static uint32_t pick(const uint32_t *found, size_t n, uint32_t preferred)
{
	return pf_address_pick(found, n, own, 2, preferred, routes, 3);
}

static void a_neighbour_comes_first(void **state)
{
	(void)state;
	const uint32_t found[] = {IP(8, 8, 8, 8), IP(172, 20, 0, 1), IP(10, 200, 0, 1),
		IP(192, 168, 1, 200), IP(192, 168, 2, 1)};
	assert_int_equal(pick(found, 5, IP(172, 20, 0, 1)), IP(192, 168, 1, 200));
	assert_int_equal(pick(found, 3, IP(172, 20, 0, 1)), IP(10, 200, 0, 1));
	/* Of two neighbours, the one with more bits in common. */
	const uint32_t near[] = {IP(192, 168, 1, 200), IP(192, 168, 1, 11)};
	assert_int_equal(pick(near, 2, near[0]), near[1]);
}

static void then_what_the_host_prefers(void **state)
{
	(void)state;
	const uint32_t found[] = {IP(8, 8, 8, 8), IP(172, 20, 0, 1), IP(192, 168, 2, 1)};
	assert_int_equal(pick(found, 3, IP(192, 168, 2, 1)), IP(192, 168, 2, 1));
	/* An address that its name does not have is not made one by saying so. */
	assert_int_equal(pick(found, 3, IP(192, 168, 1, 1)), IP(172, 20, 0, 1));
}

static void then_a_route_and_then_the_lowest(void **state)
{
	(void)state;
	const uint32_t found[] = {IP(9, 0, 0, 1), IP(172, 17, 0, 1), IP(172, 20, 0, 1)};
	assert_int_equal(pick(found, 3, 0), found[2]);
	assert_int_equal(pick(found, 2, 0), found[1]);
	const uint32_t far[] = {IP(9, 0, 0, 1), IP(8, 0, 0, 2), IP(8, 0, 0, 1)};
	assert_int_equal(pick(far, 3, 0), IP(8, 0, 0, 1));
	assert_int_equal(pf_address_pick(far, 3, NULL, 0, 0, NULL, 0), IP(8, 0, 0, 1));
}

static void some_are_never_dialled(void **state)
{
	(void)state;
	const uint32_t found[] = {0, IP(127, 0, 0, 1), IP(0, 1, 2, 3), IP(224, 0, 0, 251),
		IP(255, 255, 255, 255), IP(240, 0, 0, 1)};
	assert_int_equal(pick(found, 6, IP(127, 0, 0, 1)), 0);
	assert_int_equal(pick(NULL, 0, IP(8, 8, 8, 8)), 0);
	const struct pf_net everywhere = {0, 0};
	const uint32_t one[] = {IP(127, 0, 0, 1), IP(203, 0, 113, 1)};
	assert_int_equal(pf_address_pick(one, 2, &everywhere, 1, 0, NULL, 0), one[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_neighbour_comes_first),
		cmocka_unit_test(then_what_the_host_prefers),
		cmocka_unit_test(then_a_route_and_then_the_lowest),
		cmocka_unit_test(some_are_never_dialled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
