/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_WIRE_TXT_H
#define PF_WIRE_TXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * The TXT record of a host's `_punktfunk._udp` service (wire 1, RFC 6763 section 6). Whoever is on the network can
 * announce what they like: nothing in a record is to be trusted, the fingerprint least of all.
 */

#define PF_TXT_STRING_MAX   255u  /* RFC 6763 6.1: one byte of length */
#define PF_TXT_RECORD_MAX   1300u /* RFC 6763 6.2: what fits a packet; longer ones are refused */
#define PF_TXT_STRINGS_MAX  64u	  /* ours has nine; what is behind is not looked at */
#define PF_TXT_ID_MAX	    64u	  /* bytes of 0x21 to 0x7e; a UUID has 36 */
#define PF_TXT_MACS_MAX	    8u	  /* network cards of one machine */
#define PF_TXT_MAC_LEN	    6u
#define PF_TXT_OS_TOKENS    5u	/* wire 1 */
#define PF_TXT_OS_TOKEN_MAX 32u /* wire 1 */
#define PF_TXT_OS_MAX	    (PF_TXT_OS_TOKENS * (PF_TXT_OS_TOKEN_MAX + 1u))
#define PF_TXT_FP_LEN	    32u
#define PF_TXT_MGMT_DEFAULT 47990u /* where `mgmt` is 0 */
#define PF_TXT_WIRE_MAX	    31u	   /* the highest generation that fits the mask */

enum pf_txt_pair {
	PF_TXT_PAIR_UNKNOWN, /* not said, or a word that we do not know */
	PF_TXT_PAIR_REQUIRED,
	PF_TXT_PAIR_OPTIONAL,
};

struct pf_txt {
	bool old; /* no `proto`: a host from before the key; the writer ignores it */
	bool has_fp;
	uint8_t fp[PF_TXT_FP_LEN];
	enum pf_txt_pair pair;
	char id[PF_TXT_ID_MAX + 1]; /* empty = none */
	uint16_t mgmt;		    /* TCP port; 0 = unknown */
	uint8_t macs[PF_TXT_MACS_MAX][PF_TXT_MAC_LEN];
	size_t n_macs;
	char os[PF_TXT_OS_MAX]; /* tokens of [a-z0-9._-] with '/' between; empty = unknown */
	uint32_t addr;		/* preferred IPv4, host order; 0 = none */
	uint32_t wires;		/* bit n = generation n; without the key 1 << 1 */
};

/*
 * data: the rdata of the record. A value that makes no sense counts as a missing one; of a key that comes twice the
 * first counts, also when its value makes no sense. Errors: PF_E_UNSUPPORTED (another protocol: ignore the record),
 * PF_E_BAD_PACKET (longer than PF_TXT_RECORD_MAX, or a string runs over the end).
 */
int pf_txt_read(struct pf_txt *out, const uint8_t *data, size_t len) PF_MUST_CHECK;

/* Returns the length. Errors: PF_E_FULL (cap), PF_E_INVALID (a field that the reader would not take). */
int pf_txt_write(uint8_t *out, size_t cap, const struct pf_txt *txt) PF_MUST_CHECK;

/* Keeps of text what the wire allows in `os`: letters become small, other characters and empty tokens go. */
void pf_txt_set_os(struct pf_txt *txt, const char *text, size_t len);

#endif
