/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_GNOME_H
#define TESTS_SUPPORT_GNOME_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "tests/support/pw_daemon.h"

/* What GNOME's compositor needs, of the test's own: PipeWire, a session bus, and mutter itself without a screen. */

struct gnome {
	struct pw_daemon pw;
	bool services;	   /* the bus starts what the machine has installed */
	pid_t bus, mutter; /* 0 = does not run */
	char wayland[160]; /* socket's path */
};

/* Each returns 0, or -1. init() starts PipeWire and sets this process' environment. */
int gnome_init(struct gnome *g, const char *name);
int gnome_start_bus(struct gnome *g);
int gnome_start_mutter(struct gnome *g); /* returns when it owns its names */
void gnome_end(pid_t *pid);
void gnome_finish(struct gnome *g); /* ends all */

/* A program whose output is read line by line. */
struct gnome_reader {
	pid_t pid;
	int fd;
	char text[8192];
	size_t len;
};

int gnome_run(struct gnome_reader *r, const char *const *argv);
/* Has a line come that begins so? What is before it is let go, and so is it. line: NULL, or its text. */
bool gnome_read(struct gnome_reader *r, const char *begin, char *line, size_t cap);
void gnome_stop(struct gnome_reader *r);

#endif
