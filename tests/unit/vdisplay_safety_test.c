/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/vdisplay/session_dir.h"
#include "host/vdisplay/shepherd.h"
#include "host/vdisplay/sway_find.h"
#include "host/vdisplay/sway_ipc.h"

/* What other users of the machine, and what runs in a session, must not get out of the host. */

#define NOBODY 65534
#define CANNOT 77 /* the machine does not let a test do this */

/* Runs fn in a process of its own, which asserts by its exit status. */
static void in_child(int (*fn)(void))
{
	int status;
	pid_t pid = fork();
	if (pid == 0)
		_exit(fn());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CANNOT) {
		fputs("# this root may not do what the test needs\n", stderr);
		return;
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static bool touch(const char *dir, const char *name)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	close(fd);
	return fd >= 0;
}

static bool is_there(const char *dir, const char *name)
{
	char path[300];
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return access(path, F_OK) == 0;
}

/* Another file system, and a folder of the same one that is mounted once more. */
static int mounts_in_a_session(void)
{
	char path[128], other[200], bound[200], real[] = "/tmp/punktfunk-real-XXXXXX";
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return CANNOT;
	int fd = session_dir_create(path, sizeof(path));
	if (fd < 0 || !mkdtemp(real))
		return 1;
	snprintf(other, sizeof(other), "%s/doc", path);
	snprintf(bound, sizeof(bound), "%s/gvfs", path);
	if (mkdir(other, 0700) < 0 || mkdir(bound, 0700) < 0 || !touch(real, "precious"))
		return 2;
	if (mount("none", other, "tmpfs", 0, NULL) < 0 || mount(real, bound, NULL, MS_BIND, NULL))
		return CANNOT;
	if (!touch(other, "precious"))
		return 3;
	session_dir_remove(path, fd);
	bool kept = is_there(other, "precious") && is_there(real, "precious");
	umount2(other, MNT_DETACH);
	umount2(bound, MNT_DETACH);
	unlinkat(AT_FDCWD, other, AT_REMOVEDIR);
	unlinkat(AT_FDCWD, bound, AT_REMOVEDIR);
	rmdir(path);
	snprintf(bound, sizeof(bound), "%s/precious", real);
	unlink(bound);
	rmdir(real);
	return kept ? 0 : 4;
}

static void what_is_mounted_in_a_session_stays(void **state)
{
	(void)state;
	in_child(mounts_in_a_session);
}

static int start_and_stop_often(void)
{
	for (int i = 0; i < 300; i++) {
		char path[128];
		int fd = session_dir_create(path, sizeof(path));
		if (fd < 0 || session_dir_write(fd, "config", "") < 0 || access(path, F_OK) < 0)
			return 1;
		session_dir_remove(path, fd);
	}
	return 0;
}

/* Each clears away what the others seem to have abandoned. */
static void hosts_that_start_at_once_leave_each_other_alone(void **state)
{
	pid_t pids[4];
	int status, n_bad = 0;
	(void)state;
	for (int i = 0; i < 4; i++) {
		pids[i] = fork();
		if (pids[i] == 0)
			_exit(start_and_stop_often());
	}
	for (int i = 0; i < 4; i++) {
		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		n_bad += !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	}
	assert_int_equal(n_bad, 0);
}

/* An ordinary user with a capability that goes on to children, as a service of systemd may be. */
static int become_capable_user(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	const uint32_t bit = 1u << CAP_NET_RAW;
	prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return -1;
	data[0].effective = data[0].permitted = data[0].inheritable = bit;
	if (syscall(SYS_capset, &head, data) < 0)
		return -1;
	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0);
}

static int run_script(const char *script, bool drop)
{
	static const gid_t groups[] = {NOBODY};
	char *const argv[] = {(char *)"sh", (char *)"-c", (char *)script, NULL};
	char *const envp[] = {(char *)"PATH=/usr/bin:/bin", NULL};
	const struct shepherd_params params = {
		.path = "/bin/sh",
		.argv = argv,
		.envp = envp,
		.dir = "/",
		.log_fd = 2,
		.drop = drop,
		.uid = NOBODY,
		.gid = NOBODY,
		.groups = groups,
		.n_groups = 1,
	};
	int pid = 0, status = 0;
	if (shepherd_start(&params, &pid) < 0 || waitpid(pid, &status, 0) != pid)
		return 1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 2;
}

#define NO_CAPABILITIES \
	"! grep -E '^Cap(Inh|Prm|Eff|Amb):' /proc/self/status | grep -qv '\t0000000000000000$'"

static int capabilities_of_a_users_program(void)
{
	if (become_capable_user() < 0)
		return CANNOT;
	return run_script(NO_CAPABILITIES, false);
}

static int capabilities_of_roots_program(void)
{
	/* The worst that a service file can say: the change of user takes nothing away by itself. */
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	if (geteuid() != 0 || syscall(SYS_capget, &head, data) < 0)
		return CANNOT;
	data[0].inheritable |= 1u << CAP_NET_RAW;
	if (syscall(SYS_capset, &head, data) < 0 ||
		prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) < 0 ||
		prctl(PR_SET_SECUREBITS, 1 << 2 /* SECBIT_NO_SETUID_FIXUP */, 0, 0, 0) < 0)
		return CANNOT;
	return run_script(NO_CAPABILITIES, true);
}

static void a_session_gets_none_of_the_hosts_capabilities(void **state)
{
	(void)state;
	in_child(capabilities_of_a_users_program);
	in_child(capabilities_of_roots_program);
}

static int rights_of_roots_program(void)
{
	const gid_t many[] = {0, 1, 2, 3};
	if (geteuid() != 0 || setgroups(4, many) < 0)
		return CANNOT;
	return run_script(
		"test \"$(grep -E '^(Uid|Gid|Groups):' /proc/self/status | tr -s '\\t ' ' ')\" = "
		"'Uid: 65534 65534 65534 65534\nGid: 65534 65534 65534 65534\nGroups: 65534 '",
		true);
}

static void a_session_of_root_keeps_no_id_of_root(void **state)
{
	(void)state;
	in_child(rights_of_roots_program);
}

static int listen_at(const char *dir, const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/%s", dir, name);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 4) < 0)
		_exit(1);
	return fd;
}

/* Answers each question as sway answers for its version, until it is ended. */
static void pretend_to_be_sway(const char *dir, int ready_fd)
{
	unsigned char message[SWAY_IPC_HEADER_LEN + 2] = "i3-ipc";
	const uint32_t len = 2, type = SWAY_IPC_GET_VERSION;
	memcpy(message + 6, &len, 4);
	memcpy(message + 10, &type, 4);
	memcpy(message + 14, "{}", 2);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0)
		_exit(1);
	int fd = listen_at(dir, "sway-ipc.0.1.sock");
	listen_at(dir, "wayland-1");
	if (write(ready_fd, "", 1) != 1)
		_exit(1);
	for (;;) {
		int c = accept(fd, NULL, NULL);
		char question[64];
		if (read(c, question, sizeof(question)) > 0 &&
			write(c, message, sizeof(message)) < 0)
			_exit(1);
		close(c);
	}
}

/* The remote person's keys would be typed into it. */
static void a_strangers_compositor_is_not_used(void **state)
{
	char dir[] = "/tmp/punktfunk-run-XXXXXX", ipc[128], wayland[128], path[200];
	int ready[2];
	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(chmod(dir, 0777), 0);
	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (pid == 0)
		pretend_to_be_sway(dir, ready[1]);
	close(ready[1]);
	char c;
	assert_int_equal(read(ready[0], &c, 1), 1);
	close(ready[0]);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	unsetenv("SWAYSOCK");
	unsetenv("SUDO_UID");
	int found = sway_find_running(NULL, ipc, sizeof(ipc), wayland, sizeof(wayland));
	int named = sway_find_running("nobody", ipc, sizeof(ipc), wayland, sizeof(wayland));
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	snprintf(path, sizeof(path), "%s/sway-ipc.0.1.sock", dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/wayland-1", dir);
	unlink(path);
	rmdir(dir);
	assert_int_equal(found, PF_E_NO_FRAME);
	assert_int_equal(named, 0); /* whose session was asked for */
}

int main(void)
{
	/* Not skip() in each: cmocka 1.1.5 (Debian 12) reports it as "not ok". */
	if (geteuid() != 0) {
		puts("1..0 # SKIP only root can become another user");
		return 0;
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hosts_that_start_at_once_leave_each_other_alone),
		cmocka_unit_test(what_is_mounted_in_a_session_stays),
		cmocka_unit_test(a_session_gets_none_of_the_hosts_capabilities),
		cmocka_unit_test(a_session_of_root_keeps_no_id_of_root),
		cmocka_unit_test(a_strangers_compositor_is_not_used),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
