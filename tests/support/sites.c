/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/sites.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/test.h"

#define POLL_MS	    10
#define END_WAIT_MS 10000
#define RUN_WAIT_MS 30000
#define LOG_MAX	    65536

static char folder[128];
static int net_fds[N_SITES] = {-1, -1};

const char *sites_path(const char *name)
{
	static char paths[4][256];
	static unsigned next;
	char *path = paths[next++ % 4];
	snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000l}, NULL);
}

/* In the child: the network of the site, its own /run, and the program. */
static void exec_in_site(enum site site, int out, const char *const *argv)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (setns(net_fds[site], CLONE_NEWNET) < 0 || unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mount(sites_path(site == SITE_A ? "run-a" : "run-b"), "/run", NULL, MS_BIND, NULL) <
			0)
		perror("the site cannot be entered");
	else
		execvp(argv[0], (char *const *)argv);
	perror(argv[0]);
	_exit(127);
}

int sites_enter(enum site site)
{
	return setns(net_fds[site], CLONE_NEWNET);
}

pid_t sites_spawn(enum site site, const char *log, const char *const *argv)
{
	int fd = open(sites_path(log), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	pid_t pid = fd < 0 ? -1 : fork();
	if (pid == 0)
		exec_in_site(site, fd, argv);
	if (fd >= 0)
		close(fd);
	return pid;
}

/* Returns the wait status once it has ended within the time, or -1. */
static int wait_end(pid_t pid, int timeout_ms)
{
	int status;
	for (int waited = 0; waited < timeout_ms; waited += POLL_MS) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		pause_ms(POLL_MS);
	}
	return -1;
}

int sites_end(pid_t *pid)
{
	if (*pid <= 0)
		return 0;
	kill(*pid, SIGTERM);
	int status = wait_end(*pid, END_WAIT_MS);
	if (status < 0) {
		kill(*pid, SIGKILL);
		waitpid(*pid, &status, 0);
	}
	*pid = 0;
	return status;
}

static size_t read_file(const char *path, char *out, size_t cap)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(out, 1, cap - 1, f) : 0;
	out[n] = '\0';
	if (f)
		fclose(f);
	return n;
}

int sites_run(enum site site, const char *const *argv, char *out, size_t cap)
{
	unlink(sites_path("run.log"));
	pid_t pid = sites_spawn(site, "run.log", argv);
	int status = pid > 0 ? wait_end(pid, RUN_WAIT_MS) : -1;
	if (pid > 0 && status < 0)
		sites_end(&pid);
	read_file(sites_path("run.log"), out, cap);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool sites_logged(const char *log, const char *text, unsigned n, int timeout_ms)
{
	static char content[LOG_MAX];
	for (int waited = 0;; waited += POLL_MS) {
		unsigned seen = 0;
		read_file(sites_path(log), content, sizeof(content));
		for (const char *p = content; (p = strstr(p, text)); p += strlen(text))
			seen++;
		if (seen >= n)
			return true;
		if (waited >= timeout_ms) {
			fprintf(stderr, "%s has not '%s' %u times:\n%s\n", log, text, n, content);
			return false;
		}
		pause_ms(POLL_MS);
	}
}

static int ip(enum site site, const char *const *argv)
{
	char out[1024];
	if (sites_run(site, argv, out, sizeof(out)) == 0)
		return 0;
	fprintf(stderr, "ip %s %s: %s\n", argv[1], argv[2], out);
	return -1;
}
#define IP(site, ...) ip(site, (const char *const[]){"ip", __VA_ARGS__, NULL})

static int lay_cable(void)
{
	char peer[64];
	snprintf(peer, sizeof(peer), "/proc/%d/fd/%d", (int)getpid(), net_fds[SITE_B]);
	if (IP(SITE_A, "link", "add", "cable-a", "type", "veth", "peer", "name", "cable-b", "netns",
		    peer) < 0)
		return -1;
	return IP(SITE_A, "addr", "add", "10.77.0.1/24", "dev", "cable-a") |
		IP(SITE_B, "addr", "add", "10.77.0.2/24", "dev", "cable-b") |
		IP(SITE_A, "link", "set", "lo", "up") | IP(SITE_B, "link", "set", "lo", "up") |
		IP(SITE_A, "link", "set", "cable-a", "up") |
		IP(SITE_B, "link", "set", "cable-b", "up");
}

/* A child tries it: the test itself stays where it is until that is known. */
static bool may_unshare(void)
{
	int status = -1;
	pid_t pid = fork();
	if (pid == 0)
		_exit(unshare(CLONE_NEWNET | CLONE_NEWNS) < 0 ||
			mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

int sites_open(void)
{
	if (!may_unshare()) {
		puts("skipped: network namespaces are not permitted here (run it as root)");
		return SITES_SKIP;
	}
	if (test_folder(folder, sizeof(folder), "sites") < 0) {
		perror("no temporary folder");
		return -1;
	}
	for (int i = 0; i < N_SITES; i++) {
		const char *run = sites_path(i == SITE_A ? "run-a" : "run-b");
		if (unshare(CLONE_NEWNET) < 0 || mkdir(run, 0755) < 0)
			return -1;
		net_fds[i] = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
		if (net_fds[i] < 0)
			return -1;
	}
	return lay_cable();
}

void sites_close(void)
{
	char command[sizeof(folder) + 32];
	for (int i = 0; i < N_SITES; i++)
		if (net_fds[i] >= 0)
			close(net_fds[i]);
	if (!folder[0])
		return;
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	if (system(command) != 0)
		fprintf(stderr, "%s could not be removed\n", folder);
}
