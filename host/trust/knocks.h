/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_TRUST_KNOCKS_H
#define HOST_TRUST_KNOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/quic/conn.h"
#include "core/wire/handshake.h"
#include "net/udp.h"

/*
 * Unpaired clients that asked for a session and wait for a person (wire 5.3). An entry is listed for ten
 * minutes; its connection is parked for three and may go earlier. Times are CLOCK_MONOTONIC, given by the
 * caller. Thread: one at a time per object.
 */

#define KNOCKS_MAX 32u /* wire 5.3 */
#define KNOCKS_PER_ADDRESS \
	4u /* one household's devices; a stranger with one address cannot fill the list */
#define KNOCKS_LISTED_NS   600000000000ull
#define KNOCKS_PARKED_NS   180000000000ull
#define KNOCKS_ADDRESS_LEN 16u /* IPv4-mapped, or the first 64 bits of IPv6 and zeros */

struct knock {
	uint32_t number; /* for a person to name it by; never used twice; 0 = free slot */
	uint8_t fp[PF_FINGERPRINT_LEN];
	char name[PF_NAME_MAX + 1];   /* printable */
	char from[UDP_ADDR_TEXT_LEN]; /* the address */
	uint8_t address[KNOCKS_ADDRESS_LEN];
	uint64_t since_ns;
	void *parked; /* the caller's connection, NULL = it has gone */
	bool denied;  /* a person said no; it is not asked again while the entry is listed */
};

struct knocks {
	uint64_t parked_ns; /* how long a connection waits */
	uint32_t last_number;
	struct knock list[KNOCKS_MAX];
};

void knocks_init(struct knocks *k, uint64_t parked_ns);

/*
 * Lists *knock (number and since_ns are filled in), with its connection parked. *superseded: the parked
 * connection of an older knock of that client, which the caller ends; else NULL. Errors: PF_E_DENIED (a person
 * said no a moment ago), PF_E_RATE_LIMITED
 * (too many of this address, or the list is full of parked ones; nothing was listed).
 */
int knocks_add(struct knocks *k, uint64_t now_ns, const struct knock *knock,
	void **superseded) PF_MUST_CHECK;
/* The connection has gone, or goes on. Nothing happens when it is not parked. */
void knocks_unpark(struct knocks *k, const void *parked);
/* By position: NULL past the last, in no particular order. Until the next change. */
const struct knock *knocks_next(const struct knocks *k, const struct knock *before);
/*
 * By number ("3": up to 10 decimal digits), or by the first hex digits (at least 4) of a fingerprint. Errors: as
 * trust_lookup().
 */
int knocks_lookup(const struct knocks *k, const char *key, const struct knock **out) PF_MUST_CHECK;
void knocks_remove(struct knocks *k, uint32_t number);
/* Keeps the entry, denied, and gives its parked connection back; NULL = none. */
void *knocks_deny(struct knocks *k, uint32_t number);

/* Drops entries that were listed long enough. Returns a connection that has waited too long, unparked; NULL = none. */
void *knocks_expire(struct knocks *k, uint64_t now_ns);
/* When to call it next; UINT64_MAX = nothing waits. */
uint64_t knocks_deadline(const struct knocks *k);

#endif
