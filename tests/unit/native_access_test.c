/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "host/native/access.h"

static void every_input_needs_its_grant(void **state)
{
	static const uint8_t grant_of[PF_INPUT_KIND_COUNT] = {
		[PF_INPUT_KEY_DOWN] = PF_GRANT_KEYBOARD,
		[PF_INPUT_KEY_UP] = PF_GRANT_KEYBOARD,
		[PF_INPUT_TEXT] = PF_GRANT_KEYBOARD,
		[PF_INPUT_MOUSE_REL] = PF_GRANT_POINTER,
		[PF_INPUT_MOUSE_ABS] = PF_GRANT_POINTER,
		[PF_INPUT_BUTTON_DOWN] = PF_GRANT_POINTER,
		[PF_INPUT_BUTTON_UP] = PF_GRANT_POINTER,
		[PF_INPUT_SCROLL] = PF_GRANT_POINTER,
		[PF_INPUT_SMOOTH_SCROLL] = PF_GRANT_POINTER,
		[PF_INPUT_TOUCH_DOWN] = PF_GRANT_POINTER,
		[PF_INPUT_TOUCH_MOVE] = PF_GRANT_POINTER,
		[PF_INPUT_TOUCH_UP] = PF_GRANT_POINTER,
		[PF_INPUT_PAD_BUTTON] = PF_GRANT_GAMEPAD,
		[PF_INPUT_PAD_AXIS] = PF_GRANT_GAMEPAD,
		[PF_INPUT_PAD_SNAPSHOT] = PF_GRANT_GAMEPAD,
		[PF_INPUT_PAD_REMOVED] = PF_GRANT_GAMEPAD,
		[PF_INPUT_PAD_ARRIVED] = PF_GRANT_GAMEPAD,
	};
	(void)state;
	for (uint8_t kind = 0; kind < PF_INPUT_KIND_COUNT; kind++) {
		const struct pf_input event = {.kind = kind};
		assert_int_not_equal(grant_of[kind], 0); /* a new kind belongs in this table */
		assert_int_equal(access_input_grant(&event), grant_of[kind]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_input_needs_its_grant),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
