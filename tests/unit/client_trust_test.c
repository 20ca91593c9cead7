/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/trust.h"
#include "punktfunk_core.h"

static char folder[64], path[128], message[TRUST_MESSAGE_MAX];
static uint8_t one[32], two[32], got[32];

static int make_folder(void **state)
{
	(void)state;
	if (test_folder(folder, sizeof(folder), "pf-trust") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/punktfunk/known_hosts", folder);
	memset(one, 0x1a, sizeof(one));
	memset(two, 0x2b, sizeof(two));
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	char dir[128];
	unlink(path);
	snprintf(dir, sizeof(dir), "%s/punktfunk", folder);
	rmdir(dir);
	return rmdir(folder);
}

static void put(const char *text, size_t len)
{
	char dir[128];
	snprintf(dir, sizeof(dir), "%s/punktfunk", folder);
	mkdir(dir, 0700);
	unlink(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

#define HEX_A "1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a"

static void a_host_is_met_and_known_again(void **state)
{
	(void)state;
	assert_int_equal(trust_lookup(path, "desk", 9777, got, message), TRUST_UNKNOWN);
	assert_int_equal(trust_remember(path, "desk", 9777, one, message), 0);
	assert_int_equal(trust_remember(path, "::1", 9777, two, message), 0);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(trust_lookup(path, "DESK", 9777, got, message), TRUST_KNOWN);
	assert_memory_equal(got, one, 32);
	assert_int_equal(trust_lookup(path, "::1", 9777, got, message), TRUST_KNOWN);
	assert_memory_equal(got, two, 32);
	assert_int_equal(trust_lookup(path, "desk", 9778, got, message), TRUST_UNKNOWN);
	assert_int_equal(trust_lookup(path, "des", 9777, got, message), TRUST_UNKNOWN);
	/* Meeting it again changes nothing. */
	assert_int_equal(trust_remember(path, "desk", 9777, one, message), 0);
	char text[512] = "";
	FILE *f = fopen(path, "re");
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	fclose(f);
	assert_int_equal(strlen(text), strlen("desk:9777 ") + 65 + strlen("[::1]:9777 ") + 65);
}

static void another_certificate_is_refused(void **state)
{
	(void)state;
	put("desk:9777 " HEX_A "\n", 75);
	assert_int_equal(trust_remember(path, "desk", 9777, two, message), PUNKTFUNK_E_PIN);
	assert_non_null(strstr(message, path));
	assert_non_null(strstr(message, "desk:9777"));
	assert_non_null(strstr(message, "--pin"));
	assert_int_equal(trust_lookup(path, "desk", 9777, got, message), TRUST_KNOWN);
	assert_memory_equal(got, one, 32);
}

static void comments_and_empty_lines_are_kept(void **state)
{
	(void)state;
	static const char text[] = "# mine\0and more\n\ndesk:9777 " HEX_A "\n";
	put(text, sizeof(text) - 1);
	assert_int_equal(trust_remember(path, "b", 1, two, message), 0);
	assert_int_equal(trust_lookup(path, "desk", 9777, got, message), TRUST_KNOWN);
	assert_int_equal(trust_lookup(path, "b", 1, got, message), TRUST_KNOWN);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, sizeof(text) - 1 + strlen("b:1 ") + 65);
}

static void a_damaged_file_makes_nobody_a_stranger(void **state)
{
	(void)state;
	static const char whole[] = "other:1 " HEX_A "\ndesk:9777 " HEX_A "\n";
	/* Cut anywhere but at a line's end, it is an error and not "unknown". */
	for (size_t len = 1; len < sizeof(whole) - 1; len++) {
		if (whole[len - 1] == '\n')
			continue;
		put(whole, len);
		assert_int_equal(
			trust_lookup(path, "desk", 9777, got, message), PUNKTFUNK_E_INVALID);
		assert_non_null(strstr(message, "Line "));
		assert_int_equal(
			trust_remember(path, "desk", 9777, two, message), PUNKTFUNK_E_INVALID);
	}
	static const char *const bad[] = {"desk:9777\n", "desk:9777  " HEX_A "\n", " " HEX_A "\n",
		"desk " HEX_A "\n", "desk:9777 " HEX_A "0\n", "desk:9777 X" HEX_A "\n",
		"desk:9777 1A1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a\n",
		"desk:9777 " HEX_A "\r\n"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i], strlen(bad[i]));
		assert_int_equal(
			trust_lookup(path, "desk", 9777, got, message), PUNKTFUNK_E_INVALID);
	}
}

static void a_file_of_others_is_not_believed(void **state)
{
	(void)state;
	put("desk:9777 " HEX_A "\n", 75);
	assert_int_equal(chmod(path, 0620), 0);
	assert_int_equal(trust_lookup(path, "desk", 9777, got, message), PUNKTFUNK_E_INVALID);
	assert_non_null(strstr(message, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		assert_int_equal(
			trust_lookup(path, "desk", 9777, got, message), PUNKTFUNK_E_INVALID);
		assert_non_null(strstr(message, "12345"));
	}
}

static void odd_files_are_errors(void **state)
{
	(void)state;
	put("", 0);
	assert_int_equal(trust_lookup(path, "desk", 9777, got, message), TRUST_UNKNOWN);
	assert_int_equal(truncate(path, TRUST_FILE_MAX + 1), 0);
	assert_int_equal(trust_lookup(path, "desk", 9777, got, message), PUNKTFUNK_E_FULL);
	assert_non_null(strstr(message, "1 MiB"));
	/* A folder and a pipe are no known_hosts (and the pipe does not hang us). */
	assert_true(trust_lookup(folder, "desk", 9777, got, message) < 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(trust_lookup(path, "desk", 9777, got, message) < 0);
	assert_true(strlen(message) > 0);
}

static void the_path_follows_the_environment(void **state)
{
	(void)state;
	setenv("HOME", "/home/u", 1);
	setenv("XDG_CONFIG_HOME", "/c", 1);
	char *p = trust_path();
	assert_string_equal(p, "/c/punktfunk/known_hosts");
	free(p);
	setenv("XDG_CONFIG_HOME", "relative", 1);
	p = trust_path();
	assert_string_equal(p, "/home/u/.config/punktfunk/known_hosts");
	free(p);
	unsetenv("XDG_CONFIG_HOME");
	unsetenv("HOME");
	assert_null(trust_path());
}

#define TRUST_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TRUST_TEST(a_host_is_met_and_known_again),
		TRUST_TEST(another_certificate_is_refused),
		TRUST_TEST(comments_and_empty_lines_are_kept),
		TRUST_TEST(a_damaged_file_makes_nobody_a_stranger),
		TRUST_TEST(a_file_of_others_is_not_believed),
		TRUST_TEST(odd_files_are_errors),
		cmocka_unit_test(the_path_follows_the_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
