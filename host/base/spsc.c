/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/base/spsc.h"

#include <stdatomic.h>

#include "host/base/futex.h"
#include "host/media/clock.h"

_Static_assert((SPSC_SLOTS & (SPSC_SLOTS - 1)) == 0, "free-running indices need a power of two");

void spsc_init(struct spsc *s)
{
	atomic_init(&s->head, 0);
	atomic_init(&s->tail, 0);
	atomic_init(&s->signal, 0);
	atomic_init(&s->waiting, 0);
	atomic_init(&s->closed, false);
	atomic_init(&s->woken, false);
	for (unsigned i = 0; i < SPSC_SLOTS; i++)
		s->slots[i] = NULL;
}

/* Bump, then look at `waiting`: the same handshake as mailbox.c. */
static void signal_consumer(struct spsc *s)
{
	atomic_fetch_add(&s->signal, 1);
	if (atomic_load(&s->waiting))
		futex_wake_one(&s->signal);
}

bool spsc_push(struct spsc *s, void *item)
{
	uint32_t head = atomic_load_explicit(&s->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&s->tail, memory_order_acquire);
	if (head - tail >= SPSC_SLOTS || atomic_load(&s->closed))
		return false;
	s->slots[head % SPSC_SLOTS] = item;
	atomic_store_explicit(&s->head, head + 1, memory_order_release);
	signal_consumer(s);
	return true;
}

void *spsc_pop(struct spsc *s, uint64_t timeout_ns)
{
	uint64_t deadline_ns = UINT64_MAX;
	if (timeout_ns && timeout_ns != UINT64_MAX &&
		__builtin_add_overflow(clock_now_ns(), timeout_ns, &deadline_ns))
		deadline_ns = UINT64_MAX;

	for (;;) {
		uint32_t seen = atomic_load(&s->signal);
		/* Before head: an item that was pushed before the close is still found. */
		bool closed = atomic_load(&s->closed);
		uint32_t tail = atomic_load_explicit(&s->tail, memory_order_relaxed);
		if (atomic_load_explicit(&s->head, memory_order_acquire) != tail) {
			void *item = s->slots[tail % SPSC_SLOTS];
			atomic_store_explicit(&s->tail, tail + 1, memory_order_release);
			return item;
		}
		if (atomic_exchange(&s->woken, false) || !timeout_ns || closed)
			return NULL;
		if (deadline_ns != UINT64_MAX && clock_now_ns() >= deadline_ns)
			return NULL;
		atomic_store(&s->waiting, 1);
		futex_wait(&s->signal, seen, deadline_ns);
		atomic_store(&s->waiting, 0);
	}
}

void spsc_close(struct spsc *s)
{
	atomic_store(&s->closed, true);
	signal_consumer(s);
}

bool spsc_closed(struct spsc *s)
{
	return atomic_load(&s->closed);
}

void spsc_wake(struct spsc *s)
{
	atomic_store(&s->woken, true);
	signal_consumer(s);
}

size_t spsc_len(struct spsc *s)
{
	/* tail first: it never overtakes a head that is read later. */
	uint32_t tail = atomic_load(&s->tail);
	uint32_t filled = atomic_load(&s->head) - tail;
	return filled < SPSC_SLOTS ? filled : SPSC_SLOTS;
}
