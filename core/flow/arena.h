/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FLOW_ARENA_H
#define PF_FLOW_ARENA_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Contiguous runs of chunks out of one block of memory that is taken at create(): the reassembler's
 * frames come and go in sizes from one packet to megabytes, and their sum is what is bounded. First
 * fit from the low end, so that a stream of small frames stays in the same, warm memory.
 * Thread: one thread at a time.
 */

#define PF_ARENA_CHUNK 4096u /* bytes; a page, and little waste on a frame of one packet */

struct pf_arena;

struct pf_run {
	uint32_t first, n; /* chunks; n = 0: nothing */
};

/* len is rounded up to whole chunks. Errors: PF_E_INVALID (0 or above 2^32 chunks), PF_E_NOMEM. */
int pf_arena_create(struct pf_arena **out, size_t len) PF_MUST_CHECK;
void pf_arena_destroy(struct pf_arena *a); /* takes NULL */

/* Memory for len > 0 bytes, 64-byte aligned, not zeroed; NULL when no run is long enough. */
uint8_t *pf_arena_take(struct pf_arena *a, size_t len, struct pf_run *run) PF_MUST_CHECK;
/* Takes an empty run, and leaves one. */
void pf_arena_give(struct pf_arena *a, struct pf_run *run);

size_t pf_arena_size(const struct pf_arena *a); /* bytes */
size_t pf_arena_used(const struct pf_arena *a); /* bytes, whole chunks */

#endif
