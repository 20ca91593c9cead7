/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_FEC_FEC_H
#define PF_FEC_FEC_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Systematic erasure codes over shards of equal length (wire 7.4, gamestream B.11.4/B.12).
 * The caller owns all shard memory; the codec owns scratch memory sized at create().
 * Thread: one thread at a time per object; objects are independent.
 */

enum pf_fec_scheme {
	PF_FEC_GF8 = 0,	 /* Cauchy over GF(2^8), polynomial 0x11D, k + m <= 255 */
	PF_FEC_GF16 = 1, /* Leopard family over GF(2^16), even shard length */
};

#define PF_FEC_GF8_MAX_SHARDS  255u   /* data + parity of one block */
#define PF_FEC_GF16_MAX_SHARDS 65536u /* smaller power of two + larger count (wire 7.4) */
#define PF_FEC_MAX_SHARD_LEN   65536u /* bytes; no datagram is longer */

#define PF_FEC_AUDIO_DATA   4u
#define PF_FEC_AUDIO_PARITY 2u

struct pf_fec;

struct pf_fec_params {
	enum pf_fec_scheme scheme;
	size_t max_data;      /* shards, 1..the scheme's limit */
	size_t max_parity;    /* shards, 0..the scheme's limit */
	size_t max_shard_len; /* bytes, 1..PF_FEC_MAX_SHARD_LEN, even for GF16 */
	uint32_t cpu_off;     /* enum pf_cpu_flag: instruction sets not to use, 0 in production */
};

/* Is (k, m) a block this scheme can code? k >= 1; m may be 0. */
int pf_fec_check(enum pf_fec_scheme scheme, size_t k, size_t m) PF_MUST_CHECK;

/* Errors: PF_E_INVALID (limits), PF_E_NOMEM. On success *out must be destroyed. */
int pf_fec_create(struct pf_fec **out, const struct pf_fec_params *params) PF_MUST_CHECK;
void pf_fec_destroy(struct pf_fec *fec); /* takes NULL */

/*
 * Compute m parity shards of len bytes from k data shards of len bytes. All pointers non-NULL;
 * parity shards must not overlap data shards. m = 0 does nothing. No allocation.
 * Errors: PF_E_INVALID (k, m or len outside the scheme's or the object's limits).
 */
int pf_fec_encode(struct pf_fec *fec, const uint8_t *const *data, size_t k, uint8_t *const *parity,
	size_t m, size_t len) PF_MUST_CHECK;

/*
 * Rebuild missing data shards. shards[0..k-1] are data, shards[k..k+m-1] parity; present[i] != 0
 * says that shard i holds its bytes. Each missing data shard's pointer must be valid memory of len
 * bytes and is filled; missing parity pointers may be NULL and are never written. Present shards are
 * not changed. Returns the number of shards rebuilt. No allocation (up to what create() was sized for).
 * Errors: PF_E_FEC fewer than k present (nothing written), PF_E_INVALID.
 */
int pf_fec_decode(struct pf_fec *fec, uint8_t *const *shards, const uint8_t *present, size_t k,
	size_t m, size_t len) PF_MUST_CHECK;

/*
 * The fixed 4 + 2 code of GameStream audio (gamestream B.12): two parity shards of len bytes from
 * four data shards. All pointers non-NULL, parity apart from data. Thread: any.
 */
void pf_fec_audio_encode(const uint8_t *const data[PF_FEC_AUDIO_DATA],
	uint8_t *const parity[PF_FEC_AUDIO_PARITY], size_t len);

/*
 * Rebuilds up to two lost data shards of that code. shards[0..3] are data, [4..5] parity; pointers and
 * present[] as for pf_fec_decode(). Returns the number of shards rebuilt. Errors: PF_E_FEC (fewer than four
 * present; nothing written). Thread: any.
 */
int pf_fec_audio_decode(uint8_t *const shards[PF_FEC_AUDIO_DATA + PF_FEC_AUDIO_PARITY],
	const uint8_t present[PF_FEC_AUDIO_DATA + PF_FEC_AUDIO_PARITY], size_t len) PF_MUST_CHECK;

#endif
