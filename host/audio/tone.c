/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <math.h>
#include <stdlib.h>

#include "host/audio/source.h"
#include "host/base/futex.h"
#include "host/base/thread.h"
#include "host/media/clock.h"

/* A tone of its own for each channel, without end, so that a test (or a person) hears which is which. */

#define TONE_FRAMES 240u  /* 5 ms at a time */
#define TONE_LEVEL  0.25f /* -12 dB */
#define SECOND_NS   1000000000ull

static const unsigned tones_hz[AUDIO_MAX_CHANNELS] = {440, 587, 698, 220, 831, 1047, 1319, 1568};

struct tone {
	struct audio_source base;
	struct thread thread;
	_Atomic uint32_t quit; /* futex word */
	float samples[TONE_FRAMES * AUDIO_MAX_CHANNELS];
};

unsigned audio_tone_hz(unsigned channel)
{
	return channel < AUDIO_MAX_CHANNELS ? tones_hz[channel] : 0;
}

static struct tone *tone_from(struct audio_source *base)
{
	pf_check(base->impl == &audio_tone_impl);
	return (struct tone *)base;
}

/* The phase is counted in whole frames of a second, in which every tone has whole waves: it never drifts. */
static void make_samples(struct tone *t, uint64_t first)
{
	unsigned channels = audio_source_channels(&t->base);
	for (uint32_t i = 0; i < TONE_FRAMES; i++)
		for (unsigned c = 0; c < channels; c++) {
			uint64_t turn = (first + i) % AUDIO_RATE_HZ * tones_hz[c] % AUDIO_RATE_HZ;
			t->samples[i * channels + c] = TONE_LEVEL *
				sinf(2.0f * (float)M_PI * (float)turn / (float)AUDIO_RATE_HZ);
		}
}

static void run(void *userdata)
{
	struct tone *t = userdata;
	uint64_t start_ns = clock_now_ns(), n = 0;
	while (!atomic_load(&t->quit)) {
		uint64_t due_ns = start_ns + n * TONE_FRAMES * SECOND_NS / AUDIO_RATE_HZ;
		if (clock_now_ns() < due_ns) {
			futex_wait(&t->quit, 0, due_ns);
			continue;
		}
		make_samples(t, n++ * TONE_FRAMES);
		audio_pace_push(&t->base.pace, t->samples, TONE_FRAMES, clock_now_ns());
	}
}

static void tone_destroy(struct audio_source *base)
{
	struct tone *t = tone_from(base);
	atomic_store(&t->quit, 1);
	futex_wake_one(&t->quit);
	thread_join(&t->thread);
	audio_source_finish(base);
	free(t);
}

static int tone_create(struct audio_source **out, const struct audio_source_params *params)
{
	struct tone *t = calloc(1, sizeof(*t));
	if (!t)
		return PF_E_NOMEM;
	int err = audio_source_init(&t->base, &audio_tone_impl, params);
	if (err >= 0)
		err = thread_start(&t->thread, "pf-tone", THREAD_MEDIA, run, t);
	if (err < 0)
		tone_destroy(&t->base);
	else
		*out = &t->base;
	return err;
}

const struct audio_source_impl audio_tone_impl = {
	.name = "tone",
	.create = tone_create,
	.destroy = tone_destroy,
};
