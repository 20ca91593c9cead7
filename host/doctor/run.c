/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/wire/text.h"
#include "host/doctor/doctor.h"
#include "host/media/clock.h"

#define MAX_CHECKS 32u
#define NS_PER_MS  1000000u

struct process {
	pid_t pid;
	int fd; /* -1: it said all it had to say */
};

static void put_text(char *out, size_t cap, const char *text)
{
	pf_text_clean(out, cap, text, strlen(text));
}

/* Behind the others of its check. */
static void put_line(struct doctor *d, const struct doctor_line *line)
{
	size_t i = d->n_lines;
	if (i == DOCTOR_MAX_LINES)
		return;
	d->n_lines++;
	for (; i && d->lines[i - 1].check > line->check; i--)
		d->lines[i] = d->lines[i - 1];
	d->lines[i] = *line;
}

void doctor_say_line(struct doctor *d, const struct doctor_line *line)
{
	struct doctor_line clean = *line;
	clean.check = d->check;
	put_text(clean.topic, sizeof(clean.topic), d->topic);
	put_text(clean.text, sizeof(clean.text), line->text);
	put_text(clean.remedy, sizeof(clean.remedy), line->remedy);
	if (d->pipe_fd >= 0)
		(void)!write(d->pipe_fd, &clean, sizeof(clean));
	else
		put_line(d, &clean);
}

void doctor_say(
	struct doctor *d, enum doctor_level level, const char *remedy, const char *format, ...)
{
	struct doctor_line line = {.level = (uint8_t)level};
	va_list ap;
	va_start(ap, format);
	vsnprintf(line.text, sizeof(line.text), format, ap);
	va_end(ap);
	snprintf(line.remedy, sizeof(line.remedy), "%s", remedy ? remedy : "");
	doctor_say_line(d, &line);
}

static void enter(struct doctor *d, const struct doctor_check *check, size_t i)
{
	d->check = (uint8_t)i;
	d->topic = check->topic;
	d->arg = check->arg;
}

/* What libraries write of themselves is for nobody here. */
static void be_quiet(void)
{
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
}

static int start(struct doctor *d, struct process *p, const struct doctor_check *check, size_t i)
{
	int ends[2];
	p->fd = -1;
	if (pipe2(ends, O_CLOEXEC) < 0)
		return pf_error_from_errno(errno);
	p->pid = fork();
	if (p->pid == 0) {
		be_quiet();
		close(ends[0]);
		d->pipe_fd = ends[1];
		enter(d, check, i);
		check->run(d);
		_exit(0);
	}
	close(ends[1]);
	if (p->pid < 0) {
		close(ends[0]);
		return pf_error_from_errno(errno);
	}
	p->fd = ends[0];
	return PF_OK;
}

static void collect(struct doctor *d, struct process *p, size_t i)
{
	struct doctor_line line;
	const ssize_t n = read(p->fd, &line, sizeof(line));
	if (n == (ssize_t)sizeof(line)) {
		line.check = (uint8_t)i;
		put_line(d, &line);
	} else if (n >= 0 || errno != EINTR) {
		close(p->fd);
		p->fd = -1;
	}
}

static void wait_for_all(struct doctor *d, struct process *all, size_t n, uint64_t until_ns)
{
	for (;;) {
		struct pollfd fds[MAX_CHECKS];
		bool open = false;
		for (size_t i = 0; i < n; i++) {
			fds[i] = (struct pollfd){.fd = all[i].fd, .events = POLLIN};
			open |= all[i].fd >= 0;
		}
		const uint64_t now_ns = clock_now_ns();
		if (!open || now_ns >= until_ns)
			return;
		const int left_ms = (int)((until_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS);
		if (poll(fds, n, left_ms) < 0 && errno != EINTR)
			return;
		for (size_t i = 0; i < n; i++)
			if (fds[i].revents && all[i].fd >= 0)
				collect(d, &all[i], i);
	}
}

static void end(struct doctor *d, struct process *p, const struct doctor_check *check, size_t i,
	int deadline_ms)
{
	int status = 0;
	enter(d, check, i);
	const enum doctor_level level = check->vital ? DOCTOR_BAD : DOCTOR_LACKS;
	if (p->pid <= 0) {
		doctor_say(d, level, "end some programs, and try again",
			"could not be looked at: the system is out of processes or descriptors");
		return;
	}
	if (p->fd >= 0) {
		kill(p->pid, SIGKILL);
		close(p->fd);
		doctor_say(d, level, check->hangs, "did not answer within %d.%d s",
			deadline_ms / 1000, deadline_ms % 1000 / 100);
	}
	while (waitpid(p->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (p->fd < 0 && WIFSIGNALED(status))
		doctor_say(d, level, "update or remove the driver or library that it uses",
			"crashed while it was looked at (signal %d)", WTERMSIG(status));
}

int doctor_run(
	struct doctor *d, const struct doctor_check *checks, size_t n_checks, int deadline_ms)
{
	struct process all[MAX_CHECKS] = {0};
	pf_check(n_checks <= MAX_CHECKS);
	const uint64_t until_ns = clock_now_ns() + (uint64_t)deadline_ms * NS_PER_MS;
	d->pipe_fd = -1;
	d->n_lines = 0;
	for (size_t i = 0; i < n_checks; i++)
		if (start(d, &all[i], &checks[i], i) < 0)
			all[i].pid = 0;
	wait_for_all(d, all, n_checks, until_ns);
	for (size_t i = 0; i < n_checks; i++)
		end(d, &all[i], &checks[i], i, deadline_ms);
	return PF_OK;
}
