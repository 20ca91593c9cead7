/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef TESTS_UNIT_GAMESTREAM_DEVICE_H
#define TESTS_UNIT_GAMESTREAM_DEVICE_H

/* A Moonlight device as pairing sees it: an RSA key, certificates of every kind, and its side of the arithmetic. */

#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "host/gamestream/cert.h"
#include "host/gamestream/hex.h"

#define DEVICE_PEM_MAX (3 * GS_CERT_PEM_MAX) /* larger than any that a host takes */

struct device {
	EVP_PKEY *key;
	X509 *x509;
	char cert_pem[DEVICE_PEM_MAX], key_pem[DEVICE_PEM_MAX];
	char cert_hex[2 * DEVICE_PEM_MAX + 1];
	uint8_t salt[16], aes[16], challenge[16], secret[16];
	uint8_t host_hash[32], host_challenge[16];
};

struct device_kind {
	int bits; /* 0 = 2048 */
	bool expired, ca;
	uint64_t exponent;	   /* 0 = 65537 */
	const char *key_usage;	   /* NULL = none */
	int names;		   /* more of them, of 12 bytes each, in subject and issuer */
	const struct device *twin; /* has the same key; NULL = one of its own */
	const struct device *by;   /* signed by this one's key, in its name; NULL = itself */
};

static inline void device_text(char *out, size_t cap, BIO *bio)
{
	char *text;
	long n = BIO_get_mem_data(bio, &text);
	memset(out, 0, cap);
	if (n > 0 && (size_t)n < cap)
		memcpy(out, text, (size_t)n);
	BIO_free(bio);
}

static inline void device_extension(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	X509_add_ext(x509, ext, -1);
	X509_EXTENSION_free(ext);
}

static inline EVP_PKEY *device_rsa(int bits, uint64_t exponent)
{
	EVP_PKEY *key = NULL;
	BIGNUM *e = BN_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BN_set_word(e, exponent ? exponent : 65537);
	EVP_PKEY_keygen_init(ctx);
	EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, bits ? bits : 2048);
	EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e);
	EVP_PKEY_generate(ctx, &key);
	EVP_PKEY_CTX_free(ctx);
	BN_free(e);
	return key;
}

static inline void device_make(struct device *d, const struct device_kind *kind)
{
	static const struct device_kind plain;
	kind = kind ? kind : &plain;
	memset(d, 0, sizeof(*d));
	d->key = kind->twin ? kind->twin->key : device_rsa(kind->bits, kind->exponent);
	if (kind->twin)
		EVP_PKEY_up_ref(d->key);
	d->x509 = X509_new();
	X509_set_version(d->x509, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(d->x509), 0);
	X509_time_adj_ex(X509_getm_notBefore(d->x509), kind->expired ? -20 : -1, 0, NULL);
	X509_time_adj_ex(X509_getm_notAfter(d->x509), kind->expired ? -10 : 7000, 0, NULL);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(d->x509), "CN", MBSTRING_ASC,
		(const unsigned char *)"NVIDIA GameStream Client", -1, -1, 0);
	for (int i = 0; i < kind->names; i++)
		X509_NAME_add_entry_by_txt(X509_get_subject_name(d->x509), "OU", MBSTRING_ASC,
			(const unsigned char *)"a", -1, -1, 0);
	X509_set_issuer_name(d->x509, X509_get_subject_name(kind->by ? kind->by->x509 : d->x509));
	X509_set_pubkey(d->x509, d->key);
	if (kind->ca)
		device_extension(d->x509, NID_basic_constraints, "critical,CA:TRUE");
	if (kind->key_usage)
		device_extension(d->x509, NID_key_usage, kind->key_usage);
	X509_sign(d->x509, kind->by ? kind->by->key : d->key, EVP_sha256());

	BIO *bio = BIO_new(BIO_s_mem());
	PEM_write_bio_X509(bio, d->x509);
	device_text(d->cert_pem, sizeof(d->cert_pem), bio);
	bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PKCS8PrivateKey(bio, d->key, NULL, NULL, 0, NULL, NULL);
	device_text(d->key_pem, sizeof(d->key_pem), bio);
	hex_write(d->cert_hex, (const uint8_t *)d->cert_pem, strlen(d->cert_pem));
}

static inline void device_free(struct device *d)
{
	EVP_PKEY_free(d->key);
	X509_free(d->x509);
}

static inline void device_ecb(
	const uint8_t key[16], int encrypt, uint8_t *out, const uint8_t *in, int len)
{
	int n;
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	EVP_CipherInit_ex(ctx, EVP_aes_128_ecb(), NULL, key, NULL, encrypt);
	EVP_CIPHER_CTX_set_padding(ctx, 0);
	EVP_CipherUpdate(ctx, out, &n, in, len);
	EVP_CIPHER_CTX_free(ctx);
}

/* SHA-256(a[16] | signature | b[16]) */
static inline void device_mix(uint8_t out[32], const uint8_t a[16], const uint8_t *sig,
	size_t sig_len, const uint8_t b[16])
{
	uint8_t all[16 + GS_CERT_SIG_MAX + 16];
	memcpy(all, a, 16);
	memcpy(all + 16, sig, sig_len);
	memcpy(all + 16 + sig_len, b, 16);
	SHA256(all, 32 + sig_len, out);
}

/* Step 1: a new salt, and the key of the PIN that the device shows. */
static inline void device_begin(struct device *d, const char *pin, char salt_hex[33])
{
	uint8_t in[20], hash[32];
	RAND_bytes(d->salt, 16);
	memcpy(in, d->salt, 16);
	memcpy(in + 16, pin, 4);
	SHA256(in, sizeof(in), hash);
	memcpy(d->aes, hash, 16);
	hex_write(salt_hex, d->salt, 16);
}

static inline void device_challenge(struct device *d, char out[33])
{
	uint8_t sealed[16];
	RAND_bytes(d->challenge, 16);
	device_ecb(d->aes, 1, sealed, d->challenge, 16);
	hex_write(out, sealed, 16);
}

/* Takes the host's answer, makes step 3. False: the answer is no 48 bytes. */
static inline bool device_response(struct device *d, const char *challengeresponse, char out[65])
{
	uint8_t sealed[48], plain[48], hash[32];
	const ASN1_BIT_STRING *sig;
	if (hex_read_exact(sealed, sizeof(sealed), challengeresponse) < 0)
		return false;
	device_ecb(d->aes, 0, plain, sealed, 48);
	memcpy(d->host_hash, plain, 32);
	memcpy(d->host_challenge, plain + 32, 16);
	RAND_bytes(d->secret, 16);
	X509_get0_signature(&sig, NULL, d->x509);
	device_mix(hash, d->host_challenge, sig->data, (size_t)sig->length, d->secret);
	device_ecb(d->aes, 1, hash, hash, 32);
	hex_write(out, hash, 32);
	return true;
}

/* Does the host know the PIN, and is it the one of this certificate? What a client checks before step 4. */
static inline bool device_trusts(
	const struct device *d, const char *pairingsecret, const struct gs_cert *host)
{
	uint8_t in[16 + GS_CERT_SIG_MAX], hash[32];
	int len = hex_read(in, sizeof(in), pairingsecret);
	if (len < 17 || gs_cert_verify(host, in, 16, in + 16, (size_t)len - 16) < 0)
		return false;
	device_mix(hash, d->challenge, host->sig, host->sig_len, in);
	return !memcmp(hash, d->host_hash, 32);
}

/* Step 4, out has 2 * (16 + GS_CERT_SIG_MAX) + 1 bytes. */
static inline void device_secret(const struct device *d, const EVP_PKEY *key, char *out)
{
	uint8_t all[16 + GS_CERT_SIG_MAX];
	size_t len = GS_CERT_SIG_MAX;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	memcpy(all, d->secret, 16);
	EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, (EVP_PKEY *)(uintptr_t)key);
	EVP_DigestSign(ctx, all + 16, &len, d->secret, 16);
	EVP_MD_CTX_free(ctx);
	hex_write(out, all, 16 + len);
}

#endif
