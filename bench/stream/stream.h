/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef BENCH_STREAM_STREAM_H
#define BENCH_STREAM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "punktfunk_core.h"

/* Parts of bench_stream: a real host process, a client over the C ABI, and what both measured. */

/* --- trace.c: the host's --trace file --- */

struct bench_sent {
	uint64_t frame_index, captured_ns, convert_ns, encode_ns, send_start_ns, send_end_ns;
	uint64_t bytes;
	bool keyframe, repeated, anchor;
};

struct bench_trace {
	struct bench_sent *rows;
	size_t n;
};

int bench_trace_read(struct bench_trace *t, const char *dir);
void bench_trace_free(struct bench_trace *t);

/* --- receive.c --- */

#define WARM_FRAMES 10u /* every buffer of a session has been used by then */

struct host_process;

struct bench_frame {
	uint32_t index, width, height;
	uint64_t complete_ns, decoded_ns; /* CLOCK_REALTIME */
	uint64_t seq;			  /* read from the pixels */
	bool marked;			  /* the mark in the pixels was whole */
};

struct bench_run {
	/* asked */
	int port;
	/* Through a relay when host is BENCH_RELAY_HOST; NULL = 127.0.0.1. */
	const char *host;
	int data_port;
	uint64_t delay_ns;		    /* each way */
	struct punktfunk_mode mode, remode; /* remode.width 0 = none; asked for in the middle */
	double seconds;
	uint32_t drop_percent, bitrate_kbps;
	size_t max_frames;		    /* end after this many pictures; 0 = only by time */
	const struct host_process *watched; /* sample its memory; NULL = none */
	/* found */
	struct bench_frame *frames;
	size_t n_frames, damaged, unmarked;
	struct punktfunk_stats stats;
	uint64_t remode_asked_ns, remode_seen_ns;
	long warm_kb,
		end_kb; /* memory of `watched` after WARM_FRAMES pictures and at the last one */
	uint64_t connect_ns; /* connect called -> first picture decoded */
};

/* Connects, receives, decodes and checks every picture. 0, or a punktfunk_status after a message. */
int bench_receive(struct bench_run *r);
void bench_run_free(struct bench_run *r);

/* --- relay.c: a longer way between client and host --- */

#define BENCH_RELAY_HOST "127.0.0.2"

struct bench_relay;
/* Carries both ports of BENCH_RELAY_HOST to those of 127.0.0.1, delay_ns each way, with short outages of the
 * video. NULL after a message. */
struct bench_relay *bench_relay_start(int port, int data_port, uint64_t delay_ns);
void bench_relay_stop(struct bench_relay *r); /* takes NULL */
/* A UDP port that nobody had a moment ago; -1 = none. */
int bench_free_port(void);

/* --- wake.c: a bare wake of another thread, under the load of the moment --- */

struct bench_wake;
struct bench_wake *bench_wake_start(double interval_s);
/* Stops and sorts. samples is the caller's to free; ns from write() to the other thread running. */
size_t bench_wake_stop(struct bench_wake *w, uint64_t **samples);

/* --- figures --- */

/* Sorts in place. p: 0..100. 0 when n is 0. */
uint64_t bench_percentile(uint64_t *values, size_t n, double p);
void bench_sort(uint64_t *values, size_t n);

#endif
