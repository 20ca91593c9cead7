/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_INTEGRATION_INTERPOSED_H
#define TESTS_INTEGRATION_INTERPOSED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The process of interposer.c between a client and a host, and what it says. Every wait is bounded and asserts. */

struct interposed {
	pid_t pid; /* 0 = not running */
	int in, out;
	int port;	 /* for the client */
	char said[8192]; /* everything so far */
	size_t said_len;
};

/* how, with: as in interposer.c; with may be NULL. */
void interposed_start(struct interposed *i, int host_port, const char *how, const char *with);
/* Reads on until it said text. */
void interposed_expect(struct interposed *i, const char *text);
/* Has it said text by now? What is still in the pipe is read first. */
bool interposed_said(struct interposed *i, const char *text);
void interposed_stop(struct interposed *i);

#endif
