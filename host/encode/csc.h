/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_CSC_H
#define HOST_ENCODE_CSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * RGB -> NV12 by any matrix that clients ask for; the library that we convert with otherwise has BT.601 in limited
 * range alone. Chroma is the mean of four pixels. Thread: any.
 */

/* Matrix coefficients of H.273. */
enum csc_matrix { CSC_BT709 = 1, CSC_BT601 = 6, CSC_BT2020 = 9 };

struct csc {
	int32_t y[3], u[3], v[3]; /* of R, G, B, in 65536ths */
	int32_t y_zero;		  /* the same, with what rounds */
};

/* Errors: PF_E_UNSUPPORTED (matrix). */
int csc_init(struct csc *c, uint8_t matrix, bool full_range) PF_MUST_CHECK;

/*
 * width pixels of rows rows; the last column and row of odd ones stand for two. stride may be negative. bgrx: in
 * memory B, G, R, x; else R, G, B, x.
 */
void csc_to_nv12(const struct csc *c, const uint8_t *pixels, ptrdiff_t stride, bool bgrx,
	uint8_t *luma, ptrdiff_t luma_stride, uint8_t *chroma, ptrdiff_t chroma_stride,
	uint32_t width, uint32_t rows);

#endif
