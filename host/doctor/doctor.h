/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_DOCTOR_DOCTOR_H
#define HOST_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * punktfunk-host doctor: what this machine has to stream with, what would be used and what is missing. Each check
 * runs in a process of its own, as drivers and daemons may hang or crash; what has not answered by the deadline is
 * reported as such. Nothing is changed. Thread: a program's only one.
 */

struct config;

#define DOCTOR_DEADLINE_MS 2500 /* for all checks together; a person waits for it */

enum doctor_level {
	DOCTOR_GOOD,
	DOCTOR_NOTE,  /* nothing wrong, or nothing that matters here */
	DOCTOR_LACKS, /* something that would be nice does not work */
	DOCTOR_BAD,   /* no streaming without it */
};

/* Goes through a pipe in one piece: smaller than PIPE_BUF. */
struct doctor_line {
	uint8_t level;
	uint8_t check; /* index into the checks */
	/* Of a desktop: what probe() said and how auto ranks it. */
	bool desktop, own;
	int32_t found;
	uint32_t rank;
	char topic[24];
	char text[768];	  /* printable: what was found */
	char remedy[512]; /* printable: what to do; may be empty */
};

#define DOCTOR_MAX_LINES 128u

struct doctor {
	const struct config *config;
	const char *root; /* before /dev and /etc: a test's folder, else empty */
	/* of a check: */
	int pipe_fd;
	uint8_t check;
	const char *topic;
	size_t arg;
	/* of the whole: */
	struct doctor_line lines[DOCTOR_MAX_LINES];
	size_t n_lines;
	bool host_runs;
};

struct doctor_check {
	const char *topic;
	void (*run)(struct doctor *d);
	size_t arg;	   /* d->arg */
	bool vital;	   /* that it hangs or crashes is bad */
	const char *hangs; /* the remedy then */
};

/* Says one thing, from inside a check. remedy may be NULL. */
void doctor_say(struct doctor *d, enum doctor_level level, const char *remedy, const char *format,
	...) __attribute__((format(printf, 4, 5)));
/* As doctor_say(), about a desktop: line gives all but the topic, cleaned here. */
void doctor_say_line(struct doctor *d, const struct doctor_line *line);

/* Runs the checks at once and collects what they say, in their order, within the deadline. */
int doctor_run(
	struct doctor *d, const struct doctor_check *checks, size_t n_checks, int deadline_ms);

/* The line that auto would use; NULL = no desktop can be had. */
const struct doctor_line *doctor_choice(const struct doctor *d);
/* Where the choice has its pictures from PipeWire, it is no longer only nice to have. */
#define DOCTOR_PIPEWIRE "PipeWire"
void doctor_mind_pipewire(struct doctor *d);
bool doctor_would_stream(const struct doctor *d);

/* The subcommand, after the options were parsed. Returns the exit status: 0 = would stream now, 1 = would not. */
int doctor_main(const struct config *config);

/* --- checks --- */

void doctor_session(struct doctor *d);
void doctor_desktop(struct doctor *d); /* arg: of vdisplay_at() */
void doctor_own(struct doctor *d);
void doctor_pipewire(struct doctor *d);
void doctor_encoders(struct doctor *d);
void doctor_gpu(struct doctor *d);
void doctor_avahi(struct doctor *d);
void doctor_ports(struct doctor *d);
void doctor_firewall(struct doctor *d);
void doctor_folder(struct doctor *d);
void doctor_clients(struct doctor *d);
void doctor_devices(struct doctor *d);
void doctor_host(struct doctor *d);

#endif
