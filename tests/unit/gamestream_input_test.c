/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/wire/control.h"
#include "host/gamestream/streams.h"

/* What reaches the session: the functions that take it are ours here (the linker's --wrap). */

#define VK_A	  0x41u
#define VK_LSHIFT 0xA0u
#define VK_LCTRL  0xA2u

static struct pf_input got[16];
static size_t n_got, n_rich;
static struct gs_launch launch;
static struct gamestream gamestream;
static struct gs_streams streams = {.g = &gamestream};
static struct gs_stream stream = {.all = &streams};

void __wrap_session_input(struct session *s, const struct pf_input *event);
void __wrap_session_rich_input(struct session *s, const struct pf_rich *event);
struct gs_launch *__wrap_launch_by_id(const struct launches *ls, uint64_t id);

void __wrap_session_input(struct session *s, const struct pf_input *event)
{
	(void)s;
	if (n_got < sizeof(got) / sizeof(got[0]))
		got[n_got] = *event;
	n_got++;
}

void __wrap_session_rich_input(struct session *s, const struct pf_rich *event)
{
	(void)s, (void)event;
	n_rich++;
}

struct gs_launch *__wrap_launch_by_id(const struct launches *ls, uint64_t id)
{
	(void)ls, (void)id;
	return &launch;
}

static int begin(void **state)
{
	(void)state;
	launch.grants = PF_GRANT_KEYBOARD | PF_GRANT_POINTER | PF_GRANT_GAMEPAD;
	gs_input_open(&stream.input);
	n_got = n_rich = 0;
	return 0;
}

static void send_packet(uint32_t magic, const uint8_t *body, size_t len)
{
	uint8_t data[64];
	n_got = 0;
	pf_put_be32(data, (uint32_t)(4 + len));
	pf_put_le32(data + 4, magic);
	memcpy(data + 8, body, len);
	gs_input_take(&stream, data, 8 + len);
}

static void key(bool down, uint8_t vk, uint8_t modifiers)
{
	const uint8_t body[] = {0, vk, 0x80, modifiers, 0, 0};
	send_packet(down ? 0x03 : 0x04, body, sizeof(body));
}

static void assert_key(size_t i, bool down, uint32_t vk)
{
	assert_true(i < n_got);
	assert_int_equal(got[i].kind, down ? PF_INPUT_KEY_DOWN : PF_INPUT_KEY_UP);
	assert_int_equal(got[i].code, vk);
}

static void test_keys(void **state)
{
	(void)state;
	key(true, VK_A, 0);
	assert_int_equal(n_got, 1);
	assert_key(0, true, VK_A);
	key(false, VK_A, 0);
	assert_int_equal(n_got, 1);
	assert_key(0, false, VK_A);
}

/* A keyboard on a screen never presses shift. */
static void test_modifiers_of_screen_keyboards(void **state)
{
	(void)state;
	key(true, VK_A, PF_NV_SHIFT | PF_NV_CTRL);
	assert_int_equal(n_got, 5);
	assert_key(0, true, VK_LSHIFT);
	assert_key(1, true, VK_LCTRL);
	assert_key(2, true, VK_A);
	assert_key(3, false, VK_LCTRL);
	assert_key(4, false, VK_LSHIFT);
	key(false, VK_A, PF_NV_SHIFT);
	assert_int_equal(n_got, 1);
}

/* A real one does, and says so with the key as well. */
static void test_modifiers_that_are_held(void **state)
{
	(void)state;
	key(true, 0xA1, PF_NV_SHIFT);
	assert_int_equal(n_got, 1);
	key(true, VK_A, PF_NV_SHIFT);
	assert_int_equal(n_got, 1);
	key(false, 0xA1, 0);
	key(true, VK_A, PF_NV_SHIFT);
	assert_int_equal(n_got, 3);
}

static void test_grants(void **state)
{
	(void)state;
	const uint8_t move[] = {0, 1, 0, 1};
	launch.grants = PF_GRANT_POINTER;
	key(true, VK_A, 0);
	assert_int_equal(n_got, 0);
	send_packet(0x07, move, sizeof(move));
	assert_int_equal(n_got, 1);
	launch.grants = PF_GRANT_KEYBOARD;
	send_packet(0x07, move, sizeof(move));
	assert_int_equal(n_got, 0);
}

static void touch(uint8_t event, uint8_t id)
{
	uint8_t body[28] = {event, 0, 0xFF, 0xFF, id};
	send_packet(0x55000002, body, sizeof(body));
}

static void test_cancel_of_all_touches(void **state)
{
	(void)state;
	touch(PF_NV_DOWN, 1);
	touch(PF_NV_DOWN, 2);
	touch(PF_NV_DOWN, 3);
	touch(PF_NV_UP, 2);
	touch(PF_NV_CANCEL_ALL, 0);
	assert_int_equal(n_got, 2);
	uint32_t ids = 0;
	for (size_t i = 0; i < n_got; i++) {
		assert_int_equal(got[i].kind, PF_INPUT_TOUCH_UP);
		ids |= 1u << got[i].code;
	}
	assert_int_equal(ids, 1u << 1 | 1u << 3);
	touch(PF_NV_CANCEL_ALL, 0);
	assert_int_equal(n_got, 0);
	/* More fingers than are counted do no harm. */
	for (uint8_t i = 0; i < 40; i++)
		touch(PF_NV_DOWN, i);
	touch(PF_NV_CANCEL_ALL, 0);
	assert_int_equal(n_got, GS_TOUCHES);
}

static void pen(uint8_t event, uint8_t buttons)
{
	uint8_t body[28] = {event, 1, buttons, 0, 0, 0, 0, 0x3F, 0, 0, 0x80, 0x3F};
	send_packet(0x55000003, body, sizeof(body));
}

static void test_pen(void **state)
{
	(void)state;
	pen(PF_NV_HOVER, 0);
	assert_int_equal(n_got, 1);
	assert_int_equal(got[0].kind, PF_INPUT_MOUSE_ABS);
	assert_int_equal(got[0].x, 32767);
	assert_int_equal(got[0].y, 65534);
	pen(PF_NV_DOWN, 0);
	assert_int_equal(n_got, 2);
	assert_int_equal(got[1].kind, PF_INPUT_BUTTON_DOWN);
	assert_int_equal(got[1].code, 1);
	pen(PF_NV_MOVE, 1);
	assert_int_equal(n_got, 2);
	assert_int_equal(got[1].kind, PF_INPUT_BUTTON_DOWN);
	assert_int_equal(got[1].code, 3);
	pen(PF_NV_CANCEL, 1);
	assert_int_equal(n_got, 2);
	assert_int_equal(got[0].kind, PF_INPUT_BUTTON_UP);
	assert_int_equal(got[1].kind, PF_INPUT_BUTTON_UP);
}

/* Presses beyond the budget are lost, releases are not. */
static void test_flood(void **state)
{
	(void)state;
	size_t n = 0;
	stream.input.refilled_ns = UINT64_MAX / 2; /* no time goes by */
	for (size_t i = 0; i < 10000; i++) {
		key(true, VK_A, 0);
		n += n_got;
	}
	assert_in_range(n, 1, 9999);
	key(false, VK_A, 0);
	assert_int_equal(n_got, 1);
	assert_true(stream.input.n_dropped > 0);
}

static void test_bad_bytes(void **state)
{
	(void)state;
	uint8_t data[80];
	uint32_t seed = 1;
	n_got = n_rich = 0;
	for (size_t i = 0; i < 200000; i++) {
		size_t len = i % sizeof(data);
		for (size_t k = 0; k < len; k++) {
			seed = seed * 1664525u + 1013904223u;
			data[k] = (uint8_t)(seed >> 24);
		}
		gs_input_take(&stream, data, len);
	}
	assert_int_equal(stream.input.n_dropped, 0);
	gs_input_take(&stream, NULL, 0);
	assert_true(stream.input.n_bad > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_keys, begin),
		cmocka_unit_test_setup(test_modifiers_of_screen_keyboards, begin),
		cmocka_unit_test_setup(test_modifiers_that_are_held, begin),
		cmocka_unit_test_setup(test_grants, begin),
		cmocka_unit_test_setup(test_cancel_of_all_touches, begin),
		cmocka_unit_test_setup(test_pen, begin),
		cmocka_unit_test_setup(test_flood, begin),
		cmocka_unit_test_setup(test_bad_bytes, begin),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
