/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <sched.h>
#include <stdlib.h>

#include "host/base/mailbox.h"
#include "host/base/spsc.h"
#include "host/base/thread.h"
#include "host/media/clock.h"

#define SECOND_NS 1000000000ull
#define N_ITEMS	  100000u

static int values[N_ITEMS + 1];

static void mailbox_keeps_the_newest(void **state)
{
	struct mailbox m;
	mailbox_init(&m);
	assert_null(mailbox_take(&m, 0));
	assert_null(mailbox_put(&m, &values[1]));
	assert_ptr_equal(mailbox_put(&m, &values[2]), &values[1]);
	assert_ptr_equal(mailbox_take(&m, UINT64_MAX), &values[2]);
	assert_null(mailbox_take(&m, 0));
}

static void mailbox_take_times_out(void **state)
{
	struct mailbox m;
	mailbox_init(&m);
	uint64_t start = clock_now_ns();
	assert_null(mailbox_take(&m, 5000000));
	assert_true(clock_now_ns() - start >= 5000000);
}

static void mailbox_wake_ends_one_wait_only(void **state)
{
	struct mailbox m;
	mailbox_init(&m);
	mailbox_wake(&m);
	assert_null(mailbox_take(&m, UINT64_MAX)); /* would hang if the wake were lost */
	assert_null(mailbox_put(&m, &values[1]));
	mailbox_wake(&m);
	assert_ptr_equal(mailbox_take(&m, UINT64_MAX), &values[1]);
	assert_null(mailbox_take(&m, UINT64_MAX));
	uint64_t start = clock_now_ns();
	assert_null(mailbox_take(&m, 2000000)); /* used up: this one waits */
	assert_true(clock_now_ns() - start >= 2000000);
}

static void mailbox_close_is_for_good(void **state)
{
	struct mailbox m;
	mailbox_init(&m);
	assert_null(mailbox_put(&m, &values[1]));
	assert_false(mailbox_closed(&m));
	mailbox_close(&m);
	assert_true(mailbox_closed(&m));
	assert_ptr_equal(mailbox_take(&m, UINT64_MAX), &values[1]);
	assert_null(mailbox_take(&m, UINT64_MAX));
	assert_null(mailbox_take(&m, UINT64_MAX));
}

static void spsc_is_a_bounded_fifo(void **state)
{
	struct spsc s;
	spsc_init(&s);
	assert_null(spsc_pop(&s, 0));
	for (unsigned round = 0; round < 5; round++) {
		for (unsigned i = 0; i < SPSC_SLOTS; i++) {
			assert_int_equal(spsc_len(&s), i);
			assert_true(spsc_push(&s, &values[i]));
		}
		assert_false(spsc_push(&s, &values[99]));
		for (unsigned i = 0; i < SPSC_SLOTS; i++)
			assert_ptr_equal(spsc_pop(&s, 0), &values[i]);
		assert_true(spsc_push(&s, &values[7])); /* moves the start of the next round */
		assert_ptr_equal(spsc_pop(&s, 0), &values[7]);
	}
	uint64_t start = clock_now_ns();
	assert_null(spsc_pop(&s, 3000000));
	assert_true(clock_now_ns() - start >= 3000000);
}

static void spsc_close_drains_then_ends(void **state)
{
	struct spsc s;
	spsc_init(&s);
	assert_true(spsc_push(&s, &values[3]));
	spsc_close(&s);
	assert_false(spsc_push(&s, &values[4]));
	assert_ptr_equal(spsc_pop(&s, UINT64_MAX), &values[3]);
	assert_null(spsc_pop(&s, UINT64_MAX));
}

struct stress {
	unsigned n_replaced;
	struct mailbox mailbox;
	struct spsc spsc;
};

/* Written before the item is published, read after it is taken: a race detector sees a missing barrier. */
static void produce_mailbox(void *userdata)
{
	struct stress *s = userdata;
	for (unsigned i = 1; i <= N_ITEMS; i++) {
		values[i] = (int)i;
		int *old = mailbox_put(&s->mailbox, &values[i]);
		if (old) {
			*old = -1;
			s->n_replaced++;
		}
		if (i % 7 == 0)
			sched_yield();
	}
	mailbox_close(&s->mailbox);
}

static void mailbox_loses_nothing_between_threads(void **state)
{
	struct stress s = {0};
	mailbox_init(&s.mailbox);
	struct thread t = {0};
	assert_int_equal(thread_start(&t, "stress", THREAD_NORMAL, produce_mailbox, &s), 0);
	unsigned n_taken = 0;
	int last = 0, *item;
	while ((item = mailbox_take(&s.mailbox, UINT64_MAX)) != NULL) {
		assert_true(*item > last); /* newest wins: never an older one after a newer */
		last = *item;
		n_taken++;
	}
	thread_join(&t);
	if ((item = mailbox_take(&s.mailbox, 0)) != NULL) {
		last = *item;
		n_taken++;
	}
	assert_int_equal(last, N_ITEMS);
	assert_int_equal(n_taken + s.n_replaced, N_ITEMS);
}

static void produce_spsc(void *userdata)
{
	struct stress *s = userdata;
	for (unsigned i = 1; i <= N_ITEMS; i++) {
		values[i] = (int)i;
		while (!spsc_push(&s->spsc, &values[i]))
			sched_yield();
	}
	spsc_close(&s->spsc);
}

static void spsc_keeps_order_between_threads(void **state)
{
	struct stress s = {0};
	spsc_init(&s.spsc);
	struct thread t = {0};
	assert_int_equal(thread_start(&t, "stress", THREAD_MEDIA, produce_spsc, &s), 0);
	int *item, expected = 1;
	while ((item = spsc_pop(&s.spsc, UINT64_MAX)) != NULL)
		assert_int_equal(*item, expected++);
	thread_join(&t);
	assert_int_equal(expected, N_ITEMS + 1);
	thread_join(&t); /* a second join is nothing */
}

/* Ping-pong: each side sleeps in the futex at every turn, so one lost wake hangs the test. */
static void answer(void *userdata)
{
	struct stress *s = userdata;
	int *item;
	while ((item = mailbox_take(&s->mailbox, UINT64_MAX)) != NULL)
		assert_true(spsc_push(&s->spsc, item));
}

static void no_wake_is_lost(void **state)
{
	struct stress s = {0};
	mailbox_init(&s.mailbox);
	spsc_init(&s.spsc);
	struct thread t = {0};
	assert_int_equal(thread_start(&t, "a name that is too long", THREAD_NORMAL, answer, &s), 0);
	for (unsigned i = 0; i < 3000; i++) {
		assert_null(mailbox_put(&s.mailbox, &values[i]));
		assert_ptr_equal(spsc_pop(&s.spsc, 20 * SECOND_NS), &values[i]);
	}
	mailbox_close(&s.mailbox);
	thread_join(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mailbox_keeps_the_newest),
		cmocka_unit_test(mailbox_take_times_out),
		cmocka_unit_test(mailbox_wake_ends_one_wait_only),
		cmocka_unit_test(mailbox_close_is_for_good),
		cmocka_unit_test(spsc_is_a_bounded_fifo),
		cmocka_unit_test(spsc_close_drains_then_ends),
		cmocka_unit_test(mailbox_loses_nothing_between_threads),
		cmocka_unit_test(spsc_keeps_order_between_threads),
		cmocka_unit_test(no_wake_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
