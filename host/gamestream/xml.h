/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_XML_H
#define HOST_GAMESTREAM_XML_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The answers that Moonlight clients read: <root status_code="200">, elements with text, nothing else. What does not
 * fit ends the text early and is remembered. Thread: one at a time per object.
 */
struct xml {
	char *text;
	size_t len, cap;
	bool failed; /* no memory */
};

/* status 200: no message. message: for a person's screen. */
void xml_init(struct xml *x, int status, const char *message);
void xml_finish(struct xml *x); /* wipes */

void xml_open(struct xml *x, const char *name);
void xml_close(struct xml *x, const char *name);
/* <name>text</name>, escaped; what XML cannot say becomes a question mark. */
void xml_text(struct xml *x, const char *name, const char *text);
void xml_number(struct xml *x, const char *name, long long value);
/* Closes the root. */
void xml_end(struct xml *x);

#endif
