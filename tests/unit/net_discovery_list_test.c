/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <string.h>

#include "net/discovery_list.h"

#define IP(a, b, c, d) ((uint32_t)(a) << 24 | (b) << 16 | (c) << 8 | (d))
#define HOSTS_MAX      8u

static struct discovery_list list;
static struct discovery_host hosts[HOSTS_MAX];
static const struct discovery_nets nets = {.own = {{IP(10, 0, 0, 9), 24}}, .n_own = 1};

static struct discovery_key key(int interface, const char *name)
{
	struct discovery_key k = {.interface = interface};
	snprintf(k.name, sizeof(k.name), "%s", name);
	return k;
}

/* id and fp are letters; 0 = none. */
static int put(int interface, const char *name, uint32_t addr, uint16_t port, char id, char fp)
{
	struct pf_txt txt = {.wires = 2, .has_fp = fp != 0};
	uint8_t record[512];
	struct discovery_key k = key(interface, name);
	txt.id[0] = id;
	memset(txt.fp, fp, sizeof(txt.fp));
	int len = pf_txt_write(record, sizeof(record), &txt);
	assert_true(len > 0);
	return discovery_list_put(&list, &k, addr, port, record, (size_t)len);
}

static size_t find(void)
{
	return discovery_list_hosts(&list, &nets, hosts, HOSTS_MAX);
}

static int setup(void **state)
{
	(void)state;
	memset(&list, 0, sizeof(list));
	return 0;
}

static void a_host_of_two_networks_is_one(void **state)
{
	(void)state;
	assert_int_equal(put(1, "desk", IP(172, 16, 0, 1), 9777, 'a', 'f'), 1);
	assert_int_equal(put(2, "desk", IP(10, 0, 0, 1), 9777, 'a', 'f'), 1);
	assert_int_equal(put(3, "desk #2", IP(172, 16, 0, 1), 9777, 'a', 'f'), 1);
	assert_int_equal(find(), 1);
	assert_string_equal(hosts[0].name, "desk");
	assert_int_equal(hosts[0].n_addrs, 2);
	assert_int_equal(hosts[0].addr, IP(10, 0, 0, 1));
	struct discovery_key k = key(2, "desk");
	assert_true(discovery_list_remove(&list, &k));
	assert_false(discovery_list_remove(&list, &k));
	assert_int_equal(find(), 1);
	assert_int_equal(hosts[0].addr, IP(172, 16, 0, 1));
}

static void a_copied_id_takes_nobodys_place(void **state)
{
	(void)state;
	assert_int_equal(put(1, "desk", IP(10, 0, 0, 1), 9777, 'a', 'f'), 1);
	assert_int_equal(put(1, "thief", IP(10, 0, 0, 9), 9777, 'a', 'g'), 1);
	assert_int_equal(put(2, "thief", IP(10, 0, 0, 9), 9777, 'a', 0), 1);
	assert_int_equal(put(1, "other port", IP(10, 0, 0, 1), 9778, 'a', 'f'), 1);
	assert_int_equal(find(), 4);
	assert_string_equal(hosts[0].name, "desk");
	assert_int_equal(hosts[0].n_addrs, 1);
}

static void without_an_id_the_name_decides(void **state)
{
	(void)state;
	assert_int_equal(put(1, "b", IP(10, 0, 0, 1), 9777, 0, 'f'), 1);
	assert_int_equal(put(2, "b", IP(10, 0, 0, 2), 9777, 0, 'f'), 1);
	assert_int_equal(put(1, "a", IP(10, 0, 0, 1), 9777, 0, 'f'), 1);
	assert_int_equal(find(), 2);
	assert_string_equal(hosts[0].name, "a");
	assert_int_equal(hosts[1].n_addrs, 2);
}

static void a_change_is_told_and_a_bad_one_forgets(void **state)
{
	(void)state;
	assert_int_equal(put(1, "desk", IP(10, 0, 0, 1), 9777, 'a', 'f'), 1);
	assert_int_equal(put(1, "desk", IP(10, 0, 0, 1), 9777, 'a', 'f'), 0);
	assert_int_equal(put(1, "desk", IP(10, 0, 0, 2), 9777, 'a', 'f'), 1);
	assert_int_equal(list.n_records, 1);
	static const uint8_t other[] = "\x07proto=2", cut[] = "\x09proto";
	struct discovery_key k = key(1, "desk");
	assert_int_equal(
		discovery_list_put(&list, &k, IP(10, 0, 0, 1), 1, other, 8), PF_E_UNSUPPORTED);
	assert_int_equal(list.n_records, 0);
	assert_int_equal(
		discovery_list_put(&list, &k, IP(10, 0, 0, 1), 1, cut, 6), PF_E_BAD_PACKET);
	assert_int_equal(put(1, "desk", IP(10, 0, 0, 1), 0, 'a', 'f'), PF_E_INVALID);
	assert_int_equal(put(1, "", IP(10, 0, 0, 1), 1, 'a', 'f'), PF_E_INVALID);
	assert_int_equal(put(1, "desk", IP(127, 0, 0, 1), 1, 'a', 'f'), PF_E_INVALID);
	assert_int_equal(list.n_ignored, 5);
	assert_int_equal(find(), 0);
}

static void a_flood_has_an_end(void **state)
{
	(void)state;
	char name[16];
	for (unsigned i = 0; i < DISCOVERY_RECORDS_MAX + 10; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_int_equal(put(1, name, IP(10, 0, 0, 1), 1, 0, 0),
			i < DISCOVERY_RECORDS_MAX ? 1 : PF_E_FULL);
	}
	assert_int_equal(list.n_dropped, 10);
	assert_int_equal(find(), HOSTS_MAX);
	/* What is known can still change. */
	assert_int_equal(put(1, "3", IP(10, 0, 0, 2), 1, 0, 0), 1);

	memset(&list, 0, sizeof(list));
	for (unsigned i = 0; i < DISCOVERY_ADDRS_MAX + 5; i++)
		assert_int_equal(put((int)i, "a", IP(10, 0, 1, i), 1, 'a', 0), 1);
	assert_int_equal(find(), 1);
	assert_int_equal(hosts[0].n_addrs, DISCOVERY_ADDRS_MAX);
}

static void names_are_cleaned(void **state)
{
	(void)state;
	assert_int_equal(put(1, "a\x1b[31m\xff", IP(10, 0, 0, 1), 1, 'a', 0), 1);
	assert_int_equal(find(), 1);
	assert_string_equal(hosts[0].name, "a?[31m?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_host_of_two_networks_is_one, setup),
		cmocka_unit_test_setup(a_copied_id_takes_nobodys_place, setup),
		cmocka_unit_test_setup(without_an_id_the_name_decides, setup),
		cmocka_unit_test_setup(a_change_is_told_and_a_bad_one_forgets, setup),
		cmocka_unit_test_setup(a_flood_has_an_end, setup),
		cmocka_unit_test_setup(names_are_cleaned, setup),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
