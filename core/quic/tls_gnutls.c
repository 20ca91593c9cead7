/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "core/quic/tls.h"

#include <string.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include "core/base/alloc.h"
#include "core/quic/identity.h"
#include "core/wire/handshake.h"

/* What QUIC allows of TLS 1.3 (RFC 9001), fastest group first. */
#define PRIORITY \
	"NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:" \
	"-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE"

#define MAX_FLIGHT 16384u /* bytes of one handshake message: a self-signed leaf, also RSA-4096 */

struct pf_tls {
	ngtcp2_crypto_conn_ref ref; /* first: GnuTLS's session pointer is this object */
	gnutls_session_t session;
	gnutls_certificate_credentials_t own_credentials; /* a client without identity */
	bool has_pin, pin_failed, has_peer;
	uint8_t pin[PF_FINGERPRINT_LEN];
	uint8_t peer_fp[PF_FINGERPRINT_LEN];
};

void pf_tls_random(void *out, size_t len)
{
	pf_check(gnutls_rnd(GNUTLS_RND_RANDOM, out, len) >= 0);
}

/*
 * Runs after GnuTLS has checked CertificateVerify and before Finished goes out. The fingerprint is all
 * that counts: names, dates and chains of a self-signed leaf say nothing.
 */
static int verify_peer(gnutls_session_t session)
{
	struct pf_tls *t = gnutls_session_get_ptr(session);
	unsigned n = 0;
	const gnutls_datum_t *certs = gnutls_certificate_get_peers(session, &n);
	if (certs && n) {
		if (gnutls_hash_fast(GNUTLS_DIG_SHA256, certs[0].data, certs[0].size, t->peer_fp) <
			0)
			return -1;
		t->has_peer = true;
	}
	if (!t->has_pin)
		return 0;
	if (t->has_peer && !gnutls_memcmp(t->peer_fp, t->pin, sizeof t->pin))
		return 0;
	t->pin_failed = true;
	return -1;
}

static int set_server(struct pf_tls *t)
{
	gnutls_certificate_server_set_request(t->session, GNUTLS_CERT_REQUEST);
	return ngtcp2_crypto_gnutls_configure_server_session(t->session);
}

static int set_client(struct pf_tls *t)
{
	if (gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, PF_WIRE_SNI, strlen(PF_WIRE_SNI)) <
		0)
		return -1;
	return ngtcp2_crypto_gnutls_configure_client_session(t->session);
}

int pf_tls_create(struct pf_tls **out, const struct pf_tls_params *params)
{
	static const char alpn[] = PF_WIRE_ALPN;

	*out = NULL;
	pf_check(params->identity || !params->server);
	struct pf_tls *t = pf_calloc(1, sizeof *t);
	if (!t)
		return PF_E_NOMEM;
	t->ref = (ngtcp2_crypto_conn_ref){params->get_conn, params->get_conn_arg};
	if (params->pin) {
		t->has_pin = true;
		memcpy(t->pin, params->pin, sizeof t->pin);
	}
	/* A host's request names no issuers, and a client's leaf has none: send it all the same. */
	unsigned flags = params->server ? GNUTLS_SERVER : GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT;
	if (gnutls_init(&t->session, flags | GNUTLS_NO_TICKETS | GNUTLS_NO_AUTO_SEND_TICKET) < 0) {
		t->session = NULL;
		goto fail;
	}
	if (!params->identity && gnutls_certificate_allocate_credentials(&t->own_credentials) < 0)
		goto fail;
	const gnutls_datum_t protocol = {(unsigned char *)alpn, sizeof alpn - 1};
	gnutls_session_set_ptr(t->session, t);
	gnutls_handshake_set_max_packet_length(t->session, MAX_FLIGHT);
	gnutls_session_set_verify_function(t->session, verify_peer);
	if (gnutls_priority_set_direct(t->session, PRIORITY, NULL) < 0 ||
		gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
			params->identity ? params->identity->credentials : t->own_credentials) <
			0 ||
		gnutls_alpn_set_protocols(t->session, &protocol, 1, GNUTLS_ALPN_MANDATORY) < 0 ||
		(params->server ? set_server(t) : set_client(t)) != 0)
		goto fail;
	*out = t;
	return PF_OK;
fail:
	pf_tls_destroy(t);
	return PF_E_CRYPTO;
}

void pf_tls_destroy(struct pf_tls *t)
{
	if (!t)
		return;
	if (t->session)
		gnutls_deinit(t->session);
	if (t->own_credentials)
		gnutls_certificate_free_credentials(t->own_credentials);
	pf_free(t);
}

void *pf_tls_native_handle(struct pf_tls *t)
{
	return t->session;
}

int pf_tls_check_alpn(struct pf_tls *t)
{
	gnutls_datum_t selected = {0};
	/* GnuTLS lets a peer through that sends no ALPN at all. */
	if (gnutls_alpn_get_selected_protocol(t->session, &selected) < 0 ||
		selected.size != strlen(PF_WIRE_ALPN) ||
		memcmp(selected.data, PF_WIRE_ALPN, selected.size))
		return PF_E_WIRE_VERSION;
	return PF_OK;
}

const uint8_t *pf_tls_peer_fingerprint(const struct pf_tls *t)
{
	return t->has_peer ? t->peer_fp : NULL;
}

bool pf_tls_pin_failed(const struct pf_tls *t)
{
	return t->pin_failed;
}
