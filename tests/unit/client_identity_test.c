/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/identity.h"

static char folder[64], path[128], message[TRUST_MESSAGE_MAX];
static struct identity id, again;

static int make_folder(void **state)
{
	(void)state;
	if (test_folder(folder, sizeof(folder), "pf-identity") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/punktfunk/client.pem", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	char dir[128];
	identity_finish(&id);
	identity_finish(&again);
	unlink(path);
	snprintf(dir, sizeof(dir), "%s/punktfunk", folder);
	rmdir(dir); /* fails when something was left beside it, and then so does the next */
	return rmdir(folder);
}

static void it_is_made_once(void **state)
{
	(void)state;
	struct stat st;
	assert_int_equal(identity_load(&id, path, message), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(identity_load(&again, path, message), 0);
	assert_memory_equal(id.sha256, again.sha256, 32);
	assert_string_equal(id.pem, again.pem);
	assert_non_null(strstr(id.pem, "PRIVATE KEY"));
}

/* What is there stays there, whatever it is. */
static void stays(int err, const char *word)
{
	struct stat before, after;
	assert_int_equal(lstat(path, &before), 0);
	assert_int_equal(identity_load(&again, path, message), err);
	assert_int_equal(lstat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_size, after.st_size);
	if (!strstr(message, word) || !strstr(message, path))
		fail_msg("'%s' does not say '%s' and where", message, word);
}

static void a_file_that_is_not_ours_alone_stays_unused(void **state)
{
	(void)state;
	assert_int_equal(identity_load(&id, path, message), 0);
	assert_int_equal(chmod(path, 0640), 0);
	stays(PUNKTFUNK_E_INVALID, "chmod 600");
	assert_int_equal(chmod(path, 0600), 0);
	if (geteuid() == 0) {
		assert_int_equal(chown(path, 12345, (gid_t)-1), 0);
		stays(PUNKTFUNK_E_INVALID, "12345");
	}
}

static void damaged_files_are_never_replaced(void **state)
{
	(void)state;
	assert_int_equal(identity_load(&id, path, message), 0);
	assert_int_equal(truncate(path, (off_t)strlen(id.pem) / 2), 0);
	assert_true(identity_load(&again, path, message) < 0);
	assert_non_null(strstr(message, path));
	assert_int_equal(truncate(path, 0), 0);
	assert_true(identity_load(&again, path, message) < 0);
	assert_int_equal(truncate(path, PUNKTFUNK_PEM_MAX + 1), 0);
	stays(PUNKTFUNK_E_FULL, "too large");
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(identity_load(&again, path, message) < 0);
	unlink(path);
	assert_int_equal(symlink("/nowhere", path), 0);
	stays(PUNKTFUNK_E_IO, "cannot be read");
	unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(identity_load(&again, path, message) < 0);
	rmdir(path);
}

static void a_folder_that_takes_nothing_is_said(void **state)
{
	(void)state;
	assert_true(identity_load(&id, "/proc/nowhere/client.pem", message) < 0);
	assert_non_null(strstr(message, "/proc/nowhere/client.pem"));
}

#define ID_TEST(f) cmocka_unit_test_setup_teardown(f, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ID_TEST(it_is_made_once),
		ID_TEST(a_file_that_is_not_ours_alone_stays_unused),
		ID_TEST(damaged_files_are_never_replaced),
		ID_TEST(a_folder_that_takes_nothing_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
