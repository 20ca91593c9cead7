/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_RUN_H
#define CLIENT_RUN_H

#include "client/options.h"

/*
 * One stream from connecting to the files that it leaves. Says on stderr what went wrong; returns the
 * exit code (enum options_exit). Takes SIGINT, SIGTERM and SIGHUP once connected: the first ends the
 * stream in order, the second kills. Thread: main, once.
 */
int run_stream(const struct options *o);

/* The command `stream`: reads its options and streams. The contract is that of struct command. */
int run_command(int argc, char **argv);

/* One line on stderr, "punktfunk-client: …", without control characters (the host's words may hold some). */
void run_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
