/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/vdisplay/kwin_permission.h"

/* What a person is told who did not install the .desktop file, or not the right one. */

#define NOBODY 65534

static char dir[64], file[160], exe[256];

static int setup(void **state)
{
	char path[128];
	(void)state;
	if (test_folder(dir, sizeof(dir), "kwin-permission") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/applications", dir);
	snprintf(file, sizeof(file), "%s/punktfunk-host.desktop", path);
	setenv("XDG_DATA_HOME", dir, 1);
	setenv("XDG_DATA_DIRS", "/nonexistent", 1);
	const ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	return n > 0 && mkdir(path, 0700) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	char path[128];
	(void)state;
	snprintf(path, sizeof(path), "%s/link", dir);
	unlink(path);
	unlink(file);
	snprintf(path, sizeof(path), "%s/applications", dir);
	rmdir(path);
	rmdir(dir);
	return 0;
}

static void write_file(const char *text)
{
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* As `meson install` writes it from what packaging/ has, but for this program. */
static void write_installed(const char *program)
{
	char text[2048], out[4096];
	static const char where[] = "@bindir@/punktfunk-host";
	FILE *f = fopen(DESKTOP_FILE, "r");
	assert_non_null(f);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	char *at = strstr(text, where);
	assert_non_null(at);
	*at = 0;
	snprintf(out, sizeof(out), "%s%s%s", text, program, at + sizeof(where) - 1);
	write_file(out);
}

static void expect(const char *const *parts)
{
	char said[400];
	kwin_permission_explain(said, sizeof(said));
	for (; *parts; parts++)
		if (!strstr(said, *parts))
			fail_msg("'%s' does not say '%s'", said, *parts);
	for (const char *c = said; *c; c++)
		assert_true((unsigned char)*c >= 0x20);
}

#define EXPECT(...) expect((const char *const[]){__VA_ARGS__, NULL})

static void one_that_is_missing_is_said(void **state)
{
	(void)state;
	EXPECT("punktfunk-host.desktop is not installed", "meson install", "Exec=", exe);
	unsetenv("XDG_DATA_HOME");
	unsetenv("XDG_DATA_DIRS");
	setenv("HOME", "/nonexistent", 1);
	EXPECT(".desktop");
}

static void what_is_installed_is_right(void **state)
{
	char path[128], dirs[256];
	(void)state;
	write_installed(exe);
	EXPECT(file, "as it should be", "kbuildsycoca6");
	/* Links are resolved, as KWin does. */
	snprintf(path, sizeof(path), "%s/link", dir);
	assert_int_equal(symlink(exe, path), 0);
	write_installed(path);
	EXPECT("as it should be");
	/* In one of the system's folders. */
	setenv("XDG_DATA_HOME", "/nonexistent", 1);
	snprintf(dirs, sizeof(dirs), "::/nonexistent:%s:", dir);
	setenv("XDG_DATA_DIRS", dirs, 1);
	EXPECT(file, "as it should be");
}

static void one_for_another_program_is_said(void **state)
{
	(void)state;
	write_installed("/usr/bin/punktfunk-host");
	EXPECT(file, "'/usr/bin/punktfunk-host'", "Exec=", exe);
	/* KWin looks into no $PATH. */
	write_installed("punktfunk-host");
	EXPECT("'punktfunk-host'");
	write_installed("\"/bin/sh\" -c");
	EXPECT("'/bin/sh'");
	write_installed("/bin/sh\x1b[2J\r");
	EXPECT("'/bin/sh?[2J");
	write_file("");
	EXPECT("is for the program ''");
}

static void one_that_names_too_little_is_said(void **state)
{
	char text[1024];
	(void)state;
	snprintf(text, sizeof(text),
		"Exec=%s native-host\nX-KDE-Wayland-Interfaces=zkde_screencast_unstable_v1\n", exe);
	write_file(text);
	EXPECT("does not name org_kde_kwin_fake_input", "X-KDE-Wayland-Interfaces");
	snprintf(text, sizeof(text),
		"Exec=%s\nX-KDE-Wayland-Interfaces=a,zkde_screencast_unstable_v12;"
		"org_kde_kwin_fake_input;\n",
		exe);
	write_file(text);
	EXPECT("does not name zkde_screencast_unstable_v1");
}

static void one_that_cannot_be_seen_is_said(void **state)
{
	int status = -1;
	(void)state;
	write_installed(exe);
	const pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		char said[400] = "";
		if (geteuid() == 0 && setuid(NOBODY) < 0)
			_exit(2);
		prctl(PR_SET_DUMPABLE, 0);
		kwin_permission_explain(said, sizeof(said));
		_exit(!strstr(said, "file capabilities (setcap -r /"));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void a_file_without_sense_is_read_to_no_end(void **state)
{
	(void)state;
	FILE *f = fopen(file, "w");
	assert_non_null(f);
	for (int i = 0; i < 4096; i++)
		fputs("Exec=/xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", f);
	fclose(f);
	EXPECT("is for the program '/xxx");
	write_file("X-KDE-Wayland-Interfaces=,;,;\n\nExec=\n");
	EXPECT("is for the program ''");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_is_missing_is_said),
		TEST(what_is_installed_is_right),
		TEST(one_for_another_program_is_said),
		TEST(one_that_names_too_little_is_said),
		TEST(one_that_cannot_be_seen_is_said),
		TEST(a_file_without_sense_is_read_to_no_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
