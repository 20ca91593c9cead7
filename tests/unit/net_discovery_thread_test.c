/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "net/discovery.h"

/* Where there is no system bus. What there is to find is the matter of tests/integration/discovery_test.c. */

#define WAIT_MS 10000

static _Atomic unsigned n_waiting, n_other;

static void on_note(enum discovery_note note, const char *text, void *userdata)
{
	assert_ptr_equal(userdata, &n_waiting);
	bool advice = strstr(text, "bus") && strstr(text, "apt install avahi-daemon");
	atomic_fetch_add(note == DISCOVERY_WAITING && advice ? &n_waiting : &n_other, 1);
}

static struct discovery_publisher_params params(const char *name)
{
	return (struct discovery_publisher_params){.name = name,
		.port = 9777,
		.txt = {.id = "a", .pair = PF_TXT_PAIR_REQUIRED},
		.on_note = on_note,
		.userdata = &n_waiting};
}

static void it_waits_for_a_bus_and_says_so_once(void **state)
{
	(void)state;
	struct discovery_publisher_params p = params("desk");
	struct discovery_publisher *publisher;
	assert_int_equal(discovery_publisher_create(&publisher, &p), 0);
	for (int waited = 0; !atomic_load(&n_waiting); waited++) {
		assert_true(waited < WAIT_MS);
		nanosleep(&(struct timespec){0, 1000000}, NULL);
	}
	for (int i = 0; i < 100; i++) {
		p.txt.pair = i % 2 ? PF_TXT_PAIR_REQUIRED : PF_TXT_PAIR_OPTIONAL;
		assert_int_equal(discovery_publisher_update(publisher, &p.txt), 0);
	}
	p.txt.n_macs = PF_TXT_MACS_MAX + 1;
	assert_int_equal(discovery_publisher_update(publisher, &p.txt), PF_E_INVALID);
	discovery_publisher_destroy(publisher);
	assert_int_equal(atomic_load(&n_waiting), 1);
	assert_int_equal(atomic_load(&n_other), 0);
}

static void it_ends_as_soon_as_it_began(void **state)
{
	(void)state;
	struct discovery_publisher_params p = params("desk");
	for (int i = 0; i < 50; i++) {
		struct discovery_publisher *publisher;
		assert_int_equal(discovery_publisher_create(&publisher, &p), 0);
		discovery_publisher_destroy(publisher);
	}
	discovery_publisher_destroy(NULL);
	assert_int_equal(atomic_load(&n_other), 0);
}

static void what_cannot_be_announced_is_refused(void **state)
{
	(void)state;
	struct discovery_publisher *publisher;
	struct discovery_publisher_params p = params("");
	assert_int_equal(discovery_publisher_create(&publisher, &p), PF_E_INVALID);
	assert_null(publisher);
	p = params("desk");
	strcpy(p.txt.id, "a b");
	assert_int_equal(discovery_publisher_create(&publisher, &p), PF_E_INVALID);
	assert_null(publisher);
}

static void looking_says_what_is_missing(void **state)
{
	(void)state;
	char why[320];
	struct discovery_list *list = calloc(1, sizeof(*list));
	assert_non_null(list);
	assert_int_equal(discovery_browse(list, 1000, NULL, why, sizeof(why)), PF_E_CLOSED);
	assert_non_null(strstr(why, "apt install avahi-daemon"));
	assert_int_equal(list->n_records, 0);
	free(list);
}

int main(void)
{
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nowhere/bus", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_waits_for_a_bus_and_says_so_once),
		cmocka_unit_test(it_ends_as_soon_as_it_began),
		cmocka_unit_test(what_cannot_be_announced_is_refused),
		cmocka_unit_test(looking_says_what_is_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
