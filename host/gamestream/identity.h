/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_IDENTITY_H
#define HOST_GAMESTREAM_IDENTITY_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"
#include "host/gamestream/cert.h"
#include "net/identity.h"

/*
 * The host towards Moonlight clients: DIR/gamestream-cert.pem and gamestream-key.pem, RSA as these clients want it,
 * and an id. Clients pin the bytes of the certificate and keep the id as the key of all that they know of this host:
 * both are made once and never change by themselves. Thread: the control loop.
 */

struct gs_identity {
	struct identity_pem pem;
	struct gs_cert cert;
	struct evp_pkey_st *key;
	char uuid[37];
};

/* why: a sentence that names the file and says what to do. Errors: as identity_load_or_create(). */
int gs_identity_load_or_create(
	struct gs_identity **out, const char *dir, char *why, size_t why_len) PF_MUST_CHECK;
void gs_identity_destroy(struct gs_identity *id); /* takes NULL; wipes the key */

/* RSA PKCS #1 v1.5 with SHA-256. Returns the length. Errors: PF_E_CRYPTO. */
int gs_identity_sign(const struct gs_identity *id, const uint8_t *data, size_t len,
	uint8_t sig[static GS_CERT_SIG_MAX]) PF_MUST_CHECK;

#endif
