/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <linux/input-event-codes.h>
#include <string.h>
#include <unistd.h>

#include "host/inject/record.h"

static int setup(void **state)
{
	const struct inject_params params = {0};
	struct inject *i;
	if (inject_create(&i, "record", &params) < 0)
		return -1;
	*state = i;
	return 0;
}

static int teardown(void **state)
{
	inject_destroy(*state);
	return 0;
}

static void send(
	struct inject *i, uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	const struct pf_input e = {.kind = kind, .code = code, .x = x, .y = y, .flags = flags};
	inject_event(i, &e);
}

static void expect(struct inject *i, size_t n, enum record_kind kind, int32_t a, int32_t b)
{
	const struct record_event *e = record_get(i, n);
	assert_non_null(e);
	assert_int_equal(e->kind, kind);
	assert_int_equal(e->a, a);
	assert_int_equal(e->b, b);
}

static void a_key_goes_down_once_and_up_once(void **state)
{
	struct inject *i = *state;
	send(i, PF_INPUT_KEY_UP, 'A', 0, 0, 0);
	assert_int_equal(record_count(i), 0);
	for (int n = 0; n < 3; n++)
		send(i, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	send(i, PF_INPUT_KEY_UP, 'A', 0, 0, 0);
	send(i, PF_INPUT_KEY_UP, 'A', 0, 0, 0);
	assert_int_equal(record_count(i), 2);
	expect(i, 0, RECORD_KEY, KEY_A, 1);
	expect(i, 1, RECORD_KEY, KEY_A, 0);
	assert_int_equal(i->dropped, 0);
}

static void expect_at(const struct inject *i, uint32_t x, uint32_t y)
{
	assert_int_equal(i->at.x, x);
	assert_int_equal(i->at.y, y);
}

/* Another client may have the pointer in between: it comes back to where this one had moved it. */
static void the_pointers_place_follows_its_motion(void **state)
{
	struct inject *i = *state;
	send(i, PF_INPUT_MOUSE_REL, 0, 5, 5, 0);
	assert_int_equal(i->at.width, 0); /* nobody knows where it is */
	send(i, PF_INPUT_MOUSE_ABS, 0, 50, 60, 100 << 16 | 100);
	inject_set_size(i, 1280, 720);
	send(i, PF_INPUT_MOUSE_REL, 0, -7, 9, 0);
	expect_at(i, 633, 441);
	assert_int_equal(i->at.width, 1280);
	assert_int_equal(i->at.height, 720);
	send(i, PF_INPUT_MOUSE_REL, 0, INT32_MIN, INT32_MAX, 0);
	expect_at(i, 0, 719);
	send(i, PF_INPUT_MOUSE_REL, 0, 3, -4, 0);
	expect_at(i, 3, 715);
	inject_set_size(i, 640, 360);
	send(i, PF_INPUT_MOUSE_REL, 0, 0, 0, 0);
	expect_at(i, 1, 357);
	send(i, PF_INPUT_MOUSE_ABS, 0, INT32_MAX, INT32_MIN, 0xFFFFu << 16 | 1);
	send(i, PF_INPUT_MOUSE_REL, 0, INT32_MAX, INT32_MAX, 0);
	expect_at(i, 639, 359);
}

static void two_codes_of_one_key_are_one_key(void **state)
{
	struct inject *i = *state;
	send(i, PF_INPUT_KEY_DOWN, 0x10, 0, 0, 0);
	send(i, PF_INPUT_KEY_DOWN, 0xA0, 0, 0, 0);
	send(i, PF_INPUT_KEY_UP, 0xA0, 0, 0, 0);
	assert_int_equal(record_count(i), 2);
	expect(i, 1, RECORD_KEY, KEY_LEFTSHIFT, 0);
}

static void buttons_are_numbered_as_on_the_wire(void **state)
{
	static const int32_t want[] = {BTN_LEFT, BTN_MIDDLE, BTN_RIGHT, BTN_SIDE, BTN_EXTRA};
	struct inject *i = *state;
	for (uint32_t n = 0; n < 5; n++) {
		send(i, PF_INPUT_BUTTON_DOWN, n + 1, 0, 0, 0);
		expect(i, n, RECORD_BUTTON, want[n], 1);
	}
	send(i, PF_INPUT_BUTTON_DOWN, 0, 0, 0, 0);
	send(i, PF_INPUT_BUTTON_DOWN, 6, 0, 0, 0);
	send(i, PF_INPUT_BUTTON_DOWN, UINT32_MAX, 0, 0, 0);
	assert_int_equal(record_count(i), 5);
	assert_int_equal(i->dropped, 3);
}

static void release_all_lets_go_of_keys_and_buttons(void **state)
{
	struct inject *i = *state;
	send(i, PF_INPUT_KEY_DOWN, 0xA3, 0, 0, 0);
	send(i, PF_INPUT_KEY_DOWN, 'Q', 0, 0, 0);
	send(i, PF_INPUT_BUTTON_DOWN, 1, 0, 0, 0);
	record_clear(i);
	inject_release_all(i);
	assert_int_equal(record_count(i), 3);
	expect(i, 0, RECORD_KEY, KEY_Q, 0);
	expect(i, 1, RECORD_KEY, KEY_RIGHTCTRL, 0);
	expect(i, 2, RECORD_BUTTON, BTN_LEFT, 0);
	inject_release_all(i);
	assert_int_equal(record_count(i), 3);
}

static void positions_stay_on_the_surface(void **state)
{
	struct inject *i = *state;
	const uint32_t hd = 1280u << 16 | 720u;
	send(i, PF_INPUT_MOUSE_ABS, 0, 1279, 719, hd);
	expect(i, 0, RECORD_ABSOLUTE, 1279, 719);
	assert_int_equal(record_get(i, 0)->c, 1280);
	assert_int_equal(record_get(i, 0)->d, 720);
	send(i, PF_INPUT_MOUSE_ABS, 0, INT32_MAX, INT32_MIN, hd);
	expect(i, 1, RECORD_ABSOLUTE, 1279, 0);
	send(i, PF_INPUT_MOUSE_ABS, 0, INT32_MIN, INT32_MAX, UINT32_MAX);
	expect(i, 2, RECORD_ABSOLUTE, 0, 65534);
	send(i, PF_INPUT_MOUSE_ABS, 0, 1, 1, 0);
	send(i, PF_INPUT_MOUSE_ABS, 0, 1, 1, 1280u << 16);
	send(i, PF_INPUT_MOUSE_ABS, 0, 1, 1, 720u);
	assert_int_equal(record_count(i), 3);
	assert_int_equal(i->dropped, 3);
}

static void deltas_and_scrolls_are_bounded(void **state)
{
	struct inject *i = *state;
	send(i, PF_INPUT_MOUSE_REL, 0, -3, 5, 0);
	expect(i, 0, RECORD_MOTION, -3, 5);
	send(i, PF_INPUT_MOUSE_REL, 0, INT32_MIN, INT32_MAX, 0);
	expect(i, 1, RECORD_MOTION, -16384, 16384);
	send(i, PF_INPUT_SCROLL, 0, -120, 0, 0);
	expect(i, 2, RECORD_SCROLL, 0, -120);
	send(i, PF_INPUT_SCROLL, 1, INT32_MIN, 0, 0);
	expect(i, 3, RECORD_SCROLL, 1, -12000);
	send(i, PF_INPUT_SCROLL, 2, 120, 0, 0);
	send(i, PF_INPUT_SCROLL, UINT32_MAX, 120, 0, 0);
	send(i, PF_INPUT_SCROLL, 0, 0, 0, 0);
	assert_int_equal(record_count(i), 4);
	assert_int_equal(i->dropped, 3);
}

static void what_is_unknown_is_counted_and_dropped(void **state)
{
	struct inject *i = *state;
	static const uint32_t no_key[] = {0, 0x07, 0x5E, 0xFF, 0x100, 0x10041, UINT32_MAX};
	for (size_t n = 0; n < sizeof(no_key) / sizeof(no_key[0]); n++)
		send(i, PF_INPUT_KEY_DOWN, no_key[n], 0, 0, 0);
	send(i, PF_INPUT_KIND_COUNT, 0, 0, 0, 0);
	send(i, 0xFF, 0, 0, 0, 0);
	assert_int_equal(record_count(i), 0);
	assert_int_equal(i->dropped, 9);
	assert_int_equal(i->events, 9);
}

static void random_input_never_leaves_a_key_down(void **state)
{
	struct inject *i = *state;
	uint64_t seed = 0x5EED;
	bool down[INJECT_MAX_KEY] = {false};
	for (int n = 0; n < 20000; n++) {
		const uint64_t r = test_rand(&seed);
		send(i, (uint8_t)(r % 18), (uint32_t)(r >> 8) & 0x1FF, (int32_t)(r >> 20),
			(int32_t)(r >> 32), (uint32_t)test_rand(&seed));
		if (n % 64 == 63)
			inject_release_all(i);
		for (size_t k = 0; k < record_count(i); k++) {
			const struct record_event *e = record_get(i, k);
			assert_non_null(e);
			if (e->kind != RECORD_KEY && e->kind != RECORD_BUTTON)
				continue;
			assert_in_range(e->a, 1, INJECT_MAX_KEY - 1);
			assert_int_not_equal(down[e->a], e->b);
			down[e->a] = e->b;
		}
		record_clear(i);
	}
	inject_release_all(i);
	for (size_t k = 0; k < record_count(i); k++)
		down[record_get(i, k)->a] = false;
	for (size_t k = 0; k < INJECT_MAX_KEY; k++)
		assert_false(down[k]);
}

static void a_keyboards_keys_are_all_there(void **state)
{
	(void)state;
	bool seen[INJECT_MAX_KEY] = {false};
	for (uint32_t vk = 0; vk < 256; vk++) {
		const uint32_t code = inject_vk_to_evdev(vk);
		assert_in_range(code, 0, 247); /* what an xkb keymap can hold */
		const bool typed = (vk >= '0' && vk <= '9') || (vk >= 'A' && vk <= 'Z') ||
			(vk >= 0x60 && vk <= 0x6F && vk != 0x65 && vk != 0x6C) ||
			(vk >= 0x70 && vk <= 0x87) || (vk >= 0xBA && vk <= 0xC0) ||
			(vk >= 0xDB && vk <= 0xDE) || (vk >= 0x21 && vk <= 0x28);
		if (!typed)
			continue;
		assert_int_not_equal(code, 0);
		assert_false(seen[code]);
		seen[code] = true;
	}
	/* left and right are two keys */
	for (uint32_t vk = 0xA0; vk <= 0xA5; vk++) {
		const uint32_t code = inject_vk_to_evdev(vk);
		assert_int_not_equal(code, 0);
		assert_false(seen[code]);
		seen[code] = true;
	}
	assert_int_equal(inject_vk_to_evdev('Z'), KEY_Z);
	assert_int_equal(inject_vk_to_evdev('0'), KEY_0);
	assert_int_equal(inject_vk_to_evdev(0x0D), KEY_ENTER);
	assert_int_equal(inject_vk_to_evdev(256), 0);
}

static void unknown_backends_are_refused(void **state)
{
	(void)state;
	const struct inject_params params = {0};
	struct inject *i = (void *)&params;
	assert_int_equal(inject_create(&i, "uinput2", &params), PF_E_UNSUPPORTED);
	assert_null(i);
	assert_int_equal(inject_create(&i, NULL, &params), PF_E_INVALID);
	assert_int_equal(inject_create(&i, "record", NULL), PF_E_INVALID);
	inject_destroy(NULL);
}

static void fingers_go_down_once_and_up_once(void **state)
{
	struct inject *i = *state;
	const uint32_t size = 1000u << 16 | 500u;
	send(i, PF_INPUT_TOUCH_MOVE, 7, 1, 1, size);
	send(i, PF_INPUT_TOUCH_UP, 7, 1, 1, size);
	send(i, PF_INPUT_TOUCH_DOWN, 7, 1, 1, 0); /* no surface */
	assert_int_equal(record_count(i), 0);
	assert_int_equal(i->dropped, 3);
	send(i, PF_INPUT_TOUCH_DOWN, 7, 5, 5000, size);
	send(i, PF_INPUT_TOUCH_DOWN, 7, 6, 6, size);
	send(i, PF_INPUT_TOUCH_UP, 7, 0, 0, 0);
	expect(i, 0, RECORD_TOUCH, PF_INPUT_TOUCH_DOWN, 7);
	assert_int_equal(record_get(i, 0)->d, 499);
	expect(i, 1, RECORD_TOUCH, PF_INPUT_TOUCH_MOVE, 7);
	expect(i, 2, RECORD_TOUCH, PF_INPUT_TOUCH_UP, 7);
	record_clear(i);
	for (uint32_t id = 0; id < 20; id++)
		send(i, PF_INPUT_TOUCH_DOWN, id, 1, 1, size);
	assert_int_equal(record_count(i), INJECT_MAX_TOUCHES);
	inject_release_all(i);
	assert_int_equal(record_count(i), 2 * INJECT_MAX_TOUCHES);
	assert_int_equal(i->n_touches, 0);
}

/* A backend without touch: the first finger is the pointer with its button. */
static void one_finger_is_the_pointer(void **state)
{
	struct inject *i = *state;
	const uint32_t size = 100u << 16 | 100u;
	assert_true(i->caps.touch && i->caps.text && i->caps.pads && i->caps.smooth_scroll);
	record_without_touch(i);
	send(i, PF_INPUT_TOUCH_DOWN, 1, 10, 20, size);
	send(i, PF_INPUT_TOUCH_DOWN, 2, 90, 90, size);
	send(i, PF_INPUT_TOUCH_MOVE, 2, 80, 80, size);
	send(i, PF_INPUT_TOUCH_MOVE, 1, 11, 21, size);
	send(i, PF_INPUT_TOUCH_UP, 1, 11, 21, size);
	assert_int_equal(record_count(i), 4);
	expect(i, 0, RECORD_ABSOLUTE, 10, 20);
	expect(i, 1, RECORD_BUTTON, BTN_LEFT, 1);
	expect(i, 2, RECORD_ABSOLUTE, 11, 21);
	expect(i, 3, RECORD_BUTTON, BTN_LEFT, 0);
}

static void scrolling_is_smooth_where_it_is_asked_for(void **state)
{
	struct inject *i = *state;
	send(i, PF_INPUT_SCROLL, 0, 120, 0, 1); /* precise: a detent is 15 units */
	expect(i, 0, RECORD_SMOOTH, 0, 15 * 256);
	assert_int_equal(record_get(i, 0)->c, INJECT_SCROLL_CONTINUOUS);
	send(i, PF_INPUT_SMOOTH_SCROLL, 1, -384, 0, 1 | 2 << 8);
	expect(i, 1, RECORD_SMOOTH, 1, -384);
	assert_int_equal(record_get(i, 1)->c, INJECT_SCROLL_FINGER);
	send(i, PF_INPUT_SMOOTH_SCROLL, 0, 0, 0, 1); /* the fingers left */
	expect(i, 2, RECORD_SMOOTH, 0, 0);
	send(i, PF_INPUT_SMOOTH_SCROLL, 0, INT32_MIN, 0, 0xFF);
	expect(i, 3, RECORD_SMOOTH, 0, -120 * 100 * 32);
	assert_int_equal(record_get(i, 3)->c, INJECT_SCROLL_CONTINUOUS);
	send(i, PF_INPUT_SMOOTH_SCROLL, 2, 1, 0, 0);
	assert_int_equal(record_count(i), 4);
}

static void text_is_letters_and_few_keys(void **state)
{
	static const uint32_t bad[] = {
		0, 1, 0x1B, 0x7F, 0x9B, 0xD800, 0xDFFF, 0x110000, UINT32_MAX};
	static const uint32_t good[] = {'a', 0xE9, 0x4E2D, 0x1F600, '\n', '\t', '\b'};
	struct inject *i = *state;
	for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++)
		send(i, PF_INPUT_TEXT, bad[n], 0, 0, 0);
	assert_int_equal(record_count(i), 0);
	for (size_t n = 0; n < sizeof(good) / sizeof(good[0]); n++) {
		send(i, PF_INPUT_TEXT, good[n], 0, 0, 0);
		expect(i, n, RECORD_TEXT, (int32_t)good[n], 0);
	}
	send(i, PF_INPUT_TEXT, '\r', 0, 0, 0);
	expect(i, 7, RECORD_TEXT, '\n', 0);
}

static void pads_are_passed_on_in_order(void **state)
{
	struct inject *i = *state;
	send(i, PF_INPUT_PAD_ARRIVED, 1, 0, 0, 3);
	send(i, PF_INPUT_PAD_SNAPSHOT, 0x1000, 0x00010002, 0x00030004, 250u << 24 | 0x0A0B03);
	expect(i, 1, RECORD_PAD, PF_INPUT_PAD_SNAPSHOT, 0x1000);
	assert_int_equal(record_get(i, 1)->c, 0x00010002);
	assert_int_equal(record_get(i, 1)->d, 0x00030004);
	assert_int_equal(record_get(i, 1)->e, (int32_t)(250u << 24 | 0x0A0B03));
	send(i, PF_INPUT_PAD_SNAPSHOT, 0, 0, 0, 250u << 24 | 3); /* again, and an older one */
	send(i, PF_INPUT_PAD_SNAPSHOT, 0, 0, 0, 249u << 24 | 3);
	assert_int_equal(record_count(i), 2);
	send(i, PF_INPUT_PAD_SNAPSHOT, 0, 0, 0, 4u << 24 | 3); /* over the edge */
	send(i, PF_INPUT_PAD_SNAPSHOT, 0, 0, 0, 9u << 24 | 4); /* another pad */
	assert_int_equal(record_count(i), 4);
	send(i, PF_INPUT_PAD_REMOVED, 0, 0, 0, 6u << 24 | 3);
	send(i, PF_INPUT_PAD_SNAPSHOT, 0, 0, 0, 5u << 24 | 3); /* it was overtaken */
	send(i, PF_INPUT_PAD_REMOVED, 0, 0, 0, 6u << 24 | 3);  /* twice on the way */
	assert_int_equal(record_count(i), 5);
	send(i, PF_INPUT_PAD_ARRIVED, 1, 0, 0, 3);
	send(i, PF_INPUT_PAD_SNAPSHOT, 0, 0, 0, 5u << 24 | 3);
	assert_int_equal(record_count(i), 6);
	send(i, PF_INPUT_PAD_SNAPSHOT, 0, 0, 0, 7u << 24 | 3); /* the count goes on */
	assert_int_equal(record_count(i), 7);
	send(i, PF_INPUT_PAD_SNAPSHOT, 0, 0, 0, 1u << 24 | 16);
	send(i, PF_INPUT_PAD_BUTTON, 3, 1, 0, 0);
	send(i, PF_INPUT_PAD_BUTTON, 0, 1, 0, 0);
	send(i, PF_INPUT_PAD_AXIS, 6, 1, 0, 0);
	assert_int_equal(record_count(i), 7);
	send(i, PF_INPUT_PAD_BUTTON, 0x200000, 1, 0, 15);
	send(i, PF_INPUT_PAD_AXIS, 5, 255, 0, 0);
	assert_int_equal(record_count(i), 9);
}

static void rich_input_is_passed_on(void **state)
{
	struct inject *i = *state;
	inject_rich(i, &(struct pf_rich){.kind = PF_RICH_MOTION, .pad = 2});
	expect(i, 0, RECORD_RICH, PF_RICH_MOTION, 2);
	inject_rich(i, &(struct pf_rich){.kind = PF_RICH_MOTION, .pad = 16});
	assert_int_equal(record_count(i), 1);
	assert_int_equal(i->dropped, 1);
}

static void a_descriptor_is_closed_where_nobody_takes_it(void **state)
{
	int fds[2];
	struct inject *i;
	assert_int_equal(pipe(fds), 0);
	const struct inject_params params = {.eis_fd = fds[1]};
	assert_false(inject_has("nothing"));
	assert_true(inject_has("record"));
	assert_int_equal(inject_create(&i, "nothing", &params), PF_E_UNSUPPORTED);
	char byte;
	assert_int_equal(read(fds[0], &byte, 1), 0); /* its end */
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_key_goes_down_once_and_up_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_pointers_place_follows_its_motion, setup, teardown),
		cmocka_unit_test_setup_teardown(two_codes_of_one_key_are_one_key, setup, teardown),
		cmocka_unit_test_setup_teardown(
			buttons_are_numbered_as_on_the_wire, setup, teardown),
		cmocka_unit_test_setup_teardown(
			release_all_lets_go_of_keys_and_buttons, setup, teardown),
		cmocka_unit_test_setup_teardown(positions_stay_on_the_surface, setup, teardown),
		cmocka_unit_test_setup_teardown(deltas_and_scrolls_are_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_unknown_is_counted_and_dropped, setup, teardown),
		cmocka_unit_test_setup_teardown(
			random_input_never_leaves_a_key_down, setup, teardown),
		cmocka_unit_test(a_keyboards_keys_are_all_there),
		cmocka_unit_test(unknown_backends_are_refused),
		cmocka_unit_test(a_descriptor_is_closed_where_nobody_takes_it),
		cmocka_unit_test_setup_teardown(fingers_go_down_once_and_up_once, setup, teardown),
		cmocka_unit_test_setup_teardown(one_finger_is_the_pointer, setup, teardown),
		cmocka_unit_test_setup_teardown(
			scrolling_is_smooth_where_it_is_asked_for, setup, teardown),
		cmocka_unit_test_setup_teardown(text_is_letters_and_few_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(pads_are_passed_on_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(rich_input_is_passed_on, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
