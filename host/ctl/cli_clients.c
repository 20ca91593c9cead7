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

/* A list for each protocol; what is done to a device is done where it stands. */
struct list {
	const char *file, *protocol;
	const char *show, *unpair, *access; /* commands of the host */
};
static const struct list lists[] = {
	{TRUST_FILE, "punktfunk", "client.list", "client.unpair", "client.access"},
	{TRUST_GAMESTREAM_FILE, "moonlight", "gamestream.list", "gamestream.unpair",
		"gamestream.access"},
};
#define N_LISTS (sizeof(lists) / sizeof(lists[0]))

/* --- without a host: the list itself --- */

static int open_list(struct cli *c, const struct list *list, struct trust **out)
{
	char dir[512];
	int err = c->config_dir
		? snprintf(dir, sizeof(dir), "%s", c->config_dir) < (int)sizeof(dir) ? 0 : -1
		: identity_config_dir(dir, sizeof(dir), c->why, sizeof(c->why));
	if (err >= 0)
		err = trust_create(out, dir, list->file, c->why, sizeof(c->why));
	if (err >= 0 && trust_problem(*out)) {
		snprintf(c->why, sizeof(c->why), "%s", trust_problem(*out));
		trust_destroy(*out);
		err = PF_E_INVALID;
	}
	return err;
}

static int find(struct cli *c, const struct trust *t, struct trust_client *out)
{
	const struct trust_client *found = NULL;
	int err = trust_lookup(t, c->key, &found);
	if (err < 0)
		snprintf(c->why, sizeof(c->why),
			"%s called '%s'; punktfunk-host clients lists them",
			err == PF_E_FULL ? "several paired devices are" : "no paired device is",
			c->key);
	else
		*out = *found;
	return err;
}

/* The command of the same name as the host's, done here. Errors: with c->why. */
static int without_host(struct cli *c, const struct list *list, const char *command,
	const json_t *args, json_t **result)
{
	struct trust *t = NULL;
	struct trust_client client;
	const json_t *grants = json_object_get(args, "grants"),
		     *expires = json_object_get(args, "expires");
	int err = open_list(c, list, &t);
	if (err < 0)
		return err;
	if (command == list->show) {
		json_t *all = json_array();
		for (size_t i = 0; i < trust_count(t); i++)
			json_array_append_new(all, trust_json_client(trust_at(t, i)));
		*result = json_pack("{s:o}", "clients", all);
	} else if ((err = find(c, t, &client)) >= 0) {
		if (grants)
			client.grants = (uint8_t)json_integer_value(grants);
		if (expires)
			client.expires_s = json_integer_value(expires);
		err = command == list->unpair ? trust_remove(t, client.fp, c->why, sizeof(c->why))
					      : trust_put(t, &client, c->why, sizeof(c->why));
		*result = trust_json_client(&client);
	}
	trust_destroy(t);
	return err;
}

/* Asks the host, or does it on the list where none runs, or one that does not serve this protocol. */
static int ask_or_do(struct cli *c, const struct list *list, const char *command,
	const json_t *args, json_t **result)
{
	int err = cli_ask(c, command, args, result);
	if (err == PF_E_CLOSED || (err < 0 && err != PF_E_DENIED && list != lists))
		return without_host(c, list, command, args, result);
	return err;
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

/* Returns how many, or minus the exit status after a message. */
static int print_list(struct cli *c, const struct list *list, json_t *all)
{
	json_t *result = NULL, *client;
	size_t i;
	int err = ask_or_do(c, list, list->show, NULL, &result);
	if (err < 0)
		return -cli_complain(c, err);
	const json_t *clients = json_object_get(result, "clients");
	int n = (int)json_array_size(clients);
	json_array_foreach(clients, i, client)
	{
		json_object_set_new(client, "protocol", json_string(list->protocol));
		json_array_append(all, client);
		if (!c->json)
			print_client(client);
	}
	if (json_object_get(result, "problem")) {
		fprintf(stderr, "punktfunk-host: %s\n", cli_text(result, "problem"));
		n++;
	}
	json_decref(result);
	return n;
}

int cli_clients(struct cli *c)
{
	json_t *all = json_array();
	int n = 0, code = EXIT_SUCCESS;
	/* A host that is not ours says so once. */
	for (size_t i = 0; i < N_LISTS && code != CLI_EXIT_NO_HOST; i++) {
		int got = print_list(c, &lists[i], all);
		if (got < 0)
			code = -got;
		else
			n += got;
	}
	if (c->json)
		return cli_print_json(json_pack("{s:o}", "clients", all));
	if (!n && !code)
		printf("No device is paired. To pair one: punktfunk-host pair --arm, or for "
		       "Moonlight: punktfunk-host pin\n");
	json_decref(all);
	return code;
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

/* On the list that has the device. Returns 0 with *result, or an exit status after a message. */
static int change(struct cli *c, bool unpair, json_t **result)
{
	char first[sizeof(c->why)] = "";
	int code, err = PF_E_NO_FRAME;
	json_t *args = make_args(c, "client", &code);
	if (!args)
		return code;
	for (size_t i = 0; i < N_LISTS && err < 0; i++) {
		const struct list *list = &lists[i];
		err = ask_or_do(c, list, unpair ? list->unpair : list->access, args, result);
		if (!i)
			snprintf(first, sizeof(first), "%s", c->why);
	}
	json_decref(args);
	if (err >= 0)
		return 0;
	snprintf(c->why, sizeof(c->why), "%s", first);
	return cli_complain(c, err);
}

int cli_unpair(struct cli *c)
{
	json_t *result = NULL;
	int code = change(c, true, &result);
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
	code = change(c, false, &result);
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
