/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_STATS_H
#define CLIENT_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/options.h"
#include "client/pipeline.h"
#include "client/planes.h"
#include "punktfunk_core.h"

/* What the client measured, for people's tools: a CSV trace of each frame and a JSON summary. */

#define STATS_TRACE_HEADER \
	"frame_index,pts_ns,received_ns,complete_ns,decode_start_ns,decode_end_ns,width,height," \
	"recovered,flags,bytes"

struct stats_frame {
	struct punktfunk_frame frame; /* data is not read */
	uint64_t decode_start_ns;     /* CLOCK_REALTIME */
	uint64_t decode_end_ns;	      /* 0 = it gave no whole picture */
	uint32_t width, height;	      /* 0 as well then */
	size_t bytes;
};

struct stats_trace;
/* Creates (empties) the file. Errors: PUNKTFUNK_E_IO (errno says why), PUNKTFUNK_E_NOMEM. */
int stats_trace_create(struct stats_trace **out, const char *path)
	__attribute__((warn_unused_result));
/* Adds a line; buffered, on disk after a second at most. Thread: one. */
void stats_trace_add(struct stats_trace *t, const struct stats_frame *f);
/* Writes the rest and frees. Takes NULL. Error: PUNKTFUNK_E_IO (errno says why), also of earlier lines. */
int stats_trace_finish(struct stats_trace *t);

enum stats_switch { STATS_SWITCH_NONE, STATS_SWITCH_DONE, STATS_SWITCH_REFUSED, STATS_SWITCH_OPEN };

struct stats_summary {
	const char *host; /* where it was reached */
	uint16_t port;
	uint8_t fingerprint[32];
	struct punktfunk_mode mode; /* at the end */
	uint32_t bitrate_kbps;
	int64_t clock_offset_ns;
	uint64_t connected_ns, first_picture_ns, ended_ns; /* CLOCK_REALTIME; 0 = never */
	struct punktfunk_stats library;
	struct pipeline_counters counters;
	struct planes_counters planes;
	uint32_t host_us; /* median on the host, capture to last packet; 0 = not told */
	uint32_t grants;  /* PUNKTFUNK_GRANT_ */
	uint32_t reconnects;
	uint64_t clip_from_host, clip_to_host;
	enum stats_switch mode_switch;
	double mode_switch_ms;	/* of STATS_SWITCH_DONE */
	int typing_blocks;	/* changed blocks; negative = not asked or not comparable */
	const char *end_reason; /* one word */
	const char *end_message;
	int exit_code;
};

/* Atomic. Errors: PUNKTFUNK_E_IO (errno says why), PUNKTFUNK_E_NOMEM. */
int stats_summary_write(const char *path, const struct stats_summary *s)
	__attribute__((warn_unused_result));

/* Adds what another connection counted; rtt_ns stays. Both have their whole size. */
void stats_add(struct punktfunk_stats *sum, const struct punktfunk_stats *other);

/* `text` as a JSON string with its quotes, malloc'd; bytes that are no UTF-8 become '?'. NULL: no memory. */
char *stats_quote(const char *text);

#endif
