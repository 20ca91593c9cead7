/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_PACKET_NVAUDIO_H
#define PF_PACKET_NVAUDIO_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/crypto/cbc.h"

/*
 * GameStream audio: Opus packet -> datagrams (docs/gamestream.md, "Audio"). After each fourth packet two
 * of parity. Thread: one thread at a time.
 */

struct pf_nvaudio;

/*
 * A client has room for datagrams of 1400 bytes, cuts off the rest of longer ones and makes nothing of them: parity with
 * its headers, of encrypted packets, which end in a block of padding.
 */
#define PF_NVAUDIO_MAX_OPUS    1375u
#define PF_NVAUDIO_MAX_PACKETS 3u /* of one build */

struct pf_nvaudio_params {
	unsigned packet_ms; /* 5 or 10: the clock of the timestamps */
	struct pf_cbc *cbc; /* under the session's key, borrowed; NULL = in clear */
	uint32_t key_id;    /* rikeyid: the packets' IVs count from it */
};

struct pf_nvaudio_batch {
	size_t n; /* 1, or 3 when a group is full */
	struct {
		const uint8_t *data; /* borrowed until the next build or destroy */
		size_t len;
	} packets[PF_NVAUDIO_MAX_PACKETS];
};

/* Errors: PF_E_INVALID, PF_E_NOMEM. All memory is taken here. */
int pf_nvaudio_create(
	struct pf_nvaudio **out, const struct pf_nvaudio_params *params) PF_MUST_CHECK;
void pf_nvaudio_destroy(struct pf_nvaudio *a); /* takes NULL */

/*
 * The encoder's next packet, without holes: silence is sent too. Packets of constant length are the
 * caller's duty: a group of four with unlike lengths goes without parity and is counted, and a client
 * that sees one gives up on parity for the session.
 * Errors: PF_E_INVALID (empty or longer than PF_NVAUDIO_MAX_OPUS), PF_E_CRYPTO; nothing is consumed then.
 */
int pf_nvaudio_build(struct pf_nvaudio *a, const uint8_t *opus, size_t len,
	struct pf_nvaudio_batch *batch) PF_MUST_CHECK;
/* Groups that went without parity. */
uint64_t pf_nvaudio_uneven(const struct pf_nvaudio *a);

#endif
