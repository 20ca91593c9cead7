/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/vdisplay/run_user.h"
#include "host/vdisplay/session_dir.h"
#include "host/vdisplay/shepherd.h"

static void a_folder_goes_with_all_in_it_and_follows_no_link(void **state)
{
	(void)state;
	char path[128], kept[] = "/tmp/punktfunk-kept-XXXXXX", file[160];
	assert_non_null(mkdtemp(kept));
	snprintf(file, sizeof(file), "%s/precious", kept);
	close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));

	const int fd = session_dir_create(path, sizeof(path));
	assert_true(fd >= 0);
	assert_int_equal(session_dir_add(fd, "run", getuid(), getgid()), 0);
	assert_true(session_dir_add(fd, "run", getuid(), getgid()) < 0);
	assert_int_equal(session_dir_write(fd, "config", "text\n"), 0);
	assert_true(session_dir_write(fd, "config", "again\n") < 0);
	assert_int_equal(symlinkat(kept, fd, "run/link"), 0);
	assert_int_equal(symlinkat("/nonexistent", fd, "dangling"), 0);
	assert_true(session_dir_write(fd, "dangling", "through a link\n") < 0);
	char deep[400] = "run";
	for (int i = 0; i < 30; i++) {
		strcat(deep, "/d");
		assert_int_equal(mkdirat(fd, deep, 0700), 0);
	}
	struct stat st;
	assert_int_equal(fstatat(fd, "run", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);

	session_dir_remove(path, fd);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(file, F_OK), 0);
	unlink(file);
	rmdir(kept);
	session_dir_remove("/nonexistent", -1);
}

static void a_path_that_does_not_fit_is_refused(void **state)
{
	(void)state;
	char path[12];
	assert_true(session_dir_create(path, sizeof(path)) < 0);
	assert_int_equal(path[0], 0);
}

static void only_what_no_host_holds_is_cleared_away(void **state)
{
	(void)state;
	char held[128], left[128], next[128];
	const int held_fd = session_dir_create(held, sizeof(held));
	const int left_fd = session_dir_create(left, sizeof(left));
	assert_true(held_fd >= 0 && left_fd >= 0);
	close(left_fd); /* as the end of its host would */
	const int next_fd = session_dir_create(next, sizeof(next));
	assert_true(next_fd >= 0);
	assert_int_equal(access(held, F_OK), 0);
	assert_int_equal(access(left, F_OK), -1);
	session_dir_remove(held, held_fd);
	session_dir_remove(next, next_fd);
}

static void users_are_found_or_refused_in_words(void **state)
{
	(void)state;
	struct run_user u;
	char why[200] = "";
	unsetenv("SUDO_UID");
	assert_int_equal(run_user_find(&u, "no-such-user", why, sizeof(why)), PF_E_INVALID);
	assert_non_null(strstr(why, "no-such-user"));
	why[0] = 0;
	assert_true(run_user_find(&u, "root", why, sizeof(why)) < 0);
	assert_int_not_equal(why[0], 0);
	if (geteuid() != 0) {
		assert_int_equal(run_user_find(&u, NULL, why, sizeof(why)), 0);
		assert_false(u.drop);
		assert_int_equal(u.uid, geteuid());
		return;
	}
	static const char *const nonsense[] = {
		"", "-1", "0", "4294967295", "99999999999999", "1x", " 1"};
	for (size_t i = 0; i < sizeof(nonsense) / sizeof(nonsense[0]); i++) {
		setenv("SUDO_UID", nonsense[i], 1);
		assert_int_equal(run_user_find(&u, NULL, why, sizeof(why)), 0);
		assert_string_equal(u.name, "nobody");
	}
	assert_true(u.drop);
	assert_int_not_equal(u.uid, 0);
	assert_string_equal(u.shell, "/bin/sh");
	assert_int_equal(u.home[0], 0);
	const struct passwd *pw = getpwnam("daemon");
	if (pw) {
		char text[16];
		snprintf(text, sizeof(text), "%u", (unsigned)pw->pw_uid);
		setenv("SUDO_UID", text, 1);
		assert_int_equal(run_user_find(&u, NULL, why, sizeof(why)), 0);
		assert_string_equal(u.name, "daemon");
		assert_int_equal(run_user_find(&u, "nobody", why, sizeof(why)), 0);
		assert_string_equal(u.name, "nobody");
	}
	unsetenv("SUDO_UID");
}

static int run_shell(const char *script, int log_fd)
{
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	char *const envp[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	const struct shepherd_params params = {
		.path = "/bin/sh", .argv = argv, .envp = envp, .dir = "/", .log_fd = log_fd};
	int pid = 0;
	assert_int_equal(shepherd_start(&params, &pid), 0);
	assert_true(pid > 0);
	return pid;
}

static void a_shepherd_passes_on_how_the_program_ended(void **state)
{
	(void)state;
	int status;
	int pid = run_shell("exit 3", 2);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 3);
	pid = run_shell("kill -9 $$", 2);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 128 + SIGKILL);
}

static void a_shepherd_lets_no_descriptor_in_and_no_child_out(void **state)
{
	(void)state;
	int fds[2], status;
	char text[4096] = "";
	assert_int_equal(pipe(fds), 0);
	/* A child that left its session and ignores SIGTERM; the list of open descriptors. */
	const int pid = run_shell(
		"setsid sh -c \"trap '' TERM HUP; echo \\$\\$; while :; do sleep 1; "
		"done\" & sleep 0.3; ls /proc/$$/fd",
		fds[1]);
	close(fds[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 0);
	ssize_t len = 0, n;
	while ((n = read(fds[0], text + len, sizeof(text) - 1 - (size_t)len)) > 0)
		len += n;
	close(fds[0]);
	const int orphan = atoi(text);
	assert_true(orphan > 1);
	assert_int_equal(kill(orphan, 0), -1);
	const char *list = strchr(text, '\n');
	assert_non_null(list);
	assert_string_equal(list, "\n0\n1\n2\n");
}

static void stopping_a_shepherd_is_quick_and_complete(void **state)
{
	(void)state;
	const int pid = run_shell("sleep 1000 & sleep 1000", 2);
	shepherd_stop(pid);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	shepherd_stop(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_folder_goes_with_all_in_it_and_follows_no_link),
		cmocka_unit_test(a_path_that_does_not_fit_is_refused),
		cmocka_unit_test(only_what_no_host_holds_is_cleared_away),
		cmocka_unit_test(users_are_found_or_refused_in_words),
		cmocka_unit_test(a_shepherd_passes_on_how_the_program_ended),
		cmocka_unit_test(a_shepherd_lets_no_descriptor_in_and_no_child_out),
		cmocka_unit_test(stopping_a_shepherd_is_quick_and_complete),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
