/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef PF_QUIC_IDENTITY_H
#define PF_QUIC_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include <gnutls/gnutls.h>

#include "core/quic/conn.h"

/* Inside of conn.h's pf_identity, for tls_gnutls.c. */
struct pf_identity {
	gnutls_certificate_credentials_t credentials;
	char *cert_pem, *key_pem;
	size_t key_len;
	uint8_t fingerprint[PF_FINGERPRINT_LEN];
};

#endif
