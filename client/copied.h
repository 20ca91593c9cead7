/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_COPIED_H
#define CLIENT_COPIED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "punktfunk_core.h"

/*
 * The text of the clipboard, both ways. This program has no desktop: what the host copies goes into a file and
 * to scripts; what scripts set, or what somebody writes into that file, is offered to the host. Thread: main.
 */

#define COPIED_TEXT_MAX (8u << 20) /* bytes either way: more is no text that people copy */

struct copied {
	const char *path; /* NULL = no file; borrowed */
	bool on;	  /* asked for */
	bool quiet, refused;
	/* The newest text of either side, and whose it is. */
	char *text;
	size_t len;
	bool ours;
	bool offer_due; /* ours, and not offered to this connection yet */
	uint32_t seq;	/* of our offer */
	uint32_t fetch; /* of the host's text; valid with fetching */
	bool fetching;
	uint32_t wanted_seq; /* the host's offer that is to be fetched; valid with wanted */
	bool wanted;
	uint64_t looked_ns;	    /* CLOCK_MONOTONIC: when the file was last looked at */
	uint64_t file_ns, file_len; /* of it then */
	uint64_t n_from_host, n_to_host;
};

void copied_init(struct copied *c, bool on, const char *path, bool quiet);
/* A connection stands (again). */
void copied_connected(struct copied *c, struct punktfunk_connection *pc);
void copied_poll(struct copied *c, struct punktfunk_connection *pc, uint64_t now_ns);
/* Offers this text (copied). Errors: PUNKTFUNK_E_NOMEM, PUNKTFUNK_E_FULL (too long). */
int copied_set(struct copied *c, const char *text, size_t len) __attribute__((warn_unused_result));
/* Wipes and frees: people copy passwords. */
void copied_finish(struct copied *c);

#endif
