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

static char cert_pem[4096], key_pem[4096]; /* of the client that comes back */

static int connect_as(struct punktfunk_connection **c, bool known, uint32_t width, uint32_t height,
	char *message, size_t len)
{
	struct punktfunk_connect_opts o;
	punktfunk_connect_opts_init(&o);
	o.host = "127.0.0.1";
	o.port = (uint16_t)host.port;
	o.mode = (struct punktfunk_mode){width, height, 60};
	o.cert_pem = known ? cert_pem : NULL;
	o.key_pem = known ? key_pem : NULL;
	return punktfunk_connect_opts(c, &o, message, len);
}

static int connect_to(
	struct punktfunk_connection **c, uint32_t width, uint32_t height, char *message, size_t len)
{
	return connect_as(c, false, width, height, message, len);
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

/* A program of this name that runs under our host; 0 = none. */
static int find_program(const char *wanted)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int found = 0;
	assert_non_null(dir);
	while (!found && (entry = readdir(dir))) {
		char name[32];
		int parent, pid = atoi(entry->d_name);
		if (pid > 0 && read_process(pid, &parent, name) && !strcmp(name, wanted) &&
			descends_from(pid, host.pid))
			found = pid;
	}
	closedir(dir);
	return found;
}

static int find_sway(void)
{
	return find_program("sway");
}

static int wait_terminal(void)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	int pid = 0;
	while (!(pid = find_program("foot")) && clock_now_ns() < until)
		usleep(20000);
	assert_int_not_equal(pid, 0);
	return pid;
}

static struct punktfunk_connection *come_back(uint32_t width, uint32_t height)
{
	struct punktfunk_connection *c = NULL;
	struct punktfunk_mode mode;
	char message[320] = "";
	if (connect_as(&c, true, width, height, message, sizeof(message)) < 0)
		fail_msg("the host does not serve: %s", message);
	receive_frames(c, 3);
	assert_int_equal(punktfunk_connection_mode(c, &mode), 0);
	assert_int_equal(mode.width, width);
	assert_int_equal(mode.height, height);
	return c;
}

static unsigned said(const char *text)
{
	return host_process_count(&host, text);
}

/* Taken over, and lost and found: no display goes or comes, and what runs on it runs on. */
static void a_display_outlives_its_connections(void **state)
{
	(void)state;
	assert_int_equal(
		punktfunk_generate_identity(cert_pem, sizeof(cert_pem), key_pem, sizeof(key_pem)),
		PUNKTFUNK_OK);
	struct punktfunk_connection *first = come_back(800, 600);
	const int terminal = wait_terminal();
	const unsigned outputs = said("wlroots: output ");
	struct punktfunk_connection *second = come_back(1024, 768);
	struct punktfunk_frame f = {.size = sizeof(f)};
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (punktfunk_connection_next_au(first, &f, 100) != PUNKTFUNK_E_CLOSED &&
		clock_now_ns() < until)
		;
	assert_non_null(strstr(punktfunk_connection_end_message(first), "connected again"));
	punktfunk_connection_close(first);
	receive_frames(second, 3);
	assert_int_equal(find_program("foot"), terminal);
	punktfunk_connection_close(second); /* no quit */
	assert_true(host_process_logged(&host, "the display is kept", 5000));
	first = come_back(640, 480);
	assert_int_equal(find_program("foot"), terminal);
	assert_int_equal(said("wlroots: output "), outputs);
	assert_int_equal(said("back on its display"), 2);
	punktfunk_connection_disconnect_quit(first);
	punktfunk_connection_close(first);
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
	(void)state;
	return host_process_start(&host, NULL, host_args);
}

static int stop(void **state)
{
	(void)state;
	return host_process_finish(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_display_outlives_its_connections),
		cmocka_unit_test(a_real_desktop_is_streamed_and_changes_size),
		cmocka_unit_test(a_dead_compositor_ends_the_stream_not_the_host),
	};
	if (!have("sway") || !have("foot")) {
		puts("1..0 # SKIP sway or foot is not installed: scripts/deps installs both");
		return SKIP_CODE;
	}
	return cmocka_run_group_tests(tests, start, stop);
}
