/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "connector/ring.h"
#include "connector/side.h"

/* The places where planes wait: rings, the order of numbered packets, rumble. */

#define S 1000000000ull

static void a_ring_keeps_the_newest(void **state)
{
	struct ring r;
	void *item;
	(void)state;
	assert_int_equal(ring_init(&r, sizeof(int), 3), PF_OK);
	assert_int_equal(ring_pop(&r, &item, 0), PF_E_NO_FRAME);
	for (int i = 0; i < 5; i++)
		ring_push(&r, &i, sizeof(i));
	assert_int_equal(ring_dropped(&r), 2);
	for (int i = 2; i < 5; i++) {
		assert_int_equal(ring_pop(&r, &item, 0), PF_OK);
		assert_int_equal(*(int *)item, i);
		/* What was given stays while more comes. */
		for (int more = 0; more < 3 && i == 4; more++)
			ring_push(&r, &more, sizeof(more));
		assert_int_equal(*(int *)item, i);
	}
	ring_close(&r);
	for (int i = 0; i < 3; i++)
		assert_int_equal(ring_pop(&r, &item, 0), PF_OK); /* the rest is still given */
	assert_int_equal(ring_pop(&r, &item, 1000), PF_E_CLOSED);
	ring_finish(&r);
	ring_finish(&r);
}

static void *push_late(void *userdata)
{
	int value = 7;
	usleep(20000);
	ring_push(userdata, &value, sizeof(value));
	usleep(20000);
	ring_close(userdata);
	return NULL;
}

static void who_waits_is_woken(void **state)
{
	struct ring r;
	pthread_t thread;
	void *item;
	(void)state;
	assert_int_equal(ring_init(&r, sizeof(int), 3), PF_OK);
	assert_int_equal(pthread_create(&thread, NULL, push_late, &r), 0);
	assert_int_equal(ring_pop(&r, &item, 10000), PF_OK);
	assert_int_equal(*(int *)item, 7);
	assert_int_equal(ring_pop(&r, &item, 10000), PF_E_CLOSED);
	pthread_join(thread, NULL);
	ring_finish(&r);
}

static void numbers_go_up_and_around(void **state)
{
	static const struct {
		uint32_t seq;
		uint64_t at_ns;
		bool taken;
		uint32_t missing;
	} steps[] = {
		{UINT32_MAX - 1, 0, true, 0},
		{UINT32_MAX - 1, 1, false, 0},
		{UINT32_MAX, 2, true, 0},
		{0, 3, true, 0},
		{UINT32_MAX, 4, false, 0},
		{3, 5, true, 2},
		{2, 6, false, 0},
		{0x80000003, 7, false, 0}, /* half way around: behind */
		{3, S, true, 0},	   /* much later: the host counts anew */
		{1, S + 1, false, 0},
		{4, 3 * S, true, 0},
		{1000004, 3 * S + 1, true, 999999},
	};
	struct seq_order o = {0};
	(void)state;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		uint32_t missing = 77;
		if (sound_order(&o, steps[i].seq, steps[i].at_ns, &missing) != steps[i].taken)
			fail_msg("step %zu", i);
		assert_int_equal(missing, steps[i].missing);
	}
}

static uint16_t low_of(struct rumble_table *t, unsigned pad)
{
	return t->pads[pad].now.low;
}

static void old_rumble_does_not_win(void **state)
{
	struct rumble_table t;
	struct pf_rumble r = {.pad = 3, .low = 1, .has_ttl = true, .seq = 250, .ttl_ms = 100};
	(void)state;
	assert_int_equal(rumble_init(&t), PF_OK);
	rumble_take(&t, &r, S);
	r.low = 2;
	r.seq = 4; /* around */
	rumble_take(&t, &r, S + 1);
	assert_int_equal(low_of(&t, 3), 2);
	r.low = 3;
	r.seq = 251;
	rumble_take(&t, &r, S + 2);
	assert_int_equal(low_of(&t, 3), 2);
	assert_int_equal(t.pads[3].ends_ns, S + 1 + 100000000);
	r.seq = 4; /* the same again: a refresh */
	r.low = 2;
	rumble_take(&t, &r, S + 50000000);
	assert_int_equal(t.pads[3].ends_ns, S + 150000000);
	r.seq = 251; /* a host that counts anew */
	r.low = 9;
	rumble_take(&t, &r, 3 * S);
	assert_int_equal(low_of(&t, 3), 9);
	r = (struct pf_rumble){.pad = 3, .low = 8}; /* without a number */
	rumble_take(&t, &r, 3 * S + 1);
	assert_int_equal(low_of(&t, 3), 8);
	assert_int_equal(t.pads[3].ends_ns, UINT64_MAX);
	r.pad = 16;
	rumble_take(&t, &r, 3 * S + 2); /* no such pad */
	rumble_close(&t);
	assert_int_equal(low_of(&t, 3), 0);
	rumble_finish(&t);
	rumble_finish(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_keeps_the_newest),
		cmocka_unit_test(who_waits_is_woken),
		cmocka_unit_test(numbers_go_up_and_around),
		cmocka_unit_test(old_rumble_does_not_win),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
