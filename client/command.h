/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_COMMAND_H
#define CLIENT_COMMAND_H

#include <stddef.h>
#include <stdio.h>

/*
 * The commands of punktfunk-client: `punktfunk-client COMMAND [options]`, one line each in command.c's
 * table. Without one, it streams. Thread: main.
 */
struct command {
	const char *name, *help;
	/* argv[0] is the command's name. Says on stderr what went wrong; returns the exit code (enum options_exit). */
	int (*run)(int argc, char **argv);
};

/* Runs what argv asks for; returns the exit code. */
int command_main(int argc, char **argv);
/* The command of this name, or NULL. */
const struct command *command_find(const char *name);
/* A paragraph that lists the commands. */
void command_print(FILE *f);
/* For a command's --help: takes malloc'd text (NULL: memory is short), prints and frees it; the exit code. */
int command_help(char *text);
int command_version(void);

#endif
