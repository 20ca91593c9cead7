/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>
#include <unistd.h>

#include <systemd/sd-event.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/inject/inject.h"
#include "host/media/clock.h"
#include "host/vdisplay/vdisplay.h"
#include "tests/support/fake_kwin.h"

/* A KWin that only speaks, with one virtual output of 1280x720 right of a screen of 1920x1080. */
struct rig {
	struct fake_kwin_place place;
	struct fake_kwin *fake;
	struct loop *loop;
	struct vdisplay *v;
	struct vdisplay_output o;
	struct inject *i;
	int n_lost;
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	if (!r || fake_kwin_place_make(&r->place) < 0 || loop_create(&r->loop) < 0)
		return -1;
	log_set_level(LOG_ERROR);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	inject_destroy(r->i);
	vdisplay_destroy(r->v);
	fake_kwin_stop(r->fake);
	loop_destroy(r->loop);
	fake_kwin_place_remove(&r->place);
	free(r);
	return 0;
}

static void on_lost(const char *why, void *userdata)
{
	struct rig *r = userdata;
	assert_non_null(strstr(why, "KWin"));
	r->n_lost++;
}

static void start_kwin(struct rig *r, uint32_t input_version)
{
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	const struct vdisplay_params params = {.loop = r->loop};
	p.input_version = input_version;
	r->fake = fake_kwin_start(r->place.path, &p);
	assert_non_null(r->fake);
	assert_int_equal(vdisplay_create(&r->v, "kwin", &params, NULL), PF_OK);
	assert_int_equal(vdisplay_add_output(r->v, 1280, 720, 60000, &r->o), PF_OK);
}

static int try_inject(struct rig *r, const char *path, const char *output)
{
	const struct inject_params params = {
		.loop = r->loop,
		.wayland_display = path,
		.output_name = output,
		.width = 1280,
		.height = 720,
		.eis_fd = -1,
		.on_lost = on_lost,
		.userdata = r,
	};
	return inject_create(&r->i, "kwin", &params);
}

static void start(struct rig *r, uint32_t input_version)
{
	start_kwin(r, input_version);
	assert_int_equal(try_inject(r, r->place.path, r->o.name), PF_OK);
	assert_true(fake_kwin_saw(r->fake, "authenticate Punktfunk"));
}

static void send(struct rig *r, uint8_t kind, uint32_t code, int32_t x, int32_t y, uint32_t flags)
{
	const struct pf_input e = {.kind = kind, .code = code, .x = x, .y = y, .flags = flags};
	inject_event(r->i, &e);
}

static void turn(struct rig *r, uint64_t usec)
{
	assert_true(sd_event_run(loop_sd_event(r->loop), usec) >= 0);
}

static void saw(struct rig *r, const char *line)
{
	char whole[64];
	snprintf(whole, sizeof(whole), "%s\n", line);
	if (!fake_kwin_saw(r->fake, whole))
		fail_msg("KWin did not get '%s'", line);
}

static void all_kinds_arrive(void **state)
{
	struct rig *r = *state;
	start(r, 6);
	assert_true(r->i->caps.text && r->i->caps.touch);
	send(r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	saw(r, "key 30 1");
	send(r, PF_INPUT_KEY_UP, 'A', 0, 0, 0);
	saw(r, "key 30 0");
	send(r, PF_INPUT_BUTTON_DOWN, 3, 0, 0, 0);
	saw(r, "button 273 1");
	send(r, PF_INPUT_BUTTON_UP, 3, 0, 0, 0);
	saw(r, "button 273 0");
	send(r, PF_INPUT_MOUSE_REL, 0, -3, 5, 0);
	saw(r, "motion -3.00 5.00");
	send(r, PF_INPUT_SCROLL, 0, 120, 0, 0);
	saw(r, "axis 0 -15.00");
	send(r, PF_INPUT_SCROLL, 1, 60, 0, 0);
	saw(r, "axis 1 7.50");
	send(r, PF_INPUT_SMOOTH_SCROLL, 0, -256, 0, 1);
	saw(r, "axis 0 1.00");
	send(r, PF_INPUT_TEXT, 0x20AC, 0, 0, 0);
	saw(r, "keysym 20ac 1");
	saw(r, "keysym 20ac 0");
	send(r, PF_INPUT_TEXT, '\n', 0, 0, 0);
	saw(r, "keysym ff0d 1");
	assert_int_equal(r->i->dropped, 0);
}

static void places_are_the_outputs(void **state)
{
	struct rig *r = *state;
	const uint32_t size = 1280u << 16 | 720u, half = 640u << 16 | 360u;
	start(r, 6);
	send(r, PF_INPUT_MOUSE_ABS, 0, 0, 0, size);
	saw(r, "absolute 1920.00 0.00");
	send(r, PF_INPUT_MOUSE_ABS, 0, 1279, 719, size);
	saw(r, "absolute 3199.00 719.00");
	send(r, PF_INPUT_MOUSE_ABS, 0, 639, 359, half);
	saw(r, "absolute 3198.00 718.00");
	inject_claim(r->i);
	/* The person drags it elsewhere. */
	fake_kwin_move(r->fake, 0, -1280, 300);
	for (int n = 0; n < 10; n++)
		turn(r, 20000);
	inject_claim(r->i);
	saw(r, "absolute -2.00 1018.00");
	/* And it grows. */
	assert_int_equal(vdisplay_set_mode(r->v, &r->o, 2560, 1440, 60000), PF_OK);
	for (int n = 0; n < 10; n++)
		turn(r, 20000);
	send(r, PF_INPUT_MOUSE_ABS, 0, 1279, 719, size);
	saw(r, "absolute 1278.00 1738.00");
	/* Without it there is no place. */
	vdisplay_remove_output(r->v, &r->o);
	assert_true(fake_kwin_has_outputs(r->fake, 0));
	for (int n = 0; n < 10; n++)
		turn(r, 20000);
	send(r, PF_INPUT_MOUSE_ABS, 0, 7, 7, size);
	send(r, PF_INPUT_TOUCH_DOWN, 1, 7, 7, size);
	send(r, PF_INPUT_KEY_DOWN, 'B', 0, 0, 0);
	saw(r, "key 48 1");
	assert_int_equal(r->n_lost, 0);
}

/* KWin lets it cross to the screen beside; programs that hold it look only at how it moved. */
static void relative_motion_ends_at_the_outputs_edges(void **state)
{
	struct rig *r = *state;
	start(r, 6);
	send(r, PF_INPUT_MOUSE_REL, 0, 1, 0, 0);
	saw(r, "absolute 2560.00 360.00");
	saw(r, "motion 1.00 0.00");
	fake_kwin_forget(r->fake);
	send(r, PF_INPUT_MOUSE_REL, 0, -641, -360, 0);
	send(r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	saw(r, "key 30 1");
	saw(r, "motion -641.00 -360.00");
	assert_false(fake_kwin_saw(r->fake, "absolute"));
	send(r, PF_INPUT_MOUSE_REL, 0, -1, 2000, 0);
	saw(r, "motion -1.00 2000.00");
	saw(r, "absolute 1920.00 719.00");
}

static void contacts_get_small_numbers(void **state)
{
	struct rig *r = *state;
	const uint32_t size = 1280u << 16 | 720u;
	start(r, 6);
	for (uint32_t n = 0; n < 12; n++)
		send(r, PF_INPUT_TOUCH_DOWN, UINT32_MAX - n, 10, 20, size);
	saw(r, "touch_down 0 1930.00 20.00");
	saw(r, "touch_down 9 1930.00 20.00");
	send(r, PF_INPUT_TOUCH_MOVE, UINT32_MAX - 3, 30, 40, size);
	saw(r, "touch_motion 3 1950.00 40.00");
	send(r, PF_INPUT_TOUCH_UP, UINT32_MAX - 3, 30, 40, size);
	saw(r, "touch_up 3");
	send(r, PF_INPUT_TOUCH_DOWN, 5, 50, 60, size);
	saw(r, "touch_down 3 1970.00 60.00");
	inject_release_all(r->i);
	saw(r, "touch_up 0");
	saw(r, "touch_up 9");
}

static void what_is_held_is_let_go(void **state)
{
	struct rig *r = *state;
	start(r, 6);
	send(r, PF_INPUT_KEY_DOWN, 0xA2, 0, 0, 0);
	send(r, PF_INPUT_BUTTON_DOWN, 1, 0, 0, 0);
	saw(r, "button 272 1");
	inject_destroy(r->i);
	r->i = NULL;
	saw(r, "key 29 0");
	saw(r, "button 272 0");
}

static void an_old_kwin_has_no_characters(void **state)
{
	struct rig *r = *state;
	start(r, 4);
	assert_false(r->i->caps.text);
	assert_true(r->i->caps.touch);
	send(r, PF_INPUT_TEXT, 'x', 0, 0, 0);
	assert_int_equal(r->i->dropped, 1);
	send(r, PF_INPUT_KEY_DOWN, 'A', 0, 0, 0);
	saw(r, "key 30 1");
}

static void what_is_missing_is_refused(void **state)
{
	struct rig *r = *state;
	char longer[200];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	start_kwin(r, 0);
	assert_int_equal(try_inject(r, r->place.path, r->o.name), PF_E_DENIED);
	assert_int_equal(try_inject(r, r->place.path, longer), PF_E_INVALID);
	assert_int_equal(try_inject(r, longer, r->o.name), PF_E_INVALID);
	assert_int_equal(try_inject(r, NULL, NULL), PF_E_INVALID);
	assert_int_equal(try_inject(r, "/nonexistent/wayland-0", r->o.name), PF_E_IO);
	vdisplay_destroy(r->v);
	r->v = NULL;
	fake_kwin_stop(r->fake);
	start_kwin(r, 3);
	assert_int_equal(try_inject(r, r->place.path, r->o.name), PF_E_UNSUPPORTED);
	vdisplay_destroy(r->v);
	r->v = NULL;
	fake_kwin_stop(r->fake);
	start_kwin(r, 6);
	const uint64_t began_ns = clock_now_ns();
	assert_int_equal(try_inject(r, r->place.path, "DP-7"), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - began_ns < 3000000000ull);
	assert_null(r->i);
}

static void one_that_reads_nothing_gets_the_result(void **state)
{
	struct rig *r = *state;
	const uint32_t size = 1280u << 16 | 720u;
	start(r, 6);
	send(r, PF_INPUT_TOUCH_DOWN, 1, 7, 7, size);
	saw(r, "touch_down 0 1927.00 7.00");
	fake_kwin_pause(r->fake, true);
	for (int n = 0; n < 100000; n++)
		send(r, PF_INPUT_MOUSE_REL, 0, 1, 1, 0);
	send(r, PF_INPUT_KEY_DOWN, 'Q', 0, 0, 0);
	send(r, PF_INPUT_BUTTON_DOWN, 2, 0, 0, 0);
	send(r, PF_INPUT_KEY_DOWN, 'W', 0, 0, 0);
	send(r, PF_INPUT_KEY_UP, 'W', 0, 0, 0);
	assert_int_equal(r->n_lost, 0);
	fake_kwin_pause(r->fake, false);
	for (int n = 0; n < 100; n++)
		turn(r, 10000);
	/* What was said before the stall fills the list of what was seen: only the loss can be looked for. */
	assert_int_equal(r->n_lost, 0);
	fake_kwin_forget(r->fake);
	send(r, PF_INPUT_KEY_UP, 'Q', 0, 0, 0);
	saw(r, "key 16 0");
	send(r, PF_INPUT_BUTTON_UP, 2, 0, 0, 0);
	saw(r, "button 274 0");
}

static void a_loss_is_told_once(void **state)
{
	struct rig *r = *state;
	start(r, 6);
	fake_kwin_stop(r->fake);
	r->fake = NULL;
	for (int n = 0; n < 10; n++)
		turn(r, 10000);
	for (int n = 0; n < 1000; n++)
		send(r, PF_INPUT_MOUSE_REL, 0, 1, 1, 0);
	assert_int_equal(r->n_lost, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_kinds_arrive),
		TEST(places_are_the_outputs),
		TEST(relative_motion_ends_at_the_outputs_edges),
		TEST(contacts_get_small_numbers),
		TEST(what_is_held_is_let_go),
		TEST(an_old_kwin_has_no_characters),
		TEST(what_is_missing_is_refused),
		TEST(one_that_reads_nothing_gets_the_result),
		TEST(a_loss_is_told_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
