/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_BASE_THREAD_H
#define HOST_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

#include "core/base/error.h"

/*
 * Every thread of the host is started here: name (15 characters are shown), all signals blocked, timer
 * slack 1 ns, and for the media threads a higher priority where the system allows it (nice -10; silently
 * normal otherwise).
 */
enum thread_kind { THREAD_NORMAL, THREAD_MEDIA };

struct thread {
	pthread_t id;
	bool running;
};

int thread_start(struct thread *t, const char *name, enum thread_kind kind, void (*fn)(void *),
	void *userdata) PF_MUST_CHECK;
/* Waits for the thread's end; takes one that was never started. */
void thread_join(struct thread *t);

#endif
