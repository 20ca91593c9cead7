/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/host_process.h"

/*
 * The client program and the host program, as people use them: pairing, approval, a host set up anew, a host
 * that comes back, and a speed test. PUNKTFUNK_HOST and PUNKTFUNK_CLIENT name the programs.
 */

#define LIMIT_S 60 /* no program of these tests takes longer */

static struct host_process host;
static const char *host_path, *client_path;
static char folder[64], address[32], port[8], said[16384];

static const char *const host_args[] = {"--require-pairing", "--source", "synthetic",
	"--test-pair-cooldown", "0", "--idle-timeout", "1", "--no-discovery", NULL};

static pid_t start(const char *log, const char *const *argv)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/%s", folder, log);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid)
		return pid;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(LIMIT_S);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(99);
	execv(argv[0], (char *const *)argv);
	_exit(98);
}

static int end(pid_t pid, const char *log)
{
	char path[128];
	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	snprintf(path, sizeof(path), "%s/%s", folder, log);
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(said, 1, sizeof(said) - 1, f) : 0;
	said[n] = '\0';
	if (f)
		fclose(f);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int run(const char *const *argv)
{
	return end(start("log", argv), "log");
}
#define CLIENT(...) run((const char *const[]){client_path, __VA_ARGS__, NULL})
#define HOST(...)   run((const char *const[]){host_path, __VA_ARGS__, "--config-dir", host.dir, NULL})
#define STREAM(...) CLIENT("stream", address, "--mode", "320x180x60", "--seconds", "1", __VA_ARGS__)

static void expect(int code, int wanted, const char *words)
{
	if (code != wanted || !strstr(said, words))
		fail_msg(
			"exit code %d, wanted %d and '%s'; it said: %s", code, wanted, words, said);
}

/* Arms the host; the PIN, plus something. */
static const char *arm(unsigned plus)
{
	static char pin[5];
	expect(HOST("pair", "--arm", "--json"), 0, "\"pin\":\"");
	unsigned n = (unsigned)atoi(strstr(said, "\"pin\":\"") + 7);
	snprintf(pin, sizeof(pin), "%04u", (n + plus) % 10000u);
	return pin;
}

static int setup(void **state)
{
	(void)state;
	if (test_folder(folder, sizeof(folder), "pf-client") < 0)
		return -1;
	setenv("XDG_CONFIG_HOME", folder, 1);
	if (host_process_start(&host, host_path, host_args) < 0)
		return -1;
	snprintf(address, sizeof(address), "127.0.0.1:%d", host.port);
	snprintf(port, sizeof(port), "%d", host.port);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	char command[128];
	if (host.pid)
		host_process_end(&host);
	host_process_clean(&host);
	snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	return system(command);
}

static void restart(void)
{
	const char *args[24] = {"--port", port};
	for (size_t i = 0; host_args[i]; i++)
		args[i + 2] = host_args[i];
	assert_int_equal(host_process_restart(&host, host_path, args), 0);
}

static void pair(void)
{
	expect(CLIENT("pair", address, "--pin", arm(0)), 0, "Paired with 127.0.0.1");
}

static void a_device_is_paired_once(void **state)
{
	(void)state;
	expect(CLIENT("pair", address, "--pin", "0000"), 3, "pair --arm");
	expect(CLIENT("pair", address, "--pin", arm(1)), 4, "somebody is between");
	/* It was used up: the right one would be too late. */
	expect(CLIENT("pair", address, "--pin", "0000"), 3, "pair --arm");
	pair();
	expect(STREAM("--quiet"), 0, "");
	expect(CLIENT("hosts"), 0, "paired  certificate");
	char first[80], again[80];
	snprintf(first, sizeof(first), "%s", strstr(said, "This client is "));
	expect(CLIENT("hosts"), 0, "This client is ");
	snprintf(again, sizeof(again), "%s", strstr(said, "This client is "));
	assert_string_equal(first, again);
	expect(CLIENT("hosts", "rename", address, "Living Room"), 0, "Renamed");
	expect(CLIENT("stream", "living room", "--mode", "320x180x60", "--seconds", "1"), 0, "");
}

static void a_stranger_waits_for_a_person(void **state)
{
	(void)state;
	const char *argv[] = {client_path, "stream", address, "--mode", "320x180x60", "--seconds",
		"1", "--wait-approval", "30", NULL};
	pid_t pid = start("stranger", argv);
	assert_true(
		host_process_logged(&host, "asks to be let in: punktfunk-host approve 1", 10000));
	usleep(1300000); /* so that it has said that it waits */
	expect(HOST("approve", "1"), 0, "");
	expect(end(pid, "stranger"), 0, "punktfunk-host approve ");
	/* From then on it is known. */
	expect(STREAM("--quiet"), 0, "");
	/* Thrown out, it is not tried to come back. */
	char own[17] = "";
	expect(CLIENT("hosts"), 0, "This client is ");
	snprintf(own, sizeof(own), "%.16s", strstr(said, "This client is ") + 15);
	const char *stays[] = {
		client_path, "stream", address, "--mode", "640x360x60", "--seconds", "50", NULL};
	pid = start("stranger", stays);
	assert_true(host_process_logged(&host, "640x360 at 60 Hz", 10000));
	usleep(500000);
	expect(HOST("unpair", own), 0, "Unpaired");
	expect(end(pid, "stranger"), 5, "ended the stream");
}

static void a_host_set_up_anew_is_not_believed_without_a_pin(void **state)
{
	(void)state;
	static const char *const files[] = {"cert.pem", "key.pem", "punktfunk1-paired.json"};
	pair();
	assert_int_equal(host_process_end(&host), 0);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char path[160];
		snprintf(path, sizeof(path), "%s/%s", host.dir, files[i]);
		assert_int_equal(unlink(path), 0);
	}
	restart();
	expect(STREAM("--quiet"), 4, "is not the one that it had before");
	expect(CLIENT("speed-test", address, "--seconds", "2"), 4, "punktfunk-client pair");
	expect(CLIENT("pair", address, "--pin", arm(1)), 4, "");
	expect(STREAM("--quiet"), 4, "is not the one"); /* a wrong PIN proves nothing */
	expect(CLIENT("pair", address, "--pin", arm(0)), 0, "is forgotten");
	expect(STREAM("--quiet"), 0, "");
}

static void a_host_that_comes_back_is_found_again(void **state)
{
	(void)state;
	pair();
	const char *argv[] = {client_path, "stream", address, "--mode", "320x180x60", "--seconds",
		"6", "--reconnect", "30", NULL};
	pid_t pid = start("stays", argv);
	assert_true(host_process_logged(&host, "320x180 at 60 Hz", 10000));
	usleep(500000);
	host_process_kill(&host);
	restart();
	assert_true(host_process_logged(&host, "320x180 at 60 Hz", 20000));
	expect(end(pid, "stays"), 0, "Back after");
}

static void a_speed_test_measures_loopback(void **state)
{
	(void)state;
	pair();
	expect(CLIENT("speed-test", address, "--seconds", "2", "--kbps", "8000", "--json"), 0,
		"\"recommended_kbps\"");
	long kbps = strtol(strstr(said, "\"throughput_kbps\": ") + 19, NULL, 10);
	assert_in_range(kbps, 1000, 20000);
}

/* The host shows its digits apart: "1 2 3 4". */
static void a_pin_is_typed_as_it_is_shown(void **state)
{
	(void)state;
	char command[600];
	const char *pin = arm(0);
	snprintf(command, sizeof(command), "echo ' %c %c %c %c ' | '%s' pair %s", pin[0], pin[1],
		pin[2], pin[3], client_path, address);
	expect(run((const char *const[]){"/bin/sh", "-c", command, NULL}), 0,
		"Paired with 127.0.0.1");
}

static void a_wrong_command_line_is_named(void **state)
{
	(void)state;
	expect(HOST("serve", "--encoder", "foo"), 2,
		"--encoder is auto, x264, avcodec, vaapi, nvenc or null");
	expect(HOST("serve", "--fec-percent", "91"), 2, "--fec-percent is 0 to 90");
	expect(HOST("pair", "--arm", "--ttl", "0"), 2, "--ttl takes seconds from 1 to 3600");
	expect(HOST("approve"), 2, "approve takes one KNOCK");
	expect(HOST("pin", "1234"), 4, "serve --gamestream");
}

#define CLIENT_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	host_path = getenv("PUNKTFUNK_HOST");
	client_path = getenv("PUNKTFUNK_CLIENT");
	if (!host_path || !client_path) {
		fputs("PUNKTFUNK_HOST and PUNKTFUNK_CLIENT must name the programs\n", stderr);
		return 1;
	}
	const struct CMUnitTest tests[] = {
		CLIENT_TEST(a_device_is_paired_once),
		CLIENT_TEST(a_stranger_waits_for_a_person),
		CLIENT_TEST(a_host_set_up_anew_is_not_believed_without_a_pin),
		CLIENT_TEST(a_host_that_comes_back_is_found_again),
		CLIENT_TEST(a_speed_test_measures_loopback),
		CLIENT_TEST(a_pin_is_typed_as_it_is_shown),
		CLIENT_TEST(a_wrong_command_line_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
