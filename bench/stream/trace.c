/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench/stream/stream.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MAX_ROWS 65536u /* the host's own limit (TRACE_FRAMES) */

static bool parse(const char *line, struct bench_sent *s)
{
	uint64_t convert_start, convert_end, encode_start, encode_end;
	int keyframe, repeated, anchor = 0;
	int n = sscanf(line,
		"%" SCNu64 ",%*u,%*u,%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64 ",%" SCNu64
		",%" SCNu64 ",%" SCNu64 ",%*d,%" SCNu64 ",%d,%d,%d",
		&s->frame_index, &s->captured_ns, &convert_start, &convert_end, &encode_start,
		&encode_end, &s->send_start_ns, &s->send_end_ns, &s->bytes, &keyframe, &repeated,
		&anchor);
	if (n < 11)
		return false;
	s->convert_ns = convert_end - convert_start;
	s->encode_ns = encode_end - encode_start;
	s->keyframe = keyframe;
	s->repeated = repeated;
	s->anchor = anchor;
	return true;
}

int bench_trace_read(struct bench_trace *t, const char *dir)
{
	char path[128], line[512];
	snprintf(path, sizeof(path), "%s/trace.csv", dir);
	FILE *f = fopen(path, "re");
	t->n = 0;
	t->rows = calloc(MAX_ROWS, sizeof(*t->rows));
	if (!f || !t->rows) {
		fprintf(stderr, "bench: the host left no trace in %s\n", path);
		if (f)
			fclose(f);
		return -1;
	}
	while (t->n < MAX_ROWS && fgets(line, sizeof(line), f))
		if (parse(line, &t->rows[t->n]))
			t->n++;
	fclose(f);
	return 0;
}

void bench_trace_free(struct bench_trace *t)
{
	free(t->rows);
	t->rows = NULL;
}
