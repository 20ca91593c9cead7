/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "core/base/bytes.h"
#include "core/nv/input.h"

#define B(...)	   (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__})
#define F1	   0, 0, 0x80, 0x3F /* 1.0 */
#define F_HALF	   0, 0, 0, 0x3F
#define F_QUARTER  0, 0, 0x80, 0x3E
#define F_NAN	   0, 0, 0xC0, 0x7F
#define F_INF	   0, 0, 0x80, 0x7F
#define F_MINUS	   0, 0, 0x80, 0xBF
#define F0	   0, 0, 0, 0
#define MAX_PACKET 64u

static size_t make(uint8_t *out, uint32_t magic, const uint8_t *body, size_t len)
{
	pf_put_be32(out, (uint32_t)(4 + len));
	pf_put_le32(out + 4, magic);
	memcpy(out + 8, body, len);
	return 8 + len;
}

static int try_read(struct pf_nv_input *in, uint32_t magic, const uint8_t *body, size_t len)
{
	uint8_t data[MAX_PACKET];
	/* An exact copy: a sanitizer sees a byte too many. */
	size_t n = make(data, magic, body, len);
	uint8_t *copy = malloc(n);
	assert_non_null(copy);
	memcpy(copy, data, n);
	memset(in, 0xAA, sizeof(*in));
	int err = pf_nv_input_read(in, copy, n);
	free(copy);
	return err;
}

/* Good as it is; refused when shorter, in the length that it gives or in bytes. */
static struct pf_nv_input read_good(uint32_t magic, const uint8_t *body, size_t len)
{
	struct pf_nv_input in, cut;
	uint8_t data[MAX_PACKET];
	assert_int_equal(try_read(&in, magic, body, len), PF_OK);
	size_t n = make(data, magic, body, len);
	for (size_t k = 0; k < n; k++)
		assert_int_equal(pf_nv_input_read(&cut, data, k), PF_E_BAD_PACKET);
	for (size_t k = 0; k < len && magic != 0x17; k++)
		assert_int_equal(try_read(&cut, magic, body, k), PF_E_BAD_PACKET);
	pf_put_be32(data, 3); /* less than a magic */
	assert_int_equal(pf_nv_input_read(&cut, data, n), PF_E_BAD_PACKET);
	pf_put_be32(data, UINT32_MAX);
	assert_int_equal(pf_nv_input_read(&cut, data, n), PF_E_BAD_PACKET);
	return in;
}

static void expect_bad(uint32_t magic, const uint8_t *body, size_t len)
{
	struct pf_nv_input in;
	assert_int_equal(try_read(&in, magic, body, len), PF_E_BAD_PACKET);
}

static void expect_unsupported(uint32_t magic, const uint8_t *body, size_t len)
{
	struct pf_nv_input in;
	assert_int_equal(try_read(&in, magic, body, len), PF_E_UNSUPPORTED);
}

/* The one event of a packet. */
static struct pf_input event_of(const struct pf_nv_input *in)
{
	struct pf_nv_mapper m;
	struct pf_input out[PF_NV_MAX_EVENTS];
	pf_nv_mapper_init(&m);
	assert_int_equal(pf_nv_mapper_events(&m, in, out), 1);
	return out[0];
}

static size_t count_events(const struct pf_nv_input *in)
{
	struct pf_nv_mapper m;
	struct pf_input out[PF_NV_MAX_EVENTS];
	pf_nv_mapper_init(&m);
	return pf_nv_mapper_events(&m, in, out);
}

static void keys(void **state)
{
	(void)state;
	struct pf_nv_input in = read_good(0x03, B(1, 0x41, 0x80, 5, 0, 0));
	assert_int_equal(in.kind, PF_NV_KEY);
	assert_true(in.key.down);
	assert_int_equal(in.key.vk, 0x41);
	assert_int_equal(in.key.flags, PF_NV_KEY_NOT_NORMALISED);
	assert_int_equal(in.key.modifiers, PF_NV_SHIFT | PF_NV_ALT);
	struct pf_input e = event_of(&in);
	assert_true(e.kind == PF_INPUT_KEY_DOWN && e.code == 0x41 && !e.flags);
	in = read_good(0x04, B(0, 0xA0, 0x80, 0, 0, 0));
	e = event_of(&in);
	assert_true(e.kind == PF_INPUT_KEY_UP && e.code == 0xA0);
}

static void text(void **state)
{
	(void)state;
	struct pf_nv_mapper m;
	struct pf_input out[PF_NV_MAX_EVENTS];
	pf_nv_mapper_init(&m);
	struct pf_nv_input in = read_good(
		0x17, B('A', 0xC3, 0xA9, 0xE2, 0x82, 0xAC, 0xF0, 0x9F, 0x98, 0x80));
	static const uint32_t want[] = {'A', 0xE9, 0x20AC, 0x1F600};
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 4);
	for (size_t i = 0; i < 4; i++)
		assert_true(out[i].kind == PF_INPUT_TEXT && out[i].code == want[i]);
	uint8_t longest[33];
	memset(longest, 'x', sizeof(longest));
	in = read_good(0x17, longest, 32);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 32);
	expect_bad(0x17, longest, 33);
	expect_bad(0x17, longest, 0);
	expect_bad(0x17, B(0xC3));
	expect_bad(0x17, B(0xED, 0xA0, 0x80)); /* a surrogate */
	expect_bad(0x17, B(0xC0, 0x80));       /* overlong */
	expect_bad(0x17, B('a', 0));
}

static void mouse(void **state)
{
	(void)state;
	struct pf_nv_input in = read_good(0x07, B(0xFF, 0xFE, 0x80, 0x00));
	struct pf_input e = event_of(&in);
	assert_true(e.kind == PF_INPUT_MOUSE_REL && e.x == -2 && e.y == -32768);
	/* 1920 x 1080: the reference is one less. */
	in = read_good(0x05, B(0x07, 0x7F, 0x00, 0x00, 0, 0, 0x07, 0x7F, 0x04, 0x37));
	e = event_of(&in);
	assert_true(e.kind == PF_INPUT_MOUSE_ABS && e.x == 1919 && e.y == 0);
	assert_int_equal(e.flags, 1920u << 16 | 1080u);
	/* Outside: at the edge. */
	in = read_good(0x05, B(0x7F, 0xFF, 0xFF, 0xFF, 0, 0, 0x07, 0x7F, 0x04, 0x37));
	e = event_of(&in);
	assert_true(e.x == 1919 && e.y == 0);
	in = read_good(0x05, B(0x7F, 0xFF, 0x7F, 0xFF, 0, 0, 0x7F, 0xFF, 0x7F, 0xFF));
	e = event_of(&in);
	assert_true(e.x == 32767 && e.flags == (32768u << 16 | 32768u));
	expect_bad(0x05, B(0, 0, 0, 0, 0, 0, 0, 0, 0, 1));
	expect_bad(0x05, B(0, 0, 0, 0, 0, 0, 0, 1, 0x80, 0));
	in = read_good(0x08, B(3));
	e = event_of(&in);
	assert_true(e.kind == PF_INPUT_BUTTON_DOWN && e.code == 3);
	in = read_good(0x09, B(5));
	e = event_of(&in);
	assert_true(e.kind == PF_INPUT_BUTTON_UP && e.code == 5);
	expect_bad(0x08, B(0));
	expect_bad(0x09, B(6));
	in = read_good(0x0A, B(0xFF, 0x88, 0xFF, 0x88, 0, 0));
	e = event_of(&in);
	assert_true(e.kind == PF_INPUT_SCROLL && e.code == 0 && e.x == -120 && !e.flags);
	in = read_good(0x55000001, B(0x00, 0x1E));
	e = event_of(&in);
	assert_true(e.kind == PF_INPUT_SCROLL && e.code == 1 && e.x == 30);
	in = read_good(0x0D, B(1, 0));
	assert_int_equal(in.kind, PF_NV_HAPTICS);
	assert_int_equal(count_events(&in), 0);
}

static void touches(void **state)
{
	(void)state;
	struct pf_nv_input in = read_good(
		0x55000002, B(1, 0, 90, 0, 4, 3, 2, 1, F_HALF, F1, F_QUARTER, F0, F1));
	assert_int_equal(in.kind, PF_NV_TOUCH);
	assert_int_equal(in.touch.rotation, 90);
	assert_true(in.touch.pressure == 0.25f && in.touch.major == 0 && in.touch.minor == 1);
	struct pf_input e = event_of(&in);
	assert_true(e.kind == PF_INPUT_TOUCH_DOWN && e.code == 0x01020304);
	assert_true(e.x == 32767 && e.y == 65534 && e.flags == 0xFFFFFFFFu);
	static const struct {
		uint8_t event;
		size_t n;
		uint8_t kind;
	} events[] = {{0, 0, 0}, {2, 1, PF_INPUT_TOUCH_UP}, {3, 1, PF_INPUT_TOUCH_MOVE},
		{4, 1, PF_INPUT_TOUCH_UP}, {5, 0, 0}, {6, 0, 0}, {7, 0, 0}};
	for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
		in = read_good(
			0x55000002, B(events[i].event, 0, 0, 0, 9, 0, 0, 0, F1, F1, F1, F1, F1));
		assert_int_equal(count_events(&in), events[i].n);
		if (events[i].n)
			assert_int_equal(event_of(&in).kind, events[i].kind);
	}
	/* Outside: at the edge. No number: refused. */
	in = read_good(0x55000002, B(1, 0, 0, 0, 9, 0, 0, 0, F_MINUS, 0, 0, 0, 0x40, F1, F1, F1));
	assert_true(in.touch.x == 0 && in.touch.y == 1);
	expect_bad(0x55000002, B(1, 0, 0, 0, 9, 0, 0, 0, F_NAN, F1, F1, F1, F1));
	expect_bad(0x55000002, B(1, 0, 0, 0, 9, 0, 0, 0, F1, F1, F1, F1, F_INF));
	expect_bad(0x55000002, B(8, 0, 0, 0, 9, 0, 0, 0, F1, F1, F1, F1, F1));
}

static void pens(void **state)
{
	(void)state;
	struct pf_nv_input in = read_good(
		0x55000003, B(3, 2, 5, 0, F_HALF, F_QUARTER, F1, 0x68, 0x01, 45, 0, F0, F1));
	assert_int_equal(in.kind, PF_NV_PEN);
	assert_true(in.pen.event == PF_NV_MOVE && in.pen.tool == 2 && in.pen.buttons == 5);
	assert_true(in.pen.x == 0.5f && in.pen.y == 0.25f && in.pen.pressure == 1);
	assert_true(in.pen.rotation == 360 && in.pen.tilt == 45 && in.pen.minor == 1);
	assert_int_equal(count_events(&in), 0);
	expect_bad(0x55000003, B(8, 2, 5, 0, F0, F0, F0, 0, 0, 0, 0, F0, F0));
	expect_bad(0x55000003, B(1, 2, 5, 0, F0, F_NAN, F0, 0, 0, 0, 0, F0, F0));
}

static struct pf_nv_input pad_state(uint8_t pad, uint16_t mask)
{
	return read_good(0x0C,
		B(0x1A, 0, pad, 0, (uint8_t)mask, (uint8_t)(mask >> 8), 0x14, 0, 0x01, 0x10, 11, 22,
			0xFF, 0x7F, 0x00, 0x80, 1, 0, 0xFE, 0xFF, 0x9C, 0, 0x30, 0, 0x55, 0));
}

static void pads_come_and_go_with_the_mask(void **state)
{
	(void)state;
	struct pf_nv_mapper m;
	struct pf_input out[PF_NV_MAX_EVENTS];
	pf_nv_mapper_init(&m);
	/* One that said nothing before. */
	struct pf_nv_input in = pad_state(2, 0x0004);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 2);
	assert_true(out[0].kind == PF_INPUT_PAD_ARRIVED && out[0].flags == 2 && !out[0].code);
	assert_int_equal(out[1].kind, PF_INPUT_PAD_SNAPSHOT);
	assert_int_equal(out[1].code, 0x301001);
	assert_int_equal((uint32_t)out[1].x, 0x7FFF8000u);
	assert_int_equal((uint32_t)out[1].y, 0x0001FFFEu);
	assert_int_equal(out[1].flags, 1u << 24 | 11u << 16 | 22u << 8 | 2u);
	/* One that does, and its state, that follows. */
	in = read_good(0x55000004, B(5, 2, 0xFF, 1, 0xFF, 0xF7, 0x10, 0));
	assert_true(in.pad_arrival.caps == 0x1FF && in.pad_arrival.buttons == 0x10F7FF);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 1);
	assert_true(out[0].kind == PF_INPUT_PAD_ARRIVED && out[0].flags == 5 && out[0].code == 2);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 0);
	in = pad_state(5, 0x0024);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 1);
	assert_int_equal(out[0].flags & 0xFF, 5);
	/* Both go, the second by its own packet: it has no state any more. */
	in = pad_state(5, 0x0020);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 2);
	assert_true(out[0].kind == PF_INPUT_PAD_REMOVED && out[0].flags == (2u << 24 | 2u));
	assert_int_equal(out[1].kind, PF_INPUT_PAD_SNAPSHOT);
	in = pad_state(5, 0);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 1);
	assert_true(out[0].kind == PF_INPUT_PAD_REMOVED && (out[0].flags & 0xFF) == 5);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 0);
	/* All at once is what there is room for. */
	for (uint8_t pad = 0; pad < 16; pad++) {
		in = pad_state(pad, 0xFFFF);
		pf_nv_mapper_events(&m, &in, out);
	}
	in = pad_state(3, 0);
	assert_int_equal(pf_nv_mapper_events(&m, &in, out), 16);
	expect_unsupported(0x0C,
		B(0x1A, 0, 16, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x9C, 0, 0, 0,
			0x55, 0));
	expect_unsupported(0x0C,
		B(0x1A, 0, 0, 1, 0, 0, 0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x9C, 0, 0, 0,
			0x55, 0));
	expect_unsupported(0x55000004, B(16, 0, 0, 0, 0, 0, 0, 0));
}

static void motion_has_both_sensors(void **state)
{
	(void)state;
	struct pf_nv_mapper m;
	struct pf_rich r;
	pf_nv_mapper_init(&m);
	/* 1, 0.5 and -1 degrees a second */
	struct pf_nv_input in = read_good(0x55000006, B(7, 2, 0, 0, F1, F_HALF, F_MINUS));
	assert_true(pf_nv_mapper_rich(&m, &in, &r));
	assert_true(r.kind == PF_RICH_MOTION && r.pad == 7);
	assert_true(r.motion.gyro[0] == 20 && r.motion.gyro[1] == 10 && r.motion.gyro[2] == -20);
	assert_int_equal(r.motion.accel[1], 0);
	/* 9.80665 m/s² is a g; beyond the range is its end. */
	in = read_good(0x55000006,
		B(7, 1, 0, 0, 0x0A, 0xE8, 0x1C, 0x41, 0, 0, 0x80, 0x7E, 0, 0, 0x80, 0xFE));
	assert_true(pf_nv_mapper_rich(&m, &in, &r));
	assert_int_equal(r.motion.accel[0], 10000);
	assert_int_equal(r.motion.accel[1], 32767);
	assert_int_equal(r.motion.accel[2], -32768);
	assert_int_equal(r.motion.gyro[0], 20);
	assert_int_equal(count_events(&in), 0);
	uint8_t out[PF_RICH_MAX_LEN];
	assert_true(pf_rich_write(out, sizeof(out), &r) > 0);
	expect_bad(0x55000006, B(7, 0, 0, 0, F1, F1, F1));
	expect_bad(0x55000006, B(7, 3, 0, 0, F1, F1, F1));
	expect_bad(0x55000006, B(7, 1, 0, 0, F1, F1, F_NAN));
	expect_unsupported(0x55000006, B(16, 1, 0, 0, F1, F1, F1));
}

static void touchpads_and_batteries(void **state)
{
	(void)state;
	struct pf_nv_mapper m;
	struct pf_rich r;
	pf_nv_mapper_init(&m);
	struct pf_nv_input in = read_good(
		0x55000005, B(1, 1, 0, 0, 1, 0, 0, 0, F1, F_HALF, F_QUARTER));
	assert_true(pf_nv_mapper_rich(&m, &in, &r));
	assert_true(r.kind == PF_RICH_TOUCHPAD && r.pad == 1 && r.touchpad.finger == 1);
	assert_true(r.touchpad.active && r.touchpad.x == 65535 && r.touchpad.y == 32768);
	in = read_good(0x55000005, B(1, 2, 0, 0, 1, 0, 0, 0, F1, F_HALF, F_QUARTER));
	assert_true(pf_nv_mapper_rich(&m, &in, &r) && !r.touchpad.active);
	in = read_good(0x55000005, B(1, 3, 0, 1, 1, 0, 0, 0, F1, F0, F1));
	assert_true(pf_nv_mapper_rich(&m, &in, &r));
	assert_true(r.kind == PF_RICH_TOUCHPAD_EX && r.touchpad_ex.surface == 1);
	assert_true(r.touchpad_ex.x == 32767 && r.touchpad_ex.y == -32768);
	assert_true(r.touchpad_ex.pressure == 65535 && r.touchpad_ex.state == 1);
	in = read_good(0x55000005, B(1, 3, 0, 0, 0, 1, 0, 0, F1, F0, F1)); /* finger 256 */
	assert_false(pf_nv_mapper_rich(&m, &in, &r));
	in = read_good(0x55000005, B(1, 7, 0, 0, 0, 0, 0, 0, F1, F0, F1));
	assert_false(pf_nv_mapper_rich(&m, &in, &r));
	expect_bad(0x55000005, B(1, 3, 0, 2, 0, 0, 0, 0, F1, F0, F1));
	expect_bad(0x55000005, B(1, 8, 0, 0, 0, 0, 0, 0, F1, F0, F1));
	expect_bad(0x55000005, B(1, 3, 0, 0, 0, 0, 0, 0, F1, F0, F_NAN));
	expect_unsupported(0x55000005, B(200, 3, 0, 0, 0, 0, 0, 0, F1, F0, F1));
	in = read_good(0x55000007, B(4, 3, 80, 0));
	assert_int_equal(in.kind, PF_NV_PAD_BATTERY);
	assert_true(in.pad == 4 && in.pad_battery.state == 3 && in.pad_battery.percent == 80);
	assert_int_equal(count_events(&in), 0);
	assert_false(pf_nv_mapper_rich(&m, &in, &r));
}

static void others_are_passed_over(void **state)
{
	(void)state;
	expect_unsupported(0x06, B(0, 0, 0, 0)); /* of an older generation */
	expect_unsupported(0x55000008, B(0, 0, 0, 0));
	expect_unsupported(0, B(0, 0, 0, 0));
	struct pf_nv_input in;
	/* More than the fields that are known. */
	assert_int_equal(try_read(&in, 0x08, B(1, 2, 3, 4)), PF_OK);
	/* More behind the packet than its length says. */
	static const uint8_t key[] = {0, 0, 0, 5, 8, 0, 0, 0, 1, 0xFF, 0xFF};
	assert_int_equal(pf_nv_input_read(&in, key, sizeof(key)), PF_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys),
		cmocka_unit_test(text),
		cmocka_unit_test(mouse),
		cmocka_unit_test(touches),
		cmocka_unit_test(pens),
		cmocka_unit_test(pads_come_and_go_with_the_mask),
		cmocka_unit_test(motion_has_both_sensors),
		cmocka_unit_test(touchpads_and_batteries),
		cmocka_unit_test(others_are_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
