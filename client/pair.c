/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client/command.h"
#include "client/connect.h"
#include "client/run.h"

#define PIN_TRIES 3 /* at the prompt; none of them reaches the host */

#define PAIR_TABLE(X) \
	X(host, host, NULL, "HOST", 0, 0, \
		"the host: its name, as hosts and discover list it, or its address (port 9777)") \
	X(digits, pin, "pin", "NNNN", 0, 0, \
		"the PIN that the host shows; without, it is asked for (others see what a " \
		"command " \
		"line holds)") \
	X(pin, fingerprint, "fingerprint", "HEX", 0, 0, \
		"pair with the host of this certificate's SHA-256 only") \
	X(name, name, "name", "NAME", 0, 0, \
		"what the host calls this client (the machine's name)") \
	ARGS_COMMON(X)

struct pair_options {
#define FIELD(kind, field, ...) ARGS_TYPE_##kind field;
	PAIR_TABLE(FIELD)
#undef FIELD
};

static const struct args_rule rules[] = {
#define RULE(kind, field, name, meta, min, max, help) \
	{name, meta, help, args_parse_##kind, offsetof(struct pair_options, field), min, max},
	PAIR_TABLE(RULE)
#undef RULE
};
#define N_RULES (sizeof(rules) / sizeof(rules[0]))

static char *help(void)
{
	return args_help(
		"Usage: punktfunk-client pair HOST [options]\n"
		"Makes this client and a host know each other. On the host, run\n\n"
		"    punktfunk-host pair --arm\n\n"
		"and type the PIN that it shows here. A PIN is good for one attempt.\n\nOptions:\n",
		rules, N_RULES,
		"\nExit codes:\n"
		"  0  paired\n"
		"  1  the command line is wrong, or no PIN was given\n"
		"  2  the host was not found or does not answer\n"
		"  3  the host takes no new client now\n"
		"  4  the PIN is wrong or somebody is in between, the certificate is not the one "
		"of\n"
		"     --fingerprint, or this client's own files cannot be trusted\n"
		"  6  the host could not be noted\n");
}

static void drop_blanks(char *text)
{
	char *to = text;
	for (const char *p = text; *p; p++)
		if (!strchr(" \t\r\n", *p))
			*to++ = *p;
	*to = '\0';
}

/* Reads four digits from stdin; blanks do not count, for the host shows them apart. False: the input is at its end. */
static bool read_pin(const char *host, char pin[ARGS_PIN_DIGITS + 1])
{
	char line[64];
	for (int i = 0; i < PIN_TRIES; i++) {
		if (isatty(0)) {
			fprintf(stderr, "PIN that %s shows: ", host);
			fflush(stderr);
		}
		if (!fgets(line, sizeof(line), stdin))
			return false;
		const char *wrong = "";
		drop_blanks(line);
		if (!args_parse_digits(NULL, line, &wrong)) {
			memcpy(pin, line, ARGS_PIN_DIGITS + 1);
			return true;
		}
		run_say("A PIN has 4 digits, as punktfunk-host pair --arm shows them on the host.");
	}
	return false;
}

static int exit_code_of(int status)
{
	return status == PUNKTFUNK_E_CRYPTO ? EXIT_TRUST : connect_exit_code(status);
}

/* Where the library cannot know what a person does next. */
static void explain(const struct target *t, int status, char message[CONNECT_MESSAGE_MAX])
{
	const char *host = target_label(t);
	if (status == PUNKTFUNK_E_CRYPTO)
		snprintf(message, CONNECT_MESSAGE_MAX,
			"Not paired: the PIN is another one than %s shows, or somebody is between "
			"you and it. That PIN is used up. Run punktfunk-host pair --arm there "
			"again "
			"and type the new one; if it fails twice, suspect the network.",
			host);
	else if (status == PUNKTFUNK_E_NOT_ARMED)
		snprintf(message, CONNECT_MESSAGE_MAX,
			"Not paired: %s waits for no new client now, or its PIN has expired or was "
			"used. Run punktfunk-host pair --arm there, and type the PIN that it "
			"shows.",
			host);
	else if (status == PUNKTFUNK_E_RATE_LIMITED)
		snprintf(message, CONNECT_MESSAGE_MAX,
			"Not paired: somebody paired with %s, or tried to, a moment ago. Wait five "
			"seconds and try again; if its PIN was used, arm it again first.",
			host);
	else if (status == PUNKTFUNK_E_BOUND_TO_OTHER)
		snprintf(message, CONNECT_MESSAGE_MAX,
			"Not paired: the PIN of %s is meant for another client. Run punktfunk-host "
			"pair --arm there without --fingerprint, or with this client's (see "
			"punktfunk-client hosts).",
			host);
	else if (status == PUNKTFUNK_E_PIN)
		snprintf(message, CONNECT_MESSAGE_MAX,
			"Not paired: the certificate of %s port %u is not the one that "
			"--fingerprint names, so somebody may be in between; compare with the "
			"fingerprint that the host shows.",
			t->host, t->port);
	else if (!message[0])
		snprintf(message, CONNECT_MESSAGE_MAX,
			"Not paired: no connection to %s port %u (%s); check its name, that "
			"punktfunk-host runs there and that UDP gets through.",
			t->host, t->port, punktfunk_strerror(status));
}

static void say_paired(const struct connect *c, const uint8_t sha256[32], enum target_was was)
{
	char hex[TRUST_HEX_MAX], word[TARGET_WORD_MAX];
	trust_hex(sha256, hex);
	if (was == TARGET_REPLACED)
		printf("The certificate that %s had before is forgotten: the PIN proves the new "
		       "one.\n",
			c->target.host);
	printf("Paired with %s (%s port %u, certificate %.16s…).\nNext: punktfunk-client stream "
	       "%s\n",
		target_label(&c->target), c->target.host, c->target.port, hex,
		target_word(&c->target, word));
}

static int pair(struct connect *c, const struct pair_options *o, const char *pin)
{
	struct punktfunk_pair_opts opts;
	char message[CONNECT_MESSAGE_MAX] = "", buffer[ARGS_NAME_MAX + 1];
	uint8_t sha256[32];
	enum target_was was;
	const char *name = connect_own_name(o->name, buffer);
	punktfunk_pair_opts_init(&opts);
	opts.host = c->target.host;
	opts.port = c->target.port;
	opts.cert_pem = opts.key_pem = c->identity.pem;
	opts.name = name[0] ? name : NULL;
	opts.pin = pin;
	opts.expected = o->fingerprint.given ? o->fingerprint.sha256 : NULL;
	int err = punktfunk_pair(&opts, sha256, message, sizeof(message));
	if (err) {
		explain(&c->target, err, message);
		run_say("%s", message);
		return exit_code_of(err);
	}
	err = target_remember(&c->target, c->path, sha256, true, &was, message);
	if (err) {
		run_say("Paired, and the host knows this client, but: %s", message);
		return EXIT_OUTPUT;
	}
	say_paired(c, sha256, was);
	return fflush(stdout) == 0 ? EXIT_FINE : EXIT_OUTPUT;
}

static int run(const struct pair_options *o)
{
	const struct options stream = {.host = o->host};
	char message[CONNECT_MESSAGE_MAX], pin[ARGS_PIN_DIGITS + 1] = "";
	struct connect c;
	int code = connect_prepare(&c, &stream, message);
	if (!code && !c.has_identity) {
		snprintf(message, sizeof(message),
			"Neither HOME nor XDG_CONFIG_HOME says where this client's identity is; "
			"set one.");
		code = EXIT_TRUST;
	}
	if (code) {
		run_say("%s", message);
	} else if (o->pin || read_pin(target_label(&c.target), pin)) {
		code = pair(&c, o, o->pin ? o->pin : pin);
	} else {
		run_say("No PIN was given, so nothing was tried; run punktfunk-host pair --arm on "
			"the host and type the PIN that it shows.");
		code = EXIT_USAGE;
	}
	connect_finish(&c);
	explicit_bzero(pin, sizeof(pin));
	return code;
}

int pair_command(int argc, char **argv)
{
	struct pair_options o = {0};
	char message[ARGS_MESSAGE_MAX];
	int err = args_parse(rules, N_RULES, &o, argc, argv, message);
	if (!err && !o.help && !o.version && !o.host)
		err = args_fail(
			message, "Say which host to pair with: punktfunk-client pair HOST.");
	if (err) {
		run_say("%s", message);
		return EXIT_USAGE;
	}
	if (o.help)
		return command_help(help());
	return o.version ? command_version() : run(&o);
}
