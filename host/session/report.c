/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/report.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "host/base/log.h"
#include "host/config/config.h"
#include "host/session/session.h"
#include "host/session/trace.h"

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static int write_summary(const char *path, const struct session_stats *s)
{
	struct rusage use;
	getrusage(RUSAGE_SELF, &use);
	FILE *f = fopen(path, "we");
	if (!f)
		return PF_E_IO;
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
		{"frames_captured", s->frames_captured},
		{"frames_replaced", s->frames_replaced},
		{"frames_encoded", s->frames_encoded},
		{"frames_repeated", s->frames_repeated},
		{"frames_sent", s->frames_sent},
		{"units_dropped", s->units_dropped},
		{"send_errors", s->send_errors},
		{"keyframes", s->keyframes},
		{"anchors", s->anchors},
		{"packets_sent", s->packets_sent},
		{"max_rss_kb", (uint64_t)use.ru_maxrss},
	};
	fprintf(f, "{\n");
	for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++)
		fprintf(f, "  \"%s\": %" PRIu64 ",\n", counters[i].name, counters[i].value);
	fprintf(f, "  \"cpu_user_s\": %.3f,\n  \"cpu_sys_s\": %.3f\n}\n", seconds(use.ru_utime),
		seconds(use.ru_stime));
	bool bad = ferror(f);
	return fclose(f) || bad ? PF_E_IO : PF_OK;
}

void report_write(
	const struct config *config, const struct session_stats *stats, const struct trace *trace)
{
	if (config->summary && write_summary(config->summary, stats) < 0)
		log_warn("report: cannot write %s: check the folder and its permissions",
			config->summary);
	if (config->trace && trace && trace_write(trace, config->trace) < 0)
		log_warn("report: cannot write %s: check the folder and its permissions",
			config->trace);
	log_info("session: %" PRIu64 " captured, %" PRIu64 " encoded (%" PRIu64
		 " keyframes, %" PRIu64 " anchors, %" PRIu64 " repeats), %" PRIu64
		 " sent in %" PRIu64 " packets, %" PRIu64 " send errors",
		stats->frames_captured, stats->frames_encoded, stats->keyframes, stats->anchors,
		stats->frames_repeated, stats->frames_sent, stats->packets_sent,
		stats->send_errors);
}
