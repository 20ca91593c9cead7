/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/media/clock.h"
#include "tests/integration/access_rig.h"

/*
 * Attacks on who may do what: PINs that are used for something else than they were made for, grants that are
 * taken back, strangers who take every place, and unpairing at the worst moments. PUNKTFUNK_HOST names the program.
 */

#define WAIT_NS (5000 * MS)

static json_int_t stored_grants(const char *name)
{
	json_t *result = rig_list_of("client.list"), *client;
	json_int_t grants = -1;
	size_t i;
	json_array_foreach(json_object_get(result, "clients"), i, client)
	{
		if (!strcmp(json_string_value(json_object_get(client, "name")), name))
			grants = json_integer_value(json_object_get(client, "grants"));
	}
	json_decref(result);
	return grants;
}

/* --- PINs --- */

/* A guest who dawdles until the next PIN is out does not get what that one gives. */
static void what_a_pin_gives_is_settled_when_it_is_used(void **state)
{
	struct raw r;
	char guest[5], owner[5];
	(void)state;
	rig_arm(guest, json_pack("{s:i}", "grants", 0));
	struct pf_pair_client *c = rig_request(&r, rig_bob, "guest", guest);
	raw_wait_bytes(&r, 2); /* the challenge: its PIN is used up */
	rig_arm(owner, json_pack("{s:i}", "grants", PF_GRANT_ALL));
	rig_succeed(&r, c);
	assert_int_equal(stored_grants("guest"), 0);
}

/* Whoever takes a PIN back wants nobody in, also not the one who is just typing it. */
static void a_pin_that_is_taken_back_pairs_nobody(void **state)
{
	struct raw r;
	struct pf_msg proof;
	char pin[5], why[600];
	json_t *result;
	(void)state;
	rig_arm(pin, NULL);
	struct pf_pair_client *c = rig_request(&r, rig_bob, "guest", pin);
	assert_int_equal(rig_challenge(&r, c, &proof), PF_OK);
	assert_int_equal(rig_command("pair.disarm", NULL, &result, why, sizeof(why)), PF_OK);
	assert_true(json_is_true(json_object_get(result, "was_armed")));
	json_decref(result);
	raw_expect_close(&r, PF_CLOSE_NOT_ARMED, "took the PIN back");
	pf_pair_client_destroy(c);
	assert_false(rig_is_stored(rig_bob));
	/* Nothing of it holds up the next one. */
	rig_pair(rig_bob, "guest", NULL);
}

/* A client in its session may not begin a pairing there: what it is was said by its Hello. */
static void a_session_cannot_become_a_pairing(void **state)
{
	struct raw r;
	struct pf_welcome w;
	uint8_t spake[PF_PAIR_MESSAGE_LEN] = {0x41, 1};
	struct pf_msg m = {.type = PF_MSG_PAIR_REQUEST};
	char pin[5];
	(void)state;
	rig_pair(rig_alice, "tv", json_pack("{s:i}", "grants", 0));
	rig_arm(pin, NULL);
	rig_hello(&r, rig_alice);
	rig_welcomed(&r, &w);
	m.pair_request.name = (struct pf_span){(const uint8_t *)"tv", 2};
	m.pair_request.spake = (struct pf_span){spake, sizeof(spake)};
	rig_say(&r, &m);
	rig_say(&r, &(struct pf_msg){.type = PF_MSG_PAIR_PROOF});
	for (int i = 0; i < 20; i++)
		raw_turn(&r);
	assert_false(r.ended); /* skipped, as all that a session does not know */
	rig_quit(&r);
	json_t *status = rig_list_of("pair.status");
	assert_true(json_is_true(json_object_get(status, "armed")));
	json_decref(status);
	assert_int_equal(stored_grants("tv"), 0);
}

/* --- grants --- */

static void hear_of(struct raw *r, enum pf_msg_type type, struct pf_msg *m)
{
	do
		rig_hear(r, m);
	while (m->type != type);
}

static void the_clipboard_goes_with_its_grant(void **state)
{
	struct raw r;
	struct pf_welcome w;
	struct pf_msg m, on = {.type = PF_MSG_CLIP_CONTROL, .clip_control = {.enabled = true}};
	(void)state;
	rig_pair(rig_alice, "tv", NULL);
	rig_hello(&r, rig_alice);
	rig_welcomed(&r, &w);
	rig_say(&r, &on);
	hear_of(&r, PF_MSG_CLIP_STATE, &m);
	assert_true(m.clip_state.enabled);
	rig_must("client.access",
		json_pack("{s:s, s:i}", "client", "tv", "grants",
			PF_GRANT_ALL & ~PF_GRANT_CLIPBOARD));
	hear_of(&r, PF_MSG_CLIP_STATE, &m);
	assert_false(m.clip_state.enabled);
	assert_int_equal(m.clip_state.reason, PF_CLIP_NOT_PERMITTED);
	rig_say(&r, &on);
	hear_of(&r, PF_MSG_CLIP_STATE, &m);
	assert_false(m.clip_state.enabled);
	rig_quit(&r);
}

/* --- places --- */

#define STRANGERS	 60
#define STRANGERS_A_HOME 12

static struct raw strangers[STRANGERS];

/* Strangers at several addresses who connect and say nothing do not keep those out who are paired. */
static void silent_strangers_give_way(void **state)
{
	(void)state;
	rig_pair(rig_alice, "tv", NULL);
	for (int i = 0; i < STRANGERS; i++) {
		char from[32];
		snprintf(from, sizeof(from), "127.0.1.%d", 1 + i / STRANGERS_A_HOME);
		raw_begin(&strangers[i], rig_host.port, NULL, from);
		uint64_t until = clock_now_ns() + 300 * MS;
		while (!strangers[i].ready && !strangers[i].ended && clock_now_ns() < until)
			raw_turn(&strangers[i]);
	}
	for (int i = 0; i < 3; i++)
		rig_is_let_in(rig_alice);
	for (int i = 0; i < STRANGERS; i++)
		raw_close(&strangers[i]);
}

/* --- unpairing at bad moments --- */

static void is_out(struct raw *r)
{
	uint64_t until = clock_now_ns() + WAIT_NS;
	while (!r->ended && clock_now_ns() < until)
		raw_turn(r);
	assert_true(r->ended && r->end.by_peer);
	assert_int_equal(r->end.code, PF_CLOSE_DENIED);
	raw_close(r);
}

static void unpair(const char *name)
{
	rig_must("client.unpair", json_pack("{s:s}", "client", name));
}

static void unpairing_ends_a_client_in_every_state(void **state)
{
	struct raw hello, session, again;
	struct pf_welcome w;
	uint8_t payload[64];
	(void)state;
	size_t n = raw_good_hello(payload, sizeof(payload));
	/* Before its Hello, and between Welcome and Start. */
	rig_pair(rig_alice, "tv", NULL);
	raw_open_as(&hello, rig_host.port, rig_alice);
	rig_hello(&session, rig_alice);
	rig_welcomed(&session, &w);
	unpair("tv");
	is_out(&session);
	is_out(&hello);
	/* In a ceremony of its own: the PIN that it has begun to use is worth nothing any more. */
	rig_pair(rig_alice, "tv", NULL);
	char pin[5];
	struct pf_msg proof;
	rig_arm(pin, NULL);
	struct pf_pair_client *c = rig_request(&again, rig_alice, "tv", pin);
	assert_int_equal(rig_challenge(&again, c, &proof), PF_OK);
	unpair("tv");
	is_out(&again);
	pf_pair_client_destroy(c);
	assert_false(rig_is_stored(rig_alice));
	/* While it takes its session over: whichever comes first, neither lives on. */
	for (int i = 0; i < 8; i++) {
		rig_pair(rig_alice, "tv", NULL);
		rig_hello(&session, rig_alice);
		rig_welcomed(&session, &w);
		raw_open_as(&again, rig_host.port, rig_alice);
		raw_send(&again, payload, n);
		for (int k = 0; k < i % 4; k++)
			raw_turn(&again);
		unpair("tv");
		uint64_t until = clock_now_ns() + WAIT_NS;
		while (!session.ended && clock_now_ns() < until)
			raw_turn(&session);
		assert_true(session.ended);
		raw_close(&session);
		/* It knocks now, if its Hello came later than the command. */
		until = clock_now_ns() + 200 * MS;
		while (!again.ended && clock_now_ns() < until)
			raw_turn(&again);
		if (again.ended)
			assert_int_equal(again.end.code, PF_CLOSE_DENIED);
		raw_close(&again);
	}
	json_t *result = rig_list_of("client.list");
	assert_int_equal(json_array_size(json_object_get(result, "clients")), 0);
	json_decref(result);
}

/* --- one that comes again and again --- */

static void a_storm_of_takeovers_leaves_the_others_alone(void **state)
{
	static struct raw r[2];
	struct raw other;
	struct pf_welcome w;
	struct pf_msg m, ask = {.type = PF_MSG_CLOCK_PROBE, .clock.t1_ns = 1};
	uint64_t longest = 0, start = clock_now_ns();
	unsigned n = 0;
	(void)state;
	rig_pair(rig_alice, "tv", NULL);
	rig_pair(rig_bob, "phone", NULL);
	rig_hello(&other, rig_bob);
	rig_welcomed(&other, &w);
	for (; n < 100; n++) {
		rig_hello(&r[n % 2], rig_alice);
		rig_welcomed(&r[n % 2], &w);
		if (n)
			raw_close(&r[(n + 1) % 2]);
		uint64_t asked = clock_now_ns();
		rig_say(&other, &ask);
		hear_of(&other, PF_MSG_CLOCK_ECHO, &m);
		uint64_t took = clock_now_ns() - asked;
		longest = took > longest ? took : longest;
	}
	print_message("# %u takeovers in %llu ms; the other one waited %llu ms at most\n", n,
		(unsigned long long)((clock_now_ns() - start) / MS),
		(unsigned long long)(longest / MS));
	assert_true(longest < 1000 * MS);
	rig_quit(&r[(n + 1) % 2]);
	rig_quit(&other);
}

#define STORM 8

/* A stranger who does nothing but handshakes takes time of the host, but not the others' turn. */
static void a_storm_of_handshakes_leaves_the_others_alone(void **state)
{
	static struct raw r[STORM];
	struct raw other;
	struct pf_welcome w;
	struct pf_msg m, ask = {.type = PF_MSG_CLOCK_PROBE, .clock.t1_ns = 1};
	uint64_t longest = 0, start = clock_now_ns(), asked = 0;
	unsigned n = 0;
	(void)state;
	rig_pair(rig_bob, "phone", NULL);
	rig_hello(&other, rig_bob);
	rig_welcomed(&other, &w);
	for (int i = 0; i < STORM; i++)
		raw_begin(&r[i], rig_host.port, rig_alice, "127.0.2.1");
	while (clock_now_ns() - start < 2000 * MS) {
		for (int i = 0; i < STORM; i++) {
			assert_int_equal(quic_endpoint_process(r[i].endpoint, clock_now_ns()), 0);
			if (!r[i].ready && !r[i].ended)
				continue;
			n += r[i].ready;
			raw_close(&r[i]);
			raw_begin(&r[i], rig_host.port, rig_alice, "127.0.2.1");
		}
		assert_int_equal(quic_endpoint_process(other.endpoint, clock_now_ns()), 0);
		if (!asked) {
			asked = clock_now_ns();
			rig_say(&other, &ask);
		} else if (other.got_len >= 2 + 29) {
			uint64_t took = clock_now_ns() - asked;
			longest = took > longest ? took : longest;
			asked = 0;
			rig_hear(&other, &m);
		}
	}
	print_message("# %u handshakes in 2 s; the other one waited %llu ms at most\n", n,
		(unsigned long long)(longest / MS));
	assert_true(n > 0 && longest < 1000 * MS);
	for (int i = 0; i < STORM; i++)
		raw_close(&r[i]);
	rig_quit(&other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(what_a_pin_gives_is_settled_when_it_is_used, rig_fresh),
		cmocka_unit_test_setup(a_pin_that_is_taken_back_pairs_nobody, rig_fresh),
		cmocka_unit_test_setup(a_session_cannot_become_a_pairing, rig_fresh),
		cmocka_unit_test_setup(the_clipboard_goes_with_its_grant, rig_fresh),
		cmocka_unit_test_setup(silent_strangers_give_way, rig_fresh),
		cmocka_unit_test_setup(unpairing_ends_a_client_in_every_state, rig_fresh),
		cmocka_unit_test_setup(a_storm_of_takeovers_leaves_the_others_alone, rig_fresh),
		cmocka_unit_test_setup(a_storm_of_handshakes_leaves_the_others_alone, rig_fresh),
	};
	return cmocka_run_group_tests(tests, rig_start_host, rig_end_host);
}
