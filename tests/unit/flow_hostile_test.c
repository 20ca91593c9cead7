/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/flow_util.h"

/* Headers that a peer with the key may send, and what they may not do. */

static struct pf_reassembler *receiver;

static int setup(void **state)
{
	(void)state;
	struct pf_reassembler_params p = flow_receiver_params();
	p.limits.max_blocks = 8;
	p.limits.max_data_per_block = 100;
	p.limits.max_parity_per_block = 50;
	receiver = flow_receiver(&p);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pf_reassembler_destroy(receiver);
	return 0;
}

static struct pf_native_header good(void)
{
	/* 25 shards in blocks of 10, 10, 5 */
	return (struct pf_native_header){.pts_ns = 1,
		.frame_index = 1,
		.frame_bytes = 25 * FLOW_SHARD - 3,
		.block_count = 3,
		.data_shards = 10,
		.parity_shards = 4,
		.shard_bytes = FLOW_SHARD,
		.scheme = PF_FEC_GF16,
		.flags = PF_NATIVE_PICTURE};
}

static int push(const struct pf_native_header *h)
{
	uint8_t packet[PF_NATIVE_HEADER_LEN + FLOW_SHARD] = {0};
	pf_native_header_write(packet, h);
	return pf_reassembler_push(receiver, packet, sizeof(packet), 1);
}

static void refuse(struct pf_native_header h)
{
	struct pf_reassembler_stats before = flow_stats(receiver);
	assert_int_equal(push(&h), PF_E_BAD_PACKET);
	struct pf_reassembler_stats after = flow_stats(receiver);
	assert_int_equal(after.packets_bad, before.packets_bad + 1);
	assert_int_equal(after.bytes_in_flight, before.bytes_in_flight);
	assert_int_equal(after.packets, before.packets);
}

/* Each of these is refused both as the first packet of a frame and beside good ones. */
static void refuse_impossible_numbers(void)
{
	struct pf_native_header h;
	h = good(), h.block_count = 0, refuse(h);
	h = good(), h.block_index = 3, refuse(h);
	h = good(), h.block_count = 9, refuse(h);
	h = good(), h.block_count = UINT16_MAX, h.block_index = 5, refuse(h);
	h = good(), h.data_shards = 0, refuse(h);
	h = good(), h.data_shards = 8, refuse(h);
	h = good(), h.data_shards = 13, refuse(h);
	h = good(), h.data_shards = 101, refuse(h);
	h = good(), h.data_shards = UINT16_MAX, h.parity_shards = UINT16_MAX, refuse(h);
	h = good(), h.parity_shards = 51, refuse(h);
	h = good(), h.shard_index = 14, refuse(h);
	h = good(), h.shard_bytes = FLOW_SHARD - 2, refuse(h);
	h = good(), h.frame_bytes = 0, refuse(h);
	h = good(), h.frame_bytes = UINT32_MAX, refuse(h);
	h = good(), h.frame_bytes = FLOW_FRAME_MAX + 1, refuse(h);
	h = good(), h.frame_bytes += 6 * FLOW_SHARD, refuse(h);
	h = good(), h.frame_bytes -= 5 * FLOW_SHARD, refuse(h);
	h = good(), h.block_index = 2, h.data_shards = 4, refuse(h);
	h = good(), h.block_index = 2, h.data_shards = 25, refuse(h);
	h = good(), h.block_index = 2, h.data_shards = 11, refuse(h);
	h = good(), h.block_count = 1, refuse(h);
	h = good(), h.flags |= PF_NATIVE_PROBE, refuse(h);
	h = good(), h.user_flags |= PF_USER_PROBE, refuse(h);
	h = good(), h.scheme = 7, refuse(h);
	h = good(), h.scheme = PF_FEC_GF8, h.block_count = 1, h.data_shards = 100,
	h.frame_bytes = 100 * FLOW_SHARD, h.parity_shards = 156, refuse(h);
}

static void impossible_numbers_are_refused(void **state)
{
	(void)state;
	refuse_impossible_numbers();
	assert_int_equal(flow_stats(receiver).bytes_in_flight, 0);
	struct pf_native_header h = good();
	assert_int_equal(push(&h), 0);
	refuse_impossible_numbers();
}

static void packets_that_contradict_the_first_are_refused(void **state)
{
	(void)state;
	struct pf_native_header h = good();
	assert_int_equal(push(&h), 0);
	h = good(), h.shard_index = 1, h.pts_ns = 2, refuse(h);
	h = good(), h.shard_index = 1, h.frame_bytes -= 1, refuse(h);
	h = good(), h.shard_index = 1, h.parity_shards = 5, refuse(h);
	h = good(), h.shard_index = 1, h.scheme = PF_FEC_GF8, refuse(h);
	/* consistent in itself: 25 shards as 13 + 12, or as one block */
	h = good(), h.shard_index = 1, h.block_count = 2, h.data_shards = 13, refuse(h);
	h = good(), h.shard_index = 1, h.block_count = 1, h.data_shards = 25, refuse(h);
	/* a later block may have another parity count: each block says its own, once */
	h = good(), h.block_index = 1, h.parity_shards = 5;
	assert_int_equal(push(&h), 0);
	h = good(), h.block_index = 1, h.shard_index = 2, refuse(h);
	assert_int_equal(push(&(struct pf_native_header){.frame_bytes = 1}), PF_E_BAD_PACKET);
}

static void schemes_that_were_not_agreed_are_refused(void **state)
{
	(void)state;
	struct pf_reassembler_params p = flow_receiver_params();
	p.schemes = 1u << PF_FEC_GF8;
	pf_reassembler_destroy(receiver);
	receiver = flow_receiver(&p);
	struct pf_native_header h = good();
	refuse(h);
	h.scheme = PF_FEC_GF8;
	assert_int_equal(push(&h), 0);
}

static void more_parity_than_data_takes_only_what_can_help(void **state)
{
	(void)state;
	struct pf_native_header h = good();
	h.block_count = 1;
	h.frame_bytes = 3 * FLOW_SHARD;
	h.data_shards = 3;
	h.parity_shards = 50;
	h.shard_index = 52;
	assert_int_equal(push(&h), 0);
	size_t used = flow_stats(receiver).bytes_in_flight;
	h.shard_index = 51;
	assert_int_equal(push(&h), 0);
	assert_int_equal(push(&h), 0); /* twice the same is one */
	assert_int_equal(flow_stats(receiver).packets_duplicate, 1);
	assert_int_equal(flow_stats(receiver).bytes_in_flight, used);
	assert_true(used <= 2 * 4096);
	h.shard_index = 20;
	assert_int_equal(push(&h), 1);
	h.shard_index = 21;
	assert_int_equal(push(&h), 1);
	assert_int_equal(flow_stats(receiver).packets_unneeded, 1);
	struct pf_au au;
	assert_int_equal(pf_reassembler_poll(receiver, &au), PF_OK);
	assert_int_equal(au.recovered_shards, 3);
}

/* A header that fits its frame, or with one chance in eight one that is wrong in some field. */
static struct pf_native_header random_header(uint64_t *rand, uint32_t base)
{
	struct pf_native_header h = good();
	uint64_t r = test_rand(rand);
	h.frame_index = base + (uint32_t)(r & 7) - 4;
	uint32_t hash = h.frame_index * 2654435761u >> 8;
	uint32_t blocks = 1 + hash % 3, k = 1 + hash % 11, last = 1 + hash / 16 % k;
	h.block_count = (uint16_t)blocks;
	h.block_index = (uint16_t)((r >> 3 & 15) % blocks);
	h.data_shards = (uint16_t)(h.block_index + 1u < blocks ? k : last);
	h.parity_shards = (uint16_t)(hash / 32 % 7);
	h.shard_index = (uint16_t)((r >> 7 & 255) % (h.data_shards + h.parity_shards + 1u));
	h.frame_bytes = ((blocks - 1) * k + last) * FLOW_SHARD - hash / 64 % FLOW_SHARD;
	h.user_flags = (hash >> 10 & 31) == 0 ? PF_USER_KEYFRAME : 0;
	h.scheme = (uint8_t)(hash >> 20 & 1);
	uint16_t wrong = (uint16_t)(r >> 20);
	switch (r >> 40 & 63) {
	case 0:
		h.frame_index = (uint32_t)test_rand(rand);
		break;
	case 1:
		h.block_count = wrong;
		break;
	case 2:
		h.block_index = wrong & 7;
		break;
	case 3:
		h.data_shards = wrong & 255;
		break;
	case 4:
		h.parity_shards = wrong & 127;
		break;
	case 5:
		h.shard_index = wrong & 63;
		break;
	case 6:
		h.frame_bytes = (uint32_t)test_rand(rand);
		break;
	case 7:
		h.pts_ns = wrong;
		break;
	}
	return h;
}

/* Random headers by the hundred thousand: memory stays inside its bound. */
static void a_flood_of_headers_stays_in_bounds(void **state)
{
	(void)state;
	uint8_t packet[PF_NATIVE_HEADER_LEN + FLOW_SHARD];
	uint64_t rand = 99;
	uint32_t base = UINT32_MAX - 1000;
	size_t bound = 4 * FLOW_FRAME_MAX + 65536;
	for (uint64_t i = 0; i < 300000; i++) {
		uint64_t r = test_rand(&rand), now_ns = i * 100000;
		base += (r & 31) == 0;
		struct pf_native_header h = random_header(&rand, base);
		memset(packet, (int)(r >> 13), sizeof(packet));
		pf_native_header_write(packet, &h);
		struct pf_au au;
		int err = pf_reassembler_push(receiver, packet, sizeof(packet), now_ns);
		assert_true(err >= 0 || err == PF_E_BAD_PACKET);
		if ((r >> 59 & 1) && pf_reassembler_poll(receiver, &au) == PF_OK)
			pf_reassembler_release(receiver);
		if ((r >> 60 & 15) == 3)
			(void)pf_reassembler_expire(receiver, now_ns);
		assert_true(flow_stats(receiver).bytes_in_flight <= bound);
	}
	assert_true(flow_stats(receiver).frames_delivered > 1000);
	assert_true(flow_stats(receiver).frames_recovered > 100);
	assert_true(flow_stats(receiver).frames_lost > 100);
	pf_reassembler_reset(receiver);
	pf_reassembler_release(receiver);
	assert_int_equal(flow_stats(receiver).bytes_in_flight, 0);
}

static void refuse_params(struct pf_reassembler_params p)
{
	struct pf_reassembler *r;
	assert_int_equal(pf_reassembler_create(&r, &p), PF_E_INVALID);
	assert_null(r);
}

static void bad_limits_are_refused(void **state)
{
	(void)state;
	struct pf_reassembler_params ok = flow_receiver_params(), p;
	p = ok, p.shard_bytes = 0, refuse_params(p);
	p = ok, p.shard_bytes = 63, refuse_params(p);
	p = ok, p.shard_bytes = 65536, refuse_params(p);
	p = ok, p.schemes = 4, refuse_params(p);
	p = ok, p.limits.max_frame_bytes = 0, refuse_params(p);
	p = ok, p.limits.max_frame_bytes = SIZE_MAX, refuse_params(p);
	p = ok, p.limits.max_frames = 0, refuse_params(p);
	p = ok, p.limits.max_frames = 1025, refuse_params(p);
	p = ok, p.limits.max_bytes_in_flight = FLOW_FRAME_MAX - 1, refuse_params(p);
	p = ok, p.limits.max_bytes_in_flight = SIZE_MAX, refuse_params(p);
	p = ok, p.limits.max_blocks = 0, refuse_params(p);
	p = ok, p.limits.max_blocks = 65536, refuse_params(p);
	p = ok, p.limits.max_data_per_block = 0, refuse_params(p);
	p = ok, p.limits.max_data_per_block = 65536, refuse_params(p);
	p = ok, p.limits.max_parity_per_block = 65536, refuse_params(p);
	p = ok, p.limits.loss_window_ns = 0, refuse_params(p);
	pf_reassembler_destroy(NULL);
}

static void the_smallest_limits_work(void **state)
{
	(void)state;
	struct pf_reassembler_params p = flow_receiver_params();
	struct pf_packetizer_params s = flow_sender_params();
	p.limits = (struct pf_reassembler_limits){.max_frame_bytes = 500,
		.max_frames = 1,
		.max_bytes_in_flight = 500,
		.max_blocks = 1,
		.max_data_per_block = 8,
		.max_parity_per_block = 2,
		.loss_window_ns = 1};
	struct pf_reassembler *r = flow_receiver(&p);
	struct pf_packetizer *sender = flow_sender(&s);
	for (uint32_t i = 0; i < 20; i++) {
		flow_send(sender, r, i, 500, 0, 0, i % 3 ? SIZE_MAX : 2, i);
		if (i % 3)
			flow_expect(r, i, 500);
	}
	assert_int_equal(flow_stats(r).frames_delivered, 13);
	pf_packetizer_destroy(sender);
	pf_reassembler_destroy(r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(impossible_numbers_are_refused),
		T(packets_that_contradict_the_first_are_refused),
		T(schemes_that_were_not_agreed_are_refused),
		T(more_parity_than_data_takes_only_what_can_help),
		T(a_flood_of_headers_stays_in_bounds),
		T(bad_limits_are_refused),
		T(the_smallest_limits_work),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
