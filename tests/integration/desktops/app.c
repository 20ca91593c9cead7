/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/app.h"

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "tests/integration/desktops/rig.h"

void app_start(struct app *a, int width, int height, uint32_t rgb)
{
	char size[32], colour[16];
	int in[2], out[2];
	snprintf(size, sizeof(size), "%dx%d", width, height);
	snprintf(colour, sizeof(colour), "%06x", rgb);
	const char *const argv[] = {rig_wl_app(), size, colour, NULL};
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	memset(a, 0, sizeof(*a));
	a->pid = rig_spawn(argv, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	a->in = in[1];
	a->out = out[0];
	fcntl(a->out, F_SETFL, O_NONBLOCK);
}

void app_end(struct app *a)
{
	if (a->pid <= 0)
		return;
	close(a->in);
	close(a->out);
	for (int i = 0; waitpid(a->pid, NULL, WNOHANG) == 0; i++) {
		if (i > 500)
			kill(a->pid, SIGKILL);
		rig_pause_ms(2);
	}
	a->pid = 0;
}

void app_say(struct app *a, const char *command)
{
	assert_int_equal(write(a->in, command, strlen(command)), (ssize_t)strlen(command));
}

static void take(struct app *a)
{
	ssize_t n;
	if (a->len > sizeof(a->text) / 2 && a->from > 0) {
		memmove(a->text, a->text + a->from, a->len - a->from);
		a->len -= a->from;
		a->from = 0;
	}
	while (a->len + 1 < sizeof(a->text) &&
		(n = read(a->out, a->text + a->len, sizeof(a->text) - 1 - a->len)) > 0)
		a->len += (size_t)n;
	a->text[a->len] = 0;
}

void app_forget(struct app *a)
{
	take(a);
	a->from = a->len;
}

/* The next whole line at or after `at` that begins with text; *rest is what follows it. */
static char *find(const struct app *a, char *at, const char *text, const char **rest)
{
	const size_t len = strlen(text);
	char *end;
	for (; (end = strchr(at, '\n')); at = end + 1) {
		if (strncmp(at, text, len) == 0 && (at[len] == ' ' || at[len] == '\n')) {
			*rest = at + len;
			return end + 1;
		}
	}
	return NULL;
}

bool app_said(struct app *a, const char *text)
{
	const char *rest;
	take(a);
	return find(a, a->text + a->from, text, &rest) != NULL;
}

const char *app_wait(struct app *a, const char *text, unsigned timeout_ms)
{
	const uint64_t until = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	const char *rest;
	for (;;) {
		take(a);
		if (find(a, a->text + a->from, text, &rest))
			return rest;
		if (clock_now_ns() > until)
			return NULL;
		rig_pause_ms(1);
	}
}

static bool is_near(struct app *a, const char *text, double x, double y, double most)
{
	const char *rest, *last = NULL;
	double got[3];
	take(a);
	for (char *at = a->text + a->from; (at = find(a, at, text, &rest));)
		last = rest;
	/* A finger's number comes before where it is. */
	const int n = last ? sscanf(last, "%lf %lf %lf", &got[0], &got[1], &got[2]) : 0;
	return n >= 2 && fabs(got[n - 2] - x) <= most && fabs(got[n - 1] - y) <= most;
}

bool app_wait_near(
	struct app *a, const char *text, double x, double y, double most, unsigned timeout_ms)
{
	const uint64_t until = clock_now_ns() + timeout_ms * UINT64_C(1000000);
	while (!is_near(a, text, x, y, most)) {
		if (clock_now_ns() > until)
			return false;
		rig_pause_ms(1);
	}
	return true;
}

double app_sum(struct app *a, const char *text)
{
	const char *rest;
	double sum = 0;
	take(a);
	for (char *at = a->text + a->from; (at = find(a, at, text, &rest));)
		sum += strtod(rest, NULL);
	return sum;
}
