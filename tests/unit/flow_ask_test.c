/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/flow/ask.h"
#include "core/flow/report.h"
#include "core/wire/control.h"

#define MS UINT64_C(1000000)

static struct pf_ask_state hole(uint32_t first, uint32_t last)
{
	return (struct pf_ask_state){.hole = true,
		.first = first,
		.last = last,
		.started = true,
		.shown = first - 1,
		.rtt_ns = 20 * MS,
		.refresh_hz = 100};
}

static enum pf_ask_kind kind_at(struct pf_ask *a, const struct pf_ask_state *s, uint64_t now_ns)
{
	return pf_ask_poll(a, s, now_ns).kind;
}

static void asks_at_once_and_then_when_overdue(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = hole(7, 7);
	assert_int_equal(kind_at(&a, &s, 1000 * MS), PF_ASK_RFI);
	assert_int_equal(pf_ask_deadline(&a), 1050 * MS);
	assert_int_equal(kind_at(&a, &s, 1049 * MS), PF_ASK_NOTHING);
	assert_int_equal(kind_at(&a, &s, 1050 * MS), PF_ASK_RFI);
}

static void a_lost_answer_is_asked_for_again(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = hole(7, 7);
	assert_int_equal(kind_at(&a, &s, 1000 * MS), PF_ASK_RFI);
	s.last = 8; /* was under way before the host heard of it */
	assert_int_equal(kind_at(&a, &s, 1010 * MS), PF_ASK_NOTHING);
	s.last = 9;
	assert_int_equal(kind_at(&a, &s, 1025 * MS), PF_ASK_RFI);
}

static void nothing_open_is_nothing_to_ask(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = hole(7, 7);
	assert_int_equal(kind_at(&a, &s, 1000 * MS), PF_ASK_RFI);
	s.hole = false;
	assert_int_equal(kind_at(&a, &s, 1001 * MS), PF_ASK_NOTHING);
	assert_true(pf_ask_deadline(&a) == UINT64_MAX);
	s = hole(9, 9);
	assert_int_equal(kind_at(&a, &s, 1002 * MS), PF_ASK_RFI);
}

static void what_no_range_tells_is_a_keyframe(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = {.closed = true}; /* nothing was ever shown */
	assert_int_equal(kind_at(&a, &s, 1), PF_ASK_KEYFRAME);
	/* No round trip, no refresh known: the usual frame, not a flood. */
	assert_in_range(pf_ask_deadline(&a), 16 * MS, 25 * MS);
	struct pf_ask skipped = {0};
	s = hole(9, 9);
	s.closed = s.skipping =
		true; /* the host does not know of frames that this client threw away */
	assert_int_equal(kind_at(&skipped, &s, 1), PF_ASK_KEYFRAME);
	struct pf_ask b = {0};
	s = hole(5, 5 + PF_RFI_MAX_RANGE + 1);
	assert_int_equal(kind_at(&b, &s, 1), PF_ASK_KEYFRAME);
	struct pf_ask wrapped = {0};
	s = hole(UINT32_MAX, 0);
	assert_int_equal(kind_at(&wrapped, &s, 1), PF_ASK_RFI);
}

static void before_the_first_keyframe_no_range_helps(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = hole(0, 3);
	s.started = false;
	assert_int_equal(kind_at(&a, &s, 1), PF_ASK_KEYFRAME);
}

/* Frames that were given up since the last one shown are as lost as the hole that is open now. */
static void names_everything_since_the_last_frame_shown(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = hole(20, 21);
	s.closed = true;
	s.shown = 11;
	s.stuck = 19;
	struct pf_ask_request r = pf_ask_poll(&a, &s, 1);
	assert_int_equal(r.kind, PF_ASK_RFI);
	assert_int_equal(r.first, 12);
	assert_int_equal(r.last, 21);
	s.hole = false;
	r = pf_ask_poll(&a, &s, 1000 * MS);
	assert_int_equal(r.kind, PF_ASK_RFI);
	assert_int_equal(r.first, 12);
	assert_int_equal(r.last, 19);
}

static void a_host_that_cannot_is_asked_for_a_keyframe(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = hole(7, 7);
	unsigned n = 0;
	for (uint64_t t = 1; n < 100 && kind_at(&a, &s, t * 1000 * MS) == PF_ASK_RFI; t++)
		n++;
	assert_in_range(n, 2, 10);
	assert_int_equal(kind_at(&a, &s, 900000 * MS), PF_ASK_KEYFRAME);
}

static void an_answer_that_comes_in_slowly_is_waited_for(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = hole(7, 7);
	s.healing = true;
	assert_int_equal(
		kind_at(&a, &s, 1000 * MS), PF_ASK_RFI); /* the first is sent whatever comes */
	assert_int_equal(kind_at(&a, &s, 1060 * MS), PF_ASK_NOTHING);
	assert_in_range(pf_ask_deadline(&a), 1061 * MS, 1070 * MS);
	s.healing = false;
	assert_int_equal(kind_at(&a, &s, 1070 * MS), PF_ASK_RFI);
	s.healing = true; /* but not for ever: a sender may mark everything */
	assert_int_equal(kind_at(&a, &s, 1400 * MS), PF_ASK_RFI);
}

static void a_wild_round_trip_does_not_silence(void **state)
{
	(void)state;
	struct pf_ask a = {0};
	struct pf_ask_state s = hole(7, 7);
	s.rtt_ns = UINT64_MAX;
	assert_int_equal(kind_at(&a, &s, 1), PF_ASK_RFI);
	assert_true(pf_ask_deadline(&a) < 10000 * MS);
}

static void reports_come_in_their_time(void **state)
{
	(void)state;
	struct pf_reassembler_stats stats = {.packets = 100, .shards_recovered = 50};
	struct pf_report r;
	pf_report_start(&r, &stats, 1000 * MS);
	assert_int_equal(pf_report_deadline(&r), 1000 * MS + PF_REPORT_DELIVERY_NS);
	struct pf_report_due due = pf_report_poll(&r, &stats, 7, 1099 * MS);
	assert_false(due.loss || due.delivery);
	due = pf_report_poll(&r, &stats, 7, 1100 * MS);
	assert_true(due.delivery && !due.loss);
	assert_int_equal(due.packets, 7);
	stats.packets = 190;
	stats.shards_recovered = 60;
	due = pf_report_poll(&r, &stats, 7, 1500 * MS);
	assert_true(due.loss);
	assert_false(due.delivery); /* nothing came */
	assert_int_equal(due.loss_ppm, 100000);
	due = pf_report_poll(&r, &stats, 8, 1600 * MS);
	assert_true(due.delivery && !due.loss);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_at_once_and_then_when_overdue),
		cmocka_unit_test(a_lost_answer_is_asked_for_again),
		cmocka_unit_test(nothing_open_is_nothing_to_ask),
		cmocka_unit_test(what_no_range_tells_is_a_keyframe),
		cmocka_unit_test(before_the_first_keyframe_no_range_helps),
		cmocka_unit_test(names_everything_since_the_last_frame_shown),
		cmocka_unit_test(a_host_that_cannot_is_asked_for_a_keyframe),
		cmocka_unit_test(an_answer_that_comes_in_slowly_is_waited_for),
		cmocka_unit_test(a_wild_round_trip_does_not_silence),
		cmocka_unit_test(reports_come_in_their_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
