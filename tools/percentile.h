/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TOOLS_PERCENTILE_H
#define TOOLS_PERCENTILE_H

#include <stddef.h>
#include <stdint.h>

/* Sorts the samples upwards. */
void percentile_sort(int64_t *samples, size_t n);
/*
 * The nearest-rank percentile (0 < percent <= 100) of sorted samples: the smallest that at least percent %
 * of all samples do not exceed. Always one of the samples. n > 0.
 */
int64_t percentile_of(const int64_t *sorted, size_t n, unsigned percent);

#endif
