/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/type.h"

struct option_rule {
	const char *name, *meta, *help;
	/* NULL: a flag. Returns NULL, or what is wrong with the value ("is not …"). */
	const char *(*parse)(const struct option_rule *rule, const char *arg, void *out);
	size_t offset;
	uint32_t min, max;
};

static int fail(char message[OPTIONS_MESSAGE_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(char message[OPTIONS_MESSAGE_MAX], const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(message, OPTIONS_MESSAGE_MAX, format, args);
	va_end(args);
	return PUNKTFUNK_E_INVALID;
}

/* Reads decimal digits only (strtoul takes signs and blanks); moves *p behind them. */
static bool read_number(const char **p, uint32_t min, uint32_t max, uint32_t *out)
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

static const char *parse_number(const struct option_rule *rule, const char *arg, void *out)
{
	if (!read_number(&arg, rule->min, rule->max, out) || *arg)
		return "is not a whole number in range";
	return NULL;
}

static bool read_mode(const char **p, struct punktfunk_mode *m)
{
	if (!read_number(p, OPTIONS_SIDE_MIN, OPTIONS_SIDE_MAX, &m->width) || *(*p)++ != 'x')
		return false;
	if (!read_number(p, OPTIONS_SIDE_MIN, OPTIONS_SIDE_MAX, &m->height) || *(*p)++ != 'x')
		return false;
	/* 4:2:0 has one colour sample for two pixels each way. */
	return read_number(p, 1, OPTIONS_HZ_MAX, &m->refresh_hz) && !(m->width % 2) &&
		!(m->height % 2);
}

static const char *parse_mode(const struct option_rule *rule, const char *arg, void *out)
{
	(void)rule;
	if (!read_mode(&arg, out) || *arg)
		return "is not a mode such as 1280x720x60 (even sides of 64 to 8192, 1 to 1000 "
		       "Hz)";
	return NULL;
}

static const char *parse_remode(const struct option_rule *rule, const char *arg, void *out)
{
	(void)rule;
	struct options_remode *r = out;
	r->at_s = OPTIONS_NO_SECONDS;
	bool good = read_mode(&arg, &r->mode);
	if (good && *arg == '@') {
		arg++;
		good = read_number(&arg, 0, OPTIONS_SECONDS_MAX, &r->at_s);
	}
	if (!good || *arg)
		return "is not a mode and time such as 1920x1080x60@10";
	return NULL;
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT. */
static const char *parse_endpoint(const struct option_rule *rule, const char *arg, void *out)
{
	(void)rule;
	struct options_endpoint *e = out;
	bool bracket = *arg == '[';
	const char *start = arg + bracket;
	const char *end = bracket ? strchr(start, ']') : start + strcspn(start, ":");
	if (!bracket && *end && strchr(end + 1, ':'))
		return "looks like an IPv6 address; write it in brackets, as in [::1]:9777";
	if (!end || end == start || (size_t)(end - start) >= sizeof(e->host))
		return "is not a host such as desk.local, 192.0.2.7:9777 or [::1]:9777";
	for (const char *p = start; p < end; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '[')
			return "has a character that no host name has";
	memcpy(e->host, start, (size_t)(end - start));
	e->host[end - start] = '\0';
	end += bracket;
	uint32_t port = OPTIONS_DEFAULT_PORT;
	if (*end == ':') {
		end++;
		if (!read_number(&end, 1, 65535, &port))
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

static const char *parse_pin(const struct option_rule *rule, const char *arg, void *out)
{
	(void)rule;
	struct options_pin *pin = out;
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

static const char *parse_name(const struct option_rule *rule, const char *arg, void *out)
{
	(void)rule;
	size_t len = strlen(arg);
	if (!len || len > OPTIONS_NAME_MAX)
		return "is not a name of 1 to 64 bytes";
	*(const char **)out = arg;
	return NULL;
}

static const char *parse_path(const struct option_rule *rule, const char *arg, void *out)
{
	(void)rule;
	if (!*arg)
		return "is empty; it must name a file";
	*(const char **)out = arg;
	return NULL;
}

static const char *parse_text(const struct option_rule *rule, const char *arg, void *out)
{
	(void)rule;
	struct options_text *text = out;
	size_t len = strlen(arg), n = 0;
	if (!len || len > OPTIONS_TEXT_MAX)
		return "is not a text of 1 to 4096 bytes";
	free(text->keys);
	text->keys = malloc(len + 1);
	if (!text->keys)
		return "does not fit into memory";
	for (const char *p = arg; *p; p++) {
		char c = *p;
		if (c == '\\' && (p[1] == 'n' || p[1] == 't' || p[1] == '\\')) {
			p++;
			c = *p == 'n' ? '\n' : *p == 't' ? '\t' : '\\';
		}
		text->keys[n++] = c;
	}
	text->keys[n] = '\0';
	return NULL;
}

#define parse_flag NULL
static const struct option_rule rules[] = {
#define OPTIONS_RULE(kind, field, name, meta, min, max, help) \
	{name, meta, help, parse_##kind, offsetof(struct options, field), min, max},
	OPTIONS_TABLE(OPTIONS_RULE)
#undef OPTIONS_RULE
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

static const struct option_rule *find_rule(const char *name, size_t len)
{
	for (size_t i = 0; i < N_RULES; i++)
		if (strlen(rules[i].name) == len && !memcmp(rules[i].name, name, len))
			return &rules[i];
	return NULL;
}

/* What the single options cannot see: what is missing, and what does not go together. */
static int check(struct options *o, char message[OPTIONS_MESSAGE_MAX])
{
	if (!o->connect.host[0])
		return fail(message, "Say which host to connect to: --connect HOST[:PORT].");
	if (o->type.keys) {
		char named[TYPE_NAMED_MAX];
		if (type_check(o->type.keys, named) < 0)
			return fail(message,
				"--type has %s, which the US keyboard layout cannot type; leave it "
				"out.",
				named);
	}
	if (o->remode.mode.width && o->remode.at_s == OPTIONS_NO_SECONDS)
		o->remode.at_s = o->seconds ? o->seconds / 2 : 10;
	if (o->remode.mode.width && o->seconds && o->remode.at_s >= o->seconds)
		return fail(message,
			"--remode at %u s comes after the end at %u s; give a larger --seconds.",
			o->remode.at_s, o->seconds);
	return PUNKTFUNK_OK;
}

static int parse_one(
	struct options *o, int argc, char **argv, int *i, char message[OPTIONS_MESSAGE_MAX])
{
	const char *arg = argv[*i];
	if (strcmp(arg, "-h") == 0)
		arg = "--help";
	if (strncmp(arg, "--", 2) != 0 || !arg[2])
		return fail(
			message, "'%.*s' is not an option; see --help.", OPTIONS_QUOTE_MAX, arg);
	const char *value = strchr(arg, '=');
	size_t len = value ? (size_t)(value - arg - 2) : strlen(arg + 2);
	const struct option_rule *rule = find_rule(arg + 2, len);
	if (!rule)
		return fail(
			message, "There is no option '%.*s'; see --help.", OPTIONS_QUOTE_MAX, arg);
	void *field = (char *)o + rule->offset;
	if (!rule->parse) {
		if (value)
			return fail(message, "--%s takes no value; leave '%.*s' out.", rule->name,
				OPTIONS_QUOTE_MAX, value);
		*(bool *)field = true;
		return PUNKTFUNK_OK;
	}
	if (value)
		value++;
	else if (*i + 1 < argc)
		value = argv[++*i];
	else
		return fail(message, "--%s needs a value: --%s %s.", rule->name, rule->name,
			rule->meta);
	const char *wrong = rule->parse(rule, value, field);
	if (wrong && rule->max)
		return fail(message, "--%s: '%.*s' %s (%u to %u).", rule->name, OPTIONS_QUOTE_MAX,
			value, wrong, rule->min, rule->max);
	if (wrong)
		return fail(
			message, "--%s: '%.*s' %s.", rule->name, OPTIONS_QUOTE_MAX, value, wrong);
	return PUNKTFUNK_OK;
}

int options_parse(struct options *o, int argc, char **argv, char message[OPTIONS_MESSAGE_MAX])
{
	memset(o, 0, sizeof(*o));
	o->mode = (struct punktfunk_mode){.width = 1280, .height = 720, .refresh_hz = 60};
	message[0] = '\0';
	int err = PUNKTFUNK_OK;
	for (int i = 1; i < argc && !err; i++)
		err = parse_one(o, argc, argv, &i, message);
	if (!err && !o->help && !o->version)
		err = check(o, message);
	if (err)
		options_finish(o);
	return err;
}

void options_finish(struct options *o)
{
	free(o->type.keys);
	o->type.keys = NULL;
}

char *options_help(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	fputs("Usage: punktfunk-client --connect HOST[:PORT] [options]\n"
	      "Records and measures the desktop stream of a punktfunk host.\n\nOptions:\n",
		f);
	for (size_t i = 0; i < N_RULES; i++) {
		char left[64];
		snprintf(left, sizeof(left), "--%s%s%s", rules[i].name, rules[i].meta ? " " : "",
			rules[i].meta ? rules[i].meta : "");
		fprintf(f, "  %-26s  %s\n", left, rules[i].help);
	}
	fputs("\nExit codes:\n"
	      "  0  fine\n"
	      "  1  the command line is wrong\n"
	      "  2  could not connect\n"
	      "  3  the host refused the connection or the mode\n"
	      "  4  the host's certificate is not the known one, or known_hosts cannot be trusted\n"
	      "  5  the stream ended early or the host was lost\n"
	      "  6  a local file could not be written\n"
	      "  7  no picture was decoded\n",
		f);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}
