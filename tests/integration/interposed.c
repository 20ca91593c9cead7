/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/integration/interposed.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

#define WAIT_MS 5000
#define TURN_MS 50

/* Returns false when nothing more comes within the time. */
static bool read_more(struct interposed *i, int timeout_ms)
{
	struct pollfd fd = {.fd = i->out, .events = POLLIN};
	if (poll(&fd, 1, timeout_ms) <= 0)
		return false;
	const size_t room = sizeof i->said - 1 - i->said_len;
	assert_true(room > 0);
	ssize_t n = read(i->out, i->said + i->said_len, room);
	if (n <= 0)
		return false;
	i->said_len += (size_t)n;
	i->said[i->said_len] = 0;
	return true;
}

bool interposed_said(struct interposed *i, const char *text)
{
	while (read_more(i, 0))
		;
	return strstr(i->said, text);
}

void interposed_expect(struct interposed *i, const char *text)
{
	for (int waited = 0; !strstr(i->said, text) && waited < WAIT_MS; waited += TURN_MS)
		read_more(i, TURN_MS);
	if (!strstr(i->said, text))
		fail_msg("the interposer did not say '%s', but:\n%s", text, i->said);
}

void interposed_start(struct interposed *i, int host_port, const char *how, const char *with)
{
	int in[2], out[2];
	char port[16];
	const char *path = getenv("PUNKTFUNK_INTERPOSER");
	assert_non_null(path);
	memset(i, 0, sizeof *i);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	snprintf(port, sizeof port, "%d", host_port);
	i->pid = fork();
	assert_true(i->pid >= 0);
	if (i->pid == 0) {
		dup2(in[0], STDIN_FILENO);
		dup2(out[1], STDOUT_FILENO);
		execl(path, path, port, how, with, (char *)NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	i->in = in[1];
	i->out = out[0];
	interposed_expect(i, "\n");
	assert_int_equal(sscanf(i->said, "port %d", &i->port), 1);
}

void interposed_stop(struct interposed *i)
{
	int status = 0;
	if (i->pid <= 0)
		return;
	close(i->in);
	while (read_more(i, WAIT_MS))
		;
	close(i->out);
	assert_int_equal(waitpid(i->pid, &status, 0), i->pid);
	i->pid = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
