/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/config/config.h"
#include "host/doctor/doctor.h"
#include "host/media/clock.h"
#include "host/vdisplay/vdisplay.h"

/* A machine of the test's own: a folder with its configuration, runtime folder, /dev and /etc. */

static char base[] = "/tmp/pf-doctor-XXXXXX";
static struct doctor *d;
static struct config config;

static void path_of(char *out, size_t cap, const char *name)
{
	snprintf(out, cap, "%s/%s", base, name);
}

static void add(const char *name, const char *text, mode_t mode)
{
	char path[256];
	path_of(path, sizeof(path), name);
	if (!text) {
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(chmod(path, mode), 0);
		return;
	}
	FILE *f = fopen(path, "we");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static void parse(const char *a, const char *b)
{
	char *argv[] = {(char *)"punktfunk-host", (char *)"doctor", (char *)a, (char *)b, NULL};
	assert_int_equal(config_parse(&config, a ? 4 : 2, argv), 0);
}

static int setup(void **state)
{
	(void)state;
	static const char *const unset[] = {"SWAYSOCK", "WAYLAND_DISPLAY", "XDG_CURRENT_DESKTOP",
		"HYPRLAND_INSTANCE_SIGNATURE", "GAMESCOPE_WAYLAND_DISPLAY", "SUDO_UID",
		"PUNKTFUNK_COMPOSITOR", "PUNKTFUNK_CONFIG_DIR", "XDG_CONFIG_HOME",
		"PIPEWIRE_REMOTE"};
	char dir[256];
	for (size_t i = 0; i < sizeof(unset) / sizeof(unset[0]); i++)
		unsetenv(unset[i]);
	snprintf(base, sizeof(base), "/tmp/pf-doctor-XXXXXX");
	assert_non_null(mkdtemp(base));
	add("run", NULL, 0700);
	add("conf", NULL, 0700);
	path_of(dir, sizeof(dir), "run");
	setenv("XDG_RUNTIME_DIR", dir, 1);
	path_of(dir, sizeof(dir), "conf");
	setenv("PUNKTFUNK_CONFIG_DIR", dir, 1);
	setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", 1);
	parse(NULL, NULL);
	d = calloc(1, sizeof(*d));
	assert_non_null(d);
	d->config = &config;
	d->root = base;
	d->pipe_fd = -1;
	d->topic = "test";
	return 0;
}

static int teardown(void **state)
{
	char command[300];
	(void)state;
	free(d);
	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command);
}

static const struct doctor_line *only_line(void)
{
	assert_int_equal(d->n_lines, 1);
	return &d->lines[0];
}

/* --- running them --- */

static void say_two(struct doctor *c)
{
	doctor_say(c, DOCTOR_GOOD, NULL, "first %zu", c->arg);
	doctor_say(c, DOCTOR_NOTE, "do\nthat", "second \033[31m%zu", c->arg);
}

static void hang(struct doctor *c)
{
	doctor_say(c, DOCTOR_NOTE, NULL, "before it hung");
	for (;;)
		pause();
}

static void crash(struct doctor *c)
{
	(void)c;
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
}

static void talk_forever(struct doctor *c)
{
	for (;;)
		doctor_say(c, DOCTOR_NOTE, NULL, "%900d", 7);
}

static void each_says_its_own_in_order(void **state)
{
	(void)state;
	const struct doctor_check checks[] = {
		{"one", say_two, 1, false, NULL}, {"two", say_two, 2, false, NULL}};
	assert_int_equal(doctor_run(d, checks, 2, 10000), 0);
	assert_int_equal(d->n_lines, 4);
	assert_string_equal(d->lines[0].text, "first 1");
	assert_string_equal(d->lines[1].text, "second ?[31m1");
	assert_string_equal(d->lines[1].remedy, "do?that");
	assert_string_equal(d->lines[2].topic, "two");
	assert_string_equal(d->lines[3].text, "second ?[31m2");
}

static void what_hangs_or_crashes_takes_nothing_with_it(void **state)
{
	(void)state;
	const struct doctor_check checks[] = {{"hangs", hang, 0, true, "end it"},
		{"crashes", crash, 0, false, NULL}, {"works", say_two, 3, false, NULL}};
	const uint64_t start_ns = clock_now_ns();
	assert_int_equal(doctor_run(d, checks, 3, 700), 0);
	assert_true(clock_now_ns() - start_ns < 3000000000ull);
	assert_int_equal(d->n_lines, 5);
	assert_string_equal(d->lines[0].text, "before it hung");
	assert_string_equal(d->lines[1].text, "did not answer within 0.7 s");
	assert_string_equal(d->lines[1].remedy, "end it");
	assert_int_equal(d->lines[1].level, DOCTOR_BAD);
	assert_int_equal(d->lines[2].level, DOCTOR_LACKS);
	assert_non_null(strstr(d->lines[2].text, "crashed"));
	assert_string_equal(d->lines[4].topic, "works");
	assert_false(doctor_would_stream(d));
}

static void one_that_never_stops_is_stopped(void **state)
{
	(void)state;
	const struct doctor_check checks[] = {{"talks", talk_forever, 0, false, NULL}};
	const uint64_t start_ns = clock_now_ns();
	assert_int_equal(doctor_run(d, checks, 1, 300), 0);
	assert_true(clock_now_ns() - start_ns < 3000000000ull);
	assert_int_equal(d->n_lines, DOCTOR_MAX_LINES);
	assert_int_equal(strlen(d->lines[0].text), sizeof(d->lines[0].text) - 1);
}

static void the_verdict_needs_a_desktop_and_nothing_bad(void **state)
{
	(void)state;
	const struct doctor_line own = {.desktop = true, .own = true, .rank = 10},
				 runs = {.desktop = true, .rank = 101}, bad = {.level = DOCTOR_BAD};
	assert_null(doctor_choice(d));
	assert_false(doctor_would_stream(d));
	d->lines[d->n_lines++] = own;
	assert_true(doctor_would_stream(d));
	d->lines[d->n_lines++] = runs;
	assert_ptr_equal(doctor_choice(d), &d->lines[1]);
	d->lines[d->n_lines++] = bad;
	assert_false(doctor_would_stream(d));
	d->n_lines = 0;
	config.source = "synthetic";
	assert_true(doctor_would_stream(d));
}

static void pictures_from_pipewire_need_it(void **state)
{
	(void)state;
	const struct doctor_line sway = {.desktop = true, .rank = 101, .topic = "wlroots"},
				 kwin = {.desktop = true, .rank = 121, .topic = "kwin"},
				 pipewire = {.level = DOCTOR_LACKS, .topic = DOCTOR_PIPEWIRE};
	d->lines[d->n_lines++] = sway;
	d->lines[d->n_lines++] = pipewire;
	doctor_mind_pipewire(d);
	assert_true(doctor_would_stream(d));
	d->lines[d->n_lines++] = kwin;
	doctor_mind_pipewire(d);
	assert_false(doctor_would_stream(d));
}

/* --- the checks --- */

static void the_folder_has_to_be_ours(void **state)
{
	(void)state;
	char path[256];
	path_of(path, sizeof(path), "conf");
	doctor_folder(d);
	assert_int_equal(only_line()->level, DOCTOR_GOOD);
	assert_string_equal(only_line()->text, path);

	d->n_lines = 0;
	assert_int_equal(chmod(path, 0777), 0);
	doctor_folder(d);
	assert_int_equal(only_line()->level, DOCTOR_BAD);
	assert_int_equal(chmod(path, 0700), 0);

	d->n_lines = 0;
	add("conf/key.pem", "secret", 0644);
	doctor_folder(d);
	assert_int_equal(d->n_lines, 2);
	assert_int_equal(d->lines[1].level, DOCTOR_BAD);
	assert_non_null(strstr(d->lines[1].text, "key.pem"));

	d->n_lines = 0;
	path_of(path, sizeof(path), "conf/new/folder");
	config.config_dir = path;
	doctor_folder(d);
	assert_int_equal(only_line()->level, DOCTOR_GOOD);
	assert_true(access(path, F_OK) < 0); /* looked at, not made */

	d->n_lines = 0;
	config.config_dir = "/proc/nothing/there";
	doctor_folder(d);
	if (geteuid() != 0)
		assert_int_equal(only_line()->level, DOCTOR_BAD);

	d->n_lines = 0;
	path_of(path, sizeof(path), "conf/key.pem");
	config.config_dir = path;
	doctor_folder(d);
	assert_int_equal(d->lines[0].level, DOCTOR_BAD);
}

static void clients_are_counted(void **state)
{
	(void)state;
	doctor_clients(d);
	assert_int_equal(d->n_lines, 2);
	assert_non_null(strstr(d->lines[0].text, "0 clients"));
	d->n_lines = 0;
	add("conf/punktfunk1-paired.json", "garbage", 0600);
	doctor_clients(d);
	assert_int_equal(d->lines[0].level, DOCTOR_LACKS);
	d->n_lines = 0;
	config.config_dir = "/nonexistent/there";
	doctor_clients(d);
	assert_non_null(strstr(only_line()->text, "none is paired"));
}

static void a_port_in_use_is_bad(void **state)
{
	(void)state;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	config.bind = "127.0.0.1";
	config.port = ntohs(a.sin_port);
	doctor_ports(d);
	assert_int_equal(only_line()->level, DOCTOR_BAD);
	assert_non_null(strstr(only_line()->text, "in use"));
	close(fd);
	d->n_lines = 0;
	doctor_ports(d);
	assert_int_equal(only_line()->level, DOCTOR_GOOD);
	d->n_lines = 0;
	config.bind = "203.0.113.7"; /* nobody's */
	doctor_ports(d);
	assert_int_equal(only_line()->level, DOCTOR_BAD);
}

static void devices_and_firewalls_are_looked_for(void **state)
{
	(void)state;
	doctor_devices(d);
	assert_int_equal(d->n_lines, 2);
	assert_int_equal(d->lines[0].level, DOCTOR_NOTE);
	assert_string_equal(d->lines[0].remedy, "modprobe uinput");
	add("dev", NULL, 0700);
	add("dev/uinput", "", 0600);
	d->n_lines = 0;
	doctor_devices(d);
	assert_int_equal(d->lines[0].level, DOCTOR_GOOD);

	d->n_lines = 0;
	doctor_firewall(d);
	assert_string_equal(only_line()->remedy, "");
	add("etc", NULL, 0700);
	add("etc/ufw", NULL, 0700);
	add("etc/ufw/ufw.conf", "# comment\nENABLED=yes\n", 0644);
	d->n_lines = 0;
	doctor_firewall(d);
	assert_non_null(strstr(only_line()->remedy, "ufw allow 9777/udp"));

	d->n_lines = 0;
	doctor_avahi(d);
	assert_int_equal(only_line()->level, DOCTOR_LACKS);
	config.no_discovery = true;
	d->n_lines = 0;
	doctor_avahi(d);
	assert_int_equal(only_line()->level, DOCTOR_NOTE);
}

static void no_encoder_is_bad(void **state)
{
	(void)state;
	config.encoder = "null";
	doctor_encoders(d);
	assert_int_equal(only_line()->level, DOCTOR_GOOD);
	d->n_lines = 0;
	config.codecs = "neither";
	doctor_encoders(d);
	assert_int_equal(only_line()->level, DOCTOR_BAD);
}

static void a_missing_runtime_folder_is_said(void **state)
{
	(void)state;
	char run_user[64];
	snprintf(run_user, sizeof(run_user), "/run/user/%u", (unsigned)geteuid());
	doctor_session(d);
	assert_int_equal(d->n_lines, 1);
	d->n_lines = 0;
	unsetenv("XDG_RUNTIME_DIR");
	doctor_session(d);
	if (access(run_user, F_OK) == 0)
		return;
	assert_int_equal(d->n_lines, 2);
	assert_int_equal(d->lines[1].level, DOCTOR_LACKS);
	assert_non_null(strstr(d->lines[1].text, "XDG_RUNTIME_DIR is not set"));
}

/* --- as a whole, on a machine where everything hangs --- */

static int listen_at(const char *name)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s", base, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 8), 0);
	return fd;
}

/* Its standard output, in text. */
static int run_whole(char *text, size_t cap)
{
	char path[256];
	path_of(path, sizeof(path), "out");
	fflush(stdout);
	const int saved = dup(1), to = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0600);
	assert_true(saved >= 0 && to >= 0);
	dup2(to, 1);
	const int code = doctor_main(&config);
	fflush(stdout);
	dup2(saved, 1);
	const ssize_t n = pread(to, text, cap - 1, 0);
	text[n > 0 ? n : 0] = 0;
	close(saved);
	close(to);
	return code;
}

static void everything_hangs_and_it_still_answers(void **state)
{
	(void)state;
	static const char *const names[] = {
		"run/bus", "run/pipewire-0", "run/sway-ipc.0.1.sock", "run/wayland-0"};
	int fds[4];
	char address[300], text[32768];
	for (size_t i = 0; i < 4; i++)
		fds[i] = listen_at(names[i]);
	snprintf(address, sizeof(address), "unix:path=%s/run/bus", base);
	setenv("DBUS_SESSION_BUS_ADDRESS", address, 1);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	parse("--source", "synthetic");
	config.port = 0;
	const uint64_t start_ns = clock_now_ns();
	const int code = run_whole(text, sizeof(text));
	const double took_s = (double)(clock_now_ns() - start_ns) / 1e9;
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	/* 3 s, and what a busy machine takes for a few processes. */
	assert_true(took_s < 10 * (TEST_SLOW ? 4 : 1));
	assert_int_equal(code, 0);
	assert_non_null(strstr(text, "Avahi"));
	assert_non_null(strstr(text, "A host would stream now, from: a test picture"));
}

static void programs_get_json(void **state)
{
	(void)state;
	char text[32768], path[4096];
	snprintf(path, sizeof(path), "%s", getenv("PATH"));
	setenv("PATH", "/nonexistent", 1);
	parse("--compositor", "own");
	config.json = true;
	config.port = 0;
	const int code = run_whole(text, sizeof(text));
	setenv("PATH", path, 1);
	assert_int_equal(code, 1);
	assert_int_equal(strncmp(text, "{\"would_stream\":false,\"from\":\"no desktop\"", 40), 0);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	parse("--compositor", "none");
	config.port = 0;
	assert_int_equal(run_whole(text, sizeof(text)), 0);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_says_its_own_in_order),
		TEST(what_hangs_or_crashes_takes_nothing_with_it),
		TEST(one_that_never_stops_is_stopped),
		TEST(the_verdict_needs_a_desktop_and_nothing_bad),
		TEST(pictures_from_pipewire_need_it),
		TEST(the_folder_has_to_be_ours),
		TEST(clients_are_counted),
		TEST(a_port_in_use_is_bad),
		TEST(devices_and_firewalls_are_looked_for),
		TEST(no_encoder_is_bad),
		TEST(a_missing_runtime_folder_is_said),
		TEST(everything_hangs_and_it_still_answers),
		TEST(programs_get_json),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
