/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "host/trust/knocks.h"

#define S 1000000000ull

static char connections[256]; /* their addresses stand for connections */

static int knock_as(struct knocks *k, uint64_t now_ns, unsigned device, unsigned address,
	void *parked, void **superseded)
{
	struct knock e = {.parked = parked};
	memset(e.fp, (int)device, sizeof(e.fp));
	e.address[15] = (uint8_t)address;
	snprintf(e.name, sizeof(e.name), "device %u", device);
	return knocks_add(k, now_ns, &e, superseded);
}

static size_t count(const struct knocks *k)
{
	size_t n = 0;
	for (const struct knock *e = NULL; (e = knocks_next(k, e));)
		n++;
	return n;
}

static void the_newest_knock_of_a_device_counts(void **state)
{
	struct knocks k;
	const struct knock *e;
	void *old;
	(void)state;
	knocks_init(&k, KNOCKS_PARKED_NS);
	assert_int_equal(knock_as(&k, S, 1, 1, &connections[1], &old), PF_OK);
	assert_null(old);
	assert_int_equal(knock_as(&k, S, 2, 1, &connections[2], &old), PF_OK);
	assert_int_equal(knock_as(&k, 2 * S, 1, 9, &connections[3], &old), PF_OK);
	assert_ptr_equal(old, &connections[1]);
	knocks_unpark(&k, &connections[1]); /* its end comes late and changes nothing */
	assert_int_equal(count(&k), 2);
	assert_int_equal(knocks_lookup(&k, "1", &e), PF_OK); /* the number stays */
	assert_ptr_equal(e->parked, &connections[3]);
	assert_int_equal(knocks_lookup(&k, "01010101010", &e), PF_OK);
	assert_int_equal(knocks_lookup(&k, "010", &e), PF_E_NO_FRAME);
	assert_int_equal(knocks_lookup(&k, "3", &e), PF_E_NO_FRAME);
	assert_int_equal(knocks_lookup(&k, "2", &e), PF_OK);
	knocks_remove(&k, e->number);
	assert_int_equal(count(&k), 1);
	assert_int_equal(knocks_lookup(&k, "2", &e), PF_E_NO_FRAME);
}

/* "approve 1010" means knock 1010 also when that has gone, and never whose fingerprint begins so. */
static void digits_are_a_number(void **state)
{
	struct knocks k;
	const struct knock *e;
	void *old;
	(void)state;
	knocks_init(&k, KNOCKS_PARKED_NS);
	k.last_number = 1009;
	assert_int_equal(knock_as(&k, S, 1, 1, &connections[1], &old), PF_OK);
	assert_int_equal(knock_as(&k, S, 0x10, 2, &connections[2], &old), PF_OK);
	assert_int_equal(knocks_lookup(&k, "1010", &e), PF_OK);
	assert_int_equal(e->fp[0], 1);
	knocks_remove(&k, 1010);
	assert_int_equal(knocks_lookup(&k, "1010", &e), PF_E_NO_FRAME);
	assert_int_equal(knocks_lookup(&k, "1010101010", &e), PF_E_NO_FRAME);
	assert_int_equal(knocks_lookup(&k, "10101010101", &e), PF_OK);
	assert_int_equal(e->fp[0], 0x10);
}

static void time_ends_the_wait_and_then_the_entry(void **state)
{
	struct knocks k;
	void *old;
	(void)state;
	knocks_init(&k, KNOCKS_PARKED_NS);
	assert_true(knocks_deadline(&k) == UINT64_MAX);
	assert_int_equal(knock_as(&k, S, 1, 1, &connections[1], &old), PF_OK);
	assert_true(knocks_deadline(&k) == S + KNOCKS_PARKED_NS);
	assert_null(knocks_expire(&k, S + KNOCKS_PARKED_NS - 1));
	assert_ptr_equal(knocks_expire(&k, S + KNOCKS_PARKED_NS), &connections[1]);
	assert_null(knocks_expire(&k, S + KNOCKS_PARKED_NS));
	assert_int_equal(count(&k), 1); /* still listed, to be let in when it comes again */
	assert_true(knocks_deadline(&k) == S + KNOCKS_LISTED_NS);
	assert_null(knocks_expire(&k, S + KNOCKS_LISTED_NS));
	assert_int_equal(count(&k), 0);
	assert_true(knocks_deadline(&k) == UINT64_MAX);
}

static void one_address_cannot_fill_the_list(void **state)
{
	struct knocks k;
	void *old;
	(void)state;
	knocks_init(&k, KNOCKS_PARKED_NS);
	for (unsigned i = 0; i < KNOCKS_PER_ADDRESS; i++)
		assert_int_equal(knock_as(&k, S + i, i, 7, &connections[i], &old), PF_OK);
	assert_int_equal(knock_as(&k, 2 * S, 99, 7, &connections[99], &old), PF_E_RATE_LIMITED);
	assert_int_equal(knock_as(&k, 2 * S, 99, 8, &connections[99], &old), PF_OK);
	/* Its own oldest, whose connection has gone, gives way; nobody else's. */
	knocks_unpark(&k, &connections[2]);
	knocks_unpark(&k, &connections[99]);
	assert_int_equal(knock_as(&k, 3 * S, 50, 7, &connections[50], &old), PF_OK);
	assert_int_equal(count(&k), KNOCKS_PER_ADDRESS + 1);
	assert_int_equal(knock_as(&k, 3 * S, 51, 7, &connections[51], &old), PF_E_RATE_LIMITED);
	const struct knock *e;
	assert_int_equal(knocks_lookup(&k, "020202020202", &e), PF_E_NO_FRAME);
	assert_int_equal(knocks_lookup(&k, "636363636363", &e), PF_OK);
}

static void a_full_list_keeps_those_who_wait(void **state)
{
	struct knocks k;
	void *old;
	(void)state;
	knocks_init(&k, KNOCKS_PARKED_NS);
	for (unsigned i = 0; i < KNOCKS_MAX; i++)
		assert_int_equal(knock_as(&k, S + i, i, i, &connections[i], &old), PF_OK);
	assert_int_equal(knock_as(&k, 2 * S, 200, 200, &connections[200], &old), PF_E_RATE_LIMITED);
	assert_null(old);
	knocks_unpark(&k, &connections[5]);
	knocks_unpark(&k, &connections[3]);
	assert_int_equal(knock_as(&k, 2 * S, 200, 200, &connections[200], &old), PF_OK);
	assert_int_equal(count(&k), KNOCKS_MAX);
	const struct knock *e;
	assert_int_equal(knocks_lookup(&k, "030303030303", &e),
		PF_E_NO_FRAME); /* the oldest that had gone */
	assert_int_equal(knocks_lookup(&k, "050505050505", &e), PF_OK);
}

static void a_denied_device_is_not_asked_about_again(void **state)
{
	struct knocks k;
	void *old;
	(void)state;
	knocks_init(&k, KNOCKS_PARKED_NS);
	assert_int_equal(knock_as(&k, S, 1, 1, &connections[1], &old), PF_OK);
	assert_null(knocks_deny(&k, 77));
	assert_ptr_equal(knocks_deny(&k, 1), &connections[1]);
	assert_null(knocks_deny(&k, 1));
	assert_int_equal(knock_as(&k, 2 * S, 1, 1, &connections[2], &old), PF_E_DENIED);
	assert_null(knocks_expire(&k, S + KNOCKS_LISTED_NS));
	assert_int_equal(knock_as(&k, S + KNOCKS_LISTED_NS, 1, 1, &connections[3], &old), PF_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_newest_knock_of_a_device_counts),
		cmocka_unit_test(digits_are_a_number),
		cmocka_unit_test(time_ends_the_wait_and_then_the_entry),
		cmocka_unit_test(one_address_cannot_fill_the_list),
		cmocka_unit_test(a_full_list_keeps_those_who_wait),
		cmocka_unit_test(a_denied_device_is_not_asked_about_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
