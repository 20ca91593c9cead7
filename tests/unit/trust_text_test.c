/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/trust/trust.h"

#define NOW 1790000000 /* 2026-09-21T13:33:20Z */

static void fingerprints(void **state)
{
	uint8_t fp[PF_FINGERPRINT_LEN];
	char hex[TRUST_HEX_LEN + 1];
	static const char plain[] =
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
	(void)state;
	assert_int_equal(trust_parse_hex(fp, plain), PF_OK);
	assert_int_equal(fp[31], 0x1f);
	trust_hex(hex, fp);
	assert_string_equal(hex, plain);
	assert_int_equal(trust_parse_hex(fp,
				 "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:"
				 "14:15:16:17:18:19:1A:1B:1C:1D:1E:1F"),
		PF_OK);
	static const char *const bad[] = {"", "00", ":", "0:0",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f0",
		"000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f:",
		"g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(trust_parse_hex(fp, bad[i]), PF_E_INVALID);
}

static void grants(void **state)
{
	uint8_t g;
	char text[TRUST_GRANTS_LEN];
	(void)state;
	assert_int_equal(trust_parse_grants(&g, "full"), PF_OK);
	assert_int_equal(g, PF_GRANT_ALL);
	assert_int_equal(trust_parse_grants(&g, "view"), PF_OK);
	assert_int_equal(g, 0);
	assert_int_equal(trust_parse_grants(&g, "controller,keyboard"), PF_OK);
	assert_int_equal(g, PF_GRANT_GAMEPAD | PF_GRANT_KEYBOARD);
	static const char *const bad[] = {
		"", "all", "keyboard,", ",keyboard", "key", "Full", "keyboard, pointer"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(trust_parse_grants(&g, bad[i]), PF_E_INVALID);
	for (unsigned all = 0; all <= PF_GRANT_ALL; all++) {
		trust_format_grants(text, (uint8_t)all);
		assert_int_equal(trust_parse_grants(&g, text), PF_OK);
		assert_int_equal(g, all);
	}
}

static void times(void **state)
{
	int64_t t;
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	static const struct {
		const char *text;
		int64_t s;
	} good[] = {{"never", 0}, {"0", 0}, {"30s", NOW + 30}, {"15m", NOW + 900},
		{"4h", NOW + 14400}, {"2d", NOW + 172800}, {"1w", NOW + 604800},
		{"2026-10-01", 1790812800}, {"2026-10-01T18:30", 1790879400},
		{"2026-10-01 18:30", 1790879400}};
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_int_equal(trust_parse_expiry(&t, good[i].text, NOW), PF_OK);
		assert_int_equal(t, good[i].s);
	}
	static const char *const bad[] = {"", "h", "0h", "-4h", "4", "4hh", "4 h", "2026-01-01",
		"2026-10-01T", "2026-10-01x", "99999999999999999999h", "9999999w", "2999-01-01",
		"tomorrow"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(trust_parse_expiry(&t, bad[i], NOW), PF_E_INVALID);
}

static void names(void **state)
{
	char out[PF_NAME_MAX + 1];
	(void)state;
	trust_clean_name(out, "", 0);
	assert_string_equal(out, "unnamed");
	trust_clean_name(out, "   ", 3);
	assert_string_equal(out, "unnamed");
	trust_clean_name(out, "a\x1b[2Jb", 6);
	assert_string_equal(out, "a?[2Jb");
	char longest[300];
	memset(longest, 'x', sizeof(longest));
	trust_clean_name(out, longest, sizeof(longest));
	assert_int_equal(strlen(out), PF_NAME_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprints),
		cmocka_unit_test(grants),
		cmocka_unit_test(times),
		cmocka_unit_test(names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
