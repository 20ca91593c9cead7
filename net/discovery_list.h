/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef NET_DISCOVERY_LIST_H
#define NET_DISCOVERY_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/wire/address.h"
#include "core/wire/txt.h"

/*
 * What was heard of hosts on the network, and the hosts that it makes. A machine is heard once for each of
 * its networks, and once more under another name when it was renamed; those records are one host when id,
 * fingerprint and port are the same. An id with another fingerprint is another host: whoever copies an id
 * must not be able to take a host's place in the list. Thread: one at a time per object.
 */

#define DISCOVERY_RECORDS_MAX 256u /* a household has a few; what a flood sends beyond is counted */
#define DISCOVERY_NAME_MAX    63u  /* bytes of a DNS label */
#define DISCOVERY_ADDRS_MAX   16u  /* of one host */
#define DISCOVERY_NETS_MAX    64u  /* own addresses, and routes, that are looked at */

/* What names a record: the same key again is a change of it. */
struct discovery_key {
	int interface;
	char name[DISCOVERY_NAME_MAX + 1]; /* the service's, as it came */
};

struct discovery_record {
	struct discovery_key key;
	uint32_t addr; /* host order */
	uint16_t port; /* QUIC */
	struct pf_txt txt;
};

struct discovery_list {
	struct discovery_record records[DISCOVERY_RECORDS_MAX];
	size_t n_records;
	uint64_t n_dropped; /* records beyond the table */
	uint64_t n_ignored; /* of another protocol, damaged, or without a usable address */
};

struct discovery_host {
	char name[DISCOVERY_NAME_MAX + 1]; /* printable */
	uint32_t addr;			   /* the one to dial; host order */
	uint32_t addrs[DISCOVERY_ADDRS_MAX];
	size_t n_addrs;
	uint16_t port;
	struct pf_txt txt; /* of the record that was heard first */
};

/* This machine's place in the network. */
struct discovery_nets {
	struct pf_net own[DISCOVERY_NETS_MAX], routes[DISCOVERY_NETS_MAX];
	size_t n_own, n_routes;
};

/*
 * Adds or changes a record; txt is its rdata. Returns 1 when the list changed, 0 when not. Errors, after which a
 * record of that key is gone: PF_E_BAD_PACKET, PF_E_UNSUPPORTED, PF_E_INVALID (name, port or address), PF_E_FULL.
 */
int discovery_list_put(struct discovery_list *l, const struct discovery_key *key, uint32_t addr,
	uint16_t port, const uint8_t *txt, size_t txt_len) PF_MUST_CHECK;
/* Returns whether there was one. */
bool discovery_list_remove(struct discovery_list *l, const struct discovery_key *key);

/* The hosts, by name; at most cap. */
size_t discovery_list_hosts(const struct discovery_list *l, const struct discovery_nets *nets,
	struct discovery_host *out, size_t cap);

/* Asks the system; what cannot be read stays empty. */
void discovery_nets_read(struct discovery_nets *out);

#endif
