/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_PIPELINE_H
#define CLIENT_PIPELINE_H

#include <stdbool.h>
#include <stdint.h>

#include "punktfunk_core.h"

/*
 * The way of a frame: the library's receiver -> receive thread (next_au, records) -> ring -> decode
 * thread -> mailbox of one, newest wins -> whoever takes pictures (one thread).
 */

struct pipeline;
struct record;
struct stats_trace;
struct AVFrame;

struct pipeline_picture {
	struct AVFrame *frame;
	uint64_t pts_ns;	/* host's clock */
	uint64_t decode_end_ns; /* CLOCK_REALTIME */
};

struct pipeline_params {
	struct punktfunk_connection *connection;
	struct record *record;	   /* NULL = do not record; not owned */
	struct stats_trace *trace; /* NULL = no trace; not owned */
	int wake_fd;		   /* eventfd: written when there is a picture or an end */
};

/* A snapshot of the counters. */
struct pipeline_counters {
	uint64_t decoded, damaged, delayed;
	uint64_t bytes;		/* of access units */
	uint32_t width, height; /* of the last decoded picture; 0 = none yet */
	uint64_t
		size_since_ns; /* CLOCK_MONOTONIC: the end of decoding the first picture of that size */
	bool ended;	       /* next_au said that there is no more */
	int record_error;      /* errno of the recording that failed, or 0 */
};

/* Starts both threads. Errors: PUNKTFUNK_E_NOMEM, PUNKTFUNK_E_UNSUPPORTED, PUNKTFUNK_E_IO (threads). */
int pipeline_start(struct pipeline **out, const struct pipeline_params *params)
	__attribute__((warn_unused_result));
/* Ends the threads (what was received is still decoded) within some 20 ms, for good. */
void pipeline_stop(struct pipeline *p);
/* Stops and frees. Takes NULL. */
void pipeline_destroy(struct pipeline *p);

/*
 * The newest picture when there is one that was not taken yet, else NULL; it stays valid until the next
 * call that gives one. Thread: one.
 */
const struct pipeline_picture *pipeline_take(struct pipeline *p);
/* Thread: any. */
struct pipeline_counters pipeline_counters(struct pipeline *p);

#endif
