/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/test.h"

#include <math.h>
#include <string.h>

#include "host/encode/csc.h"

#define W 37u
#define H 11u

static double kr_of(uint8_t matrix)
{
	return matrix == CSC_BT709 ? 0.2126 : matrix == CSC_BT601 ? 0.299 : 0.2627;
}

static double kb_of(uint8_t matrix)
{
	return matrix == CSC_BT709 ? 0.0722 : matrix == CSC_BT601 ? 0.114 : 0.0593;
}

/* As the standards have it: Y from 0 to 1, chroma from -0.5 to 0.5. */
static void reference(uint8_t matrix, const double rgb[3], double yuv[3])
{
	double kr = kr_of(matrix), kb = kb_of(matrix);
	yuv[0] = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2];
	yuv[1] = (rgb[2] - yuv[0]) / (2 * (1 - kb));
	yuv[2] = (rgb[0] - yuv[0]) / (2 * (1 - kr));
}

static double clamp(double v)
{
	return v < 0 ? 0 : v > 255 ? 255 : v;
}

static void check(uint8_t matrix, bool full, bool bgrx, bool upside_down)
{
	static uint8_t pixels[H][W * 4 + 8], luma[H][64], chroma[(H + 1) / 2][64];
	struct csc c;
	uint32_t seed = matrix;
	for (size_t i = 0; i < sizeof(pixels); i++) {
		seed = seed * 1664525u + 1013904223u;
		/* Also the corners of the cube. */
		((uint8_t *)pixels)[i] = seed & 0x1000000 ? (uint8_t)(seed >> 16)
							  : (seed >> 30 & 1 ? 255 : 0);
	}
	memset(luma, 0xAA, sizeof(luma));
	memset(chroma, 0xAA, sizeof(chroma));
	assert_int_equal(csc_init(&c, matrix, full), PF_OK);
	ptrdiff_t stride = (ptrdiff_t)sizeof(pixels[0]);
	csc_to_nv12(&c, upside_down ? pixels[H - 1] : pixels[0], upside_down ? -stride : stride,
		bgrx, luma[0], 64, chroma[0], 64, W, H);
	for (uint32_t y = 0; y < H; y++)
		for (uint32_t x = 0; x < W; x++) {
			double sum[3] = {0}, yuv[3], rgb[3];
			for (uint32_t k = 0; k < 4; k++) {
				uint32_t px = (x & ~1u) + (k & 1), py = (y & ~1u) + (k >> 1);
				px = px < W ? px : W - 1;
				py = py < H ? py : H - 1;
				const uint8_t *p = &pixels[upside_down ? H - 1 - py : py][px * 4];
				for (unsigned i = 0; i < 3; i++)
					sum[i] += p[bgrx ? 2 - i : i] / 255.0 / 4;
			}
			const uint8_t *p = &pixels[upside_down ? H - 1 - y : y][x * 4];
			for (unsigned i = 0; i < 3; i++)
				rgb[i] = p[bgrx ? 2 - i : i] / 255.0;
			reference(matrix, rgb, yuv);
			double want = full ? 255 * yuv[0] : 16 + 219 * yuv[0];
			assert_true(fabs(luma[y][x] - want) < 0.51);
			reference(matrix, sum, yuv);
			double scale = full ? 255 : 224;
			const uint8_t *uv = &chroma[y / 2][x & ~1u];
			assert_true(fabs(uv[0] - clamp(128 + scale * yuv[1])) < 0.52);
			assert_true(fabs(uv[1] - clamp(128 + scale * yuv[2])) < 0.52);
		}
	for (uint32_t y = 0; y < H; y++) {
		assert_int_equal(luma[y][W], 0xAA);
		assert_int_equal(chroma[y / 2][W + 1], 0xAA);
	}
}

static void test_matrices(void **state)
{
	(void)state;
	static const uint8_t matrices[] = {CSC_BT709, CSC_BT601, CSC_BT2020};
	for (size_t i = 0; i < 3; i++)
		for (unsigned k = 0; k < 8; k++)
			check(matrices[i], k & 1, k & 2, k & 4);
}

static void test_grey_has_no_colour(void **state)
{
	(void)state;
	struct csc c;
	uint8_t pixels[2][8], luma[2][2], chroma[2];
	for (unsigned full = 0; full < 2; full++) {
		assert_int_equal(csc_init(&c, CSC_BT709, full), PF_OK);
		for (unsigned v = 0; v < 256; v++) {
			memset(pixels, (int)v, sizeof(pixels));
			csc_to_nv12(&c, pixels[0], 8, true, luma[0], 2, chroma, 2, 2, 2);
			assert_int_equal(chroma[0], 128);
			assert_int_equal(chroma[1], 128);
			if (full)
				assert_int_equal(luma[1][1], v);
			if (v == 255)
				assert_int_equal(luma[0][0], full ? 255 : 235);
			if (v == 0)
				assert_int_equal(luma[0][0], full ? 0 : 16);
		}
	}
}

static void test_unknown(void **state)
{
	(void)state;
	struct csc c;
	assert_int_equal(csc_init(&c, 0, false), PF_E_UNSUPPORTED);
	assert_int_equal(csc_init(&c, 2, false), PF_E_UNSUPPORTED);
	assert_int_equal(csc_init(&c, 255, true), PF_E_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrices),
		cmocka_unit_test(test_grey_has_no_colour),
		cmocka_unit_test(test_unknown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
