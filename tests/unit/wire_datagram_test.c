/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/datagram.h"

static void input_layout(void **state)
{
	(void)state;
	static const uint8_t bytes[] = {0xC8, 3, 0x44, 0x33, 0x22, 0x11, 0xFF, 0xFF, 0xFF, 0xFF,
		0xFE, 0xFF, 0xFF, 0xFF, 0x38, 0x04, 0x80, 0x07};
	const struct pf_input in = {PF_INPUT_MOUSE_ABS, 0x11223344, -1, -2, 1920u << 16 | 1080};
	uint8_t out[PF_INPUT_LEN];
	struct pf_input back;
	pf_input_write(out, &in);
	assert_memory_equal(out, bytes, sizeof bytes);
	for (size_t len = 0; len < 32; len++) {
		uint8_t *p = calloc(1, len ? len : 1);
		assert_non_null(p);
		memcpy(p, bytes, len < 18 ? len : 18);
		assert_int_equal(pf_input_read(&back, p, len), len == 18 ? PF_OK : PF_E_BAD_PACKET);
		if (len == 18)
			assert_true(back.kind == in.kind && back.code == in.code && back.x == -1 &&
				back.y == -2 && back.flags == in.flags);
		free(p);
	}
	for (unsigned kind = 0; kind < 256; kind++) {
		out[1] = (uint8_t)kind;
		assert_int_equal(pf_input_read(&back, out, sizeof out),
			kind <= 16 ? PF_OK : PF_E_UNSUPPORTED);
	}
	out[0] = 0xC9;
	assert_int_equal(pf_input_read(&back, out, sizeof out), PF_E_BAD_PACKET);
}

static void host_timing_layout(void **state)
{
	(void)state;
	static const uint8_t bytes[29] = {0xCF, 8, 7, 6, 5, 4, 3, 2, 1, 0x10, 0x27, 0, 0, 1, 0, 0,
		0, 2, 0, 0, 0, 3, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF};
	const struct pf_host_timing t = {0x0102030405060708, 10000, 1, 2, 3};
	uint8_t out[PF_HOST_TIMING_LEN];
	pf_host_timing_write(out, &t);
	assert_memory_equal(out, bytes, 25);
	for (size_t len = 0; len <= 29; len++) {
		struct pf_host_timing back;
		uint8_t *p = malloc(len ? len : 1);
		assert_non_null(p);
		memcpy(p, bytes, len);
		bool ok = len == 13 || len == 25 || len == 29;
		assert_int_equal(pf_host_timing_read(&back, p, len), ok ? PF_OK : PF_E_BAD_PACKET);
		if (ok) {
			assert_true(back.pts_ns == t.pts_ns && back.host_us == 10000);
			assert_int_equal(back.pace_us, len == 13 ? 0 : 3);
		}
		free(p);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_layout),
		cmocka_unit_test(host_timing_layout),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
