/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_HTTP_LIMIT_H
#define HOST_HTTP_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "net/udp.h"

/*
 * How fast one address (of IPv6 one /64) may do something: a bucket of tokens for each address seen of late. Of more
 * addresses than fit the one that was quiet for longest is forgotten, and counts as new when it comes again.
 * Thread: one at a time per object.
 */

#define HTTP_LIMIT_ADDRESSES 64u

struct http_limit {
	uint32_t burst, per_second;
	struct http_limit_bucket {
		union udp_addr addr; /* family 0 = free */
		uint64_t last_ns;
		uint64_t tokens_ns; /* tokens * time for one token */
	} buckets[HTTP_LIMIT_ADDRESSES];
};

void http_limit_init(struct http_limit *l, uint32_t burst, uint32_t per_second);
/* One more of this address. False: too many. */
bool http_limit_take(struct http_limit *l, const union udp_addr *addr, uint64_t now_ns);

#endif
