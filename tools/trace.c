/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/trace.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct layout {
	size_t n_fields;		  /* of each line */
	int wanted_at[TRACE_COLUMNS_MAX]; /* which wanted column a field is, or -1 */
};

/* Reads a line without its newline; -1 at the end, -2 when it is too long, cut off or holds a NUL. */
static int read_line(FILE *file, char line[TRACE_LINE_MAX])
{
	size_t n = 0;
	int c;
	while ((c = getc(file)) != EOF && c != '\n') {
		if (n + 1 >= TRACE_LINE_MAX || !c)
			return -2;
		line[n++] = (char)c;
	}
	line[n] = '\0';
	if (c == EOF)
		return n ? -2 : -1;
	return 0;
}

static int fail(char message[TRACE_MESSAGE_MAX], const char *name, size_t n_line, const char *what)
{
	snprintf(message, TRACE_MESSAGE_MAX, "%.200s, line %zu: %.200s; run the measurement again.",
		name, n_line, what);
	return -1;
}

/* header: name (',' name)* */
static int read_header(struct layout *l, char *line, const char *const *columns, size_t n_columns,
	const char **missing)
{
	size_t n_found = 0;
	bool found[TRACE_COLUMNS_MAX] = {false};
	char *rest = line, *field;
	while ((field = strsep(&rest, ","))) {
		if (l->n_fields >= TRACE_COLUMNS_MAX)
			return -1;
		l->wanted_at[l->n_fields] = -1;
		for (size_t i = 0; i < n_columns; i++) {
			if (!found[i] && !strcmp(field, columns[i])) {
				l->wanted_at[l->n_fields] = (int)i;
				found[i] = true;
				n_found++;
			}
		}
		l->n_fields++;
	}
	*missing = NULL;
	for (size_t i = 0; i < n_columns && n_found < n_columns; i++)
		if (!found[i])
			*missing = columns[i];
	return *missing ? -1 : 0;
}

/* row: digits (',' digits)*, as many as the header has names; each below 2^64 */
static bool read_row(const struct layout *l, const char *p, uint64_t *row)
{
	for (size_t i = 0; i < l->n_fields; i++) {
		uint64_t v = 0;
		if (*p < '0' || *p > '9')
			return false;
		for (; *p >= '0' && *p <= '9'; p++)
			if (__builtin_mul_overflow(v, 10u, &v) ||
				__builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
				return false;
		if (*p != (i + 1 < l->n_fields ? ',' : '\0'))
			return false;
		p++;
		if (l->wanted_at[i] >= 0)
			row[l->wanted_at[i]] = v;
	}
	return true;
}

static bool grow(struct trace *t, size_t *room)
{
	if (t->n_rows < *room)
		return true;
	size_t want = *room ? *room * 2 : 1024;
	uint64_t *values = reallocarray(t->values, want * t->n_columns, sizeof(*values));
	if (!values)
		return false;
	t->values = values;
	*room = want;
	return true;
}

int trace_read(struct trace *t, FILE *file, const char *name, const char *const *columns,
	size_t n_columns, char message[TRACE_MESSAGE_MAX])
{
	char line[TRACE_LINE_MAX], what[TRACE_LINE_MAX];
	struct layout layout = {0};
	const char *missing = NULL;
	size_t room = 0, n_line = 1;
	*t = (struct trace){.n_columns = n_columns};
	if (n_columns > TRACE_COLUMNS_MAX || read_line(file, line) != 0)
		return fail(message, name, n_line, "there is no header");
	if (read_header(&layout, line, columns, n_columns, &missing) != 0) {
		snprintf(what, sizeof(what), "%s%s", missing ? "there is no column " : "",
			missing ? missing : "there are too many columns");
		return fail(message, name, n_line, what);
	}
	for (;;) {
		n_line++;
		int got = read_line(file, line);
		if (got == -1)
			break;
		const char *wrong = NULL;
		if (got == -2)
			wrong = "it is too long or cut off";
		else if (t->n_rows >= TRACE_ROWS_MAX)
			wrong = "there are more than 4,000,000 lines";
		else if (!grow(t, &room))
			wrong = "no memory is left";
		else if (!read_row(&layout, line, t->values + t->n_rows * n_columns))
			wrong = "it is not a row of whole numbers";
		if (wrong) {
			trace_finish(t);
			return fail(message, name, n_line, wrong);
		}
		t->n_rows++;
	}
	if (ferror(file)) {
		trace_finish(t);
		return fail(message, name, n_line, "it cannot be read");
	}
	return 0;
}

void trace_finish(struct trace *t)
{
	free(t->values);
	*t = (struct trace){0};
}
