/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "client/discover.h"

static struct discovery_host host(void)
{
	struct discovery_host h = {.name = "Ben's \"desk\"",
		.addr = 0x0A000001,
		.addrs = {0x0A000001, 0xC0A80001},
		.n_addrs = 2,
		.port = 9777,
		.txt = {.has_fp = true,
			.pair = PF_TXT_PAIR_REQUIRED,
			.id = "a\"\\b",
			.os = "linux/debian",
			.macs = {{0, 1, 2, 3, 4, 0xfe}},
			.n_macs = 1,
			.wires = 1u << 1 | 1u << 2}};
	memset(h.txt.fp, 0xab, sizeof(h.txt.fp));
	return h;
}

static char *print(void (*fn)(FILE *, const struct discovery_host *, size_t),
	const struct discovery_host *h, size_t n)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	assert_non_null(f);
	fn(f, h, n);
	assert_int_equal(fclose(f), 0);
	return text;
}

#define AB8 "abababababababab"

static void people_get_a_paragraph(void **state)
{
	(void)state;
	struct discovery_host h[2] = {host(), {.name = "old", .addr = 1, .port = 1}};
	h[1].txt.wires = 1u << 2;
	char *text = print(discover_print, h, 2);
	assert_string_equal(text,
		"Ben's \"desk\"\n  address 10.0.0.1:9777  pairing required  certificate " AB8
		"…  system linux/debian  id a\"\\b  wire 1,2\n"
		"old\n  address 0.0.0.1:1  pairing unknown  wire 2 (not this client's)\n");
	free(text);
}

static void programs_get_json(void **state)
{
	(void)state;
	struct discovery_host h[2] = {host(), {.name = "old", .addr = 1, .port = 1}};
	char *text = print(discover_print_json, h, 2);
	assert_string_equal(text,
		"[\n  {\"port\": 9777, \"name\": \"Ben's \\\"desk\\\"\", \"address\": "
		"\"10.0.0.1\", \"fingerprint\": \"" AB8 AB8 AB8 AB8
		"\", \"pair\": \"required\", \"id\": \"a\\\"\\\\b\", \"os\": "
		"\"linux/debian\", \"mgmt\": 0, \"old\": false, \"addresses\": "
		"[\"10.0.0.1\", \"192.168.0.1\"], \"macs\": [\"00:01:02:03:04:fe\"], "
		"\"wire\": [1,2]},\n"
		"  {\"port\": 1, \"name\": \"old\", \"address\": \"0.0.0.1\", "
		"\"fingerprint\": null, \"pair\": \"unknown\", \"id\": null, \"os\": null, "
		"\"mgmt\": 0, \"old\": false, \"addresses\": [], \"macs\": [], \"wire\": []}\n]\n");
	free(text);
	text = print(discover_print_json, h, 0);
	assert_string_equal(text, "[]\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_get_a_paragraph),
		cmocka_unit_test(programs_get_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
