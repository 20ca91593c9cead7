/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/error.h"
#include "host/ctl/cli.h"
#include "host/ctl/cli_internal.h"

/* Pairing with Moonlight: the device shows the PIN, and the person types it here. */

#define POLL_MS	    200
#define WAIT_MS	    10000 /* the device's part takes it a second at most */
#define DEVICES_MAX 4294967295ull

static int list(struct cli *c)
{
	json_t *result = NULL, *device;
	size_t i;
	int err = cli_ask(c, "gamestream.waiting", NULL, &result);
	if (err < 0)
		return cli_complain(c, err);
	if (c->json)
		return cli_print_json(result);
	const json_t *devices = json_object_get(result, "devices");
	json_array_foreach(devices, i, device)
		printf("%3lld  %-24s fingerprint %.16s  %lld s ago\n",
			(long long)cli_number(device, "number"), cli_text(device, "from"),
			cli_text(device, "fingerprint"), (long long)cli_number(device, "ago"));
	if (json_array_size(devices))
		printf("To pair one with the PIN that it shows: punktfunk-host pin PIN --device "
		       "NUMBER\n");
	else
		printf("No Moonlight device waits for a PIN: choose this host in Moonlight "
		       "first.\n");
	json_decref(result);
	return EXIT_SUCCESS;
}

/* Returns the exit status, -1 = nothing happened yet. */
static int look(struct cli *c, json_int_t number)
{
	json_t *status = NULL;
	int err = cli_ask(c, "gamestream.waiting", NULL, &status), code = -1;
	if (err < 0)
		return cli_complain(c, err);
	const json_t *last = json_object_get(status, "last");
	if (cli_number(last, "number") == number) {
		bool paired = json_is_true(json_object_get(last, "paired"));
		code = paired ? EXIT_SUCCESS : CLI_EXIT_REFUSED;
		if (paired && !c->json)
			printf("Paired: %s\n", cli_text(last, "name"));
		else if (!paired)
			fprintf(stderr,
				"Not paired: the PIN was another one, or the device gave up. "
				"Start again in Moonlight: it shows a new PIN.\n");
		if (c->json)
			cli_print_json(json_incref(status));
	}
	json_decref(status);
	return code;
}

static json_t *make_args(struct cli *c)
{
	char *end = NULL;
	json_t *args = json_object();
	unsigned long long n = c->device ? strtoull(c->device, &end, 10) : 0;
	if (c->device && (*c->device < '1' || *c->device > '9' || *end || n > DEVICES_MAX)) {
		fprintf(stderr,
			"punktfunk-host: --device takes a number of the list (punktfunk-host pin), "
			"not '%s'\n",
			c->device);
		json_decref(args);
		return NULL;
	}
	json_object_set_new(args, "pin", json_string(c->key));
	json_object_set_new(args, "device", json_integer((json_int_t)n));
	if (c->name && json_object_set_new(args, "name", json_string(c->name)) < 0) {
		fprintf(stderr, "punktfunk-host: the name is no UTF-8\n");
		json_decref(args);
		return NULL;
	}
	return args;
}

int cli_pin(struct cli *c)
{
	json_t *result = NULL;
	int code = -1;
	if (!c->key)
		return list(c);
	json_t *args = make_args(c);
	if (!args)
		return CLI_EXIT_USAGE;
	int err = cli_ask(c, "gamestream.pin", args, &result);
	json_decref(args);
	if (err < 0)
		return cli_complain(c, err);
	json_int_t number = cli_number(result, "number");
	if (!c->json)
		printf("The PIN goes to the device at %s (fingerprint %.16s…).\n",
			cli_text(result, "from"), cli_text(result, "fingerprint"));
	json_decref(result);
	for (int ms = 0; ms < WAIT_MS && code < 0; ms += POLL_MS) {
		nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000l}, NULL);
		code = look(c, number);
	}
	if (code >= 0)
		return code;
	fprintf(stderr, "Not paired: the device did not answer. Start again in Moonlight.\n");
	return CLI_EXIT_REFUSED;
}
