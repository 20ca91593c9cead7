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
/*
 * Resizes memory of pf_calloc() or pf_realloc(); p may be NULL. The new part is not zeroed and the
 * alignment is malloc's: for a library that wants a realloc, not for objects of ours.
 */
void *pf_realloc(void *p, size_t len) __attribute__((warn_unused_result));
/* Takes NULL. */
void pf_free(void *p);
/* Wipe, in a way the compiler keeps, then free: for anything that held a key. Takes NULL. */
void pf_free_secret(void *p, size_t len);
/* Wipe len bytes in a way the compiler keeps. */
void pf_wipe(void *p, size_t len);

#endif
