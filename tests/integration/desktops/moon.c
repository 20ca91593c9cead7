/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <stdlib.h>
#include <string.h>

#include <enet/enet.h>

#include "host/gamestream/identity.h"
#include "host/media/clock.h"
#include "tests/integration/desktops/left.h"
#include "tests/moonlight/input.h"
#include "tests/moonlight/session.h"

/* A Moonlight device on the desktop: the display has the device's own rate, which is no whole number. */

#define NTSC_X100 5994u
#define NTSC_MHZ  59940
#define TOUCHES	  40
#define TOUCH_MS  100

enum { FINGER_DOWN = 1, FINGER_UP = 2, FINGER_MOVE = 3 };

#define PORTS 28 /* that a host takes from its base on, and 5 below */

static struct moon_host moon;

static void start_host(void)
{
	char port[16];
	const char *const args[] = {"--encoder", "x264", "--audio", "off", "--grace", "0",
		"--gamestream", "--no-discovery", "--gamestream-port", port, NULL};
	rig_end_host();
	moon.base = 24000 + (int)((unsigned)getpid() % 400) * PORTS;
	snprintf(port, sizeof(port), "%d", moon.base);
	assert_int_equal(rig_start_host(args, true), 0);
	assert_true(host_process_logged(&rig.host, "Moonlight clients find it", (int)WAIT_MS));
	moon.process = rig.host;
}

static bool has_run(const struct moon_session *s)
{
	return moon_video_stats(s->video)->frames >= 10;
}

static void put_finger(struct moon_session *s, uint8_t event, float x, float y)
{
	struct moon_input in;
	moon_input_touch(&in, event, 7, x, y, 0.5f);
	in.way = MOON_RELIABLE;
	assert_true(moon_input_send(s->control, &in));
}

static bool heard_down(void)
{
	return app_said(&app, "touch down") || app_said(&app, "button 272 1");
}

static bool heard_up(const struct moon_session *s)
{
	(void)s;
	return app_said(&app, "touch up") || app_said(&app, "button 272 0");
}

/* Down, away and up. Where there is no touch screen the finger is the pointer with its button. */
static void touch(struct moon_session *s)
{
	const char *const down = rig.kind->touch ? "touch down" : "motion";
	const char *const move = rig.kind->touch ? "touch motion" : "motion";
	bool there = false;
	app_forget(&app);
	/* The first finger may be what makes the touch screen, and a window that opens has not its size yet. */
	for (int i = 0; i < TOUCHES && !there; i++) {
		if (i)
			put_finger(s, FINGER_UP, 0.25f, 0.75f);
		moon_session_run(s, TOUCH_MS);
		put_finger(s, FINGER_DOWN, 0.25f, 0.75f);
		moon_session_run(s, TOUCH_MS);
		there = heard_down() && app_wait_near(&app, down, 320, 540, 1, 0);
	}
	if (!there)
		fail_msg("no finger at 320,540, but: %s", app.text + app.from);
	put_finger(s, FINGER_MOVE, 1, 0);
	moon_session_run(s, TOUCH_MS);
	/* A screen that is made anew under the finger has it put down, where it is then. */
	const uint64_t until = clock_now_ns() + WAIT_MS * UINT64_C(1000000);
	while (!app_wait_near(&app, move, 1279, 0, 1, 1) &&
		!app_wait_near(&app, down, 1279, 0, 1, 1))
		if (clock_now_ns() > until)
			fail_msg("no finger at 1279,0, but: %s", app.text + app.from);
	put_finger(s, FINGER_UP, 1, 0);
	assert_true(moon_session_until(s, heard_up, (int)WAIT_MS));
}

static void stream(struct moon_session *s)
{
	assert_int_equal(rig_count_outputs(1280, 720, 0), 0);
	if (!moon_session_launch(s))
		fail_msg("no stream: status %d, step %s (%d): %s", s->status,
			s->streams.step ? s->streams.step : "-", s->streams.status, moon.body);
	const int mhz = rig.kind->own_rates ? 0 : NTSC_MHZ;
	if (!rig_wait_outputs(1280, 720, mhz, 1, WAIT_MS))
		fail_msg("there is no display of 59.94 Hz");
	app_start(&app, 1280, 720, 0x703050);
	assert_non_null(app_wait(&app, "shown", WAIT_MS));
	touch(s);
	app_say(&app, "move\n");
	assert_true(moon_session_until(s, has_run, (int)WAIT_MS));
	app_end(&app);
	moon_session_leave(s);
	assert_true(moon_session_cancel(s));
	assert_true(rig_wait_outputs(1280, 720, 0, 0, WAIT_MS));
}

void a_rate_of_59_94_hz_reaches_the_display(void **state)
{
	static struct device device;
	struct gs_identity *identity = NULL;
	char why[256] = "";
	(void)state;
	assert_int_equal(enet_initialize(), 0);
	start_host();
	device_make(&device, NULL);
	if (gs_identity_load_or_create(&identity, moon.process.dir, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	if (!moon_pair(&moon, &device, &identity->cert, "desk"))
		fail_msg("the device is not paired: %s", moon.body);
	struct moon_session s = {.host = &moon,
		.device = &device,
		.wish = moon_default_wish,
		.corever = 1}; /* its decoder knows only the synthetic pictures */
	s.wish.refresh_x100 = NTSC_X100;
	stream(&s);
	const struct left was = left_count();
	stream(&s);
	left_wait(&was);
	gs_identity_destroy(identity);
	device_free(&device);
	enet_deinitialize();
	rig_end_host();
}
