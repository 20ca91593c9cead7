/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "tests/integration/desktops/left.h"

/* What happens when the desktop fails, and what is said of it: to the client, and in the host's log. */

#define HUNG_MS 1000.0 /* a refusal while the compositor hangs */
/* Longer than sway is waited for; PipeWire 0.3.65 crashes when its mutter hangs for longer than a format is waited for. */
#define HUNG_FOR_MS (rig.kind->pipewire ? 500u : 2500u)
#define GONE_MS	    10000u /* a client hears that the desktop is gone */
#define MESSAGE_MIN 12	   /* a sentence, not a code */

/* The client's words without ours: a sentence, not a number, and the person at the host can read the same. */
static void check_words(const char *said, const char *what)
{
	if (!said)
		fail_msg("the client never heard that %s", what);
	const char *from = strstr(said, " says: ");
	const char *words = from ? from + strlen(" says: ") : said;
	if (strlen(words) < MESSAGE_MIN || !strchr(words, ' '))
		fail_msg("when %s the client was told '%s'", what, said);
	if (!host_process_logged(&rig.host, words, (int)WAIT_MS))
		fail_msg("when %s the host's log does not say '%s'", what, words);
	if (long_form)
		printf("when %s client and log hear: %s\n", what, words);
}

/* The stream ends with words, as the host's fault, and the host goes on. */
static void check_end(const char *what)
{
	const uint64_t start_ns = clock_now_ns();
	check_words(view_wait_end(&view, GONE_MS), what);
	figure(what, "ms until the client is told", (double)(clock_now_ns() - start_ns) / 1e6);
	assert_int_equal(punktfunk_connection_end_reason(view.c), PUNKTFUNK_END_HOST_ERROR);
	view_vanish(&view);
	assert_true(host_process_running(&rig.host));
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

static void open_view(void)
{
	want_host();
	view_open(&view, 1280, 720, 60);
	view_first_ms(&view);
}

void a_compositor_that_dies_ends_the_stream_not_the_host(void **state)
{
	(void)state;
	open_view();
	rig_end_compositor(SIGKILL);
	check_end("the compositor died");
	/* Nobody can be served now, and is told. */
	if (view_connect(&view, 1280, 720, 60) < 0)
		check_words(view.message, "there was no compositor");
	view_vanish(&view);
	assert_true(host_process_running(&rig.host));
	assert_int_equal(rig_start_compositor(), 0);
	wait_serves("when the compositor is back");
}

/* Who wants something of it is answered; who watches stays, and goes on with it. */
void a_compositor_that_hangs_holds_nobody_for_long(void **state)
{
	(void)state;
	open_view();
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
	/* A size that it cannot have now is no reason to lose the stream. */
	assert_int_equal(punktfunk_connection_request_mode(view.c, 1024, 768, 60), 0);
	rig_pause_ms(HUNG_FOR_MS);
	kill(rig.compositor, SIGCONT);
	assert_true(host_process_running(&rig.host));
	if (!view_next(&view, WAIT_MS, true))
		fail_msg("no picture comes since the compositor goes on");
	view_close(&view);
	wait_serves("when the compositor goes on");
}

void pipewire_starts_again_under_a_stream(void **state)
{
	(void)state;
	if (!rig.kind->pipewire)
		return;
	open_view();
	rig_end_pipewire();
	check_end("PipeWire ended");
	if (view_connect(&view, 1280, 720, 60) == 0)
		fail_msg("a client is served without PipeWire");
	check_words(view.message, "there was no PipeWire");
	assert_int_equal(rig_start_pipewire(), 0);
	/* A compositor keeps its connection to the one that ended: it is started again with it. */
	rig_end_compositor(SIGTERM);
	assert_int_equal(rig_start_compositor(), 0);
	wait_serves("when PipeWire is back");
}

void a_node_that_vanishes_ends_the_stream_in_words(void **state)
{
	char number[16];
	(void)state;
	if (!rig.kind->pipewire)
		return;
	open_view();
	snprintf(number, sizeof(number), "%d", left_newest_source());
	const char *const argv[] = {"pw-cli", "destroy", number, NULL};
	char text[512];
	assert_true(rig_ask(argv, text, sizeof(text)) >= 0);
	check_end("the node vanished");
	wait_serves("when the node is gone");
}

/* Where a login made one the host finds it without being told, and has nothing to say. */
static bool has_usual_folder(void)
{
	char path[64];
	snprintf(path, sizeof(path), "/run/user/%u", (unsigned)getuid());
	return access(path, F_OK) == 0;
}

/* The host must come up, say what is wrong, and serve its client with what it finds without it, or say why not. */
static void check_runtime(const char *path, const char *which)
{
	static const char *const args[] = {
		"--encoder", "x264", "--audio", "off", "--grace", "0", NULL};
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
	if (!has_usual_folder() && !host_process_logged(&rig.host, "XDG_RUNTIME_DIR", (int)WAIT_MS))
		fail_msg("with %s the log does not say so", which);
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
