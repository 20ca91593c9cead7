/* SPDX-License-Identifier: MIT OR Apache-2.0 */

/* Scripts of the client. What is read is in order of time and within the bounds of the ABI. */
#include <string.h>

#include "client/play.h"
#include "fuzz/fuzz.h"

static void check_steps(const struct play *p)
{
	uint64_t at_ms = 0;
	FUZZ_CHECK(p->n_steps <= PLAY_STEPS_MAX);
	for (size_t i = 0; i < p->n_steps; i++) {
		const struct play_step *s = &p->steps[i];
		FUZZ_CHECK(s->at_ms >= at_ms && s->kind <= PLAY_KEYFRAME);
		at_ms = s->at_ms;
		if (s->kind == PLAY_INPUT)
			FUZZ_CHECK(s->input.kind <= PUNKTFUNK_INPUT_SMOOTH_SCROLL);
		if (s->kind == PLAY_RICH)
			FUZZ_CHECK(s->rich && s->rich->pad < PUNKTFUNK_PAD_MAX_COUNT);
		if (s->kind == PLAY_CLIP_SET || s->kind == PLAY_CLIP_GET)
			FUZZ_CHECK(s->text && strlen(s->text) == s->text_len && s->text_len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Its own memory, so that the sanitizer sees a read of one byte too many. */
	char *copy = malloc(size ? size : 1), message[PLAY_MESSAGE_MAX];
	struct play p;
	if (!copy)
		return 0;
	if (size)
		memcpy(copy, data, size);
	if (play_parse(&p, copy, size, message) == 0)
		check_steps(&p);
	play_finish(&p);
	free(copy);
	return 0;
}
