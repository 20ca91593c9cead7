/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* stream-report on small files. argv[1]: the program. */
#include "tests/test.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define N_FRAMES 100
#define BASE	 UINT64_C(1700000000000000000)
#define MS	 UINT64_C(1000000)

static const char *program;
static char folder[64], said[16384];
static const char *const names[] = {"h.csv", "h.json", "c.csv", "c.json"};

static FILE *create(const char *name)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	return f;
}

static void put(const char *name, const char *text)
{
	FILE *f = create(name);
	fputs(text, f);
	fclose(f);
}

/* Frame i: convert 1 ms, encode i ms, and so on; the client's clock is 5 s behind the host's. */
static void put_traces(int undecoded)
{
	FILE *h = create("h.csv"), *c = create("c.csv");
	fputs("frame_index,pts_ns,presented_ns,captured_ns,convert_start_ns,convert_end_ns,"
	      "encode_start_ns,encode_end_ns,send_start_ns,send_end_ns,packets,bytes,keyframe,"
	      "repeated\n",
		h);
	fputs("frame_index,pts_ns,received_ns,complete_ns,decode_start_ns,decode_end_ns,width,"
	      "height,"
	      "recovered,flags,bytes\n",
		c);
	for (uint64_t i = 1; i <= N_FRAMES; i++) {
		uint64_t t = BASE + i * 1000 * MS, sent = t + 5 * MS + i * MS;
		fprintf(h,
			"%" PRIu64 ",1,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
			",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",3,9,0,0\n",
			i, t - 2 * MS, t, t, t + MS, t + 5 * MS, sent, sent, sent + MS);
		uint64_t complete = sent + 4 * MS - 5000 * MS;
		fprintf(c, "%" PRIu64 ",1,1,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",64,64,0,0,9\n", i,
			complete, complete, (int)i == undecoded ? 0 : complete + 2 * MS);
	}
	fclose(h);
	fclose(c);
}

static void put_client_summary(uint64_t left_ns, const char *typing)
{
	FILE *f = create("c.json");
	fprintf(f,
		"{\"clock_offset_ns\": 5000000000, \"ended_ns\": %" PRIu64
		", \"frames_decoded\": 100, \"frames_recovered\": 7, \"frames_lost\": 2, "
		"\"mode_switch_ms\": 12.5, \"typing_changed_picture\": %s, \"cpu_user_s\": 1, "
		"\"cpu_sys_s\": 0.5, \"max_rss_kb\": 2048}",
		left_ns, typing);
	fclose(f);
}

static int run(void)
{
	char command[1024];
	snprintf(command, sizeof(command),
		"cd %s && '%s' --host-trace h.csv --host-summary h.json --client-trace c.csv "
		"--client-summary c.json 2>&1",
		folder, program);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	said[fread(said, 1, sizeof(said) - 1, f)] = '\0';
	int status = pclose(f);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void expect_said(const char *words)
{
	if (!strstr(said, words))
		fail_msg("it does not say '%s': %s", words, said);
}

static int setup(void **state)
{
	(void)state;
	if (test_folder(folder, sizeof(folder), "pf-report") < 0)
		return -1;
	put_traces(0);
	put("h.json",
		"{\"frames_captured\": 101, \"frames_encoded\": 100, \"frames_sent\": 100, "
		"\"frames_replaced\": 1, \"units_dropped\": 3, \"packets_sent\": 300}");
	put_client_summary(BASE + 200000 * MS, "true");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < 4; i++) {
		char path[128];
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static void the_table_is_right(void **state)
{
	(void)state;
	assert_int_equal(run(), 0);
	expect_said("captured                      101\n");
	expect_said("recovered by FEC                7\n");
	expect_said("dropped                         6 ");
	expect_said("capture                     2.000      2.000      2.000        100\n");
	expect_said("encode                     50.000     95.000     99.000        100\n");
	expect_said("seal + send                 1.000      1.000      1.000        100\n");
	expect_said("network + reassemble        4.000      4.000      4.000        100\n");
	expect_said("decode                      2.000      2.000      2.000        100\n");
	expect_said("captured -> decoded        61.000    106.000    110.000        100\n");
	expect_said("mode switch                    12.5 ms");
	expect_said("CPU of the client              1.50 s");
	expect_said("CPU of the host                   -\n");
	expect_said("Good: each of the 100 frames was decoded, and typing changed the picture.\n");
}

/* Over loopback the clocks are one, and what was estimated between them is only error. */
static void a_stream_over_loopback_has_one_clock(void **state)
{
	(void)state;
	put("c.json",
		"{\"host\": \"127.0.0.1\", \"clock_offset_ns\": 4999000000, \"ended_ns\": 0, "
		"\"typing_changed_picture\": null}");
	assert_int_equal(run(), 0);
	expect_said("network + reassemble    -4996.000  -4996.000  -4996.000        100\n");
	put("c.json",
		"{\"host\": \"192.0.2.7\", \"clock_offset_ns\": 4999000000, \"ended_ns\": 0, "
		"\"typing_changed_picture\": null}");
	assert_int_equal(run(), 0);
	expect_said("network + reassemble        3.000      3.000      3.000        100\n");
}

static void a_frame_that_was_not_decoded_fails(void **state)
{
	(void)state;
	put_traces(40);
	assert_int_equal(run(), 3);
	expect_said("1 of 100 sent frames were not decoded, the first of them frame 40;");
	assert_null(strstr(said, "Good:"));
}

static void frames_on_their_way_at_the_end_are_only_told(void **state)
{
	(void)state;
	/* The last frame was sent at base + 100 s + 105 ms + 1 ms, on the host's clock. */
	uint64_t sent_end = BASE + 100000 * MS + 106 * MS;
	put_traces(100);
	put_client_summary(sent_end + 199 * MS - 5000 * MS, "null");
	assert_int_equal(run(), 0);
	expect_said("1 frame was sent within 200 ms");
	expect_said("Good: each of the 99 frames was decoded.\n");
	put_client_summary(sent_end + 201 * MS - 5000 * MS, "null");
	assert_int_equal(run(), 3);
}

static void typing_without_effect_fails(void **state)
{
	(void)state;
	put_client_summary(BASE + 200000 * MS, "false");
	assert_int_equal(run(), 4);
	expect_said("typing did not change the picture;");
	assert_null(strstr(said, "Good:"));
}

static void bad_files_are_named(void **state)
{
	(void)state;
	put("h.json", "[1]");
	assert_int_equal(run(), 2);
	expect_said("h.json is not a JSON object");
	put("h.json", "{}");
	put("c.csv", "frame_index,complete_ns\n1,2\n");
	assert_int_equal(run(), 2);
	expect_said("c.csv, line 1: there is no column decode_end_ns;");
	put("c.csv", "frame_index,complete_ns,decode_end_ns\n1,2,3\n1,2\n");
	assert_int_equal(run(), 2);
	expect_said("c.csv, line 3:");
	put("c.csv", "frame_index,complete_ns,decode_end_ns\n");
	assert_int_equal(run(), 3);
	put("h.csv", "");
	assert_int_equal(run(), 2);
	expect_said("h.csv, line 1: there is no header;");
}

#define REPORT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	program = argc == 2 ? realpath(argv[1], NULL) : NULL;
	if (!program) {
		fputs("usage: stream_report_test PROGRAM\n", stderr);
		return 1;
	}
	const struct CMUnitTest tests[] = {
		REPORT_TEST(the_table_is_right),
		REPORT_TEST(a_stream_over_loopback_has_one_clock),
		REPORT_TEST(a_frame_that_was_not_decoded_fails),
		REPORT_TEST(frames_on_their_way_at_the_end_are_only_told),
		REPORT_TEST(typing_without_effect_fails),
		REPORT_TEST(bad_files_are_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
