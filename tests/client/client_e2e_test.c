/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The whole client against the fake library: exit codes, messages, files. argv[1]: the client. */
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libavformat/avformat.h>

#include "client/options.h"

#define LIMIT_S 20 /* no client of these tests takes longer */

static const char *client;
static char folder[64], said[8192], text[65536];

static void put_path(char out[128], const char *name)
{
	snprintf(out, 128, "%s/%s", folder, name);
}

static const char *read_text(const char *name)
{
	char path[128];
	put_path(path, name);
	FILE *f = fopen(path, "re");
	if (!f)
		return NULL;
	size_t n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	return text;
}

/* Runs the client in the folder; signal_ms: sends SIGINT after so long (0 = never). Returns its exit code. */
static int run_for(int signal_ms, const char *const *words)
{
	char *argv[32] = {(char *)client, (char *)"--connect", (char *)"desk.test"};
	int argc = 3;
	/* A word without dashes is a command, which has its own way to name the host. */
	if (words[0][0] != '-')
		argc = 1;
	for (; *words; words++)
		argv[argc++] = (char *)*words;
	argv[argc] = NULL;
	char err_path[128];
	put_path(err_path, "stderr");
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = open(err_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0 || chdir(folder) != 0)
			_exit(99);
		alarm(LIMIT_S);
		execv(client, argv);
		_exit(98);
	}
	if (signal_ms) {
		usleep((useconds_t)signal_ms * 1000);
		kill(pid, SIGINT);
	}
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	const char *err = read_text("stderr");
	snprintf(said, sizeof(said), "%.*s", (int)sizeof(said) - 1, err ? err : "");
	if (!WIFEXITED(status))
		fail_msg("the client was killed by signal %d; it said: %s", WTERMSIG(status), said);
	return WEXITSTATUS(status);
}
#define RUN(...) run_for(0, (const char *const[]){__VA_ARGS__, NULL})

static void expect_said(const char *words)
{
	if (!strstr(said, words))
		fail_msg("'%s' does not say '%s'", said, words);
}

static void expect_summary(const char *words)
{
	const char *s = read_text("s.json");
	assert_non_null(s);
	if (!strstr(s, words))
		fail_msg("the summary lacks '%s': %s", words, s);
}

static int setup(void **state)
{
	(void)state;
	if (test_folder(folder, sizeof(folder), "pf-e2e") < 0)
		return -1;
	setenv("XDG_CONFIG_HOME", folder, 1);
	unsetenv("FAKE");
	unsetenv("FAKE_CERT");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	static const char *const names[] = {"stderr", "s.json", "t.csv", "a.mp4", "a.png", "script",
		"clip", "c1", "c2", "punktfunk/known_hosts", "punktfunk/client.pem", "punktfunk"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];
		put_path(path, names[i]);
		remove(path);
	}
	return rmdir(folder);
}

static void each_failure_has_its_code_and_its_words(void **state)
{
	(void)state;
	assert_int_equal(RUN("--frobnicate"), EXIT_USAGE);
	expect_said("--help");
	assert_int_equal(RUN("--type", "\xc3\xa4"), EXIT_USAGE);
	expect_said("'\xc3\xa4' (U+00E4)");
	setenv("FAKE", "timeout", 1);
	assert_int_equal(RUN("--seconds", "1"), EXIT_CONNECT);
	expect_said("No connection to desk.test port 9777 (timed out); check");
	setenv("FAKE", "abi", 1);
	assert_int_equal(RUN("--seconds", "1"), EXIT_CONNECT);
	expect_said("install");
	setenv("FAKE", "codec", 1);
	assert_int_equal(RUN("--seconds", "1"), EXIT_CONNECT);
	expect_said("H.264");
	setenv("FAKE", "refuse", 1);
	assert_int_equal(RUN("--seconds", "1"), EXIT_REFUSED);
	expect_said("operator  [31mdenied"); /* the escape character does not reach the terminal */
	setenv("FAKE", "lost", 1);
	assert_int_equal(RUN("--mode", "320x180x60", "--reconnect", "0"), EXIT_ENDED);
	expect_said("The host was lost");
	setenv("FAKE", "ended", 1);
	assert_int_equal(
		RUN("--mode", "320x180x60", "--seconds", "9", "--summary", "s.json"), EXIT_ENDED);
	expect_said("early");
	expect_summary("\"end_message\": \"bye\\u001b[31m \\\"you\\\"\"");
	expect_summary("\"exit_code\": 5");
	assert_int_equal(RUN("--mode", "320x180x60"), EXIT_FINE);
}

static void an_output_that_cannot_be_written_is_code_6(void **state)
{
	(void)state;
	assert_int_equal(RUN("--out", "/nowhere/a.mp4", "--seconds", "1"), EXIT_OUTPUT);
	expect_said("/nowhere/a.mp4 (No such file or directory); check that its folder is there");
	assert_int_equal(RUN("--trace", "/nowhere/t", "--seconds", "1"), EXIT_OUTPUT);
	assert_int_equal(RUN("--mode", "64x64x60", "--summary", "/nowhere/s", "--frame-png",
				 "/nowhere/p", "--seconds", "1"),
		EXIT_OUTPUT);
	expect_said("/nowhere/p");
	expect_said("/nowhere/s");
	if (access("/dev/full", W_OK) == 0) {
		assert_int_equal(RUN("--mode", "320x180x60", "--out", "/dev/full"), EXIT_OUTPUT);
		expect_said("(No space left on device); make room");
		assert_int_equal(
			RUN("--mode", "64x64x60", "--trace", "/dev/full", "--seconds", "1"),
			EXIT_OUTPUT);
	}
}

static void no_picture_is_code_7(void **state)
{
	(void)state;
	setenv("FAKE", "nopicture", 1);
	assert_int_equal(
		run_for(500, (const char *const[]){"--out", "a.mp4", NULL}), EXIT_NO_PICTURE);
	setenv("FAKE", "junk", 1);
	assert_int_equal(
		run_for(500, (const char *const[]){"--mode", "320x180x60", NULL}), EXIT_NO_PICTURE);
	expect_said("damaged");
}

static void a_changed_certificate_is_refused(void **state)
{
	(void)state;
	assert_int_equal(RUN("--mode", "64x64x60", "--seconds", "1"), EXIT_FINE);
	expect_said("First meeting with desk.test port 9777");
	assert_int_equal(RUN("--mode", "64x64x60", "--seconds", "1"), EXIT_FINE);
	assert_null(strstr(said, "First meeting"));
	setenv("FAKE_CERT", "6b", 1);
	assert_int_equal(RUN("--seconds", "1"), EXIT_TRUST);
	expect_said("hosts forget desk.test:9777");
	char pin[65];
	for (int i = 0; i < 32; i++)
		memcpy(pin + 2 * i, "6B", 3);
	assert_int_equal(RUN("--pin", pin, "--mode", "64x64x60", "--seconds", "1"), EXIT_FINE);
	setenv("FAKE_CERT", "7c", 1);
	assert_int_equal(RUN("--pin", pin, "--seconds", "1"), EXIT_TRUST);
	expect_said("--pin names");
	/* A damaged file does not make the host a stranger. */
	char path[128];
	put_path(path, "punktfunk/known_hosts");
	assert_int_equal(truncate(path, 20), 0);
	assert_int_equal(RUN("--seconds", "1"), EXIT_TRUST);
	expect_said("Line 1 of");
}

static void pairing_says_what_to_do(void **state)
{
	(void)state;
	static const struct {
		const char *fake, *words;
		int code;
	} cases[] = {
		{"notarmed", "punktfunk-host pair --arm there", EXIT_REFUSED},
		{"toofast", "Wait five seconds", EXIT_REFUSED},
		{"bound", "meant for another client", EXIT_REFUSED},
		{"timeout", "words of the fake", EXIT_CONNECT},
		{"", "Run punktfunk-host pair --arm there again", EXIT_TRUST},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setenv("FAKE", cases[i].fake, 1);
		assert_int_equal(RUN("pair", "desk.test", "--pin", "9999"), cases[i].code);
		expect_said(cases[i].words);
	}
	assert_int_equal(RUN("pair"), EXIT_USAGE);
	assert_int_equal(RUN("pair", "desk.test", "--pin", "123"), EXIT_USAGE);
	expect_said("4 digits");
	assert_null(read_text("punktfunk/known_hosts"));
	assert_int_equal(RUN("pair", "desk.test", "--pin", "1234"), EXIT_FINE);
	expect_said("Paired with desk.test");
	assert_non_null(strstr(read_text("punktfunk/known_hosts"), "paired=1"));
	/* A host set up anew is believed again when its PIN proves it. */
	setenv("FAKE_CERT", "6b", 1);
	assert_int_equal(RUN("--seconds", "1"), EXIT_TRUST);
	expect_said("punktfunk-client pair desk.test:9777");
	char pin[65] = "";
	for (int i = 0; i < 32; i++)
		memcpy(pin + 2 * i, "5a", 3);
	assert_int_equal(
		RUN("pair", "desk.test", "--pin", "1234", "--fingerprint", pin), EXIT_TRUST);
	expect_said("--fingerprint names");
	assert_int_equal(RUN("pair", "desk.test", "--pin", "1234"), EXIT_FINE);
	expect_said("is forgotten");
	assert_int_equal(RUN("stream", "desk.test", "--mode", "64x64x60", "--seconds", "1"), 0);
}

static void hosts_are_listed_renamed_and_forgotten(void **state)
{
	(void)state;
	assert_int_equal(RUN("hosts"), EXIT_FINE);
	expect_said("No host is known yet");
	assert_int_equal(RUN("pair", "desk.test:1", "--pin", "1234"), EXIT_FINE);
	expect_said("stream desk.test:1");
	assert_int_equal(RUN("hosts", "rename", "desk.test:1", "Living Room"), EXIT_FINE);
	assert_int_equal(RUN("hosts", "list"), EXIT_FINE);
	expect_said("Living Room");
	expect_said("address desk.test:1  paired");
	/* A host that no longer knows this client says so, and is believed until it lets it in again. */
	setenv("FAKE", "refuse", 1);
	assert_int_equal(
		RUN("stream", "desk.test:1", "--mode", "64x64x60", "--seconds", "1"), EXIT_REFUSED);
	unsetenv("FAKE");
	assert_int_equal(RUN("hosts"), EXIT_FINE);
	expect_said("no longer paired");
	assert_int_equal(RUN("hosts", "--json"), EXIT_FINE);
	expect_said("\"paired\": false");
	assert_int_equal(
		RUN("stream", "desk.test:1", "--mode", "64x64x60", "--seconds", "1"), EXIT_FINE);
	assert_int_equal(RUN("hosts"), EXIT_FINE);
	expect_said("address desk.test:1  paired");
	assert_int_equal(RUN("hosts", "--json"), EXIT_FINE);
	expect_said("\"name\": \"Living Room\"");
	assert_int_equal(
		RUN("stream", "living room", "--mode", "64x64x60", "--seconds", "1"), EXIT_FINE);
	assert_int_equal(RUN("wake", "living room"), EXIT_CONNECT);
	expect_said("--mac");
	assert_int_equal(RUN("wake", "--mac", "00:11:22:33:44:5x"), EXIT_USAGE);
	assert_int_equal(RUN("wake", "--mac", "00:11:22:33:44:55"), EXIT_FINE);
	assert_int_equal(RUN("wake", "--mac", "00:11:22:33:44:55", "--via", "bad"), EXIT_CONNECT);
	assert_int_equal(RUN("hosts", "forget", "desk"), EXIT_CONNECT);
	expect_said("hosts lists them");
	assert_int_equal(RUN("hosts", "forget", "Living Room"), EXIT_FINE);
	assert_int_equal(RUN("hosts", "burn", "x"), EXIT_USAGE);
	assert_int_equal(RUN("hosts", "rename", "x"), EXIT_USAGE);
	assert_int_equal(RUN("hosts", "list", "x"), EXIT_USAGE);
}

static void a_stranger_is_told_how_to_get_in(void **state)
{
	(void)state;
	setenv("FAKE", "knock", 1);
	assert_int_equal(RUN("--seconds", "1"), EXIT_REFUSED);
	expect_said("punktfunk-host approve 1111111111111111");
	expect_said("--wait-approval");
	assert_int_equal(RUN("--wait-approval", "5"), EXIT_REFUSED);
	expect_said("punktfunk-client pair desk.test");
}

static void the_identity_is_kept_and_never_replaced(void **state)
{
	(void)state;
	assert_int_equal(RUN("--mode", "64x64x60", "--seconds", "1"), EXIT_FINE);
	char path[128];
	char *first = strdup(read_text("punktfunk/client.pem"));
	assert_int_equal(RUN("--mode", "64x64x60", "--seconds", "1"), EXIT_FINE);
	assert_string_equal(read_text("punktfunk/client.pem"), first);
	free(first);
	put_path(path, "punktfunk/client.pem");
	assert_int_equal(truncate(path, 5), 0);
	assert_int_equal(RUN("--seconds", "1"), EXIT_TRUST);
	expect_said("client.pem holds no certificate");
	assert_int_equal(strlen(read_text("punktfunk/client.pem")), 5);
	unlink(path);
	setenv("FAKE", "noidentity", 1);
	assert_int_equal(RUN("--seconds", "1"), EXIT_TRUST);
	expect_said("No identity could be made");
}

static void a_lost_link_is_taken_up_again(void **state)
{
	(void)state;
	setenv("FAKE", "comeback", 1);
	assert_int_equal(RUN("--mode", "320x180x60", "--seconds", "3", "--summary", "s.json",
				 "--frame-png", "a.png"),
		EXIT_FINE);
	expect_said("was lost (a phrase); trying for 30 s");
	expect_said("Back after");
	expect_summary("\"reconnects\": 1");
	expect_summary("\"end_reason\": \"local\"");
	/* Who does not come back is given up, and what there was is kept. */
	setenv("FAKE", "lost", 1);
	assert_int_equal(RUN("--mode", "320x180x60", "--reconnect", "1", "--summary", "s.json",
				 "--frame-png", "a.png"),
		EXIT_ENDED);
	expect_said("desk.test did not come back: No connection to desk.test");
	expect_summary("\"end_reason\": \"lost\"");
	assert_non_null(read_text("a.png"));
	/* A host that says no is not asked again. */
	setenv("FAKE", "expelled", 1);
	assert_int_equal(RUN("--mode", "320x180x60"), EXIT_ENDED);
	expect_said("denied by the fake");
}

static void what_a_session_carries_is_said_and_counted(void **state)
{
	(void)state;
	setenv("FAKE", "events", 1);
	assert_int_equal(RUN("--mode", "64x64x60", "--seconds", "1", "--summary", "s.json",
				 "--cursor", "client", "--delivery", "smooth", "--launch", "game"),
		EXIT_FINE);
	expect_said("may do at the host now: pointer; its access ends in 60 s");
	expect_said("did not start; look at the host's messages; the host says: no such  [31mgame");
	expect_said("its own way: smooth");
	expect_said("no picture for 700 ms");
	expect_summary("\"grants\": \"pointer\"");
	expect_summary("\"bitrate_changes\": 1");
	expect_summary("\"cursor_shapes\": 3");
	setenv("FAKE", "bare", 1);
	assert_int_equal(
		RUN("--mode", "64x64x60", "--seconds", "1", "--cursor", "client", "--clipboard"),
		EXIT_FINE);
	expect_said("draws the pointer itself");
	expect_said("shares no clipboard");
	setenv("FAKE", "watch", 1);
	assert_int_equal(RUN("--mode", "64x64x60", "--seconds", "1"), EXIT_FINE);
	expect_said("only watch");
}

static void put_file(const char *name, const char *content)
{
	char path[128];
	put_path(path, name);
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

static void the_clipboard_goes_both_ways(void **state)
{
	(void)state;
	put_file("script",
		"clip get c1\nclip set Mine\nwait 600\nclip get c2\nmove 1 1\n"
		"touch 0 down 1 1\npad 0 snapshot 1 2 3 4 5 6 7\nrich 0 motion 1 2 3 4 5 6\n");
	assert_int_equal(RUN("--mode", "64x64x60", "--seconds", "3", "--clipboard-file", "clip",
				 "--script", "script", "--summary", "s.json"),
		EXIT_FINE);
	assert_string_equal(read_text("c1"), "from the host");
	assert_string_equal(read_text("c2"), "got Mine");
	assert_string_equal(read_text("clip"), "got Mine");
	expect_summary("\"clip_to_host\": 1");
	expect_summary("\"clip_from_host\": 2");
	/* What somebody wrote into the file before is offered. */
	put_file("clip", "written");
	assert_int_equal(
		RUN("--mode", "64x64x60", "--seconds", "1", "--clipboard-file", "clip"), EXIT_FINE);
	assert_string_equal(read_text("clip"), "got written");
	setenv("FAKE", "noclip", 1);
	assert_int_equal(RUN("--mode", "64x64x60", "--seconds", "1", "--clipboard"), EXIT_FINE);
	expect_said("switched off at the host");
	put_file("script", "key a\nkye b\n");
	assert_int_equal(RUN("--script", "script"), EXIT_USAGE);
	expect_said("Line 2, 'kye b'");
	assert_int_equal(RUN("--script", "nowhere"), EXIT_USAGE);
	expect_said("cannot be read");
}

static void a_speed_test_finds_the_link(void **state)
{
	(void)state;
	assert_int_equal(RUN("speed-test", "desk.test", "--json"), EXIT_FINE);
	expect_said("\"limited\": true");
	expect_said("\"throughput_kbps\": 18000");
	expect_said("\"recommended_kbps\": 14000");
	assert_int_equal(RUN("speed-test", "desk.test", "--kbps", "5000"), EXIT_FINE);
	expect_said("at least 5.0 Mbit/s");
	expect_said("--bitrate 4000");
	setenv("FAKE", "declined", 1);
	assert_int_equal(RUN("speed-test", "desk.test"), EXIT_REFUSED);
	expect_said("does no speed tests");
	assert_int_equal(RUN("speed-test"), EXIT_USAGE);
	assert_int_equal(RUN("speed-test", "desk.test", "--seconds", "16"), EXIT_USAGE);
}

static void expect_recording(int packets_min, double seconds_min)
{
	char path[128];
	put_path(path, "a.mp4");
	AVFormatContext *in = NULL;
	av_log_set_level(AV_LOG_QUIET);
	assert_int_equal(avformat_open_input(&in, path, NULL, NULL), 0);
	/* Before FFmpeg 6.1 opening it told the length, since then only this does. */
	assert_true(avformat_find_stream_info(in, NULL) >= 0);
	AVPacket *p = av_packet_alloc();
	int n = 0;
	for (; av_read_frame(in, p) >= 0; n++)
		av_packet_unref(p);
	av_packet_free(&p);
	assert_true(n >= packets_min);
	assert_true((double)in->duration / AV_TIME_BASE >= seconds_min);
	avformat_close_input(&in);
}

static void a_whole_run_leaves_its_files(void **state)
{
	(void)state;
	assert_int_equal(RUN("--mode", "640x360x60", "--seconds", "4", "--remode", "1280x720x60@3",
				 "--type", "Hello, World 12!\\n", "--mouse", "--out", "a.mp4",
				 "--frame-png", "a.png", "--trace", "t.csv", "--summary", "s.json"),
		EXIT_FINE);
	expect_summary("\"mode_switch\": \"done\"");
	expect_summary("\"typing_changed_picture\": true");
	expect_summary("\"frames_damaged\": 0");
	expect_summary("\"frames_delayed\": 0");
	expect_summary("\"width\": 1280");
	expect_summary("\"exit_code\": 0");
	const char *csv = read_text("t.csv");
	assert_non_null(csv);
	assert_int_equal(strncmp(csv, "frame_index,pts_ns,", 19), 0);
	assert_non_null(strstr(csv, ",640,360,0,1,"));
	assert_non_null(strstr(csv, ",1280,720,0,1,"));
	expect_recording(150, 3.5);
	const char *png = read_text("a.png");
	assert_non_null(png);
	assert_memory_equal(png, "\x89PNG", 4);
	/* IHDR: width and height, big-endian */
	assert_memory_equal(png + 16, "\0\0\x05\0\0\0\x02\xd0", 8);
}

static void the_pointer_alone_is_no_typing(void **state)
{
	(void)state;
	setenv("FAKE", "deaf", 1);
	assert_int_equal(RUN("--mode", "640x360x60", "--seconds", "3", "--type", "Hello, World 12!",
				 "--mouse", "--summary", "s.json"),
		EXIT_FINE);
	expect_summary("\"typing_changed_picture\": false");
}

static void damage_is_counted_and_mended(void **state)
{
	(void)state;
	setenv("FAKE", "damage", 1);
	assert_int_equal(RUN("--mode", "640x360x60", "--seconds", "1", "--summary", "s.json",
				 "--trace", "t.csv"),
		EXIT_FINE);
	expect_summary("\"frames_damaged\": ");
	const char *s = read_text("s.json");
	long damaged = strtol(strstr(s, "frames_damaged\": ") + 17, NULL, 10);
	long decoded = strtol(strstr(s, "frames_decoded\": ") + 17, NULL, 10);
	assert_in_range(damaged, 1, 15);
	assert_true(decoded > 20);
	assert_non_null(strstr(read_text("t.csv"), ",0,0,0,0,0,"));
}

static void a_refused_mode_is_code_3(void **state)
{
	(void)state;
	setenv("FAKE", "refusemode", 1);
	assert_int_equal(RUN("--mode", "320x180x60", "--seconds", "1", "--remode", "640x360x60@0",
				 "--summary", "s.json"),
		EXIT_REFUSED);
	expect_said("did not switch to 640x360 at 60 Hz (it refused)");
	expect_summary("\"mode_switch\": \"refused\"");
}

static void ctrl_c_finishes_the_files(void **state)
{
	(void)state;
	assert_int_equal(run_for(1500,
				 (const char *const[]){"--mode", "320x180x60", "--out", "a.mp4",
					 "--summary", "s.json", "--type", "aaaa", NULL}),
		EXIT_FINE);
	expect_recording(30, 0.5);
	expect_summary("\"end_reason\": \"local\"");
}

#define E2E_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
	/* The client runs in another folder, so its path must be absolute. */
	client = argc == 2 ? realpath(argv[1], NULL) : NULL;
	if (!client) {
		fputs("usage: client_e2e_test CLIENT\n", stderr);
		return 1;
	}
	const struct CMUnitTest tests[] = {
		E2E_TEST(each_failure_has_its_code_and_its_words),
		E2E_TEST(an_output_that_cannot_be_written_is_code_6),
		E2E_TEST(no_picture_is_code_7),
		E2E_TEST(a_changed_certificate_is_refused),
		E2E_TEST(pairing_says_what_to_do),
		E2E_TEST(hosts_are_listed_renamed_and_forgotten),
		E2E_TEST(a_stranger_is_told_how_to_get_in),
		E2E_TEST(the_identity_is_kept_and_never_replaced),
		E2E_TEST(a_lost_link_is_taken_up_again),
		E2E_TEST(what_a_session_carries_is_said_and_counted),
		E2E_TEST(the_clipboard_goes_both_ways),
		E2E_TEST(a_speed_test_finds_the_link),
		E2E_TEST(a_whole_run_leaves_its_files),
		E2E_TEST(the_pointer_alone_is_no_typing),
		E2E_TEST(damage_is_counted_and_mended),
		E2E_TEST(a_refused_mode_is_code_3),
		E2E_TEST(ctrl_c_finishes_the_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
