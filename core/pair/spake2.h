/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_PAIR_SPAKE2_H
#define PF_PAIR_SPAKE2_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "core/pair/pair.h"

/*
 * Inside of pair.h: two-sided SPAKE2 over Ed25519 in its older form (wire 5.1, not RFC 9382), with two
 * fingerprints as the identities of A and B. Constant in time over the password and the scalars.
 */

#define PF_SPAKE2_KEY_LEN 32u

enum pf_spake2_role {
	PF_SPAKE2_A = 0x41, /* the client; the values are the side bytes of the messages */
	PF_SPAKE2_B = 0x42, /* the host */
};

struct pf_spake2;

/*
 * The PIN must be valid. random must be secret, uniform and never used again: two messages of one scalar
 * under two PINs give both away. Errors: PF_E_NOMEM, PF_E_CRYPTO (the crypto library failed, or random is a
 * multiple of the group's order, such as all zeros).
 */
int pf_spake2_create(struct pf_spake2 **out, enum pf_spake2_role role, const char *pin,
	const uint8_t id_a[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t id_b[static PF_PAIR_FINGERPRINT_LEN],
	const uint8_t random[static PF_PAIR_RANDOM_LEN]) PF_MUST_CHECK;
void pf_spake2_destroy(struct pf_spake2 *s); /* takes NULL; wipes */

/* Our message for the peer; the same at each call. */
void pf_spake2_message(const struct pf_spake2 *s, uint8_t out[static PF_PAIR_MESSAGE_LEN]);

/*
 * The key from the peer's message. It says nothing about whether the peer knows the PIN: that takes a
 * confirmation. Once only: destroy the object afterwards, whatever came out.
 * Errors: PF_E_BAD_PACKET (length, side byte, or no point of the prime-order group in its one encoding),
 * PF_E_CRYPTO (the shared point is the neutral one, or the crypto library failed).
 */
int pf_spake2_key(const struct pf_spake2 *s, const uint8_t *message, size_t message_len,
	uint8_t key[static PF_SPAKE2_KEY_LEN]) PF_MUST_CHECK;

#endif
