/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/base/local.h"

static char dir[64], path[96];
static int listener;

static int setup(void **state)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	(void)state;
	if (test_folder(dir, sizeof(dir), "pf-local") < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/socket", dir);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return bind(listener, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
		listen(listener, 1) < 0;
}

static int teardown(void **state)
{
	(void)state;
	close(listener);
	unlink(path);
	return rmdir(dir);
}

static void who_listens_is_connected_to(void **state)
{
	(void)state;
	const int fd = local_connect(path);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(local_check(fd, path), PF_OK);
	close(fd);
}

static void who_takes_nobody_is_not_waited_for(void **state)
{
	(void)state;
	int fds[16], n = 0;
	do
		fds[n] = local_connect(path);
	while (fds[n] >= 0 && ++n < 16);
	assert_in_range(n, 1, 15);
	assert_int_equal(fds[n], PF_E_TIMEOUT);
	while (n > 0)
		close(fds[--n]);
}

static void what_is_no_path_or_nobodys_is_refused(void **state)
{
	(void)state;
	char longest[200];
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	longest[sizeof(longest) - 1] = 0;
	assert_int_equal(local_connect(longest), PF_E_INVALID);
	assert_int_equal(local_connect(""), PF_E_INVALID);
	assert_int_equal(local_connect("socket"), PF_E_INVALID);
	assert_int_equal(local_connect("/nonexistent/socket"), PF_E_IO);
	unlink(path);
	assert_int_equal(local_connect(path), PF_E_IO);
}

/* Root gets in everywhere, and a link leads anywhere. */
static void root_goes_only_to_whom_the_folder_belongs_to(void **state)
{
	(void)state;
	char other[80], link[96];
	snprintf(other, sizeof(other), "%s/other", dir);
	snprintf(link, sizeof(link), "%s/socket", other);
	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(symlink(path, link), 0);
	int fd = local_connect(link);
	assert_true(fd >= 0);
	close(fd);
	if (geteuid() == 0) {
		assert_int_equal(chown(other, 65534, 65534), 0);
		assert_int_equal(local_connect(link), PF_E_DENIED);
	}
	assert_int_equal(unlink(link) + rmdir(other), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_listens_is_connected_to),
		TEST(who_takes_nobody_is_not_waited_for),
		TEST(what_is_no_path_or_nobodys_is_refused),
		TEST(root_goes_only_to_whom_the_folder_belongs_to),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
