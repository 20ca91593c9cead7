/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/moonlight/seal.h"

#include <openssl/evp.h>

#include "core/base/bytes.h"

bool moon_seal(bool seal, const uint8_t key[static 16], uint32_t seq, char side, char plane,
	const uint8_t *in, size_t len, uint8_t *out, uint8_t tag[static 16])
{
	uint8_t iv[12] = {0};
	int n = 0;
	pf_put_le32(iv, seq);
	iv[10] = (uint8_t)side;
	iv[11] = (uint8_t)plane;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok = ctx && EVP_CipherInit_ex(ctx, EVP_aes_128_gcm(), NULL, key, iv, seal) == 1 &&
		EVP_CipherUpdate(ctx, out, &n, in, (int)len) == 1;
	if (ok && !seal)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, 16, tag) == 1;
	ok = ok && EVP_CipherFinal_ex(ctx, out + n, &n) == 1;
	if (ok && seal)
		ok = EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, 16, tag) == 1;
	EVP_CIPHER_CTX_free(ctx);
	return ok;
}
