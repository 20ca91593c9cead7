/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_AUDIO_SOURCE_H
#define HOST_AUDIO_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/audio/pace.h"

/*
 * Where sound comes from: from create() to destroy(), whether somebody listens or not, so that programs that play
 * outlive the listener. A backend pushes interleaved samples at AUDIO_RATE_HZ into the ring, in the order FL FR FC
 * LFE RL RR SL SR, from a thread of its own; the listener reads packets. source.c checks arguments and picks the
 * backend; backends trust.
 */

struct audio_source;

struct audio_source_params {
	unsigned channels; /* 2, 6 or 8 */
	/*
	 * pipewire: what the sink is called. id: stable for a client, [a-z0-9-], at most AUDIO_ID_MAX; label: what
	 * a person sees. Copied.
	 */
	const char *id, *label;
	/* pipewire: the daemon's socket, as in PIPEWIRE_REMOTE; NULL = as the environment says. Copied. */
	const char *remote;
};

struct audio_source_caps {
	bool env; /* programs find their way to it through audio_source_env() */
};

#define AUDIO_ID_MAX   63u
#define AUDIO_ENV_VARS 2u
#define AUDIO_ENV_LEN  96u

/* For the environment of programs that are to be heard: "NAME=value". */
struct audio_env {
	unsigned n;
	char vars[AUDIO_ENV_VARS][AUDIO_ENV_LEN];
};

struct audio_source_impl {
	const char *name;
	/* What can fail later (a daemon that is not there) is not an error: there is silence meanwhile. */
	int (*create)(struct audio_source **out, const struct audio_source_params *params);
	void (*destroy)(struct audio_source *base); /* synchronous */
	/* with caps.env */
	void (*env)(const struct audio_source *base, struct audio_env *env);
};

struct audio_source {
	const struct audio_source_impl *impl;
	struct audio_source_caps caps; /* filled by create(), constant afterwards */
	struct audio_pace pace; /* made and freed by source.c's audio_source_init() and finish() */
};

extern const struct audio_source_impl audio_pipewire_impl; /* HAVE_PIPEWIRE */
extern const struct audio_source_impl audio_tone_impl;	   /* never picked by itself */
extern const struct audio_source_impl audio_silence_impl;

/*
 * name: "pipewire", "tone", "off" (silence), NULL or "auto" = PipeWire where it is built in, else silence.
 * Errors: PF_E_UNSUPPORTED (unknown or not built; logged), PF_E_INVALID, PF_E_NOMEM, PF_E_IO.
 */
int audio_source_create(struct audio_source **out, const char *name,
	const struct audio_source_params *params) PF_MUST_CHECK;
void audio_source_destroy(struct audio_source *s); /* takes NULL */
bool audio_source_known(const char *name);	   /* is it built in? */
unsigned audio_source_channels(const struct audio_source *s);

/* Thread: one listener at a time. As audio_pace_begin(), _pull() and _delay_ns(). */
void audio_source_begin(struct audio_source *s, uint32_t packet_frames);
bool audio_source_read(struct audio_source *s, float *out, uint64_t now_ns);
uint64_t audio_source_delay_ns(const struct audio_source *s);

/* env->n is 0 where programs need none. Thread: any. */
void audio_source_env(const struct audio_source *s, struct audio_env *env);

/* The frequency of a channel of the test tone. Each is apart from the others' harmonics. */
unsigned audio_tone_hz(unsigned channel);

/* --- for backends --- */

int audio_source_init(struct audio_source *s, const struct audio_source_impl *impl,
	const struct audio_source_params *params) PF_MUST_CHECK;
void audio_source_finish(struct audio_source *s);

#endif
