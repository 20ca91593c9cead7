/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/media/clock.h"
#include "host/vdisplay/vdisplay.h"
#include "tests/support/fake_kwin.h"

struct rig {
	struct fake_kwin_place place;
	struct fake_kwin *fake;
	struct vdisplay *v;
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));
	if (!r || fake_kwin_place_make(&r->place) < 0)
		return -1;
	log_set_level(LOG_ERROR);
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct rig *r = *state;
	vdisplay_destroy(r->v);
	fake_kwin_stop(r->fake);
	fake_kwin_place_remove(&r->place);
	free(r);
	return 0;
}

static void start(struct rig *r, struct fake_kwin_params params)
{
	const struct vdisplay_params none = {0};
	const char *why = NULL;
	r->fake = fake_kwin_start(r->place.path, &params);
	assert_non_null(r->fake);
	if (vdisplay_create(&r->v, "kwin", &none, &why) < 0)
		fail_msg("%s", why);
}

static struct vdisplay_output add(struct rig *r, uint32_t width, uint32_t height, uint32_t mhz)
{
	struct vdisplay_output out;
	assert_int_equal(vdisplay_add_output(r->v, width, height, mhz, &out), PF_OK);
	return out;
}

static void expect_mode(const struct vdisplay_output *o, uint32_t w, uint32_t h, uint32_t mhz)
{
	assert_int_equal(o->width, w);
	assert_int_equal(o->height, h);
	assert_int_equal(o->refresh_mhz, mhz);
}

static void expect_why(const char *part)
{
	const char *why = vdisplay_kwin_impl.why();
	if (!strstr(why, part))
		fail_msg("'%s' does not say '%s'", why, part);
	for (const char *at = why; *at; at++)
		assert_true((unsigned char)*at >= 0x20);
}

static void an_output_is_as_asked_and_goes(void **state)
{
	struct rig *r = *state;
	start(r, FAKE_KWIN_FULL);
	struct vdisplay_output o = add(r, 1280, 720, 60000);
	expect_mode(&o, 1280, 720, 60000);
	assert_string_equal(o.name, "Virtual-punktfunk-1");
	assert_string_equal(o.capture, "pipewire");
	assert_string_equal(o.inject, "kwin");
	assert_string_equal(o.wayland_display, r->place.path);
	assert_int_not_equal(o.node.id, 0);
	assert_string_equal(o.node.remote, "");
	assert_true(fake_kwin_saw(r->fake, "described Punktfunk 1"));
	assert_true(fake_kwin_saw(r->fake, "stream punktfunk-1 1280x720 scale 1.00 pointer 4"));
	assert_true(fake_kwin_has_outputs(r->fake, 1));
	vdisplay_remove_output(r->v, &o);
	assert_true(fake_kwin_has_outputs(r->fake, 0));
	vdisplay_remove_output(r->v, &o);
}

static void an_old_kwin_is_asked_without_description(void **state)
{
	struct rig *r = *state;
	start(r, (struct fake_kwin_params){.screencast_version = 3, .management_version = 3});
	const struct vdisplay_output o = add(r, 1920, 1200, 60000);
	expect_mode(&o, 1920, 1200, 60000);
	assert_true(fake_kwin_saw(r->fake, "stream punktfunk-1 1920x1200"));
}

static void names_are_used_again(void **state)
{
	struct rig *r = *state;
	struct vdisplay *second;
	const struct vdisplay_params none = {0};
	struct vdisplay_output theirs;
	start(r, FAKE_KWIN_FULL);
	for (int i = 0; i < 100; i++) {
		struct vdisplay_output o = add(r, 800, 600, 60000);
		assert_string_equal(o.name, "Virtual-punktfunk-1");
		vdisplay_remove_output(r->v, &o);
	}
	const struct vdisplay_output ours = add(r, 800, 600, 60000);
	assert_int_equal(vdisplay_create(&second, "kwin", &none, NULL), PF_OK);
	assert_int_equal(vdisplay_add_output(second, 640, 480, 60000, &theirs), PF_OK);
	assert_string_equal(ours.name, "Virtual-punktfunk-1");
	assert_string_equal(theirs.name, "Virtual-punktfunk-2");
	vdisplay_destroy(second);
	assert_true(fake_kwin_has_outputs(r->fake, 1));
}

static void rates_are_made(struct rig *r, bool globals)
{
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	uint32_t w = 0, h = 0, mhz = 0;
	p.device_globals = globals;
	start(r, p);
	const struct vdisplay_output o = add(r, 2560, 1440, 119880);
	expect_mode(&o, 2560, 1440, 119880);
	assert_true(fake_kwin_mode(r->fake, 0, &w, &h, &mhz));
	assert_int_equal(mhz, 119880);
}

static void kwin_6_6_makes_any_rate(void **state)
{
	rates_are_made(*state, true);
}

static void kwin_6_7_makes_any_rate(void **state)
{
	rates_are_made(*state, false);
}

static void the_nearest_rate_is_taken(void **state)
{
	struct rig *r = *state;
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	p.coarse_modes = true;
	start(r, p);
	const struct vdisplay_output o = add(r, 1280, 720, 119800);
	expect_mode(&o, 1280, 720, 119760);
	const struct vdisplay_output above = add(r, 1280, 720, 90200);
	expect_mode(&above, 1280, 720, 90240);
}

static void without_custom_modes_it_is_60_hz(void **state)
{
	struct rig *r = *state;
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	p.management_version = 3;
	p.device_globals = true;
	start(r, p);
	struct vdisplay_output o = add(r, 1280, 720, 120000);
	expect_mode(&o, 1280, 720, 60000);
	vdisplay_remove_output(r->v, &o);
	teardown(state);
	setup(state);
	r = *state;
	p = FAKE_KWIN_FULL;
	p.refuses_modes = true;
	start(r, p);
	o = add(r, 1280, 720, 120000);
	expect_mode(&o, 1280, 720, 60000);
	teardown(state);
	setup(state);
	r = *state;
	p = FAKE_KWIN_FULL;
	p.no_custom_modes = true;
	start(r, p);
	o = add(r, 1280, 720, 120000);
	expect_mode(&o, 1280, 720, 60000);
}

static void the_mode_changes_in_place(void **state)
{
	struct rig *r = *state;
	start(r, FAKE_KWIN_FULL);
	struct vdisplay_output o = add(r, 1280, 720, 60000);
	const uint32_t node = o.node.id;
	for (uint32_t i = 0; i < 20; i++) {
		const uint32_t w = i & 1 ? 1920 : 1600, h = i & 1 ? 1080 : 900;
		assert_int_equal(vdisplay_set_mode(r->v, &o, w, h, 90000 + i), PF_OK);
		expect_mode(&o, w, h, 90000 + i);
		assert_int_equal(o.node.id, node);
	}
	assert_true(fake_kwin_has_outputs(r->fake, 1));
}

static void an_old_kwin_gets_another_output(void **state)
{
	struct rig *r = *state;
	start(r,
		(struct fake_kwin_params){
			.screencast_version = 3, .management_version = 3, .device_globals = true});
	struct vdisplay_output o = add(r, 1280, 720, 60000);
	const uint32_t node = o.node.id;
	assert_int_equal(vdisplay_set_mode(r->v, &o, 1920, 1080, 60000), PF_OK);
	expect_mode(&o, 1920, 1080, 60000);
	assert_int_not_equal(o.node.id, node);
	assert_true(fake_kwin_has_outputs(r->fake, 1));
	vdisplay_remove_output(r->v, &o);
	assert_true(fake_kwin_has_outputs(r->fake, 0));
}

/* Who captures the old one has time to change over. */
static void a_replaced_output_goes_a_little_later(void **state)
{
	struct rig *r = *state;
	struct loop *loop;
	uint32_t w, h, mhz;
	const struct fake_kwin_params old = {
		.screencast_version = 3, .management_version = 3, .device_globals = true};
	assert_int_equal(loop_create(&loop), PF_OK);
	const struct vdisplay_params params = {.loop = loop};
	r->fake = fake_kwin_start(r->place.path, &old);
	assert_int_equal(vdisplay_create(&r->v, "kwin", &params, NULL), PF_OK);
	struct vdisplay_output o = add(r, 1280, 720, 60000);
	assert_int_equal(vdisplay_set_mode(r->v, &o, 1920, 1080, 60000), PF_OK);
	assert_true(fake_kwin_has_outputs(r->fake, 2));
	const uint64_t until_ns = clock_now_ns() + 10000000000ull;
	while (fake_kwin_mode(r->fake, 1, &w, &h, &mhz) && clock_now_ns() < until_ns)
		assert_true(sd_event_run(loop_sd_event(loop), 10000) >= 0);
	assert_true(fake_kwin_has_outputs(r->fake, 1));
	assert_true(fake_kwin_mode(r->fake, 0, &w, &h, &mhz));
	assert_int_equal(w, 1920);
	vdisplay_destroy(r->v);
	r->v = NULL;
	loop_destroy(loop);
}

/* A host outside of the person's session: KWin's pictures are in the PipeWire beside KWin's socket. */
static void the_pictures_are_where_kwin_is(void **state)
{
	struct rig *r = *state;
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	setenv("WAYLAND_DISPLAY", r->place.path, 1);
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	start(r, FAKE_KWIN_FULL);
	struct vdisplay_output o = add(r, 1280, 720, 60000);
	assert_string_equal(o.node.remote, ""); /* there is none */
	vdisplay_remove_output(r->v, &o);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s/pipewire-0", r->place.dir);
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
	o = add(r, 1280, 720, 60000);
	assert_string_equal(o.node.remote, at.sun_path);
	close(fd);
	unlink(at.sun_path);
}

/* Whoever made it would see what the remote person types. Only root can make one. */
static void anothers_kwin_is_not_used(void **state)
{
	struct rig *r = *state;
	const struct fake_kwin_params full = FAKE_KWIN_FULL;
	const struct vdisplay_params none = {0};
	if (geteuid() != 0) {
		print_message("# another user's KWin is not tried: only root can be that user\n");
		return;
	}
	assert_int_equal(chown(r->place.dir, 65534, 65534), 0);
	assert_int_equal(seteuid(65534), 0);
	r->fake = fake_kwin_start(r->place.path, &full);
	assert_int_equal(seteuid(0), 0);
	assert_non_null(r->fake);
	assert_int_equal(vdisplay_create(&r->v, "kwin", &none, NULL), PF_E_NO_FRAME);
	assert_null(r->v);
}

static void what_kwin_remembers_is_set_right(void **state)
{
	struct rig *r = *state;
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	struct vdisplay_output o;
	p.trick = FAKE_KWIN_OTHER_SIZE;
	start(r, p);
	o = add(r, 1280, 720, 60000);
	expect_mode(&o, 1280, 720, 60000);
	vdisplay_remove_output(r->v, &o);
	teardown(state);
	setup(state);
	r = *state;
	p.refuses_modes = true;
	start(r, p);
	assert_int_equal(vdisplay_add_output(r->v, 1280, 720, 60000, &o), PF_E_IO);
	expect_why("does not set Virtual-punktfunk-1 to 1280x720: not?[31m today");
	assert_true(fake_kwin_has_outputs(r->fake, 0));
}

/* KWin makes no mode of a width that is no multiple of 8: the size counts more than the rate. */
static void a_size_comes_before_a_rate(void **state)
{
	struct rig *r = *state;
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	p.step_widths = true;
	p.trick = FAKE_KWIN_REMEMBERS;
	start(r, p);
	struct vdisplay_output o = add(r, 802, 602, 120000);
	expect_mode(&o, 802, 602, 60000);
	vdisplay_remove_output(r->v, &o);
	o = add(r, 800, 602, 120000);
	expect_mode(&o, 800, 602, 120000);
	/* In mid-stream too; then it is another output. */
	const uint32_t node = o.node.id;
	assert_int_equal(vdisplay_set_mode(r->v, &o, 1022, 768, 120000), PF_OK);
	expect_mode(&o, 1022, 768, 60000);
	assert_int_not_equal(o.node.id, node);
}

static void refused(struct rig *r, enum fake_kwin_trick trick, const char *error, const char *part)
{
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	struct vdisplay_output o;
	p.trick = trick;
	p.error = error;
	start(r, p);
	assert_int_equal(vdisplay_add_output(r->v, 1280, 720, 60000, &o), PF_E_IO);
	expect_why(part);
	assert_string_equal(vdisplay_why_output(r->v), vdisplay_kwin_impl.why());
	assert_true(fake_kwin_has_outputs(r->fake, 0));
	vdisplay_destroy(r->v);
	r->v = NULL;
	fake_kwin_stop(r->fake);
	r->fake = NULL;
}

static void a_refusal_says_what_to_do(void **state)
{
	char longer[400];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	refused(*state, FAKE_KWIN_REFUSES, NULL, "6.5.6");
	refused(*state, FAKE_KWIN_REFUSES, "Unsupported compositing type", "/dev/dri");
	refused(*state, FAKE_KWIN_REFUSES, "Ausgabe\n\x1b[2Jnicht gefunden", "systemctl");
	refused(*state, FAKE_KWIN_REFUSES, longer, "systemctl");
	refused(*state, FAKE_KWIN_CLOSES, NULL, "closed");
	refused(*state, FAKE_KWIN_NODE_ZERO, NULL, "PipeWire node");
	refused(*state, FAKE_KWIN_NODE_NONE, NULL, "PipeWire node");
}

static void slow(struct rig *r, enum fake_kwin_trick trick, const char *part)
{
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	struct vdisplay_output o;
	p.trick = trick;
	start(r, p);
	uint64_t began_ns = clock_now_ns();
	assert_int_equal(vdisplay_add_output(r->v, 1280, 720, 60000, &o), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - began_ns < 3000000000ull);
	expect_why(part);
	/* The other clients wait no second time. */
	began_ns = clock_now_ns();
	assert_int_equal(vdisplay_add_output(r->v, 1280, 720, 60000, &o), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - began_ns < 500000000ull);
}

static void one_that_hangs_later_is_left_alone(void **state)
{
	struct rig *r = *state;
	start(r, FAKE_KWIN_FULL);
	struct vdisplay_output o = add(r, 1280, 720, 60000);
	fake_kwin_pause(r->fake, true);
	assert_int_equal(vdisplay_set_mode(r->v, &o, 800, 600, 60000), PF_E_TIMEOUT);
	const uint64_t began_ns = clock_now_ns();
	assert_int_equal(vdisplay_set_mode(r->v, &o, 800, 600, 60000), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - began_ns < 500000000ull);
	expect_why("left alone");
	fake_kwin_pause(r->fake, false);
}

static void one_that_hangs_is_left_alone(void **state)
{
	slow(*state, FAKE_KWIN_HANGS, "did not answer within 2 s");
}

static void an_output_that_never_comes_is_given_up(void **state)
{
	slow(*state, FAKE_KWIN_NO_OUTPUT, "did not show the display");
}

static void an_output_without_sense_is_none(void **state)
{
	slow(*state, FAKE_KWIN_WILD_PLACE, "did not show the display");
}

static void one_that_dies_is_gone(void **state)
{
	struct rig *r = *state;
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	struct vdisplay_output o;
	p.trick = FAKE_KWIN_DIES;
	start(r, p);
	assert_int_equal(vdisplay_add_output(r->v, 1280, 720, 60000, &o), PF_E_IO);
	expect_why("no KWin runs");
	fake_kwin_stop(r->fake);
	p.trick = FAKE_KWIN_HONEST;
	r->fake = fake_kwin_start(r->place.path, &p);
	o = add(r, 1280, 720, 60000);
	/* An output of one that is gone is none of the next one's. */
	struct vdisplay_output old = o;
	fake_kwin_stop(r->fake);
	r->fake = fake_kwin_start(r->place.path, &p);
	o = add(r, 640, 480, 60000);
	assert_int_equal(vdisplay_set_mode(r->v, &old, 1280, 720, 60000), PF_E_IO);
	vdisplay_remove_output(r->v, &old);
	assert_true(fake_kwin_has_outputs(r->fake, 1));
}

/* In the middle of a session. */
static void one_that_hangs_in_a_change_is_left_alone(void **state)
{
	struct rig *r = *state;
	start(r, FAKE_KWIN_FULL);
	struct vdisplay_output o = add(r, 1280, 720, 60000), none;
	fake_kwin_pause(r->fake, true);
	uint64_t began_ns = clock_now_ns();
	assert_int_equal(vdisplay_set_mode(r->v, &o, 1600, 900, 60000), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - began_ns < 3000000000ull);
	expect_why("did not set Virtual-punktfunk-1 to 1600x900 in time");
	expect_mode(&o, 1280, 720, 60000);
	/* It is asked nothing more, and waited for by nobody. */
	began_ns = clock_now_ns();
	assert_int_equal(vdisplay_set_mode(r->v, &o, 1600, 900, 60000), PF_E_TIMEOUT);
	expect_why("left alone for a moment");
	assert_int_equal(vdisplay_add_output(r->v, 800, 600, 60000, &none), PF_E_TIMEOUT);
	vdisplay_remove_output(r->v, &o);
	assert_true(clock_now_ns() - began_ns < 500000000ull);
	/* What it was told meanwhile it does when it goes on. */
	fake_kwin_pause(r->fake, false);
	assert_true(fake_kwin_has_outputs(r->fake, 0));
}

static void one_that_dies_in_a_change_is_gone(void **state)
{
	struct rig *r = *state;
	start(r, FAKE_KWIN_FULL);
	struct vdisplay_output o = add(r, 1280, 720, 60000);
	fake_kwin_stop(r->fake);
	assert_int_equal(vdisplay_set_mode(r->v, &o, 1600, 900, 60000), PF_E_IO);
	expect_why("KWin closed the connection");
	expect_mode(&o, 1280, 720, 60000);
	vdisplay_remove_output(r->v, &o);
	const struct fake_kwin_params full = FAKE_KWIN_FULL;
	r->fake = fake_kwin_start(r->place.path, &full);
	o = add(r, 1600, 900, 60000);
	expect_mode(&o, 1600, 900, 60000);
}

static void one_that_refuses_a_change_gets_another_output(void **state)
{
	struct rig *r = *state;
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	p.refuses_modes = true;
	start(r, p);
	struct vdisplay_output o = add(r, 1280, 720, 60000);
	const uint32_t node = o.node.id;
	assert_int_equal(vdisplay_set_mode(r->v, &o, 1600, 900, 60000), PF_OK);
	expect_mode(&o, 1600, 900, 60000);
	assert_int_not_equal(o.node.id, node);
	assert_true(fake_kwin_has_outputs(r->fake, 1));
}

struct loss {
	struct loop *loop;
	char why[128];
};

static void on_lost(const char *why, void *userdata)
{
	struct loss *l = userdata;
	snprintf(l->why, sizeof(l->why), "%s", why);
	loop_quit(l->loop, 7);
}

static void a_loss_is_told(void **state)
{
	struct rig *r = *state;
	struct loss loss = {0};
	const struct fake_kwin_params full = FAKE_KWIN_FULL;
	assert_int_equal(loop_create(&loss.loop), PF_OK);
	const struct vdisplay_params params = {
		.loop = loss.loop, .on_lost = on_lost, .userdata = &loss};
	r->fake = fake_kwin_start(r->place.path, &full);
	assert_int_equal(vdisplay_create(&r->v, "kwin", &params, NULL), PF_OK);
	add(r, 1280, 720, 60000);
	fake_kwin_stop(r->fake);
	r->fake = NULL;
	assert_int_equal(loop_run(loss.loop), 7);
	assert_non_null(strstr(loss.why, "KWin"));
	vdisplay_destroy(r->v);
	r->v = NULL;
	loop_destroy(loss.loop);
}

static void not_usable(struct rig *r, struct fake_kwin_params p, int err, const char *part)
{
	const struct vdisplay_params none = {0};
	char note[VDISPLAY_NOTE_LEN];
	const char *why = NULL;
	r->fake = fake_kwin_start(r->place.path, &p);
	assert_int_equal(vdisplay_create(&r->v, "kwin", &none, &why), err);
	assert_null(r->v);
	expect_why(part);
	assert_int_equal(vdisplay_kwin_impl.probe(&none, note), err);
	assert_non_null(strstr(note, part));
	fake_kwin_stop(r->fake);
	r->fake = NULL;
}

static void a_hidden_global_is_explained(void **state)
{
	struct rig *r = *state;
	char exe[256] = "";
	assert_true(readlink("/proc/self/exe", exe, sizeof(exe) - 1) > 0);
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	p.screencast_version = 0;
	not_usable(r, p, PF_E_DENIED, "punktfunk-host.desktop");
	expect_why(exe);
	p.screencast_version = 1;
	not_usable(r, p, PF_E_UNSUPPORTED, "6.5.6");
	p.screencast_version = p.management_version = 0;
	not_usable(r, p, PF_E_NO_FRAME, "no KWin runs");
}

static void no_runtime_folder_is_no_kwin(void **state)
{
	const struct vdisplay_params none = {0}, own = {.own_session = true};
	const char *const dirs[] = {"", "relative", "/nonexistent", "/dev/null"};
	struct vdisplay *v;
	const char *why;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		setenv("XDG_RUNTIME_DIR", dirs[i], 1);
		setenv("WAYLAND_DISPLAY", i & 1 ? "wayland-0" : "/nonexistent/wayland-0", 1);
		assert_int_equal(vdisplay_create(&v, "kwin", &none, &why), PF_E_NO_FRAME);
		assert_non_null(strstr(why, "log in to a Plasma session"));
	}
	unsetenv("XDG_RUNTIME_DIR");
	assert_int_equal(vdisplay_create(&v, "kwin", &none, &why), PF_E_NO_FRAME);
	assert_int_equal(vdisplay_create(&v, "kwin", &own, &why), PF_E_UNSUPPORTED);
}

static void a_probe_says_what_there_is(void **state)
{
	struct rig *r = *state;
	const struct vdisplay_params none = {0};
	char note[VDISPLAY_NOTE_LEN];
	struct fake_kwin_params p = FAKE_KWIN_FULL;
	start(r, p);
	assert_int_equal(vdisplay_kwin_impl.probe(&none, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, "KWin 6.6 or newer at "));
	assert_non_null(strstr(note, "of any size and rate"));
	assert_true(fake_kwin_has_outputs(r->fake, 0));
	fake_kwin_pause(r->fake, true);
	const uint64_t began_ns = clock_now_ns();
	assert_int_equal(vdisplay_kwin_impl.probe(&none, note), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - began_ns < 1500000000ull);
	assert_non_null(strstr(note, "does not answer"));
	fake_kwin_pause(r->fake, false);
	vdisplay_destroy(r->v);
	r->v = NULL;
	fake_kwin_stop(r->fake);
	p.input_version = 0;
	p.management_version = 3;
	r->fake = fake_kwin_start(r->place.path, &p);
	assert_int_equal(vdisplay_kwin_impl.probe(&none, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, "KWin before 6.6 at "));
	assert_non_null(strstr(note, "at 60 Hz; above that it needs 6.6"));
	assert_non_null(strstr(note, "no screen 6.5.6"));
	assert_non_null(strstr(note, "hides org_kde_kwin_fake_input"));
}

static void a_killed_host_leaves_nothing(void **state)
{
	struct rig *r = *state;
	start(r, FAKE_KWIN_FULL);
	int told[2];
	char byte;
	assert_int_equal(pipe(told), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		const struct vdisplay_params none = {0};
		struct vdisplay *v;
		struct vdisplay_output o;
		if (vdisplay_create(&v, "kwin", &none, NULL) < 0 ||
			vdisplay_add_output(v, 1280, 720, 60000, &o) < 0 ||
			write(told[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(read(told[0], &byte, 1), 1);
	assert_true(fake_kwin_has_outputs(r->fake, 1));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(fake_kwin_has_outputs(r->fake, 0));
	close(told[0]);
	close(told[1]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_output_is_as_asked_and_goes),
		TEST(an_old_kwin_is_asked_without_description),
		TEST(names_are_used_again),
		TEST(kwin_6_6_makes_any_rate),
		TEST(kwin_6_7_makes_any_rate),
		TEST(the_nearest_rate_is_taken),
		TEST(without_custom_modes_it_is_60_hz),
		TEST(the_mode_changes_in_place),
		TEST(an_old_kwin_gets_another_output),
		TEST(a_replaced_output_goes_a_little_later),
		TEST(the_pictures_are_where_kwin_is),
		TEST(anothers_kwin_is_not_used),
		TEST(what_kwin_remembers_is_set_right),
		TEST(a_size_comes_before_a_rate),
		TEST(a_refusal_says_what_to_do),
		TEST(one_that_hangs_is_left_alone),
		TEST(one_that_hangs_later_is_left_alone),
		TEST(an_output_that_never_comes_is_given_up),
		TEST(an_output_without_sense_is_none),
		TEST(one_that_dies_is_gone),
		TEST(one_that_hangs_in_a_change_is_left_alone),
		TEST(one_that_dies_in_a_change_is_gone),
		TEST(one_that_refuses_a_change_gets_another_output),
		TEST(a_loss_is_told),
		TEST(a_hidden_global_is_explained),
		TEST(no_runtime_folder_is_no_kwin),
		TEST(a_probe_says_what_there_is),
		TEST(a_killed_host_leaves_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
