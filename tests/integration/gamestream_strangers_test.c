/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* A real host that streams to one device, and what another one, or nobody at all, can do about it. */
#include "tests/integration/gamestream_rig.h"
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ATTEMPTS    200u
#define ATTEMPTS_KB 4096 /* of growth; each attempt holds some 6 KiB while it lasts */

static struct rig rig;
static struct device bob;

static int ask(const struct device *d, const char *request)
{
	const struct http_get g = moon_tls(&rig.host, d);
	return moon_ask(&rig.host, &g, request, NULL);
}

/* word: "launch" or "resume" */
static int ask_with_key(const struct device *d, const char *word, const uint8_t key[16])
{
	char path[300], hex[33];
	hex_write(hex, key, 16);
	snprintf(path, sizeof(path),
		"/%s?" MOON_UNIQUEID "&appid=1&mode=640x480x60&rikey=%s&rikeyid=1&corever=1", word,
		hex);
	return ask(d, path);
}

static void another_device_touches_nothing(void **state)
{
	static const uint8_t key[16] = {7};
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	rig_launch(&s);
	assert_int_equal(ask(&bob, "/serverinfo?" MOON_UNIQUEID), 200);
	assert_true(moon_is(&rig.host, "currentgame", "0"));
	assert_int_equal(ask_with_key(&bob, "resume", key), 400);
	assert_int_equal(ask(&bob, "/cancel?" MOON_UNIQUEID), 200);
	const uint64_t clean = moon_video_stats(s.video)->clean;
	moon_session_run(&s, 300);
	assert_true(moon_video_stats(s.video)->clean > clean);
	assert_false(moon_session_has_ended(&s));
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static void who_is_unpaired_is_out_at_once(void **state)
{
	struct moon_session s = rig_session(&rig, &bob);
	(void)state;
	rig_launch(&s);
	assert_int_equal(moon_command(&rig.host, "gamestream.unpair",
				 json_pack("{s:s}", "client", "bob"), NULL),
		PF_OK);
	assert_true(moon_session_until(&s, moon_session_has_ended, 3000));
	assert_int_equal(ask_with_key(&bob, "resume", s.key), 401);
	moon_session_leave(&s);
	assert_true(rig_pair(&rig, &bob, "bob"));
	assert_int_equal(ask_with_key(&bob, "resume", s.key), 400); /* nothing is left of it */
}

/* Sequences begin anew with each connection: with the same key that would be the same nonces. */
static void a_key_is_good_for_once(void **state)
{
	struct moon_session s = rig_session(&rig, &rig.alice);
	(void)state;
	rig_launch(&s);
	moon_session_leave(&s);
	assert_int_equal(ask_with_key(&rig.alice, "resume", s.key), 503);
	assert_int_equal(ask_with_key(&rig.alice, "launch", s.key), 503);
	assert_true(moon_session_resume(&s));
	moon_session_leave(&s);
	assert_true(moon_session_cancel(&s));
}

static void begin_and_hang_up(unsigned i)
{
	char from[16], salt[33], request[2 * GS_CERT_PEM_MAX + 300];
	struct http_get g = moon_plain(&rig.host);
	snprintf(from, sizeof(from), "127.0.1.%u", 1 + i % 50);
	g.from = from;
	device_begin(&bob, "1111", salt);
	int n = snprintf(request, sizeof(request),
		"GET /pair?uniqueid=%u%%0a%%3Cb%%3E&devicename=evil%%0aname&phrase=getservercert&"
		"salt=%s&clientcert=%s HTTP/1.1\r\nHost: x\r\n\r\n",
		i, salt, bob.cert_hex);
	int fd = http_get_connect(&g);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, request, (size_t)n), n);
	nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	close(fd);
}

static void attempts_at_pairing_leave_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++)
		begin_and_hang_up(i); /* what grows once */
	struct rig_use was = rig_use(&rig);
	for (unsigned i = 0; i < ATTEMPTS; i++)
		begin_and_hang_up(i);
	assert_true(rig_settles(&rig, &was, 5000));
	assert_int_equal(moon_waiting(&rig.host), 0);
	const long grown = rig_use(&rig).rss_kb - was.rss_kb;
	print_message("# %u attempts: %ld KiB more\n", ATTEMPTS, grown);
	assert_true(TEST_SLOW || grown < ATTEMPTS_KB);
	/* Nothing of what a stranger says comes into the log. */
	assert_false(host_process_logged(&rig.host.process, "evil", 0));
	assert_false(host_process_logged(&rig.host.process, "<b>", 0));
}

static int setup(void **state)
{
	(void)state;
	if (rig_start(&rig, NULL) < 0)
		return -1;
	device_make(&bob, NULL);
	return rig_pair(&rig, &bob, "bob") ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	device_free(&bob);
	return rig_end(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_device_touches_nothing),
		cmocka_unit_test(who_is_unpaired_is_out_at_once),
		cmocka_unit_test(a_key_is_good_for_once),
		cmocka_unit_test(attempts_at_pairing_leave_nothing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
