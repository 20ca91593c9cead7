/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/config/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/audio/source.h"
#include "host/ctl/cli.h"
#include "host/encode/encoder.h"
#include "host/encode/offer.h"
#include "host/vdisplay/detect.h"

enum option_kind { OPTION_STRING, OPTION_NUMBER, OPTION_SWITCH };

struct option_entry {
	enum option_kind kind;
	const char *flag, *arg, *help, *text; /* text: default of a string */
	unsigned commands;
	uint32_t number, min, max;
	size_t offset;
};

static const struct option_entry options[] = {
#define STRING(f, flg, value, cmds, a, h) \
	{.kind = OPTION_STRING, \
		.flag = flg, \
		.arg = a, \
		.help = h, \
		.text = value, \
		.commands = cmds, \
		.offset = offsetof(struct config, f)},
#define NUMBER(f, flg, value, lo, hi, cmds, a, h) \
	{.kind = OPTION_NUMBER, \
		.flag = flg, \
		.arg = a, \
		.help = h, \
		.number = value, \
		.min = lo, \
		.max = hi, \
		.commands = cmds, \
		.offset = offsetof(struct config, f)},
#define SWITCH(f, flg, cmds, h) \
	{.kind = OPTION_SWITCH, \
		.flag = flg, \
		.help = h, \
		.commands = cmds, \
		.offset = offsetof(struct config, f)},
#include "host/config/options.def"
#undef STRING
#undef NUMBER
#undef SWITCH
};

#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

static const struct {
	const char *name, *help;
	enum config_command command;
} commands[] = {
	{"serve", "stream this machine's desktop to punktfunk clients", CMD_SERVE},
	{"native-host", "the same, as a test listener that can end by itself", CMD_NATIVE},
	{"doctor", "say what this machine has to stream with, and what is missing", CMD_DOCTOR},
};

static void *field(struct config *c, const struct option_entry *o)
{
	return (char *)c + o->offset;
}

static void set_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (options[i].kind == OPTION_STRING)
			*(const char **)field(c, &options[i]) = options[i].text;
		else if (options[i].kind == OPTION_NUMBER)
			*(uint32_t *)field(c, &options[i]) = options[i].number;
	}
}

#define HELP_COLUMN 24 /* characters */

static void print_option(const struct option_entry *o)
{
	char left[48];
	snprintf(left, sizeof(left), "--%s%s%s", o->flag, o->arg ? " " : "", o->arg ? o->arg : "");
	/* One that is too wide for its column has a line of its own. */
	if (strlen(left) > HELP_COLUMN)
		printf("  %s\n  %-*s %s", left, HELP_COLUMN, "", o->help);
	else
		printf("  %-*s %s", HELP_COLUMN, left, o->help);
	if (o->kind == OPTION_NUMBER)
		printf(" (default %u)", o->number);
	else if (o->kind == OPTION_STRING && o->text)
		printf(" (default %s)", o->text);
	printf("\n");
}

static void print_help(enum config_command command)
{
	printf("punktfunk-host: stream a desktop of exactly the client's size\n\n"
	       "usage: punktfunk-host COMMAND [OPTIONS]\n\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (command == CMD_NONE || command == commands[i].command)
			printf("  %-24s %s\n", commands[i].name, commands[i].help);
	if (command == CMD_NONE)
		cli_print_commands(stdout);
	printf("\noptions%s:\n",
		command == CMD_SERVE	      ? " of serve"
			: command == CMD_NONE ? " of serve and native-host"
					      : "");
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (command == CMD_NONE || options[i].commands & (unsigned)command)
			print_option(&options[i]);
	printf("  %-24s %s\n  %-24s %s\n", "--help", "this text", "--version", "the version");
}

static int parse_number(const struct option_entry *o, const char *text, uint32_t *out)
{
	char *end;
	errno = 0;
	unsigned long v = strtoul(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || v < o->min || v > o->max) {
		fprintf(stderr, "punktfunk-host: --%s takes a number from %u to %u, not '%s'\n",
			o->flag, o->min, o->max, text);
		return PF_E_INVALID;
	}
	*out = (uint32_t)v;
	return PF_OK;
}

static const struct option_entry *find_option(const char *flag, size_t len)
{
	for (size_t i = 0; i < N_OPTIONS; i++)
		if (strlen(options[i].flag) == len && !memcmp(options[i].flag, flag, len))
			return &options[i];
	return NULL;
}

/* Returns how many of argv were used. */
static int parse_option(struct config *c, char **argv)
{
	const char *flag = argv[0] + 2;
	const char *equals = strchr(flag, '=');
	size_t len = equals ? (size_t)(equals - flag) : strlen(flag);
	const struct option_entry *o = find_option(flag, len);
	if (!o || !(o->commands & (unsigned)c->command)) {
		fprintf(stderr,
			"punktfunk-host: unknown option '%s'%s; see punktfunk-host --help\n",
			argv[0], o ? " for this command" : "");
		return PF_E_INVALID;
	}
	if (o->kind == OPTION_SWITCH) {
		if (equals) {
			fprintf(stderr, "punktfunk-host: --%s takes no value\n", o->flag);
			return PF_E_INVALID;
		}
		*(bool *)field(c, o) = true;
		return 1;
	}
	const char *value = equals ? equals + 1 : argv[1];
	if (!value) {
		fprintf(stderr, "punktfunk-host: --%s needs a value (%s)\n", o->flag, o->arg);
		return PF_E_INVALID;
	}
	if (o->kind == OPTION_STRING) {
		*(const char **)field(c, o) = value;
	} else {
		int err = parse_number(o, value, field(c, o));
		if (err < 0)
			return err;
	}
	return equals ? 1 : 2;
}

static const char *compositor_wish(const struct config *c)
{
	const char *wish = c->compositor ? c->compositor : getenv("PUNKTFUNK_COMPOSITOR");
	return wish && *wish ? wish : "auto";
}

const char *config_compositor(const struct config *c)
{
	const char *backend = detect_backend(compositor_wish(c));
	return backend && strcmp(backend, "auto") != 0 ? backend : NULL;
}

static int check_compositor(const struct config *c)
{
	const char *only = config_compositor(c), *wish = compositor_wish(c);
	if (!detect_backend(wish)) {
		fprintf(stderr,
			"punktfunk-host: %s is auto, sway, hyprland, mutter (or gnome), kwin (or "
			"kde), "
			"gamescope, portal, own or none, not '%.60s'\n",
			c->compositor ? "--compositor" : "PUNKTFUNK_COMPOSITOR", wish);
		return PF_E_INVALID;
	}
	if (c->own_session && only && strcmp(only, "own") != 0 && strcmp(only, "wlroots") != 0) {
		fprintf(stderr,
			"punktfunk-host: --own-session is a sway of our own, and %s asks for "
			"%.60s: leave "
			"one out\n",
			c->compositor ? "--compositor" : "PUNKTFUNK_COMPOSITOR", wish);
		return PF_E_INVALID;
	}
	return PF_OK;
}

static int check(struct config *c)
{
	int err = check_compositor(c);
	if (err < 0)
		return err;
	if (c->require_pairing && c->allow_tofu) {
		fprintf(stderr,
			"punktfunk-host: --require-pairing and --allow-tofu are opposites: leave "
			"one out\n");
		return PF_E_INVALID;
	}
	c->require_pairing = !c->allow_tofu;
	if (!c->bind)
		c->bind = c->require_pairing ? "0.0.0.0" : "127.0.0.1";
	if (strcmp(c->clipboard, "off") && strcmp(c->clipboard, "text")) {
		fprintf(stderr, "punktfunk-host: --clipboard is off or text, not '%s'\n",
			c->clipboard);
		return PF_E_INVALID;
	}
	if (!encoder_wish_known(c->codecs)) {
		fprintf(stderr,
			"punktfunk-host: --codecs is auto, all or a list of h264, hevc and av1 "
			"with commas between them, not '%s'\n",
			c->codecs);
		return PF_E_INVALID;
	}
	if (!encoder_known(c->encoder)) {
		fprintf(stderr,
			"punktfunk-host: --encoder is auto, x264, avcodec, vaapi, nvenc or null, "
			"not '%s'\n",
			c->encoder);
		return PF_E_INVALID;
	}
	if (!audio_source_known(c->audio)) {
		fprintf(stderr,
			"punktfunk-host: --audio is auto, tone or off, and pipewire where it is "
			"built in, not '%s'\n",
			c->audio);
		return PF_E_INVALID;
	}
	if (strcmp(c->source, "virtual") && strcmp(c->source, "synthetic")) {
		fprintf(stderr, "punktfunk-host: --source is virtual or synthetic, not '%s'\n",
			c->source);
		return PF_E_INVALID;
	}
	if (strcmp(c->gamestream_encryption, "off") &&
		strcmp(c->gamestream_encryption, "offered") &&
		strcmp(c->gamestream_encryption, "required")) {
		fprintf(stderr,
			"punktfunk-host: --gamestream-encryption is off, offered or required, not "
			"'%s'\n",
			c->gamestream_encryption);
		return PF_E_INVALID;
	}
	if (c->fec_percent > CONFIG_FEC_MOST && c->fec_percent != CONFIG_FEC_AS_NEEDED) {
		fprintf(stderr,
			"punktfunk-host: --fec-percent is 0 to %u, or %u for as much as the link "
			"needs, not %u\n",
			CONFIG_FEC_MOST, CONFIG_FEC_AS_NEEDED, c->fec_percent);
		return PF_E_INVALID;
	}
	if (c->bitrate > c->max_bitrate) {
		fprintf(stderr, "punktfunk-host: --bitrate %u is above --max-bitrate %u\n",
			c->bitrate, c->max_bitrate);
		return PF_E_INVALID;
	}
	return PF_OK;
}

static enum config_command find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].command;
	return CMD_NONE;
}

int config_parse(struct config *c, int argc, char **argv)
{
	set_defaults(c);
	if (argc >= 2)
		c->command = find_command(argv[1]);
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			print_help(c->command);
			return 1;
		}
		if (!strcmp(argv[i], "--version")) {
			printf("punktfunk-host %s\n", PUNKTFUNK_VERSION);
			return 1;
		}
	}
	if (c->command == CMD_NONE) {
		if (argc < 2)
			fprintf(stderr,
				"punktfunk-host: say what to do: punktfunk-host serve; "
				"see punktfunk-host --help\n");
		else
			fprintf(stderr,
				"punktfunk-host: unknown command '%s'; see punktfunk-host --help\n",
				argv[1]);
		return PF_E_INVALID;
	}
	for (int i = 2; i < argc;) {
		if (strncmp(argv[i], "--", 2)) {
			fprintf(stderr,
				"punktfunk-host: unexpected '%s'; see punktfunk-host --help\n",
				argv[i]);
			return PF_E_INVALID;
		}
		int used = parse_option(c, argv + i);
		if (used < 0)
			return used;
		i += used;
	}
	return check(c);
}
