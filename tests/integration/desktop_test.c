/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "punktfunk_core.h"
#include "tests/support/host_process.h"

/*
 * A real host with a real desktop of its own and a client over the C ABI. PUNKTFUNK_HOST names the host;
 * without sway and foot everything is skipped.
 */

#define WAIT_NS	  20000000000ull /* a cold start of a compositor on a busy machine */
#define SKIP_CODE 77

static struct host_process host;

static const char *const host_args[] = {"--source", "virtual", "--own-session", NULL};

static int connect_to(
	struct punktfunk_connection **c, uint32_t width, uint32_t height, char *message, size_t len)
{
	struct punktfunk_connect_opts o;
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)host.port;
	o.mode = (struct punktfunk_mode){width, height, 60};
	return punktfunk_connect_opts(c, &o, message, len);
}

static struct punktfunk_connection *connect_or_fail(void)
{
	struct punktfunk_connection *c = NULL;
	char message[320] = "";
	if (connect_to(&c, 800, 600, message, sizeof(message)) < 0)
		fail_msg("the host does not serve: %s", message);
	return c;
}

static void receive_frames(struct punktfunk_connection *c, int n)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (n > 0 && clock_now_ns() < until) {
		struct punktfunk_frame f = {.size = sizeof(f)};
		int err = punktfunk_connection_next_au(c, &f, 100);
		if (err == PUNKTFUNK_OK)
			n--;
		else if (err != PUNKTFUNK_E_NO_FRAME)
			fail_msg("the stream ended: %s", punktfunk_connection_end_message(c));
	}
	assert_int_equal(n, 0);
}

/* parent and name of a process; false when it is gone. */
static bool read_process(int pid, int *parent, char name[32])
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	FILE *f = fopen(path, "re");
	bool ok = f && fscanf(f, "%*d (%31[^)]) %*c %d", name, parent) == 2;
	if (f)
		fclose(f);
	return ok;
}

static bool descends_from(int pid, int ancestor)
{
	char name[32];
	for (int depth = 0; depth < 16 && pid > 1; depth++) {
		if (pid == ancestor)
			return true;
		if (!read_process(pid, &pid, name))
			return false;
	}
	return false;
}

/* The compositor that our host started; 0 = none. */
static int find_sway(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int found = 0;
	assert_non_null(dir);
	while (!found && (entry = readdir(dir))) {
		char name[32];
		int parent, pid = atoi(entry->d_name);
		if (pid > 0 && read_process(pid, &parent, name) && !strcmp(name, "sway") &&
			descends_from(pid, host.pid))
			found = pid;
	}
	closedir(dir);
	return found;
}

static void a_real_desktop_is_streamed_and_changes_size(void **state)
{
	struct punktfunk_mode mode;
	(void)state;
	struct punktfunk_connection *c = connect_or_fail();
	receive_frames(c, 3);
	assert_int_equal(punktfunk_connection_mode(c, &mode), 0);
	assert_int_equal(mode.width, 800);
	assert_int_equal(mode.height, 600);
	assert_int_equal(punktfunk_connection_request_mode(c, 1024, 768, 60), 0);
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!punktfunk_connection_mode_result(c) && clock_now_ns() < until)
		receive_frames(c, 1);
	assert_int_equal(punktfunk_connection_mode_result(c), 1);
	assert_int_equal(punktfunk_connection_mode(c, &mode), 0);
	assert_int_equal(mode.width, 1024);
	receive_frames(c, 3);
	punktfunk_connection_disconnect_quit(c);
	punktfunk_connection_close(c);
}

static void a_dead_compositor_ends_the_stream_not_the_host(void **state)
{
	(void)state;
	for (int round = 0; round < 2; round++) {
		struct punktfunk_connection *c = connect_or_fail();
		receive_frames(c, 2);
		int sway = find_sway();
		assert_true(sway > 0);
		assert_int_equal(kill(sway, SIGKILL), 0);
		struct punktfunk_frame f = {.size = sizeof(f)};
		uint64_t until = clock_now_ns() + 5000000000ull;
		int err = 0;
		while (err != PUNKTFUNK_E_CLOSED && clock_now_ns() < until)
			err = punktfunk_connection_next_au(c, &f, 100);
		assert_int_equal(err, PUNKTFUNK_E_CLOSED);
		assert_int_equal(punktfunk_connection_end_reason(c), PUNKTFUNK_END_HOST_ERROR);
		const char *said = punktfunk_connection_end_message(c);
		if (!strstr(said, "compositor") && !strstr(said, "sway") &&
			!strstr(said, "desktop"))
			fail_msg("the client was told '%s'", said);
		punktfunk_connection_close(c);
		assert_true(host_process_running(&host));
	}
	struct punktfunk_connection *c = connect_or_fail();
	receive_frames(c, 2);
	punktfunk_connection_close(c);
}

static bool have(const char *program)
{
	char command[128];
	snprintf(command, sizeof(command), "command -v %s >/dev/null 2>&1", program);
	return system(command) == 0;
}

static int start(void **state)
{
	const char *path = getenv("PUNKTFUNK_HOST");
	(void)state;
	return path ? host_process_start(&host, path, host_args) : -1;
}

static int stop(void **state)
{
	(void)state;
	int err = host_process_end(&host);
	host_process_clean(&host);
	return err;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_real_desktop_is_streamed_and_changes_size),
		cmocka_unit_test(a_dead_compositor_ends_the_stream_not_the_host),
	};
	if (!have("sway") || !have("foot")) {
		puts("1..0 # SKIP sway or foot is not installed: scripts/deps installs both");
		return SKIP_CODE;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
