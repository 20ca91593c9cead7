/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_BASE_SPSC_H
#define HOST_BASE_SPSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* A bounded ring of pointers, single producer, single consumer, lock-free, with a futex for the waiter. */
#define SPSC_SLOTS 8u

struct spsc {
	_Atomic uint32_t head, tail; /* free-running; head - tail = filled */
	_Atomic uint32_t signal, waiting;
	_Atomic bool closed;
	_Atomic bool woken; /* an spsc_wake() that no wait has used up */
	void *slots[SPSC_SLOTS];
};

void spsc_init(struct spsc *s);
/* false: full or closed; the caller keeps the item. Thread: the producer. */
bool spsc_push(struct spsc *s, void *item);
/* NULL: timeout, woken, or closed and empty. timeout as in mailbox_take(). Thread: the consumer. */
void *spsc_pop(struct spsc *s, uint64_t timeout_ns);
void spsc_close(struct spsc *s); /* Thread: any */
bool spsc_closed(struct spsc *s);
/* Ends one wait (present or next) on an empty ring. Thread: any. */
void spsc_wake(struct spsc *s);
size_t spsc_len(struct spsc *s);

#endif
