/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/inject/libei_region.h"

#include <string.h>

/* Twice as many pixels a side as any desktop's largest virtual screen. */
#define MAX_SCREEN 65536u

bool libei_region_is_pixels(const struct libei_region *r)
{
	return r->width > MAX_SCREEN && r->height > MAX_SCREEN;
}

static bool has_area(const struct libei_region *r)
{
	return r->width && r->height;
}

int libei_region_pick(
	const struct libei_region *regions, size_t n, const struct libei_wanted *wanted)
{
	int only = -1, pixels = -1;
	size_t n_good = 0;
	/* While a stream changes its size two regions may have its id: the newer one is told later. */
	for (size_t i = n; i-- > 0;) {
		const char *id = regions[i].mapping_id;
		if (wanted->mapping_id && *wanted->mapping_id && id &&
			strcmp(id, wanted->mapping_id) == 0 && has_area(&regions[i]))
			return (int)i;
	}
	for (size_t i = 0; i < n; i++) {
		const struct libei_region *r = &regions[i];
		if (!has_area(r))
			continue;
		if (r->width == wanted->width && r->height == wanted->height)
			return (int)i;
		if (pixels < 0 && libei_region_is_pixels(r))
			pixels = (int)i;
		only = (int)i;
		n_good++;
	}
	if (pixels >= 0)
		return pixels;
	return n_good == 1 ? only : -1;
}

static double stretch(uint32_t at, uint32_t from, uint32_t to)
{
	return (double)at * to / from;
}

void libei_region_place(const struct libei_region *r, const struct libei_wanted *wanted, uint32_t x,
	uint32_t y, uint32_t width, uint32_t height, double *out_x, double *out_y)
{
	const bool pixels = libei_region_is_pixels(r);
	*out_x = r->x + stretch(x, width, pixels ? wanted->width : r->width);
	*out_y = r->y + stretch(y, height, pixels ? wanted->height : r->height);
}
