/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_X265_LEAKS_H
#define TESTS_X265_LEAKS_H

/*
 * libx265 (3.5) keeps some of what each encoder allocates for good. Asked by the leak sanitizer where it is linked;
 * included once a program.
 */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
	return "leak:libx265";
}

#endif
