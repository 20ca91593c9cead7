/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_BASE_PROBE_H
#define HOST_BASE_PROBE_H

#include <stdint.h>

/*
 * Static tracepoints (USDT) at every stage of a frame, named by the frame's pts, for perf and bpftrace:
 * no cost when nobody listens. Without sys/sdt.h they vanish.
 */
#if defined(HAVE_USDT) && HAVE_USDT
#include <sys/sdt.h>
#define probe_frame(stage, pts_ns) DTRACE_PROBE1(punktfunk, stage, (uint64_t)(pts_ns))
#else
#define probe_frame(stage, pts_ns) ((void)(pts_ns))
#endif

#endif
