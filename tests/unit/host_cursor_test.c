/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "host/media/cursor.h"
#include "host/session/cursor.h"

static struct cursor_shape *make(uint32_t serial, uint16_t width, uint16_t height)
{
	struct cursor_shape *s;
	assert_int_equal(cursor_shape_create(&s, serial, width, height), 0);
	return s;
}

static void set(struct cursor_shape *s, unsigned x, unsigned y, const uint8_t rgba[4])
{
	memcpy(s->rgba + ((size_t)y * s->width + x) * 4, rgba, 4);
}

static void sides_are_bounded(void **state)
{
	struct cursor_shape *s;
	(void)state;
	assert_int_equal(cursor_shape_create(&s, 1, 0, 5), PF_E_INVALID);
	assert_int_equal(cursor_shape_create(&s, 1, 5, 0), PF_E_INVALID);
	assert_int_equal(cursor_shape_create(&s, 1, CURSOR_MAX_SIDE + 1, 5), PF_E_INVALID);
	assert_int_equal(cursor_shape_create(&s, 1, 5, UINT16_MAX), PF_E_INVALID);
	cursor_shape_unref(NULL);
}

static void what_fits_stays(void **state)
{
	(void)state;
	struct cursor_shape *s = make(7, 120, 3), *fit;
	assert_int_equal(cursor_shape_fit(&fit, s, 120), 0);
	assert_ptr_equal(fit, s);
	assert_int_equal(atomic_load(&s->refs), 2);
	cursor_shape_unref(fit);
	cursor_shape_unref(s);
}

/* What is not seen has no colour: a white pixel between transparent black ones stays white. */
static void a_large_one_is_scaled_down(void **state)
{
	static const uint8_t white[4] = {255, 255, 255, 255}, red[4] = {255, 0, 0, 255};
	(void)state;
	struct cursor_shape *s = make(9, 4, 2), *fit;
	s->hot_x = 4;
	s->hot_y = 1;
	set(s, 0, 0, white);
	for (unsigned i = 0; i < 4; i++)
		set(s, 2 + i % 2, i / 2, red);
	assert_int_equal(cursor_shape_fit(&fit, s, 2), 0);
	assert_int_equal(fit->width, 2);
	assert_int_equal(fit->height, 1);
	assert_int_equal(fit->serial, 9);
	assert_int_equal(fit->hot_x, 2);
	static const uint8_t want[8] = {255, 255, 255, 64, 255, 0, 0, 255};
	assert_memory_equal(fit->rgba, want, sizeof(want));
	cursor_shape_unref(fit);
	/* However thin it is, something is left. */
	for (uint16_t side = 1; side < 130; side += 43) {
		struct cursor_shape *thin = make(1, CURSOR_MAX_SIDE, 1);
		assert_int_equal(cursor_shape_fit(&fit, thin, side), 0);
		assert_int_equal(fit->width, side);
		assert_int_equal(fit->height, 1);
		cursor_shape_unref(fit);
		cursor_shape_unref(thin);
	}
	cursor_shape_unref(s);
}

static void painting_keeps_to_the_picture(void **state)
{
	static const uint8_t orange[4] = {200, 100, 0, 255}, half[4] = {200, 100, 0, 128};
	uint8_t picture[4 + 3 * 4 * 3 + 4]; /* 3 x 3, fenced */
	(void)state;
	struct cursor_shape *s = make(1, 2, 2);
	s->hot_x = s->hot_y = 1;
	for (unsigned i = 0; i < 4; i++)
		set(s, i % 2, i / 2, orange);
	for (int32_t y = -4; y <= 6; y++)
		for (int32_t x = -4; x <= 6; x++) {
			memset(picture, 0xEE, sizeof(picture));
			cursor_shape_paint(s, picture + 4, 12, 3, 3, FRAME_BGRX, x, y);
			for (int32_t py = 0; py < 3; py++)
				for (int32_t px = 0; px < 3; px++) {
					const uint8_t *p = picture + 4 + py * 12 + px * 4;
					bool in = px >= x - 1 && px <= x && py >= y - 1 && py <= y;
					assert_int_equal(p[2], in ? 200 : 0xEE);
					assert_int_equal(p[1], in ? 100 : 0xEE);
					assert_int_equal(p[0], in ? 0 : 0xEE);
				}
			assert_int_equal(picture[3], 0xEE);
			assert_int_equal(picture[sizeof(picture) - 4], 0xEE);
		}
	cursor_shape_paint(s, picture + 4, 12, 3, 3, FRAME_BGRX, INT32_MAX, INT32_MIN);
	memset(picture, 0, sizeof(picture));
	set(s, 1, 1, half);
	cursor_shape_paint(s, picture + 4, 12, 3, 3, FRAME_RGBX, 0, 0);
	assert_int_equal(picture[4], 100);
	assert_int_equal(picture[5], 50);
	cursor_shape_unref(s);
}

#define PUTS 20000u

static struct cursor_relay relay;
static _Atomic unsigned n_told;

static void *put_many(void *userdata)
{
	(void)userdata;
	for (uint32_t i = 1; i <= PUTS; i++) {
		struct cursor_state state = {i / 100 + 1, true, (int32_t)i, -(int32_t)i};
		struct cursor_shape *s = i % 100 ? NULL : make(i / 100 + 1, 2, 2);
		if (cursor_relay_put(&relay, s, &state))
			atomic_fetch_add(&n_told, 1);
		cursor_shape_unref(s);
	}
	return NULL;
}

/* Whatever the two threads do, what was put last is what is taken last. */
static void the_newest_arrives(void **state)
{
	pthread_t thread;
	struct cursor_state s = {0};
	unsigned n_taken = 0;
	uint32_t newest_shape = 0;
	(void)state;
	memset(&relay, 0, sizeof(relay));
	assert_int_equal(pthread_create(&thread, NULL, put_many, NULL), 0);
	while (s.x != PUTS) {
		if (n_taken == atomic_load(&n_told))
			continue;
		n_taken++;
		struct cursor_shape *shape = cursor_relay_take(&relay, &s);
		if (shape) {
			assert_true(shape->serial > newest_shape);
			newest_shape = shape->serial;
		}
		cursor_shape_unref(shape);
	}
	pthread_join(thread, NULL);
	cursor_shape_unref(cursor_relay_take(&relay, &s));
	assert_int_equal(s.x, PUTS);
	assert_int_equal(s.y, -(int32_t)PUTS);
	assert_int_equal(s.serial, PUTS / 100 + 1);
	assert_true(n_taken <= PUTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sides_are_bounded),
		cmocka_unit_test(what_fits_stays),
		cmocka_unit_test(a_large_one_is_scaled_down),
		cmocka_unit_test(painting_keeps_to_the_picture),
		cmocka_unit_test(the_newest_arrives),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
