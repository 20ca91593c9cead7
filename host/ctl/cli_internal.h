/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CTL_CLI_INTERNAL_H
#define HOST_CTL_CLI_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#define CLI_WHY_LEN 640u
#define CLI_TIMEOUT_MS \
	5000 /* the host answers from its control loop; making a display may hold that for 2 s */

/* What was typed, and where the host is. Strings are argv's. */
struct cli {
	const char *config_dir, *ctl, *ttl, *fingerprint, *grants, *expires, *device, *name;
	bool arm, disarm, wait, json;
	const char *key; /* the one positional argument; NULL = none */
	char path[128];	 /* of the control socket */
	char why[CLI_WHY_LEN];
};

/* Asks the host. Returns 0, or the error of ctl_request() with c->why. */
int cli_ask(struct cli *c, const char *command, const json_t *args, json_t **result);
/* Prints c->why for an error of cli_ask(). Returns the exit status. */
int cli_complain(const struct cli *c, int err);
/* Prints a result as one line of JSON and ends its life. Returns 0. */
int cli_print_json(json_t *result);
/* {"grants": …, "expires": …} as typed, into args. Returns 0, or an exit status after a message. */
int cli_add_terms(const struct cli *c, json_t *args);
const char *cli_text(const json_t *object, const char *key);
json_int_t cli_number(const json_t *object, const char *key);

/* cli_pair.c, cli_pin.c, cli_clients.c */
int cli_pair(struct cli *c);
int cli_pin(struct cli *c);
int cli_clients(struct cli *c);
int cli_unpair(struct cli *c);
int cli_grant(struct cli *c);
int cli_knocks(struct cli *c);
int cli_approve(struct cli *c);
int cli_deny(struct cli *c);

#endif
