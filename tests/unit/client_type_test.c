/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "client/type.h"
#include "punktfunk_core.h"

static void every_printable_character_has_one_key(void **state)
{
	(void)state;
	bool seen[2][256] = {{false}};
	for (int c = 0x20; c < 0x7f; c++) {
		struct type_key k;
		assert_true(type_lookup((unsigned char)c, &k));
		assert_false(seen[k.shift][k.vk]);
		seen[k.shift][k.vk] = true;
	}
	struct type_key k;
	assert_true(type_lookup('\n', &k));
	assert_int_equal(k.vk, 0x0D);
	assert_false(k.shift);
	for (int c = 0; c < 256; c++)
		if ((c < 0x20 && c != '\n' && c != '\t') || c >= 0x7f)
			assert_false(type_lookup((unsigned char)c, &k));
}

static void known_keys_are_right(void **state)
{
	(void)state;
	static const struct {
		char c;
		uint8_t vk;
		bool shift;
	} want[] = {{'a', 0x41, 0}, {'Z', 0x5A, 1}, {'0', 0x30, 0}, {')', 0x30, 1}, {'@', 0x32, 1},
		{';', 0xBA, 0}, {'"', 0xDE, 1}, {'?', 0xBF, 1}, {'|', 0xDC, 1}, {'~', 0xC0, 1},
		{'_', 0xBD, 1}, {'+', 0xBB, 1}, {' ', 0x20, 0}};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct type_key k;
		assert_true(type_lookup((unsigned char)want[i].c, &k));
		assert_int_equal(k.vk, want[i].vk);
		assert_int_equal(k.shift, want[i].shift);
	}
}

static void shift_is_held_over_neighbours(void **state)
{
	(void)state;
	/* aBC! : a, shift down, B, C, !, shift up */
	static const struct type_event want[] = {{'A', true, false}, {'A', false, true},
		{TYPE_VK_SHIFT, true, false}, {'B', true, false}, {'B', false, true},
		{'C', true, false}, {'C', false, true}, {'1', true, false}, {'1', false, true},
		{TYPE_VK_SHIFT, false, false}};
	struct type_state t;
	struct type_event e;
	type_init(&t, "aBC!");
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_true(type_next(&t, &e));
		assert_int_equal(e.vk, want[i].vk);
		assert_int_equal(e.down, want[i].down);
		assert_int_equal(e.ends_char, want[i].ends_char);
	}
	assert_false(type_next(&t, &e));
	assert_false(type_next(&t, &e));
}

static void no_key_stays_down(void **state)
{
	(void)state;
	uint64_t seed = 7;
	for (int round = 0; round < 200; round++) {
		char text[33];
		for (int i = 0; i < 32; i++)
			text[i] = (char)(0x20 + test_rand(&seed) % 0x5f);
		text[test_rand(&seed) % 33] = '\0';
		text[32] = '\0';
		int down[256] = {0}, chars = 0;
		struct type_state t;
		struct type_event e;
		type_init(&t, text);
		while (type_next(&t, &e)) {
			down[e.vk] += e.down ? 1 : -1;
			assert_in_range(down[e.vk], 0, 1);
			chars += e.ends_char;
		}
		for (int i = 0; i < 256; i++)
			assert_int_equal(down[i], 0);
		assert_int_equal(chars, strlen(text));
	}
}

static void what_cannot_be_typed_is_named(void **state)
{
	(void)state;
	char named[TYPE_NAMED_MAX];
	assert_int_equal(type_check("plain\n", named), 0);
	assert_int_equal(type_check("", named), 0);
	static const struct {
		const char *text, *named;
	} want[] = {{"x\xe2\x82\xac", "'\xe2\x82\xac' (U+20AC)"},
		{"\xf0\x9f\x98\x80", "'\xf0\x9f\x98\x80' (U+1F600)"},
		{"\x7f", "the character U+007F"}, {"\xc2\x9b", "the character U+009B"},
		{"\xe2\x82", "the byte 0xE2"}, {"\xc0\x80", "the byte 0xC0"},
		{"\x80", "the byte 0x80"}};
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(type_check(want[i].text, named), PUNKTFUNK_E_UNSUPPORTED);
		assert_string_equal(named, want[i].named);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_printable_character_has_one_key),
		cmocka_unit_test(known_keys_are_right),
		cmocka_unit_test(shift_is_held_over_neighbours),
		cmocka_unit_test(no_key_stays_down),
		cmocka_unit_test(what_cannot_be_typed_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
