/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <signal.h>
#include <string.h>

#include "host/media/clock.h"

/* What happens when the desktop fails, and what is said of it: to the client, and in the host's log. */

#define HUNG_MS	    1000.0 /* a refusal while the compositor hangs */
#define GONE_MS	    10000u /* a client hears that the desktop is gone */
#define MESSAGE_MIN 12	   /* a sentence, not a code */

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
