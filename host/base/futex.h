/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_BASE_FUTEX_H
#define HOST_BASE_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/*
 * The two futex calls that mailbox.c and spsc.c are made of. Both are hints: a wait may end for no
 * reason, so callers test their condition again.
 */

/* Sleeps while *word == expected, until deadline_ns (CLOCK_MONOTONIC; UINT64_MAX = none). */
static inline void futex_wait(_Atomic uint32_t *word, uint32_t expected, uint64_t deadline_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(deadline_ns / 1000000000u),
		.tv_nsec = (long)(deadline_ns % 1000000000u),
	};
	syscall(SYS_futex, word, FUTEX_WAIT_BITSET_PRIVATE, expected,
		deadline_ns == UINT64_MAX ? NULL : &ts, NULL, FUTEX_BITSET_MATCH_ANY);
}

static inline void futex_wake_one(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif
