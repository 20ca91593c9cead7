/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "tests/integration/desktops/desktops.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/*
 * desktops_test COMPOSITOR [TEST]: the real host and the real client library on a real compositor. PUNKTFUNK_HOST and
 * PUNKTFUNK_WL_APP name the programs.
 */

#define SKIP_CODE  77
#define SLACK	   10.0 /* a machine that builds and runs other tests at the same time, or sanitizers */
#define MAX_VALUES 256
#define MAX_TABLE  32

bool long_form;
unsigned wait_ms = 10000;
struct view view, second_view;
struct app app, second_app;

static struct {
	const char *name, *unit;
	double values[MAX_VALUES];
	size_t n;
} table[MAX_TABLE];

/* PUNKTFUNK_TEST_SLOW: how many times slower than others a machine is that is known to be, as an emulated one. */
static double slowness = 1;

/* Figures mean something where nobody else is at work. */
static bool quiet(void)
{
	double load = 0;
	return slowness <= 1 && getloadavg(&load, 1) == 1 &&
		load <= (double)sysconf(_SC_NPROCESSORS_ONLN);
}

double bound_ms(double ms)
{
	return ms * SLACK * slowness;
}

double bound_share(double share)
{
	return long_form && quiet() ? share : share / SLACK / slowness;
}

void figure(const char *name, const char *unit, double value)
{
	size_t i = 0;
	while (i < MAX_TABLE - 1 && table[i].name && strcmp(table[i].name, name) != 0)
		i++;
	table[i].name = name;
	table[i].unit = unit;
	if (table[i].n < MAX_VALUES)
		table[i].values[table[i].n++] = value;
}

static int compare(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

void figure_check(const char *name, double most)
{
	size_t i = 0;
	while (i < MAX_TABLE && table[i].name && strcmp(table[i].name, name) != 0)
		i++;
	assert_true(i < MAX_TABLE && table[i].n > 0);
	qsort(table[i].values, table[i].n, sizeof(double), compare);
	const double p50 = table[i].values[table[i].n / 2];
	if (long_form && quiet() && p50 > most)
		fail_msg("%s: half of them took more than %.0f ms, where %.0f are the bound", name,
			p50, most);
}

static void print_table(const char *name)
{
	double load = 0;
	if (getloadavg(&load, 1) == 1)
		printf("\nload of this machine at the end: %.1f%s\n", load,
			quiet() ? "" : ", too much to hold figures against their bounds");
	printf("\n| %s | p50 | least | most | n |\n|---|---|---|---|---|\n", name);
	for (size_t i = 0; i < MAX_TABLE && table[i].name; i++) {
		double *v = table[i].values;
		const size_t n = table[i].n;
		qsort(v, n, sizeof(*v), compare);
		printf("| %s, %s | %.1f | %.1f | %.1f | %zu |\n", table[i].name, table[i].unit,
			v[n / 2], v[0], v[n - 1], n);
	}
	puts("");
}

static const char *host_kind;

static void want(const char *kind, const char *const *args)
{
	if (host_kind == kind && host_process_running(&rig.host))
		return;
	rig_end_host();
	host_kind = kind;
	assert_int_equal(rig_start_host(args, true), 0);
}

void want_host(void)
{
	static const char *const args[] = {
		"--encoder", "x264", "--audio", "off", "--grace", "0", NULL};
	want("x264", args);
}

void want_null_host(void)
{
	static const char *const args[] = {
		"--encoder", "null", "--audio", "off", "--grace", "0", NULL};
	want("null", args);
}

/* What a failed test left must not be met by the next. */
static int clean_up(void **state)
{
	(void)state;
	app_end(&app);
	app_end(&second_app);
	view_close(&view);
	view_close(&second_view);
	if (rig.compositor > 0)
		kill(rig.compositor, SIGCONT);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close();
	return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, clean_up)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(an_output_of_each_size_is_made_shown_and_gone),
		TEST(the_size_changes_in_mid_stream),
		TEST(two_clients_see_their_own_outputs),
		TEST(a_rate_of_59_94_hz_reaches_the_display),
		TEST(keys_and_text_arrive),
		TEST(the_pointer_arrives_where_it_was_put),
		TEST(fingers_arrive),
		TEST(what_a_lost_client_held_is_let_go),
		/* Where a button were still down, the second would not reach its window. */
		TEST(two_clients_steer_their_own_outputs),
		TEST(two_hosts_leave_each_other_alone),
		TEST(what_moves_is_seen_at_the_outputs_rate),
		TEST(many_sessions_leave_nothing),
		TEST(a_killed_host_leaves_nothing_after_its_next_start),
		TEST(a_killed_client_holds_nothing_and_its_display_goes),
		TEST(a_compositor_that_dies_ends_the_stream_not_the_host),
		TEST(a_compositor_that_hangs_holds_nobody_for_long),
		TEST(pipewire_starts_again_under_a_stream),
		TEST(a_node_that_vanishes_ends_the_stream_in_words),
		TEST(a_runtime_folder_that_is_not_ours_is_said),
	};
	const char *why, *name = argc > 1 ? argv[1] : "sway";
	long_form = getenv("PUNKTFUNK_LONG") != NULL;
	if (getenv("PUNKTFUNK_TEST_SLOW"))
		slowness = fmax(1, atof(getenv("PUNKTFUNK_TEST_SLOW")));
	wait_ms = (unsigned)(wait_ms * slowness);
	setvbuf(stdout, NULL, _IOLBF, 0);
	const struct rig_compositor *kind = rig_find(name, &why);
	if (!kind) {
		printf("1..0 # SKIP %s\n", why);
		return SKIP_CODE;
	}
	if (argc > 2)
		cmocka_set_test_filter(argv[2]);
	if (rig_prepare() < 0 || rig_open(kind) < 0) {
		rig_close();
		return 1;
	}
	const int failed = cmocka_run_group_tests_name(name, tests, NULL, close_rig);
	if (long_form)
		print_table(name);
	return failed;
}
