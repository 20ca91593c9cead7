/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "bench/stream/stream.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "host/media/clock.h"

#define MAX_SAMPLES 100000u

struct bench_wake {
	pthread_t waker, sleeper;
	int fd;
	uint64_t interval_ns;
	_Atomic bool stop;
	_Atomic uint64_t rung_ns;
	size_t n;
	uint64_t samples[MAX_SAMPLES];
};

static void *sleeper(void *userdata)
{
	struct bench_wake *w = userdata;
	uint64_t count;
	while (read(w->fd, &count, sizeof(count)) == sizeof(count)) {
		uint64_t now_ns = clock_now_ns();
		if (atomic_load(&w->stop))
			break;
		if (w->n < MAX_SAMPLES)
			w->samples[w->n++] = now_ns - atomic_load(&w->rung_ns);
	}
	return NULL;
}

static void *waker(void *userdata)
{
	struct bench_wake *w = userdata;
	struct timespec pause = {0, (long)w->interval_ns};
	bool stop;
	do {
		nanosleep(&pause, NULL);
		stop = atomic_load(&w->stop);
		uint64_t one = 1;
		atomic_store(&w->rung_ns, clock_now_ns());
		if (write(w->fd, &one, sizeof(one)) != sizeof(one))
			break;
	} while (!stop);
	return NULL;
}

struct bench_wake *bench_wake_start(double interval_s)
{
	struct bench_wake *w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->interval_ns = (uint64_t)(interval_s * 1e9);
	w->fd = eventfd(0, EFD_CLOEXEC);
	if (w->fd < 0 || pthread_create(&w->sleeper, NULL, sleeper, w)) {
		free(w);
		return NULL;
	}
	if (pthread_create(&w->waker, NULL, waker, w))
		abort();
	return w;
}

size_t bench_wake_stop(struct bench_wake *w, uint64_t **samples)
{
	atomic_store(&w->stop, true);
	pthread_join(w->waker, NULL);
	pthread_join(w->sleeper, NULL);
	close(w->fd);
	size_t n = w->n;
	*samples = calloc(n ? n : 1, sizeof(**samples));
	for (size_t i = 0; *samples && i < n; i++)
		(*samples)[i] = w->samples[i];
	free(w);
	return *samples ? n : 0;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

void bench_sort(uint64_t *values, size_t n)
{
	if (n)
		qsort(values, n, sizeof(*values), compare);
}

uint64_t bench_percentile(uint64_t *values, size_t n, double p)
{
	if (!n)
		return 0;
	bench_sort(values, n);
	size_t at = (size_t)(p / 100.0 * (double)(n - 1) + 0.5);
	return values[at];
}
