/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/flow_util.h"

#include "core/flow/loss.h"

static struct pf_packetizer *sender;
static struct pf_reassembler *receiver;

static int setup(void **state)
{
	(void)state;
	struct pf_packetizer_params s = flow_sender_params();
	struct pf_reassembler_params r = flow_receiver_params();
	sender = flow_sender(&s);
	receiver = flow_receiver(&r);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pf_packetizer_destroy(sender);
	pf_reassembler_destroy(receiver);
	return 0;
}

static int send_all(uint32_t index, size_t len, uint32_t user_flags, uint64_t now_ns)
{
	return flow_send(sender, receiver, index, len, user_flags, 0, SIZE_MAX, now_ns);
}

/* Ten of the data packets of a 40-shard frame: never enough. */
static int send_part(uint32_t index, uint64_t now_ns)
{
	return flow_send(sender, receiver, index, 40 * FLOW_SHARD, 0, 0, 10, now_ns);
}

static void frames_of_every_size_come_through(void **state)
{
	(void)state;
	const size_t sizes[] = {0, 1, FLOW_SHARD - 1, FLOW_SHARD, FLOW_SHARD + 1, 12345,
		FLOW_FRAME_MAX - 1, FLOW_FRAME_MAX};
	for (uint32_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		send_all(i, sizes[i], 0, i);
		struct pf_au au = flow_expect(receiver, i, sizes[i]);
		assert_false(au.after_gap);
		assert_int_equal(au.first_packet_ns, i);
	}
	struct pf_reassembler_stats s = flow_stats(receiver);
	assert_int_equal(s.frames_completed, 8);
	assert_int_equal(s.frames_delivered, 8);
	assert_int_equal(s.frames_lost + s.frames_recovered + s.packets_bad, 0);
	assert_int_equal(s.bytes_in_flight, 0);
	assert_true(s.packets_unneeded > 0); /* parity of whole frames */
	assert_int_equal(s.packets_late, 0);
}

static void a_frame_leaves_with_its_last_data_shard(void **state)
{
	(void)state;
	struct flow_frame f = flow_build(sender, 5, 20 * FLOW_SHARD, 0);
	for (size_t i = 0; i < f.n; i++)
		assert_int_equal(flow_push(receiver, &f, i, 10 + i), i >= 19);
	struct pf_au au = flow_expect(receiver, 5, 20 * FLOW_SHARD);
	assert_int_equal(au.first_packet_ns, 10);
	assert_int_equal(au.complete_ns, 29);
	free(f.packets);
}

static void parity_repairs_and_late_shards_are_counted(void **state)
{
	(void)state;
	struct flow_frame f = flow_build(sender, 0, 50 * FLOW_SHARD, 0); /* m = 10 */
	for (size_t i = 0; i < f.n; i++)
		if (i < 3 || i >= 10)
			(void)flow_push(receiver, &f, i, 1);
	struct pf_au au = flow_expect(receiver, 0, 50 * FLOW_SHARD);
	assert_int_equal(au.recovered_shards, 7);
	struct pf_loss_window w = {0};
	struct pf_reassembler_stats s = flow_stats(receiver);
	assert_int_equal(s.shards_recovered, 7);
	assert_int_equal(s.frames_recovered, 1);
	/* seven shards rebuilt, of which two arrive after the frame was handed out */
	assert_int_equal(flow_push(receiver, &f, 3, 2), 0);
	assert_int_equal(flow_push(receiver, &f, 9, 2), 0);
	s = flow_stats(receiver);
	assert_int_equal(s.packets_late, 2);
	assert_int_equal(s.packets, 55);
	assert_int_equal(s.packets_unneeded, 3);
	assert_int_equal(pf_loss_window_take(&w, &s), 1000000u * 5 / 60);
	assert_int_equal(pf_loss_window_take(&w, &s), 0); /* a new window */
	free(f.packets);
}

static void late_shards_of_a_waiting_frame_are_counted_once(void **state)
{
	(void)state;
	send_part(0, 1);
	struct flow_frame f = flow_build(sender, 1, 10 * FLOW_SHARD, 0); /* m = 2 */
	for (size_t i = 1; i < f.n; i++)
		(void)flow_push(receiver, &f, i, 1);
	assert_int_equal(flow_stats(receiver).frames_recovered, 1);
	(void)flow_push(receiver, &f, 0, 1);
	assert_int_equal(flow_stats(receiver).packets_late, 1);
	(void)flow_push(receiver, &f, 0, 1);
	assert_int_equal(flow_stats(receiver).packets_late, 1);
	assert_int_equal(flow_stats(receiver).packets_duplicate, 1);
	free(f.packets);
}

static void one_shard_too_few_is_not_a_frame(void **state)
{
	(void)state;
	struct flow_frame f = flow_build(sender, 0, 50 * FLOW_SHARD, 0);
	for (size_t i = 11; i < f.n; i++)
		assert_int_equal(flow_push(receiver, &f, i, 1), 0);
	flow_expect_nothing(receiver);
	(void)flow_push(receiver, &f, 0, 1);
	flow_expect(receiver, 0, 50 * FLOW_SHARD);
	free(f.packets);
}

static void order_is_kept_and_a_hole_is_told(void **state)
{
	(void)state;
	uint32_t first, last;
	send_all(10, 500, 0, 1);
	flow_expect(receiver, 10, 500);
	send_part(11, 2);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(send_all(14, 500, 0, 3), 0);
	flow_expect_nothing(receiver);
	assert_true(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(first, 11);
	assert_int_equal(last, 13);
	send_all(11, 40 * FLOW_SHARD, 0, 4);
	send_all(13, 500, 0, 4);
	assert_true(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(first, 12);
	assert_int_equal(last, 12);
	flow_expect(receiver, 11, 40 * FLOW_SHARD);
	assert_int_equal(send_all(12, 500, 0, 5), 1);
	for (uint32_t i = 12; i <= 14; i++)
		assert_false(flow_expect(receiver, i, 500).after_gap);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(flow_stats(receiver).frames_lost, 0);
}

static void the_end_of_a_newer_frame_opens_the_hole(void **state)
{
	(void)state;
	uint32_t first, last;
	struct flow_frame f = flow_build(sender, 1, 40 * FLOW_SHARD, 0);
	send_part(0, 1);
	(void)flow_push(receiver, &f, 0, 1);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	(void)flow_push(receiver, &f, f.n - 1, 1); /* END, although the frame is not whole */
	assert_true(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(first, 0);
	assert_int_equal(last, 0);
	free(f.packets);
}

/* A frame whose last packet came, or that a newer one overtook, is a hole once reordering is ruled out. */
static void an_overdue_frame_is_a_hole_by_itself(void **state)
{
	(void)state;
	uint32_t first, last;
	const uint64_t ms = 1000000;
	struct flow_frame f = flow_build(sender, 0, 40 * FLOW_SHARD, 0);
	(void)flow_push(receiver, &f, 0, 10 * ms);
	(void)flow_push(receiver, &f, f.n - 1, 11 * ms);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	assert_true(pf_reassembler_deadline(receiver) == 13 * ms);
	(void)pf_reassembler_expire(receiver, 13 * ms - 1);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	(void)pf_reassembler_expire(receiver, 13 * ms);
	assert_true(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(first, 0);
	assert_int_equal(last, 0);
	assert_true(pf_reassembler_deadline(receiver) > 13 * ms);
	free(f.packets);
}

static void a_frame_that_was_overtaken_is_a_hole(void **state)
{
	(void)state;
	uint32_t first, last;
	const uint64_t ms = 1000000;
	struct flow_frame old = flow_build(sender, 0, 40 * FLOW_SHARD, 0);
	struct flow_frame new = flow_build(sender, 1, 40 * FLOW_SHARD, 0);
	(void)flow_push(receiver, &old, 0, 1 * ms);
	(void)flow_push(receiver, &new, 0, 17 * ms);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	(void)pf_reassembler_expire(receiver, 19 * ms);
	assert_true(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(first, 0);
	assert_int_equal(last, 0); /* the newer one may still be on its way */
	free(old.packets);
	free(new.packets);
}

/* Once packets came 20 ms late and were of use, the next hole is not believed sooner. */
static void lateness_is_learnt(void **state)
{
	(void)state;
	uint32_t first, last;
	struct flow_frame f = flow_build(sender, 0, 40 * FLOW_SHARD, 0);
	struct flow_frame g = flow_build(sender, 2, 40 * FLOW_SHARD, 0);
	for (size_t i = 0; i < 30; i++)
		(void)flow_push(receiver, &f, i, MS);
	send_all(1, 500, 0, 2 * MS);
	assert_true(pf_reassembler_hole(receiver, &first, &last)); /* nothing is known yet */
	for (size_t i = 30; i < 40; i++)
		(void)flow_push(receiver, &f, i, 22 * MS);
	flow_expect(receiver, 0, 40 * FLOW_SHARD);
	flow_expect(receiver, 1, 500);
	for (size_t i = 0; i < 30; i++)
		(void)flow_push(receiver, &g, i, 30 * MS);
	send_all(3, 500, 0, 31 * MS);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	assert_in_range(pf_reassembler_deadline(receiver), 51 * MS, 57 * MS);
	(void)pf_reassembler_expire(receiver, 50 * MS);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	(void)pf_reassembler_expire(receiver, 57 * MS);
	assert_true(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(first, 2);
	free(g.packets);
	free(f.packets);
}

/* A large frame through a slow link is not given up while it comes, and what was given up belongs to the hole. */
static void a_frame_that_still_comes_is_not_given_up(void **state)
{
	(void)state;
	uint32_t first, last;
	struct flow_frame f = flow_build(sender, 1, 40 * FLOW_SHARD, 0);
	send_all(0, 500, 0, MS);
	flow_expect(receiver, 0, 500);
	for (size_t i = 0; i < 30; i++) {
		(void)flow_push(receiver, &f, i, (10 + 10 * i) * MS);
		(void)pf_reassembler_expire(receiver, (10 + 10 * i) * MS);
	}
	assert_int_equal(flow_stats(receiver).frames_lost, 0);
	(void)pf_reassembler_expire(receiver, 1000 * MS);
	assert_int_equal(flow_stats(receiver).frames_lost, 1);
	send_part(3, 1000);
	(void)pf_reassembler_expire(receiver, 1005 * MS);
	assert_true(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(first, 1);
	free(f.packets);
}

static void a_healing_frame_is_told_while_it_comes(void **state)
{
	(void)state;
	struct flow_frame f = flow_build(sender, 1, 40 * FLOW_SHARD, PF_USER_RECOVERY_ANCHOR);
	assert_false(pf_reassembler_is_healing(receiver));
	send_part(0, 1);
	assert_false(pf_reassembler_is_healing(receiver));
	(void)flow_push(receiver, &f, 0, 1);
	assert_true(pf_reassembler_is_healing(receiver));
	(void)flow_push(receiver, &f, f.n - 1, 1);
	assert_false(pf_reassembler_is_healing(receiver)); /* it came as far as it will */
	free(f.packets);
}

static void time_gives_up_what_does_not_come(void **state)
{
	(void)state;
	assert_true(pf_reassembler_deadline(receiver) == UINT64_MAX);
	send_part(0, 100 * MS);
	assert_true(pf_reassembler_deadline(receiver) == 220 * MS);
	send_all(2, 500, 0, 110 * MS); /* 1 is noticed now */
	assert_int_equal(pf_reassembler_expire(receiver, 219 * MS), 0);
	assert_int_equal(pf_reassembler_expire(receiver, 220 * MS), 0);
	assert_int_equal(flow_stats(receiver).frames_lost, 1);
	assert_true(pf_reassembler_deadline(receiver) == 230 * MS);
	assert_int_equal(pf_reassembler_expire(receiver, 230 * MS), 1);
	assert_true(flow_expect(receiver, 2, 500).after_gap);
	assert_int_equal(flow_stats(receiver).frames_lost, 2);
	assert_true(pf_reassembler_deadline(receiver) == UINT64_MAX);
	/* what comes of them now is not needed, and opens nothing */
	send_part(0, 240 * MS);
	assert_int_equal(flow_stats(receiver).bytes_in_flight, 0);
	send_all(3, 500, 0, 240 * MS);
	assert_false(flow_expect(receiver, 3, 500).after_gap);
}

static void time_may_stand_still_or_go_back(void **state)
{
	(void)state;
	send_part(0, 500 * MS);
	send_all(1, 500, 0, 100 * MS);
	assert_int_equal(pf_reassembler_expire(receiver, 0), 0);
	assert_true(pf_reassembler_deadline(receiver) == 620 * MS);
	assert_int_equal(pf_reassembler_expire(receiver, UINT64_MAX), 1);
	assert_true(flow_expect(receiver, 1, 500).after_gap);
	send_part(2, 0);
	assert_true(pf_reassembler_deadline(receiver) == UINT64_MAX); /* saturated, not wrapped */
}

static void an_anchor_leaves_at_once(void **state)
{
	(void)state;
	send_all(0, 500, 0, 1);
	send_part(1, 1);
	send_all(2, 500, 0, 1);
	send_part(3, 1);
	send_part(5, 1);
	/* whole and in order stays, the rest below the anchor goes, above it waits */
	assert_int_equal(send_all(4, 900, PF_USER_KEYFRAME, 2), 1);
	assert_false(flow_expect(receiver, 0, 500).after_gap);
	struct pf_au au = flow_expect(receiver, 4, 900);
	assert_true(au.after_gap && au.anchor);
	assert_int_equal(flow_stats(receiver).frames_lost, 3);
	flow_expect_nothing(receiver);
	send_all(5, 40 * FLOW_SHARD, 0, 3);
	assert_false(flow_expect(receiver, 5, 40 * FLOW_SHARD).after_gap);
}

static bool starts_with_index_3(const uint8_t *au, size_t len, uint32_t flags, void *userdata)
{
	uint8_t want[8];
	(void)flags;
	++*(int *)userdata;
	flow_fill(want, sizeof(want), 3);
	return len >= 8 && memcmp(au, want, 8) == 0;
}

static void the_callback_decides_what_an_anchor_is(void **state)
{
	(void)state;
	int calls = 0;
	struct pf_reassembler_params p = flow_receiver_params();
	p.is_anchor = starts_with_index_3;
	p.userdata = &calls;
	struct pf_reassembler *r = flow_receiver(&p);
	flow_send(sender, r, 0, 40 * FLOW_SHARD, 0, 0, 10, 1);
	flow_send(sender, r, 2, 500, PF_USER_KEYFRAME, 0, SIZE_MAX, 1);
	flow_expect_nothing(r);
	flow_send(sender, r, 3, 500, 0, 0, SIZE_MAX, 1);
	flow_expect(r, 3, 500);
	assert_int_equal(calls, 2);
	pf_reassembler_destroy(r);
}

static void the_index_wraps(void **state)
{
	(void)state;
	uint32_t index = UINT32_MAX - 4, first, last;
	for (int i = 0; i < 10; i++, index++) {
		if (i == 5)
			continue; /* index 0 is lost */
		send_all(index, 300, 0, 1);
		if (i < 5)
			assert_false(flow_expect(receiver, index, 300).after_gap);
	}
	assert_true(pf_reassembler_hole(receiver, &first, &last));
	assert_int_equal(first, 0);
	assert_int_equal(last, 0);
	assert_int_equal(pf_reassembler_expire(receiver, 121 * MS), 1);
	for (index = 1; index < 5; index++)
		assert_int_equal(flow_expect(receiver, index, 300).after_gap, index == 1);
}

static void the_first_frames_may_come_in_any_order(void **state)
{
	(void)state;
	send_part(7, 1);
	send_all(6, 500, 0, 1);
	flow_expect(receiver, 6, 500); /* older than the first one seen */
	send_all(7, 40 * FLOW_SHARD, 0, 1);
	flow_expect(receiver, 7, 40 * FLOW_SHARD);
	send_all(5, 500, 0, 1); /* too late now */
	flow_expect_nothing(receiver);
}

static void one_stray_index_costs_nothing(void **state)
{
	(void)state;
	send_part(0, 1);
	send_all(1, 500, 0, 1);
	for (uint32_t far = 40; far; far <<= 1) {
		assert_int_equal(
			flow_send(sender, receiver, far, 500, 0, 0, 1, 1), PF_E_BAD_PACKET);
		send_all(1, 500, 0, 1);
	}
	send_all(0, 40 * FLOW_SHARD, 0, 1);
	flow_expect(receiver, 0, 40 * FLOW_SHARD);
	assert_false(flow_expect(receiver, 1, 500).after_gap);
	assert_int_equal(flow_stats(receiver).frames_lost, 0);
}

static void a_real_jump_is_followed(void **state)
{
	(void)state;
	const uint32_t to[] = {1u << 20, 3, 0x80000003u, UINT32_MAX};
	send_all(500, 500, 0, 1);
	flow_expect(receiver, 500, 500);
	send_part(501, 1);
	for (size_t i = 0; i < 4; i++) {
		struct flow_frame f = flow_build(sender, to[i], 10 * FLOW_SHARD, 0);
		assert_int_equal(flow_push(receiver, &f, 0, 1), PF_E_BAD_PACKET);
		assert_int_equal(flow_push(receiver, &f, 1, 1), PF_E_BAD_PACKET);
		for (size_t j = 2; j < f.n; j++)
			assert_true(flow_push(receiver, &f, j, 1) >= 0);
		assert_true(flow_expect(receiver, to[i], 10 * FLOW_SHARD).after_gap);
		free(f.packets);
	}
	assert_int_equal(flow_stats(receiver).frames_lost, 1);
}

static void the_window_slides_over_a_stuck_frame(void **state)
{
	(void)state;
	send_part(0, 1);
	for (uint32_t i = 1; i < 64; i++)
		assert_int_equal(send_all(i, 100, 0, 1), 0);
	assert_int_equal(send_all(64, 100, 0, 1), 1); /* 65 frames do not fit: 0 goes */
	assert_true(flow_expect(receiver, 1, 100).after_gap);
	for (uint32_t i = 2; i <= 64; i++)
		assert_false(flow_expect(receiver, i, 100).after_gap);
	assert_int_equal(flow_stats(receiver).frames_lost, 1);
}

static void memory_ends_and_the_oldest_incomplete_goes(void **state)
{
	(void)state;
	/* Four largest frames fit (plus bookkeeping); begin six. */
	for (uint32_t i = 0; i < 6; i++)
		flow_send(sender, receiver, i, FLOW_FRAME_MAX, 0, 0, 5, i);
	struct pf_reassembler_stats s = flow_stats(receiver);
	assert_int_equal(s.frames_lost, 2);
	assert_true(s.bytes_in_flight <= 4 * FLOW_FRAME_MAX + 65536);
	/* the newest can be finished */
	for (uint32_t i = 2; i < 6; i++)
		assert_true(flow_send(sender, receiver, i, FLOW_FRAME_MAX, 0, 5, SIZE_MAX, 9) >= 0);
	assert_true(flow_expect(receiver, 2, FLOW_FRAME_MAX).after_gap);
	for (uint32_t i = 3; i < 6; i++)
		flow_expect(receiver, i, FLOW_FRAME_MAX);
	assert_int_equal(flow_stats(receiver).bytes_in_flight, 0);
}

static void whole_frames_are_not_thrown_away_for_new_ones(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 4; i++)
		send_all(i, FLOW_FRAME_MAX, 0, 1);
	assert_int_equal(send_all(4, FLOW_FRAME_MAX, 0, 1), PF_E_BAD_PACKET);
	for (uint32_t i = 0; i < 4; i++)
		flow_expect(receiver, i, FLOW_FRAME_MAX);
	send_all(4, FLOW_FRAME_MAX, 0, 1);
	flow_expect(receiver, 4, FLOW_FRAME_MAX);
}

static void a_held_frame_outlives_everything_but_its_release(void **state)
{
	(void)state;
	struct pf_au au, none;
	uint8_t want[500];
	flow_fill(want, sizeof(want), 0);
	send_all(0, 500, 0, 1);
	assert_int_equal(pf_reassembler_poll(receiver, &au), PF_OK);
	for (uint32_t i = 1; i < 300; i++)
		send_all(i, 700, 0, 1);
	assert_int_equal(pf_reassembler_poll(receiver, &none), PF_E_INVALID);
	pf_reassembler_reset(receiver);
	send_all(9, 700, 0, 1);
	assert_memory_equal(au.data, want, 500);
	pf_reassembler_release(receiver);
	flow_expect(receiver, 9, 700);
	assert_int_equal(flow_stats(receiver).bytes_in_flight, 0);
	pf_reassembler_release(receiver); /* nothing held: nothing done */
}

static void reset_forgets_frames_and_keeps_counters(void **state)
{
	(void)state;
	uint32_t first, last;
	send_part(900, 1);
	send_all(902, 500, 0, 1);
	pf_reassembler_reset(receiver);
	struct pf_reassembler_stats s = flow_stats(receiver);
	assert_int_equal(s.bytes_in_flight, 0);
	assert_int_equal(s.frames_completed, 1);
	assert_false(pf_reassembler_hole(receiver, &first, &last));
	assert_true(pf_reassembler_deadline(receiver) == UINT64_MAX);
	flow_expect_nothing(receiver);
	send_all(0, 500, 0, 1);
	assert_false(flow_expect(receiver, 0, 500).after_gap);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(frames_of_every_size_come_through),
		T(a_frame_leaves_with_its_last_data_shard),
		T(parity_repairs_and_late_shards_are_counted),
		T(late_shards_of_a_waiting_frame_are_counted_once),
		T(one_shard_too_few_is_not_a_frame),
		T(order_is_kept_and_a_hole_is_told),
		T(the_end_of_a_newer_frame_opens_the_hole),
		T(an_overdue_frame_is_a_hole_by_itself),
		T(a_frame_that_was_overtaken_is_a_hole),
		T(lateness_is_learnt),
		T(a_frame_that_still_comes_is_not_given_up),
		T(a_healing_frame_is_told_while_it_comes),
		T(time_gives_up_what_does_not_come),
		T(time_may_stand_still_or_go_back),
		T(an_anchor_leaves_at_once),
		T(the_callback_decides_what_an_anchor_is),
		T(the_index_wraps),
		T(the_first_frames_may_come_in_any_order),
		T(one_stray_index_costs_nothing),
		T(a_real_jump_is_followed),
		T(the_window_slides_over_a_stuck_frame),
		T(memory_ends_and_the_oldest_incomplete_goes),
		T(whole_frames_are_not_thrown_away_for_new_ones),
		T(a_held_frame_outlives_everything_but_its_release),
		T(reset_forgets_frames_and_keeps_counters),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
