/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_BASE_CPU_H
#define PF_BASE_CPU_H

#include <stdint.h>

/* What kernels may be chosen by. A level implies those before it on the same architecture. */
enum pf_cpu_flag {
	PF_CPU_SSSE3 = 1 << 0,
	PF_CPU_AVX2 = 1 << 1,
	PF_CPU_AVX512 = 1 << 2, /* F, BW, DQ and VL */
	PF_CPU_GFNI = 1 << 3,	/* with 512-bit registers */
	PF_CPU_NEON = 1 << 8,
};

/*
 * The flags of this machine and operating system, found anew at each call (a few microseconds in a
 * virtual machine: call it when objects are created). Whoever wants to force a lower level clears
 * bits in what it returns. Thread: any.
 */
uint32_t pf_cpu_flags(void);

#endif
