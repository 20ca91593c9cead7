/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_INJECT_LIBEI_REGION_H
#define HOST_INJECT_LIBEI_REGION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A device of EIS with absolute coordinates has regions, one a screen. Which one is the session's output, and where
 * a point of the client's is in it. Everything in a region is what the server says.
 */

struct libei_region {
	const char *mapping_id; /* NULL = none */
	uint32_t x, y, width, height;
};

/* The session's output. */
struct libei_wanted {
	const char *mapping_id; /* NULL or empty = not known */
	uint32_t width, height; /* pixels */
};

/*
 * Index of the output's region, -1 = none of them is: the one of its mapping id, else the one of its size, else one
 * that is a space of pixels, else the only one.
 */
int libei_region_pick(
	const struct libei_region *regions, size_t n, const struct libei_wanted *wanted);
/*
 * Larger than any screen: a server that has no idea of its screens' sizes here (gamescope) counts in pixels of its
 * output.
 */
bool libei_region_is_pixels(const struct libei_region *r);
/* x in 0..width-1 of a surface that is stretched over the output. The point is inside of the region. */
void libei_region_place(const struct libei_region *r, const struct libei_wanted *wanted, uint32_t x,
	uint32_t y, uint32_t width, uint32_t height, double *out_x, double *out_y);

#endif
