/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include "core/base/cpu.h"

static void levels_imply_each_other(void **state)
{
	(void)state;
	uint32_t f = pf_cpu_flags();
	assert_true(!(f & PF_CPU_AVX2) || f & PF_CPU_SSSE3);
	assert_true(!(f & PF_CPU_AVX512) || f & PF_CPU_AVX2);
	assert_true(!(f & PF_CPU_GFNI) || f & PF_CPU_AVX512);
	assert_true(!(f & PF_CPU_NEON) || f == PF_CPU_NEON);
	assert_int_equal(f, pf_cpu_flags());
}

/* What the compiler's own detection says, where it has one. */
static void flags_are_those_of_the_machine(void **state)
{
	(void)state;
#if defined(__x86_64__)
	uint32_t f = pf_cpu_flags();
	assert_int_equal(!!(f & PF_CPU_SSSE3), !!__builtin_cpu_supports("ssse3"));
	assert_int_equal(!!(f & PF_CPU_AVX2), !!__builtin_cpu_supports("avx2"));
	assert_int_equal(!!(f & PF_CPU_AVX512),
		__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
			__builtin_cpu_supports("avx512dq"));
#elif defined(__aarch64__)
	assert_int_equal(pf_cpu_flags(), PF_CPU_NEON);
#else
	skip();
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(levels_imply_each_other),
		cmocka_unit_test(flags_are_those_of_the_machine),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
