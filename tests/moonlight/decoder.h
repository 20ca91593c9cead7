/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_DECODER_H
#define TESTS_MOONLIGHT_DECODER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the synthetic source's pictures through libavcodec. Thread: one. */

struct moon_decoder;

/* codec: as in struct moon_wish. NULL: no decoder in this build */
struct moon_decoder *moon_decoder_create(unsigned codec);
void moon_decoder_destroy(struct moon_decoder *d); /* takes NULL */
/*
 * True: one picture came of it at once, without an error, and its mark is whole; *mark is its number. AV1's encoder is
 * so sparing with a picture that hardly changes that marks blur: 0 then, and true.
 */
bool moon_decoder_decode(struct moon_decoder *d, const uint8_t *au, size_t len, uint64_t *mark);
/* Of the newest picture; left alone when there was none. */
void moon_decoder_size(const struct moon_decoder *d, unsigned *width, unsigned *height);

#endif
