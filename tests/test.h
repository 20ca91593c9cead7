/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_TEST_H
#define TESTS_TEST_H

/* cmocka with the headers that it wants before it, and a small deterministic random source. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* Built with a sanitizer: everything takes longer, and memory that was freed is kept for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_SLOW 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_SLOW 1
#endif
#endif
#ifndef TEST_SLOW
#define TEST_SLOW 0
#endif

/*
 * Makes a folder in $TMPDIR (else /tmp) and writes its path to out. `make test` gives each run a TMPDIR that is
 * removed also when a test is killed. Returns 0, or -1 when it cannot be made.
 */
static inline int test_folder(char *out, size_t cap, const char *name)
{
	const char *tmp = getenv("TMPDIR");
	const int n = snprintf(out, cap, "%s/%s.XXXXXX", tmp && *tmp ? tmp : "/tmp", name);
	return n < 0 || (size_t)n >= cap || !mkdtemp(out) ? -1 : 0;
}

/* xorshift64*: seed must not be 0. */
static inline uint64_t test_rand(uint64_t *state)
{
	uint64_t x = *state;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545F4914F6CDD1Du;
}

#endif
