/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/integration/access_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/bytes.h"
#include "host/ctl/ctl.h"
#include "host/media/clock.h"
#include "net/identity.h"
#include "tests/test.h"

#define CTL_WAIT_MS 5000

static const char *const host_args[] = {"--require-pairing", "--source", "synthetic", "--encoder",
	"null", "--test-pair-cooldown", "0", "--max-concurrent", "8", "--clipboard", "text", NULL};
struct host_process rig_host;
struct pf_identity *rig_alice, *rig_bob, *rig_carol;
static uint8_t host_fp[32];

/* --- the person at the host --- */

int rig_command(const char *name, json_t *args, json_t **result, char *why, size_t why_len)
{
	char path[128];
	json_t *unused;
	snprintf(path, sizeof(path), "%s/host.sock", rig_host.dir);
	int err = ctl_request(
		path, name, args, result ? result : &unused, CTL_WAIT_MS, why, why_len);
	json_decref(args);
	if (!result)
		json_decref(unused);
	return err;
}

void rig_must(const char *name, json_t *args)
{
	char why[600];
	if (rig_command(name, args, NULL, why, sizeof(why)) < 0)
		fail_msg("%s: %s", name, why);
}

void rig_refused(const char *name, json_t *args, const char *words)
{
	char why[600] = "";
	assert_int_equal(rig_command(name, args, NULL, why, sizeof(why)), PF_E_INVALID);
	if (!strstr(why, words))
		fail_msg("%s: '%s' has no '%s'", name, why, words);
}

void rig_arm(char pin[static 5], json_t *args)
{
	json_t *result;
	char why[600];
	if (rig_command("pair.arm", args, &result, why, sizeof(why)) < 0)
		fail_msg("arm: %s", why);
	snprintf(pin, 5, "%s", json_string_value(json_object_get(result, "pin")));
	json_decref(result);
}

json_t *rig_list_of(const char *name)
{
	char why[600];
	json_t *result;
	if (rig_command(name, NULL, &result, why, sizeof(why)) < 0)
		fail_msg("%s: %s", name, why);
	return result;
}

size_t rig_n_in(const char *name, const char *list)
{
	json_t *result = rig_list_of(name);
	size_t n = json_array_size(json_object_get(result, list));
	json_decref(result);
	return n;
}

void rig_hex_of(const struct pf_identity *who, char out[static TRUST_HEX_LEN + 1])
{
	uint8_t fp[32];
	pf_identity_fingerprint(who, fp);
	trust_hex(out, fp);
}

struct trust *rig_open_list(void)
{
	char why[600];
	struct trust *t;
	if (trust_create(&t, rig_host.dir, TRUST_FILE, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	return t;
}

bool rig_is_stored(const struct pf_identity *who)
{
	uint8_t fp[32];
	struct trust *t = rig_open_list();
	pf_identity_fingerprint(who, fp);
	bool found = trust_find(t, fp);
	trust_destroy(t);
	return found;
}

static void forget_everybody(void)
{
	char why[600];
	struct trust *t = rig_open_list();
	while (trust_count(t)) {
		struct trust_client c = *trust_at(t, 0);
		assert_int_equal(trust_remove(t, c.fp, why, sizeof(why)), PF_OK);
	}
	trust_destroy(t);
}

/* --- a client's half --- */

void rig_say(struct raw *r, const struct pf_msg *m)
{
	uint8_t out[512];
	int n = pf_msg_write_framed(out, sizeof(out), m);
	assert_true(n > 2);
	raw_send(r, out + 2, (size_t)n - 2);
}

void rig_hear(struct raw *r, struct pf_msg *m)
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

struct pf_pair_client *rig_request(
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
	raw_open_as(r, rig_host.port, who);
	rig_say(r, &m);
	return c;
}

int rig_challenge(struct raw *r, struct pf_pair_client *c, struct pf_msg *proof)
{
	struct pf_msg m;
	rig_hear(r, &m);
	assert_int_equal(m.type, PF_MSG_PAIR_CHALLENGE);
	*proof = (struct pf_msg){.type = PF_MSG_PAIR_PROOF};
	return pf_pair_client_challenge(c, m.pair_challenge.spake.data, m.pair_challenge.spake.len,
		m.pair_challenge.confirm, sizeof(m.pair_challenge.confirm), proof->pair_proof);
}

void rig_succeed(struct raw *r, struct pf_pair_client *c)
{
	struct pf_msg m;
	assert_int_equal(rig_challenge(r, c, &m), PF_OK);
	rig_say(r, &m);
	rig_hear(r, &m);
	assert_int_equal(m.type, PF_MSG_PAIR_RESULT);
	assert_true(m.pair_ok);
	assert_int_equal(pf_pair_client_result(c, m.pair_ok), PF_OK);
	pf_pair_client_destroy(c);
	raw_expect_close(r, PF_CLOSE_END, "done");
}

void rig_pair(const struct pf_identity *who, const char *name, json_t *terms)
{
	struct raw r;
	char pin[5];
	rig_arm(pin, terms);
	rig_succeed(&r, rig_request(&r, who, name, pin));
}

void rig_pair_refused(
	const struct pf_identity *who, const char *pin, uint64_t code, const char *words)
{
	struct raw r;
	struct pf_pair_client *c = rig_request(&r, who, "x", pin);
	raw_expect_close(&r, code, words);
	pf_pair_client_destroy(c);
}

void rig_wrong_pin(char out[static 5], const char *pin)
{
	memcpy(out, pin, 5);
	out[0] = pin[0] == '9' ? '0' : (char)(pin[0] + 1);
}

void rig_hello(struct raw *r, const struct pf_identity *who)
{
	uint8_t payload[64];
	raw_open_as(r, rig_host.port, who);
	raw_send(r, payload, raw_good_hello(payload, sizeof(payload)));
}

void rig_welcomed(struct raw *r, struct pf_welcome *w)
{
	raw_wait_bytes(r, 2);
	size_t len = pf_get_le16(r->got);
	raw_wait_bytes(r, 2 + len);
	assert_int_equal(pf_welcome_read(w, r->got + 2, len), 0);
	memmove(r->got, r->got + 2 + len, r->got_len - 2 - len);
	r->got_len -= 2 + len;
}

void rig_quit(struct raw *r)
{
	quic_conn_close(r->conn, PF_CLOSE_QUIT, "bye");
	quic_endpoint_flush(r->endpoint, clock_now_ns());
	raw_close(r);
}

void rig_is_let_in(const struct pf_identity *who)
{
	struct raw r;
	struct pf_welcome w;
	rig_hello(&r, who);
	rig_welcomed(&r, &w);
	rig_quit(&r);
}

void rig_knocks(struct raw *r, const struct pf_identity *who, size_t n_listed)
{
	size_t n = SIZE_MAX;
	uint64_t until = clock_now_ns() + 5000 * MS;
	rig_hello(r, who);
	while (n != n_listed && clock_now_ns() < until) {
		raw_turn(r);
		n = rig_n_in("knock.list", "knocks");
	}
	assert_int_equal(n, n_listed);
	assert_false(r->ended);
	assert_int_equal(r->got_len, 0);
}

json_t *rig_knock_of(const struct pf_identity *who)
{
	char hex[TRUST_HEX_LEN + 1];
	rig_hex_of(who, hex);
	return json_pack("{s:s}", "knock", hex);
}

/* --- the rig --- */

int rig_start_host(void **state)
{
	char why[600];
	struct pf_identity *id;
	(void)state;
	uint64_t now_s = clock_realtime_ns() / 1000000000;
	if (pf_identity_generate(&rig_alice, "punktfunk-client", now_s) < 0 ||
		pf_identity_generate(&rig_bob, "punktfunk-client", now_s) < 0 ||
		pf_identity_generate(&rig_carol, "punktfunk-client", now_s) < 0 ||
		host_process_start(&rig_host, getenv("PUNKTFUNK_HOST"), host_args) < 0 ||
		identity_load_or_create(&id, rig_host.dir, "punktfunk", why, sizeof(why)) < 0)
		return -1;
	pf_identity_fingerprint(id, host_fp);
	pf_identity_destroy(id);
	return 0;
}

int rig_end_host(void **state)
{
	(void)state;
	int err = host_process_end(&rig_host);
	host_process_clean(&rig_host);
	pf_identity_destroy(rig_alice);
	pf_identity_destroy(rig_bob);
	pf_identity_destroy(rig_carol);
	return err;
}

int rig_fresh(void **state)
{
	(void)state;
	forget_everybody();
	rig_must("pair.disarm", NULL);
	return 0;
}
