/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/base/log.h"
#include "host/media/clock.h"
#include "host/vdisplay/sway_ipc.h"
#include "host/vdisplay/sway_output.h"
#include "tests/integration/desk.h"

/* Hosts that are killed in somebody's sway: the next one clears up. */

static struct desk owner, guest;
static struct vdisplay_output theirs;
static char socket_path[128];

/* The sway that belongs to somebody: a session of its own, with one output that is used. */
static void start_owner(void)
{
	desk_open(&owner, true, "sleep 1000");
	assert_int_equal(
		vdisplay_add_output(owner.vdisplay, 1280, 720, VDISPLAY_MHZ(60), &theirs), 0);
	snprintf(socket_path, sizeof(socket_path), "%s", theirs.wayland_display);
	snprintf(strrchr(socket_path, '/'), 16, "/sway.sock");
	setenv("SWAYSOCK", socket_path, 1);
}

static void end_owner(void)
{
	unsetenv("SWAYSOCK");
	desk_close(&owner);
}

/* Outputs that somebody streams, and whether the owner's has the focus. */
static unsigned count_used(bool *focused)
{
	struct sway_ipc ipc;
	char name[64];
	unsigned n = 0;
	assert_int_equal(sway_ipc_open(&ipc, socket_path), 0);
	for (int i = 1; i < 16; i++) {
		snprintf(name, sizeof(name), "HEADLESS-%d", i);
		n += sway_output_is_used(&ipc, name) > 0;
	}
	assert_int_equal(sway_output_focused(&ipc, name, sizeof(name)), 0);
	*focused = strcmp(name, theirs.name) == 0;
	sway_ipc_close(&ipc);
	return n;
}

/* A host with n displays in the owner's sway. Returns its process, and a pipe whose closing ends it in order. */
static pid_t start_guest(unsigned n, int *stop)
{
	int ready[2], go[2];
	char byte;
	assert_int_equal(pipe(ready) + pipe(go), 0);
	const pid_t pid = fork();
	if (pid == 0) {
		struct vdisplay_output o;
		close(go[1]);
		desk_open(&guest, false, NULL);
		for (unsigned i = 0; i < n; i++) {
			if (vdisplay_add_output(
				    guest.vdisplay, 800 + i * 16, 600, VDISPLAY_MHZ(60), &o) < 0)
				_exit(1);
		}
		if (write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 0)
			_exit(1);
		desk_close(&guest);
		_exit(0);
	}
	close(ready[1]);
	close(go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*stop = go[1];
	return pid;
}

static void end_guest(pid_t pid, int stop)
{
	close(stop);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void a_killed_host_leaves_nothing_after_the_next_start(void **state)
{
	(void)state;
	bool focused;
	int stop, status;
	start_owner();
	for (unsigned round = 1; round <= 3; round++) {
		const pid_t pid = start_guest(round, &stop);
		assert_int_equal(count_used(&focused), 1 + round);
		assert_false(focused);
		kill(pid, SIGKILL);
		end_guest(pid, stop);
		assert_int_equal(count_used(&focused), 1 + round);
		desk_open(&guest, false, NULL); /* the next start */
		assert_int_equal(count_used(&focused), 1);
		assert_true(focused);
		desk_close(&guest);
	}
	/* One that ends in order leaves nothing to the next. */
	const pid_t pid = start_guest(2, &stop);
	close(stop);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(count_used(&focused), 1);
	char command[200];
	snprintf(command, sizeof(command), "! ls %.*s | grep -q punktfunk-undo",
		(int)(strrchr(socket_path, '/') - socket_path), socket_path);
	assert_int_equal(system(command), 0);
	end_owner();
}

static void hosts_side_by_side_do_not_undo_each_other(void **state)
{
	(void)state;
	bool focused;
	int stop_a, stop_b;
	start_owner();
	const pid_t a = start_guest(1, &stop_a), b = start_guest(2, &stop_b);
	assert_int_equal(count_used(&focused), 4);
	kill(a, SIGKILL);
	end_guest(a, stop_a);
	desk_open(&guest, false, NULL);
	assert_int_equal(count_used(&focused), 3);
	desk_close(&guest);
	assert_int_equal(count_used(&focused), 3);
	end_guest(b, stop_b);
	assert_int_equal(count_used(&focused), 1);
	end_owner();
}

/* Its outputs went with it; one of the same name in the next sway is somebody else's. */
static void another_sway_on_the_same_socket_is_not_touched(void **state)
{
	(void)state;
	bool focused;
	int stop;
	char was[sizeof(socket_path)], link_path[160];
	start_owner();
	snprintf(was, sizeof(was), "%s", socket_path);
	const pid_t pid = start_guest(1, &stop);
	kill(pid, SIGKILL);
	end_guest(pid, stop);
	/* As if the socket's number had come again: the record's path leads to another process. */
	snprintf(link_path, sizeof(link_path), "%s.old", socket_path);
	assert_int_equal(rename(socket_path, link_path), 0);
	desk_open(&guest, true, "sleep 1000");
	struct vdisplay_output o;
	assert_int_equal(vdisplay_add_output(guest.vdisplay, 800, 600, VDISPLAY_MHZ(60), &o), 0);
	assert_int_equal(rename(link_path, socket_path), 0);
	assert_int_equal(count_used(&focused), 2); /* nobody was there to ask: forgotten */
	desk_close(&guest);
	desk_open(&guest, false, NULL);
	assert_int_equal(count_used(&focused), 2);
	desk_close(&guest);
	end_owner();
}

static void a_hung_sway_does_not_hold_the_start(void **state)
{
	(void)state;
	bool focused;
	int stop;
	start_owner();
	const pid_t pid = start_guest(1, &stop);
	kill(pid, SIGKILL);
	end_guest(pid, stop);
	const int sway = desk_sway_pid();
	assert_true(sway > 0);
	kill(sway, SIGSTOP);
	const uint64_t start_ns = clock_now_ns();
	const struct vdisplay_params params = {.user = NULL};
	struct vdisplay *v;
	const char *why;
	char *path = strdup(getenv("PATH"));
	setenv("PATH", "/nonexistent", 1); /* it would start one of its own */
	assert_true(vdisplay_create(&v, "wlroots", &params, &why) < 0);
	setenv("PATH", path, 1);
	free(path);
	assert_true(clock_now_ns() - start_ns < UINT64_C(5000000000));
	kill(sway, SIGCONT);
	desk_run(&owner, 200, NULL, NULL);
	assert_int_equal(count_used(&focused), 2);
	desk_open(&guest, false, NULL);
	assert_int_equal(count_used(&focused), 1);
	desk_close(&guest);
	end_owner();
}

#define TEST(f) cmocka_unit_test_teardown(f, desk_close_all)

int main(int argc, char **argv)
{
	const int skip = desk_begin("sway", argc, argv);
	if (skip)
		return skip;
	const struct CMUnitTest tests[] = {
		TEST(a_killed_host_leaves_nothing_after_the_next_start),
		TEST(hosts_side_by_side_do_not_undo_each_other),
		TEST(another_sway_on_the_same_socket_is_not_touched),
		TEST(a_hung_sway_does_not_hold_the_start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
