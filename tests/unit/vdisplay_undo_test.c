/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/vdisplay/undo.h"

static char dir[108];
static struct undo_record seen;
static int n_seen, answer;

static int look(const struct undo_record *r)
{
	seen = *r;
	n_seen++;
	return answer;
}

static void run(void)
{
	n_seen = 0;
	undo_abandoned(NULL, look);
}

static int count_files(void)
{
	DIR *list = opendir(dir);
	int n = 0;
	for (const struct dirent *e; (e = readdir(list)) != NULL;)
		n += e->d_name[0] != '.' || strncmp(e->d_name, ".punktfunk", 10) == 0;
	closedir(list);
	return n;
}

static void put(const char *name, const char *text, mode_t mode)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

static void take(const char *name)
{
	char path[200];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	assert_int_equal(unlink(path), 0);
}

/* Changes two outputs, tells that it has, and lives until it is killed. */
static pid_t start_host(const char *first, const char *second)
{
	int fds[2];
	char ready;
	assert_int_equal(pipe(fds), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		struct undo u;
		undo_init(&u);
		undo_set_compositor(&u, "wlroots", dir, "/run/user/7/sway.sock", getppid());
		undo_set_focus(&u, "eDP-1");
		undo_add_output(&u, first);
		undo_add_output(&u, "HEADLESS-7");
		undo_add_output(&u, second);
		undo_drop_output(&u, "HEADLESS-7");
		undo_drop_output(&u, "none such");
		if (write(fds[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &ready, 1), 1);
	close(fds[0]);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void what_a_killed_host_noted_is_found_once(void **state)
{
	(void)state;
	const pid_t pid = start_host("HEADLESS-1", "HEADLESS-2");
	run();
	assert_int_equal(n_seen, 0); /* it lives */
	assert_int_equal(count_files(), 2);
	end(pid);
	answer = PF_E_TIMEOUT;
	run();
	assert_int_equal(n_seen, 1);
	answer = 2;
	run(); /* it was kept */
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen.n_outputs, 2);
	assert_string_equal(seen.outputs[0], "HEADLESS-1");
	assert_string_equal(seen.outputs[1], "HEADLESS-2");
	assert_string_equal(seen.focus, "eDP-1");
	assert_string_equal(seen.kind, "wlroots");
	assert_int_equal(seen.owner, geteuid());
	assert_int_equal(count_files(), 0);
	run();
	assert_int_equal(n_seen, 0);
}

static void hosts_side_by_side_keep_to_themselves(void **state)
{
	(void)state;
	const pid_t a = start_host("HEADLESS-1", "HEADLESS-2");
	const pid_t b = start_host("HEADLESS-3", "HEADLESS-4");
	run();
	assert_int_equal(n_seen, 0);
	end(a);
	answer = 1;
	run();
	assert_int_equal(n_seen, 1);
	assert_string_equal(seen.outputs[0], "HEADLESS-1");
	assert_int_equal(count_files(), 2);
	end(b);
	run();
	assert_int_equal(n_seen, 1);
	assert_string_equal(seen.outputs[0], "HEADLESS-3");
	assert_int_equal(count_files(), 0);
}

static void a_host_that_undid_all_leaves_no_file(void **state)
{
	(void)state;
	struct undo u;
	undo_init(&u);
	undo_add_output(&u, "X"); /* of no compositor: not noted */
	undo_set_compositor(&u, "wlroots", dir, "/run/sway.sock", 0);
	assert_int_equal(count_files(), 0);
	undo_add_output(&u, "A");
	undo_add_output(&u, "B");
	struct stat st;
	char path[200];
	snprintf(path, sizeof(path), "%s/punktfunk-undo-%d-0.json", dir, (int)getpid());
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	undo_drop_output(&u, "A");
	assert_int_equal(count_files(), 2);
	undo_drop_output(&u, "B");
	assert_int_equal(count_files(), 0);
	undo_add_output(&u, "C");
	undo_forget(&u);
	assert_int_equal(count_files(), 0);
	/* One whose compositor hangs at the end leaves it to the next. */
	undo_set_compositor(&u, "wlroots", dir, "/run/sway.sock", 0);
	for (int i = 0; i < 70; i++) {
		char name[16];
		snprintf(name, sizeof(name), "N-%d", i);
		undo_add_output(&u, name);
	}
	undo_finish(&u);
	answer = 64;
	run();
	assert_int_equal(n_seen, 1);
	assert_int_equal(seen.n_outputs, UNDO_MAX_OUTPUTS);
	assert_int_equal(count_files(), 0);
}

static void a_folder_that_is_not_there_is_no_failure(void **state)
{
	(void)state;
	struct undo u;
	undo_init(&u);
	undo_set_compositor(&u, "wlroots", "/nonexistent/folder", "/run/sway.sock", 0);
	undo_add_output(&u, "A"); /* a warning */
	undo_drop_output(&u, "A");
	undo_set_compositor(&u, "wlroots", "/tmp", "/tmp/sway.sock", 0); /* everybody's */
	undo_add_output(&u, "A");
	assert_int_equal(u.lock_fd, -1);
	undo_forget(&u);
	char was[108];
	snprintf(was, sizeof(was), "%s", dir);
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	run();
	unsetenv("XDG_RUNTIME_DIR");
	run();
	assert_int_equal(n_seen, 0);
	setenv("XDG_RUNTIME_DIR", was, 1);
}

static void garbage_is_thrown_away_and_not_believed(void **state)
{
	(void)state;
	static const char *const texts[] = {"", "{", "[]", "null", "{\"version\":1}",
		"{\"version\":1,\"kind\":\"wlroots\",\"socket\":\"relative\",\"pid\":1,\"started\":"
		"1,"
		"\"focus\":\"\",\"outputs\":[\"A\"]}",
		"{\"version\":1,\"kind\":\"wlroots\",\"socket\":\"/s\",\"pid\":1,\"started\":1,"
		"\"focus\":\"\",\"outputs\":[]}",
		"{\"version\":1,\"kind\":\"wlroots\",\"socket\":\"/s\",\"pid\":99999999999,"
		"\"started\":1,\"focus\":\"\",\"outputs\":[\"A\"]}",
		"{\"version\":1,\"kind\":\"wlroots\",\"socket\":\"/s\\u001b[2J\",\"pid\":1,"
		"\"started\":1,\"focus\":\"\",\"outputs\":[\"A\"]}",
		"{\"version\":1,\"kind\":\"wlroots\",\"socket\":\"/s\",\"pid\":1,\"started\":1,"
		"\"focus\":\"\",\"outputs\":["
		"\"0123456789012345678901234567890123456789012345678901234"
		"567890123\"]}"};
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		put("punktfunk-undo-1-0.lock", "", 0600);
		put("punktfunk-undo-1-0.json", texts[i], 0600);
		run();
		assert_int_equal(n_seen, 0);
		assert_int_equal(count_files(), 0);
	}
	char *large = malloc(UNDO_MAX_FILE + 2);
	memset(large, ' ', UNDO_MAX_FILE + 1);
	large[UNDO_MAX_FILE + 1] = 0;
	put("punktfunk-undo-1-0.lock", "", 0600);
	put("punktfunk-undo-1-0.json", large, 0600);
	free(large);
	run();
	assert_int_equal(n_seen + count_files(), 0);
	/* One of a host that is newer is for that one. */
	put("punktfunk-undo-1-0.lock", "", 0600);
	put("punktfunk-undo-1-0.json", "{\"version\":2}", 0600);
	run();
	assert_int_equal(n_seen, 0);
	assert_int_equal(count_files(), 2);
	take("punktfunk-undo-1-0.lock");
	take("punktfunk-undo-1-0.json");
	/* Killed between the two files. */
	put("punktfunk-undo-1-0.lock", "", 0600);
	run();
	assert_int_equal(n_seen + count_files(), 0);
}

static const char good[] = "{\"version\":1,\"kind\":\"wlroots\",\"socket\":\"/s\",\"pid\":1,"
			   "\"started\":1,\"focus\":\"\",\"outputs\":[\"A\"]}";

static void what_is_no_hosts_file_is_left_alone(void **state)
{
	(void)state;
	char path[200], kept[200];
	answer = 1;
	snprintf(path, sizeof(path), "%s/punktfunk-undo-1-0.lock", dir);
	snprintf(kept, sizeof(kept), "%s/kept", dir);
	put("punktfunk-undo-1-0.json", good, 0600);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes: must not block */
	run();
	assert_int_equal(n_seen, 0);
	unlink(path);
	put("kept", "", 0600);
	assert_int_equal(symlink(kept, path), 0);
	run();
	assert_int_equal(n_seen, 0);
	unlink(path);
	assert_int_equal(link(kept, path), 0); /* another name of somebody's file */
	run();
	assert_int_equal(n_seen, 0);
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	run();
	assert_int_equal(n_seen, 0);
	rmdir(path);
	put("punktfunk-undo-1-0.lock", "", 0666); /* others could have */
	run();
	assert_int_equal(n_seen, 0);
	if (geteuid() == 0) {
		put("punktfunk-undo-1-0.lock", "", 0600);
		assert_int_equal(chmod(path, 0600) + chown(path, 12345, 12345), 0);
		run();
		assert_int_equal(n_seen, 0);
	}
	unlink(path);
	static const char *const names[] = {"punktfunk-undo-.lock", "punktfunk-undo-1-0.lock.x",
		"punktfunk-undo-x1.lock", "punktfunk-undo-1-0.tmp"};
	for (size_t i = 0; i < 4; i++)
		put(names[i], "", 0600);
	run();
	assert_int_equal(n_seen, 0);
	for (size_t i = 0; i < 4; i++)
		take(names[i]);
	take("kept");
	/* The record itself, as a link: root would open whatever the folder's owner likes. */
	put("kept", good, 0600);
	put("punktfunk-undo-1-0.lock", "", 0600);
	snprintf(path, sizeof(path), "%s/punktfunk-undo-1-0.json", dir);
	take("punktfunk-undo-1-0.json");
	assert_int_equal(symlink(kept, path), 0);
	run();
	assert_int_equal(n_seen, 0);
	take("kept");
	assert_int_equal(count_files(), 0);
	put("punktfunk-undo-1-0.json", good, 0600);
	/* The record itself, of somebody else. */
	put("punktfunk-undo-1-0.lock", "", 0600);
	if (geteuid() == 0) {
		snprintf(path, sizeof(path), "%s/punktfunk-undo-1-0.json", dir);
		assert_int_equal(chown(path, 12345, 12345), 0);
		run();
		assert_int_equal(n_seen, 0);
		put("punktfunk-undo-1-0.lock", "", 0600);
		put("punktfunk-undo-1-0.json", good, 0600);
		assert_int_equal(chown(path, 0, 0), 0);
	}
	run();
	assert_int_equal(n_seen, 1);
	assert_int_equal(count_files(), 0);
}

/* A start is not held by each record of a compositor that hangs. */
static void a_hung_compositor_is_asked_once(void **state)
{
	(void)state;
	put("punktfunk-undo-1-0.lock", "", 0600);
	put("punktfunk-undo-1-0.json", good, 0600);
	put("punktfunk-undo-2-0.lock", "", 0600);
	put("punktfunk-undo-2-0.json", good, 0600);
	answer = PF_E_TIMEOUT;
	run();
	assert_int_equal(n_seen, 1);
	assert_int_equal(count_files(), 4);
	answer = 1;
	run();
	assert_int_equal(n_seen, 2);
	assert_int_equal(count_files(), 0);
}

/* The desktop's user undoes it, should root not come again. */
static void roots_record_is_the_desktops_users(void **state)
{
	(void)state;
	char path[200];
	struct stat st;
	struct undo u;
	if (geteuid() != 0) {
		print_message("# a record by root is not tried: only root can\n");
		return;
	}
	assert_int_equal(chown(dir, 65534, 65534), 0);
	undo_init(&u);
	undo_set_compositor(&u, "wlroots", dir, "/run/sway.sock", 0);
	undo_add_output(&u, "A");
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s%s", dir, u.name, i ? ".json" : ".lock");
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_uid, 65534);
	}
	undo_forget(&u);
	assert_int_equal(count_files(), 0);
	assert_int_equal(chown(dir, 0, 0), 0);
}

static void a_process_is_known_by_its_start(void **state)
{
	(void)state;
	struct undo u;
	undo_init(&u);
	undo_set_compositor(&u, "wlroots", dir, "/s", getpid());
	struct undo_record r = u.record;
	r.owner = geteuid();
	assert_true(r.started > 0);
	assert_int_equal(undo_record_check_peer(&r, getpid(), geteuid()), PF_OK);
	assert_int_equal(undo_record_check_peer(&r, getpid(), geteuid() + 1), PF_E_DENIED);
	assert_int_equal(undo_record_check_peer(&r, getppid(), geteuid()), PF_E_CLOSED);
	r.started++;
	assert_int_equal(undo_record_check_peer(&r, getpid(), geteuid()), PF_E_CLOSED);
	undo_finish(&u);
}

int main(void)
{
	unsetenv("SWAYSOCK");
	unsetenv("SUDO_UID");
	log_set_level(LOG_ERROR);
	if (test_folder(dir, sizeof(dir), "punktfunk-undo-test") < 0)
		return 1;
	setenv("XDG_RUNTIME_DIR", dir, 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_killed_host_noted_is_found_once),
		cmocka_unit_test(hosts_side_by_side_keep_to_themselves),
		cmocka_unit_test(a_host_that_undid_all_leaves_no_file),
		cmocka_unit_test(a_folder_that_is_not_there_is_no_failure),
		cmocka_unit_test(garbage_is_thrown_away_and_not_believed),
		cmocka_unit_test(what_is_no_hosts_file_is_left_alone),
		cmocka_unit_test(a_hung_compositor_is_asked_once),
		cmocka_unit_test(roots_record_is_the_desktops_users),
		cmocka_unit_test(a_process_is_known_by_its_start),
	};
	const int failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(dir);
	return failed;
}
