/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_CRYPTO_AEAD_IMPL_H
#define PF_CRYPTO_AEAD_IMPL_H

#include "core/crypto/aead.h"

/*
 * What a provider of packet sealing implements. aead.c checks the arguments once and picks the
 * provider; these functions trust their caller. The base struct is embedded first.
 */
struct pf_aead_impl {
	const char *name;
	/* key has the length that the cipher wants. PF_E_UNSUPPORTED: not this cipher, or not on
	 * this machine; the next provider is asked. */
	int (*create)(struct pf_aead **out, enum pf_cipher cipher, const uint8_t *key);
	void (*destroy)(struct pf_aead *aead);
	int (*seal)(struct pf_aead *aead, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
		uint8_t *text, size_t len);
	int (*open)(struct pf_aead *aead, const uint8_t *nonce, const uint8_t *aad, size_t aad_len,
		uint8_t *text, size_t len);
};

struct pf_aead {
	const struct pf_aead_impl *impl;
};

extern const struct pf_aead_impl pf_aead_ipsecmb; /* only where HAVE_IPSEC_MB */
extern const struct pf_aead_impl pf_aead_libcrypto;

#endif
