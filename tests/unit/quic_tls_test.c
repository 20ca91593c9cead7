/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/quic_pair.h"

#include <stdlib.h>

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

/*
 * Peers that our own code cannot be: linked with --wrap for two calls of GnuTLS, so that a side offers
 * another ALPN or none, or holds a certificate without its key.
 */

/* One for each session in the order of creation; NULL = as asked, "" = no ALPN at all. */
static const char *alpn_of_next[4];
static unsigned n_alpn;
static bool skip_key_match;
static gnutls_x509_crt_t second_of_chain; /* sent behind the leaf of the next identity */

int __real_gnutls_alpn_set_protocols(
	gnutls_session_t session, const gnutls_datum_t *protocols, unsigned n, unsigned flags);
int __wrap_gnutls_alpn_set_protocols(
	gnutls_session_t session, const gnutls_datum_t *protocols, unsigned n, unsigned flags);
int __wrap_gnutls_alpn_set_protocols(
	gnutls_session_t session, const gnutls_datum_t *protocols, unsigned n, unsigned flags)
{
	const char *other = n_alpn < 4 ? alpn_of_next[n_alpn] : NULL;
	n_alpn++;
	if (!other)
		return __real_gnutls_alpn_set_protocols(session, protocols, n, flags);
	if (!*other)
		return 0;
	const gnutls_datum_t one = {(unsigned char *)(uintptr_t)other, (unsigned)strlen(other)};
	return __real_gnutls_alpn_set_protocols(session, &one, 1, flags);
}

int __real_gnutls_certificate_set_x509_key(gnutls_certificate_credentials_t cred,
	gnutls_x509_crt_t *certs, int n, gnutls_x509_privkey_t key);
int __wrap_gnutls_certificate_set_x509_key(gnutls_certificate_credentials_t cred,
	gnutls_x509_crt_t *certs, int n, gnutls_x509_privkey_t key);
int __wrap_gnutls_certificate_set_x509_key(gnutls_certificate_credentials_t cred,
	gnutls_x509_crt_t *certs, int n, gnutls_x509_privkey_t key)
{
	if (skip_key_match)
		gnutls_certificate_set_flags(cred, GNUTLS_CERTIFICATE_SKIP_KEY_CERT_MATCH);
	gnutls_x509_crt_t chain[2] = {certs[0], second_of_chain};
	if (second_of_chain)
		return __real_gnutls_certificate_set_x509_key(cred, chain, 2, key);
	return __real_gnutls_certificate_set_x509_key(cred, certs, n, key);
}

static void alpn(const char *client, const char *server)
{
	n_alpn = 0;
	memset(alpn_of_next, 0, sizeof alpn_of_next);
	alpn_of_next[0] = client;
	alpn_of_next[1] = server;
}

static struct pair *run_pair(struct pf_identity *host, const uint8_t *pin)
{
	struct pair *p = malloc(sizeof *p);
	assert_non_null(p);
	pair_init(p);
	if (host)
		p->server_params.identity = host;
	struct pf_quic_params params = pair_client_params(p);
	params.pin = pin;
	pair_connect(p, &params);
	pair_run(p, p->now + 5000 * MS, NULL);
	return p;
}

static void free_pair(struct pair *p)
{
	pair_finish(p);
	free(p);
	alpn(NULL, NULL);
}

static void no_common_alpn_is_told_apart(void **state)
{
	(void)state;
	static const struct {
		const char *client, *server;
	} cases[] = {{"pkf2", NULL}, {"h3", NULL}, {NULL, "pkf2"}, {"pkf", NULL}, {"", NULL},
		{NULL, ""}};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct pf_quic_end end;
		alpn(cases[i].client, cases[i].server);
		struct pair *p = run_pair(NULL, NULL);
		assert_int_equal(p->server.n_ready, 0);
		pf_quic_get_end(p->client.q, &end);
		assert_int_equal(end.err, PF_E_WIRE_VERSION);
		assert_int_equal(end.cause, PF_QUIC_CAUSE_ALPN);
		pf_quic_get_end(p->server.q, &end);
		assert_int_equal(end.err, PF_E_WIRE_VERSION);
		assert_int_equal(end.cause, PF_QUIC_CAUSE_ALPN);
		free_pair(p);
	}
}

static void the_pinned_certificate_without_its_key_is_refused(void **state)
{
	(void)state;
	struct pf_identity *real, *other, *impostor;
	uint8_t pin[PF_FINGERPRINT_LEN];
	assert_int_equal(pf_identity_generate(&real, "punktfunk", PAIR_NOW_S), PF_OK);
	assert_int_equal(pf_identity_generate(&other, "punktfunk", PAIR_NOW_S), PF_OK);
	const char *cert = pf_identity_cert_pem(real), *key = pf_identity_key_pem(other);
	skip_key_match = true;
	assert_int_equal(
		pf_identity_from_pem(&impostor, cert, strlen(cert), key, strlen(key)), PF_OK);
	skip_key_match = false;
	pf_identity_fingerprint(real, pin);
	alpn(NULL, NULL);

	/* As a host, under the right pin: only CertificateVerify can tell. */
	struct pair *p = run_pair(impostor, pin);
	struct pf_quic_end end;
	assert_int_equal(p->client.n_ready, 0);
	assert_int_equal(p->server.n_ready, 0);
	pf_quic_get_end(p->client.q, &end);
	assert_int_equal(end.err, PF_E_CRYPTO);
	assert_int_equal(end.cause, PF_QUIC_CAUSE_TLS);
	free_pair(p);

	/* As a client: a host must never be told the fingerprint of a key that was not shown. */
	p = malloc(sizeof *p);
	assert_non_null(p);
	pair_init(p);
	struct pf_quic_params params = pair_client_params(p);
	params.identity = impostor;
	pair_connect(p, &params);
	pair_run(p, p->now + 5000 * MS, NULL);
	assert_int_equal(p->server.n_ready, 0);
	pf_quic_get_end(p->server.q, &end);
	assert_int_equal(end.cause, PF_QUIC_CAUSE_TLS);
	free_pair(p);

	/* The real one under the same pin gets in. */
	p = run_pair(real, pin);
	assert_int_equal(p->client.n_ready, 1);
	assert_int_equal(p->server.n_ready, 1);
	free_pair(p);
	pf_identity_destroy(real);
	pf_identity_destroy(other);
	pf_identity_destroy(impostor);
}

static gnutls_x509_crt_t crt_of(const struct pf_identity *id)
{
	gnutls_x509_crt_t crt;
	const char *pem = pf_identity_cert_pem(id);
	const gnutls_datum_t text = {(unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem)};
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_import(crt, &text, GNUTLS_X509_FMT_PEM), 0);
	return crt;
}

static gnutls_x509_privkey_t key_of(const struct pf_identity *id)
{
	gnutls_x509_privkey_t key;
	const char *pem = pf_identity_key_pem(id);
	const gnutls_datum_t text = {(unsigned char *)(uintptr_t)pem, (unsigned)strlen(pem)};
	assert_int_equal(gnutls_x509_privkey_init(&key), 0);
	assert_int_equal(gnutls_x509_privkey_import(key, &text, GNUTLS_X509_FMT_PEM), 0);
	return key;
}

/* A certificate for keys' key, signed by signer, with everything that can be chosen like signer's. */
static struct pf_identity *derive(const struct pf_identity *keys, const struct pf_identity *signer,
	time_t from, time_t until, bool as_ca)
{
	struct pf_identity *id;
	gnutls_x509_crt_t crt, issuer = crt_of(signer);
	gnutls_x509_privkey_t key = key_of(keys), signing = key_of(signer);
	gnutls_datum_t pem;
	uint8_t serial[32];
	size_t serial_len = sizeof serial;
	const char *key_pem = pf_identity_key_pem(keys);
	assert_int_equal(gnutls_x509_crt_get_serial(issuer, serial, &serial_len), 0);
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_set_version(crt, 3), 0);
	assert_int_equal(gnutls_x509_crt_set_serial(crt, serial, serial_len), 0);
	assert_int_equal(gnutls_x509_crt_set_activation_time(crt, from), 0);
	assert_int_equal(gnutls_x509_crt_set_expiration_time(crt, until), 0);
	assert_int_equal(gnutls_x509_crt_set_dn(crt, "CN=punktfunk-client", NULL), 0);
	assert_int_equal(gnutls_x509_crt_set_basic_constraints(crt, as_ca, -1), 0);
	assert_int_equal(gnutls_x509_crt_set_key(crt, key), 0);
	assert_int_equal(gnutls_x509_crt_sign2(crt, issuer, signing, GNUTLS_DIG_SHA256, 0), 0);
	assert_int_equal(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &pem), 0);
	assert_int_equal(pf_identity_from_pem(
				 &id, (const char *)pem.data, pem.size, key_pem, strlen(key_pem)),
		PF_OK);
	gnutls_free(pem.data);
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_crt_deinit(issuer);
	gnutls_x509_privkey_deinit(key);
	gnutls_x509_privkey_deinit(signing);
	return id;
}

/* The host is told this client's own leaf, and that it is not `paired`. Destroys client. */
static void is_known_by_its_leaf(struct pf_identity *client, const struct pf_identity *paired)
{
	uint8_t own[PF_FINGERPRINT_LEN], other[PF_FINGERPRINT_LEN];
	struct pair *p = malloc(sizeof *p);
	assert_non_null(p);
	pair_init(p);
	struct pf_quic_params params = pair_client_params(p);
	params.identity = client;
	pair_connect(p, &params);
	pair_run(p, p->now + 5000 * MS, NULL);
	pf_identity_fingerprint(client, own);
	pf_identity_fingerprint(paired, other);
	assert_int_equal(p->server.n_ready, 1);
	assert_true(p->server.had_fp);
	assert_memory_equal(p->server.fp, own, sizeof own);
	assert_memory_not_equal(p->server.fp, other, sizeof other);
	free_pair(p);
	pf_identity_destroy(client);
}

/* What broke into others of this kind: a certificate is its bytes, and nothing that it says or who signed it. */
static void a_client_is_its_leaf_and_nothing_else(void **state)
{
	struct pf_identity *paired, *stranger, *derived;
	const time_t now = PAIR_NOW_S, year = 365 * 86400;
	(void)state;
	alpn(NULL, NULL);
	assert_int_equal(pf_identity_generate(&paired, "punktfunk-client", PAIR_NOW_S), PF_OK);
	assert_int_equal(pf_identity_generate(&stranger, "punktfunk-client", PAIR_NOW_S), PF_OK);
	/* Dates say nothing: over, and yet to come. */
	is_known_by_its_leaf(derive(stranger, stranger, now - 2 * year, now - year, false), paired);
	is_known_by_its_leaf(derive(stranger, stranger, now + year, now + 2 * year, false), paired);
	/* Nor does the key, in a certificate of other bytes. */
	is_known_by_its_leaf(derive(paired, paired, now - year, now + year, false), paired);
	/* Nor a paired client's signature, with its serial and names, as an authority or not. */
	is_known_by_its_leaf(derive(stranger, paired, now - year, now + year, false), paired);
	is_known_by_its_leaf(derive(stranger, paired, now - year, now + year, true), paired);
	/* Nor a paired client's certificate further back in what was sent. */
	second_of_chain = crt_of(paired);
	derived = derive(stranger, paired, now - year, now + year, false);
	gnutls_x509_crt_deinit(second_of_chain);
	second_of_chain = NULL;
	is_known_by_its_leaf(derived, paired);
	pf_identity_destroy(paired);
	pf_identity_destroy(stranger);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_common_alpn_is_told_apart),
		cmocka_unit_test(the_pinned_certificate_without_its_key_is_refused),
		cmocka_unit_test(a_client_is_its_leaf_and_nothing_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
