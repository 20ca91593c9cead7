/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/flow/anchor.h"
#include "core/wire/handshake.h"

#define IS(codec, ...) \
	pf_anchor_au(codec, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void h264_anchors_hold_an_idr_slice(void **state)
{
	(void)state;
	assert_true(IS(
		PF_CODEC_H264, 0, 0, 0, 1, 0x67, 0x42, 0, 0, 1, 0x68, 0xCE, 0, 0, 1, 0x65, 0x88));
	assert_true(IS(PF_CODEC_H264, 0, 0, 1, 0x65, 0x88));
	assert_true(IS(PF_CODEC_H264, 0, 0, 1, 0x06, 5, 0, 0, 0, 1, 0x25));
	assert_false(IS(PF_CODEC_H264, 0, 0, 0, 1, 0x41, 0x9A));
	/* the first slice decides: what follows it is the same picture */
	assert_false(IS(PF_CODEC_H264, 0, 0, 1, 0x41, 0x9A, 0, 0, 1, 0x65));
	assert_false(IS(PF_CODEC_H264, 0, 0, 1, 0x67, 0x42)); /* parameters alone show nothing */
}

static void hevc_anchors_hold_an_irap_slice(void **state)
{
	(void)state;
	assert_true(IS(PF_CODEC_HEVC, 0, 0, 1, 0x40, 1, 0, 0, 1, 19 << 1, 1));
	assert_true(IS(PF_CODEC_HEVC, 0, 0, 1, 21 << 1, 1));
	assert_false(IS(PF_CODEC_HEVC, 0, 0, 1, 1 << 1, 1));
	assert_false(IS(PF_CODEC_HEVC, 0, 0, 1, 24 << 1, 1));
}

static void junk_is_no_anchor(void **state)
{
	uint8_t junk[257];
	uint64_t seed = 7;
	(void)state;
	assert_false(pf_anchor_au(PF_CODEC_H264, NULL, 0));
	assert_false(IS(PF_CODEC_H264, 0, 0, 1));
	assert_false(IS(PF_CODEC_H264, 0, 1, 0x65, 0));
	assert_false(IS(PF_CODEC_AV1, 0, 0, 1, 0x65, 0));
	for (int i = 0; i < 20000; i++) {
		size_t len = test_rand(&seed) % sizeof(junk);
		for (size_t j = 0; j < len; j++)
			junk[j] = (uint8_t)(test_rand(&seed) % 3);
		(void)pf_anchor_au(i & 1 ? PF_CODEC_H264 : PF_CODEC_HEVC, junk, len);
	}
	memset(junk, 0, sizeof(junk));
	assert_false(pf_anchor_au(PF_CODEC_H264, junk, sizeof(junk)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(h264_anchors_hold_an_idr_slice),
		cmocka_unit_test(hevc_anchors_hold_an_irap_slice),
		cmocka_unit_test(junk_is_no_anchor),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
