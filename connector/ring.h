/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CONNECTOR_RING_H
#define CONNECTOR_RING_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * One plane between the library's thread and the one that pulls it: items of one size, the oldest dropped
 * when nobody pulls. All memory is taken by init.
 * Thread: push and close one, pop another one, get_dropped any.
 */
struct ring { /* zeroed = nothing to finish; all fields private */
	pthread_mutex_t lock;
	pthread_cond_t cond;
	uint8_t *mem; /* n slots, and one more for what was popped last */
	size_t item_len, n, head, count;
	uint64_t n_dropped;
	bool ready, closed;
};

int ring_init(struct ring *r, size_t item_len, size_t n) PF_MUST_CHECK;
void ring_finish(struct ring *r);
/* Copies `len` bytes, the rest of the slot is left as it is. */
void ring_push(struct ring *r, const void *item, size_t len);
/*
 * *item stays until the next pop. Waits up to timeout_ms. Errors: PF_E_NO_FRAME, PF_E_CLOSED (closed and
 * nothing left).
 */
int ring_pop(struct ring *r, void **item, uint32_t timeout_ms) PF_MUST_CHECK;
void ring_close(struct ring *r);
uint64_t ring_dropped(struct ring *r);

/* A condition variable that waits by CLOCK_MONOTONIC. Errors: PF_E_NOMEM. */
int ring_cond_init(pthread_cond_t *cond) PF_MUST_CHECK;
/* Waits once, until then at most. Returns false when the time is over. */
bool ring_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ns);

#endif
