/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_AUDIO_H
#define HOST_SESSION_AUDIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * A client's sound, whatever protocol carries it. The source (a sink in PipeWire) belongs to the programs that play
 * and lives as long as they do; the stream belongs to a connection: it reads the source, makes a packet at each
 * packet's time, silence included, and hands it to the protocol. Thread: the control loop, but for
 * packet().
 */

struct audio;
struct audio_source;
struct config;

struct audio_params {
	struct audio_source *source; /* borrowed until audio_stop(); one stream at a time */
	unsigned packet_ms;	     /* 5 or 10 */
	bool high_quality;
	/*
	 * 0 = never pausing. Else nothing is made before the first sound and after so long a silence, and seq
	 * counts what was made.
	 */
	unsigned rest_ms;
	/*
	 * One Opus packet, borrowed; they all have the same length, and seq counts from 0 without holes. pts_ns:
	 * CLOCK_REALTIME of its first sample. On the audio thread: must not block.
	 */
	void (*packet)(
		const uint8_t *opus, size_t len, uint32_t seq, uint64_t pts_ns, void *userdata);
	void *userdata;
};

struct audio_stats {
	uint64_t packets, silent; /* silent: of the packets, those without any sound */
	uint64_t skipped;	  /* packets whose time went by while the machine stood still */
};

/*
 * As --audio says. owner: bytes that are this client's only (their first ones become the sink's name, so that it is
 * the same each time); NULL = nobody known. label: the client's name. Errors: as audio_source_create().
 */
int audio_make_source(struct audio_source **out, const struct config *config, unsigned channels,
	const uint8_t *owner, const char *label) PF_MUST_CHECK;

/* Errors: PF_E_INVALID, PF_E_NOMEM, PF_E_IO. */
int audio_start(struct audio **out, const struct audio_params *params) PF_MUST_CHECK;
/* Synchronous: no packet() after it returns. Takes NULL. */
void audio_stop(struct audio *a);
void audio_get_stats(const struct audio *a, struct audio_stats *out); /* Thread: any */

#endif
