/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/audio.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/base/bytes.h"
#include "host/audio/opus.h"
#include "host/audio/source.h"
#include "host/base/futex.h"
#include "host/base/log.h"
#include "host/base/thread.h"
#include "host/config/config.h"
#include "host/media/clock.h"

/* A thread that woke up later than that (the machine slept) begins anew: a burst would be thrown away anyway. */
#define LATE_NS	     100000000ull
#define CLOCK_SET_NS 1000000000ull

struct audio {
	struct audio_params params;
	struct audio_opus *opus;
	struct thread thread;
	_Atomic uint32_t quit; /* futex word */
	/* the thread's own, as samples */
	uint64_t last_pts_ns;
	uint32_t seq;
	unsigned n_quiet; /* packets of silence in a row */
	_Atomic uint64_t packets, silent, skipped, failed;
	float samples[AUDIO_MAX_PACKET * AUDIO_MAX_CHANNELS];
};

int audio_make_source(struct audio_source **out, const struct config *config, unsigned channels,
	const uint8_t *owner, const char *label)
{
	char id[AUDIO_ID_MAX + 1];
	snprintf(id, sizeof(id), "punktfunk-%08x", owner ? pf_get_be32(owner) : 0u);
	const struct audio_source_params params = {
		.channels = channels,
		.id = id,
		.label = label && *label ? label : "punktfunk",
	};
	return audio_source_create(out, config->audio, &params);
}

/* Times go forward, also where the delay has just grown; but a clock that somebody has set is followed. */
static uint64_t next_pts(struct audio *a, uint64_t due_ns)
{
	uint64_t pts_ns = clock_to_realtime_ns(due_ns) - audio_source_delay_ns(a->params.source);
	uint64_t least_ns = a->last_pts_ns + a->params.packet_ms * 500000ull;
	bool set_back = pts_ns + CLOCK_SET_NS < least_ns;
	a->last_pts_ns = pts_ns > least_ns || set_back ? pts_ns : least_ns;
	return a->last_pts_ns;
}

static bool rests(struct audio *a, bool sound)
{
	unsigned most = a->params.rest_ms / a->params.packet_ms;
	if (sound)
		a->n_quiet = 0;
	else if (a->n_quiet <= most)
		a->n_quiet++;
	return a->params.rest_ms && a->n_quiet > most;
}

static void make_packet(struct audio *a, uint64_t due_ns, uint64_t now_ns)
{
	const struct audio_params *p = &a->params;
	const uint8_t *data;
	bool sound = audio_source_read(p->source, a->samples, now_ns);
	if (rests(a, sound))
		return;
	uint64_t pts_ns = next_pts(a, due_ns);
	int n = audio_opus_encode(a->opus, a->samples, &data);
	if (n < 0) { /* cannot happen with sizes that create() took */
		atomic_fetch_add_explicit(&a->failed, 1, memory_order_relaxed);
		return;
	}
	if (!sound)
		atomic_fetch_add_explicit(&a->silent, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&a->packets, 1, memory_order_relaxed);
	p->packet(data, (size_t)n, a->seq++, pts_ns, p->userdata);
}

/* Packet n is due at start + n packets, so that rounding and lateness never add up. */
static void run(void *userdata)
{
	struct audio *a = userdata;
	uint64_t packet_ns = a->params.packet_ms * 1000000ull;
	uint64_t due_ns = clock_now_ns();
	while (!atomic_load(&a->quit)) {
		uint64_t now_ns = clock_now_ns();
		if (now_ns < due_ns) {
			futex_wait(&a->quit, 0, due_ns);
			continue;
		}
		if (now_ns - due_ns > LATE_NS) {
			uint64_t n = (now_ns - due_ns) / packet_ns;
			atomic_fetch_add_explicit(&a->skipped, n, memory_order_relaxed);
			due_ns += n * packet_ns;
		}
		make_packet(a, due_ns, now_ns);
		due_ns += packet_ns;
	}
}

int audio_start(struct audio **out, const struct audio_params *params)
{
	*out = NULL;
	if (!params->source || !params->packet)
		return PF_E_INVALID;
	struct audio *a = calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->params = *params;
	a->n_quiet = UINT32_MAX;
	int err = audio_opus_create(&a->opus, audio_source_channels(params->source),
		params->high_quality, params->packet_ms);
	if (err < 0)
		goto fail;
	audio_source_begin(params->source, AUDIO_RATE_HZ / 1000u * params->packet_ms);
	err = thread_start(&a->thread, "pf-audio", THREAD_MEDIA, run, a);
	if (err < 0)
		goto fail;
	*out = a;
	return PF_OK;
fail:
	audio_stop(a);
	return err;
}

void audio_stop(struct audio *a)
{
	if (!a)
		return;
	atomic_store(&a->quit, 1);
	futex_wake_one(&a->quit);
	thread_join(&a->thread);
	uint64_t failed = atomic_load(&a->failed);
	if (failed)
		log_warn("audio: Opus refused %llu packets", (unsigned long long)failed);
	audio_opus_destroy(a->opus);
	free(a);
}

void audio_get_stats(const struct audio *a, struct audio_stats *out)
{
	*out = (struct audio_stats){
		.packets = atomic_load(&a->packets),
		.silent = atomic_load(&a->silent),
		.skipped = atomic_load(&a->skipped),
	};
}
