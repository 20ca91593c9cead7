/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_CTL_CLI_H
#define HOST_CTL_CLI_H

#include <stdbool.h>
#include <stdio.h>

/*
 * The subcommands of punktfunk-host for a person: they ask the running host through its control socket.
 * `clients`, `unpair` and `grant` also work on the list itself where no host runs. Thread: any.
 */

#define CLI_EXIT_USAGE	 2 /* as for a wrong option of the host */
#define CLI_EXIT_NO_HOST 3
#define CLI_EXIT_REFUSED 4 /* the host said no, or a pairing that was waited for failed */

bool cli_is_command(const char *name);
/* argv[1] is the command. Returns the exit status. */
int cli_main(int argc, char **argv);
/* The lines of --help. */
void cli_print_commands(FILE *out);

#endif
