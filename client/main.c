/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <libavutil/log.h>

#include "client/options.h"
#include "client/run.h"

static int print_help(void)
{
	char *help = options_help();
	if (!help || fputs(help, stdout) == EOF || fflush(stdout) != 0) {
		free(help);
		return EXIT_OUTPUT;
	}
	free(help);
	return EXIT_FINE;
}

int main(int argc, char **argv)
{
	struct options o;
	char message[OPTIONS_MESSAGE_MAX];
	if (options_parse(&o, argc, argv, message) != PUNKTFUNK_OK) {
		run_say("%s", message);
		return EXIT_USAGE;
	}
	int code = EXIT_FINE;
	if (o.help) {
		code = print_help();
	} else if (o.version) {
		puts("punktfunk-client " PROJECT_VERSION);
		code = fflush(stdout) == 0 ? EXIT_FINE : EXIT_OUTPUT;
	} else {
		/* What libavcodec finds wrong in a stream is counted and reported by us. */
		av_log_set_level(AV_LOG_QUIET);
		signal(SIGPIPE, SIG_IGN);
		code = run_stream(&o);
	}
	options_finish(&o);
	return code;
}
