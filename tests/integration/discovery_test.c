/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "net/discovery.h"
#include "tests/support/http_get.h"
#include "tests/support/sites.h"

/*
 * A real host and a real client on two machines of a network, each with a D-Bus and an avahi-daemon of its own.
 * PUNKTFUNK_HOST and PUNKTFUNK_CLIENT name the programs.
 */

#define WAIT_MS	   15000 /* mDNS probes, announces and asks again in steps of seconds */
#define OUT_MAX	   16384
#define N_LISTINGS 10 /* of a second each, until the network has settled */

static char out[OUT_MAX];
static pid_t bus[N_SITES], avahi[N_SITES], host, other;

static void write_file(const char *name, const char *text)
{
	FILE *f = fopen(sites_path(name), "we");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Everything may talk to everything: nobody else is there. */
static const char bus_config[] =
	"<!DOCTYPE busconfig PUBLIC \"-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN\"\n"
	" \"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd\">\n"
	"<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>\n"
	"<auth>EXTERNAL</auth><policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/>\n"
	"<allow send_type=\"method_call\"/><allow send_destination=\"*\"/>\n"
	"<allow receive_sender=\"*\"/></policy></busconfig>\n";

static void start_bus(enum site site)
{
	char config[256];
	write_file("bus.conf", bus_config);
	(void)mkdir(sites_path(site == SITE_A ? "run-a/dbus" : "run-b/dbus"), 0755);
	(void)unlink(sites_path(
		site == SITE_A ? "run-a/dbus/system_bus_socket" : "run-b/dbus/system_bus_socket"));
	snprintf(config, sizeof(config), "--config-file=%s", sites_path("bus.conf"));
	bus[site] = sites_spawn(site, "bus.log",
		(const char *const[]){"dbus-daemon", "--nofork", "--nopidfile", config, NULL});
	assert_true(bus[site] > 0);
	const char *socket = sites_path(
		site == SITE_A ? "run-a/dbus/system_bus_socket" : "run-b/dbus/system_bus_socket");
	for (int waited = 0; access(socket, F_OK) < 0; waited += 10) {
		assert_true(waited < WAIT_MS);
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
}

static void start_avahi(enum site site)
{
	const char *name = site == SITE_A ? "avahi-a" : "avahi-b";
	char config[256], text[256];
	snprintf(text, sizeof(text),
		"[server]\nhost-name=%s\nuse-ipv6=no\nallow-interfaces=cable-%c\n"
		"[publish]\npublish-hinfo=no\npublish-workstation=no\n",
		name, site == SITE_A ? 'a' : 'b');
	write_file(name, text);
	(void)mkdir(sites_path(site == SITE_A ? "run-a/avahi-daemon" : "run-b/avahi-daemon"), 0755);
	snprintf(config, sizeof(config), "--file=%s", sites_path(name));
	snprintf(text, sizeof(text), "%s.log", name);
	(void)unlink(sites_path(text));
	avahi[site] = sites_spawn(site, text,
		(const char *const[]){"avahi-daemon", "--no-drop-root", "--no-chroot",
			"--no-rlimits", config, NULL});
	assert_true(avahi[site] > 0);
	assert_true(sites_logged(text, "Server startup complete", 1, WAIT_MS));
}

static pid_t start_host(const char *log, const char *dir, const char *name)
{
	const char *path = getenv("PUNKTFUNK_HOST");
	pid_t pid = sites_spawn(SITE_A, log,
		(const char *const[]){path, "serve", "--source", "synthetic", "--encoder", "null",
			"--port", "0", "--bind", "0.0.0.0", "--config-dir", sites_path(dir),
			"--name", name, NULL});
	assert_true(pid > 0);
	assert_true(sites_logged(log, "listening on", 1, WAIT_MS));
	return pid;
}

/* What the client of the other machine prints; returns its exit code. */
static int list(const char *seconds, bool json)
{
	const char *path = getenv("PUNKTFUNK_CLIENT");
	return sites_run(SITE_B,
		(const char *const[]){
			path, "discover", "--timeout", seconds, json ? "--json" : NULL, NULL},
		out, sizeof(out));
}

/* Lists until text is there, or is there no more. */
static bool listed(const char *text, bool wanted)
{
	for (int i = 0; i < N_LISTINGS; i++) {
		list("1", true);
		if ((strstr(out, text) != NULL) == wanted)
			return true;
	}
	fprintf(stderr, "'%s' %s listed:\n%s\n", text, wanted ? "is not" : "is still", out);
	return false;
}

/* The rest of the line of a log behind `mark`. */
static void logged_value(const char *log, const char *mark, char *value, size_t cap)
{
	char line[1024];
	FILE *f = fopen(sites_path(log), "re");
	assert_non_null(f);
	value[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		char *at = strstr(line, mark);
		if (!at)
			continue;
		at[strcspn(at, "\n")] = '\0';
		snprintf(value, cap, "%.*s", (int)cap - 1, at + strlen(mark));
	}
	fclose(f);
	assert_true(value[0]);
}

static void without_a_daemon_it_says_what_to_do(void **state)
{
	(void)state;
	assert_int_equal(list("1", false), 2);
	assert_non_null(strstr(out, "apt install avahi-daemon"));
	start_bus(SITE_A);
	start_bus(SITE_B);
	host = start_host("host.log", "host", "Ben's desk");
	assert_true(sites_logged("host.log",
		"discovery: avahi-daemon is not running, so clients must be given the address", 1,
		WAIT_MS));
	start_avahi(SITE_B);
	assert_int_equal(list("1", false), 2);
	assert_non_null(strstr(out, "No host was found in 1 s"));
	assert_non_null(strstr(out, "5353"));
}

static void a_daemon_that_comes_later_is_used(void **state)
{
	char text[256], value[128];
	(void)state;
	start_avahi(SITE_A);
	assert_true(sites_logged("host.log", "announced as \"Ben's desk\"", 1, WAIT_MS));
	assert_true(listed("\"name\": \"Ben's desk\"", true));
	assert_non_null(strstr(out, "\"address\": \"10.77.0.1\""));
	assert_non_null(strstr(out, "\"addresses\": [\"10.77.0.1\"]"));
	assert_non_null(strstr(out, "\"pair\": \"required\""));
	assert_non_null(strstr(out, "\"os\": \"linux"));
	assert_non_null(strstr(out, "\"wire\": [1]"));
	assert_non_null(strstr(out, "\"old\": false"));
	assert_non_null(strstr(out, "\"mgmt\": 0"));
	assert_null(strstr(out, "\"macs\": []"));
	logged_value("host.log", "fingerprint ", value, sizeof(value));
	snprintf(text, sizeof(text), "\"fingerprint\": \"%s\"", value);
	assert_non_null(strstr(out, text));
	logged_value("host.log", "UDP port ", value, sizeof(value));
	snprintf(text, sizeof(text), "{\"port\": %s,", value);
	assert_non_null(strstr(out, text));
	logged_value("host/host-id", "", value, sizeof(value));
	assert_int_equal(strlen(value), 32);
	snprintf(text, sizeof(text), "\"id\": \"%s\"", value);
	assert_non_null(strstr(out, text));
}

static void a_name_that_is_taken_gets_a_number(void **state)
{
	(void)state;
	other = start_host("other.log", "other", "Ben's desk");
	assert_true(sites_logged("other.log", "announced as \"Ben's desk #2\"", 1, WAIT_MS));
	assert_true(listed("\"name\": \"Ben's desk #2\"", true));
	assert_non_null(strstr(out, "\"name\": \"Ben's desk\""));
	assert_int_equal(sites_end(&other), 0);
	assert_true(listed("Ben's desk #2", false));
	assert_non_null(strstr(out, "\"name\": \"Ben's desk\""));
}

/* Does the other machine's own browser find a host for Moonlight clients, until it is as wanted? */
static bool browsed(const char *name, bool wanted)
{
	char found[64];
	snprintf(found, sizeof(found), "=;cable-b;IPv4;%s;", name);
	for (int i = 0; i < N_LISTINGS; i++) {
		assert_int_equal(sites_run(SITE_B,
					 (const char *const[]){"avahi-browse", "-rptk",
						 DISCOVERY_SERVICE_GAMESTREAM, NULL},
					 out, sizeof(out)),
			0);
		if ((strstr(out, found) != NULL) == wanted)
			return true;
		nanosleep(&(struct timespec){0, 500000000}, NULL);
	}
	fprintf(stderr, "'%s' %s browsed:\n%s\n", found, wanted ? "is not" : "is still", out);
	return false;
}

/* At the port that every Moonlight client knows: only this network has it. */
static void moonlight_clients_find_a_host(void **state)
{
	static char body[OUT_MAX];
	const struct http_get g = {.to = "10.77.0.1", .port = 47989};
	(void)state;
	other = sites_spawn(SITE_A, "moonlight.log",
		(const char *const[]){getenv("PUNKTFUNK_HOST"), "serve", "--gamestream", "--source",
			"synthetic", "--port", "0", "--bind", "0.0.0.0", "--config-dir",
			sites_path("moonlight"), "--name", "sofa", NULL});
	assert_true(other > 0);
	assert_true(sites_logged("moonlight.log", "announced as \"sofa\"", 2, WAIT_MS));
	assert_true(browsed("sofa", true));
	assert_non_null(strstr(out, ";_nvstream._tcp;local;avahi-a.local;10.77.0.1;47989;"));
	assert_null(strstr(out, "=;cable-b;IPv4;Ben")); /* which serves no such client */
	/* This program is on the other machine, too. */
	assert_int_equal(http_get(&g, "/serverinfo", body, sizeof(body), NULL), 200);
	assert_non_null(strstr(body, "status_code=\"200\""));
	assert_non_null(strstr(body, "<hostname>sofa</hostname>"));
	assert_int_equal(sites_end(&other), 0);
	assert_true(browsed("sofa", false));
	assert_int_equal(http_get(&g, "/serverinfo", body, sizeof(body), NULL), -1);
}

/* Names and records that no host of ours would make. */
static pid_t publish(const char *name, const char *a, const char *b)
{
	pid_t pid = sites_spawn(SITE_A, "publish.log",
		(const char *const[]){
			"avahi-publish", "-s", name, "_punktfunk._udp", "9777", a, b, NULL});
	assert_true(pid > 0);
	return pid;
}

static void liars_are_harmless(void **state)
{
	(void)state;
	pid_t liars[] = {
		publish("stranger", "proto=punktfunk/2", "pair=optional"),
		publish("red\x1b[31m\xc2\x9b", "proto=punktfunk/1", "id=\x1b[2J"),
		publish("thief", "proto=punktfunk/1", "os=\x1b]0;x/\"quoted\""),
	};
	size_t n = sizeof(liars) / sizeof(liars[0]);
	assert_true(listed("\"name\": \"red?[31m?\"", true));
	assert_true(listed("\"name\": \"thief\"", true));
	assert_non_null(strstr(out, "\"os\": \"0x/quoted\""));
	assert_non_null(strstr(out, "\"name\": \"Ben's desk\""));
	assert_int_equal(list("2", false), 0);
	assert_non_null(strstr(out, "Ben's desk\n  address 10.77.0.1:"));
	assert_null(strstr(out, "stranger"));
	assert_non_null(strstr(out, "of another protocol"));
	assert_null(strchr(out, 0x1b));
	assert_null(strstr(out, "\xc2\x9b"));
	for (size_t i = 0; i < n; i++)
		sites_end(&liars[i]);
	assert_true(listed("thief", false));
}

static volatile sig_atomic_t asked;

static void on_signal(int number)
{
	(void)number;
	asked = 1;
}

static void on_note(enum discovery_note note, const char *text, void *userdata)
{
	(void)userdata;
	fprintf(stderr, "note %d: %s\n", note, text);
}

/* What a site runs: a publisher whose record changes with SIGUSR1. */
static int publish_main(void)
{
	struct discovery_publisher_params params = {.name = "changing",
		.port = 1234,
		.txt = {.pair = PF_TXT_PAIR_OPTIONAL, .id = "first"},
		.on_note = on_note};
	struct discovery_publisher *p;
	sigset_t signals, none;
	sigemptyset(&none);
	sigemptyset(&signals);
	sigaddset(&signals, SIGUSR1);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	signal(SIGUSR1, on_signal);
	if (discovery_publisher_create(&p, &params) < 0)
		return 1;
	while (!asked)
		sigsuspend(&none);
	strcpy(params.txt.id, "second");
	params.txt.pair = PF_TXT_PAIR_REQUIRED;
	if (discovery_publisher_update(p, &params.txt) < 0)
		return 1;
	fprintf(stderr, "changed\n");
	for (asked = 0; !asked;)
		sigsuspend(&none);
	discovery_publisher_destroy(p);
	return 0;
}

static void a_changed_record_is_told(void **state)
{
	(void)state;
	other = sites_spawn(
		SITE_A, "changing.log", (const char *const[]){"/proc/self/exe", "publish", NULL});
	assert_true(other > 0);
	assert_true(sites_logged("changing.log", "note 0: changing", 1, WAIT_MS));
	assert_true(listed("\"pair\": \"optional\", \"id\": \"first\"", true));
	assert_int_equal(kill(other, SIGUSR1), 0);
	assert_true(listed("\"pair\": \"required\", \"id\": \"second\"", true));
	assert_null(strstr(out, "first"));
	/* It leaves in order. */
	assert_int_equal(kill(other, SIGUSR1), 0);
	assert_true(listed("changing", false));
	assert_int_equal(sites_end(&other), 0);
}

static void a_new_daemon_is_told_again(void **state)
{
	(void)state;
	sites_end(&avahi[SITE_A]);
	assert_true(sites_logged("host.log", "avahi-daemon is not running", 2, WAIT_MS));
	assert_true(listed("Ben's desk", false));
	start_avahi(SITE_A);
	assert_true(sites_logged("host.log", "announced as \"Ben's desk\"", 2, WAIT_MS));
	assert_true(listed("\"name\": \"Ben's desk\"", true));
	/* The whole bus may go, too. */
	sites_end(&bus[SITE_A]);
	sites_end(&avahi[SITE_A]);
	assert_true(sites_logged("host.log", "the D-Bus system bus", 1, WAIT_MS));
	start_bus(SITE_A);
	start_avahi(SITE_A);
	assert_true(sites_logged("host.log", "announced as \"Ben's desk\"", 3, WAIT_MS));
}

static void a_host_that_ends_is_listed_no_more(void **state)
{
	(void)state;
	assert_true(listed("\"name\": \"Ben's desk\"", true));
	assert_int_equal(sites_end(&host), 0);
	assert_true(listed("Ben's desk", false));
	assert_non_null(strstr(out, "[]\n"));
}

static int teardown(void **state)
{
	(void)state;
	sites_end(&host);
	sites_end(&other);
	for (int i = 0; i < N_SITES; i++) {
		sites_end(&avahi[i]);
		sites_end(&bus[i]);
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "publish"))
		return publish_main();
	unsetenv("DBUS_SYSTEM_BUS_ADDRESS");
	if (system("command -v dbus-daemon avahi-daemon avahi-browse avahi-publish ip "
		   ">/dev/null") != 0) {
		puts("avahi-daemon, avahi-utils, dbus or iproute2 is missing; scripts/deps "
		     "installs them");
		return 1;
	}
	int code = sites_open();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_daemon_it_says_what_to_do),
		cmocka_unit_test(a_daemon_that_comes_later_is_used),
		cmocka_unit_test(a_name_that_is_taken_gets_a_number),
		cmocka_unit_test(moonlight_clients_find_a_host),
		cmocka_unit_test(liars_are_harmless),
		cmocka_unit_test(a_changed_record_is_told),
		cmocka_unit_test(a_new_daemon_is_told_again),
		cmocka_unit_test(a_host_that_ends_is_listed_no_more),
	};
	if (!code)
		code = cmocka_run_group_tests(tests, NULL, teardown);
	sites_close();
	return code;
}
