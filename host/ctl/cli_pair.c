/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/error.h"
#include "host/ctl/cli.h"
#include "host/ctl/cli_internal.h"

#define POLL_MS 300

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	interrupted = number;
}

/* Returns the exit status, -1 = nothing happened yet. */
static int look(struct cli *c, json_int_t before, bool *ours)
{
	json_t *status = NULL;
	int err = cli_ask(c, "pair.status", NULL, &status), code = -1;
	if (err < 0)
		return cli_complain(c, err);
	const json_t *last = json_object_get(status, "last");
	if (cli_number(status, "attempts") != before &&
		json_is_true(json_object_get(last, "paired"))) {
		if (!c->json)
			printf("Paired: %s (%s), fingerprint %.16s…\n", cli_text(last, "name"),
				cli_text(last, "from"), cli_text(last, "fingerprint"));
		code = EXIT_SUCCESS;
	} else if (cli_number(status, "attempts") != before) {
		fprintf(stderr,
			"Not paired: %s (%s): %s. The PIN is used up; run this again for another "
			"one.\n",
			cli_text(last, "name"), cli_text(last, "from"), cli_text(last, "why"));
		code = CLI_EXIT_REFUSED;
	} else if (!json_is_true(json_object_get(status, "armed")) &&
		!json_is_true(json_object_get(status, "running"))) {
		fprintf(stderr,
			"Not paired: no device used the PIN in time. Run this again for another "
			"one.\n");
		code = CLI_EXIT_REFUSED;
	}
	*ours = json_is_true(json_object_get(status, "armed")) ||
		json_is_true(json_object_get(status, "running"));
	if (code >= 0 && c->json)
		cli_print_json(json_incref(status));
	json_decref(status);
	return code;
}

static int wait_for_it(struct cli *c, json_int_t before)
{
	struct sigaction act = {.sa_handler = on_interrupt};
	json_t *none = NULL;
	bool armed = true;
	int code = -1;
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	while (code < 0 && !interrupted) {
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000l}, NULL);
		if (!interrupted)
			code = look(c, before, &armed);
	}
	/* A PIN that nobody looks at any more. */
	if (interrupted && armed && cli_ask(c, "pair.disarm", NULL, &none) == PF_OK)
		fprintf(stderr, "\nThe PIN is taken back.\n");
	json_decref(none);
	return interrupted ? 128 + interrupted : code;
}

static int arm(struct cli *c)
{
	json_t *args = json_object(), *result = NULL;
	char *end = NULL;
	unsigned long ttl = c->ttl ? strtoul(c->ttl, &end, 10) : 0;
	int code = cli_add_terms(c, args), err = PF_OK;
	if (!code && c->ttl && (*c->ttl < '0' || *c->ttl > '9' || *end || ttl < 1 || ttl > 3600)) {
		fprintf(stderr, "punktfunk-host: --ttl takes seconds from 1 to 3600, not '%s'\n",
			c->ttl);
		code = CLI_EXIT_USAGE;
	}
	if (c->ttl)
		json_object_set_new(args, "ttl", json_integer((json_int_t)ttl));
	if (c->fingerprint)
		json_object_set_new(args, "fingerprint", json_string(c->fingerprint));
	if (!code)
		err = cli_ask(c, "pair.arm", args, &result);
	json_decref(args);
	if (code)
		return code;
	if (err < 0)
		return cli_complain(c, err);
	const char *pin = cli_text(result, "pin");
	json_int_t before = cli_number(result, "attempts");
	if (c->json)
		cli_print_json(json_incref(result));
	else
		printf("\n    PIN:  %c %c %c %c\n\n"
		       "Type it on the device that is to be paired, within %lld seconds. It is "
		       "good for one attempt.\n",
			pin[0], pin[1], pin[2], pin[3], (long long)cli_number(result, "ttl"));
	fflush(stdout);
	json_decref(result);
	if (c->wait)
		return wait_for_it(c, before);
	return EXIT_SUCCESS;
}

static int disarm(struct cli *c)
{
	json_t *result = NULL;
	int err = cli_ask(c, "pair.disarm", NULL, &result);
	if (err < 0)
		return cli_complain(c, err);
	if (c->json)
		return cli_print_json(result);
	printf(json_is_true(json_object_get(result, "was_armed"))
			? "The PIN is taken back: nobody can pair.\n"
			: "There was no PIN to take back: nobody can pair.\n");
	json_decref(result);
	return EXIT_SUCCESS;
}

static int status(struct cli *c)
{
	json_t *result = NULL;
	int err = cli_ask(c, "pair.status", NULL, &result);
	if (err < 0)
		return cli_complain(c, err);
	if (c->json)
		return cli_print_json(result);
	if (json_is_true(json_object_get(result, "running")))
		printf("A device is pairing right now.\n");
	else if (json_is_true(json_object_get(result, "armed")))
		printf("A PIN is out, for another %lld seconds. To take it back: punktfunk-host "
		       "pair --disarm\n",
			(long long)cli_number(result, "left"));
	else
		printf("Nobody can pair now. For a PIN: punktfunk-host pair --arm\n");
	json_decref(result);
	return EXIT_SUCCESS;
}

int cli_pair(struct cli *c)
{
	if (c->arm && c->disarm) {
		fprintf(stderr, "punktfunk-host: pair takes --arm or --disarm, not both\n");
		return CLI_EXIT_USAGE;
	}
	return c->arm ? arm(c) : c->disarm ? disarm(c) : status(c);
}
