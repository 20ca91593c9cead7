/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "host/media/clock.h"

/* What is left behind, and what happens when the desktop fails. */

#define CYCLES	    20
#define SETTLE	    5	   /* sessions until everything that is kept is there */
#define HUNG_MS	    4000.0 /* a refusal while the compositor hangs */
#define GONE_MS	    10000u /* a client hears that the desktop is gone */
#define MESSAGE_MIN 12	   /* a sentence, not a code */

static void one_session(uint32_t width, uint32_t height)
{
	view_open(&view, width, height, 60);
	const double ms = view_first_ms(&view);
	figure("Hello -> first captured frame", "ms", ms);
	view_close(&view);
}

static void wait_used(int n)
{
	for (unsigned ms = 0; rig_count_used() != n; ms += 10) {
		if (ms > WAIT_MS)
			fail_msg("%d outputs are used, not %d", rig_count_used(), n);
		rig_pause_ms(10);
	}
}

static void wait_equal(int (*count)(void), int n, const char *what)
{
	int now = -1;
	for (unsigned ms = 0; ms < WAIT_MS && (now = count()) != n; ms += 10)
		rig_pause_ms(10);
	if (now != n)
		fail_msg("%d %s were there before, now there are %d", n, what, now);
}

static int count_outputs(void)
{
	struct rig_output outputs[RIG_MAX_OUTPUTS];
	return rig_list_outputs(outputs, RIG_MAX_OUTPUTS);
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
	const int outputs = count_outputs(), nodes = rig_count_nodes(),
		  descriptors = rig_count_descriptors(), children = rig_count_children();
	const long rss_kb = host_process_rss_kb(&rig.host);
	assert_int_equal(children, 0);
	for (int i = SETTLE; i < cycles; i++)
		one_session(sizes[i % 4][0], sizes[i % 4][1]);
	wait_used(used);
	wait_equal(count_outputs, outputs, "outputs");
	wait_equal(rig_count_nodes, nodes, "PipeWire nodes");
	wait_equal(rig_count_descriptors, descriptors, "descriptors of the host");
	wait_equal(rig_count_children, 0, "processes of the host");
	figure("sessions in a row", "count", cycles);
	figure("memory of the host after 5 sessions", "MiB", (double)rss_kb / 1024);
	figure("memory of the host after all", "MiB",
		(double)host_process_rss_kb(&rig.host) / 1024);
}

void a_killed_host_leaves_nothing_after_its_next_start(void **state)
{
	(void)state;
	want_host();
	const int used = rig_count_used(), nodes = rig_count_nodes();
	view_open(&view, 1280, 720, 60);
	view_open(&second_view, 1024, 768, 60);
	view_first_ms(&view);
	view_first_ms(&second_view);
	wait_used(used + 2);
	host_process_kill(&rig.host);
	view_vanish(&view);
	view_vanish(&second_view);
	rig_end_host();
	want_host();
	wait_used(used);
	wait_equal(rig_count_nodes, nodes, "PipeWire nodes");
	one_session(1280, 720);
}

/* Words for a person: what happened, not a number. */
static void check_words(const char *said, const char *what)
{
	if (!said)
		fail_msg("the client never heard that %s", what);
	if (strlen(said) < MESSAGE_MIN || !strchr(said, ' '))
		fail_msg("when %s the client was told '%s'", what, said);
	if (long_form)
		printf("when %s the client hears: %s\n", what, said);
}

/* Serving again; the first tries may come too early. */
static void wait_serves(const char *when)
{
	const uint64_t until = clock_now_ns() + WAIT_MS * UINT64_C(1000000);
	while (view_connect(&view, 1280, 720, 60) < 0) {
		if (clock_now_ns() > until)
			fail_msg("%s the host still says: %s", when, view.message);
		rig_pause_ms(200);
	}
	view_vanish(&view);
	one_session(1280, 720);
}

void a_compositor_that_dies_ends_the_stream_not_the_host(void **state)
{
	(void)state;
	want_host();
	view_open(&view, 1280, 720, 60);
	view_first_ms(&view);
	const uint64_t start_ns = clock_now_ns();
	rig_end_compositor(SIGKILL);
	check_words(view_wait_end(&view, GONE_MS), "the compositor died");
	figure("compositor dies -> the client is told", "ms",
		(double)(clock_now_ns() - start_ns) / 1e6);
	view_vanish(&view);
	assert_true(host_process_running(&rig.host));
	assert_int_equal(rig_start_compositor(), 0);
	wait_serves("when the compositor is back");
}

void a_compositor_that_hangs_holds_nobody_for_long(void **state)
{
	(void)state;
	want_host();
	view_open(&view, 1280, 720, 60);
	view_first_ms(&view);
	kill(rig.compositor, SIGSTOP);
	const uint64_t start_ns = clock_now_ns();
	const int err = view_connect(&second_view, 1024, 768, 60);
	const double ms = (double)(clock_now_ns() - start_ns) / 1e6;
	if (err < 0) /* else another desktop serves it */
		check_words(second_view.message, "the compositor hung");
	figure("compositor hangs -> a new client has an answer", "ms", ms);
	if (ms > bound_ms(HUNG_MS))
		fail_msg("the answer took %.0f ms", ms);
	view_close(&second_view);
	kill(rig.compositor, SIGCONT);
	assert_true(host_process_running(&rig.host));
	view_vanish(&view);
	wait_serves("when the compositor goes on");
}

void pipewire_starts_again_under_a_stream(void **state)
{
	(void)state;
	if (!rig.kind->pipewire)
		return;
	want_host();
	view_open(&view, 1280, 720, 60);
	view_first_ms(&view);
	rig_end_pipewire();
	check_words(view_wait_end(&view, GONE_MS), "PipeWire ended");
	view_vanish(&view);
	assert_true(host_process_running(&rig.host));
	assert_int_equal(rig_start_pipewire(), 0);
	/* A compositor keeps its connection to the one that ended: it is started again with it. */
	rig_end_compositor(SIGTERM);
	assert_int_equal(rig_start_compositor(), 0);
	wait_serves("when PipeWire is back");
}

/* The host must come up, find what can be found without it, and say what is wrong. */
static void check_runtime(const char *path, const char *which)
{
	static const char *const args[] = {
		"--encoder", "x264", "--audio", "off", "--grace", "0", "--verbose", NULL};
	char was[128];
	snprintf(was, sizeof(was), "%s", getenv("XDG_RUNTIME_DIR"));
	rig_end_host();
	if (path)
		setenv("XDG_RUNTIME_DIR", path, 1);
	else
		unsetenv("XDG_RUNTIME_DIR");
	const int err = rig_start_host(args, false);
	setenv("XDG_RUNTIME_DIR", was, 1);
	if (err < 0)
		fail_msg("with %s the host does not start", which);
	if (view_connect(&view, 1280, 720, 60) < 0)
		check_words(view.message, which);
	view_close(&view);
	assert_true(host_process_running(&rig.host));
	rig_end_host();
}

void a_runtime_folder_that_is_not_ours_is_said(void **state)
{
	(void)state;
	check_runtime(NULL, "no XDG_RUNTIME_DIR");
	check_runtime("/nonexistent/run", "a missing XDG_RUNTIME_DIR");
	check_runtime("/", "somebody else's XDG_RUNTIME_DIR");
	want_host();
	one_session(1280, 720);
}
