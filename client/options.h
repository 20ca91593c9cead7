/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_OPTIONS_H
#define CLIENT_OPTIONS_H

#include "client/args.h"

#define OPTIONS_TEXT_MAX      4096u /* of --type: two minutes of typing */
#define OPTIONS_SECONDS_MAX   86400u
#define OPTIONS_APPROVAL_MAX  600u /* what the library waits at most */
#define OPTIONS_RECONNECT     30u  /* the host's --grace, unless it was given another */
#define OPTIONS_RECONNECT_MAX 86400u
#define OPTIONS_NO_SECONDS    UINT32_MAX /* --remode without @SECONDS */

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

/* Kinds of values that only streaming has. */
struct options_remode {
	struct punktfunk_mode mode; /* width 0 = not given */
	uint32_t at_s;		    /* after the first picture, or OPTIONS_NO_SECONDS */
};
struct options_text {
	char *keys; /* owned; escapes are resolved; NULL = not given */
};
enum options_cursor { OPTIONS_CURSOR_HOST, OPTIONS_CURSOR_CLIENT };
#define ARGS_TYPE_remode struct options_remode
#define ARGS_TYPE_cursor enum options_cursor
/* One more than PUNKTFUNK_DELIVERY_. */
enum options_delivery {
	OPTIONS_DELIVERY_ANY,
	OPTIONS_DELIVERY_BURST,
	OPTIONS_DELIVERY_CAPPED,
	OPTIONS_DELIVERY_SMOOTH
};
#define ARGS_TYPE_delivery enum options_delivery
#define ARGS_TYPE_codec	   uint8_t /* one PUNKTFUNK_CODEC_ bit */
#define ARGS_TYPE_text	   struct options_text

/* The one table: kind, field, option, metavariable, smallest, largest (of numbers), help. */
#define OPTIONS_TABLE(X) \
	X(host, host, NULL, "HOST", 0, 0, \
		"the host: its name, as hosts and discover list it, or its address (port 9777)") \
	X(host, connect, "connect", "HOST[:PORT]", 0, 0, \
		"the same; an IPv6 address goes in brackets") \
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
	X(number, wait_approval, "wait-approval", "S", 0, OPTIONS_APPROVAL_MAX, \
		"wait so long for somebody at the host to let this client in (10 s)") \
	X(cursor, cursor, "cursor", "host|client", 0, 0, \
		"who draws the pointer; client: its shapes and moves come beside the picture " \
		"(host)") \
	X(codec, codec, "codec", "h264", 0, 0, "the codec to ask for; this client decodes one") \
	X(delivery, delivery, "delivery", "burst|capped|smooth", 0, 0, \
		"how the host spreads a frame's packets (the host's choice)") \
	X(flag, clipboard, "clipboard", NULL, 0, 0, "share the clipboard's text, for --script") \
	X(path, clipboard_file, "clipboard-file", "FILE", 0, 0, \
		"share the clipboard's text with this file: written when the host copies, read " \
		"when it " \
		"changes") \
	X(path, script, "script", "FILE", 0, 0, \
		"play this script 1 s after the first picture; docs/client.md has its words") \
	X(number, reconnect, "reconnect", "S", 0, OPTIONS_RECONNECT_MAX, \
		"try so long to come back when the link is lost, 0: not at all (30)") \
	X(name, launch, "launch", "ID", 0, 0, "what the host is to start, as it names it") \
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
	ARGS_COMMON(X)

struct options {
#define OPTIONS_FIELD(kind, field, ...) ARGS_TYPE_##kind field;
	OPTIONS_TABLE(OPTIONS_FIELD)
#undef OPTIONS_FIELD
};

/*
 * Reads argv over defaults into *o (borrows from argv). On error `message` holds one sentence that says
 * what to do; *o is released. Errors: PUNKTFUNK_E_INVALID, PUNKTFUNK_E_NOMEM.
 * --help and --version are only noted, and then nothing is required of the rest.
 */
int options_parse(struct options *o, int argc, char **argv, char message[ARGS_MESSAGE_MAX])
	__attribute__((warn_unused_result));
/* Releases what options_parse() made. */
void options_finish(struct options *o);
/* The text of stream's --help, ending in a newline; malloc'd, NULL when memory is short. */
char *options_help(void);

#endif
