/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_CLIENT_H264_SOURCE_H
#define TESTS_CLIENT_H264_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A small H.264 stream for tests: libx264 as the host uses it (no delay, slices, in-band headers). */

struct h264_source;

struct h264_source *h264_source_create(uint32_t width, uint32_t height, int slices);
void h264_source_destroy(struct h264_source *s); /* takes NULL */
/* The luma plane that the next unit shows; stride = width. */
uint8_t *h264_source_luma(struct h264_source *s);
/* One access unit in Annex B; borrowed until the next call. */
size_t h264_source_next(struct h264_source *s, bool keyframe, const uint8_t **out);

#endif
