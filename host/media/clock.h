/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_MEDIA_CLOCK_H
#define HOST_MEDIA_CLOCK_H

#include <stdint.h>
#include <time.h>

/* The two clocks in use: monotonic for deadlines and stages, realtime for what goes on the wire (wire 7.3). */
static inline uint64_t clock_now_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_realtime_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A monotonic stamp as a realtime one, by the difference of the two clocks now. */
static inline uint64_t clock_to_realtime_ns(uint64_t monotonic_ns)
{
	return clock_realtime_ns() - clock_now_ns() + monotonic_ns;
}

#endif
