/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include <xkbcommon/xkbcommon.h>

#include "host/inject/xkb_typing.h"

static void expect(struct xkb_typing *t, uint32_t c, uint32_t code, bool shift, bool altgr)
{
	struct xkb_typing_keys keys;
	assert_int_equal(xkb_typing_find(t, c, &keys), 0);
	assert_int_equal(keys.code, code);
	assert_int_equal(keys.shift, shift);
	assert_int_equal(keys.altgr, altgr);
}

static void letters_are_where_the_layout_has_them(void **state)
{
	struct xkb_typing *t;
	struct xkb_typing_keys keys;
	assert_int_equal(xkb_typing_create_layout(&t, "de"), 0);
	expect(t, 'a', KEY_A, false, false);
	expect(t, 'z', KEY_Y, false, false);
	expect(t, 'Z', KEY_Y, true, false);
	expect(t, '1', KEY_1, false, false);
	expect(t, '!', KEY_1, true, false);
	expect(t, '@', KEY_Q, false, true);
	expect(t, 0x20AC, KEY_E, false, true);
	expect(t, 0xE4, KEY_APOSTROPHE, false, false);
	expect(t, ' ', KEY_SPACE, false, false);
	expect(t, '\n', KEY_ENTER, false, false);
	expect(t, '\t', KEY_TAB, false, false);
	expect(t, '\b', KEY_BACKSPACE, false, false);
	assert_int_equal(xkb_typing_find(t, 0x1F600, &keys), PF_E_UNSUPPORTED);
	assert_int_equal(xkb_typing_find(t, 0x4E2D, &keys), PF_E_UNSUPPORTED);
	xkb_typing_destroy(t);
}

static void caps_lock_turns_shift_around(void **state)
{
	struct xkb_typing *t;
	assert_int_equal(xkb_typing_create_layout(&t, NULL), 0);
	xkb_typing_set_state(t, 2 /* Lock */, 0);
	expect(t, 'a', KEY_A, true, false);
	expect(t, 'A', KEY_A, false, false);
	expect(t, '1', KEY_1, false, false);
	xkb_typing_destroy(t);
}

static void the_group_decides(void **state)
{
	struct xkb_typing *t;
	assert_int_equal(xkb_typing_create_layout(&t, "us,de"), 0);
	expect(t, 'z', KEY_Z, false, false);
	xkb_typing_set_state(t, 0, 1);
	expect(t, 'z', KEY_Y, false, false);
	xkb_typing_set_state(t, UINT32_MAX, UINT32_MAX); /* a server's nonsense */
	struct xkb_typing_keys keys;
	assert_true(xkb_typing_find(t, 'z', &keys) <= 0);
	xkb_typing_destroy(t);
}

static void a_keymap_is_read_with_its_terminators(void **state)
{
	const struct xkb_rule_names names = {.rules = "evdev", .model = "pc105", .layout = "fr"};
	struct xkb_context *c = xkb_context_new(XKB_CONTEXT_NO_ENVIRONMENT_NAMES);
	struct xkb_keymap *m = xkb_keymap_new_from_names(c, &names, 0);
	char *text = xkb_keymap_get_as_string(m, XKB_KEYMAP_FORMAT_TEXT_V1);
	struct xkb_typing *t;
	assert_int_equal(xkb_typing_create(&t, text, strlen(text) + 1), 0);
	expect(t, 'a', KEY_Q, false, false);
	expect(t, '1', KEY_1, true, false);
	xkb_typing_destroy(t);
	/* Cut anywhere it is no keymap. */
	for (size_t len = 0; len < strlen(text) - 3; len += 4099)
		assert_true(xkb_typing_create(&t, text, len) < 0);
	free(text);
	xkb_keymap_unref(m);
	xkb_context_unref(c);
}

static void garbage_is_no_keymap(void **state)
{
	static const char *const texts[] = {"", "\0\0\0", "xkb_keymap {", "xkb_keymap { };",
		"xkb_keymap { include \"/etc/passwd\" };",
		"xkb_keymap { xkb_keycodes { include \"evdev\" }; };"};
	struct xkb_typing *t;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (xkb_typing_create(&t, texts[i], strlen(texts[i])) >= 0) {
			struct xkb_typing_keys keys; /* an empty one types nothing */
			assert_int_equal(xkb_typing_find(t, 'a', &keys), PF_E_UNSUPPORTED);
			xkb_typing_destroy(t);
		}
	}
	assert_int_equal(xkb_typing_create(&t, "\0\0\0", 3), PF_E_INVALID);
	assert_int_equal(xkb_typing_create_layout(&t, "no-such-layout"), PF_E_INVALID);
	assert_null(t);
	xkb_typing_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_are_where_the_layout_has_them),
		cmocka_unit_test(caps_lock_turns_shift_around),
		cmocka_unit_test(the_group_decides),
		cmocka_unit_test(a_keymap_is_read_with_its_terminators),
		cmocka_unit_test(garbage_is_no_keymap),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
