/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "host/base/log.h"
#include "host/ctl/ctl.h"
#include "host/gamestream/hex.h"
#include "host/gamestream/identity.h"
#include "host/gamestream/launch.h"
#include "host/gamestream/nvhttp_internal.h"
#include "host/media/clock.h"
#include "host/trust/trust_json.h"

/*
 * What a person or another front end asks of GameStream's pairing, by name. Arguments come from another process of
 * the same user: checked, but not hostile.
 */

__attribute__((format(printf, 3, 4))) static int fail(
	char *why, size_t why_len, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(why, why_len, fmt, args);
	va_end(args);
	return PF_E_INVALID;
}

static json_t *describe(const struct pairing_device *d)
{
	char address[UDP_ADDR_TEXT_LEN], hex[TRUST_HEX_LEN + 1];
	udp_addr_text(address, &d->peer);
	trust_hex(hex, d->fp);
	return json_pack("{s:I, s:s, s:s, s:I}", "number", (json_int_t)d->number, "from", address,
		"fingerprint", hex, "ago",
		(json_int_t)((clock_now_ns() - d->since_ns) / 1000000000));
}

static int waiting(const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct nvhttp *n = userdata;
	struct pairing_device devices[PAIRING_MAX];
	(void)args, (void)why, (void)why_len;
	size_t count = pairing_list(n->pairing, devices, PAIRING_MAX);
	json_t *list = json_array();
	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, describe(&devices[i]));
	*result = json_pack("{s:o, s:{s:I, s:b, s:s}}", "devices", list, "last", "number",
		(json_int_t)n->last.number, "paired", n->last.paired, "name", n->last.name);
	return *result ? PF_OK : PF_E_NOMEM;
}

/* Step 1 gets its answer: the host's certificate. */
static void answer_first(struct nvhttp *n, struct http_request *rq)
{
	char hex[2 * GS_CERT_PEM_MAX + 1];
	const struct identity_pem *pem = &n->g->identity->pem;
	struct xml x;
	if (pem->cert_len > GS_CERT_PEM_MAX)
		return;
	hex_write(hex, (const uint8_t *)pem->cert, pem->cert_len);
	xml_init(&x, NV_OK, NULL);
	xml_number(&x, "paired", 1);
	xml_text(&x, "plaincert", hex);
	nvhttp_send(rq, &x);
}

static int pin(const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct nvhttp *n = userdata;
	const char *digits = json_string_value(json_object_get(args, "pin")),
		   *given = json_string_value(json_object_get(args, "name"));
	json_int_t number = json_integer_value(json_object_get(args, "device"));
	char name[PF_NAME_MAX + 1] = "";
	struct pairing_device device;
	if (!digits || number < 0 || number > UINT32_MAX)
		return fail(why, why_len, "Give the PIN that the device shows, four digits.");
	if (given && *given)
		trust_clean_name(name, given, strlen(given));
	(void)trust_refresh(n->g->trust);
	/* Better now than when the device has done its part. */
	if (trust_problem(n->g->trust))
		return fail(why, why_len, "%s", trust_problem(n->g->trust));
	int err = pairing_pin(n->pairing, clock_now_ns(), digits, (uint32_t)number, name, &device);
	switch (err) {
	case PF_OK:
		break;
	case PF_E_INVALID:
		return fail(why, why_len, "A PIN of Moonlight has four digits.");
	case PF_E_FULL:
		return fail(why, why_len,
			"Several devices wait for their PIN: say which with --device N "
			"(punktfunk-host pin lists them).");
	case PF_E_BUSY:
		return fail(why, why_len,
			"Another device at the same address is pairing right now: try again in "
			"half a minute.");
	default:
		return fail(why, why_len,
			number ? "No such device waits for a PIN: punktfunk-host pin lists them."
			       : "No device waits for a PIN: choose this host in Moonlight first.");
	}
	*result = describe(&device);
	answer_first(n, device.parked);
	nvhttp_rearm(n);
	return *result ? PF_OK : PF_E_NOMEM;
}

static int list(const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct nvhttp *n = userdata;
	struct trust *t = n->g->trust;
	json_t *clients = json_array();
	(void)args, (void)why, (void)why_len;
	if (trust_refresh(t))
		nvhttp_apply(n, "this device was unpaired");
	for (size_t i = 0; i < trust_count(t); i++) {
		const struct trust_client *c = trust_at(t, i);
		const struct gs_launch *l = launch_of(n->g->launches, c->fp);
		json_t *client = trust_json_client(c);
		json_object_set_new(
			client, "connected", json_boolean(l && l->state == LAUNCH_RUNNING));
		json_array_append_new(clients, client);
	}
	*result = json_pack("{s:o, s:s*}", "clients", clients, "problem", trust_problem(t));
	return *result ? PF_OK : PF_E_NOMEM;
}

/* The paired client of the argument "client". */
static int find(
	struct nvhttp *n, const json_t *args, struct trust_client *out, char *why, size_t why_len)
{
	if (trust_refresh(n->g->trust))
		nvhttp_apply(n, "this device was unpaired");
	return trust_json_find(out, n->g->trust, args, "Moonlight", why, why_len);
}

static int unpair(const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct nvhttp *n = userdata;
	struct trust_client client;
	int err = find(n, args, &client, why, why_len);
	if (err >= 0)
		err = trust_remove(n->g->trust, client.fp, why, why_len);
	if (err < 0)
		return err;
	bool ended = launch_of(n->g->launches, client.fp);
	nvhttp_apply(n, "this device was unpaired");
	log_info("gamestream: '%s' was unpaired", client.name);
	*result = trust_json_client(&client);
	json_object_set_new(*result, "ended", json_integer(ended));
	return *result ? PF_OK : PF_E_NOMEM;
}

static int access(const json_t *args, json_t **result, char *why, size_t why_len, void *userdata)
{
	struct nvhttp *n = userdata;
	const json_t *grants = json_object_get(args, "grants"),
		     *expires = json_object_get(args, "expires");
	struct trust_client client;
	int err = find(n, args, &client, why, why_len);
	if (err < 0)
		return err;
	if (grants &&
		(!json_is_integer(grants) || json_integer_value(grants) < 0 ||
			json_integer_value(grants) > PF_GRANT_ALL))
		return fail(why, why_len, "\"grants\" is a number from 0 to %u.",
			(unsigned)PF_GRANT_ALL);
	if (expires && (!json_is_integer(expires) || json_integer_value(expires) < 0))
		return fail(why, why_len, "\"expires\" is a time in seconds since 1970, or 0.");
	if (grants)
		client.grants = (uint8_t)json_integer_value(grants);
	if (expires)
		client.expires_s = json_integer_value(expires);
	err = trust_put(n->g->trust, &client, why, why_len);
	if (err < 0)
		return err;
	nvhttp_apply(n, "this device was unpaired");
	*result = trust_json_client(&client);
	return *result ? PF_OK : PF_E_NOMEM;
}

int nvhttp_register(struct nvhttp *n)
{
	static const struct {
		const char *name;
		ctl_handler fn;
	} all[] = {
		{"gamestream.waiting", waiting},
		{"gamestream.pin", pin},
		{"gamestream.list", list},
		{"gamestream.unpair", unpair},
		{"gamestream.access", access},
	};
	struct ctl *ctl = n->g->host->ctl;
	for (size_t i = 0; ctl && i < sizeof(all) / sizeof(all[0]); i++) {
		int err = ctl_register(ctl, all[i].name, all[i].fn, n);
		if (err < 0)
			return err;
	}
	return PF_OK;
}
