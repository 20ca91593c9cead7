/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_REPORT_H
#define HOST_SESSION_REPORT_H

struct config;
struct session_stats;
struct trace;

/*
 * Writes what --summary and --trace ask for, for a session that has ended: counters and the process's CPU
 * time as JSON, the times of each frame as CSV. A file that cannot be written is a warning. Thread: the loop.
 */
void report_write(
	const struct config *config, const struct session_stats *stats, const struct trace *trace);

#endif
