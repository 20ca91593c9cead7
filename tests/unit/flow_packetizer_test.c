/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/flow_util.h"

static struct pf_native_header header_of(const uint8_t *packet, size_t len)
{
	struct pf_native_header h;
	assert_int_equal(pf_native_header_read(&h, packet, len), PF_OK);
	return h;
}

static void data_of_all_blocks_comes_before_parity(void **state)
{
	(void)state;
	struct pf_packetizer_params params = flow_sender_params();
	params.max_data_per_block = 10;
	params.scheme = PF_FEC_GF8;
	params.first_stream_seq = UINT32_MAX - 3;
	struct pf_packetizer *p = flow_sender(&params);
	struct flow_frame f = flow_build(p, 9, 23 * FLOW_SHARD - 5, 0x1E);
	/* 23 shards: 10, 10, 3; parity ceil(20 %) = 2 each, and the floor of 2 for the last */
	assert_int_equal(f.n_data, 23);
	assert_int_equal(f.n, 23 + 6);
	assert_int_equal(f.packet_len, PF_NATIVE_HEADER_LEN + FLOW_SHARD);
	for (size_t i = 0; i < f.n; i++) {
		struct pf_native_header h = header_of(flow_packet(&f, i), f.packet_len);
		size_t block = i < 23 ? i / 10 : (i - 23) / 2;
		size_t k = block < 2 ? 10 : 3;
		assert_int_equal(h.frame_index, 9);
		assert_int_equal(h.stream_seq, (uint32_t)(UINT32_MAX - 3 + i));
		assert_int_equal(h.frame_bytes, 23 * FLOW_SHARD - 5);
		assert_int_equal(
			h.user_flags, 0x15); /* of the nibble only the keyframe bit is taken */
		assert_int_equal(h.block_count, 3);
		assert_int_equal(h.block_index, block);
		assert_int_equal(h.data_shards, k);
		assert_int_equal(h.parity_shards, 2);
		assert_int_equal(h.shard_index, i < 23 ? i % 10 : k + (i - 23) % 2);
		assert_int_equal(h.scheme, PF_FEC_GF8);
		assert_int_equal(h.flags & PF_NATIVE_START, i == 0 ? PF_NATIVE_START : 0);
		assert_int_equal(h.flags & PF_NATIVE_END, i + 1 == f.n ? PF_NATIVE_END : 0);
		assert_true(h.flags & PF_NATIVE_PICTURE);
	}
	/* the last data shard is padded with zeros */
	const uint8_t *last = flow_packet(&f, 22) + PF_NATIVE_HEADER_LEN;
	for (size_t i = FLOW_SHARD - 5; i < FLOW_SHARD; i++)
		assert_int_equal(last[i], 0);
	free(f.packets);
	pf_packetizer_destroy(p);
}

static void an_empty_unit_has_one_shard(void **state)
{
	(void)state;
	struct pf_packetizer_params params = flow_sender_params();
	params.fec_percent = 0;
	struct pf_packetizer *p = flow_sender(&params);
	struct flow_frame f = flow_build(p, 1, 0, 0);
	assert_int_equal(f.n, 1);
	struct pf_native_header h = header_of(f.packets, f.packet_len);
	assert_int_equal(h.frame_bytes, 0);
	assert_int_equal(h.data_shards, 1);
	assert_int_equal(h.parity_shards, 0);
	assert_int_equal(h.flags, PF_NATIVE_PICTURE | PF_NATIVE_START | PF_NATIVE_END);
	free(f.packets);
	pf_packetizer_destroy(p);
}

static size_t parity_of(unsigned percent, unsigned floor, enum pf_fec_scheme scheme, size_t k)
{
	struct pf_packetizer_params params = flow_sender_params();
	params.scheme = scheme;
	params.max_data_per_block = scheme == PF_FEC_GF8 ? 255 : 4096;
	params.fec_percent = percent;
	params.min_parity = floor;
	struct pf_packetizer *p = flow_sender(&params);
	struct flow_frame f = flow_build(p, 1, k * FLOW_SHARD, 0);
	free(f.packets);
	pf_packetizer_destroy(p);
	assert_int_equal(f.n_data, k);
	return f.n - f.n_data;
}

static void parity_follows_percent_floor_and_scheme(void **state)
{
	(void)state;
	assert_int_equal(parity_of(0, 2, PF_FEC_GF16, 50), 0);
	assert_int_equal(parity_of(1, 0, PF_FEC_GF16, 1), 1);
	assert_int_equal(parity_of(10, 0, PF_FEC_GF16, 50), 5);
	assert_int_equal(parity_of(10, 0, PF_FEC_GF16, 51), 6);
	assert_int_equal(parity_of(10, 2, PF_FEC_GF16, 1), 2);
	assert_int_equal(parity_of(100, 0, PF_FEC_GF16, 300), 300);
	assert_int_equal(parity_of(100, 0, PF_FEC_GF8, 127), 127);
	assert_int_equal(parity_of(100, 0, PF_FEC_GF8, 200), 55);
	assert_int_equal(parity_of(100, 9, PF_FEC_GF8, 250), 5);
	assert_int_equal(parity_of(100, 9, PF_FEC_GF8, 255), 0);
}

static size_t parity_with_small(unsigned percent, size_t small_block, size_t k)
{
	struct pf_packetizer_params params = flow_sender_params();
	params.fec_percent = percent;
	params.min_parity = 2;
	params.small_block = small_block;
	struct pf_packetizer *p = flow_sender(&params);
	struct flow_frame f = flow_build(p, 1, k * FLOW_SHARD, 0);
	size_t m = f.n - f.n_data;
	free(f.packets);
	pf_packetizer_destroy(p);
	return m;
}

static void small_blocks_get_one_parity_shard_more(void **state)
{
	(void)state;
	assert_int_equal(parity_with_small(20, 0, 15), 3);
	assert_int_equal(parity_with_small(20, 20, 7), 2);
	assert_int_equal(parity_with_small(20, 20, 8), 3);
	assert_int_equal(parity_with_small(20, 20, 15), 4);
	assert_int_equal(parity_with_small(20, 20, 20), 5);
	assert_int_equal(parity_with_small(20, 20, 21), 5);
	assert_int_equal(parity_with_small(100, 20, 20), 20); /* never more parity than data */
	assert_int_equal(parity_with_small(0, 20, 15), 0);
}

static void the_percent_changes_with_the_next_frame(void **state)
{
	(void)state;
	struct pf_packetizer_params params = flow_sender_params();
	struct pf_packetizer *p = flow_sender(&params);
	assert_int_equal(pf_packetizer_set_fec_percent(p, 101), PF_E_INVALID);
	assert_int_equal(pf_packetizer_set_fec_percent(p, 100), PF_OK);
	struct flow_frame f = flow_build(p, 1, FLOW_FRAME_MAX, 0);
	assert_int_equal(f.n, 2 * f.n_data);
	free(f.packets);
	struct pf_packet_batch batch;
	struct pf_frame_info info = {0};
	uint8_t byte = 0;
	assert_int_equal(
		pf_packetizer_build(p, &info, &byte, FLOW_FRAME_MAX + 1, &batch), PF_E_INVALID);
	pf_packetizer_destroy(p);
}

static void sealed_packets_open_and_resume(void **state)
{
	(void)state;
	const uint8_t key[16] = {5}, salt[4] = {1, 2, 3, 4};
	struct pf_aead *aead;
	struct pf_sealer seal, open, next;
	assert_int_equal(pf_aead_create(&aead, PF_CIPHER_AES_128_GCM, key, 16), PF_OK);
	pf_sealer_init(&seal, aead, salt, PF_HOST_TO_CLIENT);
	open = seal;
	struct pf_packetizer_params params = flow_sender_params();
	struct pf_reassembler_params rp = flow_receiver_params();
	struct pf_reassembler *r = flow_receiver(&rp);
	uint64_t want = 0;
	for (uint32_t frame = 0; frame < 6; frame++) {
		params.seal = &seal;
		struct pf_packetizer *p = flow_sender(&params);
		struct flow_frame f = flow_build(p, frame, 5000, 0);
		assert_int_equal(
			f.packet_len, PF_NATIVE_HEADER_LEN + FLOW_SHARD + PF_SEAL_OVERHEAD);
		for (size_t i = 0; i < f.n; i++) {
			uint64_t seq;
			uint8_t *text;
			size_t len;
			assert_int_equal(pf_sealer_open(&open, flow_packet(&f, i), f.packet_len,
						 &seq, &text, &len),
				PF_OK);
			assert_true(seq == want++); /* goes on over every new packetizer */
			assert_int_equal(header_of(text, len).stream_seq, seq);
			assert_true(pf_reassembler_push(r, text, len, 1) >= 0);
		}
		flow_expect(r, frame, 5000);
		params.first_stream_seq = pf_packetizer_resume(p, &next);
		seal = next;
		free(f.packets);
		pf_packetizer_destroy(p);
	}
	pf_reassembler_destroy(r);
	pf_aead_destroy(aead);
}

static void refuse(struct pf_packetizer_params params)
{
	struct pf_packetizer *p;
	assert_int_equal(pf_packetizer_create(&p, &params), PF_E_INVALID);
	assert_null(p);
}

static void bad_params_are_refused(void **state)
{
	(void)state;
	struct pf_packetizer_params ok = flow_sender_params(), p;
	struct pf_packetizer *jumbo;
	p = ok, p.shard_payload = 9152; /* of a datagram of 9216 bytes */
	assert_int_equal(pf_packetizer_create(&jumbo, &p), PF_OK);
	pf_packetizer_destroy(jumbo);
	p = ok, p.shard_payload = 14, refuse(p);
	p = ok, p.shard_payload = 65, refuse(p);
	p = ok, p.shard_payload = PF_SHARD_PAYLOAD_MAX + 2, refuse(p);
	p = ok, p.fec_percent = 101, refuse(p);
	p = ok, p.min_parity = 256, refuse(p);
	p = ok, p.max_data_per_block = 0, refuse(p);
	p = ok, p.max_data_per_block = 32769, refuse(p);
	p = ok, p.scheme = PF_FEC_GF8, p.max_data_per_block = 256, refuse(p);
	p = ok, p.scheme = (enum pf_fec_scheme)2, refuse(p);
	p = ok, p.max_frame_bytes = 0, refuse(p);
	p = ok, p.max_frame_bytes = (size_t)1 << 32, refuse(p);
	/* more blocks than the header can count */
	p = ok, p.max_data_per_block = 1, p.max_frame_bytes = 65536 * FLOW_SHARD, refuse(p);
	pf_packetizer_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_of_all_blocks_comes_before_parity),
		cmocka_unit_test(an_empty_unit_has_one_shard),
		cmocka_unit_test(parity_follows_percent_floor_and_scheme),
		cmocka_unit_test(small_blocks_get_one_parity_shard_more),
		cmocka_unit_test(the_percent_changes_with_the_next_frame),
		cmocka_unit_test(sealed_packets_open_and_resume),
		cmocka_unit_test(bad_params_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
