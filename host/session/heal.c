/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/session/heal.h"

#include "core/wire/control.h"

/* Frame numbers of the wire wrap: of two that are near, is a the older one? */
static bool is_older(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

static uint64_t pack(uint32_t first, uint32_t last)
{
	return (uint64_t)first << 32 | (uint64_t)(last - first) << 1 | 1;
}

static uint32_t first_of(uint64_t packed)
{
	return (uint32_t)(packed >> 32);
}

static uint32_t last_of(uint64_t packed)
{
	return first_of(packed) + ((uint32_t)packed >> 1);
}

bool heal_ask(struct heal_request *r, uint32_t first, uint32_t last)
{
	if (last - first > PF_RFI_MAX_RANGE)
		return false;
	uint64_t before = atomic_load(&r->packed), after;
	do {
		uint32_t f = first, l = last;
		if (before && is_older(first_of(before), f))
			f = first_of(before);
		if (before && is_older(l, last_of(before)))
			l = last_of(before);
		if (l - f > PF_RFI_MAX_RANGE)
			return false;
		after = pack(f, l);
	} while (!atomic_compare_exchange_weak(&r->packed, &before, after));
	return true;
}

bool heal_take(struct heal_request *r, uint64_t next, struct heal_range *out)
{
	uint64_t packed = atomic_exchange(&r->packed, 0);
	if (!packed || !next)
		return false;
	uint32_t back = (uint32_t)next - first_of(packed); /* 1 = the newest */
	if (!back || back > next || is_older((uint32_t)next, first_of(packed)))
		return false;
	out->first = next - back;
	out->last = out->first + (last_of(packed) - first_of(packed));
	if (out->last >= next)
		out->last = next - 1;
	return true;
}

void heal_note(struct heal *h, uint64_t from, uint64_t at)
{
	h->anchors[h->next].from = from;
	h->anchors[h->next].at = at;
	h->next = (h->next + 1) % HEAL_ANCHORS;
}

bool heal_knows(const struct heal *h, const struct heal_range *lost)
{
	for (unsigned i = 0; i < HEAL_ANCHORS; i++)
		if (lost->first >= h->anchors[i].from && lost->last < h->anchors[i].at)
			return true;
	return false;
}
