/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_MOONLIGHT_H264_H
#define TESTS_MOONLIGHT_H264_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the synthetic source's pictures through libavcodec. Thread: one. */

struct moon_h264;

struct moon_h264 *moon_h264_create(void);    /* NULL: no decoder in this build */
void moon_h264_destroy(struct moon_h264 *d); /* takes NULL */
/* True: one picture came of it at once, without an error, and its mark is whole; *mark is its number. */
bool moon_h264_decode(struct moon_h264 *d, const uint8_t *au, size_t len, uint64_t *mark);
/* Of the newest picture; left alone when there was none. */
void moon_h264_size(const struct moon_h264 *d, unsigned *width, unsigned *height);

#endif
