/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <sched.h>
#include <string.h>

#include "host/base/thread.h"
#include "host/media/frame.h"
#include "host/media/unit.h"

static void count_release(struct frame *f)
{
	(*(int *)f->owner)++;
}

static void the_last_unref_releases_a_frame(void **state)
{
	int n_released = 0;
	struct frame f;
	memset(&f, 0xa5, sizeof(f));
	frame_init(&f);
	assert_null(f.pixels);
	assert_int_equal(f.seq, 0);
	f.release = count_release;
	f.owner = &n_released;
	assert_ptr_equal(frame_ref(&f), &f);
	frame_unref(&f);
	assert_int_equal(n_released, 0);
	frame_unref(&f);
	assert_int_equal(n_released, 1);
	frame_unref(NULL);
}

static void damage_covers_all_that_was_added(void **state)
{
	enum { ROWS = 200 };
	uint64_t seed = 5;
	for (unsigned round = 0; round < 2000; round++) {
		struct frame_damage d = {.known = true};
		bool dirty[ROWS + 1] = {false};
		for (unsigned n = (unsigned)(test_rand(&seed) % 12); n; n--) {
			uint32_t y0 = (uint32_t)(test_rand(&seed) % ROWS);
			uint32_t y1 = y0 + (uint32_t)(test_rand(&seed) % (ROWS - y0 + 1));
			memset(dirty + y0, true, y1 - y0);
			frame_damage_add(&d, y0, y1);
		}
		assert_true(d.n_bands <= FRAME_MAX_BANDS);
		unsigned covered = 0, n_dirty = 0, runs = 0;
		for (unsigned y = 0; y < ROWS; y++) {
			bool in = false;
			for (unsigned i = 0; i < d.n_bands; i++)
				in |= y >= d.bands[i].y0 && y < d.bands[i].y1;
			assert_true(in || !dirty[y]);
			covered += in;
			n_dirty += dirty[y];
			runs += dirty[y] && (!y || !dirty[y - 1]);
		}
		for (unsigned i = 1; i < d.n_bands; i++)
			assert_true(d.bands[i].y0 > d.bands[i - 1].y1);
		if (runs <= FRAME_MAX_BANDS && d.n_bands == runs)
			assert_int_equal(covered, n_dirty);
	}
}

static void a_pool_is_bounded_and_reuses(void **state)
{
	struct unit_pool *p;
	assert_int_equal(unit_pool_create(&p, 0), PF_E_INVALID);
	assert_null(p);
	assert_int_equal(unit_pool_create(&p, 1000), PF_E_INVALID);
	assert_int_equal(unit_pool_create(&p, 64), 0);
	struct unit *all[64];
	for (int i = 0; i < 64; i++)
		assert_non_null(all[i] = unit_pool_get(p));
	assert_null(unit_pool_get(p));
	assert_int_equal(unit_reserve(all[5], 1), 0);
	uint8_t *data = all[5]->data;
	size_t cap = all[5]->cap;
	assert_true(cap >= 1);
	all[5]->keyframe = true;
	all[5]->len = 1;
	unit_unref(all[5]);
	struct unit *again = unit_pool_get(p);
	assert_ptr_equal(again, all[5]);
	assert_ptr_equal(again->data, data);
	assert_int_equal(again->cap, cap);
	assert_false(again->keyframe);
	assert_int_equal(again->len, 0);
	for (int i = 0; i < 64; i++)
		unit_unref(all[i]);
	unit_unref(NULL);
	unit_pool_destroy(p);
	unit_pool_destroy(NULL);
}

static void reserve_keeps_the_bytes(void **state)
{
	struct unit_pool *p;
	assert_int_equal(unit_pool_create(&p, 1), 0);
	struct unit *u = unit_pool_get(p);
	assert_int_equal(unit_reserve(u, 10), 0);
	memcpy(u->data, "0123456789", 10);
	u->len = 10;
	assert_int_equal(unit_reserve(u, 1000000), 0);
	assert_true(u->cap >= 1000000);
	assert_memory_equal(u->data, "0123456789", 10);
	assert_int_equal(unit_reserve(u, SIZE_MAX), PF_E_NOMEM);
	assert_memory_equal(u->data, "0123456789", 10);
	unit_unref(u);
	unit_pool_destroy(p);
}

static void churn(void *userdata)
{
	struct unit_pool *p = userdata;
	for (int i = 0; i < 50000; i++) {
		struct unit *u = unit_pool_get(p);
		if (!u) {
			sched_yield();
			continue;
		}
		u->frame_seq = (uint64_t)i; /* a unit held twice would be a race here */
		assert_int_equal(atomic_load(&u->refs), 1);
		unit_unref(u);
	}
}

static void threads_share_a_pool(void **state)
{
	struct unit_pool *p;
	assert_int_equal(unit_pool_create(&p, 3), 0);
	struct thread t[3] = {0};
	for (int i = 0; i < 3; i++)
		assert_int_equal(thread_start(&t[i], "churn", THREAD_NORMAL, churn, p), 0);
	for (int i = 0; i < 3; i++)
		thread_join(&t[i]);
	unit_pool_destroy(p); /* checks that all came back */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_unref_releases_a_frame),
		cmocka_unit_test(damage_covers_all_that_was_added),
		cmocka_unit_test(a_pool_is_bounded_and_reuses),
		cmocka_unit_test(reserve_keeps_the_bytes),
		cmocka_unit_test(threads_share_a_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
