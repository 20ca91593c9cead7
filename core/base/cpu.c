/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/cpu.h"

#if defined(__x86_64__)
#include <cpuid.h>

#define XCR0_AVX    0x06u /* XMM and YMM state are saved by the kernel */
#define XCR0_AVX512 0xe6u /* and the mask registers and both halves of ZMM */

static uint32_t xcr0(void)
{
	uint32_t lo, hi;
	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo;
}

uint32_t pf_cpu_flags(void)
{
	uint32_t flags = 0, a, b, c, d;
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3))
		return 0;
	flags |= PF_CPU_SSSE3;
	uint32_t saved = c & bit_OSXSAVE ? xcr0() : 0;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return flags;
	if ((saved & XCR0_AVX) != XCR0_AVX || !(b & bit_AVX2))
		return flags;
	flags |= PF_CPU_AVX2;
	const uint32_t avx512 = bit_AVX512F | bit_AVX512BW | bit_AVX512DQ | bit_AVX512VL;
	if ((saved & XCR0_AVX512) != XCR0_AVX512 || (b & avx512) != avx512)
		return flags;
	flags |= PF_CPU_AVX512;
	return c & bit_GFNI ? flags | PF_CPU_GFNI : flags;
}

#elif defined(__aarch64__)

/* Part of the base architecture. */
uint32_t pf_cpu_flags(void)
{
	return PF_CPU_NEON;
}

#else

uint32_t pf_cpu_flags(void)
{
	return 0;
}

#endif
