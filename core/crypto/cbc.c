/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/crypto/cbc.h"

#include <limits.h>

#include <openssl/evp.h>

#include "core/base/alloc.h"

#define MAX_TEXT_LEN ((size_t)INT_MAX / 2)

/* Keyed once: a packet sets only the IV, so nothing is fetched, expanded or allocated for it. */
struct pf_cbc {
	EVP_CIPHER_CTX *enc;
};

int pf_cbc_create(struct pf_cbc **out, const uint8_t key[static PF_CBC_KEY_LEN])
{
	*out = NULL;
	struct pf_cbc *c = pf_calloc(1, sizeof(*c));
	if (!c)
		return PF_E_NOMEM;
	int err = PF_E_NOMEM;
	c->enc = EVP_CIPHER_CTX_new();
	if (!c->enc)
		goto fail;
	err = PF_E_CRYPTO;
	if (EVP_EncryptInit_ex(c->enc, EVP_aes_128_cbc(), NULL, key, NULL) != 1)
		goto fail;
	*out = c;
	return PF_OK;
fail:
	pf_cbc_destroy(c);
	return err;
}

void pf_cbc_destroy(struct pf_cbc *c)
{
	if (!c)
		return;
	EVP_CIPHER_CTX_free(c->enc); /* cleanses the key schedule */
	pf_free(c);
}

int pf_cbc_encrypt(struct pf_cbc *c, const uint8_t iv[static PF_CBC_BLOCK_LEN], const uint8_t *text,
	size_t len, uint8_t *out)
{
	int n = 0, last = 0;
	if (len > MAX_TEXT_LEN)
		return PF_E_INVALID;
	if (EVP_EncryptInit_ex(c->enc, NULL, NULL, NULL, iv) != 1 ||
		(len && EVP_EncryptUpdate(c->enc, out, &n, text, (int)len) != 1) ||
		EVP_EncryptFinal_ex(c->enc, out + n, &last) != 1)
		return PF_E_CRYPTO;
	return PF_OK;
}
