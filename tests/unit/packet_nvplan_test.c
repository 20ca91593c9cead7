/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/packet/nvvideo.h"

/* As a client counts, written out by hand. */
static size_t client_parity(size_t data, unsigned percent)
{
	size_t p = data * percent / 100;
	return p * 100 == data * percent ? p : p + 1;
}

static void check_plan(size_t n, unsigned percent, unsigned min_parity)
{
	struct pf_nvvideo_plan plan;
	size_t data = 0, packets = 0, small = SIZE_MAX, large = 0;
	assert_int_equal(pf_nvvideo_plan(&plan, n, percent, min_parity), PF_OK);
	assert_in_range(plan.n_blocks, 1, 4);
	for (size_t b = 0; b < plan.n_blocks; b++) {
		size_t d = plan.blocks[b].data, p = plan.blocks[b].parity;
		unsigned header = plan.blocks[b].percent;
		assert_in_range(d, 1, 1023);
		assert_true(header <= 255);
		assert_int_equal(p, client_parity(d, header));
		if (p)
			assert_true(d + p <= 255);
		if (!percent)
			assert_int_equal(p, 0);
		/* Nothing is given up that there is room for. */
		size_t wanted = client_parity(d, percent);
		if (percent && wanted < min_parity)
			wanted = min_parity;
		if (percent && d + wanted <= 255 && header < 255)
			assert_true(p >= wanted);
		/* It is lowered only where four blocks have no room. */
		if (percent && p < wanted && header < 255)
			assert_int_equal(plan.n_blocks, 4);
		data += d;
		packets += d + p;
		small = d < small ? d : small;
		large = d > large ? d : large;
	}
	assert_int_equal(data, n);
	assert_int_equal(packets, plan.n_packets);
	assert_true(large - small <= 1);
}

static void every_block_counts_as_the_client_does(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 255; n++)
		for (unsigned percent = 0; percent <= 100; percent++)
			for (unsigned min_parity = 0; min_parity <= 12; min_parity++)
				check_plan(n, percent, min_parity);
	for (size_t n = 1; n <= 255; n++)
		for (unsigned percent = 101; percent <= 255; percent += 7)
			for (unsigned min_parity = 0; min_parity <= 255; min_parity += 15)
				check_plan(n, percent, min_parity);
}

static void every_frame_size_has_a_plan(void **state)
{
	(void)state;
	for (size_t n = 1; n <= PF_NVVIDEO_MAX_FRAME_PACKETS; n++)
		for (unsigned percent = 0; percent <= 100; percent++)
			check_plan(n, percent, 2);
}

static void expect_block(
	const struct pf_nvvideo_plan *plan, size_t b, size_t data, unsigned percent, size_t parity)
{
	assert_int_equal(plan->blocks[b].data, data);
	assert_int_equal(plan->blocks[b].percent, percent);
	assert_int_equal(plan->blocks[b].parity, parity);
}

static void small_blocks_have_the_minimum(void **state)
{
	(void)state;
	struct pf_nvvideo_plan plan;
	assert_int_equal(pf_nvvideo_plan(&plan, 1, 20, 2), PF_OK);
	expect_block(&plan, 0, 1, 200, 2);
	assert_int_equal(pf_nvvideo_plan(&plan, 3, 20, 2), PF_OK);
	expect_block(&plan, 0, 3, 66, 2);
	assert_int_equal(pf_nvvideo_plan(&plan, 5, 20, 2), PF_OK);
	expect_block(&plan, 0, 5, 40, 2);
	assert_int_equal(pf_nvvideo_plan(&plan, 10, 20, 2), PF_OK);
	expect_block(&plan, 0, 10, 20, 2);
	/* The field ends at 255. */
	assert_int_equal(pf_nvvideo_plan(&plan, 1, 20, 9), PF_OK);
	expect_block(&plan, 0, 1, 255, 3);
	/* 300 / 201 is 1, which gives three: enough. 1000 / 199 is 5: just ten. */
	assert_int_equal(pf_nvvideo_plan(&plan, 201, 1, 3), PF_OK);
	expect_block(&plan, 0, 201, 1, 3);
	assert_int_equal(pf_nvvideo_plan(&plan, 199, 1, 10), PF_OK);
	expect_block(&plan, 0, 199, 5, 10);
	/* 1000 / 180 is 5, which gives nine: one percent more. */
	assert_int_equal(pf_nvvideo_plan(&plan, 180, 1, 10), PF_OK);
	expect_block(&plan, 0, 180, 6, 11);
}

static void large_frames_are_divided_then_lose_parity(void **state)
{
	(void)state;
	struct pf_nvvideo_plan plan;
	assert_int_equal(pf_nvvideo_plan(&plan, 212, 20, 2), PF_OK);
	assert_int_equal(plan.n_blocks, 1);
	expect_block(&plan, 0, 212, 20, 43);
	assert_int_equal(pf_nvvideo_plan(&plan, 213, 20, 2), PF_OK);
	assert_int_equal(plan.n_blocks, 2);
	expect_block(&plan, 0, 107, 20, 22);
	expect_block(&plan, 1, 106, 20, 22);
	assert_int_equal(pf_nvvideo_plan(&plan, 848, 20, 2), PF_OK);
	assert_int_equal(plan.n_blocks, 4);
	expect_block(&plan, 3, 212, 20, 43);
	/* One more, and the largest block has room for 19 percent. */
	assert_int_equal(pf_nvvideo_plan(&plan, 849, 20, 2), PF_OK);
	expect_block(&plan, 0, 213, 19, 41);
	expect_block(&plan, 1, 212, 20, 43);
	assert_int_equal(pf_nvvideo_plan(&plan, 1008, 20, 2), PF_OK);
	expect_block(&plan, 3, 252, 1, 3);
	assert_int_equal(pf_nvvideo_plan(&plan, 1012, 20, 2), PF_OK);
	expect_block(&plan, 0, 253, 0, 0);
	assert_int_equal(plan.n_packets, 1012);
	assert_int_equal(pf_nvvideo_plan(&plan, 4092, 20, 2), PF_OK);
	expect_block(&plan, 3, 1023, 0, 0);
	/* Without parity there is no reason for a second block before the first is full. */
	assert_int_equal(pf_nvvideo_plan(&plan, 1023, 0, 2), PF_OK);
	assert_int_equal(plan.n_blocks, 1);
	assert_int_equal(pf_nvvideo_plan(&plan, 1024, 0, 2), PF_OK);
	assert_int_equal(plan.n_blocks, 2);
}

static void what_no_header_can_say_is_refused(void **state)
{
	(void)state;
	struct pf_nvvideo_plan plan;
	assert_int_equal(pf_nvvideo_plan(&plan, 0, 20, 2), PF_E_INVALID);
	assert_int_equal(pf_nvvideo_plan(&plan, 4093, 20, 2), PF_E_INVALID);
	assert_int_equal(pf_nvvideo_plan(&plan, SIZE_MAX, 20, 2), PF_E_INVALID);
	assert_int_equal(pf_nvvideo_plan(&plan, 1, 256, 2), PF_E_INVALID);
	assert_int_equal(pf_nvvideo_plan(&plan, 1, 20, 256), PF_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_block_counts_as_the_client_does),
		cmocka_unit_test(every_frame_size_has_a_plan),
		cmocka_unit_test(small_blocks_have_the_minimum),
		cmocka_unit_test(large_frames_are_divided_then_lose_parity),
		cmocka_unit_test(what_no_header_can_say_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
