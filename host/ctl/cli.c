/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/ctl/cli.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/ctl/cli_internal.h"
#include "host/ctl/ctl.h"
#include "host/trust/trust.h"

enum { TAKES_NOTHING = 0, TAKES_CLIENT = 1 };

static const struct command {
	const char *name, *arg, *help;
	int (*run)(struct cli *c);
	const char *options; /* letters of `letters` below */
} commands[] = {
	{"pair", "--arm",
		"let one device pair: prints its PIN (--ttl, --wait, --fingerprint, --grants, "
		"--expires)",
		cli_pair, "adtwfge"},
	{"pin", "[PIN]",
		"pair a Moonlight device by the PIN that it shows; without one, list those that "
		"wait (--device, --name)",
		cli_pin, "Dn"},
	{"clients", NULL, "list the paired devices", cli_clients, ""},
	{"unpair", "DEVICE", "take a device off the list and end its session", cli_unpair, ""},
	{"grant", "DEVICE", "say what a device may do, and until when (--grants, --expires)",
		cli_grant, "ge"},
	{"knocks", NULL, "list the devices that ask to be let in", cli_knocks, ""},
	{"approve", "KNOCK", "let one of them in and pair it (--grants, --expires)", cli_approve,
		"ge"},
	{"deny", "KNOCK", "turn one of them away", cli_deny, ""},
};

/* Every command takes the last five. */
static const struct option letters[] = {
	{"arm", no_argument, NULL, 'a'},
	{"disarm", no_argument, NULL, 'd'},
	{"ttl", required_argument, NULL, 't'},
	{"wait", no_argument, NULL, 'w'},
	{"fingerprint", required_argument, NULL, 'f'},
	{"grants", required_argument, NULL, 'g'},
	{"expires", required_argument, NULL, 'e'},
	{"device", required_argument, NULL, 'D'},
	{"name", required_argument, NULL, 'n'},
	{"json", no_argument, NULL, 'j'},
	{"ctl", required_argument, NULL, 'c'},
	{"config-dir", required_argument, NULL, 'C'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

bool cli_is_command(const char *name)
{
	return find(name);
}

void cli_print_commands(FILE *out)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		char left[48];
		snprintf(left, sizeof(left), "%s%s%s", commands[i].name, commands[i].arg ? " " : "",
			commands[i].arg ? commands[i].arg : "");
		fprintf(out, "  %-24s %s\n", left, commands[i].help);
	}
}

static void print_help(const struct command *command)
{
	static const struct {
		char letter;
		const char *left, *help;
	} lines[] = {
		{'a', "--arm", "make a PIN that is good for one attempt"},
		{'d', "--disarm", "forget the PIN"},
		{'t', "--ttl SECONDS", "how long the PIN is good (default 120, at most 3600)"},
		{'w', "--wait", "stay until the device is paired or the PIN is used up"},
		{'f', "--fingerprint HEX", "only the device with this fingerprint may use the PIN"},
		{'D', "--device N", "which of several that wait, by its number in the list"},
		{'n', "--name NAME", "what to call it (default: Moonlight at its address)"},
		{'g', "--grants LIST",
			"full, controller, view, or a list of gamepad, pointer, keyboard, "
			"clipboard, microphone, launch, power, manage"},
		{'e', "--expires TIME", "never, 30m, 4h, 7d, 2027-01-31 or 2027-01-31T18:30"},
	};
	printf("punktfunk-host %s%s%s: %s\n\noptions:\n", command->name, command->arg ? " " : "",
		command->arg ? command->arg : "", command->help);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (strchr(command->options, lines[i].letter))
			printf("  %-24s %s\n", lines[i].left, lines[i].help);
	printf("  %-24s %s\n  %-24s %s\n  %-24s %s\n", "--json", "one line of JSON, for programs",
		"--ctl PATH", "control socket of the host, where it was given one",
		"--config-dir DIR", "the host's folder, where it was given one");
}

static void set_option(struct cli *c, int letter)
{
	switch (letter) {
	case 'a':
		c->arm = true;
		break;
	case 'd':
		c->disarm = true;
		break;
	case 'w':
		c->wait = true;
		break;
	case 'D':
		c->device = optarg;
		break;
	case 'n':
		c->name = optarg;
		break;
	case 'j':
		c->json = true;
		break;
	case 't':
		c->ttl = optarg;
		break;
	case 'f':
		c->fingerprint = optarg;
		break;
	case 'g':
		c->grants = optarg;
		break;
	case 'e':
		c->expires = optarg;
		break;
	case 'c':
		c->ctl = optarg;
		break;
	case 'C':
		c->config_dir = optarg;
		break;
	default:
		break;
	}
}

/* Returns -1 to go on, or the exit status. */
static int parse(struct cli *c, const struct command *command, int argc, char **argv)
{
	int letter;
	optind = 2;
	while ((letter = getopt_long(argc, argv, "h", letters, NULL)) != -1) {
		if (letter == 'h') {
			print_help(command);
			return EXIT_SUCCESS;
		}
		if (letter == '?')
			return CLI_EXIT_USAGE;
		if (!strchr("jcC", letter) && !strchr(command->options, letter)) {
			fprintf(stderr,
				"punktfunk-host: %s does not take this option; see "
				"punktfunk-host %s --help\n",
				command->name, command->name);
			return CLI_EXIT_USAGE;
		}
		set_option(c, letter);
	}
	int wanted = command->arg && command->arg[0] != '-';
	bool optional = wanted && command->arg[0] == '[';
	if (argc - optind != wanted && !(optional && argc == optind)) {
		fprintf(stderr, "punktfunk-host: %s takes %s%s; see punktfunk-host %s --help\n",
			command->name,
			optional	 ? "at most one PIN"
				: wanted ? "one "
					 : "no name",
			wanted && !optional ? command->arg : "", command->name);
		return CLI_EXIT_USAGE;
	}
	c->key = wanted && optind < argc ? argv[optind] : NULL;
	return -1;
}

int cli_main(int argc, char **argv)
{
	const struct command *command = find(argv[1]);
	struct cli c = {0};
	int status = parse(&c, command, argc, argv);
	if (status >= 0)
		return status;
	if (ctl_default_path(c.path, sizeof(c.path), c.ctl, c.config_dir, c.why, sizeof(c.why)) <
		0) {
		fprintf(stderr, "punktfunk-host: %s\n", c.why);
		return CLI_EXIT_USAGE;
	}
	return command->run(&c);
}

int cli_ask(struct cli *c, const char *command, const json_t *args, json_t **result)
{
	return ctl_request(c->path, command, args, result, CLI_TIMEOUT_MS, c->why, sizeof(c->why));
}

int cli_complain(const struct cli *c, int err)
{
	fprintf(stderr, "punktfunk-host: %s\n", c->why);
	if (err == PF_E_CLOSED)
		fprintf(stderr,
			"Start it with: punktfunk-host serve   (or say where it is: --ctl PATH, "
			"--config-dir DIR)\n");
	return err == PF_E_CLOSED || err == PF_E_DENIED ? CLI_EXIT_NO_HOST : CLI_EXIT_REFUSED;
}

int cli_print_json(json_t *result)
{
	char *text = result ? json_dumps(result, JSON_COMPACT) : NULL;
	printf("%s\n", text ? text : "{}");
	free(text);
	json_decref(result);
	return EXIT_SUCCESS;
}

int cli_add_terms(const struct cli *c, json_t *args)
{
	uint8_t grants;
	int64_t expires_s;
	if (c->grants) {
		if (trust_parse_grants(&grants, c->grants) < 0) {
			fprintf(stderr,
				"punktfunk-host: --grants is full, controller, view, or a list "
				"with commas of "
				"gamepad, pointer, keyboard, clipboard, microphone, launch, power, "
				"manage; not '%s'\n",
				c->grants);
			return CLI_EXIT_USAGE;
		}
		json_object_set_new(args, "grants", json_integer(grants));
	}
	if (c->expires) {
		if (trust_parse_expiry(&expires_s, c->expires, (int64_t)time(NULL)) < 0) {
			fprintf(stderr,
				"punktfunk-host: --expires is never, a time from now (30m, 4h, "
				"7d), or one to come "
				"(2027-01-31, 2027-01-31T18:30); not '%s'\n",
				c->expires);
			return CLI_EXIT_USAGE;
		}
		json_object_set_new(args, "expires", json_integer(expires_s));
	}
	return 0;
}

const char *cli_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "?";
}

json_int_t cli_number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}
