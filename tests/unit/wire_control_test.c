/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/control.h"

struct frames {
	unsigned n;
	size_t len[16];
	uint64_t sum;
	int fail_at;
};

static int on_frame(const uint8_t *payload, size_t payload_len, void *userdata)
{
	struct frames *f = userdata;
	if (f->fail_at && (int)f->n + 1 == f->fail_at)
		return PF_E_DENIED;
	f->len[f->n++] = payload_len;
	for (size_t i = 0; i < payload_len; i++)
		f->sum += payload[i];
	return PF_OK;
}

static void framer_cuts_at_every_step(void **state)
{
	(void)state;
	static uint8_t stream[70000];
	size_t len = 0;
	const size_t sizes[] = {5, 0, 1, 300, 65535, 7};
	uint64_t sum = 0;
	for (size_t i = 0; i < 6; i++) {
		stream[len++] = (uint8_t)sizes[i];
		stream[len++] = (uint8_t)(sizes[i] >> 8);
		for (size_t j = 0; j < sizes[i]; j++) {
			stream[len] = (uint8_t)(len * 7);
			sum += stream[len++];
		}
	}
	for (size_t step = 1; step <= len; step = step < 40 ? step + 1 : step * 2 + 1) {
		struct pf_framer *f;
		struct frames seen = {0};
		assert_int_equal(pf_framer_create(&f), PF_OK);
		for (size_t at = 0; at < len; at += step) {
			size_t n = len - at < step ? len - at : step;
			assert_int_equal(pf_framer_feed(f, stream + at, n, on_frame, &seen), PF_OK);
		}
		assert_int_equal(seen.n, 6);
		for (size_t i = 0; i < 6; i++)
			assert_int_equal(seen.len[i], sizes[i]);
		assert_int_equal(seen.sum, sum);
		pf_framer_destroy(f);
	}
}

static void framer_stops_at_an_error(void **state)
{
	(void)state;
	struct pf_framer *f;
	struct frames seen = {.fail_at = 2};
	assert_int_equal(pf_framer_create(&f), PF_OK);
	const uint8_t three[] = {1, 0, 'a', 1, 0, 'b', 1, 0, 'c'};
	assert_int_equal(pf_framer_feed(f, three, sizeof three, on_frame, &seen), PF_E_DENIED);
	assert_int_equal(seen.n, 1);
	pf_framer_destroy(f);
	pf_framer_destroy(NULL);
}

static void frame_write_bounds(void **state)
{
	(void)state;
	static uint8_t payload[65536], out[65540];
	assert_int_equal(pf_frame_write(out, sizeof out, payload, 65535), 65537);
	assert_memory_equal(out, "\xFF\xFF", 2);
	assert_int_equal(pf_frame_write(out, sizeof out, payload, 65536), PF_E_INVALID);
	assert_int_equal(pf_frame_write(out, 4, payload, 3), PF_E_FULL);
}

static void clock_sync_takes_the_smallest_round_trip(void **state)
{
	(void)state;
	struct pf_clock_sync c;
	pf_clock_sync_init(&c);
	pf_clock_sync_add(&c, 1000, 900, 950, 900); /* t4 < t1 */
	pf_clock_sync_add(&c, 1000, 5000, 4000, 2000);
	pf_clock_sync_add(&c, 1000, 5000, 7000, 2000);
	assert_true(c.rtt_ns == UINT64_MAX);
	pf_clock_sync_add(&c, 1000, 6000, 6100, 1900);
	assert_int_equal(c.rtt_ns, 800);
	assert_int_equal(c.offset_ns, 4600);
	pf_clock_sync_add(&c, 2000, 7100, 7150, 2250);
	assert_int_equal(c.rtt_ns, 200);
	assert_int_equal(c.offset_ns, 5000);
	pf_clock_sync_add(&c, 3000, 9999, 9999, 9000); /* slower: ignored */
	assert_int_equal(c.offset_ns, 5000);
	/* A host behind the client, an odd sum, and stamps at the ends of the range. */
	pf_clock_sync_init(&c);
	pf_clock_sync_add(&c, 10000, 4001, 4001, 10003);
	assert_int_equal(c.offset_ns, -6000);
	pf_clock_sync_add(&c, UINT64_MAX - 1, 0, 0, UINT64_MAX);
	assert_int_equal(c.rtt_ns, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(framer_cuts_at_every_step),
		cmocka_unit_test(framer_stops_at_an_error),
		cmocka_unit_test(frame_write_bounds),
		cmocka_unit_test(clock_sync_takes_the_smallest_round_trip),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
