/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/vdisplay/shepherd.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/media/clock.h"

/* From SIGTERM to SIGKILL: a compositor closes its clients' windows and goes; nobody is asked anything. */
#define TERM_GRACE_MS 2000u
/* What the program left behind has lost its display and gets less. */
#define REST_GRACE_MS 300u
/* Rounds of SIGKILL until we give up on processes that the kernel does not end. */
#define MAX_KILL_ROUNDS 50
/* The shepherd's own worst case, and some. */
#define STOP_TIMEOUT_MS 6000u

/*
 * Everything down to shepherd_start() runs in a child forked off a process with threads: only what
 * signal handlers may call.
 */

static void say(const char *what)
{
	const char *parts[] = {"shepherd: ", what, ": ", strerrordesc_np(errno), "\n"};
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (parts[i] && write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0)
			return;
	}
}

static void die(const char *what)
{
	say(what);
	_exit(127);
}

static void set_descriptors(int log_fd)
{
	const int null_fd = open("/dev/null", O_RDWR);
	/* log_fd may be one of the three: out of their way first. */
	const int log = fcntl(log_fd, F_DUPFD, 3);
	if (null_fd < 0 || log < 0 || dup2(log, STDERR_FILENO) < 0)
		_exit(127);
	if (dup2(log, STDOUT_FILENO) < 0 || dup2(null_fd, STDIN_FILENO) < 0)
		die("cannot set up standard streams");
	if (syscall(SYS_close_range, 3u, ~0u, 0u) < 0) {
		for (int fd = 3; fd < 65536; fd++)
			close(fd);
	}
}

/*
 * Capabilities that the host was given (by its service, or by its file) are for the host. The change of user
 * takes them only where nobody asked the kernel to leave them, and those of an ordinary user stay.
 */
static void drop_capabilities(void)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		die("cannot give the host's ambient capabilities up");
	if (geteuid() != 0 && syscall(SYS_capset, &head, none) < 0)
		die("cannot give the host's capabilities up");
}

static void drop_rights(const struct shepherd_params *p)
{
	if (p->drop &&
		(setgroups(p->n_groups, p->groups) < 0 || setresgid(p->gid, p->gid, p->gid) < 0 ||
			setresuid(p->uid, p->uid, p->uid) < 0))
		die("cannot become the session's user");
	drop_capabilities();
	if (p->drop && p->uid != 0 && setuid(0) == 0) {
		errno = EPERM;
		die("root's rights could be taken back");
	}
}

static void run_program(const struct shepherd_params *p, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(127);
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(p->path, p->argv, p->envp);
	die(p->path);
}

/* Signals each child that we have now; returns how many. */
static int signal_children(int signal_number)
{
	char text[4096];
	const int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	const ssize_t len = read(fd, text, sizeof(text));
	close(fd);
	int n = 0;
	pid_t pid = 0;
	for (ssize_t i = 0; i < len; i++) {
		if (text[i] >= '0' && text[i] <= '9') {
			pid = pid * 10 + (text[i] - '0');
		} else if (pid > 0) {
			kill(pid, signal_number);
			pid = 0;
			n++;
		}
	}
	return n;
}

static bool wait_signal(const sigset_t *set, unsigned timeout_ms, int *got)
{
	const struct timespec ts = {timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000};
	*got = sigtimedwait(set, NULL, &ts);
	return *got > 0;
}

/* Reaps what has ended; true when there is no child left. */
static bool reap(pid_t program, int *status)
{
	for (;;) {
		int s;
		const pid_t pid = waitpid(-1, &s, WNOHANG);
		if (pid == 0)
			return false;
		if (pid < 0)
			return errno == ECHILD;
		if (pid == program)
			*status = s;
	}
}

static void end_the_rest(const sigset_t *set)
{
	int ignored, got;
	signal_children(SIGTERM);
	uint64_t deadline_ns = clock_now_ns() + REST_GRACE_MS * UINT64_C(1000000);
	while (!reap(0, &ignored)) {
		const uint64_t now_ns = clock_now_ns();
		if (now_ns >= deadline_ns)
			break;
		wait_signal(set, (unsigned)((deadline_ns - now_ns) / 1000000) + 1, &got);
	}
	for (int i = 0; i < MAX_KILL_ROUNDS && !reap(0, &ignored); i++) {
		signal_children(SIGKILL);
		wait_signal(set, 20, &got);
	}
}

static void shepherd_main(const struct shepherd_params *p, pid_t host)
{
	setsid();
	prctl(PR_SET_NAME, "pf-shepherd");
	set_descriptors(p->log_fd);
	drop_rights(p);
	if (p->dir && chdir(p->dir) < 0)
		die(p->dir);
	/* After the change of user, which clears it. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != host)
		_exit(127);
	prctl(PR_SET_CHILD_SUBREAPER, 1);

	const pid_t self = getpid();
	const pid_t program = fork();
	if (program < 0)
		die("cannot fork");
	if (program == 0)
		run_program(p, self);

	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	int status = -1, got;
	bool told = false;
	for (;;) {
		const bool signalled = wait_signal(&set, told ? TERM_GRACE_MS : 3600000u, &got);
		if (signalled && got == SIGTERM && !told) {
			kill(program, SIGTERM);
			told = true;
		} else if (!signalled && told && errno == EAGAIN) {
			kill(program, SIGKILL);
		}
		reap(program, &status);
		if (status != -1)
			break;
	}
	end_the_rest(&set);
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

int shepherd_start(const struct shepherd_params *params, int *pid)
{
	/* Blocked before the fork: no handler of the host's may run in the child. */
	sigset_t all, old;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	const pid_t host = getpid();
	const pid_t child = fork();
	if (child == 0) {
		for (int s = 1; s < NSIG; s++)
			signal(s, SIG_DFL);
		shepherd_main(params, host);
	}
	const int e = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (child < 0)
		return pf_error_from_errno(e);
	*pid = child;
	return 0;
}

static bool wait_for_end(int pid, unsigned timeout_ms)
{
	const uint64_t deadline_ns = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	for (;;) {
		int status;
		const pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid || (got < 0 && errno == ECHILD))
			return true;
		if (clock_now_ns() >= deadline_ns)
			return false;
		const struct timespec pause = {0, 2000000};
		nanosleep(&pause, NULL);
	}
}

void shepherd_stop(int pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGTERM);
	if (wait_for_end(pid, STOP_TIMEOUT_MS))
		return;
	kill(pid, SIGKILL);
	wait_for_end(pid, STOP_TIMEOUT_MS);
}
