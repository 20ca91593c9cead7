/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/flow_util.h"

/*
 * Streams over a bad link, by seed: whatever is lost, repeated or swapped, a frame that is handed out
 * is right byte for byte, frames leave in order, none twice, and the counters add up.
 */

struct link {
	unsigned loss, dup, swap; /* per thousand */
	size_t span;		  /* how far a packet may be swapped */
};

struct stream {
	enum pf_fec_scheme scheme;
	size_t shard, per_block, max_len;
	unsigned percent, anchor_every;
};

enum { N_FRAMES = 60, MAX_PACKETS = 60000 };

struct queue {
	uint8_t *packets[MAX_PACKETS];
	size_t n, packet_len;
};

static struct queue queue;

static void fill_queue(const struct stream *s, const struct link *l, uint64_t *rand, size_t *lens)
{
	struct pf_packetizer_params params = flow_sender_params();
	params.scheme = s->scheme;
	params.shard_payload = s->shard;
	params.max_data_per_block = s->per_block;
	params.fec_percent = s->percent;
	struct pf_packetizer *p = flow_sender(&params);
	queue.n = 0;
	for (uint32_t i = 0; i < N_FRAMES; i++) {
		lens[i] = test_rand(rand) % s->max_len;
		uint32_t flags = i % s->anchor_every ? 0 : PF_USER_KEYFRAME;
		struct flow_frame f = flow_build(p, i, lens[i], flags);
		queue.packet_len = f.packet_len;
		for (size_t j = 0; j < f.n; j++) {
			if (test_rand(rand) % 1000 < l->loss)
				continue;
			size_t copies = 1 + (test_rand(rand) % 1000 < l->dup);
			while (copies-- && queue.n < MAX_PACKETS) {
				uint8_t *copy = malloc(f.packet_len);
				assert_non_null(copy);
				memcpy(copy, flow_packet(&f, j), f.packet_len);
				queue.packets[queue.n++] = copy;
			}
		}
		free(f.packets);
	}
	for (size_t i = 0; i < queue.n && l->span; i++) {
		if (test_rand(rand) % 1000 >= l->swap)
			continue;
		size_t j = i + test_rand(rand) % l->span;
		if (j >= queue.n)
			continue;
		uint8_t *t = queue.packets[i];
		queue.packets[i] = queue.packets[j];
		queue.packets[j] = t;
	}
	pf_packetizer_destroy(p);
}

static size_t drain(struct pf_reassembler *r, int64_t *newest, const size_t *lens)
{
	size_t n = 0;
	struct pf_au au;
	uint8_t *want = malloc(FLOW_FRAME_MAX);
	assert_non_null(want);
	while (pf_reassembler_poll(r, &au) == PF_OK) {
		assert_true((int64_t)au.frame_index > *newest);
		assert_true(
			au.after_gap == ((int64_t)au.frame_index != *newest + 1) || *newest < 0);
		*newest = au.frame_index;
		assert_true(au.frame_index < N_FRAMES);
		assert_int_equal(au.len, lens[au.frame_index]);
		flow_fill(want, au.len, au.frame_index);
		if (au.len)
			assert_memory_equal(au.data, want, au.len);
		pf_reassembler_release(r);
		n++;
	}
	free(want);
	return n;
}

static struct pf_reassembler_stats run_stream(
	const struct stream *s, const struct link *l, uint64_t seed)
{
	static size_t lens[N_FRAMES];
	uint64_t rand = seed;
	fill_queue(s, l, &rand, lens);
	struct pf_reassembler_params params = flow_receiver_params();
	params.shard_bytes = s->shard;
	struct pf_reassembler *r = flow_receiver(&params);
	int64_t newest = -1;
	size_t handed_out = 0, sent = queue.n;
	uint64_t now = 0;
	for (size_t i = 0; i < queue.n; i++) {
		now += 20000;
		int ready = pf_reassembler_push(r, queue.packets[i], queue.packet_len, now);
		assert_true(ready >= 0 || ready == PF_E_BAD_PACKET);
		if (pf_reassembler_deadline(r) <= now)
			ready = pf_reassembler_expire(r, now);
		size_t n = drain(r, &newest, lens);
		assert_int_equal(ready > 0, n > 0);
		handed_out += n;
		free(queue.packets[i]);
	}
	(void)pf_reassembler_expire(r, now + 1000 * MS);
	handed_out += drain(r, &newest, lens);
	struct pf_reassembler_stats st = flow_stats(r);
	assert_int_equal(st.packets + st.packets_duplicate + st.packets_bad, sent);
	assert_int_equal(st.frames_delivered, handed_out);
	if (l->loss < 200) /* when next to nothing is whole, the memory for the rest runs out */
		assert_int_equal(st.packets_bad, 0);
	assert_int_equal(st.bytes_in_flight, 0);
	assert_true(st.packets_late <= st.shards_recovered);
	assert_true(st.frames_delivered + st.frames_lost <= N_FRAMES);
	if (newest >= 0) /* what was never seen at either end cannot be counted */
		assert_true(st.frames_delivered + st.frames_lost >= (uint64_t)newest);
	pf_reassembler_destroy(r);
	return st;
}

static const struct stream streams[] = {
	{PF_FEC_GF16, 64, 4096, 20000, 20, 10},
	{PF_FEC_GF16, 1408, 16, 90000, 20, 15},
	{PF_FEC_GF8, 64, 50, 20000, 30, 7},
	{PF_FEC_GF8, 1024, 200, 90000, 10, 1000},
	{PF_FEC_GF8, 64, 20, 9000, 0, 5},
};

#define N_STREAMS (sizeof(streams) / sizeof(streams[0]))

static void a_good_link_loses_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_STREAMS; i++) {
		struct pf_reassembler_stats st = run_stream(&streams[i], &(struct link){0}, i + 1);
		assert_int_equal(st.frames_delivered, N_FRAMES);
		assert_int_equal(st.shards_recovered, 0);
	}
}

static void swapping_and_repeating_loses_nothing(void **state)
{
	(void)state;
	const struct link l = {.dup = 100, .swap = 300, .span = 40};
	for (size_t i = 0; i < N_STREAMS; i++)
		for (uint64_t seed = 1; seed <= 4; seed++) {
			struct stream s = streams[i];
			/* an anchor would drop frames that are only late */
			s.anchor_every = N_FRAMES;
			struct pf_reassembler_stats st = run_stream(&s, &l, seed);
			/* a frame before the first one seen may be too late */
			assert_true(st.frames_delivered >= N_FRAMES - 1);
		}
}

static void any_link_gives_only_right_frames(void **state)
{
	(void)state;
	const struct link links[] = {
		{.loss = 20},
		{.loss = 100, .dup = 50, .swap = 50, .span = 100},
		{.loss = 300, .swap = 500, .span = 1000},
		{.loss = 900, .dup = 500, .swap = 900, .span = 40},
	};
	for (size_t i = 0; i < N_STREAMS; i++)
		for (size_t j = 0; j < 4; j++)
			for (uint64_t seed = 1; seed <= 3; seed++)
				run_stream(&streams[i], &links[j], seed * 31 + i);
}

static void parity_carries_a_link_of_two_percent(void **state)
{
	(void)state;
	uint64_t delivered = 0, lost = 0;
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct pf_reassembler_stats st = run_stream(
			&streams[0], &(struct link){.loss = 20}, seed);
		delivered += st.frames_delivered;
		lost += st.frames_lost;
		assert_true(st.frames_recovered > N_FRAMES / 2);
	}
	assert_true(lost * 100 <= delivered);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_link_loses_nothing),
		cmocka_unit_test(swapping_and_repeating_loses_nothing),
		cmocka_unit_test(any_link_gives_only_right_frames),
		cmocka_unit_test(parity_carries_a_link_of_two_percent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
