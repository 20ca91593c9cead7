/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <string.h>

#include "host/media/clock.h"

/* Outputs, their pictures, their sizes and their rate. */

#define MODE_CHANGE_MS 250.0
#define RATE_SHARE     0.95
/* The compositor's frame -> the encoder's input. */
#define INPUT_P50_MS 2.0
#define MAX_FRAMES   4096

static void start_app(int width, int height, uint32_t rgb)
{
	char shown[32];
	snprintf(shown, sizeof(shown), "shown %d %d", width, height);
	app_start(&app, width, height, rgb);
	if (!app_wait(&app, shown, WAIT_MS))
		fail_msg("no window was shown at %dx%d; it said: %s", width, height, app.text);
}

static void check_mode(int width, int height, int hz, uint32_t rgb)
{
	const int step = rig.kind->made_widths;
	const int mhz = rig.kind->own_rates || (step && width % step) ? 0 : hz * 1000;
	assert_int_equal(rig_count_outputs(width, height, 0), 0);
	view_open(&view, (uint32_t)width, (uint32_t)height, (uint32_t)hz);
	const double first_ms = view_first_ms(&view);
	figure("Hello -> first captured frame", "ms", first_ms);
	if (first_ms > bound_ms(rig.kind->first_frame_ms))
		fail_msg("the first frame came after %.0f ms", first_ms);
	if (!rig_wait_outputs(width, height, mhz, 1, WAIT_MS))
		fail_msg("there is no output of %dx%d at %d Hz", width, height, hz);
	start_app(width, height, rgb);
	if (!view_wait_shows(&view, width, height, rgb, WAIT_MS))
		fail_msg("the picture of %dx%d is not the window's", width, height);
	view_close(&view);
	const uint64_t left_ns = clock_now_ns();
	if (!rig_wait_outputs(width, height, 0, 0, WAIT_MS))
		fail_msg("the output of %dx%d is still there", width, height);
	figure("disconnect -> output gone", "ms", (double)(clock_now_ns() - left_ns) / 1e6);
	app_end(&app);
}

void an_output_of_each_size_is_made_shown_and_gone(void **state)
{
	(void)state;
	want_host();
	check_mode(1280, 720, 60, 0x806020);
	check_mode(1366, 768, 75, 0x208060);
	check_mode(802, 602, 120, 0x602080);
	if (rig.kind->made_widths)
		check_mode(800, 608, 120, 0x602080);
	figure_check("Hello -> first captured frame", rig.kind->first_frame_ms);
}

/* From asking to the first picture of the new size, decoded. */
static void change(uint32_t width, uint32_t height, uint32_t rgb)
{
	char shown[32];
	const uint64_t start_ns = clock_now_ns(), until = start_ns + WAIT_MS * UINT64_C(1000000);
	const int w = (int)width, h = (int)height;
	assert_int_equal(punktfunk_connection_request_mode(view.c, width, height, 60), 0);
	while (!view_has_size(&view, w, h) && clock_now_ns() < until)
		view_next(&view, 20, true);
	const double ms = (double)(clock_now_ns() - start_ns) / 1e6;
	figure("mode change -> picture of the new size", "ms", ms);
	if (ms > bound_ms(MODE_CHANGE_MS))
		fail_msg("the change to %ux%u took %.0f ms", width, height, ms);
	snprintf(shown, sizeof(shown), "shown %u %u", width, height);
	assert_true(rig_wait_outputs(w, h, 0, 1, WAIT_MS));
	if (rig.kind->windows_leave) {
		app_end(&app);
		start_app(w, h, rgb);
	} else if (!app_wait(&app, shown, WAIT_MS))
		fail_msg("the window did not become %ux%u: %s", width, height, app.text);
	assert_true(view_wait_shows(&view, w, h, rgb, WAIT_MS));
}

void the_size_changes_in_mid_stream(void **state)
{
	(void)state;
	want_host();
	view_open(&view, 1280, 720, 60);
	start_app(1280, 720, 0x505090);
	assert_true(view_wait_shows(&view, 1280, 720, 0x505090, WAIT_MS));
	for (int i = 0; i < (long_form ? 10 : 1); i++) {
		change(1920, 1080, 0x505090);
		change(1024, 768, 0x505090);
	}
	assert_int_equal(rig_count_outputs(1280, 720, 0), 0);
	figure_check("mode change -> picture of the new size", MODE_CHANGE_MS);
}

void two_clients_see_their_own_outputs(void **state)
{
	(void)state;
	want_host();
	view_open(&view, 1280, 720, 60);
	view_open(&second_view, 1024, 576, 60);
	start_app(1280, 720, 0x904020);
	app_start(&second_app, 1024, 576, 0x209040);
	assert_true(view_wait_shows(&view, 1280, 720, 0x904020, WAIT_MS));
	assert_true(view_wait_shows(&second_view, 1024, 576, 0x209040, WAIT_MS));
	view_close(&second_view);
	assert_true(rig_wait_outputs(1024, 576, 0, 0, WAIT_MS));
	assert_int_equal(rig_count_outputs(1280, 720, 0), 1);
	assert_true(view_wait_shows(&view, 1280, 720, 0x904020, WAIT_MS));
}

/* --- the rate --- */

static void count_new(double seconds, double *hz, double *drawn)
{
	const uint64_t start_ns = clock_now_ns(), until = start_ns + (uint64_t)(seconds * 1e9);
	app_forget(&app);
	view.n_new = 0;
	while (clock_now_ns() < until)
		view_next(&view, 50, false);
	*hz = (double)view.n_new * 1e9 / (double)(clock_now_ns() - start_ns);
	*drawn = app_sum(&app, "drawn");
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

/* presented, or captured where that is not told -> the encoder begins; from the host's own trace. */
static void read_trace(void)
{
	static double ms[MAX_FRAMES];
	char path[128], line[512];
	size_t n = 0;
	snprintf(path, sizeof(path), "%s/trace.csv", rig.host.dir);
	FILE *f = fopen(path, "re");
	while (f && n < MAX_FRAMES && fgets(line, sizeof(line), f)) {
		unsigned long long presented, captured, convert, encode;
		if (sscanf(line, "%*u,%*u,%llu,%llu,%llu,%*u,%llu", &presented, &captured, &convert,
			    &encode) != 4)
			continue;
		const unsigned long long from = presented && presented < captured ? presented
										  : captured;
		ms[n++] = (double)(encode - from) / 1e6;
	}
	if (f)
		fclose(f);
	if (n < 30)
		return;
	qsort(ms, n, sizeof(*ms), compare);
	figure("compositor's frame -> encoder, p50", "ms", ms[n / 2]);
	figure("compositor's frame -> encoder, p99", "ms", ms[n * 99 / 100]);
	if (!rig.kind->pipewire) {
		figure_check("compositor's frame -> encoder, p50", INPUT_P50_MS);
		assert_true(ms[n / 2] < bound_ms(INPUT_P50_MS));
	}
}

void what_moves_is_seen_at_the_outputs_rate(void **state)
{
	double hz, drawn;
	const double seconds = long_form ? 10 : 2;
	(void)state;
	want_null_host();
	view_open(&view, 1280, 720, 60);
	assert_true(view_next(&view, WAIT_MS, false));
	start_app(1280, 720, 0x406080);
	app_say(&app, "move\n");
	assert_non_null(app_wait(&app, "drawn", WAIT_MS));
	count_new(seconds, &hz, &drawn);
	figure("new frames at 720p60, null encoder", "Hz", hz);
	figure("pictures that the window drew meanwhile", "Hz", drawn / seconds);
	if (hz < 60 * bound_share(RATE_SHARE))
		fail_msg(
			"%.1f new frames a second of a window that drew %.1f", hz, drawn / seconds);
	/* A screen that stands still costs next to nothing. */
	app_say(&app, "still\n");
	rig_pause_ms(300);
	while (view_next(&view, 0, false))
		;
	count_new(1, &hz, &drawn);
	figure("new frames of a screen that stands still", "Hz", hz);
	assert_true(hz < 5);
	view_close(&view);
	assert_true(host_process_logged(
		&rig.host, " captured, ", (int)WAIT_MS)); /* the trace is whole */
	read_trace();
}
