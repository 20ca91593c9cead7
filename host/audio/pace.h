/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_AUDIO_PACE_H
#define HOST_AUDIO_PACE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Between the clock of whoever plays sound and the clock of the packets (docs/internals/audio.md): a ring of
 * samples that is written in any portions and read in whole packets, one for each tick, without end. Where nothing
 * came a packet is silence. What the two clocks differ by is made up one frame a packet, by interpolation; latency
 * is the smallest that the portions and their lateness allow. No locks, no allocation, no clock of its own.
 *
 * A frame is one sample of each channel. Thread: one producer (push), one consumer (all else).
 */

#define AUDIO_RATE_HZ	   48000u
#define AUDIO_MAX_CHANNELS 8u
#define AUDIO_MAX_PACKET   480u /* frames: 10 ms */

/* A third of a second: several of the largest portions (2048 by PipeWire's own limit, 8192 if a person set so). */
#define AUDIO_PACE_FRAMES 16384u
/* What is left in the ring when the next portion comes: as little as goes well. */
#define AUDIO_PACE_MARGIN_MIN 96u   /* 2 ms */
#define AUDIO_PACE_MARGIN     192u  /* 4 ms, to begin with */
#define AUDIO_PACE_MARGIN_MAX 1920u /* 40 ms: lateness beyond that is heard */

struct audio_pace {
	unsigned channels;
	float *ring;
	_Atomic uint32_t head, tail; /* free-running, in frames */
	_Atomic uint32_t portion;    /* the largest push since the last pause */
	_Atomic uint64_t pushed_ns;  /* when the last portion came; written after head */
	_Atomic uint64_t n_lost;     /* frames that found no room */

	/* the consumer's own */
	uint32_t packet;   /* frames */
	bool running;	   /* false: a pause, until something comes */
	bool fade;	   /* the next packet begins from silence */
	uint32_t lead;	   /* silent frames to be read before those of the ring */
	uint32_t margin;   /* the aim */
	uint32_t low;	   /* the youngest that a packet's end was in this window, in frames */
	uint32_t n_window; /* packets in this window */
	uint32_t n_calm;   /* windows since the last gap */
	int32_t steps;	   /* frames to leave out (> 0) or to add */
	uint64_t dry_ns;   /* when the ring ran dry, 0 = never */
	uint64_t n_gaps, n_stepped, n_skipped;
	float scratch[(AUDIO_MAX_PACKET + 2) * AUDIO_MAX_CHANNELS];
};

/* Errors: PF_E_INVALID (channels), PF_E_NOMEM. */
int audio_pace_init(struct audio_pace *p, unsigned channels) PF_MUST_CHECK;
void audio_pace_finish(struct audio_pace *p); /* takes one that is zeroed */

/* Interleaved; copied. now_ns: CLOCK_MONOTONIC. What finds no room is lost and counted. Thread: the producer. */
void audio_pace_push(
	struct audio_pace *p, const float *samples, uint32_t n_frames, uint64_t now_ns);

/* A new reader: what waits is old and goes. packet: frames, at most AUDIO_MAX_PACKET. */
void audio_pace_begin(struct audio_pace *p, uint32_t packet);
/*
 * One packet of samples, always. now_ns: CLOCK_MONOTONIC, once for each packet's time. Returns false when all of it
 * is silence because nothing came.
 */
bool audio_pace_pull(struct audio_pace *p, float *out, uint64_t now_ns);
/* How long before a pull the packet's first sample was played, about. */
uint64_t audio_pace_delay_ns(const struct audio_pace *p);

#endif
