/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <systemd/sd-event.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/base/loop.h"
#include "host/media/clock.h"
#include "host/vdisplay/vdisplay.h"
#include "tests/support/fake_hyprland.h"

static struct fake_hyprland fake;
static struct loop *loop;
static struct vdisplay *v;
static unsigned n_lost;

static void on_lost(const char *why, void *userdata)
{
	(void)userdata;
	assert_non_null(strstr(why, "Hyprland"));
	n_lost++;
}

static struct vdisplay_params params(void)
{
	return (struct vdisplay_params){.loop = loop, .on_lost = on_lost};
}

static int open_host(const char **why)
{
	const struct vdisplay_params p = params();
	n_lost = 0;
	return vdisplay_create(&v, "hyprland", &p, why);
}

static int setup(void **state)
{
	(void)state;
	return fake_hyprland_start(&fake) < 0 || loop_create(&loop) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	vdisplay_destroy(v);
	v = NULL;
	loop_destroy(loop);
	fake_hyprland_stop(&fake);
	return 0;
}

static void turn(unsigned ms)
{
	const uint64_t until_ns = clock_now_ns() + ms * UINT64_C(1000000);
	while (clock_now_ns() < until_ns)
		assert_true(sd_event_run(loop_sd_event(loop), 5000) >= 0);
}

static void an_output_is_made_changed_and_taken_away(void **state)
{
	(void)state;
	struct vdisplay_output a, b;
	const char *why;
	assert_int_equal(open_host(&why), 0);
	assert_string_equal(v->impl->name, "hyprland");
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 59940, &a), 0);
	assert_string_equal(a.name, "PUNKTFUNK-1");
	assert_string_equal(a.capture, "wlr");
	assert_string_equal(a.inject, "wlr");
	assert_non_null(strstr(a.wayland_display, "/wayland-1"));
	assert_int_equal(a.refresh_mhz, 59940);
	assert_string_equal(fake.focused, "PUNKTFUNK-1");
	assert_int_equal(vdisplay_add_output(v, 800, 600, 120000, &b), 0);
	assert_string_equal(b.name, "PUNKTFUNK-2");
	assert_int_equal(vdisplay_set_mode(v, &a, 1920, 1080, 60000), 0);
	assert_int_equal(a.width, 1920);
	assert_int_equal(fake.monitors[1].height, 1080);
	vdisplay_show_output(v, &b, false); /* nobody looks at it: the focus is the other's */
	assert_string_equal(fake.focused, "PUNKTFUNK-1");
	vdisplay_show_output(v, &b, true);
	assert_string_equal(fake.focused, "PUNKTFUNK-2");
	vdisplay_remove_output(v, &b);
	assert_string_equal(fake.focused, "PUNKTFUNK-1");
	vdisplay_remove_output(v, &a);
	assert_int_equal(fake_hyprland_count(&fake), 0);
	assert_string_equal(fake.focused, "DP-1");
	assert_int_equal(vdisplay_set_mode(v, &a, 800, 600, 60000), PF_E_IO); /* gone */
	/* What is left goes with the host. */
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &a), 0);
	vdisplay_destroy(v);
	v = NULL;
	assert_int_equal(fake_hyprland_count(&fake), 0);
}

static void auto_takes_one_that_runs(void **state)
{
	(void)state;
	const struct vdisplay_params p = params();
	struct vdisplay_params own = p;
	const char *why;
	struct vdisplay_output o;
	assert_int_equal(vdisplay_create(&v, NULL, &p, &why), 0);
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), 0);
	assert_string_equal(o.name, "PUNKTFUNK-1");
	struct vdisplay *w;
	own.own_session = true;
	assert_int_equal(vdisplay_create(&w, "hyprland", &own, &why), PF_E_UNSUPPORTED);
	char note[VDISPLAY_NOTE_LEN];
	assert_int_equal(vdisplay_hyprland_impl.probe(&p, note), VDISPLAY_RUNS);
	assert_non_null(strstr(note, "0.41.2"));
	assert_null(strchr(note, '\033'));
}

static void a_configuration_read_again_keeps_the_modes(void **state)
{
	(void)state;
	struct vdisplay_output o;
	const char *why;
	char title[3000];
	assert_int_equal(open_host(&why), 0);
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), 0);
	turn(20);
	const unsigned before = fake.n_keywords;
	memset(title, 'x', sizeof(title) - 1);
	title[sizeof(title) - 1] = 0;
	fake_hyprland_tell(&fake, "activewindow>>configreloaded>>\nfocusedmon>>DP-1,1\nconfigrel");
	fake_hyprland_tell(&fake, title); /* one line, and longer than any that matters */
	fake_hyprland_tell(&fake, "\nwindowtitle>>");
	turn(50);
	assert_int_equal(fake.n_keywords, before);
	fake_hyprland_tell(&fake, "\nconfigre");
	turn(20);
	fake_hyprland_tell(&fake, "loaded>>\n");
	turn(100);
	assert_int_equal(fake.n_keywords, before + 1);
}

static void its_end_is_told_once(void **state)
{
	(void)state;
	struct vdisplay_output o, next;
	const char *why;
	assert_int_equal(open_host(&why), 0);
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), 0);
	turn(20);
	pthread_mutex_lock(&fake.lock);
	close(fake.listener_fd);
	fake.listener_fd = -1;
	pthread_mutex_unlock(&fake.lock);
	turn(100);
	assert_int_equal(n_lost, 1);
	assert_int_equal(vdisplay_set_mode(v, &o, 800, 600, 60000), PF_E_IO);
	vdisplay_remove_output(v, &o);
	/* Another one is found by the next that wants an output. */
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &next), 0);
	vdisplay_remove_output(v, &next);
}

static void answers_that_are_none_are_failures(void **state)
{
	(void)state;
	static const enum fake_hyprland_fault faults[] = {HYPR_REFUSES, HYPR_GARBAGE, HYPR_ENDLESS,
		HYPR_MAKES_NONE, HYPR_OTHER_MODE, HYPR_HALF};
	struct vdisplay_output o;
	const char *why;
	assert_int_equal(open_host(&why), 0);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		fake.fault = faults[i];
		const uint64_t start_ns = clock_now_ns();
		assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), PF_E_IO);
		assert_true(clock_now_ns() - start_ns < UINT64_C(2500000000));
		assert_non_null(strstr(vdisplay_why_output(v), "Hyprland"));
		fake.fault = HYPR_GOOD;
		assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), 0);
		fake.fault = faults[i];
		if (faults[i] != HYPR_MAKES_NONE)
			assert_int_equal(vdisplay_set_mode(v, &o, 800, 600, 60000), PF_E_IO);
		assert_int_equal(o.width, 1280);
		fake.fault = HYPR_GOOD;
		vdisplay_remove_output(v, &o);
	}
	assert_int_equal(n_lost, 0);
}

static void one_that_gives_names_of_its_own_is_followed(void **state)
{
	(void)state;
	struct vdisplay_output o;
	const char *why;
	assert_int_equal(open_host(&why), 0);
	fake.fault = HYPR_NO_NAMES;
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), 0);
	assert_string_equal(o.name, "HEADLESS-2");
	vdisplay_remove_output(v, &o);
	assert_int_equal(fake_hyprland_count(&fake), 0);
}

static void one_that_hangs_is_left_alone_for_a_while(void **state)
{
	(void)state;
	struct vdisplay_output a, b;
	const char *why;
	assert_int_equal(open_host(&why), 0);
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &a), 0);
	fake.fault = HYPR_HANGS;
	uint64_t start_ns = clock_now_ns();
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &b), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - start_ns < UINT64_C(1800000000));
	start_ns = clock_now_ns();
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &b), PF_E_TIMEOUT);
	assert_non_null(strstr(vdisplay_why_output(v), "left alone"));
	assert_int_equal(vdisplay_set_mode(v, &a, 800, 600, 60000), PF_E_TIMEOUT);
	vdisplay_remove_output(v, &a);
	assert_true(clock_now_ns() - start_ns < 500000000u);
	vdisplay_destroy(v);
	v = NULL;
	const struct vdisplay_params p = params();
	char note[VDISPLAY_NOTE_LEN];
	assert_int_equal(vdisplay_hyprland_impl.probe(&p, note), PF_E_TIMEOUT);
	assert_non_null(strstr(note, "does not answer"));
	/* What could not go then goes at the next start. */
	fake.fault = HYPR_GOOD;
	assert_int_equal(fake_hyprland_count(&fake), 1);
	assert_int_equal(open_host(&why), 0);
	assert_int_equal(fake_hyprland_count(&fake), 0);
}

/* Each answer comes in time, and all of them together do not. */
static void one_that_is_slow_has_an_end_too(void **state)
{
	(void)state;
	struct vdisplay_output a;
	const char *why;
	assert_int_equal(open_host(&why), 0);
	fake.delay_ms = 250;
	fake.fault = HYPR_OTHER_MODE;
	fake.n_requests = 0;
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &a), PF_E_TIMEOUT);
	assert_in_range(fake.n_requests, 2, 16);
	fake.n_requests = 0;
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &a), PF_E_TIMEOUT);
	assert_int_equal(fake.n_requests, 0);
	fake.delay_ms = 0;
	fake.fault = HYPR_GOOD;
}

static void a_killed_host_leaves_nothing_after_the_next_start(void **state)
{
	(void)state;
	int ready[2];
	char byte;
	const char *why;
	assert_int_equal(pipe(ready), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		struct vdisplay_output o;
		const struct vdisplay_params p = {.user = NULL};
		if (vdisplay_create(&v, "hyprland", &p, &why) < 0 ||
			vdisplay_add_output(v, 1280, 720, 60000, &o) < 0 ||
			vdisplay_add_output(v, 800, 600, 60000, &o) < 0 ||
			write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	/* A second host beside it does not touch them. */
	assert_int_equal(open_host(&why), 0);
	assert_int_equal(fake_hyprland_count(&fake), 2);
	vdisplay_destroy(v);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(fake_hyprland_count(&fake), 2);
	assert_int_equal(open_host(&why), 0);
	assert_int_equal(fake_hyprland_count(&fake), 0);
	assert_string_equal(fake.focused, "DP-1");
}

static void more_than_there_is_room_for_is_refused(void **state)
{
	(void)state;
	struct vdisplay_output o;
	const char *why;
	assert_int_equal(open_host(&why), 0);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), 0);
	assert_int_equal(vdisplay_add_output(v, 1280, 720, 60000, &o), PF_E_IO);
}

static void without_one_it_says_so(void **state)
{
	(void)state;
	const struct vdisplay_params p = {.user = NULL};
	const char *why = NULL;
	struct vdisplay *w;
	static const char *const dirs[] = {"/nonexistent", "", "relative"};
	for (size_t i = 0; i < 3; i++) {
		setenv("XDG_RUNTIME_DIR", dirs[i], 1);
		setenv("HYPRLAND_INSTANCE_SIGNATURE", "../../etc", 1);
		assert_int_equal(vdisplay_create(&w, "hyprland", &p, &why), PF_E_UNSUPPORTED);
		assert_non_null(strstr(why, "Hyprland"));
	}
	unsetenv("HYPRLAND_INSTANCE_SIGNATURE");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	unsetenv("SWAYSOCK");
	unsetenv("SUDO_UID");
	unsetenv("HYPRLAND_INSTANCE_SIGNATURE");
	log_set_level(getenv("PUNKTFUNK_TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	const struct CMUnitTest tests[] = {
		TEST(an_output_is_made_changed_and_taken_away),
		TEST(auto_takes_one_that_runs),
		TEST(a_configuration_read_again_keeps_the_modes),
		TEST(its_end_is_told_once),
		TEST(answers_that_are_none_are_failures),
		TEST(one_that_gives_names_of_its_own_is_followed),
		TEST(one_that_hangs_is_left_alone_for_a_while),
		TEST(one_that_is_slow_has_an_end_too),
		TEST(a_killed_host_leaves_nothing_after_the_next_start),
		TEST(more_than_there_is_room_for_is_refused),
		cmocka_unit_test(without_one_it_says_so),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
