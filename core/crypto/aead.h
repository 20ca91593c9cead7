/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_CRYPTO_AEAD_H
#define PF_CRYPTO_AEAD_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/*
 * Per-packet sealing of the data plane (wire 7.2): in place, 12-byte nonce, 8-byte AAD, 16-byte tag.
 * Thread: one thread at a time per object.
 */

#define PF_AEAD_TAG_LEN	  16u
#define PF_AEAD_NONCE_LEN 12u

enum pf_cipher {
	PF_CIPHER_AES_128_GCM = 0,
	PF_CIPHER_CHACHA20_POLY1305 = 1,
};

struct pf_aead;

/*
 * key: 16 bytes for AES-128-GCM, 32 for ChaCha20-Poly1305; copied, wiped at destroy.
 * Errors: PF_E_UNSUPPORTED, PF_E_NOMEM, PF_E_CRYPTO.
 */
int pf_aead_create(struct pf_aead **out, enum pf_cipher cipher, const uint8_t *key,
	size_t key_len) PF_MUST_CHECK;
void pf_aead_destroy(struct pf_aead *aead); /* takes NULL */

/*
 * The same from one named provider, for tests and benchmarks: pf_aead_provider_at(0), (1), ... are
 * the names that this build has, fastest first, then NULL. provider NULL: the first that can.
 */
int pf_aead_create_from(struct pf_aead **out, const char *provider, enum pf_cipher cipher,
	const uint8_t *key, size_t key_len) PF_MUST_CHECK;
const char *pf_aead_provider_at(size_t i);
const char *pf_aead_provider(const struct pf_aead *aead); /* never NULL, static */

/* Encrypt text[0..len) in place and write the tag to text[len..len+16). */
int pf_aead_seal(struct pf_aead *aead, const uint8_t nonce[static PF_AEAD_NONCE_LEN],
	const uint8_t *aad, size_t aad_len, uint8_t *text, size_t len) PF_MUST_CHECK;

/*
 * text holds len bytes of ciphertext then the 16-byte tag. Decrypts in place.
 * Errors: PF_E_CRYPTO (text is then garbage and must not be looked at).
 */
int pf_aead_open(struct pf_aead *aead, const uint8_t nonce[static PF_AEAD_NONCE_LEN],
	const uint8_t *aad, size_t aad_len, uint8_t *text, size_t len) PF_MUST_CHECK;

/*
 * The direction-bound sealer of wire 7.2: nonce = salt with the direction in its top bit, then
 * the big-endian sequence; the packet is seq(8) || ciphertext || tag(16), AAD = the 8 seq bytes.
 */
enum pf_direction {
	PF_HOST_TO_CLIENT = 0,
	PF_CLIENT_TO_HOST = 1,
};

#define PF_SEAL_PREFIX_LEN 8u
#define PF_SEAL_OVERHEAD   (PF_SEAL_PREFIX_LEN + PF_AEAD_TAG_LEN)

struct pf_sealer {
	struct pf_aead *aead; /* borrowed */
	uint8_t salt[4];      /* direction bit already applied */
	uint64_t next_seq;    /* sender only */
};

void pf_sealer_init(struct pf_sealer *s, struct pf_aead *aead, const uint8_t salt[static 4],
	enum pf_direction direction);

/*
 * Seal n packets that lie `stride` bytes apart: each has 8 bytes of room for the sequence, then
 * text_len bytes of plaintext, then 16 bytes of room for the tag. Takes n sequence numbers.
 * Errors: PF_E_CRYPTO, PF_E_CLOSED when the sequence space is used up.
 */
int pf_sealer_seal_batch(struct pf_sealer *s, uint8_t *packets, size_t n, size_t stride,
	size_t text_len) PF_MUST_CHECK;

/*
 * Open one packet in place. On success *seq is the authenticated sequence and *text / *text_len
 * the plaintext inside packet. Errors: PF_E_BAD_PACKET (shorter than the overhead), PF_E_CRYPTO.
 */
int pf_sealer_open(struct pf_sealer *s, uint8_t *packet, size_t len, uint64_t *seq, uint8_t **text,
	size_t *text_len) PF_MUST_CHECK;

#endif
