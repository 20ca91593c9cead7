/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/type.h"

static const char *args_parse_remode(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	struct options_remode *r = out;
	r->at_s = OPTIONS_NO_SECONDS;
	bool good = args_read_mode(&arg, &r->mode);
	if (good && *arg == '@') {
		arg++;
		good = args_read_number(&arg, 0, OPTIONS_SECONDS_MAX, &r->at_s);
	}
	if (!good || *arg)
		return "is not a mode and time such as 1920x1080x60@10";
	return NULL;
}

static const char *args_parse_cursor(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	bool client = !strcmp(arg, "client");
	if (!client && strcmp(arg, "host") != 0)
		return "is not 'host' or 'client'";
	*(enum options_cursor *)out = client ? OPTIONS_CURSOR_CLIENT : OPTIONS_CURSOR_HOST;
	return NULL;
}

static const char *args_parse_delivery(const struct args_rule *rule, const char *arg, void *out)
{
	static const char *const words[] = {"", "burst", "capped", "smooth"};
	(void)rule;
	for (int i = OPTIONS_DELIVERY_BURST; i <= OPTIONS_DELIVERY_SMOOTH; i++)
		if (!strcmp(arg, words[i])) {
			*(enum options_delivery *)out = (enum options_delivery)i;
			return NULL;
		}
	return "is not 'burst', 'capped' or 'smooth'";
}

static const char *args_parse_codec(const struct args_rule *rule, const char *arg, void *out)
{
	(void)rule;
	if (strcmp(arg, "h264") != 0)
		return "is not a codec that this client decodes: h264 is the only one";
	*(uint8_t *)out = PUNKTFUNK_CODEC_H264;
	return NULL;
}

static const char *args_parse_text(const struct args_rule *rule, const char *arg, void *out)
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

static const struct args_rule rules[] = {
#define OPTIONS_RULE(kind, field, name, meta, min, max, help) \
	{name, meta, help, args_parse_##kind, offsetof(struct options, field), min, max},
	OPTIONS_TABLE(OPTIONS_RULE)
#undef OPTIONS_RULE
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

/* What the single options cannot see: what is missing, and what does not go together. */
static int check(struct options *o, char message[ARGS_MESSAGE_MAX])
{
	if (o->connect && o->host)
		return args_fail(message, "Give the host once, as HOST or with --connect.");
	if (!o->host)
		o->host = o->connect;
	if (!o->host)
		return args_fail(message,
			"Say which host: punktfunk-client stream HOST; see punktfunk-client "
			"--help.");
	if (o->type.keys) {
		char named[TYPE_NAMED_MAX];
		if (type_check(o->type.keys, named) < 0)
			return args_fail(message,
				"--type has %s, which the US keyboard layout cannot type; leave it "
				"out.",
				named);
	}
	if (o->remode.mode.width && o->remode.at_s == OPTIONS_NO_SECONDS)
		o->remode.at_s = o->seconds ? o->seconds / 2 : 10;
	if (o->remode.mode.width && o->seconds && o->remode.at_s >= o->seconds)
		return args_fail(message,
			"--remode at %u s comes after the end at %u s; give a larger --seconds.",
			o->remode.at_s, o->seconds);
	return PUNKTFUNK_OK;
}

int options_parse(struct options *o, int argc, char **argv, char message[ARGS_MESSAGE_MAX])
{
	memset(o, 0, sizeof(*o));
	o->mode = (struct punktfunk_mode){.width = 1280, .height = 720, .refresh_hz = 60};
	o->reconnect = OPTIONS_RECONNECT;
	int err = args_parse(rules, N_RULES, o, argc, argv, message);
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
	return args_help(
		"Usage: punktfunk-client stream HOST [options]\n"
		"       punktfunk-client --connect HOST[:PORT] [options]\n"
		"Records and measures the desktop stream of a punktfunk host.\n\nOptions:\n",
		rules, N_RULES,
		"\nExit codes:\n"
		"  0  fine\n"
		"  1  the command line is wrong\n"
		"  2  could not connect\n"
		"  3  the host did not let this client in, or refused the mode\n"
		"  4  the host's certificate is not the known one, or known_hosts cannot be "
		"trusted\n"
		"  5  the stream ended early or the host was lost\n"
		"  6  a local file could not be written\n"
		"  7  no picture was decoded\n");
}
