/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * The ceremony with a real host, and every way to get it wrong. PUNKTFUNK_HOST names the program.
 */
#include "tests/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "tests/integration/access_rig.h"

#define N_GUESSES 200u
#define RSS_SLACK_KB \
	2048 /* what the allocator may keep; 200 leaks of a connection would be 40 MiB */

static void the_right_pin_pairs(void **state)
{
	char hex[TRUST_HEX_LEN + 1];
	(void)state;
	rig_pair(rig_alice, "sofa \x1b[31m", NULL);
	assert_true(rig_is_stored(rig_alice));
	assert_false(rig_is_stored(rig_bob));
	json_t *result = rig_list_of("client.list");
	const json_t *c = json_array_get(json_object_get(result, "clients"), 0);
	assert_string_equal(json_string_value(json_object_get(c, "name")), "sofa ?[31m");
	rig_hex_of(rig_alice, hex);
	assert_string_equal(json_string_value(json_object_get(c, "fingerprint")), hex);
	int64_t age = (int64_t)time(NULL) - json_integer_value(json_object_get(c, "paired"));
	assert_true(age >= 0 && age < 60);
	json_decref(result);
	rig_is_let_in(rig_alice);
	/* The PIN was good once. */
	rig_pair_refused(rig_bob, "0000", PF_CLOSE_NOT_ARMED, "pair --arm");
}

static void a_wrong_pin_costs_the_pin(void **state)
{
	struct raw r;
	struct pf_msg proof;
	char pin[5], wrong[5];
	(void)state;
	rig_arm(pin, NULL);
	rig_wrong_pin(wrong, pin);
	struct pf_pair_client *c = rig_request(&r, rig_alice, "guess", wrong);
	assert_int_equal(rig_challenge(&r, c, &proof), PF_E_CRYPTO); /* as a client finds out */
	pf_pair_client_destroy(c);
	/* Burnt before the challenge left: nobody can use what was just learnt. */
	rig_pair_refused(rig_bob, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	/* One that goes on all the same is told no. */
	memset(proof.pair_proof, 0x5A, sizeof(proof.pair_proof));
	rig_say(&r, &proof);
	struct pf_msg m;
	rig_hear(&r, &m);
	assert_int_equal(m.type, PF_MSG_PAIR_RESULT);
	assert_false(m.pair_ok);
	raw_close(&r);
	rig_pair_refused(rig_alice, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	assert_false(rig_is_stored(rig_alice));
	assert_int_equal(rig_n_in("client.list", "clients"), 0);
	json_t *status;
	char why[600];
	assert_int_equal(rig_command("pair.status", NULL, &status, why, sizeof(why)), PF_OK);
	assert_false(json_is_true(json_object_get(status, "armed")));
	assert_non_null(
		strstr(json_string_value(json_object_get(json_object_get(status, "last"), "why")),
			"wrong PIN"));
	json_decref(status);
	rig_pair(rig_alice, "right", NULL);
}

static void a_pin_expires(void **state)
{
	char pin[5];
	(void)state;
	rig_arm(pin, json_pack("{s:i}", "ttl", 1));
	usleep(1100000);
	rig_pair_refused(rig_alice, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	rig_refused("pair.arm", json_pack("{s:i}", "ttl", 0), "seconds");
	rig_refused("pair.arm", json_pack("{s:i}", "ttl", 3601), "seconds");
	rig_refused("pair.arm", json_pack("{s:s}", "fingerprint", "abc"), "64 hex");
	rig_refused("pair.arm", json_pack("{s:i}", "grants", 256), "grants");
	rig_arm(pin, NULL);
	rig_must("pair.disarm", NULL);
	rig_pair_refused(rig_alice, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
}

/* Bound to the certificate of whoever began: nobody slips in beside. */
static void two_at_once_are_told_apart(void **state)
{
	struct raw a;
	char pin[5], second[5];
	(void)state;
	rig_arm(pin, NULL);
	struct pf_pair_client *c = rig_request(&a, rig_alice, "alice", pin);
	uint64_t until = clock_now_ns() + 5000 * MS;
	while (!a.got_len && clock_now_ns() < until)
		raw_turn(&a);
	rig_pair_refused(rig_bob, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	rig_arm(second, NULL);
	rig_pair_refused(rig_bob, second, PF_CLOSE_RATE_LIMITED, "moment ago");
	rig_succeed(&a, c);
	assert_true(rig_is_stored(rig_alice));
	assert_false(rig_is_stored(rig_bob));
	struct raw b;
	rig_succeed(&b, rig_request(&b, rig_bob, "bob", second)); /* that PIN was not touched */
	assert_true(rig_is_stored(rig_bob));
}

static void a_pin_for_one_device_is_for_that_device(void **state)
{
	struct raw r;
	char pin[5], hex[TRUST_HEX_LEN + 1];
	(void)state;
	rig_hex_of(rig_alice, hex);
	rig_arm(pin, json_pack("{s:s}", "fingerprint", hex));
	rig_pair_refused(rig_bob, pin, PF_CLOSE_BOUND_TO_OTHER, "another device");
	rig_succeed(&r, rig_request(&r, rig_alice, "alice", pin));
	assert_false(rig_is_stored(rig_bob));
}

static void without_a_certificate_there_is_nothing_to_pair(void **state)
{
	struct raw r;
	char pin[5];
	(void)state;
	rig_arm(pin, NULL);
	rig_pair_refused(NULL, pin, PF_CLOSE_IDENTITY_REQUIRED, "certificate");
	rig_hello(&r, NULL);
	raw_expect_close(&r, PF_CLOSE_IDENTITY_REQUIRED, "paired devices");
	rig_succeed(&r, rig_request(&r, rig_alice, "alice", pin)); /* the PIN is still good */
}

static void messages_out_of_order_pair_nobody(void **state)
{
	static const enum {
		PROOF,
		TWICE,
		HELLO,
		SHORT,
		POINT,
		SIDE
	} cases[] = {PROOF, TWICE, HELLO, SHORT, POINT, SIDE};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw r;
		struct pf_msg m = {.type = PF_MSG_PAIR_PROOF};
		struct pf_pair_client *c = NULL;
		uint8_t message[PF_PAIR_MESSAGE_LEN] = {0x41}, payload[64];
		char pin[5];
		rig_arm(pin, NULL);
		if (cases[i] == TWICE || cases[i] == HELLO) {
			c = rig_request(&r, rig_alice, "x", pin);
			assert_int_equal(rig_challenge(&r, c, &m), PF_OK);
		} else {
			raw_open_as(&r, rig_host.port, rig_alice);
		}
		if (cases[i] != PROOF && cases[i] != HELLO) {
			memset(message + 1, cases[i] == POINT ? 0xFF : 0x11, sizeof(message) - 1);
			message[0] = cases[i] == SIDE ? 0x42 : 0x41;
			m = (struct pf_msg){.type = PF_MSG_PAIR_REQUEST};
			m.pair_request.spake = (struct pf_span){
				message, cases[i] == SHORT ? sizeof(message) - 1 : sizeof(message)};
		}
		if (cases[i] == HELLO)
			raw_send(&r, payload, raw_good_hello(payload, sizeof(payload)));
		else
			rig_say(&r, &m);
		raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
		pf_pair_client_destroy(c);
		assert_false(rig_is_stored(rig_alice));
		if (cases[i] != PROOF)
			rig_pair_refused(rig_alice, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	}
}

static size_t count_in_proc(const char *what)
{
	char path[64];
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)rig_host.pid, what);
	DIR *d = opendir(path);
	assert_non_null(d);
	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

static void guess(void)
{
	struct raw r;
	struct pf_msg proof;
	char pin[5], wrong[5];
	rig_arm(pin, NULL);
	rig_wrong_pin(wrong, pin);
	struct pf_pair_client *c = rig_request(&r, rig_bob, "guess", wrong);
	assert_int_equal(rig_challenge(&r, c, &proof), PF_E_CRYPTO);
	pf_pair_client_destroy(c);
	rig_quit(&r);
	/* Its end ends the ceremony. */
	char why[600];
	for (bool running = true; running;) {
		json_t *status;
		assert_int_equal(
			rig_command("pair.status", NULL, &status, why, sizeof(why)), PF_OK);
		running = json_is_true(json_object_get(status, "running"));
		json_decref(status);
	}
}

static void two_hundred_wrong_pins_leave_nothing_behind(void **state)
{
	(void)state;
	for (unsigned i = 0; i < N_GUESSES / 10; i++)
		guess();
	usleep(500000); /* closed connections are kept for three probe timeouts */
	size_t fds = count_in_proc("fd"), tasks = count_in_proc("task");
	long rss = host_process_rss_kb(&rig_host);
	for (unsigned i = 0; i < N_GUESSES; i++)
		guess();
	usleep(500000);
	assert_int_equal(count_in_proc("fd"), fds);
	assert_int_equal(count_in_proc("task"), tasks);
	long grown = host_process_rss_kb(&rig_host) - rss;
	if (!TEST_SLOW && grown > RSS_SLACK_KB)
		fail_msg("the host grew by %ld KiB", grown);
	assert_false(rig_is_stored(rig_bob));
	rig_pair(rig_bob, "at last", NULL);
	rig_is_let_in(rig_bob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_right_pin_pairs, rig_fresh),
		cmocka_unit_test_setup(a_wrong_pin_costs_the_pin, rig_fresh),
		cmocka_unit_test_setup(a_pin_expires, rig_fresh),
		cmocka_unit_test_setup(two_at_once_are_told_apart, rig_fresh),
		cmocka_unit_test_setup(a_pin_for_one_device_is_for_that_device, rig_fresh),
		cmocka_unit_test_setup(without_a_certificate_there_is_nothing_to_pair, rig_fresh),
		cmocka_unit_test_setup(messages_out_of_order_pair_nobody, rig_fresh),
		cmocka_unit_test_setup(two_hundred_wrong_pins_leave_nothing_behind, rig_fresh),
	};
	return cmocka_run_group_tests(tests, rig_start_host, rig_end_host);
}
