/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "host/media/clock.h"

/* Clients that share a compositor, with its one seat, and hosts that do. */

#define PIXEL 1.0

/* A client with its window. */
struct place {
	struct view *view;
	struct app *app;
	int width, height;
};

static const char *const host_args[] = {
	"--encoder", "x264", "--audio", "off", "--grace", "0", NULL};

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

/* --- two hosts --- */

static struct host_process other;

static void end_other(void)
{
	host_process_end(&other);
	host_process_clean(&other);
}

static void start_other(void)
{
	assert_int_equal(rig_start_host_as(&other, host_args), 0);
}

static void expect_pixels(const struct place *p, uint32_t rgb)
{
	if (!view_wait_shows(p->view, p->width, p->height, rgb, WAIT_MS))
		fail_msg("the picture of %dx%d is not the window's", p->width, p->height);
}

/* A port is one host's: the other says which, and what to do. */
static void check_port(void)
{
	char port[16], path[128], text[4096];
	snprintf(port, sizeof(port), "%d", rig.host.port);
	snprintf(path, sizeof(path), "%s/%s.log", rig.dir, strrchr(rig_host(), '/') + 1);
	const char *const argv[] = {rig_host(), "native-host", "--bind", "127.0.0.1", "--source",
		"synthetic", "--config-dir", rig.host.dir, "--port", port, NULL};
	if (rig_ask(argv, text, sizeof(text)) >= 0)
		fail_msg("two hosts have one port");
	FILE *f = fopen(path, "re");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	if (!strstr(text, port) || !strstr(text, "--port"))
		fail_msg("the second host on port %s says: %s", port, text);
	if (long_form)
		printf("a second host on the same port says: %s", text);
}

/* Each serves its client beside the other, and takes away only what is its own, also of the one that was killed. */
void two_hosts_leave_each_other_alone(void **state)
{
	(void)state;
	want_host();
	start_other();
	view_open(&view, 1280, 720, 60);
	view_first_ms(&view);
	view_open_at(&second_view, other.port, 1024, 576, 60);
	view_first_ms(&second_view);
	app_start(&app, 1280, 720, 0x904020);
	app_start(&second_app, 1024, 576, 0x209040);
	expect_pixels(&first, 0x904020);
	expect_pixels(&second, 0x209040);
	check_port();
	host_process_kill(&other);
	view_vanish(&second_view);
	app_end(&second_app);
	end_other();
	start_other();
	assert_true(rig_wait_outputs(1024, 576, 0, 0, WAIT_MS));
	assert_int_equal(rig_count_outputs(1280, 720, 0), 1);
	view_open_at(&second_view, other.port, 1024, 576, 60);
	view_first_ms(&second_view);
	view_close(&second_view);
	assert_true(rig_wait_outputs(1024, 576, 0, 0, WAIT_MS));
	end_other();
	/* The window is drawn again, so that the picture is of now. */
	app_say(&app, "move\n");
	view.n_new = 0;
	const uint64_t until = clock_now_ns() + WAIT_MS * UINT64_C(1000000);
	while (view.n_new < 3)
		if (!view_next(&view, WAIT_MS, true) || clock_now_ns() > until)
			fail_msg("the first host's client sees nothing new");
	assert_int_equal(rig_count_outputs(1280, 720, 0), 1);
}
