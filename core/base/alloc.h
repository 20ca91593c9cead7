/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_BASE_ALLOC_H
#define PF_BASE_ALLOC_H

#include <stddef.h>

/*
 * The core's only allocator (alloc.c is the only core object that may call malloc; ci/purity
 * checks). Used when objects are created and destroyed, never per packet or per frame.
 */

/* Zeroed memory of n * size bytes, 64-byte aligned; NULL when n * size overflows or none is left. */
void *pf_calloc(size_t n, size_t size) __attribute__((malloc));
/* Takes NULL. */
void pf_free(void *p);
/* Wipe, in a way the compiler keeps, then free: for anything that held a key. Takes NULL. */
void pf_free_secret(void *p, size_t len);
/* Wipe len bytes in a way the compiler keeps. */
void pf_wipe(void *p, size_t len);

#endif
