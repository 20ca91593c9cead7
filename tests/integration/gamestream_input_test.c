/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* What a Moonlight device's keyboard, mouse, screen and pads do arrives at the desktop: a real host, and its record. */
#include "tests/integration/gamestream_rig.h"
#include "tests/moonlight/input.h"
#include "tests/test.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WAIT_MS	 5000
#define TEXT_MAX 8192

static struct rig rig;
static struct moon_session session;
static char record_path[128], text[TEXT_MAX];

static void read_record(void)
{
	FILE *f = fopen(record_path, "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	text[n] = '\0';
	if (f)
		fclose(f);
}

/* Waits until the record holds exactly this. */
static void expect(const char *want)
{
	for (int waited = 0; waited < WAIT_MS; waited += 10) {
		moon_session_run(&session, 10);
		read_record();
		if (!strcmp(text, want))
			break;
	}
	assert_string_equal(text, want);
	assert_int_equal(truncate(record_path, 0), 0);
}

static void put(const struct moon_input *in)
{
	assert_true(moon_input_send(session.control, in));
}

static void keys_and_text(void **state)
{
	struct moon_input in;
	(void)state;
	moon_input_key(&in, true, 0xA0, 1); /* left shift */
	put(&in);
	moon_input_key(&in, true, 'A', 1);
	put(&in);
	moon_input_key(&in, true, 'A', 1); /* repeats are the desktop's own */
	put(&in);
	moon_input_key(&in, false, 'A', 1);
	put(&in);
	moon_input_key(&in, false, 0xA0, 0);
	put(&in);
	moon_input_key(&in, true, 0x0D, 0);
	put(&in);
	moon_input_key(&in, false, 0x0D, 0);
	put(&in);
	expect("key 42 1 0 0 0\nkey 30 1 0 0 0\nkey 30 0 0 0 0\nkey 42 0 0 0 0\n"
	       "key 28 1 0 0 0\nkey 28 0 0 0 0\n");
	moon_input_text(&in, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x8e\xae"); /* in one packet */
	put(&in);
	expect("text 228 0 0 0 0\ntext 8364 0 0 0 0\ntext 127918 0 0 0 0\n");
}

static void the_mouse(void **state)
{
	struct moon_input in;
	(void)state;
	moon_input_move(&in, 5, -7);
	put(&in);
	moon_input_place(&in, 100, 50, 640, 480);
	in.way = MOON_RELIABLE;
	put(&in);
	for (uint8_t b = 1; b <= 5; b++) {
		moon_input_button(&in, true, b);
		put(&in);
		moon_input_button(&in, false, b);
		put(&in);
	}
	moon_input_scroll(&in, false, -120);
	put(&in);
	moon_input_scroll(&in, true, 30);
	put(&in);
	expect("motion 5 -7 0 0 0\nabsolute 100 50 640 480 0\n"
	       "button 272 1 0 0 0\nbutton 272 0 0 0 0\nbutton 274 1 0 0 0\nbutton 274 0 0 0 0\n"
	       "button 273 1 0 0 0\nbutton 273 0 0 0 0\nbutton 275 1 0 0 0\nbutton 275 0 0 0 0\n"
	       "button 276 1 0 0 0\nbutton 276 0 0 0 0\n"
	       "scroll 0 -120 0 0 0\nscroll 1 30 0 0 0\n");
}

static void fingers_and_a_pen(void **state)
{
	struct moon_input in;
	(void)state;
	moon_input_touch(&in, 1, 7, 0.0f, 1.0f, 0.5f);
	put(&in);
	moon_input_touch(&in, 3, 7, 0.5f, 0.5f, 0.5f);
	in.way = MOON_RELIABLE;
	put(&in);
	moon_input_touch(&in, 1, 8, 1.0f, 0.0f, 0.5f);
	put(&in);
	moon_input_touch(&in, 2, 7, 0.5f, 0.5f, 0);
	put(&in);
	moon_input_touch(&in, 7, 0, 0, 0, 0); /* all others as well */
	put(&in);
	/* 9 down, 10 move, 11 up, as punktfunk/1 numbers them. */
	expect("touch 9 7 0 65534 0\ntouch 10 7 32767 32767 0\ntouch 9 8 65534 0 0\n"
	       "touch 11 7 32767 32767 0\ntouch 11 8 65534 0 0\n");
	moon_input_pen(&in, 0, 1, 0, 0.5f, 0.5f, 0.1f);
	in.way = MOON_RELIABLE;
	put(&in);
	moon_input_pen(&in, 1, 1, 0, 1.0f, 0.0f, 0.7f);
	put(&in);
	moon_input_pen(&in, 2, 1, 0, 1.0f, 0.0f, 0);
	put(&in);
	expect("absolute 32767 32767 65535 65535 0\nabsolute 65534 0 65535 65535 0\n"
	       "button 272 1 0 0 0\nabsolute 65534 0 65535 65535 0\nbutton 272 0 0 0 0\n");
}

static void pads(void **state)
{
	struct moon_input in;
	struct moon_pad p = {.number = 3,
		.active = 8,
		.buttons = 0x211000,
		.left_trigger = 1,
		.right_trigger = 255,
		.lx = -32768,
		.ly = 32767,
		.rx = 1,
		.ry = -1};
	const float turn[3] = {10, -20, 30};
	(void)state;
	moon_input_haptics(&in);
	put(&in);
	moon_input_arrival(&in, 3, 2, 0x1ff, 0x21f7ff);
	put(&in);
	moon_input_pad(&in, &p);
	put(&in);
	moon_session_run(&session, 50); /* channels keep no order between each other */
	moon_input_pad_touch(&in, 3, 1, 1, 1.0f, 0.0f);
	put(&in);
	moon_session_run(&session, 50);
	moon_input_motion(&in, 3, 2, turn);
	in.way = MOON_RELIABLE;
	put(&in);
	moon_input_battery(&in, 3, 2, 77);
	put(&in);
	moon_session_run(&session, 50);
	p.active = 0; /* it is unplugged */
	moon_input_pad(&in, &p);
	put(&in);
	/* Arrived, its state, the touchpad, the gyroscope, and gone. */
	expect("pad 14 2 0 0 3\n"
	       "pad 12 2166784 -2147450881 131071 16908035\n"
	       "rich cc01030101ffff0000\n"
	       "rich cc0203c80070fe5802000000000000\n"
	       "pad 13 0 0 0 33554435\n");
}

static void what_is_held_is_let_go_at_the_end(void **state)
{
	struct moon_input in;
	(void)state;
	moon_input_key(&in, true, 'W', 0);
	put(&in);
	moon_input_button(&in, true, 1);
	put(&in);
	moon_input_touch(&in, 1, 7, 0.5f, 0.5f, 0.5f);
	put(&in);
	expect("key 17 1 0 0 0\nbutton 272 1 0 0 0\ntouch 9 7 32767 32767 0\n");
	moon_session_die(&session);
	assert_true(moon_session_resume(&session));
	expect("touch 11 7 32767 32767 0\nkey 17 0 0 0 0\nbutton 272 0 0 0 0\n");
}

static int setup(void **state)
{
	int fd;
	(void)state;
	if (test_folder(record_path, sizeof(record_path), "punktfunk-input") < 0)
		return -1;
	rmdir(record_path);
	fd = creat(record_path, 0600);
	const char *const args[] = {"--test-input", record_path, NULL};
	if (fd < 0 || close(fd) < 0 || rig_start(&rig, args) < 0)
		return -1;
	session = rig_session(&rig, &rig.alice);
	session.decode = false;
	if (!moon_session_launch(&session))
		return -1;
	moon_session_run(&session, 100);
	return truncate(record_path, 0);
}

static int teardown(void **state)
{
	(void)state;
	moon_session_leave(&session);
	int ended = rig_end(&rig);
	unlink(record_path);
	return ended;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_and_text),
		cmocka_unit_test(the_mouse),
		cmocka_unit_test(fingers_and_a_pen),
		cmocka_unit_test(pads),
		cmocka_unit_test(what_is_held_is_let_go_at_the_end),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
