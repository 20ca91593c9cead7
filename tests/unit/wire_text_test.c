/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/text.h"

static bool valid(const char *bytes, size_t len)
{
	uint8_t *p = malloc(len ? len : 1);
	assert_non_null(p);
	if (len)
		memcpy(p, bytes, len);
	bool ok = pf_text_valid(p, len);
	free(p);
	return ok;
}
#define VALID(text) valid(text, sizeof text - 1)

static void only_utf8_is_valid(void **state)
{
	(void)state;
	assert_true(VALID("") && VALID("abc") && VALID("d\xC3\xBC") && VALID("\xEF\xBF\xBD"));
	assert_true(
		VALID("\xF0\x9F\x8E\xAE") && VALID("\xF4\x8F\xBF\xBF") && VALID("\xED\x9F\xBF"));
	assert_true(VALID("\x1B[2J")); /* its printer's matter */
	assert_false(VALID("a\0b") || VALID("\xFF") || VALID("\x80") || VALID("a\xC3"));
	assert_false(VALID("\xC0\xAF") || VALID("\xE0\x9F\xBF") || VALID("\xF0\x8F\xBF\xBF"));
	assert_false(
		VALID("\xED\xA0\x80") || VALID("\xF4\x90\x80\x80") || VALID("\xF5\x80\x80\x80"));
	assert_false(VALID("\xE2\x82") || VALID("\xF0\x9F\x8E") || VALID("\xE2(\x82"));
}

static void check_clean(const char *bytes, size_t len, const char *want)
{
	char out[64];
	char *p = malloc(len ? len : 1);
	assert_non_null(p);
	if (len)
		memcpy(p, bytes, len);
	assert_int_equal(pf_text_clean(out, sizeof out, p, len), strlen(want));
	assert_string_equal(out, want);
	free(p);
}
#define CLEAN(text, want) check_clean(text, sizeof text - 1, want)

static void what_a_terminal_obeys_is_taken_out(void **state)
{
	(void)state;
	CLEAN("", "");
	CLEAN("a d\xC3\xBCrer Rechner \xF0\x9F\x8E\xAE", "a d\xC3\xBCrer Rechner \xF0\x9F\x8E\xAE");
	CLEAN("\x1B[2J\r\n\tx\x7F", "?[2J???x?");
	CLEAN("a\0b", "a?b");
	CLEAN("\xC2\x9B"
	      "31m \xC2\x80\xC2\x9F\xC2\xA0.",
		"?31m ??\xC2\xA0.");
	CLEAN("\xE2\x80\xAEgpj.exe", "?gpj.exe"); /* right-to-left override */
	CLEAN("\xE2\x80\xA8\xE2\x80\xA9\xE2\x80\xAA\xE2\x80\x8E\xE2\x80\x8F\xD8\x9C", "??????");
	CLEAN("\xE2\x81\xA6\xE2\x81\xA9", "??");
	/* Their neighbours: a joiner of emoji, a narrow space, a quotation mark. */
	CLEAN("\xE2\x80\x8D\xE2\x80\xAF\xE2\x80\x9C\xE2\x81\xA5\xD8\x9B",
		"\xE2\x80\x8D\xE2\x80\xAF\xE2\x80\x9C\xE2\x81\xA5\xD8\x9B");
	CLEAN("\xFF\xC3(\xE2\x82",
		"??"
		"(??");
	CLEAN("\xED\xA0\x80", "???");
}

static void cuts_between_characters(void **state)
{
	(void)state;
	const char text[] = "a\xC3\xBC\xF0\x9F\x8E\xAEz";
	const size_t want[] = {0, 0, 1, 1, 3, 3, 3, 3, 7, 8, 8};
	for (size_t cap = 1; cap < 11; cap++) {
		char *out = malloc(cap);
		assert_non_null(out);
		assert_int_equal(pf_text_clean(out, cap, text, 8), want[cap]);
		assert_int_equal(strlen(out), want[cap]);
		assert_memory_equal(out, text, want[cap]);
		free(out);
	}
}

/* Whatever comes: valid, no longer, and clean already when cleaned again. */
static void any_bytes(void **state)
{
	(void)state;
	uint64_t seed = 0x7465787400000001;
	static const char pieces[] = "\xE2\x80\xAE\xC2\x9B\x1B\xF0\x9F\x8E\xAE\xED\xA0\xE0";
	for (int i = 0; i < 20000; i++) {
		uint8_t in[40];
		char once[41], twice[41];
		for (size_t j = 0; j < sizeof in; j++)
			in[j] = (uint8_t)pieces[test_rand(&seed) % (sizeof pieces - 1)];
		size_t len = pf_text_clean(once, sizeof once, in, sizeof in);
		assert_true(len <= sizeof in && len == strlen(once));
		assert_true(pf_text_valid((const uint8_t *)once, len));
		assert_int_equal(pf_text_clean(twice, sizeof twice, once, len), len);
		assert_string_equal(once, twice);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_utf8_is_valid),
		cmocka_unit_test(what_a_terminal_obeys_is_taken_out),
		cmocka_unit_test(cuts_between_characters),
		cmocka_unit_test(any_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
