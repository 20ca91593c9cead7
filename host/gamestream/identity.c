/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "host/gamestream/identity.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include "core/base/alloc.h"

#define RSA_BITS    2048
#define VALID_DAYS  (20 * 365)
#define YESTERDAY   (-24 * 3600l) /* a client's clock may be behind */
#define COMMON_NAME "punktfunk GameStream host"

static int copy_bio(char **out, size_t *len, BIO *bio)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);
	*out = n > 0 ? pf_calloc(1, (size_t)n + 1) : NULL;
	if (!*out)
		return PF_E_NOMEM;
	memcpy(*out, text, (size_t)n);
	*len = (size_t)n;
	return PF_OK;
}

static X509 *make_cert(EVP_PKEY *key)
{
	uint8_t serial[8];
	X509 *x509 = X509_new();
	if (!x509 || RAND_bytes(serial, sizeof(serial)) != 1)
		goto fail;
	serial[0] &= 0x7f;
	BIGNUM *bn = BN_bin2bn(serial, sizeof(serial), NULL);
	bool good = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x509));
	BN_free(bn);
	X509_NAME *name = X509_get_subject_name(x509);
	good = good && X509_set_version(x509, X509_VERSION_3) == 1 &&
		X509_gmtime_adj(X509_getm_notBefore(x509), YESTERDAY) &&
		X509_time_adj_ex(X509_getm_notAfter(x509), VALID_DAYS, 0, NULL) &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			(const unsigned char *)COMMON_NAME, -1, -1, 0) == 1 &&
		X509_set_issuer_name(x509, name) == 1 && X509_set_pubkey(x509, key) == 1 &&
		X509_sign(x509, key, EVP_sha256()) > 0;
	if (good)
		return x509;
fail:
	X509_free(x509);
	return NULL;
}

static int make(struct identity_pem *pem, void *userdata)
{
	int err = PF_E_CRYPTO;
	EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
	X509 *x509 = key ? make_cert(key) : NULL;
	BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_secmem());
	(void)userdata;
	if (x509 && cert_bio && key_bio && PEM_write_bio_X509(cert_bio, x509) == 1 &&
		PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) == 1) {
		err = copy_bio(&pem->cert, &pem->cert_len, cert_bio);
		if (err >= 0)
			err = copy_bio(&pem->key, &pem->key_len, key_bio);
	}
	BIO_free(cert_bio);
	BIO_free(key_bio);
	X509_free(x509);
	EVP_PKEY_free(key);
	return err;
}

static int read_key(struct gs_identity *id)
{
	BIO *bio = BIO_new_mem_buf(id->pem.key, (int)id->pem.key_len);
	if (!bio)
		return PF_E_NOMEM;
	id->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)(uintptr_t) "");
	BIO_free(bio);
	ERR_clear_error();
	return id->key && EVP_PKEY_eq(id->key, id->cert.key) == 1 ? PF_OK : PF_E_INVALID;
}

/* The id that the host has anyway, in the form that these clients know. */
static void format_uuid(char out[static 37], const char id[static IDENTITY_HOST_ID_LEN + 1])
{
	snprintf(out, 37, "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12, id + 16, id + 20);
}

int gs_identity_load_or_create(struct gs_identity **out, const char *dir, char *why, size_t why_len)
{
	char host_id[IDENTITY_HOST_ID_LEN + 1];
	struct gs_identity *id = calloc(1, sizeof(*id));
	snprintf(why, why_len, "The host is out of memory.");
	if (!id)
		return PF_E_NOMEM;
	id->pem.cert_file = "gamestream-cert.pem";
	id->pem.key_file = "gamestream-key.pem";
	int err = identity_pem_load(&id->pem, dir, make, NULL, why, why_len);
	if (err < 0)
		goto fail;
	err = gs_cert_parse(&id->cert, id->pem.cert, id->pem.cert_len);
	if (err >= 0)
		err = read_key(id);
	if (err < 0) {
		identity_pem_damaged(&id->pem, dir, why, why_len);
		goto fail;
	}
	err = identity_host_id(host_id, dir, why, why_len);
	if (err < 0)
		goto fail;
	format_uuid(id->uuid, host_id);
	*out = id;
	return PF_OK;
fail:
	gs_identity_destroy(id);
	return err;
}

void gs_identity_destroy(struct gs_identity *id)
{
	if (!id)
		return;
	EVP_PKEY_free(id->key);
	gs_cert_finish(&id->cert);
	identity_pem_finish(&id->pem);
	free(id);
}

int gs_identity_sign(const struct gs_identity *id, const uint8_t *data, size_t len,
	uint8_t sig[static GS_CERT_SIG_MAX])
{
	size_t sig_len = GS_CERT_SIG_MAX;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int good = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, id->key) == 1 &&
		EVP_DigestSign(ctx, sig, &sig_len, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return good ? (int)sig_len : PF_E_CRYPTO;
}
