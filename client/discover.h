/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_DISCOVER_H
#define CLIENT_DISCOVER_H

#include <stddef.h>
#include <stdio.h>

#include "net/discovery_list.h"

/* The command `discover`: lists the hosts on the network. The contract is that of struct command. */
int discover_command(int argc, char **argv);

/* One paragraph a host, for a person, or one JSON array. */
void discover_print(FILE *f, const struct discovery_host *hosts, size_t n_hosts);
void discover_print_json(FILE *f, const struct discovery_host *hosts, size_t n_hosts);

#endif
