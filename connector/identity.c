/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <string.h>
#include <time.h>

#include "connector/internal.h"
#include "core/base/alloc.h"
#include "core/quic/conn.h"

#define CLIENT_NAME "punktfunk-client" /* CN and SAN, wire 3 */

static int copy_text(char *out, size_t cap, const char *text)
{
	size_t len = strlen(text) + 1;
	if (len > cap)
		return PF_E_FULL;
	memcpy(out, text, len);
	return PF_OK;
}

int punktfunk_generate_identity(char *cert_pem, size_t cert_cap, char *key_pem, size_t key_cap)
{
	struct pf_identity *id = NULL;
	if (!cert_pem || !key_pem)
		return PF_E_NULL;
	if (!cert_cap || !key_cap)
		return PF_E_FULL;
	cert_pem[0] = key_pem[0] = 0;
	int err = pf_identity_generate(&id, CLIENT_NAME, (uint64_t)time(NULL));
	if (err < 0)
		return err;
	err = copy_text(cert_pem, cert_cap, pf_identity_cert_pem(id));
	if (err == PF_OK)
		err = copy_text(key_pem, key_cap, pf_identity_key_pem(id));
	if (err < 0)
		cert_pem[0] = 0;
	pf_identity_destroy(id);
	return err;
}

int identity_read(struct pf_identity **out, const char *cert_pem, const char *key_pem)
{
	*out = NULL;
	if (!cert_pem && !key_pem)
		return PF_OK;
	if (!cert_pem || !key_pem)
		return PF_E_INVALID;
	return pf_identity_from_pem(out, cert_pem, strnlen(cert_pem, PUNKTFUNK_PEM_MAX + 1),
		key_pem, strnlen(key_pem, PUNKTFUNK_PEM_MAX + 1));
}

int punktfunk_identity_fingerprint(const char *cert_pem, const char *key_pem, uint8_t *out)
{
	struct pf_identity *id;
	if (!cert_pem || !key_pem || !out)
		return PF_E_NULL;
	int err = identity_read(&id, cert_pem, key_pem);
	if (err == PF_OK)
		pf_identity_fingerprint(id, out);
	pf_identity_destroy(id);
	return err;
}
