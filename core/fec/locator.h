/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_LOCATOR_H
#define PF_FEC_LOCATOR_H

#include <stddef.h>
#include <stdint.h>

/*
 * The error locator of a decode by transforms: for each point z < n, the logarithm of the product of
 * (z XOR e) over all erased points e other than z. That sum of logarithms is a convolution over
 * XOR, which a Walsh-Hadamard transform of n points (not of the field's 65,536) turns into products.
 */
struct pf_locator {
	size_t max;	    /* a power of two */
	size_t n;	    /* the size that spectrum is for, 0 = none yet */
	uint32_t *spectrum; /* transform of the logarithms below n, divided by n */
	uint32_t *value;    /* n entries: in 1 where erased, else 0; out the logarithm */
};

/* PF_E_NOMEM; finish takes a zeroed or half-built object. */
int pf_locator_init(struct pf_locator *l, size_t max) __attribute__((warn_unused_result));
void pf_locator_finish(struct pf_locator *l);

/* Clears value[0..n-1] and makes ready for n <= max points, a power of two >= 4. */
void pf_locator_begin(struct pf_locator *l, const uint16_t *log, size_t n);
void pf_locator_solve(struct pf_locator *l);

#endif
