/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_HOSTS_H
#define CLIENT_HOSTS_H

#include <stdio.h>

#include "client/known.h"

/* The commands `hosts` (lists, forgets and renames those that are remembered) and `wake`. */
int hosts_command(int argc, char **argv);
int hosts_wake_command(int argc, char **argv);

/* For each host of the list, whether it was heard; NULL = nobody listened. */
void hosts_print(FILE *f, const struct known *k, const bool *online);
void hosts_print_json(FILE *f, const struct known *k, const bool *online);

#endif
