/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_SUPPORT_PW_SOURCE_H
#define TESTS_SUPPORT_PW_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * A node that sends pictures, as a compositor has one: in this process, on a thread of its own. Every pixel of picture
 * n is n * 0x00010101 (its lowest byte in each channel); damage says rows n % height to + 4.
 */

enum pw_source_memory {
	PW_SOURCE_SEALED,	  /* memfd, as Mutter's */
	PW_SOURCE_UNSEALED,	  /* its owner could make it shorter, and with `shrinks` does */
	PW_SOURCE_POINTER,	  /* the daemon's */
	PW_SOURCE_SEALS_NOT_TRUE, /* says that it is larger than it is */
};

enum pw_source_chunk {
	PW_SOURCE_GOOD,
	PW_SOURCE_BAD_STRIDE,
	PW_SOURCE_NEGATIVE_STRIDE,
	PW_SOURCE_BAD_OFFSET,
	PW_SOURCE_BAD_SIZE,
	PW_SOURCE_CORRUPTED, /* only the pointer is in it */
	PW_SOURCE_EMPTY,
	PW_SOURCE_CHUNKS,
};

struct pw_source_params {
	uint32_t width,
		height; /* 0: any, and what is asked for is made, as Mutter's virtual monitors */
	uint32_t interval_ms;
	uint32_t n_buffers; /* 0 = as the other side likes */
	enum pw_source_memory memory;
	const char *name; /* NULL = "test-source" */
	bool cursor;
	bool planar;  /* only formats that nobody takes */
	bool hangs;   /* says nothing more as soon as it is there */
	bool silent;  /* agrees, and sends nothing */
	bool still;   /* a screen at rest: one picture each time that it begins to stream */
	bool shrinks; /* with UNSEALED: makes its memory shorter */
};

struct pw_source;

struct pw_source *pw_source_start(
	const struct pw_source_params *params); /* NULL = it did not work */
void pw_source_stop(struct pw_source *s);
uint32_t pw_source_node(const struct pw_source *s);
/* The display's: as Mutter's, it takes a rate only together with another size. */
void pw_source_mode(
	const struct pw_source *s, uint32_t *width, uint32_t *height, uint32_t *refresh_mhz);
/* The limit of the rate that was agreed on last. */
uint32_t pw_source_limit(const struct pw_source *s);
/* Of a size of its own: it takes another one. */
void pw_source_resize(struct pw_source *s, uint32_t width, uint32_t height);
uint64_t pw_source_sent(const struct pw_source *s);
/* How the chunks are from now on. */
void pw_source_chunks(struct pw_source *s, enum pw_source_chunk chunk);
/* Sends nothing for now; pointer: but its place, in buffers without a picture. */
void pw_source_pause(struct pw_source *s, bool paused, bool pointer);

#endif
