/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/native/access.h"

#include <stdlib.h>

#include "host/media/clock.h"
#include "host/native/internal.h"

struct access {
	struct native *native;
};

int access_create(struct access **out, struct native *n)
{
	struct access *a = calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->native = n;
	*out = a;
	return PF_OK;
}

void access_destroy(struct access *a)
{
	free(a);
}

bool access_admit(struct native_client *c)
{
	c->grants = PF_GRANT_ALL;
	c->access_ends_ns = UINT64_MAX;
	return true;
}

void access_forget(struct native_client *c)
{
	(void)c;
}

uint32_t access_left_s(const struct native_client *c)
{
	if (c->access_ends_ns == UINT64_MAX)
		return 0;
	uint64_t now_ns = clock_now_ns();
	/* 0 would say "never". */
	return c->access_ends_ns > now_ns
		? (uint32_t)((c->access_ends_ns - now_ns + 999999999) / 1000000000)
		: 1;
}
