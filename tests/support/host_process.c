/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/support/host_process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS      32
#define START_WAIT_MS 10000
#define LOG_END	      4000u /* what is shown of a log */
#define LOG_MAX	      262144
#define POLL_MS	      5

/* Most tests are not about who may come in. */
static bool wants_pairing(const char *const *args)
{
	for (; *args; args++)
		if (!strcmp(*args, "--require-pairing"))
			return true;
	return false;
}

static void exec_host(const struct host_process *h, const char *path, const char *const *args)
{
	char trace[128], summary[128], log[128];
	snprintf(trace, sizeof(trace), "%s/trace.csv", h->dir);
	snprintf(summary, sizeof(summary), "%s/summary.json", h->dir);
	snprintf(log, sizeof(log), "%s/host.log", h->dir);
	const char *argv[MAX_ARGS] = {path, "native-host", "--port", "0", "--config-dir", h->dir,
		"--trace", trace, "--summary", summary};
	size_t n = 10;
	argv[n++] = "--bind";
	argv[n++] = "127.0.0.1";
	if (!wants_pairing(args))
		argv[n++] = "--allow-tofu";
	while (*args && n + 1 < MAX_ARGS)
		argv[n++] = *args++;
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, STDERR_FILENO);
	dup2(fd, STDOUT_FILENO);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	execv(path, (char *const *)argv);
	_exit(127);
}

static size_t read_log(const struct host_process *h, char *out, size_t cap)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/host.log", h->dir);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(out, 1, cap - 1, f) : 0;
	out[n] = 0;
	if (f)
		fclose(f);
	return n;
}

static void pause_ms(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000l}, NULL);
}

bool host_process_logged(const struct host_process *h, const char *text, int timeout_ms)
{
	static char log[LOG_MAX];
	for (int waited = 0;; waited += POLL_MS) {
		read_log(h, log, sizeof(log));
		if (strstr(log, text))
			return true;
		if (waited >= timeout_ms)
			return false;
		pause_ms(POLL_MS);
	}
}

unsigned host_process_count(const struct host_process *h, const char *text)
{
	static char log[LOG_MAX];
	unsigned n = 0;
	read_log(h, log, sizeof(log));
	for (const char *at = log; (at = strstr(at, text)); at++)
		n++;
	return n;
}

static int wait_listening(struct host_process *h)
{
	static char log[LOG_MAX];
	static const char mark[] = ", UDP port ";
	for (int waited = 0; waited < START_WAIT_MS; waited += POLL_MS) {
		read_log(h, log, sizeof(log));
		char *at = strstr(log, "listening on ");
		at = at ? strstr(at, mark) : NULL;
		if (at && strchr(at, '\n')) {
			h->port = atoi(at + sizeof(mark) - 1);
			return 0;
		}
		if (!host_process_running(h))
			break;
		pause_ms(POLL_MS);
	}
	read_log(h, log, sizeof(log));
	fprintf(stderr, "the host did not start:\n%s\n", log);
	return -1;
}

int host_process_start(struct host_process *h, const char *path, const char *const *args)
{
	memset(h, 0, sizeof(*h));
	if (!path)
		path = getenv("PUNKTFUNK_HOST");
	if (!path) {
		fprintf(stderr, "set PUNKTFUNK_HOST to the program punktfunk-host\n");
		return -1;
	}
	const char *tmp = getenv("TMPDIR");
	const int n = snprintf(
		h->dir, sizeof(h->dir), "%s/punktfunk-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	if (n < 0 || (size_t)n >= sizeof(h->dir) || !mkdtemp(h->dir)) {
		perror("no temporary folder");
		return -1;
	}
	h->pid = fork();
	if (h->pid == 0)
		exec_host(h, path, args);
	if (h->pid > 0 && wait_listening(h) == 0)
		return 0;
	host_process_end(h);
	host_process_clean(h);
	return -1;
}

int host_process_restart(struct host_process *h, const char *path, const char *const *args)
{
	char log[128];
	snprintf(log, sizeof(log), "%s/host.log", h->dir);
	unlink(log);
	h->pid = fork();
	if (h->pid == 0)
		exec_host(h, path, args);
	return h->pid > 0 ? wait_listening(h) : -1;
}

void host_process_kill(struct host_process *h)
{
	if (h->pid <= 0)
		return;
	kill(h->pid, SIGKILL);
	waitpid(h->pid, NULL, 0);
	h->pid = 0;
}

bool host_process_running(struct host_process *h)
{
	return h->pid > 0 && waitpid(h->pid, NULL, WNOHANG) == 0;
}

int host_process_end(struct host_process *h)
{
	int status = 0;
	if (h->pid <= 0)
		return -1;
	kill(h->pid, SIGTERM);
	pid_t got = waitpid(h->pid, &status, 0);
	h->pid = 0;
	if (got > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	fprintf(stderr,
		"host_process: the host ended badly (wait status %#x); its log ends with:\n",
		(unsigned)status);
	static char log[LOG_MAX];
	size_t len = read_log(h, log, sizeof(log));
	fprintf(stderr, "%s\n", log + (len > LOG_END ? len - LOG_END : 0));
	return -1;
}

void host_process_clean(struct host_process *h)
{
	static const char *const files[] = {"host.log", "trace.csv", "summary.json", "cert.pem",
		"key.pem", "host-id", "host.sock", "punktfunk1-paired.json",
		"punktfunk1-paired.json.bak", "gamestream-cert.pem", "gamestream-key.pem",
		"gamestream-paired.json", "gamestream-paired.json.bak", "apps.json"};
	char path[128];
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", h->dir, files[i]);
		unlink(path);
	}
	rmdir(h->dir);
}

int host_process_finish(struct host_process *h)
{
	const int err = host_process_end(h);
	host_process_clean(h);
	return err;
}

long host_process_rss_kb(const struct host_process *h)
{
	char path[64], line[128];
	long kb = 0;
	snprintf(path, sizeof(path), "/proc/%d/status", (int)h->pid);
	FILE *f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmRSS: %ld", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb;
}
