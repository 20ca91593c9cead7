/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/aead.h"

#include <limits.h>
#include <string.h>

#include "core/crypto/aead_impl.h"

/* The fastest first: create() takes the first one that knows the cipher on this machine. */
static const struct pf_aead_impl *const providers[] = {
#ifdef HAVE_IPSEC_MB
	&pf_aead_ipsecmb,
#endif
	&pf_aead_libcrypto,
};

#define N_PROVIDERS (sizeof(providers) / sizeof(providers[0]))

/* Far above any datagram, and small enough for the int lengths of the libraries. */
#define MAX_TEXT_LEN ((size_t)INT_MAX / 2)

static size_t key_len_of(enum pf_cipher cipher)
{
	switch (cipher) {
	case PF_CIPHER_AES_128_GCM:
		return 16;
	case PF_CIPHER_CHACHA20_POLY1305:
		return 32;
	}
	return 0;
}

int pf_aead_create_from(struct pf_aead **out, const char *provider, enum pf_cipher cipher,
	const uint8_t *key, size_t key_len)
{
	*out = NULL;
	size_t want = key_len_of(cipher);
	if (!want)
		return PF_E_UNSUPPORTED;
	if (!key || key_len != want)
		return PF_E_INVALID;
	int err = PF_E_UNSUPPORTED;
	for (size_t i = 0; i < N_PROVIDERS && err == PF_E_UNSUPPORTED; i++)
		if (!provider || strcmp(provider, providers[i]->name) == 0)
			err = providers[i]->create(out, cipher, key);
	return err;
}

int pf_aead_create(struct pf_aead **out, enum pf_cipher cipher, const uint8_t *key, size_t key_len)
{
	return pf_aead_create_from(out, NULL, cipher, key, key_len);
}

void pf_aead_destroy(struct pf_aead *aead)
{
	if (aead)
		aead->impl->destroy(aead);
}

const char *pf_aead_provider(const struct pf_aead *aead)
{
	return aead->impl->name;
}

const char *pf_aead_provider_at(size_t i)
{
	return i < N_PROVIDERS ? providers[i]->name : NULL;
}

int pf_aead_seal(struct pf_aead *aead, const uint8_t nonce[static PF_AEAD_NONCE_LEN],
	const uint8_t *aad, size_t aad_len, uint8_t *text, size_t len)
{
	if (len > MAX_TEXT_LEN || aad_len > MAX_TEXT_LEN)
		return PF_E_INVALID;
	return aead->impl->seal(aead, nonce, aad, aad_len, text, len);
}

int pf_aead_open(struct pf_aead *aead, const uint8_t nonce[static PF_AEAD_NONCE_LEN],
	const uint8_t *aad, size_t aad_len, uint8_t *text, size_t len)
{
	if (len > MAX_TEXT_LEN || aad_len > MAX_TEXT_LEN)
		return PF_E_INVALID;
	return aead->impl->open(aead, nonce, aad, aad_len, text, len);
}
