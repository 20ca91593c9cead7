/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "client/play.h"

static struct play p;
static char message[PLAY_MESSAGE_MAX];

static int parse(const char *text)
{
	play_finish(&p);
	return play_parse(&p, text, strlen(text), message);
}

static const struct punktfunk_input_event *input(size_t i)
{
	assert_true(i < p.n_steps);
	assert_int_equal(p.steps[i].kind, PLAY_INPUT);
	return &p.steps[i].input;
}

static void each_command_makes_its_step(void **state)
{
	(void)state;
	assert_int_equal(
		parse("# comment\n\n  key f5 down\r\nmove 12 34\nrel -5 6\nbutton right up\n"
		      "scroll h -120\nsmooth v 2 1 3\ntouch 3 move 7 8\ntouch 3 up\n"
		      "pad 2 arrive ds4\npad 2 snapshot 4097 1 -1 -32768 32767 255 1\n"
		      "pad 2 axis lt 255\npad 2 button y down\npad 2 remove\ntext \xc3\xa9\n"),
		0);
	assert_int_equal(p.n_steps, 14);
	assert_int_equal(input(0)->code, 0x74);
	assert_int_equal(input(1)->kind, PUNKTFUNK_INPUT_MOUSE_ABS);
	assert_int_equal(input(1)->y, 34);
	assert_int_equal(input(2)->x, -5);
	assert_int_equal(input(3)->kind, PUNKTFUNK_INPUT_BUTTON_UP);
	assert_int_equal(input(3)->code, 3);
	assert_int_equal(input(4)->code, 1);
	assert_int_equal(input(4)->x, -120);
	assert_int_equal(input(5)->x, 512);
	assert_int_equal(input(5)->flags, 1 | 3 << 8);
	assert_int_equal(input(6)->code, 3);
	assert_int_equal(input(8)->code, PUNKTFUNK_GAMEPAD_DS4);
	assert_int_equal(input(9)->code, 4097);
	assert_int_equal((uint32_t)input(9)->x, 0x0001ffffu);
	assert_int_equal((uint32_t)input(9)->y, 0x80007fffu);
	assert_int_equal(input(9)->flags, 255u << 16 | 1u << 8 | 2u);
	assert_int_equal(input(10)->code, 4);
	assert_int_equal(input(11)->x, 1);
	assert_int_equal(input(13)->code, 0xe9);
	play_finish(&p);
}

static void what_is_no_input_has_its_own_steps(void **state)
{
	(void)state;
	assert_int_equal(
		parse("clip set  two  words\nclip get a b\nmode 640x360x30\nbitrate 5000\n"
		      "delivery capped\ncursor client\nkeyframe\nrich 1 motion 1 -2 3 4 5 -6\n"
		      "rich 1 touchpad 1 down 65535 0"),
		0);
	assert_string_equal(p.steps[0].text, "two  words");
	assert_string_equal(p.steps[1].text, "a b");
	assert_int_equal(p.steps[2].mode.refresh_hz, 30);
	assert_int_equal(p.steps[3].number, 5000);
	assert_int_equal(p.steps[4].number, PUNKTFUNK_DELIVERY_CAPPED);
	assert_int_equal(p.steps[5].number, 1);
	assert_int_equal(p.steps[6].kind, PLAY_KEYFRAME);
	assert_int_equal(p.steps[7].rich->gyro[1], -2);
	assert_int_equal(p.steps[7].rich->accel[2], -6);
	assert_int_equal(p.steps[8].rich->state, 1);
	assert_int_equal(p.steps[8].rich->x, 65535);
	play_finish(&p);
}

static void steps_come_at_their_time(void **state)
{
	(void)state;
	assert_int_equal(parse("key a\nwait 100\nbutton left\n"), 0);
	assert_int_equal(p.n_steps, 4);
	assert_ptr_equal(play_due(&p, 0), &p.steps[0]);
	play_done(&p);
	assert_null(play_due(&p, 0)); /* the key is down for a while */
	assert_int_equal(play_deadline_ms(&p), 15);
	play_done(&p);
	assert_null(play_due(&p, 114));
	assert_ptr_equal(play_due(&p, 115), &p.steps[2]);
	play_done(&p);
	play_done(&p);
	assert_null(play_due(&p, UINT64_MAX));
	assert_int_equal(play_deadline_ms(&p), UINT64_MAX);
	play_finish(&p);
}

static void lines_that_make_no_sense_are_named(void **state)
{
	(void)state;
	static const char *const lines[] = {"jump", "wait", "wait -1", "wait 3600001", "wait 1 2",
		"key", "key nokey", "key 00", "key 255", "key a sideways", "type", "type \xc3\xa9",
		"text", "text \xff", "text \xed\xa0\x80", "move 1", "move -1 1", "move 65536 1",
		"rel x y", "button", "button fourth", "scroll d 1", "scroll v", "smooth v 40000",
		"smooth v 1 256", "touch 256 up", "touch 1 down", "touch 1 fly 1 1",
		"pad 16 remove", "pad 1", "pad 1 burn", "pad 1 arrive toaster",
		"pad 1 axis lx 32768", "pad 1 axis lt -1", "pad 1 snapshot 1 2 3 4 5 6",
		"pad 1 snapshot 1 2 3 4 5 6 256", "pad 1 button z", "rich 1 motion 1 2 3 4 5",
		"rich 1 touchpad 2 down 1 1", "clip", "clip set", "clip get", "mode 1x1x1",
		"bitrate 499", "delivery fast", "cursor me", "keyframe now"};
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char text[256];
		snprintf(text, sizeof(text), "key a\n%s\nkey b", lines[i]);
		if (parse(text) != PUNKTFUNK_E_INVALID)
			fail_msg("'%s' was taken", lines[i]);
		assert_non_null(strstr(message, "Line 2"));
		assert_int_equal(p.n_steps, 0);
	}
}

static void too_much_is_refused(void **state)
{
	(void)state;
	size_t len = (PLAY_STEPS_MAX + 1) * 9u;
	char *text = malloc(len);
	for (size_t i = 0; i <= PLAY_STEPS_MAX; i++)
		memcpy(text + i * 9, "keyframe\n", 9);
	assert_int_equal(play_parse(&p, text, len, message), PUNKTFUNK_E_INVALID);
	assert_non_null(strstr(message, "65536"));
	assert_int_equal(play_parse(&p, text, len - 9, message), 0);
	play_finish(&p);
	memset(text, 'a', 5000);
	assert_int_equal(play_parse(&p, text, 5000, message), PUNKTFUNK_E_INVALID);
	memcpy(text, "key a\0b\n", 8);
	assert_int_equal(play_parse(&p, text, 8, message), PUNKTFUNK_E_INVALID);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_command_makes_its_step),
		cmocka_unit_test(what_is_no_input_has_its_own_steps),
		cmocka_unit_test(steps_come_at_their_time),
		cmocka_unit_test(lines_that_make_no_sense_are_named),
		cmocka_unit_test(too_much_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
