/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/media/unit.h"

#include <stdlib.h>
#include <string.h>

#define UNIT_POOL_MAX 64u /* bits of the free set */
#define UNIT_ROUND \
	4096u /* capacities grow in pages, so that a slightly larger unit needs no realloc */

struct unit_pool {
	_Atomic uint64_t
		free_set; /* bit i: units[i] is here. A set has no ABA problem, a list would. */
	size_t n_units;
	struct unit units[UNIT_POOL_MAX];
};

static uint64_t full_set(size_t n)
{
	return n == 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1;
}

int unit_pool_create(struct unit_pool **out, size_t n_units)
{
	*out = NULL;
	if (!n_units || n_units > UNIT_POOL_MAX)
		return PF_E_INVALID;
	struct unit_pool *p = calloc(1, sizeof(*p));
	if (!p)
		return PF_E_NOMEM;
	p->n_units = n_units;
	atomic_init(&p->free_set, full_set(n_units));
	*out = p;
	return 0;
}

void unit_pool_destroy(struct unit_pool *p)
{
	if (!p)
		return;
	pf_check(atomic_load(&p->free_set) == full_set(p->n_units));
	for (size_t i = 0; i < p->n_units; i++)
		free(p->units[i].data);
	free(p);
}

struct unit *unit_pool_get(struct unit_pool *p)
{
	uint64_t set = atomic_load_explicit(&p->free_set, memory_order_relaxed);
	uint64_t bit;
	do {
		if (!set)
			return NULL;
		bit = set & -set;
	} while (!atomic_compare_exchange_weak_explicit(
		&p->free_set, &set, set & ~bit, memory_order_acquire, memory_order_relaxed));

	struct unit *u = &p->units[__builtin_ctzll(bit)];
	uint8_t *data = u->data;
	size_t cap = u->cap;
	memset(u, 0, sizeof(*u));
	u->data = data;
	u->cap = cap;
	u->pool = p;
	atomic_init(&u->refs, 1);
	return u;
}

int unit_reserve(struct unit *u, size_t need)
{
	if (need <= u->cap)
		return 0;
	if (need > SIZE_MAX - UNIT_ROUND)
		return PF_E_NOMEM;
	size_t cap = (need + UNIT_ROUND - 1) / UNIT_ROUND * UNIT_ROUND;
	uint8_t *data = realloc(u->data, cap);
	if (!data)
		return PF_E_NOMEM;
	u->data = data;
	u->cap = cap;
	return 0;
}

void unit_unref(struct unit *u)
{
	if (!u)
		return;
	int before = atomic_fetch_sub_explicit(&u->refs, 1, memory_order_acq_rel);
	pf_check(before > 0);
	if (before > 1)
		return;
	struct unit_pool *p = u->pool;
	uint64_t bit = UINT64_C(1) << (u - p->units);
	uint64_t set = atomic_fetch_or_explicit(&p->free_set, bit, memory_order_release);
	pf_check(!(set & bit));
}
