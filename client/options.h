/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "punktfunk_core.h"

#define OPTIONS_DEFAULT_PORT 9777u
#define OPTIONS_HOST_MAX     256u  /* a DNS name has at most 253 characters */
#define OPTIONS_MESSAGE_MAX  320u  /* one sentence with a quoted argument */
#define OPTIONS_QUOTE_MAX    80	   /* characters of a wrong argument that a message repeats */
#define OPTIONS_NAME_MAX     64u   /* the wire's bound of a client's name, bytes */
#define OPTIONS_TEXT_MAX     4096u /* of --type: two minutes of typing */
#define OPTIONS_SIDE_MIN     64u   /* pixels; smaller is no desktop */
#define OPTIONS_SIDE_MAX     8192u /* pixels; what the library takes (PF_MODE_MAX_SIDE) */
#define OPTIONS_HZ_MAX	     1000u
#define OPTIONS_SECONDS_MAX  86400u
#define OPTIONS_NO_SECONDS   UINT32_MAX /* --remode without @SECONDS */

/* Exit codes; --help and docs/client.md list them. */
enum options_exit {
	EXIT_FINE = 0,
	EXIT_USAGE = 1,
	EXIT_CONNECT = 2,
	EXIT_REFUSED = 3,
	EXIT_TRUST = 4,
	EXIT_ENDED = 5,
	EXIT_OUTPUT = 6,
	EXIT_NO_PICTURE = 7,
};

/* Kinds of an option's value: the C type of its field in struct options. */
struct options_endpoint {
	char host[OPTIONS_HOST_MAX]; /* without brackets; empty = not given */
	uint16_t port;
};
struct options_remode {
	struct punktfunk_mode mode; /* width 0 = not given */
	uint32_t at_s;		    /* after the first picture, or OPTIONS_NO_SECONDS */
};
struct options_pin {
	bool given;
	uint8_t sha256[32];
};
struct options_text {
	char *keys; /* owned; escapes are resolved; NULL = not given */
};
#define OPTIONS_TYPE_endpoint struct options_endpoint
#define OPTIONS_TYPE_mode     struct punktfunk_mode
#define OPTIONS_TYPE_remode   struct options_remode
#define OPTIONS_TYPE_pin      struct options_pin
#define OPTIONS_TYPE_text     struct options_text
#define OPTIONS_TYPE_name     const char *
#define OPTIONS_TYPE_path     const char *
#define OPTIONS_TYPE_number   uint32_t
#define OPTIONS_TYPE_flag     bool

/* The one table: kind, field, option, metavariable, smallest, largest (of numbers), help. */
#define OPTIONS_TABLE(X) \
	X(endpoint, connect, "connect", "HOST[:PORT]", 0, 0, \
		"the host to connect to; an IPv6 address goes in brackets (port 9777)") \
	X(mode, mode, "mode", "WxHxHZ", 0, 0, "the mode to ask for (1280x720x60)") \
	X(number, seconds, "seconds", "N", 1, OPTIONS_SECONDS_MAX, \
		"end so long after the first picture (until the host ends or Ctrl-C)") \
	X(path, out, "out", "FILE", 0, 0, "record the stream, not re-encoded, to this MP4 file") \
	X(path, frame_png, "frame-png", "FILE", 0, 0, \
		"write the last decoded picture to this PNG file") \
	X(remode, remode, "remode", "WxHxHZ[@SECONDS]", 0, 0, \
		"ask for another mode so long after the first picture (half of --seconds, else " \
		"10)") \
	X(pin, pin, "pin", "HEX", 0, 0, \
		"the SHA-256 of the host's certificate; known_hosts is not used") \
	X(text, type, "type", "TEXT", 0, 0, \
		"type this (US layout) 1 s after the first picture; \\n is Enter, \\t Tab, \\\\ " \
		"one \\") \
	X(flag, mouse, "mouse", NULL, 0, 0, "move the pointer in a figure while streaming") \
	X(number, bitrate, "bitrate", "KBPS", 500, 8000000, \
		"ask for this bit rate (the host's choice)") \
	X(name, name, "name", "NAME", 0, 0, \
		"what the host calls this client (the machine's name)") \
	X(path, trace, "trace", "FILE", 0, 0, "write the times of each frame to this CSV file") \
	X(path, summary, "summary", "FILE", 0, 0, \
		"write the counters at the end to this JSON file") \
	X(number, drop, "drop", "PERCENT", 0, 90, \
		"for tests: lose this share of the video packets on purpose (0)") \
	X(flag, quiet, "quiet", NULL, 0, 0, "no progress lines") \
	X(flag, help, "help", NULL, 0, 0, "print this and end") \
	X(flag, version, "version", NULL, 0, 0, "print the version and end")

struct options {
#define OPTIONS_FIELD(kind, field, ...) OPTIONS_TYPE_##kind field;
	OPTIONS_TABLE(OPTIONS_FIELD)
#undef OPTIONS_FIELD
};

/*
 * Reads argv over defaults into *o (borrows from argv). On error `message` holds one sentence that says
 * what to do; *o is released. Errors: PUNKTFUNK_E_INVALID, PUNKTFUNK_E_NOMEM.
 * --help and --version are only noted, and then nothing is required of the rest.
 */
int options_parse(struct options *o, int argc, char **argv, char message[OPTIONS_MESSAGE_MAX])
	__attribute__((warn_unused_result));
/* Releases what options_parse() made. */
void options_finish(struct options *o);
/* The text of --help, ending in a newline; malloc'd, NULL when memory is short. */
char *options_help(void);

#endif
