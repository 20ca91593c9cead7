/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_ARGS_H
#define CLIENT_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "punktfunk_core.h"

/*
 * Command lines of punktfunk-client: each command has a table of its options, as an X-macro, of which its
 * struct, the reader and --help are made (client/options.h is the example). Thread: any.
 */

#define ARGS_DEFAULT_PORT 9777u
#define ARGS_HOST_MAX	  256u	/* a DNS name has at most 253 characters */
#define ARGS_MESSAGE_MAX  320u	/* one sentence with a quoted argument */
#define ARGS_QUOTE_MAX	  80	/* characters of a wrong argument that a message repeats */
#define ARGS_NAME_MAX	  64u	/* the wire's bound of a client's name, bytes */
#define ARGS_PIN_DIGITS	  4u	/* of what a host shows (wire 5) */
#define ARGS_SIDE_MIN	  64u	/* pixels; smaller is no desktop */
#define ARGS_SIDE_MAX	  8192u /* pixels; what the library takes (PF_MODE_MAX_SIDE) */
#define ARGS_HZ_MAX	  1000u

/* Kinds of an option's value: the C type of its field. */
struct args_endpoint {
	char host[ARGS_HOST_MAX]; /* without brackets; empty = not given */
	uint16_t port;
};
struct args_pin {
	bool given;
	uint8_t sha256[32];
};
#define ARGS_TYPE_endpoint struct args_endpoint
#define ARGS_TYPE_mode	   struct punktfunk_mode
#define ARGS_TYPE_pin	   struct args_pin
#define ARGS_TYPE_name	   const char *
#define ARGS_TYPE_host	   const char * /* an address or a name; client/target.h finds out */
#define ARGS_TYPE_digits   const char * /* of a PIN */
#define ARGS_TYPE_path	   const char *
#define ARGS_TYPE_number   uint32_t
#define ARGS_TYPE_flag	   bool

struct args_rule {
	/* NULL: an operand, a word without dashes. Operands are taken in the order of the table, each may be left out. */
	const char *name;
	const char *meta, *help;
	/* NULL: a flag. Returns NULL, or what is wrong with the value ("is not …"). */
	const char *(*parse)(const struct args_rule *rule, const char *arg, void *out);
	size_t offset;
	uint32_t min, max; /* of a number */
};

/* Two entries that every command's table ends with: kind, field, option, metavariable, min, max, help. */
#define ARGS_COMMON(X) \
	X(flag, help, "help", NULL, 0, 0, "print this and end") \
	X(flag, version, "version", NULL, 0, 0, "print the version and end")

#define args_parse_flag NULL
const char *args_parse_endpoint(const struct args_rule *rule, const char *arg, void *out);
const char *args_parse_mode(const struct args_rule *rule, const char *arg, void *out);
const char *args_parse_pin(const struct args_rule *rule, const char *arg, void *out);
const char *args_parse_host(const struct args_rule *rule, const char *arg, void *out);
const char *args_parse_digits(const struct args_rule *rule, const char *arg, void *out);
const char *args_parse_name(const struct args_rule *rule, const char *arg, void *out);
const char *args_parse_path(const struct args_rule *rule, const char *arg, void *out);
const char *args_parse_number(const struct args_rule *rule, const char *arg, void *out);

/* Reads decimal digits only (strtoul takes signs and blanks); moves *p behind them. */
bool args_read_number(const char **p, uint32_t min, uint32_t max, uint32_t *out);
bool args_read_mode(const char **p, struct punktfunk_mode *m);

/*
 * Reads argv[1] and the rest into the struct at `fields`, which holds the defaults (borrows from argv).
 * Errors: PUNKTFUNK_E_INVALID, after one sentence in `message` that says what to do.
 */
int args_parse(const struct args_rule *rules, size_t n_rules, void *fields, int argc, char **argv,
	char message[ARGS_MESSAGE_MAX]) __attribute__((warn_unused_result));
/* Such a sentence for what a command checks itself; returns PUNKTFUNK_E_INVALID. */
int args_fail(char message[ARGS_MESSAGE_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* A command's --help, a line for each rule in its middle: for free(); NULL = memory is short. */
char *args_help(
	const char *above, const struct args_rule *rules, size_t n_rules, const char *below);

#endif
