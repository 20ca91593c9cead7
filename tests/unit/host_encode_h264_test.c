/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "host/encode/h264.h"

/*
 * High, level 3.1: id 0 '1', 4:2:0 '010', two depths '1' '1', lossless '0', matrices '0', frame_num of 4 bits '1',
 * order type 2 '011', 10 references '0001011', gaps '0', the rest '1101', end '1'.
 */
static const uint8_t sps_in[] = {0, 0, 1, 0x67, 100, 0, 31, 0xac, 0xb1, 0x6d, 0x80};

static void check(struct h264_gaps *g, uint64_t n, const uint8_t *in, size_t len,
	const uint8_t *want, size_t want_len)
{
	uint8_t out[64];
	assert_in_range(len, 1, sizeof(out) - H264_GROWTH);
	assert_int_equal(h264_gaps_convert(g, n, in, len, out), want_len);
	assert_memory_equal(out, want, want_len);
}

static void the_sps_is_widened_and_allows_gaps(void **state)
{
	(void)state;
	/* 1 010 1 1 0 0 | 0001001 0 | 11 000101 | 1 1 1 1 0 1 1 0 */
	static const uint8_t out[] = {0, 0, 1, 0x67, 100, 0, 31, 0xac, 0x12, 0xc5, 0xf6};
	struct h264_gaps g = {0};
	check(&g, 0, sps_in, sizeof(sps_in), out, sizeof(out));
	assert_int_equal(g.bits, 4);
	/* Other things than numbers of frames pass. */
	static const uint8_t pps[] = {0, 0, 0, 1, 0x68, 0xea};
	check(&g, 0, pps, sizeof(pps), pps, sizeof(pps));
}

static void a_slice_gets_the_whole_count(void **state)
{
	(void)state;
	struct h264_gaps g = {.bits = 4};
	/* 1 00110 1 1|010 10101 ...: macroblock 0, type 5, pps 0, number 0b1010 */
	static const uint8_t in[] = {0, 0, 0, 1, 0x41, 0x9b, 0x55, 0xaa, 0, 0, 3, 1};
	/* 1 00110 1 + 0011 1111 1010 + 10101 ... */
	static const uint8_t out[] = {0, 0, 0, 1, 0x41, 0x9a, 0x7f, 0x55, 0xaa, 0, 0, 3, 1};
	check(&g, 0x3fa, in, sizeof(in), out, sizeof(out));
	/* A count beyond the new turn wraps. */
	check(&g, 0x53fa, in, sizeof(in), out, sizeof(out));
}

static void zeros_are_stuffed_anew(void **state)
{
	(void)state;
	struct h264_gaps g = {.bits = 4};
	/* 1 00110 1 0|000 00000|0..: number 0, and zeros behind it that x264 had to stuff */
	static const uint8_t in[] = {0, 0, 1, 0x41, 0x9a, 0, 0, 3, 1, 0x80};
	static const uint8_t out[] = {0, 0, 1, 0x41, 0x9a, 0, 0, 3, 0, 1, 0x80};
	check(&g, 0, in, sizeof(in), out, sizeof(out));
	/* And what was stuffed stays so. */
	static const uint8_t full[] = {0, 0, 1, 0x41, 0x9b, 0xe0, 0, 0, 3, 1, 0x80};
	static const uint8_t made[] = {0, 0, 1, 0x41, 0x9a, 0x01, 0xe0, 0, 0, 3, 1, 0x80};
	check(&g, 0xf, full, sizeof(full), made, sizeof(made));
}

static void what_x264_does_not_write_is_refused(void **state)
{
	(void)state;
	struct h264_gaps g = {0};
	uint8_t out[600 + H264_GROWTH], big[600] = {0, 0, 1, 0x67, 100, 0, 31, 0xac, 0xb1, 0x6d};
	static const uint8_t slice[] = {0, 0, 1, 0x41, 0x9b, 0x55, 0xaa, 0x80};
	/* No SPS yet; another count than ours; nothing behind the start code; no start code. */
	assert_int_equal(h264_gaps_convert(&g, 10, slice, sizeof(slice), out), PF_E_UNSUPPORTED);
	g.bits = 4;
	assert_int_equal(h264_gaps_convert(&g, 11, slice, sizeof(slice), out), PF_E_UNSUPPORTED);
	assert_int_equal(h264_gaps_convert(&g, 10, slice, 3, out), PF_E_UNSUPPORTED);
	assert_int_equal(h264_gaps_convert(&g, 10, slice, 4, out), PF_E_UNSUPPORTED);
	assert_int_equal(h264_gaps_convert(&g, 10, slice + 1, 7, out), PF_E_UNSUPPORTED);
	memset(big + 10, 0x55, sizeof(big) - 10);
	assert_int_equal(h264_gaps_convert(&g, 0, big, sizeof(big), out), PF_E_UNSUPPORTED);
	assert_int_equal(g.bits, 0);
	for (size_t len = 4; len < sizeof(sps_in) - 1; len++)
		assert_int_equal(h264_gaps_convert(&g, 0, sps_in, len, out), PF_E_UNSUPPORTED);
	/* Orders of pictures of type 0 */
	static const uint8_t type0[] = {0, 0, 1, 0x67, 100, 0, 31, 0xac, 0xe1, 0x6d, 0x80};
	assert_int_equal(h264_gaps_convert(&g, 0, type0, sizeof(type0), out), PF_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sps_is_widened_and_allows_gaps),
		cmocka_unit_test(a_slice_gets_the_whole_count),
		cmocka_unit_test(zeros_are_stuffed_anew),
		cmocka_unit_test(what_x264_does_not_write_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
