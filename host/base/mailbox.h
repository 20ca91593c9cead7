/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_BASE_MAILBOX_H
#define HOST_BASE_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * A mailbox of one between two threads, newest wins: put() replaces what was not taken and hands the
 * replaced item back to be released. Lock-free (one atomic pointer) with a futex for the waiter.
 */
struct mailbox {
	_Atomic(void *) item;
	_Atomic uint32_t signal; /* futex word: bumped by every put and wake */
	_Atomic uint32_t waiting;
	_Atomic bool woken; /* a mailbox_wake() that no wait has used up */
	_Atomic bool closed;
};

void mailbox_init(struct mailbox *m);
/* Returns the item that was replaced, to be released by the caller, or NULL. Thread: any producer. */
void *mailbox_put(struct mailbox *m, void *item);
/*
 * Takes the item; waits up to timeout_ns (0 = do not wait, UINT64_MAX = for ever) for one or for a
 * mailbox_wake(). NULL: timeout, wake or closed. Thread: one consumer.
 */
void *mailbox_take(struct mailbox *m, uint64_t timeout_ns);
/* Ends one wait (present or next) without an item. Thread: any. */
void mailbox_wake(struct mailbox *m);
/*
 * Ends every wait, for good. An item that is there, or is put later, can still be taken: the owner does
 * so once, after the producers stopped, to release it. Thread: any.
 */
void mailbox_close(struct mailbox *m);
bool mailbox_closed(struct mailbox *m);

#endif
