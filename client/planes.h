/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CLIENT_PLANES_H
#define CLIENT_PLANES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "punktfunk_core.h"

/*
 * What a session carries beside its pictures: taken in, counted, and said where a person should know. This
 * program has no speaker, pad or screen, so sound, rumble and pointer shapes are only counted. Thread: main.
 */

#define PLANES_TIMINGS 256u /* of which the median is taken: four seconds at 60 Hz */

struct planes_counters {
	uint64_t audio_packets, audio_gaps, pad_audio_packets, rumbles, pad_outputs, hdr_metas;
	uint64_t cursor_shapes, cursor_states, host_timings, events, bitrate_changes;
};

struct planes {
	struct planes_counters counters; /* of all connections */
	bool quiet;
	uint32_t host_us[PLANES_TIMINGS]; /* a ring */
	uint32_t grants;		  /* as they were told last */
	uint32_t bitrate_why;		  /* PUNKTFUNK_BITRATE_ of the last change */
	bool speed_done;		  /* the event of a speed test came; speed_good says how */
	bool speed_good;
};

void planes_init(struct planes *p, bool quiet);
/* Takes what is there of every plane but the clipboard; waits for nothing. */
void planes_poll(struct planes *p, struct punktfunk_connection *c);
/* The median time from capture to last packet on the host, microseconds; 0 = not told. */
uint32_t planes_host_us(const struct planes *p);
/* Why the bit rate is what it is: "", or a word in parentheses with a blank before it. */
const char *planes_bitrate_word(const struct planes *p);

#define PLANES_GRANTS_MAX 96u
/* "keyboard, pointer"; "everything"; "only watch". */
void planes_grants_text(uint32_t grants, char out[PLANES_GRANTS_MAX]);

#endif
