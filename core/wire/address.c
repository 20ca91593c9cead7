/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/wire/address.h"

static uint8_t common_bits(uint32_t a, uint32_t b)
{
	uint32_t differ = a ^ b;
	return differ ? (uint8_t)__builtin_clz(differ) : 32;
}

bool pf_address_usable(uint32_t addr)
{
	uint32_t first = addr >> 24;
	return first && first != 127 && first < 224;
}

struct rank {
	uint8_t own, route; /* bits in common */
	bool preferred;
	uint32_t addr;
};

static bool better(const struct rank *a, const struct rank *b)
{
	if (a->own != b->own)
		return a->own > b->own;
	if (a->preferred != b->preferred)
		return a->preferred;
	if (a->route != b->route)
		return a->route > b->route;
	return a->addr < b->addr;
}

uint32_t pf_address_pick(const uint32_t *found, size_t n_found, const struct pf_net *own,
	size_t n_own, uint32_t preferred, const struct pf_net *routes, size_t n_routes)
{
	struct rank best = {0};
	for (size_t i = 0; i < n_found; i++) {
		struct rank r = {.addr = found[i], .preferred = found[i] == preferred};
		if (!pf_address_usable(r.addr))
			continue;
		for (size_t k = 0; k < n_own; k++) {
			uint8_t bits = common_bits(r.addr, own[k].addr);
			if (bits >= own[k].prefix_len && bits > r.own)
				r.own = bits;
		}
		for (size_t k = 0; k < n_routes; k++)
			if (common_bits(r.addr, routes[k].addr) >= routes[k].prefix_len &&
				routes[k].prefix_len > r.route)
				r.route = routes[k].prefix_len;
		if (!best.addr || better(&r, &best))
			best = r;
	}
	return best.addr;
}
