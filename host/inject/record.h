/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_INJECT_RECORD_H
#define HOST_INJECT_RECORD_H

#include <stddef.h>

#include "host/inject/inject.h"

/*
 * With inject_params.record_path each event is also a line at the end of that file, its numbers in decimal, those of
 * record_event behind the name of their kind ("key 30 1 0 0 0"); "rich" is followed by the bytes of pf_rich_write().
 */
enum record_kind {
	RECORD_KEY,	 /* a = code, b = down */
	RECORD_BUTTON,	 /* a = code, b = down */
	RECORD_MOTION,	 /* a = dx, b = dy */
	RECORD_ABSOLUTE, /* a = x, b = y, c = width, d = height */
	RECORD_SCROLL,	 /* a = horizontal, b = amount */
	RECORD_SMOOTH,	 /* a = horizontal, b = amount in 256ths, c = source */
	RECORD_TEXT,	 /* a = character */
	RECORD_TOUCH,	 /* a = kind, b = id, c = x, d = y */
	RECORD_PAD,	 /* a = kind, b = code, c = x, d = y, e = flags */
	RECORD_RICH,	 /* a = kind, b = pad */
	RECORD_CLAIM,
};

struct record_event {
	enum record_kind kind;
	int32_t a, b, c, d, e;
};

/* The newest this many are kept. */
#define RECORD_SLOTS 256u

/* How many events the backend was given since the last clear, kept or not. */
size_t record_count(const struct inject *base);
/* Event n of those; NULL when n is not kept (too old, or not there yet). */
const struct record_event *record_get(const struct inject *base, size_t n);
/* As a backend that has no touch. */
void record_without_touch(struct inject *base);
void record_clear(struct inject *base);

#endif
