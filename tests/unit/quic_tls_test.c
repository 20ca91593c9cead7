/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "tests/unit/quic_pair.h"

#include <stdlib.h>

#include <gnutls/gnutls.h>

/*
 * Peers that our own code cannot be: linked with --wrap for two calls of GnuTLS, so that a side offers
 * another ALPN or none, or holds a certificate without its key.
 */

/* One for each session in the order of creation; NULL = as asked, "" = no ALPN at all. */
static const char *alpn_of_next[4];
static unsigned n_alpn;
static bool skip_key_match;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_common_alpn_is_told_apart),
		cmocka_unit_test(the_pinned_certificate_without_its_key_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
