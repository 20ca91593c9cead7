/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_ADDRESS_H
#define PF_WIRE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Which of a host's IPv4 addresses a client dials (wire 1). Addresses are in host order. */

struct pf_net {
	uint32_t addr;
	uint8_t prefix_len; /* 0 to 32 */
};

/* May a host be reached there? Not this machine, no group, nothing reserved. */
bool pf_address_usable(uint32_t addr);

/*
 * The best of `found`, by: the longest prefix in common with an address of ours, where both are in that
 * one's network; being `preferred` (TXT `addr`, 0 = none); the longest prefix of `routes`, of which one of
 * length 0 says nothing; the lowest number. 0 = none is usable.
 */
uint32_t pf_address_pick(const uint32_t *found, size_t n_found, const struct pf_net *own,
	size_t n_own, uint32_t preferred, const struct pf_net *routes, size_t n_routes);

#endif
