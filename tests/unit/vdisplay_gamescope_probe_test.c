/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>

#include "host/vdisplay/gamescope_probe.h"

static struct gamescope_version read_text(const char *text)
{
	struct gamescope_version v;
	gamescope_read_help(&v, text, strlen(text));
	return v;
}

static void versions_are_read(void **state)
{
	static const struct {
		const char *text;
		int major, minor, patch;
	} cases[] = {
		{"[gamescope] [\x1b[0;34mInfo\x1b[0m]  console: gamescope version 3.16.22 (gcc "
		 "14.2.1)",
			3, 16, 22},
		{"gamescope version 3.15.9-21-g7dd1bcd9", 3, 15, 9},
		{"gamescope version v4.0", 4, 0, 0},
		{"gamescope version unknown\ngamescope version 3.14.18", 3, 14, 18},
		{"gamescope version 99999.1.1", 0, 0, 0},
		{"gamescope version 3.16.", 0, 0, 0},
		{"gamescope version ", 0, 0, 0},
		{"", 0, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct gamescope_version v = read_text(cases[i].text);
		assert_int_equal(v.major, cases[i].major);
		assert_int_equal(v.minor, cases[i].minor);
		assert_int_equal(v.patch, cases[i].patch);
	}
}

static void options_are_whole_words(void **state)
{
	struct gamescope_version v = read_text("  --backend      select rendering backend\n");
	assert_true(v.backend_option && gamescope_is_headless(&v));
	v = read_text("  --headless   use headless backend (no window, no DRM output)\n");
	assert_true(v.headless_option && !v.backend_option && gamescope_is_headless(&v));
	v = read_text("--backend-foo --headlessness, see -backend");
	assert_false(gamescope_is_headless(&v));
	v = read_text("  -W, --output-width  output width\n  -e, --steam\n");
	assert_false(gamescope_is_headless(&v));
	v = read_text("... --headless");
	assert_true(v.headless_option);
}

static void the_hang_of_pipewire_is_older_than_its_mending(void **state)
{
	static const struct {
		struct gamescope_version v;
		bool may;
	} cases[] = {
		{{3, 16, 21, true, false}, true},
		{{3, 16, 22, true, false}, false},
		{{3, 17, 0, true, false}, false},
		{{3, 15, 99, true, false}, true},
		{{4, 0, 0, true, false}, false},
		{{0, 0, 0, false, true}, true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(gamescope_may_hang(&cases[i].v), cases[i].may);
}

static void expect(const char *words, const char *remedy, const char *line)
{
	const char *from = NULL;
	size_t len = 0;
	const char *got = gamescope_remedy(words, &from, &len);
	assert_non_null(got);
	assert_non_null(strstr(got, remedy));
	assert_int_equal(len, strlen(line));
	assert_memory_equal(from, line, len);
}

static void errors_have_remedies(void **state)
{
	const char *from;
	size_t len;
	expect("seat0\nvulkan: physical device does not support DRM format modifiers\n"
	       "Failed to initialize Vulkan\nwlserver: closed",
		"Mesa", "vulkan: physical device does not support DRM format modifiers");
	expect("vulkan: vkCreateInstance failed (VkResult: -9)", "no Vulkan driver",
		"vulkan: vkCreateInstance failed (VkResult: -9)");
	expect("a\nFailed to initialize Vulkan\nb", "vulkaninfo", "Failed to initialize Vulkan");
	expect("unrecognized option '--backend'\n", "3.16.22", "unrecognized option '--backend'");
	assert_null(gamescope_remedy("all is well", &from, &len));
	assert_null(gamescope_remedy("", &from, &len));
}

static void a_program_that_is_none_is_an_error(void **state)
{
	struct gamescope_version v;
	assert_int_equal(gamescope_ask(&v, "/nonexistent/gamescope"), PF_E_IO);
	assert_int_equal(gamescope_ask(&v, "/dev/null"), PF_E_IO);
	assert_int_equal(v.major, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_read),
		cmocka_unit_test(options_are_whole_words),
		cmocka_unit_test(the_hang_of_pipewire_is_older_than_its_mending),
		cmocka_unit_test(errors_have_remedies),
		cmocka_unit_test(a_program_that_is_none_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
