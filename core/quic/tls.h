/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_QUIC_TLS_H
#define PF_QUIC_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include <ngtcp2/ngtcp2_crypto.h>

#include "core/base/error.h"
#include "core/quic/conn.h"

/*
 * TLS 1.3 of one connection: ALPN `pkf1`, the peer judged by its fingerprint alone. Keys and packets
 * are conn.c's, through ngtcp2's crypto helper.
 */

struct pf_tls;

struct pf_tls_params {
	bool server;
	const struct pf_identity *identity; /* server: required */
	const uint8_t *pin;		    /* client: 32 bytes, copied; NULL = any host */
	ngtcp2_crypto_get_conn get_conn;
	void *get_conn_arg; /* becomes ngtcp2_crypto_conn_ref.user_data */
};

int pf_tls_create(struct pf_tls **out, const struct pf_tls_params *params) PF_MUST_CHECK;
void pf_tls_destroy(struct pf_tls *t); /* takes NULL */
void *pf_tls_native_handle(struct pf_tls *t);
/* After the handshake. Errors: PF_E_WIRE_VERSION (the peer left ALPN out). */
int pf_tls_check_alpn(struct pf_tls *t) PF_MUST_CHECK;
/* SHA-256 of the peer's leaf, NULL = it presented none. */
const uint8_t *pf_tls_peer_fingerprint(const struct pf_tls *t);
/* Was the handshake refused because of the pin? */
bool pf_tls_pin_failed(const struct pf_tls *t);
/* Random bytes of GnuTLS; without them there is no security, so it traps when there are none. */
void pf_tls_random(void *out, size_t len);

#endif
