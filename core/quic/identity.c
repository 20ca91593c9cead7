/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/identity.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>

#include "core/base/alloc.h"
#include "core/quic/tls.h"

#define NAME_MAX_LEN 64u	 /* of a common name in X.520 */
#define PEM_MAX_LEN  (64u << 10) /* a chain of any sane size; more is not a certificate file */
#define SERIAL_LEN   16u	 /* RFC 5280: at most 20 bytes, positive */
#define DAY_S	     (24u * 3600) /* a clock that is behind must not see a certificate of the future */
#define LIFETIME_S   (20ull * 365 * DAY_S)

static char *copy_pem(const void *data, size_t len)
{
	char *p = pf_calloc(1, len + 1);
	if (p)
		memcpy(p, data, len);
	return p;
}

static int fill_fingerprint(struct pf_identity *id, gnutls_x509_crt_t crt)
{
	gnutls_datum_t der = {0};
	if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) < 0)
		return PF_E_CRYPTO;
	int err = gnutls_hash_fast(GNUTLS_DIG_SHA256, der.data, der.size, id->fingerprint);
	gnutls_free(der.data);
	return err < 0 ? PF_E_CRYPTO : PF_OK;
}

int pf_identity_from_pem(struct pf_identity **out, const char *cert_pem, size_t cert_len,
	const char *key_pem, size_t key_len)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_x509_privkey_t key = NULL;
	int err = PF_E_NOMEM;

	*out = NULL;
	if (!cert_len || cert_len > PEM_MAX_LEN || !key_len || key_len > PEM_MAX_LEN)
		return PF_E_INVALID;
	struct pf_identity *id = pf_calloc(1, sizeof *id);
	if (!id)
		return PF_E_NOMEM;
	id->cert_pem = copy_pem(cert_pem, cert_len);
	id->key_pem = copy_pem(key_pem, key_len);
	id->key_len = key_len;
	if (!id->cert_pem || !id->key_pem || gnutls_x509_crt_init(&crt) < 0 ||
		gnutls_x509_privkey_init(&key) < 0 ||
		gnutls_certificate_allocate_credentials(&id->credentials) < 0)
		goto fail;
	const gnutls_datum_t cert_text = {(unsigned char *)id->cert_pem, (unsigned)cert_len};
	const gnutls_datum_t key_text = {(unsigned char *)id->key_pem, (unsigned)key_len};
	err = PF_E_INVALID;
	if (gnutls_x509_crt_import(crt, &cert_text, GNUTLS_X509_FMT_PEM) < 0 ||
		gnutls_x509_privkey_import2(
			key, &key_text, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN) < 0)
		goto fail;
	/* Refuses a key that is not the certificate's. */
	if (gnutls_certificate_set_x509_key(id->credentials, &crt, 1, key) < 0)
		goto fail;
	err = fill_fingerprint(id, crt);
	if (err < 0)
		goto fail;
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	*out = id;
	return PF_OK;
fail:
	if (crt)
		gnutls_x509_crt_deinit(crt);
	if (key)
		gnutls_x509_privkey_deinit(key);
	pf_identity_destroy(id);
	return err;
}

void pf_identity_destroy(struct pf_identity *id)
{
	if (!id)
		return;
	if (id->credentials)
		gnutls_certificate_free_credentials(id->credentials);
	pf_free_secret(id->key_pem, id->key_len);
	pf_free(id->cert_pem);
	pf_free(id);
}

static bool name_ok(const char *name)
{
	size_t len = strnlen(name, NAME_MAX_LEN + 1);
	if (!len || len > NAME_MAX_LEN)
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return false;
	return true;
}

static int fill_certificate(
	gnutls_x509_crt_t crt, gnutls_x509_privkey_t key, const char *name, uint64_t now_s)
{
	uint8_t serial[SERIAL_LEN];
	pf_tls_random(serial, sizeof serial);
	serial[0] = (uint8_t)((serial[0] & 0x7F) | 0x40); /* positive, and never a leading zero */
	time_t from = (time_t)(now_s > DAY_S ? now_s - DAY_S : 0);
	time_t until = (time_t)(now_s + LIFETIME_S);
	unsigned len = (unsigned)strlen(name);
	if (gnutls_x509_crt_set_version(crt, 3) < 0 ||
		gnutls_x509_crt_set_serial(crt, serial, sizeof serial) < 0 ||
		gnutls_x509_crt_set_activation_time(crt, from) < 0 ||
		gnutls_x509_crt_set_expiration_time(crt, until) < 0 ||
		gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, name, len) < 0 ||
		gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_DNSNAME, name, len, GNUTLS_FSAN_SET) < 0 ||
		gnutls_x509_crt_set_basic_constraints(crt, 0, -1) < 0 ||
		gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE) < 0 ||
		gnutls_x509_crt_set_key(crt, key) < 0 ||
		gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0) < 0)
		return PF_E_CRYPTO;
	return PF_OK;
}

int pf_identity_generate(struct pf_identity **out, const char *name, uint64_t now_s)
{
	gnutls_x509_crt_t crt = NULL;
	gnutls_x509_privkey_t key = NULL;
	gnutls_datum_t cert_pem = {0}, key_pem = {0};
	int err = PF_E_CRYPTO;

	*out = NULL;
	if (!name_ok(name) || now_s > INT32_MAX * 8ull)
		return PF_E_INVALID;
	if (gnutls_x509_crt_init(&crt) < 0 || gnutls_x509_privkey_init(&key) < 0)
		goto end;
	if (gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
		    GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0) < 0 ||
		fill_certificate(crt, key, name, now_s) < 0 ||
		gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &cert_pem) < 0 ||
		gnutls_x509_privkey_export2_pkcs8(
			key, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN, &key_pem) < 0)
		goto end;
	err = pf_identity_from_pem(out, (const char *)cert_pem.data, cert_pem.size,
		(const char *)key_pem.data, key_pem.size);
end:
	if (key_pem.data)
		pf_wipe(key_pem.data, key_pem.size);
	gnutls_free(key_pem.data);
	gnutls_free(cert_pem.data);
	if (key)
		gnutls_x509_privkey_deinit(key);
	if (crt)
		gnutls_x509_crt_deinit(crt);
	return err;
}

const char *pf_identity_cert_pem(const struct pf_identity *id)
{
	return id->cert_pem;
}

const char *pf_identity_key_pem(const struct pf_identity *id)
{
	return id->key_pem;
}

void pf_identity_fingerprint(const struct pf_identity *id, uint8_t out[static PF_FINGERPRINT_LEN])
{
	memcpy(out, id->fingerprint, PF_FINGERPRINT_LEN);
}
