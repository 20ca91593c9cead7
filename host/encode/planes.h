/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_ENCODE_PLANES_H
#define HOST_ENCODE_PLANES_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/encode/csc.h"
#include "host/encode/encoder.h"
#include "host/media/frame.h"

/*
 * The 4:2:0 picture that a software encoder works from. libyuv makes BT.601 limited range from RGB and exports no
 * other matrix, so that is what streams say unless a client asks for another (csc.h). Primaries and transfer are the
 * desktop's own, which everybody calls BT.709.
 */
enum { PLANES_PRIMARIES = 1, PLANES_TRANSFER = 1, PLANES_MATRIX = 6, PLANES_FULL_RANGE = 0 };

/* For encoder_impl.colour. */
#define PLANES_COLOUR \
	{ \
		PLANES_PRIMARIES, PLANES_TRANSFER, PLANES_MATRIX, PLANES_FULL_RANGE \
	}

struct planes_gpu;

struct planes {
	/* The encoder's memory, of even width and height; before planes_fill(). */
	uint8_t *plane[3]; /* Y, U, V; without a third one Y, UV (NV12) */
	int stride[3];
	uint8_t colour[4]; /* of what is in them: primaries, transfer, matrix, full range */
	/* planes.c's own */
	bool has_seq; /* the planes hold frame last_seq */
	uint64_t last_seq;
	uint32_t last_source;
	bool own_csc; /* what libyuv does not have */
	struct csc csc;
	uint8_t uv[ENCODER_MAX_SIZE]; /* a row on its way into U and V */
	struct planes_gpu *gpu;	      /* NULL until there was a picture in a GPU's memory */
	uint8_t *gpu_uv;	      /* with U and V: what the GPU makes of both */
};

/* matrix and full_range as in struct encoder_params. Errors: PF_E_UNSUPPORTED (matrix). */
int planes_init(struct planes *p, uint8_t matrix, bool full_range) PF_MUST_CHECK;
void planes_finish(struct planes *p); /* also after an init that failed, and of zeros */
/*
 * Converts what of the frame changed since the one before, when that is what the planes still hold, else all of it.
 * The added edge of an odd size repeats the last pixels. A frame may lie in a GPU's memory alone. Errors:
 * PF_E_INVALID, PF_E_UNSUPPORTED (neither the GPU nor the CPU can read it), PF_E_NOMEM.
 */
int planes_fill(struct planes *p, const struct frame *f) PF_MUST_CHECK;

#endif
