/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "host/media/clock.h"

struct trace_row {
	uint64_t pts_ns;
	struct frame_times times;
	uint64_t convert_start_ns, convert_end_ns, encode_start_ns, encode_end_ns;
	uint64_t send_start_ns, send_end_ns;
	uint64_t bytes;
	uint32_t frame_index;
	int32_t packets;
	bool keyframe, repeated, anchor;
};

struct trace {
	uint64_t n; /* rows ever added */
	struct trace_row rows[TRACE_FRAMES];
};

int trace_create(struct trace **out)
{
	*out = calloc(1, sizeof(**out));
	return *out ? PF_OK : PF_E_NOMEM;
}

void trace_destroy(struct trace *t)
{
	free(t);
}

void trace_add(struct trace *t, const struct unit *u, uint32_t frame_index, uint64_t send_start_ns,
	uint64_t send_end_ns, int packets)
{
	t->rows[t->n++ % TRACE_FRAMES] = (struct trace_row){
		.pts_ns = u->pts_ns,
		.times = u->times,
		.convert_start_ns = u->convert_start_ns,
		.convert_end_ns = u->convert_end_ns,
		.encode_start_ns = u->encode_start_ns,
		.encode_end_ns = u->encode_end_ns,
		.send_start_ns = send_start_ns,
		.send_end_ns = send_end_ns,
		.bytes = u->len,
		.frame_index = frame_index,
		.packets = packets,
		.keyframe = u->keyframe,
		.repeated = u->repeated,
		.anchor = u->anchor,
	};
}

static void write_row(FILE *f, const struct trace_row *r, uint64_t to_real)
{
	fprintf(f, "%" PRIu32 ",%" PRIu64, r->frame_index, r->pts_ns);
	const uint64_t stamps[] = {r->times.presented_ns, r->times.captured_ns, r->convert_start_ns,
		r->convert_end_ns, r->encode_start_ns, r->encode_end_ns, r->send_start_ns,
		r->send_end_ns};
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++)
		fprintf(f, ",%" PRIu64, stamps[i] + to_real);
	fprintf(f, ",%" PRId32 ",%" PRIu64 ",%d,%d,%d\n", r->packets, r->bytes, r->keyframe,
		r->repeated, r->anchor);
}

int trace_write(const struct trace *t, const char *path)
{
	FILE *f = fopen(path, "we");
	if (!f)
		return pf_error_from_errno(errno);
	fprintf(f,
		"frame_index,pts_ns,presented_ns,captured_ns,convert_start_ns,convert_end_ns,"
		"encode_start_ns,encode_end_ns,send_start_ns,send_end_ns,packets,bytes,keyframe,"
		"repeated,anchor\n");
	uint64_t to_real = clock_realtime_ns() - clock_now_ns();
	uint64_t first = t->n > TRACE_FRAMES ? t->n - TRACE_FRAMES : 0;
	for (uint64_t i = first; i < t->n; i++)
		write_row(f, &t->rows[i % TRACE_FRAMES], to_real);
	bool bad = ferror(f);
	return fclose(f) || bad ? PF_E_IO : PF_OK;
}
