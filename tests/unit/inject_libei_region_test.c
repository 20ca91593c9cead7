/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "host/inject/libei_region.h"

static const struct libei_wanted plain = {NULL, 1280, 720};
static const struct libei_wanted named = {"mine", 1280, 720};

static void the_mapping_id_decides(void **state)
{
	const struct libei_region r[] = {
		{NULL, 0, 0, 1280, 720}, {"mine", 1280, 0, 1920, 1080}, {"other", 0, 0, 1280, 720}};
	assert_int_equal(libei_region_pick(r, 3, &named), 1);
	assert_int_equal(libei_region_pick(r, 3, &plain), 0);
}

static void the_newer_of_two_with_one_id_is_taken(void **state)
{
	const struct libei_region r[] = {
		{"mine", 0, 0, 640, 480}, {"mine", 640, 0, 1280, 720}, {"mine", 0, 0, 0, 720}};
	assert_int_equal(libei_region_pick(r, 3, &named), 1);
}

static void else_the_size_does(void **state)
{
	const struct libei_region r[] = {{"a", 0, 0, 1920, 1080}, {"b", 1920, 0, 1280, 720}};
	assert_int_equal(libei_region_pick(r, 2, &named), 1);
	assert_int_equal(libei_region_pick(r, 1, &named), 0); /* the only one */
}

static void a_stranger_among_many_is_not_taken(void **state)
{
	const struct libei_region r[] = {{"a", 0, 0, 1920, 1080}, {"b", 1920, 0, 1024, 768}};
	assert_int_equal(libei_region_pick(r, 2, &named), -1);
	assert_int_equal(libei_region_pick(r, 0, &named), -1);
}

static void garbage_is_no_screen(void **state)
{
	const struct libei_region r[] = {{"mine", 0, 0, 0, 0}, {NULL, 5, 5, 1280, 0}};
	assert_int_equal(libei_region_pick(r, 2, &named), -1);
}

static void an_endless_region_counts_pixels(void **state)
{
	const struct libei_region r = {"Mr. Worldwide", 0, 0, INT32_MAX, INT32_MAX};
	double x, y;
	assert_int_equal(libei_region_pick(&r, 1, &plain), 0);
	libei_region_place(&r, &plain, 639, 359, 640, 360, &x, &y);
	assert_float_equal(x, 1278, 1e-9);
	assert_float_equal(y, 718, 1e-9);
}

/* Whatever the sizes: inside of the region, and within a pixel of where it should be. */
static void every_point_is_inside(void **state)
{
	uint64_t seed = 5;
	for (int i = 0; i < 20000; i++) {
		const struct libei_region r = {NULL, (uint32_t)(test_rand(&seed) % 10000),
			(uint32_t)(test_rand(&seed) % 10000),
			(uint32_t)(1 + test_rand(&seed) % 8192),
			(uint32_t)(1 + test_rand(&seed) % 8192)};
		const uint32_t w = (uint32_t)(1 + test_rand(&seed) % 65535),
			       h = (uint32_t)(1 + test_rand(&seed) % 65535);
		const uint32_t x = (uint32_t)(test_rand(&seed) % w), y = i % 2 ? h - 1 : 0;
		double px, py;
		libei_region_place(&r, &plain, x, y, w, h, &px, &py);
		assert_true(px >= r.x && px < (double)r.x + r.width);
		assert_true(py >= r.y && py < (double)r.y + r.height);
		const double want = r.x + (double)x / w * r.width;
		assert_true(px > want - 1 && px < want + 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_mapping_id_decides),
		cmocka_unit_test(the_newer_of_two_with_one_id_is_taken),
		cmocka_unit_test(else_the_size_does),
		cmocka_unit_test(a_stranger_among_many_is_not_taken),
		cmocka_unit_test(garbage_is_no_screen),
		cmocka_unit_test(an_endless_region_counts_pixels),
		cmocka_unit_test(every_point_is_inside),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
