/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "client/known.h"

#define HEX "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"

static struct known k;
static size_t bad;

static int parse(const char *text)
{
	known_finish(&k);
	return known_parse(&k, text, strlen(text), &bad);
}

static void every_field_is_read_and_written(void **state)
{
	(void)state;
	static const char text[] = "# hosts\n"
				   "desk:9777 " HEX "\n"
				   "[fe80::1%eth0]:1,10.0.0.1:65535 " HEX
				   " name=Mum%27%25 id=u-1 paired=1 used=1795421951"
				   " mac=00:11:22:33:44:55,aa:bb:cc:dd:ee:ff\n";
	/* %27 is a byte that needs no escape: one text, one form. */
	assert_int_equal(parse(text), PUNKTFUNK_E_INVALID);
	assert_int_equal(bad, 3);
	char *good = strdup(text), *at = strstr(good, "%27");
	memmove(at, at + 3, strlen(at + 3) + 1);
	assert_int_equal(parse(good), 0);
	assert_int_equal(k.n_hosts, 2);
	assert_string_equal(known_label(&k.hosts[0]), "desk");
	assert_string_equal(k.hosts[1].name, "Mum%");
	assert_string_equal(k.hosts[1].addrs[0].host, "fe80::1%eth0");
	assert_int_equal(k.hosts[1].addrs[1].port, 65535);
	assert_true(k.hosts[1].paired);
	assert_int_equal(k.hosts[1].used_s, 1795421951);
	assert_int_equal(k.hosts[1].n_macs, 2);
	assert_int_equal(k.hosts[1].macs[1][5], 0xff);
	char *out;
	size_t len;
	assert_int_equal(known_format(&k, &out, &len), 0);
	assert_string_equal(out, good);
	free(out);
	free(good);
	known_finish(&k);
}

static void lines_that_make_no_sense_are_errors(void **state)
{
	(void)state;
	static const char *const lines[] = {"desk:9777 " HEX " ", "desk:9777 " HEX " x=1",
		"desk:9777 " HEX " name", "desk:9777 " HEX " name=", "desk:9777 " HEX " name=%",
		"desk:9777 " HEX " name=%4", "desk:9777 " HEX " name=%0a",
		"desk:9777 " HEX " name=a name=b",
		"desk:9777 " HEX
		" name=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"desk:9777 " HEX " unpaired=1 unpaired=1", "desk:9777 " HEX " unpaired=0",
		"desk:9777 " HEX " paired=0", "desk:9777 " HEX " paired=1 paired=1",
		"desk:9777 " HEX " used=0", "desk:9777 " HEX " used=-1",
		"desk:9777 " HEX " used=1111111111111111111",
		"desk:9777 " HEX " mac=", "desk:9777 " HEX " mac=00:11:22:33:44:5",
		"desk:9777 " HEX " mac=00:11:22:33:44:55,",
		"desk:9777 " HEX " mac=00-11-22-33-44-55", "desk:0 " HEX, "desk:65536 " HEX,
		":1 " HEX, "[:1 " HEX, "[]:1 " HEX, "::1:1 " HEX, "a:1, " HEX, ",a:1 " HEX,
		"a:1,a:2,a:3,a:4,a:5,a:6,a:7,a:8,a:9 " HEX, "a:1\t" HEX};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[512];
		snprintf(text, sizeof(text), "ok:1 " HEX "\n%s\n", lines[i]);
		if (parse(text) != PUNKTFUNK_E_INVALID)
			fail_msg("'%s' was taken", lines[i]);
		assert_int_equal(bad, 2);
		assert_int_equal(k.n_hosts, 0);
	}
}

static void too_much_is_an_error(void **state)
{
	(void)state;
	size_t line_len = strlen("a:1 " HEX "\n"), len = line_len * (KNOWN_HOSTS_MAX + 1);
	char *text = malloc(len);
	for (size_t i = 0; i <= KNOWN_HOSTS_MAX; i++)
		memcpy(text + i * line_len, "a:1 " HEX "\n", line_len);
	known_finish(&k);
	assert_int_equal(known_parse(&k, text, len, &bad), PUNKTFUNK_E_FULL);
	assert_int_equal(known_parse(&k, text, len - line_len, &bad), 0);
	assert_null(known_add(&k, k.hosts[0].sha256, "b", 1));
	known_finish(&k);
	memset(text, 'a', len);
	text[KNOWN_LINE_MAX] = '\n';
	assert_int_equal(known_parse(&k, text, KNOWN_LINE_MAX + 1, &bad), PUNKTFUNK_E_INVALID);
	free(text);
}

static void addresses_come_and_go(void **state)
{
	(void)state;
	uint8_t one[32] = {1}, two[32] = {2};
	known_finish(&k);
	struct known_host *h = known_add(&k, one, "a", 1);
	for (uint16_t port = 2; port <= KNOWN_ADDRS_MAX; port++)
		known_put_address(h, "a", port);
	assert_int_equal(h->n_addrs, KNOWN_ADDRS_MAX);
	assert_int_equal(h->addrs[0].port, KNOWN_ADDRS_MAX);
	/* There is no room: none is forgotten, for it would be a stranger's to take. */
	known_put_address(h, "a", 99);
	assert_int_equal(h->n_addrs, KNOWN_ADDRS_MAX);
	assert_ptr_equal(known_by_address(&k, "A", 1), h);
	assert_null(known_by_address(&k, "a", 99));
	known_put_address(h, "A", 3);
	assert_int_equal(h->addrs[0].port, 3);
	assert_int_equal(h->n_addrs, KNOWN_ADDRS_MAX);
	known_add(&k, two, "b", 1);
	for (uint16_t port = 1; port <= KNOWN_ADDRS_MAX; port++)
		known_take_address(&k, known_by_sha256(&k, one), "a", port);
	assert_int_equal(k.n_hosts, 1);
	assert_null(known_by_sha256(&k, one));
	assert_string_equal(known_label(&k.hosts[0]), "b");
	known_finish(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_is_read_and_written),
		cmocka_unit_test(lines_that_make_no_sense_are_errors),
		cmocka_unit_test(too_much_is_an_error),
		cmocka_unit_test(addresses_come_and_go),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
