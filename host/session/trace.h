/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_TRACE_H
#define HOST_SESSION_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/media/unit.h"

/*
 * The times of each frame of a session, kept in memory and written as CSV when the session has ended.
 * Columns: frame_index,pts_ns,presented_ns,captured_ns,convert_start_ns,convert_end_ns,encode_start_ns,
 * encode_end_ns,send_start_ns,send_end_ns,packets,bytes,keyframe,repeated; times are CLOCK_REALTIME ns.
 */

/* Nine minutes at 120 frames a second; older frames are overwritten. */
#define TRACE_FRAMES 65536u

struct trace;

int trace_create(struct trace **out) PF_MUST_CHECK;
void trace_destroy(struct trace *t); /* takes NULL */
/* Thread: the session's send thread. send_*: CLOCK_MONOTONIC ns; packets < 0: the send failed. */
void trace_add(struct trace *t, const struct unit *unit, uint32_t frame_index,
	uint64_t send_start_ns, uint64_t send_end_ns, int packets);
/* Errors: PF_E_IO. */
int trace_write(const struct trace *t, const char *path) PF_MUST_CHECK;

#endif
