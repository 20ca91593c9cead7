/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/trust/trust_json.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/wire/text.h"

/*
 * {
 *   "version": 1,
 *   "clients": [
 *     {"fingerprint": "64 hex digits", "name": "...", "paired": 1790000000, "grants": 255, "expires": 0}
 *   ]
 * }
 */
#define VERSION 1

__attribute__((format(printf, 3, 4))) static int fail(
	char *why, size_t why_len, const char *fmt, ...)
{
	va_list args;
	va_start(args, fmt);
	vsnprintf(why, why_len, fmt, args);
	va_end(args);
	return PF_E_INVALID;
}

static bool read_integer(const json_t *object, const char *key, int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(object, key);
	if (!json_is_integer(v))
		return false;
	*out = json_integer_value(v);
	return *out >= 0 && *out <= max;
}

static int read_client(
	struct trust_client *c, const json_t *object, size_t i, char *why, size_t why_len)
{
	const json_t *name = json_object_get(object, "name");
	const char *fp = json_string_value(json_object_get(object, "fingerprint"));
	int64_t grants;
	if (!fp || trust_parse_hex(c->fp, fp) < 0)
		return fail(why, why_len, "client %zu has no fingerprint of 64 hex digits", i + 1);
	if (!json_is_string(name) || !json_string_length(name) ||
		json_string_length(name) > PF_NAME_MAX)
		return fail(why, why_len, "client %zu has no name of 1 to %u bytes", i + 1,
			PF_NAME_MAX);
	trust_clean_name(c->name, json_string_value(name), json_string_length(name));
	/* What is missing must not read as more than what was given. */
	if (!read_integer(object, "grants", PF_GRANT_ALL, &grants))
		return fail(why, why_len, "client %zu has no grants from 0 to %u", i + 1,
			(unsigned)PF_GRANT_ALL);
	if (!read_integer(object, "expires", INT64_MAX, &c->expires_s) ||
		!read_integer(object, "paired", INT64_MAX, &c->paired_s))
		return fail(
			why, why_len, "client %zu has no times \"paired\" and \"expires\"", i + 1);
	c->grants = (uint8_t)grants;
	return PF_OK;
}

static int read_root(struct trust_list *out, const json_t *root, char *why, size_t why_len)
{
	const json_t *clients = json_object_get(root, "clients");
	int64_t version;
	if (!read_integer(root, "version", INT64_MAX, &version))
		return fail(why, why_len, "there is no \"version\"");
	if (version != VERSION)
		return fail(why, why_len, "it is of version %lld, which only a newer host reads",
			(long long)version);
	if (!json_is_array(clients))
		return fail(why, why_len, "there is no list \"clients\"");
	if (json_array_size(clients) > TRUST_MAX)
		return fail(why, why_len, "it has more than %u clients", TRUST_MAX);
	for (size_t i = 0; i < json_array_size(clients); i++) {
		int err = read_client(
			&out->clients[i], json_array_get(clients, i), i, why, why_len);
		if (err < 0)
			return err;
		for (size_t k = 0; k < i; k++)
			if (!memcmp(out->clients[k].fp, out->clients[i].fp, PF_FINGERPRINT_LEN))
				return fail(why, why_len,
					"clients %zu and %zu have one fingerprint", k + 1, i + 1);
	}
	out->n = json_array_size(clients);
	return PF_OK;
}

int trust_json_read(struct trust_list *out, const char *text, size_t len, char *why, size_t why_len)
{
	json_error_t error;
	out->n = 0;
	/* A key that comes twice could say one thing to us and another to the person who looks. */
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &error);
	if (!root) {
		fail(why, why_len, "line %d, column %d: %s", error.line, error.column, error.text);
		return json_error_code(&error) == json_error_out_of_memory ? PF_E_NOMEM
									   : PF_E_INVALID;
	}
	int err = read_root(out, root, why, why_len);
	if (err < 0)
		out->n = 0;
	json_decref(root);
	return err;
}

json_t *trust_json_client(const struct trust_client *c)
{
	char hex[TRUST_HEX_LEN + 1];
	trust_hex(hex, c->fp);
	return json_pack("{s:s, s:s, s:I, s:i, s:I}", "fingerprint", hex, "name", c->name, "paired",
		(json_int_t)c->paired_s, "grants", (int)c->grants, "expires",
		(json_int_t)c->expires_s);
}

char *trust_json_write(const struct trust_list *list)
{
	json_t *clients = json_array();
	for (size_t i = 0; i < list->n; i++)
		/* Takes NULL, as json_pack does below: a failure anywhere ends as NULL. */
		if (json_array_append_new(clients, trust_json_client(&list->clients[i])) < 0) {
			json_decref(clients);
			return NULL;
		}
	json_t *root = json_pack("{s:i, s:o}", "version", VERSION, "clients", clients);
	char *text = root ? json_dumps(root, JSON_INDENT(2)) : NULL;
	json_decref(root);
	return text;
}

int trust_json_find(struct trust_client *out, const struct trust *t, const json_t *args,
	const char *kind, char *why, size_t why_len)
{
	const struct trust_client *found = NULL;
	const char *key = json_string_value(json_object_get(args, "client"));
	char asked[PF_NAME_MAX + 1];
	int err = key && !trust_problem(t) ? trust_lookup(t, key, &found) : PF_E_INVALID;
	if (key)
		pf_text_clean(asked, sizeof(asked), key, strlen(key));
	if (!key)
		snprintf(why, why_len,
			"Say which device: its name, or the beginning of its fingerprint.");
	else if (trust_problem(t))
		snprintf(why, why_len, "%s", trust_problem(t));
	else if (err == PF_E_FULL)
		snprintf(why, why_len,
			"Several %s devices are called '%s'; name one by the first digits of its "
			"fingerprint (punktfunk-host clients lists them).",
			kind, asked);
	else if (err < 0)
		snprintf(why, why_len,
			"No %s device is called '%s'; punktfunk-host clients lists them.", kind,
			asked);
	if (err < 0)
		return PF_E_INVALID;
	*out = *found;
	return PF_OK;
}
