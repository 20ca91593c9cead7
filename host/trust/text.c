/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/wire/text.h"
#include "host/trust/trust.h"

/* What people read and write: fingerprints, names, grants, times. */

#define MINUTE_S     60
#define EXPIRY_MAX_S (20ll * 365 * 24 * 3600) /* further ahead than a host lives */

void trust_hex(char out[static TRUST_HEX_LEN + 1], const uint8_t fp[static PF_FINGERPRINT_LEN])
{
	for (size_t i = 0; i < PF_FINGERPRINT_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", fp[i]);
}

static int digit(char c)
{
	return c >= '0' && c <= '9'    ? c - '0'
		: c >= 'a' && c <= 'f' ? c - 'a' + 10
		: c >= 'A' && c <= 'F' ? c - 'A' + 10
				       : -1;
}

int trust_parse_hex(uint8_t fp[static PF_FINGERPRINT_LEN], const char *text)
{
	size_t n = 0;
	for (; *text; text++) {
		if (*text == ':' && n && n % 2 == 0 && text[1])
			continue;
		int d = digit(*text);
		if (d < 0 || n == TRUST_HEX_LEN)
			return PF_E_INVALID;
		fp[n / 2] = (uint8_t)(n % 2 ? fp[n / 2] | d : d << 4);
		n++;
	}
	return n == TRUST_HEX_LEN ? PF_OK : PF_E_INVALID;
}

void trust_clean_name(char out[static PF_NAME_MAX + 1], const char *name, size_t len)
{
	pf_text_clean(out, PF_NAME_MAX + 1, name, len);
	if (!out[strspn(out, " ")])
		snprintf(out, PF_NAME_MAX + 1, "unnamed");
}

static const struct {
	const char *name;
	uint8_t grants;
} grant_names[] = {
	{"gamepad", PF_GRANT_GAMEPAD},
	{"pointer", PF_GRANT_POINTER},
	{"keyboard", PF_GRANT_KEYBOARD},
	{"clipboard", PF_GRANT_CLIPBOARD},
	{"microphone", PF_GRANT_MICROPHONE},
	{"launch", PF_GRANT_LAUNCH},
	{"power", PF_GRANT_POWER},
	{"manage", PF_GRANT_MANAGE},
	/* presets of wire 9 */
	{"full", PF_GRANT_ALL},
	{"controller", PF_GRANT_GAMEPAD},
	{"view", 0},
};
#define N_GRANTS 8u

int trust_parse_grants(uint8_t *out, const char *text)
{
	uint8_t grants = 0;
	for (;;) {
		size_t len = strcspn(text, ","), i = 0,
		       n = sizeof(grant_names) / sizeof(grant_names[0]);
		while (i < n &&
			(strlen(grant_names[i].name) != len ||
				memcmp(grant_names[i].name, text, len) != 0))
			i++;
		if (i == n)
			return PF_E_INVALID;
		grants |= grant_names[i].grants;
		if (!text[len])
			break;
		text += len + 1;
	}
	*out = grants;
	return PF_OK;
}

void trust_format_grants(char out[static TRUST_GRANTS_LEN], uint8_t grants)
{
	size_t n = 0;
	if (grants == PF_GRANT_ALL || grants == PF_GRANT_GAMEPAD || !grants) {
		snprintf(out, TRUST_GRANTS_LEN, "%s",
			grants ? grants == PF_GRANT_ALL ? "full" : "controller" : "view");
		return;
	}
	for (size_t i = 0; i < N_GRANTS; i++)
		if (grants & grant_names[i].grants)
			n += (size_t)snprintf(out + n, TRUST_GRANTS_LEN - n, "%s%s", n ? "," : "",
				grant_names[i].name);
}

static int parse_span(int64_t *out, const char *text)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = {{'s', 1}, {'m', MINUTE_S}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	char *end;
	unsigned long v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || !*end || end[1] || !v || v > (unsigned long)EXPIRY_MAX_S)
		return PF_E_INVALID;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (*end == units[i].unit) {
			*out = (int64_t)v * units[i].s;
			return PF_OK;
		}
	return PF_E_INVALID;
}

int trust_parse_expiry(int64_t *out, const char *text, int64_t now_s)
{
	int64_t span;
	if (!strcmp(text, "never") || !strcmp(text, "0")) {
		*out = 0;
		return PF_OK;
	}
	if (parse_span(&span, text) < 0) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(text, "%Y-%m-%d", &tm);
		if (end && (*end == 'T' || *end == ' '))
			end = strptime(end + 1, "%H:%M", &tm);
		if (!end || *end)
			return PF_E_INVALID;
		span = (int64_t)mktime(&tm) - now_s;
	}
	if (span <= 0 || span > EXPIRY_MAX_S)
		return PF_E_INVALID;
	*out = now_s + span;
	return PF_OK;
}
