/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/aead_impl.h"

#include <openssl/evp.h>

#include "core/base/alloc.h"

/*
 * Packet sealing through libcrypto's EVP. One context a direction, keyed once: a packet sets only
 * the nonce, so nothing is fetched, expanded or allocated for it.
 */
struct libcrypto_aead {
	struct pf_aead base;
	EVP_CIPHER_CTX *enc, *dec;
};

static struct libcrypto_aead *libcrypto_from(struct pf_aead *base)
{
	pf_check(base->impl == &pf_aead_libcrypto);
	return (struct libcrypto_aead *)base;
}

static void libcrypto_destroy(struct pf_aead *base)
{
	struct libcrypto_aead *a = libcrypto_from(base);
	/* Freeing a context cleanses its key schedule. */
	EVP_CIPHER_CTX_free(a->enc);
	EVP_CIPHER_CTX_free(a->dec);
	pf_free_secret(a, sizeof(*a));
}

static int libcrypto_create(struct pf_aead **out, enum pf_cipher cipher, const uint8_t *key)
{
	const EVP_CIPHER *evp = cipher == PF_CIPHER_AES_128_GCM ? EVP_aes_128_gcm()
								: EVP_chacha20_poly1305();
	struct libcrypto_aead *a = pf_calloc(1, sizeof(*a));
	if (!a)
		return PF_E_NOMEM;
	a->base.impl = &pf_aead_libcrypto;
	int err = PF_E_NOMEM;
	a->enc = EVP_CIPHER_CTX_new();
	a->dec = EVP_CIPHER_CTX_new();
	if (!a->enc || !a->dec)
		goto fail;
	err = PF_E_CRYPTO;
	if (EVP_EncryptInit_ex(a->enc, evp, NULL, key, NULL) != 1 ||
		EVP_DecryptInit_ex(a->dec, evp, NULL, key, NULL) != 1)
		goto fail;
	*out = &a->base;
	return PF_OK;
fail:
	libcrypto_destroy(&a->base);
	return err;
}

static int libcrypto_seal(struct pf_aead *base, const uint8_t *nonce, const uint8_t *aad,
	size_t aad_len, uint8_t *text, size_t len)
{
	EVP_CIPHER_CTX *ctx = libcrypto_from(base)->enc;
	int n;
	if (EVP_EncryptInit_ex(ctx, NULL, NULL, NULL, nonce) != 1 ||
		(aad_len && EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len) != 1) ||
		(len && EVP_EncryptUpdate(ctx, text, &n, text, (int)len) != 1) ||
		EVP_EncryptFinal_ex(ctx, text + len, &n) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, (int)PF_AEAD_TAG_LEN, text + len) !=
			1)
		return PF_E_CRYPTO;
	return PF_OK;
}

static int libcrypto_open(struct pf_aead *base, const uint8_t *nonce, const uint8_t *aad,
	size_t aad_len, uint8_t *text, size_t len)
{
	EVP_CIPHER_CTX *ctx = libcrypto_from(base)->dec;
	int n;
	if (EVP_DecryptInit_ex(ctx, NULL, NULL, NULL, nonce) != 1 ||
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, (int)PF_AEAD_TAG_LEN, text + len) !=
			1 ||
		(aad_len && EVP_DecryptUpdate(ctx, NULL, &n, aad, (int)aad_len) != 1) ||
		(len && EVP_DecryptUpdate(ctx, text, &n, text, (int)len) != 1) ||
		EVP_DecryptFinal_ex(ctx, text + len, &n) != 1)
		return PF_E_CRYPTO;
	return PF_OK;
}

const struct pf_aead_impl pf_aead_libcrypto = {
	.name = "libcrypto",
	.create = libcrypto_create,
	.destroy = libcrypto_destroy,
	.seal = libcrypto_seal,
	.open = libcrypto_open,
};
