/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/wire/txt.h"

#define HEX32 "00112233445566778899aabbccddeeff"
#define FP    HEX32 HEX32

static uint8_t record[2048];
static size_t record_len;
static struct pf_txt t;

static void add(const char *string)
{
	size_t len = strlen(string);
	assert_true(len <= 255 && record_len + 1 + len <= sizeof(record));
	record[record_len++] = (uint8_t)len;
	memcpy(record + record_len, string, len);
	record_len += len;
}

/* Reads the record of these strings. */
static int read_strings(const char *const *strings)
{
	record_len = 0;
	for (; *strings; strings++)
		add(*strings);
	return pf_txt_read(&t, record, record_len);
}
#define READ(...) read_strings((const char *const[]){__VA_ARGS__, NULL})

static void every_key_is_read(void **state)
{
	(void)state;
	assert_int_equal(READ("proto=punktfunk/1", "fp=" FP, "pair=required", "id=abc-1",
				 "mgmt=47990", "mac=00:11:22:33:44:55,0A-bb-CC-dd-ee-ff",
				 "os=linux/debian/raspbian", "addr=192.168.7.20", "wire=1,2"),
		0);
	assert_false(t.old);
	assert_true(t.has_fp);
	assert_int_equal(t.fp[1], 0x11);
	assert_int_equal(t.fp[31], 0xff);
	assert_int_equal(t.pair, PF_TXT_PAIR_REQUIRED);
	assert_string_equal(t.id, "abc-1");
	assert_int_equal(t.mgmt, 47990);
	assert_int_equal(t.n_macs, 2);
	assert_memory_equal(t.macs[1], "\x0a\xbb\xcc\xdd\xee\xff", 6);
	assert_string_equal(t.os, "linux/debian/raspbian");
	assert_int_equal(t.addr, 0xC0A80714);
	assert_int_equal(t.wires, 1u << 1 | 1u << 2);
}

static void what_is_missing_has_its_default(void **state)
{
	(void)state;
	assert_int_equal(pf_txt_read(&t, record, 0), 0);
	assert_true(t.old);
	assert_false(t.has_fp);
	assert_int_equal(t.pair, PF_TXT_PAIR_UNKNOWN);
	assert_string_equal(t.id, "");
	assert_int_equal(t.mgmt, 0);
	assert_int_equal(t.wires, 1u << 1);
	/* A record without content is one empty string (RFC 6763 6.1). */
	assert_int_equal(READ(""), 0);
	assert_true(t.old);
	/* Unknown keys, and strings without a key. */
	assert_int_equal(READ("x=1", "=2", "=", "proto2=a", "pairing=required"), 0);
	assert_true(t.old);
	assert_int_equal(t.pair, PF_TXT_PAIR_UNKNOWN);
}

static void another_protocol_is_ignored(void **state)
{
	(void)state;
	assert_int_equal(READ("proto=punktfunk/2"), PF_E_UNSUPPORTED);
	assert_int_equal(READ("proto=punktfunk/1 "), PF_E_UNSUPPORTED);
	assert_int_equal(READ("proto=PUNKTFUNK/1"), PF_E_UNSUPPORTED);
	assert_int_equal(READ("proto="), PF_E_UNSUPPORTED);
	assert_int_equal(READ("proto"), PF_E_UNSUPPORTED);
	assert_int_equal(READ("fp=" FP, "PROTO=x"), PF_E_UNSUPPORTED);
}

static void keys_have_no_case_and_the_first_counts(void **state)
{
	(void)state;
	assert_int_equal(READ("PROTO=punktfunk/1", "Pair=optional", "pair=required", "proto=x",
				 "iD=first", "id=second"),
		0);
	assert_int_equal(t.pair, PF_TXT_PAIR_OPTIONAL);
	assert_string_equal(t.id, "first");
	/* Also when the first makes no sense, or has no value. */
	assert_int_equal(
		READ("fp=12", "fp=" FP, "id", "id=second", "mac=x", "mac=00:11:22:33:44:55"), 0);
	assert_false(t.has_fp);
	assert_string_equal(t.id, "");
	assert_int_equal(t.n_macs, 0);
}

static void a_fingerprint_is_64_small_digits(void **state)
{
	(void)state;
	static const char *const bad[] = {"fp=", "fp=" HEX32, "fp=" FP "0",
		"fp=00112233445566778899AABBCCDDEEFF" HEX32,
		"fp=g0112233445566778899aabbccddeeff" HEX32,
		"fp= 0112233445566778899aabbccddeeff" HEX32,
		"fp=" HEX32 "00112233445566778899aabbccddeef:"};
	static const uint8_t none[32];
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(READ(bad[i]), 0);
		assert_false(t.has_fp);
		assert_memory_equal(t.fp, none, 32);
	}
}

static void ids_are_bounded_and_visible(void **state)
{
	(void)state;
	char id[PF_TXT_ID_MAX + 5] = "id=";
	memset(id + 3, 'i', PF_TXT_ID_MAX);
	assert_int_equal(READ(id), 0);
	assert_int_equal(strlen(t.id), PF_TXT_ID_MAX);
	id[PF_TXT_ID_MAX + 3] = 'i';
	assert_int_equal(READ(id), 0);
	assert_string_equal(t.id, "");
	assert_int_equal(READ("id=a b"), 0);
	assert_string_equal(t.id, "");
	assert_int_equal(READ("id=\x1b[31m"), 0);
	assert_string_equal(t.id, "");
	assert_int_equal(READ("id=\xc3\xa9"), 0);
	assert_string_equal(t.id, "");
	static const uint8_t nul[] = "\x06id=a\0b";
	assert_int_equal(pf_txt_read(&t, nul, sizeof(nul) - 1), 0);
	assert_string_equal(t.id, "");
}

static void an_os_is_five_tokens_of_harmless_letters(void **state)
{
	(void)state;
	assert_int_equal(READ("os=linux/a/b/c/d/e/f"), 0);
	assert_string_equal(t.os, "linux/a/b/c/d");
	assert_int_equal(READ("os=//Linux//\x1b[1m/De bian!/"), 0);
	assert_string_equal(t.os, "linux/1m/debian");
	assert_int_equal(READ("os=!!!"), 0);
	assert_string_equal(t.os, "");
	char os[4 + 6 * 41] = "os=";
	for (int i = 0; i < 6; i++) {
		memset(os + strlen(os), 'a' + i, 40);
		strcat(os, "/");
	}
	assert_int_equal(READ(os), 0);
	assert_int_equal(strlen(t.os), PF_TXT_OS_MAX - 1);
	assert_non_null(strstr(t.os, "/eeee"));
	assert_null(strchr(t.os, 'f'));
}

static void macs_are_bounded(void **state)
{
	(void)state;
	assert_int_equal(READ("mac=00:11:22:33:44:55,,1,ff:ff:ff:ff:ff:ff,00:00:00:00:00:00,"
			      "01:00:5e:00:00:01,00:11:22:33:44:5g,00:11:22:33:44:55:66,"
			      "02:00:00:00:00:02"),
		0);
	assert_int_equal(t.n_macs, 2);
	char mac[256] = "mac=";
	for (int i = 0; i < 13; i++)
		strcat(mac, "00:11:22:33:44:55,");
	assert_int_equal(READ(mac), 0);
	assert_int_equal(t.n_macs, PF_TXT_MACS_MAX);
}

static void numbers_are_judged(void **state)
{
	(void)state;
	static const char *const addresses[] = {"addr=", "addr=1.2.3", "addr=1.2.3.4.5",
		"addr=1.2.3.256", "addr=1.2.3.04", "addr=1.2.3.-4", "addr=1.2.3.4 ", "addr=::1",
		"addr=1..3.4", "addr=1.2.3.4.", "addr=99999999999.1.1.1"};
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		assert_int_equal(READ(addresses[i]), 0);
		assert_int_equal(t.addr, 0);
	}
	assert_int_equal(READ("addr=255.0.10.1"), 0);
	assert_int_equal(t.addr, 0xFF000A01);
	assert_int_equal(READ("mgmt=65536"), 0);
	assert_int_equal(t.mgmt, 0);
	assert_int_equal(READ("mgmt=-1"), 0);
	assert_int_equal(t.mgmt, 0);
	assert_int_equal(READ("wire=2"), 0);
	assert_int_equal(t.wires, 1u << 2);
	assert_int_equal(READ("wire=0,x,,31,32"), 0);
	assert_int_equal(t.wires, 1u << 31);
	assert_int_equal(READ("wire=40"), 0);
	assert_int_equal(t.wires, 0);
	assert_int_equal(READ("wire=one"), 0);
	assert_int_equal(t.wires, 1u << 1);
	assert_int_equal(READ("pair=maybe"), 0);
	assert_int_equal(t.pair, PF_TXT_PAIR_UNKNOWN);
}

static void broken_records_are_refused(void **state)
{
	(void)state;
	static const uint8_t over[] = "\x05id=a";
	assert_int_equal(pf_txt_read(&t, over, sizeof(over) - 1), PF_E_BAD_PACKET);
	assert_int_equal(pf_txt_read(&t, (const uint8_t *)"\xff", 1), PF_E_BAD_PACKET);
	memset(record, 0, sizeof(record));
	assert_int_equal(pf_txt_read(&t, record, PF_TXT_RECORD_MAX), 0);
	assert_int_equal(pf_txt_read(&t, record, PF_TXT_RECORD_MAX + 1), PF_E_BAD_PACKET);
	/* Only so many strings are looked at. */
	record_len = 0;
	for (size_t i = 0; i < PF_TXT_STRINGS_MAX; i++)
		add("");
	add("id=late");
	assert_int_equal(pf_txt_read(&t, record, record_len), 0);
	assert_string_equal(t.id, "");
}

static void what_is_written_is_read(void **state)
{
	(void)state;
	struct pf_txt in = {.has_fp = true,
		.pair = PF_TXT_PAIR_OPTIONAL,
		.id = "0123",
		.macs = {{0, 1, 2, 3, 4, 0xfe}, {2}},
		.n_macs = 2,
		.addr = 0x0A000001,
		.wires = 1u << 1};
	in.fp[0] = 0xab;
	pf_txt_set_os(&in, "Linux/Arch Linux", 16);
	int n = pf_txt_write(record, sizeof(record), &in);
	static const char want[] =
		"\x11proto=punktfunk/1"
		"\x43"
		"fp=ab00000000000000000000000000000000000000000000000000000000000000"
		"\x0dpair=optional"
		"\x07id=0123"
		"\x27mac=00:01:02:03:04:fe,02:00:00:00:00:00"
		"\x12os=linux/archlinux"
		"\x0d"
		"addr=10.0.0.1"
		"\x06wire=1";
	assert_int_equal(n, sizeof(want) - 1);
	assert_memory_equal(record, want, sizeof(want) - 1);
	assert_int_equal(pf_txt_read(&t, record, (size_t)n), 0);
	assert_memory_equal(&t, &in, sizeof(in));
	for (int cap = 0; cap < n; cap++)
		assert_int_equal(pf_txt_write(record, (size_t)cap, &in), PF_E_FULL);

	strcpy(in.id, "a b");
	assert_int_equal(pf_txt_write(record, sizeof(record), &in), PF_E_INVALID);
	strcpy(in.id, "a");
	strcpy(in.os, "Linux");
	assert_int_equal(pf_txt_write(record, sizeof(record), &in), PF_E_INVALID);
	strcpy(in.os, "linux");
	in.n_macs = PF_TXT_MACS_MAX + 1;
	assert_int_equal(pf_txt_write(record, sizeof(record), &in), PF_E_INVALID);
	memset(in.id, 'a', sizeof(in.id));
	in.n_macs = 0;
	assert_int_equal(pf_txt_write(record, sizeof(record), &in), PF_E_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_read),
		cmocka_unit_test(what_is_missing_has_its_default),
		cmocka_unit_test(another_protocol_is_ignored),
		cmocka_unit_test(keys_have_no_case_and_the_first_counts),
		cmocka_unit_test(a_fingerprint_is_64_small_digits),
		cmocka_unit_test(ids_are_bounded_and_visible),
		cmocka_unit_test(an_os_is_five_tokens_of_harmless_letters),
		cmocka_unit_test(macs_are_bounded),
		cmocka_unit_test(numbers_are_judged),
		cmocka_unit_test(broken_records_are_refused),
		cmocka_unit_test(what_is_written_is_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
