/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define ALLOC_ALIGN 64u /* a cache line, and the widest vector that a kernel loads */

void *pf_calloc(size_t n, size_t size)
{
	size_t len;
	if (__builtin_mul_overflow(n, size, &len) || len > SIZE_MAX - ALLOC_ALIGN)
		return NULL;
	len = (len + ALLOC_ALIGN - 1) & ~(size_t)(ALLOC_ALIGN - 1);
	void *p = aligned_alloc(ALLOC_ALIGN, len ? len : ALLOC_ALIGN);
	if (p)
		memset(p, 0, len ? len : ALLOC_ALIGN);
	return p;
}

void *pf_realloc(void *p, size_t len)
{
	return realloc(p, len ? len : 1);
}

void pf_free(void *p)
{
	free(p);
}

void pf_wipe(void *p, size_t len)
{
	if (!len)
		return;
	memset(p, 0, len);
	/* The asm makes the stores observable, so the compiler cannot drop them. */
	__asm__ __volatile__("" : : "r"(p) : "memory");
}

void pf_free_secret(void *p, size_t len)
{
	if (p)
		pf_wipe(p, len);
	free(p);
}
