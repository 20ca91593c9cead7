/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TOOLS_TRACE_H
#define TOOLS_TRACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* CSV files of unsigned numbers under a header line, as host and client write them. */

#define TRACE_LINE_MAX	  1024u	   /* 14 columns of 20 digits are 294 */
#define TRACE_COLUMNS_MAX 32u	   /* of the file; those not asked for are passed over */
#define TRACE_ROWS_MAX	  4000000u /* more than an hour at 1000 Hz; bounds the memory */
#define TRACE_MESSAGE_MAX 512u

struct trace {
	size_t n_rows, n_columns;
	uint64_t *values; /* owned, row by row */
};

/*
 * Reads the columns of these names, in this order, from a file whose header must have them all. `name` is
 * for messages. Every line must be whole. Errors: -1 with one sentence in message.
 */
int trace_read(struct trace *t, FILE *file, const char *name, const char *const *columns,
	size_t n_columns, char message[TRACE_MESSAGE_MAX]) __attribute__((warn_unused_result));
void trace_finish(struct trace *t);

static inline uint64_t trace_get(const struct trace *t, size_t row, size_t column)
{
	return t->values[row * t->n_columns + column];
}

#endif
