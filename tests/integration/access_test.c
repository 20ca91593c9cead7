/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/*
 * Who a real host lets in, what they may do there and until when: knocks, unpairing, grants, and the list on the
 * disk. PUNKTFUNK_HOST names the program.
 */
#include "tests/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "host/media/clock.h"
#include "host/trust/knocks.h"
#include "tests/integration/access_rig.h"

/* A device that was set up anew is another device, whatever it calls itself. */
static void a_changed_certificate_is_another_device(void **state)
{
	struct raw r;
	struct pf_welcome w;
	(void)state;
	rig_pair(rig_alice, "tv", NULL);
	rig_is_let_in(rig_alice);
	rig_knocks(&r, rig_bob, 1);
	rig_must(
		"knock.approve", json_pack("{s:s, s:i}", "knock", "1", "grants", PF_GRANT_GAMEPAD));
	rig_welcomed(&r, &w);
	assert_int_equal(w.grants, PF_GRANT_GAMEPAD);
	assert_int_equal(w.expires_s, 0);
	rig_quit(&r);
	assert_true(rig_is_stored(rig_bob));
	assert_int_equal(rig_n_in("knock.list", "knocks"), 0);
	rig_is_let_in(rig_alice);
	rig_is_let_in(rig_bob);
}

static void a_knock_waits_for_a_person(void **state)
{
	struct raw old, new;
	struct pf_welcome w;
	(void)state;
	rig_knocks(&old, rig_alice, 1);
	/* The same device again: the older connection gives way, the list does not grow. */
	rig_hello(&new, rig_alice);
	uint64_t until = clock_now_ns() + 5000 * MS;
	while (!old.ended &&
		clock_now_ns() < until) { /* what new has to say may wait for its pacing */
		raw_turn(&new);
		raw_turn(&old);
	}
	raw_expect_close(&old, PF_CLOSE_SUPERSEDED, "again");
	assert_int_equal(rig_n_in("knock.list", "knocks"), 1);
	rig_must("knock.approve", rig_knock_of(rig_alice));
	rig_welcomed(&new, &w);
	assert_int_equal(w.grants, PF_GRANT_ALL);
	rig_quit(&new);
	rig_refused("knock.approve", rig_knock_of(rig_alice), "no such knock");

	/* One that has gone is let in for the next time. */
	rig_knocks(&old, rig_bob, 1);
	rig_quit(&old);
	rig_must("knock.approve", rig_knock_of(rig_bob));
	rig_is_let_in(rig_bob);

	rig_knocks(&old, rig_carol, 1);
	rig_must("knock.deny", rig_knock_of(rig_carol));
	raw_expect_close(&old, PF_CLOSE_DENIED, "said no");
	assert_int_equal(rig_n_in("knock.list", "knocks"), 0);
	rig_hello(&old, rig_carol); /* and is not asked about again for a while */
	raw_expect_close(&old, PF_CLOSE_DENIED, "said no");
	assert_false(rig_is_stored(rig_carol));
	rig_must("knock.approve", rig_knock_of(rig_carol)); /* a person may think better of it */
	rig_is_let_in(rig_carol);
}

static void nobody_answers_a_knock(void **state)
{
	struct raw r;
	(void)state;
	struct host_process first = rig_host;
	const char *const args[] = {"--require-pairing", "--source", "synthetic", "--encoder",
		"null", "--knock-wait", "3", "--idle-timeout", "1", NULL};
	assert_int_equal(host_process_start(&rig_host, getenv("PUNKTFUNK_HOST"), args), 0);
	/* Three idle timeouts long: the pings of both sides keep the connection. */
	rig_knocks(&r, rig_alice, 1);
	raw_expect_close(&r, PF_CLOSE_APPROVAL_TIMEOUT, "nobody");
	/* Still listed: a person who comes later lets it in for the next time. */
	rig_must("knock.approve", rig_knock_of(rig_alice));
	rig_is_let_in(rig_alice);
	assert_int_equal(host_process_end(&rig_host), 0);
	host_process_clean(&rig_host);
	rig_host = first;
}

static void pairing_lets_a_knock_in(void **state)
{
	struct raw parked;
	struct pf_welcome w;
	(void)state;
	rig_knocks(&parked, rig_alice, 1);
	rig_pair(rig_alice, "tv", NULL);
	rig_welcomed(&parked, &w);
	rig_quit(&parked);
	assert_int_equal(rig_n_in("knock.list", "knocks"), 0);
}

static void one_address_cannot_fill_the_list_of_knocks(void **state)
{
	struct raw r[KNOCKS_PER_ADDRESS + 1];
	struct pf_identity *who[KNOCKS_PER_ADDRESS + 1];
	(void)state;
	for (unsigned i = 0; i <= KNOCKS_PER_ADDRESS; i++)
		assert_int_equal(pf_identity_generate(&who[i], "stranger", 1790000000), PF_OK);
	for (unsigned i = 0; i < KNOCKS_PER_ADDRESS; i++)
		rig_knocks(&r[i], who[i], i + 1);
	rig_hello(&r[KNOCKS_PER_ADDRESS], who[KNOCKS_PER_ADDRESS]);
	raw_expect_close(&r[KNOCKS_PER_ADDRESS], PF_CLOSE_RATE_LIMITED, "too many");
	/* Whoever is paired is not kept out by them. */
	rig_pair(rig_alice, "tv", NULL);
	rig_is_let_in(rig_alice);
	for (unsigned i = 0; i < KNOCKS_PER_ADDRESS; i++)
		rig_quit(&r[i]);
	for (unsigned i = 0; i <= KNOCKS_PER_ADDRESS; i++) {
		if (i < KNOCKS_PER_ADDRESS)
			rig_must("knock.deny", rig_knock_of(who[i]));
		pf_identity_destroy(who[i]);
	}
}

static void unpairing_ends_the_session(void **state)
{
	struct raw a, b;
	struct pf_welcome w;
	(void)state;
	rig_pair(rig_alice, "tv", NULL);
	rig_pair(rig_bob, "phone", NULL);
	rig_hello(&a, rig_alice);
	rig_welcomed(&a, &w);
	rig_hello(&b, rig_bob);
	rig_welcomed(&b, &w);
	uint64_t start_ns = clock_now_ns();
	rig_must("client.unpair", json_pack("{s:s}", "client", "tv"));
	raw_expect_close(&a, PF_CLOSE_DENIED, "unpaired");
	assert_true(clock_now_ns() - start_ns < 1000 * MS);
	assert_false(rig_is_stored(rig_alice));
	rig_knocks(&a, rig_alice, 1); /* a stranger again */
	assert_false(b.ended);
	rig_refused("client.unpair", json_pack("{s:s}", "client", "tv"), "called 'tv'");
	rig_refused("client.unpair",
		json_pack("{s:s}", "client",
			"x\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
			"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"
			"\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9\u00e9"),
		"called 'x\u00e9"); /* longer than a name, which ends within a character */
	/* By another program, which knows nothing of the host. */
	struct trust *t = rig_open_list();
	struct trust_client c = *trust_at(t, 0);
	char why[600];
	assert_int_equal(trust_remove(t, c.fp, why, sizeof(why)), PF_OK);
	trust_destroy(t);
	raw_expect_close(&b, PF_CLOSE_DENIED, "not paired any more");
	rig_must("knock.deny", rig_knock_of(rig_alice));
	raw_expect_close(&a, PF_CLOSE_DENIED, "said no");
}

static void a_guest_goes_when_the_time_is_over(void **state)
{
	struct raw r;
	struct pf_welcome w;
	(void)state;
	json_int_t end = (json_int_t)time(NULL) + 4;
	rig_pair(rig_bob, "guest", json_pack("{s:I}", "expires", end));
	rig_hello(&r, rig_bob);
	rig_welcomed(&r, &w);
	assert_in_range(w.expires_s, 1, 4);
	raw_expect_close(&r, PF_CLOSE_ACCESS_EXPIRED, "over");
	int64_t late = (int64_t)time(NULL) - end;
	assert_true(late >= -1 && late <= 1);
}

/* Five minutes and one minute before: not with the Welcome, which says it, and not for each change anew. */
static void a_guest_hears_that_the_time_runs_out(void **state)
{
	static const uint32_t warned_s[] = {300, 60};
	struct raw r;
	struct pf_welcome w;
	struct pf_msg m;
	(void)state;
	rig_pair(rig_bob, "guest", NULL);
	for (size_t i = 0; i < 2; i++) {
		const json_int_t end = (json_int_t)time(NULL) + warned_s[i] + 3;
		rig_must("client.access",
			json_pack("{s:s, s:I}", "client", "guest", "expires", end));
		rig_hello(&r, rig_bob);
		rig_welcomed(&r, &w);
		assert_in_range(w.expires_s, warned_s[i] + 1, warned_s[i] + 3);
		rig_hear(&r, &m);
		assert_int_equal(m.type, PF_MSG_ACCESS_UPDATE);
		assert_int_equal(m.access.grants, PF_GRANT_ALL);
		assert_in_range(m.access.remaining_s, warned_s[i] - 1, warned_s[i]);
		rig_quit(&r);
	}
}

static void a_client_is_told_what_it_may_do(void **state)
{
	struct raw r;
	struct pf_welcome w;
	struct pf_msg m;
	(void)state;
	int64_t now_s = (int64_t)time(NULL);
	rig_pair(rig_bob, "guest",
		json_pack("{s:i, s:I}", "grants", PF_GRANT_GAMEPAD, "expires",
			(json_int_t)(now_s + 3600)));
	rig_hello(&r, rig_bob);
	rig_welcomed(&r, &w);
	assert_int_equal(w.grants, PF_GRANT_GAMEPAD);
	assert_in_range(w.expires_s, 3500, 3600);
	rig_must("client.access",
		json_pack("{s:s, s:i, s:i}", "client", "guest", "grants",
			PF_GRANT_KEYBOARD | PF_GRANT_POINTER, "expires", 0));
	rig_hear(&r, &m);
	assert_int_equal(m.type, PF_MSG_ACCESS_UPDATE);
	assert_int_equal(m.access.grants, PF_GRANT_KEYBOARD | PF_GRANT_POINTER);
	assert_int_equal(m.access.remaining_s, 0);
	/* To the second, by the clock on the wall. */
	json_int_t end = (json_int_t)time(NULL) + 2;
	rig_must("client.access", json_pack("{s:s, s:I}", "client", "guest", "expires", end));
	rig_hear(&r, &m);
	assert_in_range(m.access.remaining_s, 1, 2);
	assert_int_equal(m.access.grants, PF_GRANT_KEYBOARD | PF_GRANT_POINTER);
	raw_expect_close(&r, PF_CLOSE_ACCESS_EXPIRED, "over");
	int64_t late = (int64_t)time(NULL) - end;
	assert_true(late >= -1 && late <= 1);
	rig_hello(&r, rig_bob);
	raw_expect_close(&r, PF_CLOSE_ACCESS_EXPIRED, "over");
	rig_refused(
		"client.access", json_pack("{s:s, s:i}", "client", "guest", "expires", 1), "over");
	/* The end of time is far enough away to be told. */
	rig_must("client.access",
		json_pack("{s:s, s:I}", "client", "guest", "expires", (json_int_t)INT64_MAX));
	rig_hello(&r, rig_bob);
	rig_welcomed(&r, &w);
	assert_true(w.expires_s > 99u * 365 * 86400);
	rig_quit(&r);
	rig_must("client.access", json_pack("{s:s, s:i}", "client", "guest", "expires", 0));
	rig_is_let_in(rig_bob);
	/* Starting programs is a grant of its own. */
	uint8_t payload[128];
	struct pf_hello h;
	pf_hello_init(&h);
	h.mode = (struct pf_mode){640, 480, 30};
	h.codecs = PF_CODEC_H264;
	snprintf(h.launch, sizeof(h.launch), "steam:570");
	int n = pf_hello_write(payload, sizeof(payload), &h);
	assert_true(n > 0);
	raw_open_as(&r, rig_host.port, rig_bob);
	raw_send(&r, payload, (size_t)n);
	raw_expect_close(&r, PF_CLOSE_LAUNCH_NOT_PERMITTED, "start programs");
}

static void list_path(char out[static 128])
{
	snprintf(out, 128, "%s/" TRUST_FILE, rig_host.dir);
}

static void a_damaged_list_lets_nobody_in_and_loses_nobody(void **state)
{
	struct raw r;
	struct pf_welcome w;
	char path[128], copy[140];
	(void)state;
	rig_pair(rig_alice, "tv", NULL);
	rig_hello(&r, rig_alice);
	rig_welcomed(&r, &w);
	list_path(path);
	snprintf(copy, sizeof(copy), "%s.bak", path);
	assert_int_equal(truncate(path, 40), 0);
	/* A write of somebody's that ended, as an editor's does. */
	int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	close(fd);
	raw_expect_close(&r, PF_CLOSE_DENIED, "not paired");
	assert_true(host_process_logged(&rig_host, "is damaged (line", 2000));
	rig_refused("pair.arm", NULL, ".bak");
	rig_refused("client.unpair", json_pack("{s:s}", "client", "tv"), "damaged");
	rig_knocks(&r, rig_alice, 1);
	rig_refused("knock.approve", rig_knock_of(rig_alice), "damaged");
	/* As the sentence says. */
	assert_int_equal(rename(copy, path), 0);
	rig_is_let_in(rig_alice);
	rig_quit(&r);
	rig_must("knock.deny", rig_knock_of(rig_alice));
}

static void a_restart_forgets_no_device(void **state)
{
	struct raw r;
	char pin[5];
	(void)state;
	rig_pair(rig_alice, "tv", NULL);
	rig_arm(pin, NULL);
	/* Another host in the same folder, as two sessions of one user have. */
	struct host_process first = rig_host;
	char bad[140];
	snprintf(bad, sizeof(bad), "%s/cert.pem/host.sock", first.dir);
	const char *const again[] = {"--require-pairing", "--source", "synthetic", "--encoder",
		"null", "--config-dir", first.dir, "--ctl", bad, NULL};
	assert_int_equal(host_process_start(&rig_host, getenv("PUNKTFUNK_HOST"), again), -1);
	rig_host = (struct host_process){0};
	char other[140];
	snprintf(other, sizeof(other), "%s/other.sock", first.dir);
	const char *const beside[] = {"--require-pairing", "--source", "synthetic", "--encoder",
		"null", "--config-dir", first.dir, "--ctl", other, NULL};
	assert_int_equal(host_process_start(&rig_host, getenv("PUNKTFUNK_HOST"), beside), 0);
	rig_is_let_in(rig_alice);
	rig_pair_refused(rig_bob, pin, PF_CLOSE_NOT_ARMED, "pair --arm"); /* a PIN is of one host */
	rig_hello(&r, rig_alice);
	struct pf_welcome w;
	rig_welcomed(&r, &w);
	struct host_process second = rig_host;
	rig_host = first;
	rig_must("client.unpair", json_pack("{s:s}", "client", "tv"));
	raw_expect_close(&r, PF_CLOSE_DENIED, "not paired any more"); /* at the other host */
	assert_int_equal(host_process_end(&second), 0);
	host_process_clean(&second);
}

static void expect_clip(struct raw *r, bool enabled, enum pf_clip_reason reason)
{
	struct pf_msg m;
	rig_hear(r, &m);
	assert_int_equal(m.type, PF_MSG_CLIP_STATE);
	assert_int_equal(m.clip_state.enabled, enabled);
	assert_int_equal(m.clip_state.policy, 1);
	assert_int_equal(m.clip_state.reason, reason);
}

static void the_clipboard_is_a_grant(void **state)
{
	struct raw r;
	struct pf_welcome w;
	struct pf_msg m, on = {.type = PF_MSG_CLIP_CONTROL, .clip_control = {.enabled = true}};
	(void)state;
	rig_pair(rig_bob, "guest", json_pack("{s:i}", "grants", PF_GRANT_POINTER));
	rig_hello(&r, rig_bob);
	rig_welcomed(&r, &w);
	assert_true(w.host_caps & PF_HCAP_CLIPBOARD);
	rig_say(&r, &on);
	expect_clip(&r, false, PF_CLIP_NOT_PERMITTED);
	rig_must("client.access",
		json_pack("{s:s, s:i}", "client", "guest", "grants", PF_GRANT_CLIPBOARD));
	rig_hear(&r, &m);
	assert_int_equal(m.type, PF_MSG_ACCESS_UPDATE);
	rig_say(&r, &on);
	expect_clip(&r, true, PF_CLIP_OK);
	/* Taken back it is off at once. */
	rig_must("client.access",
		json_pack("{s:s, s:i}", "client", "guest", "grants", PF_GRANT_POINTER));
	rig_hear(&r, &m);
	assert_int_equal(m.type, PF_MSG_ACCESS_UPDATE);
	expect_clip(&r, false, PF_CLIP_NOT_PERMITTED);
	rig_quit(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_changed_certificate_is_another_device, rig_fresh),
		cmocka_unit_test_setup(a_knock_waits_for_a_person, rig_fresh),
		cmocka_unit_test_setup(nobody_answers_a_knock, rig_fresh),
		cmocka_unit_test_setup(pairing_lets_a_knock_in, rig_fresh),
		cmocka_unit_test_setup(one_address_cannot_fill_the_list_of_knocks, rig_fresh),
		cmocka_unit_test_setup(unpairing_ends_the_session, rig_fresh),
		cmocka_unit_test_setup(a_guest_goes_when_the_time_is_over, rig_fresh),
		cmocka_unit_test_setup(a_guest_hears_that_the_time_runs_out, rig_fresh),
		cmocka_unit_test_setup(a_client_is_told_what_it_may_do, rig_fresh),
		cmocka_unit_test_setup(the_clipboard_is_a_grant, rig_fresh),
		cmocka_unit_test_setup(a_damaged_list_lets_nobody_in_and_loses_nobody, rig_fresh),
		cmocka_unit_test_setup(a_restart_forgets_no_device, rig_fresh),
	};
	return cmocka_run_group_tests(tests, rig_start_host, rig_end_host);
}
