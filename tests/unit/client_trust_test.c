/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/options.h"
#include "client/target.h"
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

static enum target_was was;

static int remember(const char *host, uint16_t port, const uint8_t *sha256, bool verified)
{
	struct target t = {.port = port};
	snprintf(t.host, sizeof(t.host), "%s", host);
	return target_remember(&t, path, sha256, verified, &was, message);
}

/* 1 known (got is filled), 0 unknown, or an error. */
static int lookup(const char *host, uint16_t port)
{
	struct known k;
	int err = trust_load(path, &k, message);
	const struct known_host *h = err ? NULL : known_by_address(&k, host, port);
	if (h)
		memcpy(got, h->sha256, 32);
	known_finish(&k);
	return err ? err : h != NULL;
}

static void a_host_is_met_and_known_again(void **state)
{
	(void)state;
	assert_int_equal(lookup("desk", 9777), 0);
	assert_int_equal(remember("desk", 9777, one, false), 0);
	assert_int_equal(was, TARGET_NEW);
	assert_int_equal(remember("::1", 9777, two, false), 0);
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(lookup("DESK", 9777), 1);
	assert_memory_equal(got, one, 32);
	assert_int_equal(lookup("::1", 9777), 1);
	assert_memory_equal(got, two, 32);
	assert_int_equal(lookup("desk", 9778), 0);
	assert_int_equal(lookup("des", 9777), 0);
	assert_int_equal(remember("desk", 9777, one, false), 0);
	assert_int_equal(was, TARGET_SAME);
	/* The same certificate elsewhere is the same host, and its old address stays its own. */
	assert_int_equal(remember("192.0.2.7", 9777, one, false), 0);
	assert_int_equal(was, TARGET_MOVED);
	struct known k;
	assert_int_equal(trust_load(path, &k, message), 0);
	assert_int_equal(k.n_hosts, 2);
	assert_int_equal(k.hosts[0].n_addrs, 2);
	assert_string_equal(k.hosts[0].addrs[0].host, "192.0.2.7");
	assert_string_equal(k.hosts[0].addrs[1].host, "desk");
	assert_true(k.hosts[0].used_s > 0);
	assert_false(k.hosts[0].paired);
	known_finish(&k);
}

static void another_certificate_is_refused(void **state)
{
	(void)state;
	put("desk:9777 " HEX_A "\n", 75);
	assert_int_equal(remember("desk", 9777, two, false), PUNKTFUNK_E_PIN);
	assert_non_null(strstr(message, path));
	assert_non_null(strstr(message, "desk:9777"));
	assert_non_null(strstr(message, "hosts forget desk:9777"));
	assert_int_equal(lookup("desk", 9777), 1);
	assert_memory_equal(got, one, 32);
}

static void a_pin_proves_another_certificate(void **state)
{
	(void)state;
	static const char text[] = "desk:9777,10.0.0.1:9777 " HEX_A " name=Desk\nx:1 " HEX_A "\n";
	put(text, sizeof(text) - 1);
	assert_int_equal(remember("desk", 9777, two, true), 0);
	assert_int_equal(was, TARGET_REPLACED);
	struct known k;
	assert_int_equal(trust_load(path, &k, message), 0);
	assert_int_equal(k.n_hosts, 3);
	/* The old host keeps what was not proved to be another's. */
	assert_int_equal(k.hosts[0].n_addrs, 1);
	assert_string_equal(k.hosts[0].addrs[0].host, "10.0.0.1");
	/* The name goes with the PIN: who is asked for by it must not be the old one. */
	assert_string_equal(known_label(&k.hosts[0]), "10.0.0.1");
	assert_string_equal(known_label(&k.hosts[2]), "Desk");
	assert_memory_equal(k.hosts[2].sha256, two, 32);
	assert_true(k.hosts[2].paired);
	known_finish(&k);
	/* Being met again does not unpair it. */
	assert_int_equal(remember("desk", 9777, two, false), 0);
	assert_int_equal(trust_load(path, &k, message), 0);
	assert_true(k.hosts[2].paired);
	known_finish(&k);
}

static void what_an_announcement_says_is_kept(void **state)
{
	(void)state;
	struct target t = {
		.host = "10.0.0.9", .port = 9777, .name = "Sofa", .id = "i1", .n_macs = 1};
	memset(t.macs[0], 0xab, 6);
	assert_int_equal(target_remember(&t, path, one, true, NULL, message), 0);
	/* Another host that calls itself so does not get the name. */
	snprintf(t.host, sizeof(t.host), "10.0.0.10");
	assert_int_equal(target_remember(&t, path, two, false, NULL, message), 0);
	struct known k;
	assert_int_equal(trust_load(path, &k, message), 0);
	assert_string_equal(known_label(&k.hosts[0]), "Sofa");
	assert_string_equal(k.hosts[0].id, "i1");
	assert_int_equal(k.hosts[0].n_macs, 1);
	assert_string_equal(known_label(&k.hosts[1]), "10.0.0.10");
	known_finish(&k);
	/* Nor one that is another's address: whoever types that means the other. */
	uint8_t three[32] = {3};
	snprintf(t.host, sizeof(t.host), "10.0.0.11");
	snprintf(t.name, sizeof(t.name), "10.0.0.99");
	assert_int_equal(target_remember(&t, path, three, false, NULL, message), 0);
	assert_int_equal(target_find(&t, "10.0.0.99", path, message), EXIT_FINE);
	assert_false(t.is_known);
	assert_string_equal(t.host, "10.0.0.99");
}

/* Another user can do that to a folder that they may look into. */
static void a_lock_that_is_never_left_holds_nobody_up_for_long(void **state)
{
	(void)state;
	char folder_path[300];
	snprintf(folder_path, sizeof(folder_path), "%s", path);
	assert_int_equal(remember("desk", 9777, one, false), 0); /* makes the folder */
	*strrchr(folder_path, '/') = '\0';
	int fd = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_int_equal(remember("sofa", 9777, two, false), 0);
	close(fd);
	struct known k;
	assert_int_equal(trust_load(path, &k, message), 0);
	assert_int_equal(k.n_hosts, 2);
	known_finish(&k);
}

static void a_word_finds_its_host(void **state)
{
	(void)state;
	static const char text[] = "192.0.2.1:9000 " HEX_A " name=Living%20Room paired=1\n";
	struct target t;
	put(text, sizeof(text) - 1);
	assert_int_equal(target_find(&t, "living room", path, message), EXIT_FINE);
	assert_true(t.is_known);
	assert_string_equal(t.host, "192.0.2.1");
	assert_int_equal(t.port, 9000);
	assert_string_equal(target_label(&t), "Living Room");
	char word[TARGET_WORD_MAX];
	assert_string_equal(target_word(&t, word), "192.0.2.1:9000");
	assert_int_equal(target_find(&t, "192.0.2.1:9000", path, message), EXIT_FINE);
	assert_true(t.is_known && t.known.paired);
	assert_int_equal(target_find(&t, "192.0.2.1", path, message), EXIT_FINE);
	assert_false(t.is_known); /* another port is another host */
	assert_int_equal(target_find(&t, "::1", path, message), EXIT_USAGE);
	assert_non_null(strstr(message, "brackets"));
	assert_int_equal(target_find(&t, "[::1]", NULL, message), EXIT_FINE);
	assert_string_equal(target_word(&t, word), "[::1]");
	put("x", 1);
	assert_int_equal(target_find(&t, "192.0.2.1", path, message), EXIT_TRUST);
}

static void comments_and_empty_lines_are_kept(void **state)
{
	(void)state;
	static const char text[] = "# mine\0and more\n\ndesk:9777 " HEX_A "\n";
	put(text, sizeof(text) - 1);
	assert_int_equal(remember("b", 1, two, false), 0);
	assert_int_equal(lookup("desk", 9777), 1);
	assert_int_equal(lookup("b", 1), 1);
	char now[256] = "";
	int fd = open(path, O_RDONLY);
	assert_true(read(fd, now, sizeof(now)) > (ssize_t)sizeof(text) - 1);
	close(fd);
	assert_memory_equal(now, text, sizeof(text) - 1);
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
		assert_int_equal(lookup("desk", 9777), PUNKTFUNK_E_INVALID);
		assert_non_null(strstr(message, "Line "));
		assert_int_equal(remember("desk", 9777, two, false), PUNKTFUNK_E_INVALID);
	}
	static const char *const bad[] = {"desk:9777\n", "desk:9777  " HEX_A "\n", " " HEX_A "\n",
		"desk " HEX_A "\n", "desk:9777 " HEX_A "0\n", "desk:9777 X" HEX_A "\n",
		"desk:9777 1A1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a\n",
		"desk:9777 " HEX_A "\r\n"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		put(bad[i], strlen(bad[i]));
		assert_int_equal(lookup("desk", 9777), PUNKTFUNK_E_INVALID);
	}
}

static void a_file_of_others_is_not_believed(void **state)
{
	(void)state;
	put("desk:9777 " HEX_A "\n", 75);
	assert_int_equal(chmod(path, 0620), 0);
	assert_int_equal(lookup("desk", 9777), PUNKTFUNK_E_INVALID);
	assert_non_null(strstr(message, "chmod 600"));
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		assert_int_equal(lookup("desk", 9777), PUNKTFUNK_E_INVALID);
		assert_non_null(strstr(message, "12345"));
	}
}

static void odd_files_are_errors(void **state)
{
	(void)state;
	struct known none;
	put("", 0);
	assert_int_equal(lookup("desk", 9777), 0);
	assert_int_equal(truncate(path, TRUST_FILE_MAX + 1), 0);
	assert_int_equal(lookup("desk", 9777), PUNKTFUNK_E_FULL);
	assert_non_null(strstr(message, "1 MiB"));
	/* A folder and a pipe are no known_hosts (and the pipe does not hang us). */
	assert_true(trust_load(folder, &none, message) < 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(lookup("desk", 9777) < 0);
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
	setenv("PUNKTFUNK_CONFIG_DIR", "/own", 1);
	p = trust_path();
	assert_string_equal(p, "/own/known_hosts");
	free(p);
	setenv("PUNKTFUNK_CONFIG_DIR", "own", 1);
	assert_null(trust_path());
	unsetenv("PUNKTFUNK_CONFIG_DIR");
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
		TRUST_TEST(a_pin_proves_another_certificate),
		TRUST_TEST(what_an_announcement_says_is_kept),
		TRUST_TEST(a_lock_that_is_never_left_holds_nobody_up_for_long),
		TRUST_TEST(a_word_finds_its_host),
		TRUST_TEST(comments_and_empty_lines_are_kept),
		TRUST_TEST(a_damaged_file_makes_nobody_a_stranger),
		TRUST_TEST(a_file_of_others_is_not_believed),
		TRUST_TEST(odd_files_are_errors),
		cmocka_unit_test(the_path_follows_the_environment),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
