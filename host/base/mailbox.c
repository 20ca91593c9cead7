/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/mailbox.h"

#include <stdatomic.h>
#include <stddef.h>

#include "host/base/futex.h"
#include "host/media/clock.h"

void mailbox_init(struct mailbox *m)
{
	atomic_init(&m->item, NULL);
	atomic_init(&m->signal, 0);
	atomic_init(&m->waiting, 0);
	atomic_init(&m->woken, false);
	atomic_init(&m->closed, false);
}

/*
 * The bump comes before the look at `waiting`, and the waiter sets `waiting` before the kernel compares
 * the word: one of the two always sees the other, so no wake is lost and none is paid for nothing.
 */
static void signal_consumer(struct mailbox *m)
{
	atomic_fetch_add(&m->signal, 1);
	if (atomic_load(&m->waiting))
		futex_wake_one(&m->signal);
}

void *mailbox_put(struct mailbox *m, void *item)
{
	void *old = atomic_exchange(&m->item, item);
	signal_consumer(m);
	return old;
}

void *mailbox_take(struct mailbox *m, uint64_t timeout_ns)
{
	uint64_t deadline_ns = UINT64_MAX;
	if (timeout_ns && timeout_ns != UINT64_MAX &&
		__builtin_add_overflow(clock_now_ns(), timeout_ns, &deadline_ns))
		deadline_ns = UINT64_MAX;

	for (;;) {
		uint32_t seen = atomic_load(&m->signal);
		void *item = atomic_exchange(&m->item, NULL);
		if (item || !timeout_ns)
			return item;
		if (atomic_exchange(&m->woken, false) || atomic_load(&m->closed))
			return NULL;
		if (deadline_ns != UINT64_MAX && clock_now_ns() >= deadline_ns)
			return NULL;
		atomic_store(&m->waiting, 1);
		futex_wait(&m->signal, seen, deadline_ns);
		atomic_store(&m->waiting, 0);
	}
}

void mailbox_wake(struct mailbox *m)
{
	atomic_store(&m->woken, true);
	signal_consumer(m);
}

void mailbox_close(struct mailbox *m)
{
	atomic_store(&m->closed, true);
	signal_consumer(m);
}

bool mailbox_closed(struct mailbox *m)
{
	return atomic_load(&m->closed);
}
