/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/packet/native.h"

static const struct pf_native_header sample = {
	.pts_ns = 0x0102030405060708u,
	.frame_index = 0x11121314,
	.stream_seq = 0x21222324,
	.frame_bytes = 0x31323334,
	.user_flags = 0x41424344,
	.block_index = 0x5152,
	.block_count = 0x6162,
	.data_shards = 0x0072,
	.parity_shards = 0x0082,
	.shard_index = 0x0073,
	.shard_bytes = 4,
	.scheme = 1,
	.flags = PF_NATIVE_PICTURE | PF_NATIVE_END,
};

static void every_field_lies_where_the_wire_says(void **state)
{
	(void)state;
	static const uint8_t want[PF_NATIVE_HEADER_LEN] = {0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02,
		0x01, 0x14, 0x13, 0x12, 0x11, 0x24, 0x23, 0x22, 0x21, 0x34, 0x33, 0x32, 0x31, 0x44,
		0x43, 0x42, 0x41, 0x52, 0x51, 0x62, 0x61, 0x72, 0x00, 0x82, 0x00, 0x73, 0x00, 0x04,
		0x00, 0xC9, 0x01, 0x01, 0x03};
	uint8_t out[PF_NATIVE_HEADER_LEN];
	pf_native_header_write(out, &sample);
	assert_memory_equal(out, want, sizeof(want));
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	uint8_t packet[PF_NATIVE_HEADER_LEN + 4] = {0};
	struct pf_native_header h;
	memset(&h, 0xaa, sizeof(h));
	pf_native_header_write(packet, &sample);
	assert_int_equal(pf_native_header_read(&h, packet, sizeof(packet)), PF_OK);
	assert_true(h.pts_ns == sample.pts_ns && h.frame_index == sample.frame_index);
	assert_true(h.stream_seq == sample.stream_seq && h.frame_bytes == sample.frame_bytes);
	assert_true(h.user_flags == sample.user_flags && h.block_index == sample.block_index);
	assert_true(h.block_count == sample.block_count && h.data_shards == sample.data_shards);
	assert_true(h.parity_shards == sample.parity_shards && h.shard_index == sample.shard_index);
	assert_true(h.shard_bytes == sample.shard_bytes && h.scheme == sample.scheme);
	assert_int_equal(h.flags, sample.flags);
}

static void refuse(size_t off, uint8_t value, size_t len)
{
	uint8_t packet[PF_NATIVE_HEADER_LEN + 5] = {0};
	struct pf_native_header h;
	pf_native_header_write(packet, &sample);
	packet[off] = value;
	assert_int_equal(pf_native_header_read(&h, packet, len), PF_E_BAD_PACKET);
}

static void bad_headers_are_refused(void **state)
{
	(void)state;
	size_t len = PF_NATIVE_HEADER_LEN + 4;
	for (size_t n = 0; n < len; n++)
		refuse(0, 0, n); /* short */
	refuse(0, 0, len + 1);	 /* long */
	refuse(36, 0xC8, len);	 /* magic */
	refuse(37, 2, len);	 /* version */
	refuse(38, 2, len);	 /* scheme */
	refuse(28, 0, len);	 /* k = 0 */
	refuse(32, 0xf4, len);	 /* shard index = k + m */
	refuse(33, 0xff, len);	 /* far above */
	refuse(34, 5, len);	 /* another shard size */
	refuse(34, 0, len);
}

static void the_largest_counts_do_not_wrap(void **state)
{
	(void)state;
	uint8_t packet[PF_NATIVE_HEADER_LEN + 4] = {0};
	struct pf_native_header h = sample;
	h.data_shards = h.parity_shards = UINT16_MAX;
	h.shard_index = UINT16_MAX;
	pf_native_header_write(packet, &h);
	/* k + m is 131070, so index 65535 is inside: the sum must not be taken in 16 bits. */
	assert_int_equal(pf_native_header_read(&h, packet, sizeof(packet)), PF_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_lies_where_the_wire_says),
		cmocka_unit_test(what_is_written_is_read),
		cmocka_unit_test(bad_headers_are_refused),
		cmocka_unit_test(the_largest_counts_do_not_wrap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
