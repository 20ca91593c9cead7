/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/media/frame.h"

#include <string.h>

#include "core/base/error.h"

void frame_init(struct frame *f)
{
	memset(f, 0, sizeof(*f));
	atomic_init(&f->refs, 1);
}

struct frame *frame_ref(struct frame *f)
{
	pf_check(atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed) > 0);
	return f;
}

void frame_unref(struct frame *f)
{
	if (!f)
		return;
	int before = atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel);
	pf_check(before > 0);
	if (before == 1 && f->release)
		f->release(f);
}

void frame_damage_add(struct frame_damage *d, uint32_t y0, uint32_t y1)
{
	struct frame_damage old = *d;
	struct frame_band all[FRAME_MAX_BANDS + 1];
	unsigned n = 0, from = 0;
	if (y0 >= y1)
		return;
	while (from < old.n_bands && old.bands[from].y0 <= y0)
		all[n++] = old.bands[from++];
	all[n++] = (struct frame_band){y0, y1};
	while (from < old.n_bands)
		all[n++] = old.bands[from++];
	/* Sorted now; overlaps and touches join, then the nearest pair if it is still one too many. */
	unsigned kept = 0;
	for (unsigned i = 1; i < n; i++) {
		if (all[i].y0 > all[kept].y1)
			all[++kept] = all[i];
		else if (all[i].y1 > all[kept].y1)
			all[kept].y1 = all[i].y1;
	}
	n = kept + 1;
	if (n > FRAME_MAX_BANDS) {
		unsigned best = 0;
		for (unsigned i = 1; i + 1 < n; i++)
			if (all[i + 1].y0 - all[i].y1 < all[best + 1].y0 - all[best].y1)
				best = i;
		all[best].y1 = all[best + 1].y1;
		memmove(&all[best + 1], &all[best + 2], (n - best - 2) * sizeof(all[0]));
		n--;
	}
	d->n_bands = (uint8_t)n;
	memcpy(d->bands, all, n * sizeof(all[0]));
}
