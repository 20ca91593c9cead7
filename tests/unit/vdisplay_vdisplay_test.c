/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/wire/handshake.h"
#include "host/vdisplay/vdisplay.h"

static struct vdisplay *make_none(void)
{
	const struct vdisplay_params params = {0};
	struct vdisplay *v = NULL;
	const char *why;
	assert_int_equal(vdisplay_create(&v, "none", &params, &why), 0);
	return v;
}

static void unknown_names_are_refused_with_what_there_is(void **state)
{
	(void)state;
	const struct vdisplay_params params = {0};
	struct vdisplay *v = (void *)&params;
	const char *why = NULL;
	char longest[1000];
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	static const char *const names[] = {"", "kwin9", "None", "none ", "%s%n"};
	for (size_t i = 0; i < 6; i++) {
		const char *name = i < 5 ? names[i] : longest;
		assert_int_equal(vdisplay_create(&v, name, &params, &why), PF_E_UNSUPPORTED);
		assert_null(v);
		assert_non_null(strstr(why, "none"));
	}
	assert_int_equal(vdisplay_create(&v, "kwin9", &params, NULL), PF_E_UNSUPPORTED);
}

static void auto_never_takes_the_stand_in(void **state)
{
	(void)state;
	const struct vdisplay_params params = {.own_session = true};
	static const char *const names[] = {NULL, "auto"};
	setenv("PATH", "/nonexistent", 1);
	for (size_t i = 0; i < 2; i++) {
		struct vdisplay *v = (void *)&params;
		const char *why = NULL;
		assert_int_equal(vdisplay_create(&v, names[i], &params, &why), PF_E_UNSUPPORTED);
		assert_null(v);
		assert_non_null(why);
		assert_non_null(strstr(why, "install"));
	}
}

static void impossible_modes_are_refused(void **state)
{
	(void)state;
	static const uint32_t bad[][3] = {{0, 720, 60}, {1280, 0, 60}, {1280, 720, 0},
		{UINT32_MAX, 720, 60}, {1280, UINT32_MAX, 60}, {1280, 720, UINT32_MAX},
		{PF_MODE_MAX_SIDE + 1, 720, 60}, {1280, 720, PF_MODE_MAX_HZ + 1},
		{PF_MODE_MIN_SIDE - 1, 720, 60}};
	struct vdisplay *v = make_none();
	struct vdisplay_output good, o;
	assert_int_equal(vdisplay_add_output(v, 1280, 720, VDISPLAY_MHZ(60), &good), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const uint32_t *m = bad[i];
		assert_int_equal(
			vdisplay_add_output(v, m[0], m[1], VDISPLAY_MHZ(m[2]), &o), PF_E_INVALID);
		assert_int_equal(o.name[0], 0);
		assert_int_equal(
			vdisplay_set_mode(v, &good, m[0], m[1], VDISPLAY_MHZ(m[2])), PF_E_INVALID);
		assert_int_equal(good.width, 1280);
		assert_int_equal(good.height, 720);
		assert_int_equal(good.refresh_mhz, 60000);
	}
	vdisplay_destroy(v);
}

static void the_stand_in_makes_outputs_of_numbers(void **state)
{
	(void)state;
	struct vdisplay *v = make_none();
	struct vdisplay_output a, b;
	assert_int_equal(vdisplay_add_output(v, 1280, 720, VDISPLAY_MHZ(60), &a), 0);
	assert_int_equal(vdisplay_add_output(v, 1920, 1080, VDISPLAY_MHZ(120), &b), 0);
	assert_int_not_equal(a.name[0], 0);
	assert_string_equal(a.wayland_display, "");
	assert_int_equal(vdisplay_set_mode(v, &a, 800, 600, VDISPLAY_MHZ(75)), 0);
	assert_int_equal(a.width, 800);
	assert_int_equal(a.refresh_mhz, 75000);
	vdisplay_remove_output(v, &a);
	assert_int_equal(a.name[0], 0);
	vdisplay_remove_output(v, &b);
	vdisplay_destroy(v);
	vdisplay_destroy(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_names_are_refused_with_what_there_is),
		cmocka_unit_test(auto_never_takes_the_stand_in),
		cmocka_unit_test(impossible_modes_are_refused),
		cmocka_unit_test(the_stand_in_makes_outputs_of_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
