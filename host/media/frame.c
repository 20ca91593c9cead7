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
