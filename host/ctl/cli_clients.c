/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/ctl/cli.h"
#include "host/ctl/cli_internal.h"
#include "host/trust/trust.h"
#include "host/trust/trust_json.h"
#include "net/identity.h"

#define TIME_LEN 32

/* --- without a host: the list itself --- */

/* Returns 0 with the list open, or an exit status after a message. */
static int open_list(struct cli *c, struct trust **out)
{
	char dir[512];
	int err = c->config_dir
		? snprintf(dir, sizeof(dir), "%s", c->config_dir) < (int)sizeof(dir) ? 0 : -1
		: identity_config_dir(dir, sizeof(dir), c->why, sizeof(c->why));
	if (err >= 0)
		err = trust_create(out, dir, c->why, sizeof(c->why));
	if (err >= 0 && trust_problem(*out)) {
		snprintf(c->why, sizeof(c->why), "%s", trust_problem(*out));
		trust_destroy(*out);
		err = PF_E_INVALID;
	}
	if (err >= 0)
		return 0;
	fprintf(stderr, "punktfunk-host: %s\n", c->why);
	return CLI_EXIT_REFUSED;
}

static int find(struct cli *c, const struct trust *t, struct trust_client *out)
{
	const struct trust_client *found = NULL;
	int err = trust_lookup(t, c->key, &found);
	if (err < 0) {
		fprintf(stderr,
			"punktfunk-host: %s called '%s'; punktfunk-host clients lists them\n",
			err == PF_E_FULL ? "several paired devices are" : "no paired device is",
			c->key);
		return CLI_EXIT_REFUSED;
	}
	*out = *found;
	return 0;
}

/* The command of the same name as the host's, done here. Returns 0 with *result, or an exit status. */
static int without_host(struct cli *c, const char *command, const json_t *args, json_t **result)
{
	struct trust *t = NULL;
	struct trust_client client;
	const json_t *grants = json_object_get(args, "grants"),
		     *expires = json_object_get(args, "expires");
	int code = open_list(c, &t), err = 0;
	if (code)
		return code;
	if (!strcmp(command, "client.list")) {
		json_t *list = json_array();
		for (size_t i = 0; i < trust_count(t); i++)
			json_array_append_new(list, trust_json_client(trust_at(t, i)));
		*result = json_pack("{s:o}", "clients", list);
	} else if ((code = find(c, t, &client)) == 0) {
		if (grants)
			client.grants = (uint8_t)json_integer_value(grants);
		if (expires)
			client.expires_s = json_integer_value(expires);
		err = !strcmp(command, "client.unpair")
			? trust_remove(t, client.fp, c->why, sizeof(c->why))
			: trust_put(t, &client, c->why, sizeof(c->why));
		*result = trust_json_client(&client);
	}
	trust_destroy(t);
	return err < 0 ? cli_complain(c, err) : code;
}

/* Asks the host, or does it on the list where none runs. Returns 0 with *result, or an exit status. */
static int ask_or_do(struct cli *c, const char *command, const json_t *args, json_t **result)
{
	int err = cli_ask(c, command, args, result);
	if (err == PF_E_CLOSED)
		return without_host(c, command, args, result);
	return err < 0 ? cli_complain(c, err) : 0;
}

/* --- words --- */

static void format_time(char out[TIME_LEN], json_int_t s)
{
	time_t t = (time_t)s;
	struct tm tm;
	if (!s || !localtime_r(&t, &tm) || !strftime(out, TIME_LEN, "%Y-%m-%d %H:%M", &tm))
		snprintf(out, TIME_LEN, "never");
}

static void print_client(const json_t *client)
{
	char grants[TRUST_GRANTS_LEN], paired[TIME_LEN], until[TIME_LEN];
	trust_format_grants(grants, (uint8_t)cli_number(client, "grants"));
	format_time(paired, cli_number(client, "paired"));
	format_time(until, cli_number(client, "expires"));
	bool over = cli_number(client, "expires") &&
		cli_number(client, "expires") <= (json_int_t)time(NULL);
	printf("%-24s %.16s  paired %s  may: %s  ends: %s%s%s\n", cli_text(client, "name"),
		cli_text(client, "fingerprint"), paired, grants, until, over ? " (over)" : "",
		json_is_true(json_object_get(client, "connected")) ? "  connected" : "");
}

int cli_clients(struct cli *c)
{
	json_t *result = NULL;
	int code = ask_or_do(c, "client.list", NULL, &result);
	if (code)
		return code;
	if (c->json)
		return cli_print_json(result);
	const json_t *list = json_object_get(result, "clients");
	size_t i;
	json_t *client;
	json_array_foreach(list, i, client) print_client(client);
	if (json_object_get(result, "problem"))
		fprintf(stderr, "punktfunk-host: %s\n", cli_text(result, "problem"));
	else if (!json_array_size(list))
		printf("No device is paired. To pair one: punktfunk-host pair --arm\n");
	json_decref(result);
	return EXIT_SUCCESS;
}

/* {"client": KEY} and terms. NULL after a message, with *code. */
static json_t *make_args(const struct cli *c, const char *what, int *code)
{
	json_t *args = json_pack("{s:s}", what, c->key);
	*code = args ? cli_add_terms(c, args) : CLI_EXIT_USAGE;
	if (!args)
		fprintf(stderr, "punktfunk-host: the name is no UTF-8\n");
	if (!*code)
		return args;
	json_decref(args);
	return NULL;
}

int cli_unpair(struct cli *c)
{
	json_t *result = NULL;
	int code;
	json_t *args = make_args(c, "client", &code);
	if (args)
		code = ask_or_do(c, "client.unpair", args, &result);
	json_decref(args);
	if (code)
		return code;
	if (c->json)
		return cli_print_json(result);
	printf("Unpaired: %s (%.16s…)%s\n", cli_text(result, "name"),
		cli_text(result, "fingerprint"),
		cli_number(result, "ended") ? "; its session was ended" : "");
	json_decref(result);
	return EXIT_SUCCESS;
}

int cli_grant(struct cli *c)
{
	json_t *result = NULL;
	int code;
	if (!c->grants && !c->expires) {
		fprintf(stderr,
			"punktfunk-host: grant needs --grants, --expires or both; see "
			"punktfunk-host grant --help\n");
		return CLI_EXIT_USAGE;
	}
	json_t *args = make_args(c, "client", &code);
	if (args)
		code = ask_or_do(c, "client.access", args, &result);
	json_decref(args);
	if (code)
		return code;
	if (c->json)
		return cli_print_json(result);
	print_client(result);
	json_decref(result);
	return EXIT_SUCCESS;
}

/* --- knocks --- */

int cli_knocks(struct cli *c)
{
	json_t *result = NULL, *knock;
	size_t i;
	int err = cli_ask(c, "knock.list", NULL, &result);
	if (err < 0)
		return cli_complain(c, err);
	if (c->json)
		return cli_print_json(result);
	const json_t *list = json_object_get(result, "knocks");
	json_array_foreach(list, i, knock) printf("%3lld  %-24s %-16s %.16s  %lld s ago%s\n",
		(long long)cli_number(knock, "number"), cli_text(knock, "name"),
		cli_text(knock, "from"), cli_text(knock, "fingerprint"),
		(long long)cli_number(knock, "ago"),
		json_is_true(json_object_get(knock, "waits")) ? "  waits now" : "");
	if (json_array_size(list))
		printf("To let one in: punktfunk-host approve NUMBER   To turn it away: "
		       "punktfunk-host deny NUMBER\n");
	else
		printf("No device asks to be let in.\n");
	json_decref(result);
	return EXIT_SUCCESS;
}

static int decide(struct cli *c, const char *command, const char *words)
{
	json_t *result = NULL;
	int code, err = PF_OK;
	json_t *args = make_args(c, "knock", &code);
	if (args)
		err = cli_ask(c, command, args, &result);
	json_decref(args);
	if (code)
		return code;
	if (err < 0)
		return cli_complain(c, err);
	if (c->json)
		return cli_print_json(result);
	printf("%s: %s at %s (%.16s…)\n", words, cli_text(result, "name"), cli_text(result, "from"),
		cli_text(result, "fingerprint"));
	json_decref(result);
	return EXIT_SUCCESS;
}

int cli_approve(struct cli *c)
{
	return decide(c, "knock.approve", "Let in and paired");
}

int cli_deny(struct cli *c)
{
	return decide(c, "knock.deny", "Turned away for ten minutes");
}
