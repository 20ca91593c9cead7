/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/encode/csc.h"

#include <math.h>
#include <string.h>

#define ONE	  65536
#define HALF	  (ONE / 2)
#define CHROMA_AT (128 * ONE)

/* Loops below are written for the compiler to make vectors of; x86 has two sizes of those. */
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && \
	!defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define WIDE __attribute__((target_clones("avx2", "default"), optimize("O3")))
#else
#define WIDE
#endif

static int32_t fixed(double x)
{
	return (int32_t)lround(x * ONE);
}

int csc_init(struct csc *c, uint8_t matrix, bool full_range)
{
	double kr, kb;
	switch (matrix) {
	case CSC_BT709:
		kr = 0.2126, kb = 0.0722;
		break;
	case CSC_BT601:
		kr = 0.299, kb = 0.114;
		break;
	case CSC_BT2020:
		kr = 0.2627, kb = 0.0593;
		break;
	default:
		return PF_E_UNSUPPORTED;
	}
	double kg = 1 - kr - kb;
	double luma = full_range ? 1 : 219.0 / 255, chroma = full_range ? 1 : 224.0 / 255;
	double to_u = chroma / (2 * (1 - kb)), to_v = chroma / (2 * (1 - kr));
	/* Rounded so that grey has no colour and white is white. */
	c->y[0] = fixed(kr * luma);
	c->y[2] = fixed(kb * luma);
	c->y[1] = fixed(luma) - c->y[0] - c->y[2];
	c->u[0] = fixed(-kr * to_u);
	c->u[1] = fixed(-kg * to_u);
	c->u[2] = -c->u[0] - c->u[1];
	c->v[1] = fixed(-kg * to_v);
	c->v[2] = fixed(-kb * to_v);
	c->v[0] = -c->v[1] - c->v[2];
	c->y_zero = (full_range ? 0 : 16 * ONE) + HALF;
	return PF_OK;
}

/* low: the coefficient of the first byte in memory. */
WIDE static void luma_row(uint8_t *restrict out, const uint8_t *restrict pixels, uint32_t width,
	int32_t low, int32_t mid, int32_t high, int32_t zero)
{
	for (uint32_t x = 0; x < width; x++) {
		uint32_t p;
		memcpy(&p, pixels + (size_t)x * 4, 4);
		int32_t v = low * (int32_t)(p & 0xFF) + mid * (int32_t)(p >> 8 & 0xFF) +
			high * (int32_t)(p >> 16 & 0xFF) + zero;
		out[x] = (uint8_t)(v >> 16);
	}
}

static uint8_t clamp(int32_t v)
{
	v >>= 16;
	return (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v);
}

/* Sums of four, so the result is in quarters. */
WIDE static void chroma_row(uint8_t *restrict out, const uint8_t *restrict above,
	const uint8_t *restrict below, uint32_t pairs, const int32_t *u, const int32_t *v)
{
	const int32_t u0 = u[0], u1 = u[1], u2 = u[2], v0 = v[0], v1 = v[1], v2 = v[2];
	for (uint32_t x = 0; x < pairs; x++) {
		const uint8_t *a = above + (size_t)x * 8, *b = below + (size_t)x * 8;
		int32_t s0 = a[0] + a[4] + b[0] + b[4];
		int32_t s1 = a[1] + a[5] + b[1] + b[5];
		int32_t s2 = a[2] + a[6] + b[2] + b[6];
		out[2 * x] = clamp((u0 * s0 + u1 * s1 + u2 * s2 + 4 * (CHROMA_AT + HALF)) / 4);
		out[2 * x + 1] = clamp((v0 * s0 + v1 * s1 + v2 * s2 + 4 * (CHROMA_AT + HALF)) / 4);
	}
}

void csc_to_nv12(const struct csc *c, const uint8_t *pixels, ptrdiff_t stride, bool bgrx,
	uint8_t *luma, ptrdiff_t luma_stride, uint8_t *chroma, ptrdiff_t chroma_stride,
	uint32_t width, uint32_t rows)
{
	const unsigned first = bgrx ? 2 : 0, last = 2 - first;
	const int32_t u[3] = {c->u[first], c->u[1], c->u[last]};
	const int32_t v[3] = {c->v[first], c->v[1], c->v[last]};
	for (uint32_t y = 0; y < rows; y++) {
		const uint8_t *row = pixels + (ptrdiff_t)y * stride;
		luma_row(luma + (ptrdiff_t)y * luma_stride, row, width, c->y[first], c->y[1],
			c->y[last], c->y_zero);
		if (y & 1)
			continue;
		const uint8_t *next = y + 1 < rows ? row + stride : row;
		uint8_t *out = chroma + (ptrdiff_t)(y / 2) * chroma_stride;
		chroma_row(out, row, next, width / 2, u, v);
		if (width & 1) {
			uint8_t edge[2][8];
			memcpy(edge[0], row + (size_t)(width - 1) * 4, 4);
			memcpy(edge[1], next + (size_t)(width - 1) * 4, 4);
			memcpy(edge[0] + 4, edge[0], 4);
			memcpy(edge[1] + 4, edge[1], 4);
			chroma_row(out + width - 1, edge[0], edge[1], 1, u, v);
		}
	}
}
