/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <systemd/sd-bus.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "host/vdisplay/user_bus.h"

/* The session bus of a person's desktop, and what else may lie in its place. */

#define STRANGER 65534u

static char dir[80], path[96];
static char why[400];

static int setup(void **state)
{
	const char *tmp = getenv("TMPDIR");
	(void)state;
	/* A name that an address has to escape. */
	snprintf(dir, sizeof(dir), "%s/pf bus,%%;-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/bus", dir);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	unsetenv("SUDO_UID");
	why[0] = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir);
}

static int try(struct user_bus *b, const char *user)
{
	const int err = user_bus_open(b, user, why, sizeof(why));
	if (err < 0)
		assert_null(b->bus);
	for (const char *c = why; *c; c++)
		assert_true((unsigned char)*c >= 0x20);
	return err;
}

static int listen_there(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", path);
	assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)) + listen(fd, 8), 0);
	return fd;
}

/* As this user, in the folder. */
static pid_t start_bus(uid_t uid)
{
	char address[3 * sizeof(path)] = "--address=unix:path=";
	size_t at = strlen(address);
	for (const char *c = path; *c; c++)
		at += (size_t)snprintf(address + at, sizeof(address) - at,
			strchr(" ,%;", *c) ? "%%%02x" : "%c", (unsigned char)*c);
	int ends[2];
	char byte;
	assert_int_equal(pipe(ends), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (uid != geteuid() && (setgid(uid) < 0 || setuid(uid) < 0))
			_exit(126);
		dup2(ends[1], 1);
		unsetenv("XDG_RUNTIME_DIR"); /* it would make folders there */
		close(ends[0]);
		execlp("dbus-daemon", "dbus-daemon", "--session", "--nofork", "--nopidfile",
			"--print-address", address, (char *)NULL);
		_exit(127);
	}
	close(ends[1]);
	assert_int_equal(read(ends[0], &byte, 1), 1); /* else it is not installed: package dbus */
	close(ends[0]);
	return pid;
}

static void end_bus(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void a_bus_is_found_whatever_its_folder_is_called(void **state)
{
	struct user_bus b;
	const char *name;
	(void)state;
	const pid_t pid = start_bus(geteuid());
	assert_int_equal(try(&b, NULL), PF_OK);
	assert_int_equal(b.uid, geteuid());
	assert_true(sd_bus_get_unique_name(b.bus, &name) >= 0);
	user_bus_close(&b);
	end_bus(pid);
	assert_true(try(&b, NULL) < 0); /* its socket without it */
	assert_non_null(strstr(why, "log in to the desktop again"));
}

static void what_is_none_says_what_to_do(void **state)
{
	struct user_bus b;
	(void)state;
	assert_int_equal(try(&b, NULL), PF_E_NO_FRAME);
	assert_non_null(strstr(why, "start the host in the desktop's session"));
	setenv("DBUS_SESSION_BUS_ADDRESS", "nonsense", 1);
	assert_true(try(&b, NULL) < 0);
	assert_non_null(strstr(why, "correct DBUS_SESSION_BUS_ADDRESS"));
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	assert_true(try(&b, NULL) < 0);
	assert_non_null(strstr(why, "/nonexistent/bus"));
}

static void one_that_hangs_is_given_up(void **state)
{
	struct user_bus b;
	(void)state;
	const int fd = listen_there();
	const uint64_t began_ns = clock_now_ns();
	assert_int_equal(try(&b, NULL), PF_E_TIMEOUT);
	assert_true(clock_now_ns() - began_ns < 10 * USER_BUS_CONNECT_MS * UINT64_C(1000000));
	assert_non_null(strstr(why, "hangs"));
	close(fd);
}

/* Who put it there would see all that the remote person types. */
static void a_strangers_bus_is_not_used(void **state)
{
	struct user_bus b;
	(void)state;
	if (geteuid() != 0) {
		print_message("# another user's bus is not tried: only root can make one\n");
		return;
	}
	const int fd = listen_there();
	assert_int_equal(chown(path, STRANGER, STRANGER), 0);
	assert_int_equal(try(&b, NULL), PF_E_DENIED);
	assert_non_null(strstr(why, "65534"));
	close(fd);
}

/* A service of the system's: it goes to the bus as the person whose it is, and stays root. */
static void root_goes_as_the_desktops_user(void **state)
{
	struct user_bus b;
	(void)state;
	if (geteuid() != 0) {
		print_message("# a bus by root is not tried: only root can\n");
		return;
	}
	assert_int_equal(chown(dir, STRANGER, STRANGER), 0);
	const pid_t pid = start_bus(STRANGER);
	assert_int_equal(try(&b, "nobody"), PF_OK);
	assert_int_equal(b.uid, STRANGER);
	assert_int_equal(geteuid(), 0);
	assert_string_equal(b.dir, "/run/user/65534");
	user_bus_close(&b);
	end_bus(pid);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_bus_is_found_whatever_its_folder_is_called),
		TEST(what_is_none_says_what_to_do),
		TEST(one_that_hangs_is_given_up),
		TEST(a_strangers_bus_is_not_used),
		TEST(root_goes_as_the_desktops_user),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
