/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Who a real host lets in: the ceremony with every way to get it wrong, knocking, unpairing, what a client may
 * do and until when. PUNKTFUNK_HOST names the program.
 */
#include "tests/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <jansson.h>

#include "core/base/bytes.h"
#include "core/pair/pair.h"
#include "core/wire/control.h"
#include "core/wire/handshake.h"
#include "host/ctl/ctl.h"
#include "host/media/clock.h"
#include "host/trust/knocks.h"
#include "host/trust/trust.h"
#include "net/identity.h"
#include "tests/integration/raw_client.h"
#include "tests/support/host_process.h"

#define MS	    1000000ull
#define CTL_WAIT_MS 5000
#define N_GUESSES   200u
#define RSS_SLACK_KB \
	2048 /* what the allocator may keep; 200 leaks of a connection would be 40 MiB */

static const char *const host_args[] = {"--require-pairing", "--source", "synthetic", "--encoder",
	"null", "--test-pair-cooldown", "0", "--max-concurrent", "8", NULL};
static struct host_process host;
static struct pf_identity *alice, *bob, *carol;
static uint8_t host_fp[32];

/* --- the person at the host --- */

static int command(const char *name, json_t *args, json_t **result, char *why, size_t why_len)
{
	char path[128];
	json_t *unused;
	snprintf(path, sizeof(path), "%s/host.sock", host.dir);
	int err = ctl_request(
		path, name, args, result ? result : &unused, CTL_WAIT_MS, why, why_len);
	json_decref(args);
	if (!result)
		json_decref(unused);
	return err;
}

static void must(const char *name, json_t *args)
{
	char why[600];
	if (command(name, args, NULL, why, sizeof(why)) < 0)
		fail_msg("%s: %s", name, why);
}

static void refused(const char *name, json_t *args, const char *words)
{
	char why[600] = "";
	assert_int_equal(command(name, args, NULL, why, sizeof(why)), PF_E_INVALID);
	if (!strstr(why, words))
		fail_msg("%s: '%s' has no '%s'", name, why, words);
}

static void arm(char pin[static 5], json_t *args)
{
	json_t *result;
	char why[600];
	if (command("pair.arm", args, &result, why, sizeof(why)) < 0)
		fail_msg("arm: %s", why);
	snprintf(pin, 5, "%s", json_string_value(json_object_get(result, "pin")));
	json_decref(result);
}

static json_t *list_of(const char *name)
{
	char why[600];
	json_t *result;
	if (command(name, NULL, &result, why, sizeof(why)) < 0)
		fail_msg("%s: %s", name, why);
	return result;
}

static size_t n_in(const char *name, const char *list)
{
	json_t *result = list_of(name);
	size_t n = json_array_size(json_object_get(result, list));
	json_decref(result);
	return n;
}

static void hex_of(const struct pf_identity *who, char out[static TRUST_HEX_LEN + 1])
{
	uint8_t fp[32];
	pf_identity_fingerprint(who, fp);
	trust_hex(out, fp);
}

static struct trust *open_list(void)
{
	char why[600];
	struct trust *t;
	if (trust_create(&t, host.dir, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	return t;
}

static bool is_stored(const struct pf_identity *who)
{
	uint8_t fp[32];
	struct trust *t = open_list();
	pf_identity_fingerprint(who, fp);
	bool found = trust_find(t, fp);
	trust_destroy(t);
	return found;
}

static void forget_everybody(void)
{
	char why[600];
	struct trust *t = open_list();
	while (trust_count(t)) {
		struct trust_client c = *trust_at(t, 0);
		assert_int_equal(trust_remove(t, c.fp, why, sizeof(why)), PF_OK);
	}
	trust_destroy(t);
}

/* --- a client's half --- */

static void say(struct raw *r, const struct pf_msg *m)
{
	uint8_t out[512];
	int n = pf_msg_write_framed(out, sizeof(out), m);
	assert_true(n > 2);
	raw_send(r, out + 2, (size_t)n - 2);
}

static void hear(struct raw *r, struct pf_msg *m)
{
	static uint8_t payload[sizeof(r->got)];
	raw_wait_bytes(r, 2);
	size_t len = pf_get_le16(r->got);
	raw_wait_bytes(r, 2 + len);
	memcpy(payload, r->got + 2, len); /* spans of m point here */
	memmove(r->got, r->got + 2 + len, r->got_len - 2 - len);
	r->got_len -= 2 + len;
	assert_int_equal(pf_msg_read(m, payload, len), PF_OK);
}

/* TLS and PairRequest. who NULL = no certificate. */
static struct pf_pair_client *request(
	struct raw *r, const struct pf_identity *who, const char *name, const char *pin)
{
	static uint8_t random[PF_PAIR_RANDOM_LEN] = {7};
	uint8_t fp[32] = {0}, message[PF_PAIR_MESSAGE_LEN];
	struct pf_pair_client *c;
	struct pf_msg m = {.type = PF_MSG_PAIR_REQUEST};
	random[1]++;
	if (who)
		pf_identity_fingerprint(who, fp);
	assert_int_equal(pf_pair_client_create(&c, pin, fp, host_fp, random), PF_OK);
	assert_int_equal(pf_pair_client_start(c, message), PF_OK);
	m.pair_request.name = (struct pf_span){(const uint8_t *)name, strlen(name)};
	m.pair_request.spake = (struct pf_span){message, sizeof(message)};
	raw_open_as(r, host.port, who);
	say(r, &m);
	return c;
}

/* PairChallenge. Returns what the client thinks of it; proof is ready on PF_OK. */
static int challenge(struct raw *r, struct pf_pair_client *c, struct pf_msg *proof)
{
	struct pf_msg m;
	hear(r, &m);
	assert_int_equal(m.type, PF_MSG_PAIR_CHALLENGE);
	*proof = (struct pf_msg){.type = PF_MSG_PAIR_PROOF};
	return pf_pair_client_challenge(c, m.pair_challenge.spake.data, m.pair_challenge.spake.len,
		m.pair_challenge.confirm, sizeof(m.pair_challenge.confirm), proof->pair_proof);
}

static void succeed(struct raw *r, struct pf_pair_client *c)
{
	struct pf_msg m;
	assert_int_equal(challenge(r, c, &m), PF_OK);
	say(r, &m);
	hear(r, &m);
	assert_int_equal(m.type, PF_MSG_PAIR_RESULT);
	assert_true(m.pair_ok);
	assert_int_equal(pf_pair_client_result(c, m.pair_ok), PF_OK);
	pf_pair_client_destroy(c);
	raw_expect_close(r, PF_CLOSE_END, "done");
}

static void pair(const struct pf_identity *who, const char *name, json_t *terms)
{
	struct raw r;
	char pin[5];
	arm(pin, terms);
	succeed(&r, request(&r, who, name, pin));
}

static void pair_refused(
	const struct pf_identity *who, const char *pin, uint64_t code, const char *words)
{
	struct raw r;
	struct pf_pair_client *c = request(&r, who, "x", pin);
	raw_expect_close(&r, code, words);
	pf_pair_client_destroy(c);
}

static void wrong_pin(char out[static 5], const char *pin)
{
	memcpy(out, pin, 5);
	out[0] = pin[0] == '9' ? '0' : (char)(pin[0] + 1);
}

static void hello(struct raw *r, const struct pf_identity *who)
{
	uint8_t payload[64];
	raw_open_as(r, host.port, who);
	raw_send(r, payload, raw_good_hello(payload, sizeof(payload)));
}

static void welcomed(struct raw *r, struct pf_welcome *w)
{
	raw_wait_bytes(r, 2);
	size_t len = pf_get_le16(r->got);
	raw_wait_bytes(r, 2 + len);
	assert_int_equal(pf_welcome_read(w, r->got + 2, len), 0);
	memmove(r->got, r->got + 2 + len, r->got_len - 2 - len);
	r->got_len -= 2 + len;
}

static void quit(struct raw *r)
{
	quic_conn_close(r->conn, PF_CLOSE_QUIT, "bye");
	quic_endpoint_flush(r->endpoint, clock_now_ns());
	raw_close(r);
}

static void is_let_in(const struct pf_identity *who)
{
	struct raw r;
	struct pf_welcome w;
	hello(&r, who);
	welcomed(&r, &w);
	quit(&r);
}

/* A Hello is parked: nothing comes back, and the person sees it. */
static void knocks(struct raw *r, const struct pf_identity *who, size_t n_listed)
{
	size_t n = SIZE_MAX;
	uint64_t until = clock_now_ns() + 5000 * MS;
	hello(r, who);
	while (n != n_listed && clock_now_ns() < until) {
		raw_turn(r);
		n = n_in("knock.list", "knocks");
	}
	assert_int_equal(n, n_listed);
	assert_false(r->ended);
	assert_int_equal(r->got_len, 0);
}

/* --- tests --- */

static int start_host(void **state)
{
	char why[600];
	struct pf_identity *id;
	(void)state;
	uint64_t now_s = clock_realtime_ns() / 1000000000;
	if (pf_identity_generate(&alice, "punktfunk-client", now_s) < 0 ||
		pf_identity_generate(&bob, "punktfunk-client", now_s) < 0 ||
		pf_identity_generate(&carol, "punktfunk-client", now_s) < 0 ||
		host_process_start(&host, getenv("PUNKTFUNK_HOST"), host_args) < 0 ||
		identity_load_or_create(&id, host.dir, "punktfunk", why, sizeof(why)) < 0)
		return -1;
	pf_identity_fingerprint(id, host_fp);
	pf_identity_destroy(id);
	return 0;
}

static int end_host(void **state)
{
	(void)state;
	int err = host_process_end(&host);
	host_process_clean(&host);
	pf_identity_destroy(alice);
	pf_identity_destroy(bob);
	pf_identity_destroy(carol);
	return err;
}

static int fresh(void **state)
{
	(void)state;
	forget_everybody();
	must("pair.disarm", NULL);
	return 0;
}

static void the_right_pin_pairs(void **state)
{
	char hex[TRUST_HEX_LEN + 1];
	(void)state;
	pair(alice, "sofa \x1b[31m", NULL);
	assert_true(is_stored(alice));
	assert_false(is_stored(bob));
	json_t *result = list_of("client.list");
	const json_t *c = json_array_get(json_object_get(result, "clients"), 0);
	assert_string_equal(json_string_value(json_object_get(c, "name")), "sofa ?[31m");
	hex_of(alice, hex);
	assert_string_equal(json_string_value(json_object_get(c, "fingerprint")), hex);
	int64_t age = (int64_t)time(NULL) - json_integer_value(json_object_get(c, "paired"));
	assert_true(age >= 0 && age < 60);
	json_decref(result);
	is_let_in(alice);
	/* The PIN was good once. */
	pair_refused(bob, "0000", PF_CLOSE_NOT_ARMED, "pair --arm");
}

static void a_wrong_pin_costs_the_pin(void **state)
{
	struct raw r;
	struct pf_msg proof;
	char pin[5], wrong[5];
	(void)state;
	arm(pin, NULL);
	wrong_pin(wrong, pin);
	struct pf_pair_client *c = request(&r, alice, "guess", wrong);
	assert_int_equal(challenge(&r, c, &proof), PF_E_CRYPTO); /* as a client finds out */
	pf_pair_client_destroy(c);
	/* Burnt before the challenge left: nobody can use what was just learnt. */
	pair_refused(bob, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	/* One that goes on all the same is told no. */
	memset(proof.pair_proof, 0x5A, sizeof(proof.pair_proof));
	say(&r, &proof);
	struct pf_msg m;
	hear(&r, &m);
	assert_int_equal(m.type, PF_MSG_PAIR_RESULT);
	assert_false(m.pair_ok);
	raw_close(&r);
	pair_refused(alice, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	assert_false(is_stored(alice));
	assert_int_equal(n_in("client.list", "clients"), 0);
	json_t *status;
	char why[600];
	assert_int_equal(command("pair.status", NULL, &status, why, sizeof(why)), PF_OK);
	assert_false(json_is_true(json_object_get(status, "armed")));
	assert_non_null(
		strstr(json_string_value(json_object_get(json_object_get(status, "last"), "why")),
			"wrong PIN"));
	json_decref(status);
	pair(alice, "right", NULL);
}

static void a_pin_expires(void **state)
{
	char pin[5];
	(void)state;
	arm(pin, json_pack("{s:i}", "ttl", 1));
	usleep(1100000);
	pair_refused(alice, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	refused("pair.arm", json_pack("{s:i}", "ttl", 0), "seconds");
	refused("pair.arm", json_pack("{s:i}", "ttl", 3601), "seconds");
	refused("pair.arm", json_pack("{s:s}", "fingerprint", "abc"), "64 hex");
	refused("pair.arm", json_pack("{s:i}", "grants", 256), "grants");
	arm(pin, NULL);
	must("pair.disarm", NULL);
	pair_refused(alice, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
}

/* Bound to the certificate of whoever began: nobody slips in beside. */
static void two_at_once_are_told_apart(void **state)
{
	struct raw a;
	char pin[5], second[5];
	(void)state;
	arm(pin, NULL);
	struct pf_pair_client *c = request(&a, alice, "alice", pin);
	uint64_t until = clock_now_ns() + 5000 * MS;
	while (!a.got_len && clock_now_ns() < until)
		raw_turn(&a);
	pair_refused(bob, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	arm(second, NULL);
	pair_refused(bob, second, PF_CLOSE_RATE_LIMITED, "moment ago");
	succeed(&a, c);
	assert_true(is_stored(alice));
	assert_false(is_stored(bob));
	struct raw b;
	succeed(&b, request(&b, bob, "bob", second)); /* that PIN was not touched */
	assert_true(is_stored(bob));
}

static void a_pin_for_one_device_is_for_that_device(void **state)
{
	struct raw r;
	char pin[5], hex[TRUST_HEX_LEN + 1];
	(void)state;
	hex_of(alice, hex);
	arm(pin, json_pack("{s:s}", "fingerprint", hex));
	pair_refused(bob, pin, PF_CLOSE_BOUND_TO_OTHER, "another device");
	succeed(&r, request(&r, alice, "alice", pin));
	assert_false(is_stored(bob));
}

static void without_a_certificate_there_is_nothing_to_pair(void **state)
{
	struct raw r;
	char pin[5];
	(void)state;
	arm(pin, NULL);
	pair_refused(NULL, pin, PF_CLOSE_IDENTITY_REQUIRED, "certificate");
	hello(&r, NULL);
	raw_expect_close(&r, PF_CLOSE_IDENTITY_REQUIRED, "paired devices");
	succeed(&r, request(&r, alice, "alice", pin)); /* the PIN is still good */
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
		arm(pin, NULL);
		if (cases[i] == TWICE || cases[i] == HELLO) {
			c = request(&r, alice, "x", pin);
			assert_int_equal(challenge(&r, c, &m), PF_OK);
		} else {
			raw_open_as(&r, host.port, alice);
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
			say(&r, &m);
		raw_expect_close(&r, PF_CLOSE_SETUP_FAILED, "malformed");
		pf_pair_client_destroy(c);
		assert_false(is_stored(alice));
		if (cases[i] != PROOF)
			pair_refused(alice, pin, PF_CLOSE_NOT_ARMED, "pair --arm");
	}
}

/* A device that was set up anew is another device, whatever it calls itself. */
static void a_changed_certificate_is_another_device(void **state)
{
	struct raw r;
	struct pf_welcome w;
	(void)state;
	pair(alice, "tv", NULL);
	is_let_in(alice);
	knocks(&r, bob, 1);
	must("knock.approve", json_pack("{s:s, s:i}", "knock", "1", "grants", PF_GRANT_GAMEPAD));
	welcomed(&r, &w);
	assert_int_equal(w.grants, PF_GRANT_GAMEPAD);
	assert_int_equal(w.expires_s, 0);
	quit(&r);
	assert_true(is_stored(bob));
	assert_int_equal(n_in("knock.list", "knocks"), 0);
	is_let_in(alice);
	is_let_in(bob);
}

static json_t *knock_of(const struct pf_identity *who)
{
	char hex[TRUST_HEX_LEN + 1];
	hex_of(who, hex);
	return json_pack("{s:s}", "knock", hex);
}

static void a_knock_waits_for_a_person(void **state)
{
	struct raw old, new;
	struct pf_welcome w;
	(void)state;
	knocks(&old, alice, 1);
	/* The same device again: the older connection gives way, the list does not grow. */
	hello(&new, alice);
	uint64_t until = clock_now_ns() + 5000 * MS;
	while (!old.ended &&
		clock_now_ns() < until) { /* what new has to say may wait for its pacing */
		raw_turn(&new);
		raw_turn(&old);
	}
	raw_expect_close(&old, PF_CLOSE_SUPERSEDED, "again");
	assert_int_equal(n_in("knock.list", "knocks"), 1);
	must("knock.approve", knock_of(alice));
	welcomed(&new, &w);
	assert_int_equal(w.grants, PF_GRANT_ALL);
	quit(&new);
	refused("knock.approve", knock_of(alice), "no such knock");

	/* One that has gone is let in for the next time. */
	knocks(&old, bob, 1);
	quit(&old);
	must("knock.approve", knock_of(bob));
	is_let_in(bob);

	knocks(&old, carol, 1);
	must("knock.deny", knock_of(carol));
	raw_expect_close(&old, PF_CLOSE_DENIED, "said no");
	assert_int_equal(n_in("knock.list", "knocks"), 0);
	hello(&old, carol); /* and is not asked about again for a while */
	raw_expect_close(&old, PF_CLOSE_DENIED, "said no");
	assert_false(is_stored(carol));
	must("knock.approve", knock_of(carol)); /* a person may think better of it */
	is_let_in(carol);
}

static void nobody_answers_a_knock(void **state)
{
	struct raw r;
	(void)state;
	struct host_process first = host;
	const char *const args[] = {"--require-pairing", "--source", "synthetic", "--encoder",
		"null", "--knock-wait", "1", NULL};
	assert_int_equal(host_process_start(&host, getenv("PUNKTFUNK_HOST"), args), 0);
	knocks(&r, alice, 1);
	raw_expect_close(&r, PF_CLOSE_APPROVAL_TIMEOUT, "nobody");
	/* Still listed: a person who comes later lets it in for the next time. */
	must("knock.approve", knock_of(alice));
	is_let_in(alice);
	assert_int_equal(host_process_end(&host), 0);
	host_process_clean(&host);
	host = first;
}

static void pairing_lets_a_knock_in(void **state)
{
	struct raw parked;
	struct pf_welcome w;
	(void)state;
	knocks(&parked, alice, 1);
	pair(alice, "tv", NULL);
	welcomed(&parked, &w);
	quit(&parked);
	assert_int_equal(n_in("knock.list", "knocks"), 0);
}

static void one_address_cannot_fill_the_list_of_knocks(void **state)
{
	struct raw r[KNOCKS_PER_ADDRESS + 1];
	struct pf_identity *who[KNOCKS_PER_ADDRESS + 1];
	(void)state;
	for (unsigned i = 0; i <= KNOCKS_PER_ADDRESS; i++)
		assert_int_equal(pf_identity_generate(&who[i], "stranger", 1790000000), PF_OK);
	for (unsigned i = 0; i < KNOCKS_PER_ADDRESS; i++)
		knocks(&r[i], who[i], i + 1);
	hello(&r[KNOCKS_PER_ADDRESS], who[KNOCKS_PER_ADDRESS]);
	raw_expect_close(&r[KNOCKS_PER_ADDRESS], PF_CLOSE_RATE_LIMITED, "too many");
	/* Whoever is paired is not kept out by them. */
	pair(alice, "tv", NULL);
	is_let_in(alice);
	for (unsigned i = 0; i < KNOCKS_PER_ADDRESS; i++)
		quit(&r[i]);
	for (unsigned i = 0; i <= KNOCKS_PER_ADDRESS; i++) {
		if (i < KNOCKS_PER_ADDRESS)
			must("knock.deny", knock_of(who[i]));
		pf_identity_destroy(who[i]);
	}
}

static void unpairing_ends_the_session(void **state)
{
	struct raw a, b;
	struct pf_welcome w;
	(void)state;
	pair(alice, "tv", NULL);
	pair(bob, "phone", NULL);
	hello(&a, alice);
	welcomed(&a, &w);
	hello(&b, bob);
	welcomed(&b, &w);
	uint64_t start_ns = clock_now_ns();
	must("client.unpair", json_pack("{s:s}", "client", "tv"));
	raw_expect_close(&a, PF_CLOSE_DENIED, "unpaired");
	assert_true(clock_now_ns() - start_ns < 1000 * MS);
	assert_false(is_stored(alice));
	knocks(&a, alice, 1); /* a stranger again */
	assert_false(b.ended);
	refused("client.unpair", json_pack("{s:s}", "client", "tv"), "No paired device");
	/* By another program, which knows nothing of the host. */
	struct trust *t = open_list();
	struct trust_client c = *trust_at(t, 0);
	char why[600];
	assert_int_equal(trust_remove(t, c.fp, why, sizeof(why)), PF_OK);
	trust_destroy(t);
	raw_expect_close(&b, PF_CLOSE_DENIED, "not paired any more");
	must("knock.deny", knock_of(alice));
	raw_expect_close(&a, PF_CLOSE_DENIED, "said no");
}

static void a_client_is_told_what_it_may_do(void **state)
{
	struct raw r;
	struct pf_welcome w;
	struct pf_msg m;
	(void)state;
	int64_t now_s = (int64_t)time(NULL);
	pair(bob, "guest",
		json_pack("{s:i, s:I}", "grants", PF_GRANT_GAMEPAD, "expires",
			(json_int_t)(now_s + 3600)));
	hello(&r, bob);
	welcomed(&r, &w);
	assert_int_equal(w.grants, PF_GRANT_GAMEPAD);
	assert_in_range(w.expires_s, 3500, 3600);
	must("client.access",
		json_pack("{s:s, s:i, s:i}", "client", "guest", "grants",
			PF_GRANT_KEYBOARD | PF_GRANT_POINTER, "expires", 0));
	hear(&r, &m);
	assert_int_equal(m.type, PF_MSG_ACCESS_UPDATE);
	assert_int_equal(m.access.grants, PF_GRANT_KEYBOARD | PF_GRANT_POINTER);
	assert_int_equal(m.access.remaining_s, 0);
	/* To the second, by the clock on the wall. */
	json_int_t end = (json_int_t)time(NULL) + 2;
	must("client.access", json_pack("{s:s, s:I}", "client", "guest", "expires", end));
	hear(&r, &m);
	assert_in_range(m.access.remaining_s, 1, 2);
	assert_int_equal(m.access.grants, PF_GRANT_KEYBOARD | PF_GRANT_POINTER);
	raw_expect_close(&r, PF_CLOSE_ACCESS_EXPIRED, "over");
	int64_t late = (int64_t)time(NULL) - end;
	assert_true(late >= -1 && late <= 1);
	hello(&r, bob);
	raw_expect_close(&r, PF_CLOSE_ACCESS_EXPIRED, "over");
	refused("client.access", json_pack("{s:s, s:i}", "client", "guest", "expires", 1), "over");
	must("client.access", json_pack("{s:s, s:i}", "client", "guest", "expires", 0));
	is_let_in(bob);
	/* Starting programs is a grant of its own. */
	uint8_t payload[128];
	struct pf_hello h;
	pf_hello_init(&h);
	h.mode = (struct pf_mode){640, 480, 30};
	h.codecs = PF_CODEC_H264;
	snprintf(h.launch, sizeof(h.launch), "steam:570");
	int n = pf_hello_write(payload, sizeof(payload), &h);
	assert_true(n > 0);
	raw_open_as(&r, host.port, bob);
	raw_send(&r, payload, (size_t)n);
	raw_expect_close(&r, PF_CLOSE_LAUNCH_NOT_PERMITTED, "start programs");
}

static void list_path(char out[static 128])
{
	snprintf(out, 128, "%s/" TRUST_FILE, host.dir);
}

static void a_damaged_list_lets_nobody_in_and_loses_nobody(void **state)
{
	struct raw r;
	struct pf_welcome w;
	char path[128], copy[140];
	(void)state;
	pair(alice, "tv", NULL);
	hello(&r, alice);
	welcomed(&r, &w);
	list_path(path);
	snprintf(copy, sizeof(copy), "%s.bak", path);
	assert_int_equal(truncate(path, 40), 0);
	/* A write of somebody's that ended, as an editor's does. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	raw_expect_close(&r, PF_CLOSE_DENIED, "not paired");
	assert_true(host_process_logged(&host, "is damaged (line", 2000));
	refused("pair.arm", NULL, ".bak");
	refused("client.unpair", json_pack("{s:s}", "client", "tv"), "damaged");
	knocks(&r, alice, 1);
	refused("knock.approve", knock_of(alice), "damaged");
	/* As the sentence says. */
	assert_int_equal(rename(copy, path), 0);
	is_let_in(alice);
	quit(&r);
	must("knock.deny", knock_of(alice));
}

static void a_restart_forgets_no_device(void **state)
{
	struct raw r;
	char pin[5];
	(void)state;
	pair(alice, "tv", NULL);
	arm(pin, NULL);
	/* Another host in the same folder, as two sessions of one user have. */
	struct host_process first = host;
	char bad[140];
	snprintf(bad, sizeof(bad), "%s/cert.pem/host.sock", first.dir);
	const char *const again[] = {"--require-pairing", "--source", "synthetic", "--encoder",
		"null", "--config-dir", first.dir, "--ctl", bad, NULL};
	assert_int_equal(host_process_start(&host, getenv("PUNKTFUNK_HOST"), again), -1);
	host = (struct host_process){0};
	char other[140];
	snprintf(other, sizeof(other), "%s/other.sock", first.dir);
	const char *const beside[] = {"--require-pairing", "--source", "synthetic", "--encoder",
		"null", "--config-dir", first.dir, "--ctl", other, NULL};
	assert_int_equal(host_process_start(&host, getenv("PUNKTFUNK_HOST"), beside), 0);
	is_let_in(alice);
	pair_refused(bob, pin, PF_CLOSE_NOT_ARMED, "pair --arm"); /* a PIN is of one host */
	hello(&r, alice);
	struct pf_welcome w;
	welcomed(&r, &w);
	struct host_process second = host;
	host = first;
	must("client.unpair", json_pack("{s:s}", "client", "tv"));
	raw_expect_close(&r, PF_CLOSE_DENIED, "not paired any more"); /* at the other host */
	assert_int_equal(host_process_end(&second), 0);
	host_process_clean(&second);
}

static size_t count_in_proc(const char *what)
{
	char path[64];
	size_t n = 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)host.pid, what);
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
	arm(pin, NULL);
	wrong_pin(wrong, pin);
	struct pf_pair_client *c = request(&r, bob, "guess", wrong);
	assert_int_equal(challenge(&r, c, &proof), PF_E_CRYPTO);
	pf_pair_client_destroy(c);
	quit(&r);
	/* Its end ends the ceremony. */
	char why[600];
	for (bool running = true; running;) {
		json_t *status;
		assert_int_equal(command("pair.status", NULL, &status, why, sizeof(why)), PF_OK);
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
	long rss = host_process_rss_kb(&host);
	for (unsigned i = 0; i < N_GUESSES; i++)
		guess();
	usleep(500000);
	assert_int_equal(count_in_proc("fd"), fds);
	assert_int_equal(count_in_proc("task"), tasks);
	long grown = host_process_rss_kb(&host) - rss;
	if (grown > RSS_SLACK_KB)
		fail_msg("the host grew by %ld KiB", grown);
	assert_false(is_stored(bob));
	pair(bob, "at last", NULL);
	is_let_in(bob);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_right_pin_pairs, fresh),
		cmocka_unit_test_setup(a_changed_certificate_is_another_device, fresh),
		cmocka_unit_test_setup(a_wrong_pin_costs_the_pin, fresh),
		cmocka_unit_test_setup(a_pin_expires, fresh),
		cmocka_unit_test_setup(two_at_once_are_told_apart, fresh),
		cmocka_unit_test_setup(a_pin_for_one_device_is_for_that_device, fresh),
		cmocka_unit_test_setup(without_a_certificate_there_is_nothing_to_pair, fresh),
		cmocka_unit_test_setup(messages_out_of_order_pair_nobody, fresh),
		cmocka_unit_test_setup(a_knock_waits_for_a_person, fresh),
		cmocka_unit_test_setup(nobody_answers_a_knock, fresh),
		cmocka_unit_test_setup(pairing_lets_a_knock_in, fresh),
		cmocka_unit_test_setup(one_address_cannot_fill_the_list_of_knocks, fresh),
		cmocka_unit_test_setup(unpairing_ends_the_session, fresh),
		cmocka_unit_test_setup(a_client_is_told_what_it_may_do, fresh),
		cmocka_unit_test_setup(a_damaged_list_lets_nobody_in_and_loses_nobody, fresh),
		cmocka_unit_test_setup(a_restart_forgets_no_device, fresh),
		cmocka_unit_test_setup(two_hundred_wrong_pins_leave_nothing_behind, fresh),
	};
	return cmocka_run_group_tests(tests, start_host, end_host);
}
