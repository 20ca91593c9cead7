/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/config/config.h"
#include "host/vdisplay/detect.h"

static void clear_environment(void)
{
	static const char *const names[] = {"XDG_CURRENT_DESKTOP", "XDG_SESSION_DESKTOP",
		"DESKTOP_SESSION", "SWAYSOCK", "HYPRLAND_INSTANCE_SIGNATURE",
		"GAMESCOPE_WAYLAND_DISPLAY", "KDE_FULL_SESSION", "GNOME_SHELL_SESSION_MODE",
		"PUNKTFUNK_COMPOSITOR", "XDG_RUNTIME_DIR", "SUDO_UID"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		unsetenv(names[i]);
}

static void people_and_desktops_have_their_own_names(void **state)
{
	(void)state;
	static const char *const same[][2] = {{"gnome", "mutter"}, {"GNOME", "mutter"},
		{"ubuntu", "mutter"}, {"kde", "kwin"}, {"Plasma", "kwin"}, {"sway", "wlroots"},
		{"wlroots", "wlroots"}, {"Hyprland", "hyprland"}, {"gamescope", "gamescope"},
		{"portal", "portal"}, {"own", "own"}, {"none", "none"}, {"auto", "auto"}};
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
		assert_string_equal(detect_backend(same[i][0]), same[i][1]);
	static const char *const unknown[] = {"", "gnom", "gnome ", "kde5", "x11", "%n"};
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_null(detect_backend(unknown[i]));
}

static void the_active_session_comes_first(void **state)
{
	(void)state;
	clear_environment();
	setenv("XDG_CURRENT_DESKTOP", "KDE", 1);
	setenv("SWAYSOCK", "/nonexistent", 1);
	struct detect d;
	detect_read(&d, NULL);
	snprintf(d.active, sizeof(d.active), "ubuntu:GNOME");
	const unsigned mutter = detect_rank(&d, "mutter"), kwin = detect_rank(&d, "kwin"),
		       sway = detect_rank(&d, "wlroots");
	assert_true(mutter > kwin && kwin > sway && sway > 0);
	assert_int_equal(detect_rank(&d, "hyprland"), 0);
	assert_int_equal(detect_rank(&d, "portal"), 0);
	snprintf(d.active, sizeof(d.active), "gnome-classic");
	assert_int_equal(detect_rank(&d, "mutter"), mutter);
}

static void a_desktop_that_nobody_knows_is_the_portals(void **state)
{
	(void)state;
	clear_environment();
	struct detect d;
	setenv("XDG_CURRENT_DESKTOP", "COSMIC", 1);
	detect_read(&d, NULL);
	d.active[0] = 0;
	assert_true(detect_rank(&d, "portal") > 0);
	setenv("XDG_CURRENT_DESKTOP", "GNOME", 1);
	detect_read(&d, NULL);
	d.active[0] = 0;
	assert_int_equal(detect_rank(&d, "portal"), 0);
	assert_true(detect_rank(&d, "mutter") > 0);
}

static void absurd_environments_are_left_out(void **state)
{
	(void)state;
	clear_environment();
	char longest[5000];
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	struct detect d;
	setenv("XDG_CURRENT_DESKTOP", longest, 1);
	detect_read(&d, NULL);
	assert_string_equal(d.own, "");
	longest[100] = 0; /* one name, longer than any */
	setenv("XDG_CURRENT_DESKTOP", longest, 1);
	detect_read(&d, NULL);
	assert_int_equal(detect_rank(&d, "mutter"), 0);
	for (size_t len = 30; len < 35; len++) { /* around the room that there is for one */
		longest[100] = 'a';
		longest[len] = 0;
		setenv("XDG_CURRENT_DESKTOP", longest, 1);
		detect_read(&d, NULL);
		assert_int_equal(detect_rank(&d, "mutter"), 0);
		longest[len] = 'a';
	}
	setenv("XDG_CURRENT_DESKTOP", ":::-:", 1);
	detect_read(&d, NULL);
	assert_int_equal(detect_rank(&d, "kwin"), 0);
}

static void a_runtime_folder_is_the_users_own(void **state)
{
	(void)state;
	clear_environment();
	char dir[108], why[300] = "", base[] = "/tmp/pf-detect-XXXXXX";
	assert_non_null(mkdtemp(base));
	setenv("XDG_RUNTIME_DIR", base, 1);
	assert_int_equal(detect_runtime_dir(NULL, dir, sizeof(dir), why, sizeof(why)), PF_OK);
	assert_string_equal(dir, base);
	assert_int_equal(rmdir(base), 0);

	char run_user[64];
	snprintf(run_user, sizeof(run_user), "/run/user/%u", (unsigned)geteuid());
	const bool logged_in = access(run_user, F_OK) == 0;
	const int err = detect_runtime_dir(NULL, dir, sizeof(dir), why, sizeof(why));
	assert_int_equal(err, logged_in ? PF_OK : PF_E_NO_FRAME);
	if (!logged_in)
		assert_non_null(strstr(why, base));
	unsetenv("XDG_RUNTIME_DIR");
	if (!logged_in) {
		assert_int_equal(detect_runtime_dir(NULL, dir, sizeof(dir), why, sizeof(why)),
			PF_E_NO_FRAME);
		assert_non_null(strstr(why, "XDG_RUNTIME_DIR is not set"));
	}
	setenv("XDG_RUNTIME_DIR", "run/user", 1);
	assert_int_equal(
		detect_runtime_dir(NULL, dir, sizeof(dir), why, sizeof(why)), PF_E_INVALID);
}

/* Somebody else's folder: root can make one, others know /. */
static void anothers_runtime_folder_is_not_used(void **state)
{
	(void)state;
	clear_environment();
	char dir[108], why[300] = "", base[] = "/tmp/pf-detect-XXXXXX";
	assert_non_null(mkdtemp(base));
	if (geteuid() == 0)
		assert_int_equal(chown(base, 4242, 4242), 0);
	setenv("XDG_RUNTIME_DIR", geteuid() == 0 ? base : "/", 1);
	char run_user[64];
	snprintf(run_user, sizeof(run_user), "/run/user/%u", (unsigned)geteuid());
	const int err = detect_runtime_dir(NULL, dir, sizeof(dir), why, sizeof(why));
	if (access(run_user, F_OK) == 0) {
		assert_int_equal(err, PF_OK);
		assert_string_equal(dir, run_user);
	} else {
		assert_int_equal(err, PF_E_DENIED);
		assert_non_null(strstr(why, geteuid() == 0 ? "4242" : "user 0"));
	}
	assert_int_equal(rmdir(base), 0);
}

static int parse(struct config *c, const char *a, const char *b)
{
	char *argv[] = {(char *)"punktfunk-host", (char *)"serve", (char *)a, (char *)b, NULL};
	return config_parse(c, b ? 4 : a ? 3 : 2, argv);
}

static void the_option_wins_over_the_variable(void **state)
{
	(void)state;
	clear_environment();
	struct config c;
	assert_int_equal(parse(&c, NULL, NULL), 0);
	assert_null(config_compositor(&c));
	setenv("PUNKTFUNK_COMPOSITOR", "kde", 1);
	assert_string_equal(config_compositor(&c), "kwin");
	assert_int_equal(parse(&c, "--compositor", "gnome"), 0);
	assert_string_equal(config_compositor(&c), "mutter");
	assert_int_equal(parse(&c, "--compositor", "auto"), 0);
	assert_null(config_compositor(&c));
	assert_int_equal(parse(&c, "--own-session", NULL), PF_E_INVALID); /* beside kde */
	setenv("PUNKTFUNK_COMPOSITOR", "windowmaker", 1);
	assert_int_equal(parse(&c, NULL, NULL), PF_E_INVALID);
	assert_int_equal(parse(&c, "--compositor=own", "--own-session"), 0);
	assert_int_equal(parse(&c, "--compositor", "x"), PF_E_INVALID);
	setenv("PUNKTFUNK_COMPOSITOR", "", 1);
	assert_int_equal(parse(&c, NULL, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(people_and_desktops_have_their_own_names),
		cmocka_unit_test(the_active_session_comes_first),
		cmocka_unit_test(a_desktop_that_nobody_knows_is_the_portals),
		cmocka_unit_test(absurd_environments_are_left_out),
		cmocka_unit_test(a_runtime_folder_is_the_users_own),
		cmocka_unit_test(anothers_runtime_folder_is_not_used),
		cmocka_unit_test(the_option_wins_over_the_variable),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
