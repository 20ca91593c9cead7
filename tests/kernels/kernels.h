/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_KERNELS_KERNELS_H
#define TESTS_KERNELS_KERNELS_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/cpu.h"

/*
 * What the kernel tests share. No test library, so that they also run where none is installed: for
 * another architecture, under an emulator (ci/arm64).
 */

static const struct {
	const char *name;
	uint32_t flags;
} levels[] = {
	{"c", 0},
	{"ssse3", PF_CPU_SSSE3},
	{"avx2", PF_CPU_SSSE3 | PF_CPU_AVX2},
	{"avx512", PF_CPU_SSSE3 | PF_CPU_AVX2 | PF_CPU_AVX512},
	{"gfni", PF_CPU_SSSE3 | PF_CPU_AVX2 | PF_CPU_AVX512 | PF_CPU_GFNI},
	{"neon", PF_CPU_NEON},
};

#define N_LEVELS (sizeof(levels) / sizeof(levels[0]))

static inline int level_here(size_t l)
{
	return (levels[l].flags & pf_cpu_flags()) == levels[l].flags;
}

/* xorshift64*: the state must not be 0. */
static inline uint64_t rnd(uint64_t *state)
{
	uint64_t x = *state;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545F4914F6CDD1Du;
}

static inline void rnd_bytes(uint64_t *state, uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		p[i] = (uint8_t)(rnd(state) >> 32);
}

#endif
