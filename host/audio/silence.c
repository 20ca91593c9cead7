/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdlib.h>

#include "host/audio/source.h"

/* Nothing is ever played: the reader makes the silence. */

static void silence_destroy(struct audio_source *base)
{
	audio_source_finish(base);
	free(base);
}

static int silence_create(struct audio_source **out, const struct audio_source_params *params)
{
	struct audio_source *s = calloc(1, sizeof(*s));
	if (!s)
		return PF_E_NOMEM;
	int err = audio_source_init(s, &audio_silence_impl, params);
	if (err < 0)
		silence_destroy(s);
	else
		*out = s;
	return err;
}

const struct audio_source_impl audio_silence_impl = {
	.name = "off",
	.create = silence_create,
	.destroy = silence_destroy,
};
