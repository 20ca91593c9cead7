/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_SESSION_CURSOR_H
#define HOST_SESSION_CURSOR_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "host/media/cursor.h"

/* The newest of the pointer, from the capture's thread to the loop: no lock, and nothing queues up. Zeroed at first. */
struct cursor_relay {
	_Atomic(struct cursor_shape *) shape; /* that the loop has not taken */
	_Atomic uint64_t place;		      /* x, y */
	_Atomic uint64_t look;		      /* serial, visible */
	_Atomic bool posted;		      /* the loop was told and has not looked yet */
};

/* Returns whether the loop is to be told. Thread: capture's. */
bool cursor_relay_put(
	struct cursor_relay *r, struct cursor_shape *shape, const struct cursor_state *state);
/* What was put that could not be told: the next one tries again. Thread: capture's. */
void cursor_relay_untold(struct cursor_relay *r);
/* The newest; the shape is the caller's, NULL = the one of before. Thread: the loop. */
struct cursor_shape *cursor_relay_take(struct cursor_relay *r, struct cursor_state *state);

#endif
