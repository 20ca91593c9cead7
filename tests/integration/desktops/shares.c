/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <linux/input-event-codes.h>
#include <string.h>

/* Clients that share a compositor, with its one seat, and hosts that do. */

#define PIXEL 1.0

/* A client with its window. */
struct place {
	struct view *view;
	struct app *app;
	int width, height;
};

static const struct place first = {&view, &app, 1280, 720},
			  second = {&second_view, &second_app, 1024, 576};

/* Displays first, for where one comes windows may leave another. */
static void open_places(void)
{
	static const struct place *const all[] = {&first, &second};
	for (int i = 0; i < 2; i++) {
		view_open(all[i]->view, (uint32_t)all[i]->width, (uint32_t)all[i]->height, 60);
		view_first_ms(all[i]->view);
	}
	for (int i = 0; i < 2; i++) {
		const struct place *p = all[i];
		const uint32_t rgb = i ? 0x207030 : 0x703020;
		app_start(p->app, p->width, p->height, rgb);
		if (!app_wait(p->app, "shown", WAIT_MS))
			fail_msg("no window at %dx%d: %s", p->width, p->height, p->app->text);
		assert_true(view_wait_shows(p->view, p->width, p->height, rgb, WAIT_MS));
	}
}

static void expect(const struct place *p, const char *line)
{
	if (!app_wait(p->app, line, WAIT_MS))
		fail_msg("'%s' did not arrive at %dx%d, but: %s", line, p->width, p->height,
			p->app->text + p->app->from);
}

static void put(const struct place *p, int x, int y)
{
	bool there = false;
	for (int i = 0; i < 5 && !there; i++) {
		view_send(p->view, PUNKTFUNK_INPUT_MOUSE_ABS, 0, x, y,
			(uint32_t)p->width << 16 | (uint32_t)p->height);
		there = app_wait_near(p->app, "motion", x, y, PIXEL, WAIT_MS / 5);
	}
	if (!there)
		fail_msg("%d,%d of %dx%d was not reached, but: %s", x, y, p->width, p->height,
			p->app->text + p->app->from);
}

static void move(const struct place *p, int dx, int dy, int x, int y)
{
	view_send(p->view, PUNKTFUNK_INPUT_MOUSE_REL, 0, dx, dy, 0);
	if (!app_wait_near(p->app, "motion", x, y, PIXEL, WAIT_MS))
		fail_msg("%+d,%+d did not end at %d,%d of %dx%d, but: %s", dx, dy, x, y, p->width,
			p->height, p->app->text + p->app->from);
}

static void click(const struct place *p)
{
	view_send(p->view, PUNKTFUNK_INPUT_BUTTON_DOWN, 1, 0, 0, 0);
	expect(p, "button 272 1");
	view_send(p->view, PUNKTFUNK_INPUT_BUTTON_UP, 1, 0, 0, 0);
	expect(p, "button 272 0");
}

static void type(const struct place *p, uint32_t vk, const char *line)
{
	view_send(p->view, PUNKTFUNK_INPUT_KEY_DOWN, vk, 0, 0, 0);
	view_send(p->view, PUNKTFUNK_INPUT_KEY_UP, vk, 0, 0, 0);
	expect(p, line);
}

/* What each does in turns, and where it must arrive, whatever the other did before. */
void two_clients_steer_their_own_outputs(void **state)
{
	(void)state;
	want_host();
	open_places();
	put(&first, 640, 360);
	click(&first);
	app_forget(&second_app);
	type(&first, 'A', "key 30 1");
	assert_false(app_said(&second_app, "key 30 1"));
	put(&second, 100, 200);
	click(&second);
	app_forget(&app);
	type(&second, 'B', "key 48 1");
	assert_false(app_said(&app, "key 48 1"));
	/* Relative motion goes on where this client left its pointer, and ends at its own edges. */
	move(&first, 30, -20, 670, 340);
	move(&second, -7, 11, 93, 211);
	move(&first, 30000, 30000, 1279, 719);
	move(&first, -30000, -30000, 0, 0);
	move(&second, 30000, 30000, 1023, 575);
	move(&second, -30000, -30000, 0, 0);
	move(&first, 5, 5, 5, 5);
}
