/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <arpa/inet.h>
#include <string.h>

#include "host/announce.h"
#include "host/config/config.h"

static void os_is(const char *release, const char *want)
{
	struct pf_txt txt = {0};
	announce_read_os(&txt, release, strlen(release));
	assert_string_equal(txt.os, want);
}

static void the_system_is_named(void **state)
{
	(void)state;
	os_is("NAME=\"Debian\"\nID=debian\nVERSION_ID=\"12\"\n", "linux/debian");
	os_is("ID=ubuntu\nID_LIKE=debian\n", "linux/debian/ubuntu");
	os_is("ID_LIKE=\"rhel centos fedora\"\nID=\"rocky\"", "linux/rhel/rocky");
	os_is("ID='opensuse-leap'\nID_LIKE='suse opensuse'\n", "linux/suse/opensuse-leap");
	os_is("", "linux");
	os_is("ID=", "linux");
	os_is("ID=\n", "linux");
	os_is("XID=a\n ID=b\nID=\"/../\x1b[1m\"\n", "linux/../1m");
	os_is("ID=aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeee\n",
		"linux/aaaaaaaaaabbbbbbbbbbccccccccccdd");
}

static void what_nobody_reaches_is_not_announced(void **state)
{
	(void)state;
	static const uint8_t fp[32] = {1};
	static const char *const v6[] = {"::1", "2001:db8::1", "::ffff:127.0.0.1"};
	struct announce *a = NULL;
	struct config config = {.bind = "x"};
	union udp_addr local = {
		.in4 = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)}};
	assert_int_equal(announce_create(&a, &config, &local, fp, true), 0);
	assert_null(a);
	for (size_t i = 0; i < sizeof(v6) / sizeof(v6[0]); i++) {
		local = (union udp_addr){.in6 = {.sin6_family = AF_INET6}};
		assert_int_equal(inet_pton(AF_INET6, v6[i], &local.in6.sin6_addr), 1);
		assert_int_equal(announce_create(&a, &config, &local, fp, true), 0);
		assert_null(a);
	}
	config.no_discovery = true;
	local = (union udp_addr){.in4 = {.sin_family = AF_INET}};
	assert_int_equal(announce_create(&a, &config, &local, fp, true), 0);
	assert_null(a);
	announce_set_pairing(a, true);
	announce_destroy(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_system_is_named),
		cmocka_unit_test(what_nobody_reaches_is_not_announced),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
