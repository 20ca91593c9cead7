/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef HOST_GAMESTREAM_CERT_H
#define HOST_GAMESTREAM_CERT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/error.h"

/* What pairing needs of an RSA certificate. Thread: any. */

#define GS_CERT_FP_LEN	32u
#define GS_CERT_PEM_MAX 8192u /* bytes; one of RSA-4096 has 2,000 */
#define GS_CERT_SIG_MAX 512u  /* RSA-4096 */
#define GS_RSA_MIN_BITS 2048
#define GS_RSA_MAX_BITS 4096

struct evp_pkey_st;

struct gs_cert {
	struct evp_pkey_st *key;      /* the public one */
	uint8_t fp[GS_CERT_FP_LEN];   /* SHA-256 of the DER bytes as they came */
	uint8_t sig[GS_CERT_SIG_MAX]; /* the value of its signature */
	size_t sig_len;
};

/*
 * One PEM certificate and nothing else of weight, of an RSA key in the range above. Dates, names, version, usages and
 * who signed it do not matter: the exact bytes are what is trusted. out is to be finished also after an error.
 * Errors: PF_E_INVALID, PF_E_NOMEM.
 */
int gs_cert_parse(struct gs_cert *out, const char *pem, size_t len) PF_MUST_CHECK;
void gs_cert_finish(struct gs_cert *c); /* takes a zeroed one */
/* RSA PKCS #1 v1.5 with SHA-256. Errors: PF_E_CRYPTO. */
int gs_cert_verify(const struct gs_cert *c, const uint8_t *data, size_t len, const uint8_t *sig,
	size_t sig_len) PF_MUST_CHECK;

#endif
