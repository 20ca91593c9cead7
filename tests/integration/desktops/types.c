/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <linux/input-event-codes.h>
#include <math.h>
#include <string.h>

/* What a client does, and what the window on its output hears of it. */

#define W	1280
#define H	720
#define SURFACE ((uint32_t)W << 16 | (uint32_t)H)
#define PIXEL	1.0

/* A compositor that is busy with its outputs may lose a first motion: hands move on. */
static void put(int32_t x, int32_t y, double px, double py)
{
	bool there = false;
	for (int i = 0; i < 5 && !there; i++) {
		view_send(&view, PUNKTFUNK_INPUT_MOUSE_ABS, 0, x, y, SURFACE);
		there = app_wait_near(&app, "motion", px, py, PIXEL, WAIT_MS / 5);
	}
	if (!there)
		fail_msg("%d,%d was not reached, but: %s", x, y, app.text + app.from);
}

static void open_window(void)
{
	want_host();
	view_open(&view, W, H, 60);
	view_first_ms(&view);
	app_start(&app, W, H, 0x405060);
	assert_non_null(app_wait(&app, "shown", WAIT_MS));
	/* Some let it grow to its size. */
	assert_true(view_wait_shows(&view, W, H, 0x405060, WAIT_MS));
	/* The pointer is brought to the window, and with it the focus where that follows it. */
	put(W / 2, H / 2, W / 2, H / 2);
	if (!app_wait(&app, "focus 1", WAIT_MS))
		fail_msg("the window never had the keyboard; it said: %s", app.text);
	app_forget(&app);
}

static void expect(const char *line)
{
	if (!app_wait(&app, line, WAIT_MS))
		fail_msg("'%s' did not arrive, but: %s", line, app.text + app.from);
}

static void tap(uint32_t vk)
{
	view_send(&view, PUNKTFUNK_INPUT_KEY_DOWN, vk, 0, 0, 0);
	view_send(&view, PUNKTFUNK_INPUT_KEY_UP, vk, 0, 0, 0);
}

static void expect_text(uint32_t scalar)
{
	char line[32];
	snprintf(line, sizeof(line), "text %u", scalar);
	expect(line);
}

void keys_and_text_arrive(void **state)
{
	static const uint32_t scalars[] = {'q', '@', 0xE4, 0x20AC, 0x4E2D, 0x1F600};
	(void)state;
	open_window();
	tap('A');
	expect("key 30 1");
	expect_text('a');
	expect("key 30 0");
	app_forget(&app);
	view_send(&view, PUNKTFUNK_INPUT_KEY_DOWN, 0xA0, 0, 0, 0);
	expect("key 42 1");
	tap('2');
	expect("key 3 1");
	expect_text('@'); /* of the US layout */
	view_send(&view, PUNKTFUNK_INPUT_KEY_UP, 0xA0, 0, 0, 0);
	expect("key 42 0");
	app_forget(&app);
	tap(0x0D);
	expect("key 28 1");
	tap(0x25);
	expect("key 105 1");
	const bool text = punktfunk_connection_host_caps(view.c) & PUNKTFUNK_HOST_CAP_TEXT;
	assert_true(text);
	const size_t n = rig.kind->layout_text ? 2 : sizeof(scalars) / sizeof(scalars[0]);
	for (size_t i = 0; i < n; i++) {
		app_forget(&app);
		view_send(&view, PUNKTFUNK_INPUT_TEXT, scalars[i], 0, 0, 0);
		expect_text(scalars[i]);
	}
}

static void click(uint32_t button, unsigned code)
{
	char line[32];
	view_send(&view, PUNKTFUNK_INPUT_BUTTON_DOWN, button, 0, 0, 0);
	snprintf(line, sizeof(line), "button %u 1", code);
	expect(line);
	view_send(&view, PUNKTFUNK_INPUT_BUTTON_UP, button, 0, 0, 0);
	snprintf(line, sizeof(line), "button %u 0", code);
	expect(line);
}

/* Waits until what came adds up. */
static void expect_sum(const char *axis, double sum)
{
	for (unsigned ms = 0; fabs(app_sum(&app, axis) - sum) > 0.05; ms += 5) {
		if (ms > WAIT_MS)
			fail_msg("%s came to %.2f, not %.2f: %s", axis, app_sum(&app, axis), sum,
				app.text + app.from);
		rig_pause_ms(5);
	}
}

static void scroll_each_way(void)
{
	const bool far = rig.kind->no_detents;
	const double detent = far ? 15 : 1; /* as libinput has it */
	app_forget(&app);
	view_send(&view, PUNKTFUNK_INPUT_SCROLL, 0, 120, 0, 0); /* up */
	expect_sum(far ? "axis 0" : "detents 0", -detent);
	view_send(&view, PUNKTFUNK_INPUT_SCROLL, 0, -240, 0, 0);
	expect_sum(far ? "axis 0" : "detents 0", detent);
	view_send(&view, PUNKTFUNK_INPUT_SCROLL, 1, 120, 0, 0);
	expect_sum(far ? "axis 1" : "detents 1", detent);
	app_forget(&app);
	if (!(punktfunk_connection_host_caps2(view.c) & PUNKTFUNK_HOST_CAP2_SMOOTH_SCROLL))
		return;
	/* Fingers: 12.5 units down in steps, then they leave. */
	for (int i = 0; i < 5; i++)
		view_send(&view, PUNKTFUNK_INPUT_SMOOTH_SCROLL, 0, -640, 0, 1);
	expect_sum("axis 0", 12.5);
}

void the_pointer_arrives_where_it_was_put(void **state)
{
	(void)state;
	open_window();
	put(W - 1, H - 1, W - 1, H - 1);
	put(W - 1, 0, W - 1, 0);
	put(0, H - 1, 0, H - 1);
	put(0, 0, 0, 0);
	put(333, 217, 333, 217);
	/* Relative: at the pointer's own speed, whatever the desktop thinks of mice. */
	view_send(&view, PUNKTFUNK_INPUT_MOUSE_REL, 0, 100, 50, 0);
	if (!app_wait_near(&app, "motion", 433, 267, PIXEL, WAIT_MS))
		fail_msg("+100,+50 from 333,217 ended elsewhere: %s", app.text + app.from);
	for (int i = 0; i < 20; i++)
		view_send(&view, PUNKTFUNK_INPUT_MOUSE_REL, 0, -3, 1, 0);
	assert_true(app_wait_near(&app, "motion", 373, 287, PIXEL, WAIT_MS));
	/* It stays on its output. */
	view_send(&view, PUNKTFUNK_INPUT_MOUSE_REL, 0, -30000, -30000, 0);
	if (!app_wait_near(&app, "motion", 0, 0, PIXEL, WAIT_MS))
		fail_msg("it left its output: %s", app.text + app.from);
	for (int i = 0; i < 4; i++) { /* steps that another screen has room for */
		view_send(&view, PUNKTFUNK_INPUT_MOUSE_REL, 0, -200, 0, 0);
		view_send(&view, PUNKTFUNK_INPUT_MOUSE_REL, 0, 0, -200, 0);
	}
	view_send(&view, PUNKTFUNK_INPUT_MOUSE_REL, 0, 9, 7, 0);
	if (!app_wait_near(&app, "motion", 9, 7, PIXEL, WAIT_MS))
		fail_msg("it walked off its output: %s", app.text + app.from);
	put(W / 2, H / 2, W / 2, H / 2);
	click(1, BTN_LEFT);
	click(2, BTN_MIDDLE);
	click(3, BTN_RIGHT);
	click(4, BTN_SIDE);
	click(5, BTN_EXTRA);
	scroll_each_way();
}

static void expect_near(const char *what, double x, double y)
{
	if (!app_wait_near(&app, what, x, y, PIXEL, WAIT_MS))
		fail_msg("no '%s' near %.0f,%.0f, but: %s", what, x, y, app.text + app.from);
}

static void touch(uint8_t kind, uint32_t finger, int32_t x, int32_t y)
{
	view_send(&view, kind, finger, x, y, SURFACE);
}

static void touch_as_fingers(void)
{
	/* Where the screen comes to be with its first finger, programs do not get that one. */
	for (int i = 0; i < 3 && !app_said(&app, "touch down"); i++) {
		if (i)
			touch(PUNKTFUNK_INPUT_TOUCH_UP, 1, 100, 200);
		touch(PUNKTFUNK_INPUT_TOUCH_DOWN, 1, 100, 200);
		app_wait(&app, "touch down", 1000);
	}
	expect_near("touch down", 100, 200);
	touch(PUNKTFUNK_INPUT_TOUCH_MOVE, 1, 640, 300);
	expect_near("touch motion", 640, 300);
	touch(PUNKTFUNK_INPUT_TOUCH_DOWN, 2, W - 1, H - 1);
	expect_near("touch down", W - 1, H - 1);
	touch(PUNKTFUNK_INPUT_TOUCH_MOVE, 2, 1001, 17);
	expect_near("touch motion", 1001, 17);
	touch(PUNKTFUNK_INPUT_TOUCH_MOVE, 1, 0, 0);
	expect_near("touch motion", 0, 0);
	touch(PUNKTFUNK_INPUT_TOUCH_UP, 2, 1001, 17);
	expect("touch up");
	app_forget(&app);
	touch(PUNKTFUNK_INPUT_TOUCH_UP, 1, 0, 0);
	expect("touch up");
}

/* Without touch in the compositor the library sends none: clients make pointers of fingers (and a Moonlight's host). */
void fingers_arrive(void **state)
{
	(void)state;
	open_window();
	const bool fingers = punktfunk_connection_host_caps2(view.c) & PUNKTFUNK_HOST_CAP2_TOUCH;
	assert_int_equal(fingers, rig.kind->touch);
	if (fingers)
		touch_as_fingers();
	else
		assert_int_equal(
			punktfunk_connection_send_input(view.c,
				&(struct punktfunk_input_event){
					.kind = PUNKTFUNK_INPUT_TOUCH_DOWN, .flags = SURFACE}),
			PUNKTFUNK_E_UNSUPPORTED);
}

/* Its connection ends without a word while a key, a modifier and a button are down. */
void what_a_lost_client_held_is_let_go(void **state)
{
	(void)state;
	open_window();
	view_send(&view, PUNKTFUNK_INPUT_KEY_DOWN, 'W', 0, 0, 0);
	view_send(&view, PUNKTFUNK_INPUT_KEY_DOWN, 0xA2, 0, 0, 0);
	expect("key 17 1");
	expect("key 29 1");
	view_send(&view, PUNKTFUNK_INPUT_BUTTON_DOWN, 1, 0, 0, 0);
	expect("button 272 1");
	app_forget(&app);
	view_vanish(&view);
	/* Where its output goes the window may lose the focus first; then nothing is held when it has it again. */
	for (unsigned ms = 0; !(app_said(&app, "key 17 0") && app_said(&app, "key 29 0")) &&
		!app_said(&app, "focus 0");
		ms += 10) {
		if (ms > WAIT_MS)
			fail_msg("the keys are still down: %s", app.text + app.from);
		rig_pause_ms(10);
	}
	for (unsigned ms = 0; !app_said(&app, "button 272 0") && !app_said(&app, "leave");
		ms += 10) {
		if (ms > WAIT_MS)
			fail_msg("the button is still down: %s", app.text + app.from);
		rig_pause_ms(10);
	}
	/* The next client finds nothing held. */
	app_end(&app);
	open_window();
	tap('A');
	expect_text('a'); /* with Ctrl it would be 1 */
}
