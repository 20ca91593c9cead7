/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "client/command.h"

#include <stdlib.h>
#include <string.h>

#include "client/discover.h"
#include "client/hosts.h"
#include "client/options.h"
#include "client/pair.h"
#include "client/run.h"
#include "client/speed.h"

static const struct command commands[] = {
	{"discover", "list the hosts on this network", discover_command},
	{"pair", "make this client and a host know each other", pair_command},
	{"stream", "receive, record and measure a host's stream (also without a command)",
		run_command},
	{"hosts", "list, forget and rename the hosts that are remembered", hosts_command},
	{"speed-test", "measure what gets through from a host", speed_command},
	{"wake", "switch a remembered host on", hosts_wake_command},
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

void command_print(FILE *f)
{
	fputs("punktfunk-client: see and use the desktop of a punktfunk host\n\n"
	      "Usage: punktfunk-client COMMAND [options]\n\n"
	      "Commands, each with a --help of its own:\n",
		f);
	for (size_t i = 0; i < N_COMMANDS; i++)
		fprintf(f, "  %-26s  %s\n", commands[i].name, commands[i].help);
	fputc('\n', f);
}

int command_help(char *text)
{
	int code = text && fputs(text, stdout) != EOF && fflush(stdout) == 0 ? EXIT_FINE
									     : EXIT_OUTPUT;
	free(text);
	return code;
}

int command_version(void)
{
	puts("punktfunk-client " PROJECT_VERSION);
	return fflush(stdout) == 0 ? EXIT_FINE : EXIT_OUTPUT;
}

int command_main(int argc, char **argv)
{
	if (argc < 2 || argv[1][0] == '-')
		return run_command(argc, argv);
	const struct command *c = command_find(argv[1]);
	if (c)
		return c->run(argc - 1, argv + 1);
	run_say("There is no command '%.*s'; see punktfunk-client --help.", ARGS_QUOTE_MAX,
		argv[1]);
	return EXIT_USAGE;
}
