/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <jansson.h>

#include "core/base/alloc.h"
#include "host/base/log.h"
#include "host/ctl/ctl.h"
#include "host/host.h"
#include "host/media/clock.h"
#include "host/native/access.h"
#include "host/native/internal.h"
#include "host/trust/trust_json.h"

/*
 * What a person or another front end asks of pairing, by name. Arguments come from another process of the
 * same user: checked, but not hostile.
 */

#define PIN_DRAWS 4u /* one in 2^150 draws gives no PIN */

__attribute__((format(printf, 3, 4))) static int fail(
	char *why, size_t why_len, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(why, why_len, fmt, args);
	va_end(args);
	return PF_E_INVALID;
}

static int64_t now_s(void)
{
	return (int64_t)(clock_realtime_ns() / 1000000000);
}

/* Optional members "grants" (mask) and "expires" (seconds since 1970, 0 = never); *set says which were there. */
static int read_terms(
	const json_t *args, uint8_t *grants, int64_t *expires_s, char *why, size_t why_len)
{
	const json_t *g = json_object_get(args, "grants"), *e = json_object_get(args, "expires");
	if (g &&
		(!json_is_integer(g) || json_integer_value(g) < 0 ||
			json_integer_value(g) > PF_GRANT_ALL))
		return fail(why, why_len, "\"grants\" is a number from 0 to %u.",
			(unsigned)PF_GRANT_ALL);
	if (e && (!json_is_integer(e) || json_integer_value(e) < 0))
		return fail(why, why_len, "\"expires\" is a time in seconds since 1970, or 0.");
	if (e && json_integer_value(e) && json_integer_value(e) <= now_s())
		return fail(why, why_len, "\"expires\" is a time that is over.");
	if (g)
		*grants = (uint8_t)json_integer_value(g);
	if (e)
		*expires_s = json_integer_value(e);
	return PF_OK;
}

static int draw_pin(struct access *a, uint32_t ttl_s, const uint8_t *bound_fp)
{
	uint8_t random[PF_PIN_RANDOM_LEN];
	int err = PF_E_AGAIN;
	for (unsigned i = 0; i < PIN_DRAWS && err == PF_E_AGAIN; i++) {
		if (getrandom(random, sizeof(random), 0) != sizeof(random))
			return PF_E_CRYPTO;
		err = arming_arm(&a->arming, clock_now_ns(), ttl_s, bound_fp, random);
	}
	pf_wipe(random, sizeof(random));
	return err;
}

static int pair_arm(const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	const json_t *ttl = json_object_get(args, "ttl");
	const char *fp = json_string_value(json_object_get(args, "fingerprint"));
	json_int_t ttl_s = ttl ? json_integer_value(ttl) : (json_int_t)ARMING_TTL_S;
	uint8_t bound[PF_FINGERPRINT_LEN], grants = PF_GRANT_ALL;
	int64_t expires_s = 0;
	if (ttl_s < 1 || ttl_s > (json_int_t)ARMING_TTL_MAX_S)
		return fail(why, why_len, "A PIN is good for 1 to %u seconds.", ARMING_TTL_MAX_S);
	if (fp && trust_parse_hex(bound, fp) < 0)
		return fail(why, why_len, "A fingerprint is 64 hex digits.");
	int err = read_terms(args, &grants, &expires_s, why, why_len);
	if (err < 0)
		return err;
	access_refresh(a);
	/* Better now than when the PIN was typed. */
	if (trust_problem(a->trust))
		return fail(why, why_len, "%s", trust_problem(a->trust));
	err = draw_pin(a, (uint32_t)ttl_s, fp ? bound : NULL);
	if (err < 0)
		return err;
	a->new_grants = grants;
	a->new_expires_s = expires_s;
	log_info("pair: armed for %lld s", (long long)ttl_s);
	*result = json_pack("{s:s, s:I, s:I}", "pin", a->arming.pin, "ttl", ttl_s, "attempts",
		(json_int_t)a->outcome.number);
	return *result ? PF_OK : PF_E_NOMEM;
}

static int pair_disarm(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	bool was = arming_left_s(&a->arming, clock_now_ns()) > 0;
	(void)args, (void)why, (void)why_len;
	arming_disarm(&a->arming);
	/* Also one that is being typed just now: who takes it back wants nobody in. */
	for (struct native_client *c = a->native->clients; c; c = c->next) {
		was |= c->pairing != NULL;
		pair_take_back(c);
	}
	native_flush(a->native);
	*result = json_pack("{s:b}", "was_armed", was);
	return *result ? PF_OK : PF_E_NOMEM;
}

static int pair_status(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	const struct pair_outcome *o = &a->outcome;
	uint32_t left_s = arming_left_s(&a->arming, clock_now_ns());
	(void)args, (void)why, (void)why_len;
	*result = json_pack("{s:b, s:i, s:b, s:I}", "armed", left_s > 0, "left", (int)left_s,
		"running", a->arming.ceremony_ns > clock_now_ns(), "attempts",
		(json_int_t)o->number);
	if (*result && o->number) {
		char hex[TRUST_HEX_LEN + 1];
		trust_hex(hex, o->fp);
		json_object_set_new(*result, "last",
			json_pack("{s:b, s:s, s:s, s:s, s:s*}", "paired", o->paired, "name",
				o->name, "from", o->from, "fingerprint", hex, "why", o->why));
	}
	return *result ? PF_OK : PF_E_NOMEM;
}

static unsigned connections_of(const struct access *a, const uint8_t *fp)
{
	unsigned n = 0;
	for (const struct native_client *c = a->native->clients; c; c = c->next)
		n += c->session && c->has_fp && !memcmp(c->fp, fp, sizeof(c->fp));
	return n;
}

static int client_list(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	(void)args, (void)why, (void)why_len;
	access_refresh(a);
	json_t *list = json_array();
	for (size_t i = 0; i < trust_count(a->trust); i++) {
		json_t *client = trust_json_client(trust_at(a->trust, i));
		json_object_set_new(client, "connected",
			json_boolean(connections_of(a, trust_at(a->trust, i)->fp)));
		json_array_append_new(list, client);
	}
	*result = json_pack("{s:o, s:s*}", "clients", list, "problem", trust_problem(a->trust));
	return *result ? PF_OK : PF_E_NOMEM;
}

/* The paired client of the argument "client". */
static int find_client(
	struct access *a, const json_t *args, struct trust_client *out, char *why, size_t why_len)
{
	access_refresh(a);
	return trust_json_find(out, a->trust, args, "paired", why, why_len);
}

static int client_unpair(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	struct trust_client client;
	int err = find_client(a, args, &client, why, why_len);
	if (err < 0)
		return err;
	err = trust_remove(a->trust, client.fp, why, why_len);
	if (err < 0)
		return err;
	unsigned ended = access_expel(a, client.fp, "this device was unpaired");
	log_info("trust: '%s' was unpaired", client.name);
	json_t *json = trust_json_client(&client);
	json_object_set_new(json, "ended", json_integer(ended));
	*result = json;
	return json ? PF_OK : PF_E_NOMEM;
}

static int client_access(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	struct trust_client client;
	int err = find_client(a, args, &client, why, why_len);
	if (err >= 0)
		err = read_terms(args, &client.grants, &client.expires_s, why, why_len);
	if (err >= 0)
		err = trust_put(a->trust, &client, why, why_len);
	if (err < 0)
		return err;
	access_apply(a);
	*result = trust_json_client(&client);
	return *result ? PF_OK : PF_E_NOMEM;
}

static json_t *describe_knock(const struct knock *k)
{
	char hex[TRUST_HEX_LEN + 1];
	trust_hex(hex, k->fp);
	return json_pack("{s:I, s:s, s:s, s:s, s:I, s:b}", "number", (json_int_t)k->number, "name",
		k->name, "from", k->from, "fingerprint", hex, "ago",
		(json_int_t)((clock_now_ns() - k->since_ns) / 1000000000), "waits",
		k->parked != NULL);
}

static int knock_list(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	json_t *list = json_array();
	(void)args, (void)why, (void)why_len;
	for (const struct knock *k = NULL; (k = knocks_next(&a->knocks, k));)
		if (!k->denied)
			json_array_append_new(list, describe_knock(k));
	*result = json_pack("{s:o}", "knocks", list);
	return *result ? PF_OK : PF_E_NOMEM;
}

static int find_knock(
	struct access *a, const json_t *args, struct knock *out, char *why, size_t why_len)
{
	const struct knock *found = NULL;
	const char *key = json_string_value(json_object_get(args, "knock"));
	if (!key)
		return fail(why, why_len,
			"Say which knock: its number, or the beginning of its fingerprint.");
	int err = knocks_lookup(&a->knocks, key, &found);
	if (err == PF_E_FULL)
		return fail(why, why_len, "Several knocks begin like that; type more digits.");
	if (err < 0)
		return fail(
			why, why_len, "There is no such knock; punktfunk-host knocks lists them.");
	*out = *found;
	return PF_OK;
}

static int knock_approve(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	struct trust_client client = {.grants = PF_GRANT_ALL, .paired_s = now_s()};
	struct knock k;
	int err = find_knock(a, args, &k, why, why_len);
	if (err >= 0)
		err = read_terms(args, &client.grants, &client.expires_s, why, why_len);
	if (err < 0)
		return err;
	memcpy(client.fp, k.fp, sizeof(client.fp));
	trust_clean_name(client.name, k.name, strlen(k.name));
	err = trust_put(a->trust, &client, why, why_len);
	if (err < 0)
		return err;
	log_info("trust: '%s' at %s was let in, and is paired", client.name, k.from);
	access_paired(a, client.fp);
	json_t *json = describe_knock(&k);
	*result = json;
	return json ? PF_OK : PF_E_NOMEM;
}

static int knock_deny(
	const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct access *a = userdata;
	struct knock k;
	int err = find_knock(a, args, &k, why, why_len);
	if (err < 0)
		return err;
	struct native_client *c = knocks_deny(&a->knocks, k.number);
	if (c)
		native_end(c, PF_CLOSE_DENIED, "the host's owner said no");
	native_flush(a->native);
	*result = describe_knock(&k);
	return *result ? PF_OK : PF_E_NOMEM;
}

int access_register(struct access *a, struct ctl *ctl)
{
	static const struct {
		const char *name;
		ctl_handler fn;
	} all[] = {
		{"pair.arm", pair_arm},
		{"pair.disarm", pair_disarm},
		{"pair.status", pair_status},
		{"client.list", client_list},
		{"client.unpair", client_unpair},
		{"client.access", client_access},
		{"knock.list", knock_list},
		{"knock.approve", knock_approve},
		{"knock.deny", knock_deny},
	};
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		int err = ctl_register(ctl, all[i].name, all[i].fn, a);
		if (err < 0)
			return err;
	}
	return PF_OK;
}
