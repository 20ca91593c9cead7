/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/vdisplay/program.h"
#include "host/vdisplay/run_user.h"

/* What a compositor that the host starts gets from it, and what it says last. */

static struct program_env *make(bool drop, const char *home, const char *const *without)
{
	static struct program_env e;
	static struct run_user user;
	user = (struct run_user){.uid = 1000, .drop = drop};
	snprintf(user.name, sizeof(user.name), "desk");
	snprintf(user.shell, sizeof(user.shell), "/bin/sh");
	snprintf(user.home, sizeof(user.home), "%s", home);
	memset(&e, 0, sizeof(e));
	program_env_init(&e, &user, "/session/home", without);
	return &e;
}

/* NULL: not there. Fails where it is there twice: programs differ in which one they take. */
static const char *value(const struct program_env *e, const char *name)
{
	const size_t len = strlen(name);
	const char *found = NULL;
	for (size_t i = 0; i < e->n; i++) {
		if (strncmp(e->vars[i], name, len) != 0 || e->vars[i][len] != '=')
			continue;
		if (found)
			fail_msg("%s is there twice", name);
		found = e->vars[i] + len + 1;
	}
	return found;
}

static const char *const hosts[] = {"WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY", "SWAYSOCK",
	"XDG_RUNTIME_DIR", "XDG_SESSION_TYPE", "XDG_CURRENT_DESKTOP", "NOTIFY_SOCKET", "LISTEN_FDS",
	"INVOCATION_ID", "WATCHDOG_USEC", "PUNKTFUNK_APP"};

static int setup(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		setenv(hosts[i], "the host's", 1);
	setenv("HOME", "/the/hosts", 1);
	setenv("EDITOR", "vi", 1);
	setenv("LANG", "de_DE.UTF-8", 1);
	setenv("LANGUAGE", "de", 1);
	setenv("MANGOHUD", "1", 1);
	return 0;
}

static void a_session_is_not_tied_to_the_hosts_desktop(void **state)
{
	(void)state;
	static const char *const without[] = {"MANGOHUD=", NULL};
	const struct program_env *e = make(false, "/home/desk", without);
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++)
		if (value(e, hosts[i]))
			fail_msg("%s is handed on", hosts[i]);
	assert_null(value(e, "MANGOHUD"));
	assert_string_equal(value(e, "EDITOR"), "vi");
	assert_string_equal(value(e, "LANGUAGE"), "de");
	assert_string_equal(value(e, "HOME"), "/home/desk");
	assert_string_equal(value(e, "USER"), "desk");
	assert_string_equal(value(make(false, "", NULL), "HOME"), "/session/home");
	assert_string_equal(value(make(false, "", NULL), "MANGOHUD"), "1");
}

static void nobody_gets_roots_environment(void **state)
{
	(void)state;
	const struct program_env *e = make(true, "/home/desk", NULL);
	assert_null(value(e, "EDITOR"));
	assert_null(value(e, "SWAYSOCK"));
	assert_string_equal(value(e, "LANG"), "de_DE.UTF-8");
	assert_string_equal(value(e, "PATH"), getenv("PATH"));
	assert_string_equal(value(e, "HOME"), "/home/desk");
	assert_int_equal(e->n, 6);
}

/* The host's own are many: the session's still have room, and the list its end. */
static void a_large_environment_leaves_room(void **state)
{
	(void)state;
	char name[32], longest[PROGRAM_ENV_TEXT];
	for (unsigned i = 0; i < 2 * PROGRAM_MAX_ENV; i++) {
		snprintf(name, sizeof(name), "PF_TEST_%u", i);
		setenv(name, "x", 1);
	}
	struct program_env *e = make(false, "/home/desk", NULL);
	program_env_set(e, "WAYLAND_DISPLAY", "wayland-7");
	program_env_set(e, "NOTHING", NULL);
	memset(longest, 'x', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = 0;
	program_env_set(e, "LONGEST", longest);
	assert_string_equal(value(e, "WAYLAND_DISPLAY"), "wayland-7");
	assert_string_equal(value(e, "HOME"), "/home/desk");
	assert_null(value(e, "NOTHING"));
	assert_null(value(e, "LONGEST"));
	for (unsigned i = 0; i < 2 * PROGRAM_MAX_ENV; i++) {
		snprintf(name, sizeof(name), "N%u", i);
		program_env_set(e, name, "x");
	}
	assert_true(e->n <= PROGRAM_MAX_ENV);
	assert_null(e->vars[e->n]);
	for (unsigned i = 0; i < 2 * PROGRAM_MAX_ENV; i++) {
		snprintf(name, sizeof(name), "PF_TEST_%u", i);
		unsetenv(name);
	}
}

static void programs_are_found_by_absolute_folders(void **state)
{
	(void)state;
	char path[128], was[4096];
	snprintf(was, sizeof(was), "%s", getenv("PATH"));
	assert_true(program_find("sh", path, sizeof(path)));
	assert_int_equal(path[0], '/');
	assert_true(program_find("/bin/sh", path, sizeof(path)));
	assert_false(program_find("/bin/no-such-program", path, sizeof(path)));
	assert_int_equal(chdir("/bin"), 0);
	setenv("PATH", ".::/nonexistent:bin", 1); /* whoever can write where we stand */
	assert_false(program_find("sh", path, sizeof(path)));
	setenv("PATH", "/nonexistent:/bin", 1);
	assert_true(program_find("sh", path, sizeof(path)));
	assert_string_equal(path, "/bin/sh");
	assert_false(program_find("sh", path, 5));
	setenv("PATH", was, 1);
}

static void last_words_are_one_clean_line(void **state)
{
	(void)state;
	const int fd = memfd_create("log", MFD_CLOEXEC);
	assert_string_equal(program_last_words(-1), "it wrote no reason");
	assert_string_equal(program_last_words(fd), "it wrote no reason");
	assert_int_equal(write(fd, "first\n\033[31mred\x7f\n\n", 17), 17);
	assert_string_equal(program_last_words(fd), "first|?[31mred?");
	char line[100];
	for (int i = 0; i < 50; i++) {
		const int n = snprintf(line, sizeof(line), "line %d of a long log\n", i);
		assert_int_equal(write(fd, line, (size_t)n), n);
	}
	assert_int_equal(strncmp(program_last_words(fd), "line ", 5), 0); /* a whole one */
	assert_non_null(strstr(program_last_words(fd), "|line 49 of a long log"));
	close(fd);
}

#define TEST(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_session_is_not_tied_to_the_hosts_desktop),
		TEST(nobody_gets_roots_environment),
		TEST(a_large_environment_leaves_room),
		TEST(programs_are_found_by_absolute_folders),
		TEST(last_words_are_one_clean_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
