/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int args_fail(char message[ARGS_MESSAGE_MAX], const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(message, ARGS_MESSAGE_MAX, format, args);
	va_end(args);
	return PUNKTFUNK_E_INVALID;
}

bool args_read_number(const char **p, uint32_t min, uint32_t max, uint32_t *out)
{
	const char *s = *p;
	uint64_t v = 0;
	if (*s < '0' || *s > '9')
		return false;
	for (; *s >= '0' && *s <= '9'; s++) {
		v = v * 10 + (uint64_t)(*s - '0');
		if (v > UINT32_MAX)
			return false;
	}
	if (v < min || v > max)
		return false;
	*p = s;
	*out = (uint32_t)v;
	return true;
}

const char *args_parse_number(const struct args_rule *rule, const char *arg, void *out)
{
	if (!args_read_number(&arg, rule->min, rule->max, out) || *arg)
		return "is not a whole number in range";
	return NULL;
}

bool args_read_mode(const char **p, struct punktfunk_mode *m)
{
	if (!args_read_number(p, ARGS_SIDE_MIN, ARGS_SIDE_MAX, &m->width) || *(*p)++ != 'x')
		return false;
	if (!args_read_number(p, ARGS_SIDE_MIN, ARGS_SIDE_MAX, &m->height) || *(*p)++ != 'x')
		return false;
	/* 4:2:0 has one colour sample for two pixels each way. */
	return args_read_number(p, 1, ARGS_HZ_MAX, &m->refresh_hz) && !(m->width % 2) &&
		!(m->height % 2);
}

const char *args_parse_mode(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	if (!args_read_mode(&arg, out) || *arg)
		return "is not a mode such as 1280x720x60 (even sides of 64 to 8192, 1 to 1000 "
		       "Hz)";
	return NULL;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
const char *args_parse_endpoint(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	struct args_endpoint *e = out;
	bool bracket = *arg == '[';
	const char *start = arg + bracket;
	const char *end = bracket ? strchr(start, ']') : start + strcspn(start, ":");
	if (!bracket && *end && strchr(end + 1, ':'))
		return "looks like an IPv6 address; write it in brackets, as in [::1]:9777";
	if (!end || end == start || (size_t)(end - start) >= sizeof(e->host))
		return "is not a host such as desk.local, 192.0.2.7:9777 or [::1]:9777";
	for (const char *p = start; p < end; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '[' || *p == ',')
			return "has a character that no host name has";
	memcpy(e->host, start, (size_t)(end - start));
	e->host[end - start] = '\0';
	end += bracket;
	uint32_t port = ARGS_DEFAULT_PORT;
	if (*end == ':') {
		end++;
		if (!args_read_number(&end, 1, 65535, &port))
			return "has a port that is not a number from 1 to 65535";
	}
	if (*end)
		return "has something behind the host; write HOST or HOST:PORT";
	e->port = (uint16_t)port;
	return NULL;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

const char *args_parse_pin(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	struct args_pin *pin = out;
	if (strlen(arg) != 64)
		return "is not a SHA-256: it has 64 hexadecimal digits";
	for (size_t i = 0; i < 32; i++) {
		int high = hex_digit(arg[2 * i]), low = hex_digit(arg[2 * i + 1]);
		if (high < 0 || low < 0)
			return "is not a SHA-256: it has 64 hexadecimal digits";
		pin->sha256[i] = (uint8_t)(high << 4 | low);
	}
	pin->given = true;
	return NULL;
}

const char *args_parse_name(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	size_t len = strlen(arg);
	if (!len || len > ARGS_NAME_MAX)
		return "is not a name of 1 to 64 bytes";
	*(const char **)out = arg;
	return NULL;
}

const char *args_parse_host(const struct args_rule *rule, const char *arg, void *out)
{
	struct args_endpoint e;
	if (!*arg || strlen(arg) >= ARGS_HOST_MAX)
		return "is not a host such as desk, desk.local, 192.0.2.7:9777 or [::1]:9777";
	if (strpbrk(arg, ":["))
		/* An address and no name; what is wrong with it is better said now. */
		return *(const char **)out = arg, args_parse_endpoint(rule, arg, &e);
	for (const char *p = arg; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return "has a character that no host name has";
	*(const char **)out = arg;
	return NULL;
}

const char *args_parse_digits(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	if (strlen(arg) != ARGS_PIN_DIGITS || strspn(arg, "0123456789") != ARGS_PIN_DIGITS)
		return "is not a PIN: it has 4 digits";
	*(const char **)out = arg;
	return NULL;
}

const char *args_parse_path(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	if (!*arg)
		return "is empty; it must name a file";
	*(const char **)out = arg;
	return NULL;
}

/* The option of this name, or for NULL the operand after `after` others. */
static const struct args_rule *find_rule(
	const struct args_rule *rules, size_t n_rules, const char *name, size_t len, size_t after)
{
	for (size_t i = 0; i < n_rules; i++) {
		const struct args_rule *r = &rules[i];
		if (name && r->name && strlen(r->name) == len && !memcmp(r->name, name, len))
			return r;
		if (!name && !r->name && !after--)
			return r;
	}
	return NULL;
}

static int parse_value(const struct args_rule *rule, const char *value, void *field,
	char message[ARGS_MESSAGE_MAX])
{
	const char *wrong = rule->parse(rule, value, field);
	const char *dashes = rule->name ? "--" : "", *name = rule->name ? rule->name : rule->meta;
	if (wrong && rule->max)
		return args_fail(message, "%s%s: '%.*s' %s (%u to %u).", dashes, name,
			ARGS_QUOTE_MAX, value, wrong, rule->min, rule->max);
	if (wrong)
		return args_fail(
			message, "%s%s: '%.*s' %s.", dashes, name, ARGS_QUOTE_MAX, value, wrong);
	return PUNKTFUNK_OK;
}

/* argv[*i] is an option; moves *i to its last word. */
static int parse_option(const struct args_rule *rules, size_t n_rules, void *fields, int argc,
	char **argv, int *i, char message[ARGS_MESSAGE_MAX])
{
	const char *arg = strcmp(argv[*i], "-h") == 0 ? "--help" : argv[*i];
	const char *value = strchr(arg, '=');
	size_t len = value ? (size_t)(value - arg - 2) : strlen(arg + 2);
	const struct args_rule *rule = find_rule(rules, n_rules, arg + 2, len, 0);
	if (!rule)
		return args_fail(
			message, "There is no option '%.*s'; see --help.", ARGS_QUOTE_MAX, arg);
	void *field = (char *)fields + rule->offset;
	if (!rule->parse) {
		if (value)
			return args_fail(message, "--%s takes no value; leave '%.*s' out.",
				rule->name, ARGS_QUOTE_MAX, value);
		*(bool *)field = true;
		return PUNKTFUNK_OK;
	}
	if (value)
		value++;
	else if (*i + 1 < argc)
		value = argv[++*i];
	else
		return args_fail(message, "--%s needs a value: --%s %s.", rule->name, rule->name,
			rule->meta);
	return parse_value(rule, value, field, message);
}

int args_parse(const struct args_rule *rules, size_t n_rules, void *fields, int argc, char **argv,
	char message[ARGS_MESSAGE_MAX])
{
	size_t operands = 0;
	int err = PUNKTFUNK_OK;
	message[0] = '\0';
	for (int i = 1; i < argc && !err; i++) {
		const char *arg = argv[i];
		if ((!strncmp(arg, "--", 2) && arg[2]) || !strcmp(arg, "-h")) {
			err = parse_option(rules, n_rules, fields, argc, argv, &i, message);
			continue;
		}
		const struct args_rule *rule = *arg != '-'
			? find_rule(rules, n_rules, NULL, 0, operands++)
			: NULL;
		err = rule ? parse_value(rule, arg, (char *)fields + rule->offset, message)
			   : args_fail(message, "'%.*s' is not an option; see --help.",
				     ARGS_QUOTE_MAX, arg);
	}
	return err;
}

static void print_rules(FILE *f, const struct args_rule *rules, size_t n_rules)
{
	for (size_t i = 0; i < n_rules; i++) {
		const struct args_rule *r = &rules[i];
		char left[64];
		snprintf(left, sizeof(left), "%s%s%s%s", r->name ? "--" : "",
			r->name ? r->name : "", r->name && r->meta ? " " : "",
			r->meta ? r->meta : "");
		fprintf(f, "  %-26s  %s\n", left, r->help);
	}
}

char *args_help(const char *above, const struct args_rule *rules, size_t n_rules, const char *below)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	fputs(above, f);
	print_rules(f, rules, n_rules);
	fputs(below, f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
