/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "tests/integration/desktops/left.h"

/* What is left behind: by sessions, by a host that is killed, and by a client that is. */

#define CYCLES	   20
#define SETTLE	   5 /* sessions until everything that is kept is there */
#define LAYOUT_MAX 8192

void one_session(uint32_t width, uint32_t height)
{
	view_open(&view, width, height, 60);
	const double ms = view_first_ms(&view);
	figure("Hello -> first captured frame", "ms", ms);
	view_close(&view);
}

void wait_used(int n)
{
	for (unsigned ms = 0; rig_count_used() != n; ms += 10) {
		if (ms > WAIT_MS)
			fail_msg("%d outputs are used, not %d", rig_count_used(), n);
		rig_pause_ms(10);
	}
}

void many_sessions_leave_nothing(void **state)
{
	static const uint32_t sizes[][2] = {{1280, 720}, {1920, 1080}, {1024, 768}, {800, 600}};
	const char *text = getenv("PUNKTFUNK_CYCLES");
	const int cycles = text ? atoi(text) : CYCLES;
	(void)state;
	want_host();
	const int used = rig_count_used();
	for (int i = 0; i < SETTLE; i++)
		one_session(sizes[i % 4][0], sizes[i % 4][1]);
	wait_used(used);
	const struct left was = left_count();
	const long rss_kb = host_process_rss_kb(&rig.host);
	for (int i = SETTLE; i < cycles; i++)
		one_session(sizes[i % 4][0], sizes[i % 4][1]);
	wait_used(used);
	left_wait(&was);
	figure("sessions in a row", "count", cycles);
	figure("memory of the host after 5 sessions", "MiB", (double)rss_kb / 1024);
	figure("memory of the host after all", "MiB",
		(double)host_process_rss_kb(&rig.host) / 1024);
}

static void two_sessions(void)
{
	view_open(&view, 1280, 720, 60);
	view_open(&second_view, 1024, 768, 60);
	view_first_ms(&view);
	view_first_ms(&second_view);
}

void a_killed_host_leaves_nothing_after_its_next_start(void **state)
{
	static char layout[LAYOUT_MAX];
	(void)state;
	want_host();
	const int used = rig_count_used();
	left_layout(layout, sizeof(layout));
	two_sessions();
	wait_used(used + 2);
	view_close(&view);
	view_close(&second_view);
	wait_used(used);
	const struct left was = left_count();
	two_sessions();
	wait_used(used + 2);
	host_process_kill(&rig.host);
	view_vanish(&view);
	view_vanish(&second_view);
	rig_end_host();
	want_host();
	wait_used(used);
	left_wait_layout(layout);
	one_session(1280, 720);
	wait_used(used);
	left_wait(&was);
}

/* --- a client that is killed --- */

/* What it does at each letter that it reads. */
static void obey(struct view *v, char letter)
{
	static const struct punktfunk_input_event motion = {
		.kind = PUNKTFUNK_INPUT_MOUSE_ABS, .x = 640, .y = 360, .flags = 1280u << 16 | 720};
	static const struct punktfunk_input_event held[] = {
		{.kind = PUNKTFUNK_INPUT_KEY_DOWN, .code = 'W'},
		{.kind = PUNKTFUNK_INPUT_KEY_DOWN, .code = 0xA2},
		{.kind = PUNKTFUNK_INPUT_BUTTON_DOWN, .code = 1},
	};
	if (letter == 'm')
		(void)!punktfunk_connection_send_input(v->c, &motion);
	for (int i = 0; letter == 'h' && i < 3; i++)
		(void)!punktfunk_connection_send_input(v->c, &held[i]);
}

/* A process of its own, until it is killed. */
static void be_a_client(int in)
{
	static struct view own;
	struct punktfunk_frame f = {.size = sizeof(f)};
	char letter;
	fcntl(in, F_SETFL, O_NONBLOCK);
	if (view_connect_known(&own, 1280, 720, 60) < 0)
		_exit(1);
	while (punktfunk_connection_next_au(own.c, &f, 20) != PUNKTFUNK_E_CLOSED)
		if (read(in, &letter, 1) == 1)
			obey(&own, letter);
	_exit(2);
}

static void expect(const char *line)
{
	if (!app_wait(&app, line, WAIT_MS))
		fail_msg("'%s' did not arrive, but: %s", line, app.text + app.from);
}

static void expect_either(const char *line, const char *other)
{
	for (unsigned ms = 0; !app_said(&app, line) && !app_said(&app, other); ms += 10) {
		if (ms > WAIT_MS)
			fail_msg("neither '%s' nor '%s' came, but: %s", line, other,
				app.text + app.from);
		rig_pause_ms(10);
	}
}

static void say(int fd, char c)
{
	assert_int_equal(write(fd, &c, 1), 1);
}

/* The pointer is brought to the window first; it may need more than one motion. */
static void hold_things(int to_client)
{
	bool there = false;
	for (int i = 0; i < 5 && !there; i++) {
		say(to_client, 'm');
		there = app_wait_near(&app, "motion", 640, 360, 1, WAIT_MS / 5);
	}
	assert_true(there);
	expect("focus 1");
	say(to_client, 'h');
	expect("key 17 1");
	expect("key 29 1");
	expect("button 272 1");
}

void a_killed_client_holds_nothing_and_its_display_goes(void **state)
{
	/* A machine that is known to be slow may stand still for two seconds. */
	const char *const seconds = wait_ms > 10000 ? "8" : "2";
	const char *const args[] = {"--encoder", "x264", "--audio", "off", "--grace", seconds,
		"--idle-timeout", seconds, NULL};
	int pipe_fds[2];
	(void)state;
	rig_end_host();
	assert_int_equal(rig_start_host(args, true), 0);
	const int used = rig_count_used();
	one_session(1280, 720);
	wait_used(used);
	const struct left was = left_count();
	assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
	const pid_t client = fork();
	if (client == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		be_a_client(pipe_fds[0]);
	}
	wait_used(used + 1);
	app_start(&app, 1280, 720, 0x305070);
	expect("shown");
	hold_things(pipe_fds[1]);
	app_forget(&app);
	const uint64_t killed_ns = clock_now_ns();
	kill(client, SIGKILL);
	waitpid(client, NULL, 0);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	expect_either("key 17 0", "focus 0");
	expect_either("key 29 0", "focus 0");
	expect_either("button 272 0", "leave");
	figure("client killed -> nothing is held (2 s unheard)", "ms",
		(double)(clock_now_ns() - killed_ns) / 1e6);
	assert_int_equal(rig_count_used(), used + 1); /* kept for it */
	wait_used(used);
	figure("client killed -> display gone (2 s unheard, 2 s kept)", "ms",
		(double)(clock_now_ns() - killed_ns) / 1e6);
	app_end(&app);
	left_wait(&was);
	one_session(1024, 768);
	wait_used(used);
	rig_end_host();
}
