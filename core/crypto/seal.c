/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>

#include "core/base/bytes.h"
#include "core/crypto/aead.h"

/*
 * The sealed packet of wire 7.2:
 *
 *   off 0  8  sequence, big endian, in clear; also the AAD
 *       8  n  ciphertext
 *     8+n 16  tag
 *
 * nonce: salt(4), its top bit the direction || sequence(8, big endian)
 */

void pf_sealer_init(struct pf_sealer *s, struct pf_aead *aead, const uint8_t salt[static 4],
	enum pf_direction direction)
{
	*s = (struct pf_sealer){.aead = aead};
	memcpy(s->salt, salt, sizeof(s->salt));
	s->salt[0] = (uint8_t)((salt[0] & 0x7f) | (direction == PF_CLIENT_TO_HOST ? 0x80 : 0));
}

static void make_nonce(uint8_t nonce[static PF_AEAD_NONCE_LEN], const struct pf_sealer *s,
	const uint8_t *seq_bytes)
{
	memcpy(nonce, s->salt, sizeof(s->salt));
	memcpy(nonce + sizeof(s->salt), seq_bytes, PF_SEAL_PREFIX_LEN);
}

int pf_sealer_seal_batch(
	struct pf_sealer *s, uint8_t *packets, size_t n, size_t stride, size_t text_len)
{
	/* Never a nonce twice under one key: the space ends rather than wraps. */
	if (n > UINT64_MAX - s->next_seq)
		return PF_E_CLOSED;
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = packets + i * stride;
		uint8_t nonce[PF_AEAD_NONCE_LEN];
		pf_put_be64(p, s->next_seq++);
		make_nonce(nonce, s, p);
		int err = pf_aead_seal(
			s->aead, nonce, p, PF_SEAL_PREFIX_LEN, p + PF_SEAL_PREFIX_LEN, text_len);
		if (err)
			return err;
	}
	return PF_OK;
}

int pf_sealer_open(struct pf_sealer *s, uint8_t *packet, size_t len, uint64_t *seq, uint8_t **text,
	size_t *text_len)
{
	if (len < PF_SEAL_OVERHEAD)
		return PF_E_BAD_PACKET;
	uint8_t nonce[PF_AEAD_NONCE_LEN];
	make_nonce(nonce, s, packet);
	size_t n = len - PF_SEAL_OVERHEAD;
	int err = pf_aead_open(
		s->aead, nonce, packet, PF_SEAL_PREFIX_LEN, packet + PF_SEAL_PREFIX_LEN, n);
	if (err)
		return err;
	*seq = pf_get_be64(packet);
	*text = packet + PF_SEAL_PREFIX_LEN;
	*text_len = n;
	return PF_OK;
}
