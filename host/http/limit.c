/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/http/limit.h"

#include <string.h>

void http_limit_init(struct http_limit *l, uint32_t burst, uint32_t per_second)
{
	memset(l, 0, sizeof(*l));
	l->burst = burst;
	l->per_second = per_second;
}

static struct http_limit_bucket *find(
	struct http_limit *l, const union udp_addr *addr, uint64_t full_ns, uint64_t now_ns)
{
	struct http_limit_bucket *oldest = &l->buckets[0];
	for (size_t i = 0; i < HTTP_LIMIT_ADDRESSES; i++) {
		struct http_limit_bucket *b = &l->buckets[i];
		if (b->addr.sa.sa_family && udp_addr_same_household(&b->addr, addr))
			return b;
		if (b->last_ns < oldest->last_ns)
			oldest = b;
	}
	*oldest = (struct http_limit_bucket){
		.addr = *addr, .last_ns = now_ns, .tokens_ns = full_ns};
	return oldest;
}

bool http_limit_take(struct http_limit *l, const union udp_addr *addr, uint64_t now_ns)
{
	uint64_t one_ns = 1000000000u / l->per_second, full_ns = one_ns * l->burst;
	struct http_limit_bucket *b = find(l, addr, full_ns, now_ns);
	uint64_t passed_ns = now_ns - b->last_ns;
	b->last_ns = now_ns;
	b->tokens_ns += passed_ns < full_ns ? passed_ns : full_ns;
	if (b->tokens_ns > full_ns)
		b->tokens_ns = full_ns;
	if (b->tokens_ns < one_ns)
		return false;
	b->tokens_ns -= one_ns;
	return true;
}
