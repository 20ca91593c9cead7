/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/cert.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>

/* A large exponent makes each check of a signature as slow as making one. */
#define EXPONENT_MAX_BITS 33

static int check_key(EVP_PKEY *key)
{
	BIGNUM *e = NULL;
	int bits = EVP_PKEY_get_bits(key);
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA || bits < GS_RSA_MIN_BITS ||
		bits > GS_RSA_MAX_BITS || EVP_PKEY_get_bn_param(key, "e", &e) != 1)
		return PF_E_INVALID;
	bool good = BN_is_odd(e) && !BN_is_one(e) && BN_num_bits(e) <= EXPONENT_MAX_BITS;
	BN_free(e);
	return good ? PF_OK : PF_E_INVALID;
}

static int read_der(struct gs_cert *out, const uint8_t *der, size_t len)
{
	const ASN1_BIT_STRING *sig = NULL;
	const uint8_t *at = der;
	int err = PF_E_INVALID;
	X509 *x509 = d2i_X509(NULL, &at, (long)len);
	if (!x509 || at != der + len)
		goto done;
	X509_get0_signature(&sig, NULL, x509);
	if (!sig || sig->length < 1 || (size_t)sig->length > sizeof(out->sig))
		goto done;
	out->sig_len = (size_t)sig->length;
	memcpy(out->sig, sig->data, out->sig_len);
	SHA256(der, len, out->fp);
	out->key = X509_get_pubkey(x509);
	err = out->key ? check_key(out->key) : PF_E_INVALID;
done:
	X509_free(x509);
	return err;
}

int gs_cert_parse(struct gs_cert *out, const char *pem, size_t len)
{
	char *name = NULL, *header = NULL;
	unsigned char *der = NULL;
	long der_len = 0;
	int err = PF_E_INVALID;
	memset(out, 0, sizeof(*out));
	if (!len || len > GS_CERT_PEM_MAX)
		return PF_E_INVALID;
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	if (!bio)
		return PF_E_NOMEM;
	if (PEM_read_bio(bio, &name, &header, &der, &der_len) == 1 && der_len > 0 &&
		!strcmp(name, PEM_STRING_X509) && !*header)
		err = read_der(out, der, (size_t)der_len);
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	ERR_clear_error();
	if (err < 0)
		gs_cert_finish(out);
	return err;
}

void gs_cert_finish(struct gs_cert *c)
{
	EVP_PKEY_free(c->key);
	memset(c, 0, sizeof(*c));
}

int gs_cert_verify(const struct gs_cert *c, const uint8_t *data, size_t len, const uint8_t *sig,
	size_t sig_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int good = ctx && EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, c->key) == 1 &&
		EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? PF_OK : PF_E_CRYPTO;
}
