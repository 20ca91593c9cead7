/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tools/percentile.h"

#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

void percentile_sort(int64_t *samples, size_t n)
{
	if (n)
		qsort(samples, n, sizeof(*samples), compare);
}

int64_t percentile_of(const int64_t *sorted, size_t n, unsigned percent)
{
	/* ceil(n * percent / 100) without overflow */
	size_t rank = n / 100 * percent + (n % 100 * percent + 99) / 100;
	return sorted[rank ? rank - 1 : 0];
}
