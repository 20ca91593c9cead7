/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "connector/ring.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "connector/internal.h"
#include "core/base/alloc.h"

int ring_cond_init(pthread_cond_t *cond)
{
	pthread_condattr_t attr;
	if (pthread_condattr_init(&attr))
		return PF_E_NOMEM;
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	int err = pthread_cond_init(cond, &attr);
	pthread_condattr_destroy(&attr);
	return err ? PF_E_NOMEM : PF_OK;
}

bool ring_cond_wait(pthread_cond_t *cond, pthread_mutex_t *lock, uint64_t until_ns)
{
	struct timespec ts = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};
	return pthread_cond_timedwait(cond, lock, &ts) != ETIMEDOUT;
}

int ring_init(struct ring *r, size_t item_len, size_t n)
{
	*r = (struct ring){.item_len = (item_len + 7) & ~(size_t)7, .n = n};
	r->mem = pf_calloc(n + 1, r->item_len);
	if (!r->mem)
		return PF_E_NOMEM;
	if (pthread_mutex_init(&r->lock, NULL) || ring_cond_init(&r->cond) < 0) {
		pf_free(r->mem);
		*r = (struct ring){0};
		return PF_E_NOMEM;
	}
	r->ready = true;
	return PF_OK;
}

void ring_finish(struct ring *r)
{
	if (!r->ready)
		return;
	pthread_cond_destroy(&r->cond);
	pthread_mutex_destroy(&r->lock);
	pf_free(r->mem);
	*r = (struct ring){0};
}

static uint8_t *slot(struct ring *r, size_t i)
{
	return r->mem + i * r->item_len;
}

void ring_push(struct ring *r, const void *item, size_t len)
{
	pf_check(len <= r->item_len);
	pthread_mutex_lock(&r->lock);
	if (r->count == r->n) {
		r->head = (r->head + 1) % r->n;
		r->count--;
		r->n_dropped++;
	}
	memcpy(slot(r, (r->head + r->count) % r->n), item, len);
	r->count++;
	pthread_cond_signal(&r->cond);
	pthread_mutex_unlock(&r->lock);
}

int ring_pop(struct ring *r, void **item, uint32_t timeout_ms)
{
	uint64_t until = timeout_ms ? session_now_ns() + timeout_ms * 1000000ull : 0;
	int err = PF_OK;
	pthread_mutex_lock(&r->lock);
	while (!r->count && !r->closed && timeout_ms && ring_cond_wait(&r->cond, &r->lock, until))
		;
	if (r->count) {
		memcpy(slot(r, r->n), slot(r, r->head), r->item_len);
		r->head = (r->head + 1) % r->n;
		r->count--;
		*item = slot(r, r->n);
	} else {
		err = r->closed ? PF_E_CLOSED : PF_E_NO_FRAME;
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}

void ring_close(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	r->closed = true;
	pthread_cond_broadcast(&r->cond);
	pthread_mutex_unlock(&r->lock);
}

uint64_t ring_dropped(struct ring *r)
{
	pthread_mutex_lock(&r->lock);
	uint64_t n = r->n_dropped;
	pthread_mutex_unlock(&r->lock);
	return n;
}
