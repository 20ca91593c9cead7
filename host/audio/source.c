/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/audio/source.h"

#include <string.h>

#include "host/base/log.h"

#if defined(HAVE_PIPEWIRE) && HAVE_PIPEWIRE
#define PIPEWIRE_BUILT 1
#else
#define PIPEWIRE_BUILT 0
#endif

static const struct audio_source_impl *const impls[] = {
#if PIPEWIRE_BUILT
	&audio_pipewire_impl,
#endif
	&audio_silence_impl, /* a tone that nobody asked for would be worse than none */
	&audio_tone_impl,
};

static const struct audio_source_impl *find_impl(const char *name)
{
	if (!name || !strcmp(name, "auto"))
		return impls[0];
	for (size_t i = 0; i < sizeof(impls) / sizeof(impls[0]); i++)
		if (!strcmp(impls[i]->name, name))
			return impls[i];
	return NULL;
}

bool audio_source_known(const char *name)
{
	return find_impl(name);
}

static bool id_is_sane(const char *id)
{
	size_t len = id ? strlen(id) : 0;
	return len && len <= AUDIO_ID_MAX &&
		strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

int audio_source_create(
	struct audio_source **out, const char *name, const struct audio_source_params *params)
{
	*out = NULL;
	const struct audio_source_impl *impl = find_impl(name);
	if (!impl) {
		log_error("audio: no source '%s' in this build; it has%s tone and off", name,
			PIPEWIRE_BUILT ? " pipewire," : "");
		return PF_E_UNSUPPORTED;
	}
	unsigned n = params->channels;
	if ((n != 2 && n != 6 && n != 8) || !id_is_sane(params->id) || !params->label)
		return PF_E_INVALID;
	int err = impl->create(out, params);
	if (err < 0)
		*out = NULL;
	return err;
}

void audio_source_destroy(struct audio_source *s)
{
	if (s)
		s->impl->destroy(s);
}

int audio_source_init(struct audio_source *s, const struct audio_source_impl *impl,
	const struct audio_source_params *params)
{
	s->impl = impl;
	int err = audio_pace_init(&s->pace, params->channels);
	if (err >= 0)
		audio_pace_begin(&s->pace, AUDIO_MAX_PACKET);
	return err;
}

void audio_source_finish(struct audio_source *s)
{
	audio_pace_finish(&s->pace);
}

unsigned audio_source_channels(const struct audio_source *s)
{
	return s->pace.channels;
}

void audio_source_begin(struct audio_source *s, uint32_t packet_frames)
{
	audio_pace_begin(&s->pace, packet_frames);
}

bool audio_source_read(struct audio_source *s, float *out, uint64_t now_ns)
{
	return audio_pace_pull(&s->pace, out, now_ns);
}

uint64_t audio_source_delay_ns(const struct audio_source *s)
{
	return audio_pace_delay_ns(&s->pace);
}

void audio_source_env(const struct audio_source *s, struct audio_env *env)
{
	memset(env, 0, sizeof(*env));
	if (s->caps.env)
		s->impl->env(s, env);
}
